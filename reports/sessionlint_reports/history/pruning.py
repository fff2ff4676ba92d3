"""Which snapshots a growing history can do without, and how they are deleted."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, delete, select

from sessionlint_reports.history import manifest
from sessionlint_reports.history.model import SnapshotInfo
from sessionlint_reports.history.schema import (
    document,
    file_version,
    finding,
    snapshot,
    snapshot_audit,
    snapshot_findings,
)

_AT_ONCE = 500

Period = Literal["day", "week", "month"]

_PERIODS: Mapping[Period, Callable[[datetime], str]] = {
    "day": lambda at: at.strftime("%Y-%m-%d"),
    "week": lambda at: at.strftime("%G-%V"),
    "month": lambda at: at.strftime("%Y-%m"),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """What to delete: snapshots before ``before`` (None: of any time), of ``branch`` (None: of any).

    ``keep`` spares the last one of each period; ``dirty_only`` deletes only those of dirty work trees. The newest
    snapshot of a branch is always kept, unless the branch is named.
    """

    before: datetime | None = None
    branch: str | None = None
    keep: Period | None = None
    dirty_only: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What a rule deletes and how many snapshots stay."""

    deleted: tuple[SnapshotInfo, ...]
    kept: int


def plan(found: Sequence[SnapshotInfo], rule: Rule) -> Plan:
    """The snapshots to delete among ``found``, which are in order of time."""
    spared = {(info.revision.branch, ""): info.id for info in found} if rule.branch is None else {}
    if rule.keep is not None:
        name = _PERIODS[rule.keep]
        spared |= {(info.revision.branch, name(info.revision.at)): info.id for info in found}
    kept = set(spared.values())
    deleted = tuple(info for info in found if info.id not in kept and _is_meant(info, rule))
    return Plan(deleted, len(found) - len(deleted))


def _is_meant(info: SnapshotInfo, rule: Rule) -> bool:
    return (
        (rule.before is None or info.revision.at < rule.before)
        and (rule.branch is None or info.revision.branch == rule.branch)
        and (not rule.dirty_only or info.revision.dirty)
    )


def delete_snapshots(connection: Connection, project_id: int, ids: Sequence[int]) -> None:
    """Deletes snapshots and the file versions and documents that no other one needs."""
    for chunk in _chunks(ids):
        for table in (snapshot_findings, snapshot_audit):
            connection.execute(delete(table).where(table.c.snapshot_id.in_(chunk)))
        connection.execute(delete(snapshot).where(snapshot.c.id.in_(chunk)))
    versions: set[int] = set()
    documents: set[int] = set()
    query = select(snapshot.c.manifest, snapshot.c.documents).where(snapshot.c.project_id == project_id)
    for packed, names in connection.execute(query):
        versions |= manifest.unpack(packed)
        documents |= set(json.loads(names).values())
    everything = connection.execute(select(file_version.c.id).where(file_version.c.project_id == project_id)).scalars()
    for chunk in _chunks(sorted(set(everything) - versions)):
        connection.execute(delete(finding).where(finding.c.file_version_id.in_(chunk)))
        connection.execute(delete(file_version).where(file_version.c.id.in_(chunk)))
    texts = connection.execute(select(document.c.id).where(document.c.project_id == project_id)).scalars()
    for chunk in _chunks(sorted(set(texts) - documents)):
        connection.execute(delete(document).where(document.c.id.in_(chunk)))


def _chunks(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE)]
