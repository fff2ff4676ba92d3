"""From a history to what pages are made of."""

from __future__ import annotations

from collections.abc import Sequence

from sessionlint_reports.history.model import SnapshotInfo
from sessionlint_reports.history.store import History
from sessionlint_reports.snapshot import Snapshot, State
from sessionlint_reports.subject import Subject, rule_pages
from sessionlint_reports.targets import Target

SUPPRESSED: tuple[State, ...] = ("suppressed",)


def gather(history: History, snapshot: Snapshot, number: int, targets: Sequence[Target] = ()) -> Subject:
    """The subject of a recorded ``snapshot`` with id ``number``.

    It is compared with the snapshot before it on its branch or, on a branch of one, with the newest of the
    branch that has most. Ages and dates are measured against the snapshot's own time, so that the same
    history gives the same pages on any day.
    """
    project, branch = snapshot.project, snapshot.revision.branch
    timeline = _until(history.timeline(project, branch), number)
    earlier = timeline[-2] if len(timeline) > 1 else _elsewhere(history, project, branch)
    return Subject(
        snapshot=snapshot,
        today=snapshot.revision.at,
        rules=rule_pages(),
        timeline=timeline,
        lives=history.lives(project, branch),
        suppressed_lives=history.lives(project, branch, SUPPRESSED),
        earlier=earlier,
        diff=history.diff(earlier.id, number) if earlier else None,
        targets=tuple(targets),
    )


def _until(timeline: Sequence[SnapshotInfo], number: int) -> tuple[SnapshotInfo, ...]:
    """The timeline up to the snapshot; it is the end even of a timeline that leaves it out (a merged commit)."""
    ids = [info.id for info in timeline]
    return tuple(timeline[: ids.index(number) + 1]) if number in ids else tuple(timeline)


def _elsewhere(history: History, project: str, branch: str) -> SnapshotInfo | None:
    newest = history.latest(project)
    return newest if newest is not None and newest.revision.branch != branch else None
