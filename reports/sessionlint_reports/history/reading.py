"""How snapshots come out of the tables again."""

from __future__ import annotations

import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from sessionlint.inventory.model import ORDER, Status
from sessionlint_reports.history import codec, manifest
from sessionlint_reports.history.database import HistoryError
from sessionlint_reports.history.model import SnapshotInfo
from sessionlint_reports.history.schema import (
    document,
    file_version,
    finding,
    project,
    snapshot,
    snapshot_audit,
    snapshot_findings,
)
from sessionlint_reports.history.writing import moment
from sessionlint_reports.snapshot import FileRecord, Revision, Snapshot, State, StoredFinding, Totals, Yardstick

_AT_ONCE = 500

_INFO = [
    column for column in snapshot.c if column.name not in ("manifest", "problems", "documents", "project_id", "key")
]


def infos(connection: Connection, *where: ColumnElement[bool]) -> list[SnapshotInfo]:
    """The snapshots that fulfil all conditions, in order of time, then of recording."""
    query = (
        select(*_INFO, project.c.name.label("project"))
        .join(project, project.c.id == snapshot.c.project_id)
        .where(*where)
        .order_by(snapshot.c.at, snapshot.c.recorded_at, snapshot.c.id)
    )
    rows: Sequence[Any] = connection.execute(query).all()
    by_code, audit = _counts(connection, where)
    return [_info(row, by_code.get(row.id, {}), audit.get(row.id, {})) for row in rows]


def _counts(
    connection: Connection, where: Sequence[ColumnElement[bool]]
) -> tuple[dict[int, dict[State, dict[str, int]]], dict[int, dict[str, dict[Status, int]]]]:
    by_code: dict[int, dict[State, dict[str, int]]] = defaultdict(dict)
    audit: dict[int, dict[str, dict[Status, int]]] = defaultdict(dict)
    counts, audits = snapshot_findings.c, snapshot_audit.c
    rows = connection.execute(
        select(counts.snapshot_id, counts.state, counts.code, counts.number)
        .join(snapshot, snapshot.c.id == counts.snapshot_id)
        .join(project, project.c.id == snapshot.c.project_id)
        .where(*where)
        .order_by(counts.state, counts.code)
    )
    for number, state, code, count in rows:
        by_code[number].setdefault(state, {})[code] = count
    rows = connection.execute(
        select(audits.snapshot_id, audits.subject, audits.status, audits.number)
        .join(snapshot, snapshot.c.id == audits.snapshot_id)
        .join(project, project.c.id == snapshot.c.project_id)
        .where(*where)
    )
    for number, subject, status, count in rows:
        audit[number].setdefault(subject, {})[status] = count
    return by_code, audit


def _info(
    row: Any, by_code: Mapping[State, Mapping[str, int]], audit: Mapping[str, Mapping[Status, int]]
) -> SnapshotInfo:
    totals = Totals(
        files=row.files,
        files_with_debt=row.files_with_debt,
        lines=row.lines,
        errors=row.errors,
        by_code=dict(by_code),
        points={status: audit.get("points", {}).get(status, 0) for status in ORDER},
        usages={status: audit.get("usages", {}).get(status, 0) for status in ORDER},
    )
    revision = Revision(
        commit=row.commit,
        branch=row.branch,
        at=moment(row.at),
        author=row.author,
        author_email=row.author_email,
        subject=row.subject,
        mainline=row.mainline,
        dirty=row.dirty,
    )
    yardstick = Yardstick(row.policy_digest, row.tool_version)
    return SnapshotInfo(row.id, row.project, revision, yardstick, totals, moment(row.recorded_at))


def timeline_of(found: Sequence[SnapshotInfo]) -> tuple[SnapshotInfo, ...]:
    """One snapshot a commit (the last recorded), mainline only; a dirty one only when it is the newest of all."""
    latest: dict[str, SnapshotInfo] = {}
    for info in found:
        key = info.revision.commit if not info.revision.dirty and info.revision.commit else f"#{info.id}"
        if key not in latest or (info.recorded_at, info.id) > (latest[key].recorded_at, latest[key].id):
            latest[key] = info
    kept = sorted(latest.values(), key=lambda info: (info.revision.at, info.recorded_at, info.id))
    newest = kept[-1].id if kept else 0
    return tuple(info for info in kept if info.revision.mainline and (not info.revision.dirty or info.id == newest))


def branches_of(found: Iterable[SnapshotInfo]) -> tuple[str, ...]:
    """Branches, the one with most snapshots first; of equal ones the one with the newest."""
    numbers: Counter[str] = Counter()
    newest: dict[str, tuple[float, int]] = {}
    for info in found:
        numbers[info.revision.branch] += 1
        newest[info.revision.branch] = max(
            newest.get(info.revision.branch, (0.0, 0)), (info.revision.at.timestamp(), info.id)
        )
    return tuple(sorted(numbers, key=lambda branch: (numbers[branch], newest[branch]), reverse=True))


def versions_of(connection: Connection, ids: Sequence[int]) -> dict[int, frozenset[int]]:
    """The ids of the file versions each of the snapshots is made of."""
    found: dict[int, frozenset[int]] = {}
    for start in range(0, len(ids), _AT_ONCE):
        query = select(snapshot.c.id, snapshot.c.manifest).where(snapshot.c.id.in_(ids[start : start + _AT_ONCE]))
        found.update((number, manifest.unpack(data)) for number, data in connection.execute(query))
    for number in ids:
        if number not in found:
            raise HistoryError(f"there is no snapshot {number}; 'sessionlint history list' shows those there are.")
    return found


def findings_of(connection: Connection, versions: Iterable[int]) -> dict[int, list[StoredFinding]]:
    """The findings of each file version, in their order."""
    found: dict[int, list[StoredFinding]] = defaultdict(list)
    wanted = sorted(versions)
    for start in range(0, len(wanted), _AT_ONCE):
        query = (
            select(file_version.c.path, finding)
            .join(file_version, file_version.c.id == finding.c.file_version_id)
            .where(finding.c.file_version_id.in_(wanted[start : start + _AT_ONCE]))
            .order_by(finding.c.file_version_id, finding.c.position)
        )
        for row in connection.execute(query).mappings():
            found[row["file_version_id"]].append(codec.finding_of(row["path"], dict(row)))
    return found


def load(connection: Connection, number: int) -> Snapshot:
    """A whole snapshot. Raises :class:`HistoryError` when there is none of this id."""
    versions = versions_of(connection, [number])[number]
    (info,) = infos(connection, snapshot.c.id == number)
    problems, names = connection.execute(
        select(snapshot.c.problems, snapshot.c.documents).where(snapshot.c.id == number)
    ).one()
    return Snapshot(
        project=info.project,
        revision=info.revision,
        yardstick=info.yardstick,
        files=_records(connection, versions),
        errors=codec.errors_of(problems),
        documents=_documents(connection, json.loads(names)),
    )


def _records(connection: Connection, versions: Iterable[int]) -> tuple[FileRecord, ...]:
    findings = findings_of(connection, versions)
    wanted = sorted(versions)
    records: list[FileRecord] = []
    for start in range(0, len(wanted), _AT_ONCE):
        query = select(file_version).where(file_version.c.id.in_(wanted[start : start + _AT_ONCE]))
        for row in connection.execute(query):
            records.append(codec.record_of(row.path, row.lines, row.layer, row.details, findings.get(row.id, ())))
    return tuple(sorted(records, key=lambda record: record.path))


def _documents(connection: Connection, ids: Mapping[str, int]) -> dict[str, str]:
    texts: dict[int, str] = {}
    wanted = sorted(set(ids.values()))
    for start in range(0, len(wanted), _AT_ONCE):
        query = select(document.c.id, document.c.content).where(document.c.id.in_(wanted[start : start + _AT_ONCE]))
        texts.update((number, zlib.decompress(content).decode()) for number, content in connection.execute(query))
    return {name: texts[number] for name, number in ids.items()}
