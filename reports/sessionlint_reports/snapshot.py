"""What is remembered of one run: plain frozen data that history stores and pages show.

A snapshot holds the findings, audit rows and size of every checked file, where in the project's history it
was taken, and under which policy. Everything else (totals, trends, ages) is computed from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sessionlint.inventory.model import ORDER, Point, Status, Usage
from sessionlint.report import CheckError, Finding

State = Literal["open", "absorbed", "suppressed"]
"""``open`` counts at the gate, ``absorbed`` is debt the baseline tolerates, ``suppressed`` carries a reason."""

DEBT: tuple[State, ...] = ("open", "absorbed")


@dataclass(frozen=True, slots=True)
class Revision:
    """The place in the project's history a snapshot was taken at.

    ``commit`` is empty outside git; ``dirty`` tells that files differed from the commit. ``at`` is the
    committer's time (time of the run when dirty or outside git), in UTC, whole seconds. ``mainline`` is false
    for commits that came in through a merge.
    """

    commit: str
    branch: str
    at: datetime
    author: str = ""
    author_email: str = ""
    subject: str = ""
    mainline: bool = True
    dirty: bool = False


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What a snapshot was measured by; only snapshots with equal yardsticks can be compared fairly."""

    policy_digest: str
    tool_version: str


@dataclass(frozen=True, slots=True)
class StoredFinding:
    """A finding and its state; ``reason`` and ``until`` (ISO date or empty) are those of its suppression."""

    finding: Finding
    state: State = "open"
    reason: str = ""
    until: str = ""

    @property
    def identity(self) -> str:
        """The same under moved lines and in renamed files; twins share one."""
        return self.finding.identity

    @property
    def family(self) -> str:
        """``1xx`` for TXN101."""
        return family_of(self.finding.code)

    @property
    def is_debt(self) -> bool:
        """Whether somebody still has to mend it."""
        return self.state in DEBT


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One file: size in lines, layer (empty: none), owners (CODEOWNERS), findings and audit rows."""

    path: str
    lines: int = 0
    layer: str = ""
    owners: tuple[str, ...] = ()
    findings: tuple[StoredFinding, ...] = ()
    points: tuple[Point, ...] = ()
    usage: Usage | None = None

    @property
    def debt(self) -> int:
        """Number of findings that somebody has to mend: open and absorbed ones."""
        return sum(1 for stored in self.findings if stored.is_debt)

    @property
    def status(self) -> Status:
        """``fix required`` with a finding of severity error to mend, ``review`` with any other, else ``correct``."""
        severities = {stored.finding.severity for stored in self.findings if stored.is_debt}
        return "fix required" if "error" in severities else "review" if severities else "correct"


@dataclass(frozen=True, slots=True)
class Totals:
    """Numbers of one snapshot; the only part of it that trends need.

    ``by_code`` counts findings per rule and state; ``points`` are connection points and ``usages`` files, by
    audit status. A file is compliant when it has neither open nor absorbed findings: what a baseline
    tolerates is still to be mended.
    """

    files: int = 0
    files_with_debt: int = 0
    lines: int = 0
    errors: int = 0
    by_code: Mapping[State, Mapping[str, int]] = field(default_factory=dict)
    points: Mapping[Status, int] = field(default_factory=dict)
    usages: Mapping[Status, int] = field(default_factory=dict)

    def count(self, *states: State) -> int:
        """Number of findings in ``states`` (all states without any)."""
        return sum(sum(codes.values()) for state, codes in self.by_code.items() if not states or state in states)

    @property
    def debt(self) -> int:
        """Number of open and absorbed findings."""
        return self.count(*DEBT)

    @property
    def debt_by_code(self) -> dict[str, int]:
        """Open and absorbed findings per rule, sorted by code."""
        counts: Counter[str] = Counter()
        for state in DEBT:
            counts.update(self.by_code.get(state, {}))
        return dict(sorted(counts.items()))

    @property
    def debt_by_family(self) -> dict[str, int]:
        """Open and absorbed findings per family (``1xx`` …), sorted."""
        counts: Counter[str] = Counter()
        for code, number in self.debt_by_code.items():
            counts[family_of(code)] += number
        return dict(sorted(counts.items()))

    @property
    def compliance_percent(self) -> float:
        """Share of compliant files in percent with one decimal; 100.0 for no files."""
        if not self.files:
            return 100.0
        return round(100.0 * (self.files - self.files_with_debt) / self.files, 1)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One run, whole. ``files`` are sorted by path and hold every checked file, clean ones too.

    ``documents`` are further texts by name (such as ``policy``, JSON), stored once however many snapshots
    share them. Findings outside checked files (on the policy file) hang on a record with ``lines`` 0 that
    ``checked`` leaves out.
    """

    project: str
    revision: Revision
    yardstick: Yardstick
    files: tuple[FileRecord, ...] = ()
    errors: tuple[CheckError, ...] = ()
    documents: Mapping[str, str] = field(default_factory=dict)

    @property
    def checked(self) -> tuple[FileRecord, ...]:
        """The records of source files."""
        return tuple(record for record in self.files if is_source(record.path))

    @property
    def findings(self) -> tuple[StoredFinding, ...]:
        """All findings in all states, in order of path and line."""
        return tuple(stored for record in self.files for stored in record.findings)

    @property
    def totals(self) -> Totals:
        """The numbers of this snapshot."""
        return totals_of(self.files, len(self.errors))


def totals_of(files: Iterable[FileRecord], errors: int) -> Totals:
    """The numbers of ``files``; ``errors`` is the number of things that could not be checked."""
    number = with_debt = lines = 0
    by_code: dict[State, Counter[str]] = {}
    points: Counter[Status] = Counter()
    usages: Counter[Status] = Counter()
    for record in files:
        if is_source(record.path):
            number += 1
            lines += record.lines
            with_debt += record.debt > 0
        for stored in record.findings:
            by_code.setdefault(stored.state, Counter())[stored.finding.code] += 1
        for point in record.points:
            points[point.status] += len(point.lines)
        if record.usage is not None:
            usages[record.usage.status] += 1
    return Totals(
        files=number,
        files_with_debt=with_debt,
        lines=lines,
        errors=errors,
        by_code={state: dict(sorted(counts.items())) for state, counts in sorted(by_code.items())},
        points={status: points[status] for status in ORDER},
        usages={status: usages[status] for status in ORDER},
    )


def is_source(path: str) -> bool:
    """Whether ``path`` is a checked source file; findings also lie on policy files."""
    return not path.endswith(".toml")


def family_of(code: str) -> str:
    """``1xx`` for ``TXN101``."""
    return f"{code[3:4]}xx"
