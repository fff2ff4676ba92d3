"""How snapshots get into the tables: what is there already is referred to, the rest inserted."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Table, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from sessionlint_reports.history import codec, manifest, schema
from sessionlint_reports.history.model import Recorded
from sessionlint_reports.snapshot import FileRecord, Revision, Snapshot, Totals, Yardstick

_AT_ONCE = 500


def snapshot_key(revision: Revision, yardstick: Yardstick, content: str = "") -> str:
    """What makes a snapshot one of its kind in a project: commit, branch, yardstick; ``content`` if it is dirty."""
    parts = [revision.commit, revision.branch, yardstick.policy_digest, yardstick.tool_version]
    return codec.digest(codec.dumps([*parts, content if revision.dirty or not revision.commit else ""]))


def project_id(connection: Connection, name: str) -> int:
    """The id of the project, which is made if need be."""
    name = schema.storable(name)
    query = select(schema.project.c.id).where(schema.project.c.name == name)
    found = connection.execute(query).scalar_one_or_none()
    if found is None:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(schema.project).values(name=name).on_conflict_do_nothing())
        found = connection.execute(query).scalar_one()
    return int(found)


@dataclass
class Writer:
    """Writes snapshots of one project in one transaction, whose lock on the project the caller holds."""

    connection: Connection
    project: int
    recorded_at: datetime
    _digests: dict[int, str] = field(default_factory=dict)
    _records: list[FileRecord] = field(default_factory=list)
    _versions: dict[str, int] = field(default_factory=dict)
    _documents: dict[str, int] = field(default_factory=dict)

    def write(self, snapshot: Snapshot) -> Recorded:
        """Records one snapshot; one that is there already is left as it is."""
        digests = [self._digest(record) for record in snapshot.files]
        content = codec.digest("\n".join(digests)) if snapshot.revision.dirty or not snapshot.revision.commit else ""
        key = snapshot_key(snapshot.revision, snapshot.yardstick, content)
        table = schema.snapshot.c
        known = self.connection.execute(
            select(table.id).where(table.project_id == self.project, table.key == key)
        ).scalar_one_or_none()
        if known is not None:
            return Recorded(int(known), False)
        records = dict(zip(digests, snapshot.files, strict=True))
        self._known(schema.file_version, self._versions, list(records))
        self._insert_versions({digest: record for digest, record in records.items() if digest not in self._versions})
        values = self._row(snapshot, key, [self._versions[digest] for digest in digests])
        new = self.connection.execute(insert(schema.snapshot).values(values).returning(table.id)).scalar_one()
        self._insert_totals(int(new), snapshot.totals)
        return Recorded(int(new), True)

    def _digest(self, record: FileRecord) -> str:
        """Snapshots of one batch share records, so each is digested once; they are kept so that ids stay theirs."""
        found = self._digests.get(id(record))
        if found is None:
            found = self._digests[id(record)] = codec.record_digest(record)
            self._records.append(record)
        return found

    def _known(self, table: Table, ids: dict[str, int], digests: Sequence[str]) -> None:
        missing = [digest for digest in digests if digest not in ids]
        for start in range(0, len(missing), _AT_ONCE):
            chunk = missing[start : start + _AT_ONCE]
            query = select(table.c.digest, table.c.id).where(
                table.c.project_id == self.project, table.c.digest.in_(chunk)
            )
            ids.update((digest, number) for digest, number in self.connection.execute(query))

    def _insert(self, table: Table, ids: dict[str, int], rows: list[dict[str, Any]]) -> None:
        if rows:
            statement = insert(table).returning(table.c.digest, table.c.id)
            ids.update((digest, number) for digest, number in self.connection.execute(statement, rows))

    def _insert_versions(self, records: Mapping[str, FileRecord]) -> None:
        rows = [
            {
                "project_id": self.project,
                "digest": digest,
                "path": record.path,
                "lines": record.lines,
                "layer": record.layer,
                "details": codec.record_details(record),
            }
            for digest, record in records.items()
        ]
        self._insert(schema.file_version, self._versions, rows)
        found = [
            {
                "file_version_id": self._versions[digest],
                "position": position,
                **codec.finding_row(stored),
                "details": codec.finding_details(stored),
            }
            for digest, record in records.items()
            for position, stored in enumerate(record.findings)
        ]
        if found:
            self.connection.execute(insert(schema.finding), found)

    def _document_ids(self, documents: Mapping[str, str]) -> dict[str, int]:
        texts = {codec.digest(text): text for text in documents.values()}
        self._known(schema.document, self._documents, list(texts))
        rows = [
            {
                "project_id": self.project,
                "digest": digest,
                "content": zlib.compress(text.encode("utf-8", "backslashreplace"), 6),
            }
            for digest, text in texts.items()
            if digest not in self._documents
        ]
        self._insert(schema.document, self._documents, rows)
        return {name: self._documents[codec.digest(text)] for name, text in sorted(documents.items())}

    def _row(self, snapshot: Snapshot, key: str, versions: Sequence[int]) -> dict[str, Any]:
        revision, totals = snapshot.revision, snapshot.totals
        return {
            "project_id": self.project,
            "key": key,
            "commit": revision.commit,
            "branch": revision.branch,
            "at": seconds(revision.at),
            "author": revision.author,
            "author_email": revision.author_email,
            "subject": revision.subject,
            "mainline": revision.mainline,
            "dirty": revision.dirty,
            "policy_digest": snapshot.yardstick.policy_digest,
            "tool_version": snapshot.yardstick.tool_version,
            "recorded_at": seconds(self.recorded_at),
            "files": totals.files,
            "files_with_debt": totals.files_with_debt,
            "lines": totals.lines,
            "errors": totals.errors,
            "manifest": manifest.pack(versions),
            "problems": codec.errors_text(snapshot.errors),
            "documents": codec.dumps(self._document_ids(snapshot.documents)),
        }

    def _insert_totals(self, snapshot_id: int, totals: Totals) -> None:
        counts = [
            {"snapshot_id": snapshot_id, "state": state, "code": code, "number": number}
            for state, codes in totals.by_code.items()
            for code, number in codes.items()
        ]
        audit = [
            {"snapshot_id": snapshot_id, "subject": subject, "status": status, "number": number}
            for subject, statuses in (("points", totals.points), ("usages", totals.usages))
            for status, number in statuses.items()
            if number
        ]
        for table, rows in ((schema.snapshot_findings, counts), (schema.snapshot_audit, audit)):
            if rows:
                self.connection.execute(insert(table), rows)


def seconds(moment: datetime) -> int:
    """Whole seconds since 1970 in UTC."""
    return int(moment.timestamp())


def moment(seconds_since_1970: int) -> datetime:
    """The time in UTC."""
    return datetime.fromtimestamp(seconds_since_1970, UTC)
