"""Snapshots that say what a test needs and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from sessionlint.inventory.model import Point, Usage
from sessionlint.report import CheckError, Finding, Span, TraceStep
from sessionlint_reports.snapshot import FileRecord, Revision, Snapshot, State, StoredFinding, Yardstick

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TODAY = Yardstick("policy", "0.1.0")


def found(code: str, name: str, *, path: str = "a.py", line: int = 1, state: State = "open") -> StoredFinding:
    """A finding whose identity is made of its code and ``name``."""
    span = Span(path, line, 1, line, 9)
    return StoredFinding(Finding(code, "a-rule", span, f"{name}.", identity=f"{code}-{name}"), state)


def snapshot(
    day: int,
    findings: Sequence[StoredFinding] = (),
    *,
    files: Sequence[str] = ("a.py", "b.py"),
    project: str = "shop",
    branch: str = "main",
    commit: str | None = None,
    author: str = "Ada",
    yardstick: Yardstick = TODAY,
    mainline: bool = True,
    dirty: bool = False,
    documents: Mapping[str, str] | None = None,
) -> Snapshot:
    """A snapshot taken ``day`` days after the start, of the commit ``c<day>`` unless told otherwise."""
    paths = sorted({*files, *(stored.finding.path for stored in findings)})
    records = tuple(
        FileRecord(path, 10, findings=tuple(s for s in findings if s.finding.path == path)) for path in paths
    )
    name = f"c{day}" if commit is None else commit
    at = START + timedelta(days=day)
    revision = Revision(name, branch, at, author, f"{author}@example.org", "a commit", mainline, dirty)
    return Snapshot(project, revision, yardstick, records, documents=documents or {})


def hostile() -> Snapshot:
    """A snapshot in which every field is used, and every text is unkind."""
    nasty = "</script>'\"\u202e\U0001f600%s\n\t" + "x" * 10_000
    path = "src/pa'th;--.py"
    finding = Finding(
        code="TXN105",
        name="unapproved-session-source",
        span=Span(path, 3, 5, 4, 7),
        message=nasty,
        severity="warning",
        fixable=True,
        qualname="Outer.<locals>.inner",
        fingerprint="f" * 24,
        trace=(TraceStep("src/b.py", 1, 2, nasty), TraceStep(path, 3, 5, "here")),
        identity="i" * 24,
    )
    record = FileRecord(
        path=path,
        lines=120,
        layer="router",
        owners=("@team/db", "ada@example.org"),
        findings=(StoredFinding(finding), StoredFinding(finding, "suppressed", nasty, "2026-12-31")),
        points=(Point("Path", path, ((1, 2), (5, 5)), "`Session()`", "fix required", nasty, ("TXN101",)),),
        usage=Usage("Path", path, "review", nasty),
    )
    revision = Revision("c" * 40, nasty, START, nasty, nasty, nasty, mainline=False, dirty=True)
    errors = (CheckError("src/broken.py", 7, nasty, 3),)
    return Snapshot(nasty, revision, Yardstick("p" * 32, nasty), (record,), errors, {"policy": "{}", "map": nasty})
