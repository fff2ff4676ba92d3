"""Takes the snapshot a report is made of: the run itself, and the texts and the map its pages show."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from sessionlint.inventory import SessionMap, build_session_map
from sessionlint.policy import Policy
from sessionlint.sources import SourceLines
from sessionlint_reports.gathering import gather
from sessionlint_reports.history.store import History
from sessionlint_reports.history.taking import take
from sessionlint_reports.snapshot import Snapshot
from sessionlint_reports.subject import FIXES, MAP, SOURCE, Subject, rule_pages
from sessionlint_reports.suggesting import suggestions
from sessionlint_reports.targets import Target


class Captured(NamedTuple):
    """A snapshot with its documents, and the notes of the run."""

    snapshot: Snapshot
    notes: tuple[str, ...]


def capture(
    root: Path,
    policy: Policy | None,
    *,
    project: str | None = None,
    progress: Callable[[int, int], None] | None = None,
    use_cache: bool = True,
) -> Captured:
    """Checks the work tree under ``root``; the snapshot holds the session map and the texts its pages show."""
    taken = take(root, policy, project=project, progress=progress, use_cache=use_cache)
    session_map = build_session_map(taken.program)
    debt = [stored.finding for stored in taken.snapshot.findings if stored.is_debt]
    fixes = suggestions(root, taken.program, taken.report.files, debt)
    documents = {
        **taken.snapshot.documents,
        MAP: json.dumps(session_map.as_plain(), ensure_ascii=False, separators=(",", ":")),
        FIXES: json.dumps(fixes, ensure_ascii=False, separators=(",", ":")),
        **_texts(taken.snapshot, session_map, SourceLines(root)),
    }
    return Captured(dataclasses.replace(taken.snapshot, documents=documents), taken.report.notes)


def subject_of(captured: Snapshot, history: History | None, targets: tuple[Target, ...]) -> Subject:
    """What the pages are made of; with a ``history`` the snapshot is recorded in it first."""
    if history is None:
        return Subject(captured, captured.revision.at, rule_pages(), targets=targets)
    return gather(history, captured, history.record(captured).id, targets)


def _texts(snapshot: Snapshot, session_map: SessionMap, lines: SourceLines) -> dict[str, str]:
    wanted = {record.path for record in snapshot.files if record.findings or record.points}
    wanted.update(step.path for stored in snapshot.findings for step in stored.finding.trace)
    wanted.update(node.path for node in session_map.nodes)
    texts = {
        f"{SOURCE}{path}": lines.text(path) for path in sorted(wanted & {record.path for record in snapshot.files})
    }
    return {name: text for name, text in texts.items() if text}
