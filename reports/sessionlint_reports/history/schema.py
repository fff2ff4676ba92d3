"""The tables of a history database; the migrations make exactly these.

What snapshots have in common is stored once: a *file version* is one record of one file (its findings, audit
rows, size), a *document* one text, and a snapshot names the versions it is made of. Times are seconds since
1970 in UTC, which every database keeps alike.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

REVISION = "0001"
"""The newest migration; a database at this revision needs none."""


class SafeText(TypeDecorator[str]):
    """Text from outside: what a database cannot hold (NUL, halves of surrogate pairs) is replaced."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Gives the text as it is stored."""
        return None if value is None else storable(value)


def storable(text: str) -> str:
    """``text`` with U+FFFD for NUL and for what UTF-8 cannot encode."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8") if _is_odd(text) else text


def _is_odd(text: str) -> bool:
    return "\0" in text or any("\ud800" <= char <= "\udfff" for char in text)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows by itself only in a column of type INTEGER.
_Id = BigInteger().with_variant(Integer, "sqlite")

project = Table(
    "project",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("name", SafeText, nullable=False, unique=True),
)

snapshot = Table(
    "snapshot",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("project_id", ForeignKey(project.c.id), nullable=False),
    # One row per commit, branch and yardstick; of a dirty work tree per content.
    Column("key", String(64), nullable=False),
    Column("commit", SafeText, nullable=False),
    Column("branch", SafeText, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("author", SafeText, nullable=False),
    Column("author_email", SafeText, nullable=False),
    Column("subject", SafeText, nullable=False),
    Column("mainline", Boolean, nullable=False),
    Column("dirty", Boolean, nullable=False),
    Column("policy_digest", String(64), nullable=False),
    Column("tool_version", SafeText, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("files", Integer, nullable=False),
    Column("files_with_debt", Integer, nullable=False),
    Column("lines", Integer, nullable=False),
    Column("errors", Integer, nullable=False),
    # Ids of file versions, packed (see manifest.py).
    Column("manifest", LargeBinary, nullable=False),
    # JSON: what could not be checked, and document ids by name.
    Column("problems", Text, nullable=False),
    Column("documents", Text, nullable=False),
    UniqueConstraint("project_id", "key"),
    Index("ix_snapshot_timeline", "project_id", "branch", "at"),
)

snapshot_findings = Table(
    "snapshot_findings",
    metadata,
    Column("snapshot_id", ForeignKey(snapshot.c.id), primary_key=True),
    Column("state", String(16), primary_key=True),
    Column("code", String(16), primary_key=True),
    Column("number", Integer, nullable=False),
)

snapshot_audit = Table(
    "snapshot_audit",
    metadata,
    Column("snapshot_id", ForeignKey(snapshot.c.id), primary_key=True),
    Column("subject", String(16), primary_key=True),
    Column("status", String(16), primary_key=True),
    Column("number", Integer, nullable=False),
)

file_version = Table(
    "file_version",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("project_id", ForeignKey(project.c.id), nullable=False),
    Column("digest", String(32), nullable=False),
    Column("path", SafeText, nullable=False),
    Column("lines", Integer, nullable=False),
    Column("layer", SafeText, nullable=False),
    # JSON: owners, connection points, usage.
    Column("details", Text, nullable=False),
    UniqueConstraint("project_id", "digest"),
)

finding = Table(
    "finding",
    metadata,
    Column("file_version_id", ForeignKey(file_version.c.id), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("identity", String(64), nullable=False),
    Column("code", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("line", Integer, nullable=False),
    Column("qualname", SafeText, nullable=False),
    Column("message", SafeText, nullable=False),
    # JSON: the rest of the finding (span, trace, suppression).
    Column("details", Text, nullable=False),
)

document = Table(
    "document",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("project_id", ForeignKey(project.c.id), nullable=False),
    Column("digest", String(32), nullable=False),
    # UTF-8, compressed with zlib.
    Column("content", LargeBinary, nullable=False),
    UniqueConstraint("project_id", "digest"),
)
