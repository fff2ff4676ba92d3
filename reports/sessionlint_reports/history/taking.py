"""From a run to a snapshot."""

from __future__ import annotations

import dataclasses
import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sessionlint.inventory import Inventory
from sessionlint.inventory.model import Point
from sessionlint.policy import Policy
from sessionlint.report import Checked, Report
from sessionlint_reports.history.git import head_revision, project_name
from sessionlint_reports.history.owners import Owners, owners_under
from sessionlint_reports.snapshot import FileRecord, Snapshot, StoredFinding, Yardstick

if TYPE_CHECKING:
    from sessionlint.program.api import Program

INFERRED = "inferred"
_NOT_SHOWN = frozenset({"root", "key_lines", "cache_dir", "output_format"})


class Taken(NamedTuple):
    """A snapshot of the work tree, with the run it was taken from."""

    snapshot: Snapshot
    report: Report
    program: Program


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def take(
    root: Path,
    policy: Policy | None,
    *,
    project: str | None = None,
    branch: str | None = None,
    progress: Callable[[int, int], None] | None = None,
    use_cache: bool = True,
    documents: Mapping[str, str] | None = None,
    clock: Callable[[], datetime] = _now,
) -> Taken:
    """Checks the work tree under ``root`` and makes a snapshot of what is found.

    Without a ``policy`` one is inferred. ``project`` and ``branch`` are what git says unless they are given.
    ``progress`` is called with files read and files in all. Raises :class:`SessionlintError` for a baseline or
    CODEOWNERS file that cannot be used.
    """
    from sessionlint.discovery import discover
    from sessionlint.gate.baseline_file import defines_on_disk, known
    from sessionlint.gate.settling import settle
    from sessionlint.gate.suppression_comments import read_comments
    from sessionlint.inventory import build_inventory
    from sessionlint.report_cache import cache_folder
    from sessionlint.run import examine

    settings = policy or Policy(root=root)
    folder = cache_folder(root, settings.cache_dir) if use_cache else None
    examined = examine(root, policy, discover(root, settings), folder, progress)
    program, found = examined.program, examined.report
    comments = read_comments(root, found.files, forbid=settings.suppressions == "forbid")
    now = clock()
    baseline = known(root, policy)
    report = settle(Checked(found, comments), program.policy, baseline, now.date(), defines_on_disk(root))
    records = records_of(
        report,
        build_inventory(program, (*report.findings, *report.absorbed)),
        program.policy,
        owners_under(root),
        lambda path: line_count(_content(root / path)),
    )
    snapshot = Snapshot(
        project=project or project_name(root),
        revision=head_revision(root, now, branch),
        yardstick=yardstick_of(policy, root),
        files=records,
        errors=report.errors,
        documents={"policy": policy_text(program.policy), **(documents or {})},
    )
    return Taken(snapshot, report, program)


def yardstick_of(policy: Policy | None, root: Path) -> Yardstick:
    """What a run under ``policy`` measures by; every inferred policy counts as the same."""
    digest = policy.digest if policy else f"{INFERRED}-{Policy(root=root).digest}"
    return Yardstick(digest, version("sessionlint"))


def policy_text(policy: Policy) -> str:
    """The policy as JSON, without what does not bear on findings."""
    fields = (field.name for field in dataclasses.fields(policy) if field.name not in _NOT_SHOWN)
    return json.dumps({name: getattr(policy, name) for name in fields}, default=dict, sort_keys=True)


def records_of(
    report: Report, inventory: Inventory, policy: Policy, owners: Owners, lines: Callable[[str], int]
) -> tuple[FileRecord, ...]:
    """One record for every checked file and for every other file a finding lies on, by path."""
    findings: dict[str, list[StoredFinding]] = defaultdict(list)
    for stored in stored_findings(report):
        findings[stored.finding.path].append(stored)
    points: dict[str, list[Point]] = defaultdict(list)
    for point in inventory.points:
        points[point.path].append(point)
    usages = {usage.path: usage for usage in inventory.usages}
    checked = frozenset(report.files)
    return tuple(
        FileRecord(
            path=path,
            lines=lines(path) if path in checked else 0,
            layer=policy.layer_of(path) or "",
            owners=owners(path),
            findings=tuple(sorted(findings[path], key=lambda stored: stored.finding.sort_key)),
            points=tuple(points[path]),
            usage=usages.get(path),
        )
        for path in sorted(checked | findings.keys())
    )


def stored_findings(report: Report) -> list[StoredFinding]:
    """The findings of a run in all states."""
    found = [StoredFinding(finding) for finding in report.findings]
    found += [StoredFinding(finding, "absorbed") for finding in report.absorbed]
    found += [
        StoredFinding(entry.finding, "suppressed", entry.by.reason, entry.by.until) for entry in report.suppressed
    ]
    return found


def line_count(data: bytes) -> int:
    """Number of lines, a last one without an end included."""
    return data.count(b"\n") + (not data.endswith(b"\n") if data else 0)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
