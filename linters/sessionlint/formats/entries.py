"""What a run has to say to another program: findings, and what could not be checked, as one list.

A file that could not be read has no findings; a receiver that compares with the last run would count
them as fixed. So every error is an entry too, under the code TXN901.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sessionlint.codes import CODES
from sessionlint.fingerprint import fingerprint
from sessionlint.report import CheckError, Finding, Report, Severity, TraceStep

NOT_CHECKED = "TXN901"
_RANK: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to report. ``file`` is relative to the project's root; ``""`` when no file is to blame.

    ``key`` is the finding's fingerprint; the second and later twins of one have ``:2``, ``:3`` … after it.
    """

    code: str
    severity: Severity
    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    message: str
    key: str
    trace: tuple[TraceStep, ...] = ()
    qualname: str = ""

    @property
    def title(self) -> str:
        """Code and name of the rule."""
        return f"{self.code} {CODES.get(self.code, '')}".rstrip()

    @property
    def is_error(self) -> bool:
        """Whether this is something that could not be checked rather than a finding."""
        return self.code == NOT_CHECKED


def entries(report: Report) -> tuple[Entry, ...]:
    """The errors of ``report``, then its findings, each in the report's own order."""
    seen: Counter[str] = Counter()
    return tuple(_numbered(entry, seen) for entry in (*map(_error, report.errors), *map(of_finding, report.findings)))


def of_finding(finding: Finding) -> Entry:
    """``finding`` as an entry, without a number among its twins."""
    span = finding.span
    return Entry(
        code=finding.code,
        severity=finding.severity,
        file=span.path,
        line=max(1, span.line),
        column=max(1, span.column),
        end_line=max(1, span.line, span.end_line),
        end_column=max(1, span.end_column),
        message=finding.message,
        key=finding.fingerprint,
        trace=finding.trace,
        qualname=finding.qualname,
    )


def _error(error: CheckError) -> Entry:
    # a rule that failed is named by its code in place of a path
    file = "" if error.path in CODES else error.path
    line, column = max(1, error.line), max(1, error.column)
    key = fingerprint(NOT_CHECKED, error.path, "", error.message)
    return Entry(NOT_CHECKED, "error", file, line, column, line, column, f"Not checked: {error.message}", key)


def _numbered(entry: Entry, seen: Counter[str]) -> Entry:
    seen[entry.key] += 1
    number = seen[entry.key]
    return entry if number == 1 else replace(entry, key=f"{entry.key}:{number}")


def by_importance(found: Iterable[Entry]) -> list[Entry]:
    """``found`` with the most important first.

    What was not checked leads, then severity decides. Within one severity the first finding of every rule
    comes before the second of any, so that a short list shows every kind of problem there is.
    """
    seen: Counter[str] = Counter()
    ranked = []
    for position, entry in enumerate(found):
        ranked.append((not entry.is_error, _RANK[entry.severity], seen[entry.code], entry.code, position, entry))
        seen[entry.code] += 1
    return [row[-1] for row in sorted(ranked, key=lambda row: row[:-1])]


def most_important(found: Sequence[Entry], limit: int) -> list[Entry]:
    """The ``limit`` most important of ``found``, in the order they had."""
    if len(found) <= limit:
        return list(found)
    kept = {id(entry) for entry in by_importance(found)[:limit]}
    return [entry for entry in found if id(entry) in kept]
