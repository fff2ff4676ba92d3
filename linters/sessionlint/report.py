"""What a run says: findings, errors and their summary, as plain frozen data.

Every adapter (command line, flake8, formats, reports) reads these types and nothing deeper.
Lines and columns count from 1; paths are relative to the project root with ``/``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of source: 1-based start and end, the end column exclusive."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One hop of the chain that proves a finding."""

    path: str
    line: int
    column: int
    note: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation: where, what, how to mend it, and the chain that proves it.

    ``qualname`` is the function or class that holds the finding (``""`` at module level).
    ``fingerprint`` is stable under moved lines, ``identity`` under moved and renamed files as well; twins
    share both (see :mod:`sessionlint.fingerprint`).
    """

    code: str
    name: str
    span: Span
    message: str
    severity: Severity = "error"
    fixable: bool = False
    qualname: str = ""
    fingerprint: str = ""
    trace: tuple[TraceStep, ...] = ()
    identity: str = ""

    @property
    def path(self) -> str:
        """The file that holds the finding."""
        return self.span.path

    @property
    def sort_key(self) -> tuple[str, int, int, str, str]:
        """Order of all output: path, line, column, code, message."""
        return (self.span.path, self.span.line, self.span.column, self.code, self.message)


@dataclass(frozen=True, slots=True)
class CheckError:
    """A file (or policy entry) that could not be checked; the run then exits 2."""

    path: str
    line: int
    message: str
    column: int = 1


@dataclass(frozen=True, slots=True)
class Suppression:
    """A suppression comment as it is written, at ``path``, ``line`` and ``column``.

    It covers lines ``first`` to ``last``. ``until`` is the last day it holds (ISO 8601, ``""``: for good).
    ``problem`` says what is wrong with it (``""``: nothing); one with a problem suppresses nothing.
    """

    path: str
    line: int
    column: int
    end_column: int
    codes: tuple[str, ...] = ()
    reason: str = ""
    until: str = ""
    first: int = 0
    last: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A finding that does not count, and the comment that says why."""

    finding: Finding
    by: Suppression


@dataclass(frozen=True, slots=True, order=True)
class BaselineEntry:
    """``count`` findings of one kind in one place that are known and tolerated; ``fingerprint`` is their identity."""

    path: str
    rule: str
    qualname: str
    fingerprint: str
    count: int


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of one run.

    ``findings`` are those that count; ``suppressed`` ones have a comment with a reason, ``absorbed`` ones were
    there before: ``compared_with`` names the baseline or revision that holds them (``""``: neither), and
    ``stale`` are its entries that no finding answers to any more. ``files`` are all checked project files
    (relative paths); ``notes`` are remarks for the person at the terminal (what was inferred);
    ``statistics`` are counters such as unknown receivers.
    """

    findings: tuple[Finding, ...] = ()
    errors: tuple[CheckError, ...] = ()
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    statistics: dict[str, int] = field(default_factory=dict)
    suppressed: tuple[Suppressed, ...] = ()
    absorbed: tuple[Finding, ...] = ()
    stale: tuple[BaselineEntry, ...] = ()
    compared_with: str = ""

    @property
    def exit_status(self) -> int:
        """0 clean, 1 findings, 2 something could not be checked (2 beats 1)."""
        if self.errors:
            return 2
        return 1 if self.findings else 0

    @property
    def files_with_findings(self) -> int:
        """Number of files with at least one finding; the policy file is none of the checked ones."""
        return len({f.span.path for f in self.findings if not f.span.path.endswith(".toml")})

    @property
    def non_compliant_files(self) -> int:
        """Number of files with a finding that counts or an absorbed one; a baseline makes no file compliant."""
        return len({f.path for f in (*self.findings, *self.absorbed) if not f.path.endswith(".toml")})

    @property
    def compliance_percent(self) -> float:
        """Share of checked files that are compliant, in percent with one decimal; 100.0 for no files."""
        total = len(self.files)
        if not total:
            return 100.0
        return round(100.0 * (total - self.non_compliant_files) / total, 1)

    @property
    def by_code(self) -> dict[str, int]:
        """Findings per rule code, sorted by code."""
        return dict(sorted(Counter(f.code for f in self.findings).items()))


@dataclass(frozen=True, slots=True)
class Checked:
    """What the rules found and the suppression comments there are, before the calendar or a baseline has a say."""

    report: Report
    comments: tuple[Suppression, ...] = ()
