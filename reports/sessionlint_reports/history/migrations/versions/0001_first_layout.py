"""The first layout."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Makes all tables."""
    op.create_table(
        "project",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_project"),
        sa.UniqueConstraint("name", name="uq_project_name"),
    )
    _snapshots()
    _content()


def _snapshots() -> None:
    op.create_table(
        "snapshot",
        sa.Column("id", _ID, nullable=False),
        sa.Column("project_id", _ID, nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("commit", sa.Text, nullable=False),
        sa.Column("branch", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("author_email", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("mainline", sa.Boolean, nullable=False),
        sa.Column("dirty", sa.Boolean, nullable=False),
        sa.Column("policy_digest", sa.String(64), nullable=False),
        sa.Column("tool_version", sa.Text, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("files", sa.Integer, nullable=False),
        sa.Column("files_with_debt", sa.Integer, nullable=False),
        sa.Column("lines", sa.Integer, nullable=False),
        sa.Column("errors", sa.Integer, nullable=False),
        sa.Column("manifest", sa.LargeBinary, nullable=False),
        sa.Column("problems", sa.Text, nullable=False),
        sa.Column("documents", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_snapshot"),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name="fk_snapshot_project_id"),
        sa.UniqueConstraint("project_id", "key", name="uq_snapshot_project_id"),
    )
    op.create_index("ix_snapshot_timeline", "snapshot", ["project_id", "branch", "at"])
    for table, columns in (("snapshot_findings", ("state", "code")), ("snapshot_audit", ("subject", "status"))):
        op.create_table(
            table,
            sa.Column("snapshot_id", _ID, nullable=False),
            *(sa.Column(name, sa.String(16), nullable=False) for name in columns),
            sa.Column("number", sa.Integer, nullable=False),
            sa.PrimaryKeyConstraint("snapshot_id", *columns, name=f"pk_{table}"),
            sa.ForeignKeyConstraint(["snapshot_id"], ["snapshot.id"], name=f"fk_{table}_snapshot_id"),
        )


def _content() -> None:
    op.create_table(
        "file_version",
        sa.Column("id", _ID, nullable=False),
        sa.Column("project_id", _ID, nullable=False),
        sa.Column("digest", sa.String(32), nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("lines", sa.Integer, nullable=False),
        sa.Column("layer", sa.Text, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_file_version"),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name="fk_file_version_project_id"),
        sa.UniqueConstraint("project_id", "digest", name="uq_file_version_project_id"),
    )
    op.create_table(
        "finding",
        sa.Column("file_version_id", _ID, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("identity", sa.String(64), nullable=False),
        sa.Column("code", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("severity", sa.String(16), nullable=False),
        sa.Column("line", sa.Integer, nullable=False),
        sa.Column("qualname", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("file_version_id", "position", name="pk_finding"),
        sa.ForeignKeyConstraint(["file_version_id"], ["file_version.id"], name="fk_finding_file_version_id"),
    )
    op.create_table(
        "document",
        sa.Column("id", _ID, nullable=False),
        sa.Column("project_id", _ID, nullable=False),
        sa.Column("digest", sa.String(32), nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_document"),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name="fk_document_project_id"),
        sa.UniqueConstraint("project_id", "digest", name="uq_document_project_id"),
    )
