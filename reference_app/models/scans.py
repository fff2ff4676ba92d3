"""A scan of one domain, every attempt at it, and the pages it found."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import UUID as PGUUID
from sqlalchemy.orm import Mapped, mapped_column

from reference_app.models.base import Base, Identified, text_enum

# A page's URL that is longer does not fit into the index that keeps a scan's pages apart.
MAX_URL_LENGTH = 2048


class ScanStatus(enum.StrEnum):
    """Where a scan stands. ``failed``: it cannot succeed as asked; ``dead``: its attempts are used up."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    DEAD = "dead"
    CANCELLED = "cancelled"


FINAL_SCAN_STATUSES = frozenset({ScanStatus.SUCCEEDED, ScanStatus.FAILED, ScanStatus.DEAD, ScanStatus.CANCELLED})
UNFINISHED_SCAN_STATUSES = frozenset({ScanStatus.QUEUED, ScanStatus.RUNNING})
RETRIABLE_SCAN_STATUSES = frozenset({ScanStatus.FAILED, ScanStatus.DEAD})


class AttemptOutcome(enum.StrEnum):
    """How an attempt ended; ``abandoned``: its worker vanished."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    RETRIED = "retried"
    CANCELLED = "cancelled"
    ABANDONED = "abandoned"


class Scan(Identified, Base):
    """One domain of a batch, and its job's business row. ``domain`` names the site, ``url`` is where its scan starts.

    ``run_token`` is the fence: a worker writes only while the token is its own, so of two that hold the same job
    one changes nothing. ``generation`` counts how often the scan was (re)queued by somebody; jobs of an older
    generation do nothing. ``attempts`` counts starts within the generation. ``summary`` is what the scan found out
    about the site as a whole (sitemaps, technology hints).
    """

    __tablename__ = "scans"
    __table_args__ = (
        UniqueConstraint("batch_id", "domain"),
        Index("ix_scans_batch_id_status", "batch_id", "status"),
        Index("ix_scans_batch_id_position_id", "batch_id", "position", "id"),
        Index(
            "ix_scans_unfinished",
            "status",
            "updated_at",
            postgresql_where="status IN ('queued', 'running')",
        ),
        Index("ix_scans_dead", "finished_at", "id", postgresql_where="status = 'dead'"),
    )

    batch_id: Mapped[UUID] = mapped_column(PGUUID(as_uuid=True), ForeignKey("batches.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(Integer)
    submitted: Mapped[str] = mapped_column(Text)
    domain: Mapped[str] = mapped_column(String(300))
    url: Mapped[str] = mapped_column(Text)
    host: Mapped[str] = mapped_column(String(255))
    status: Mapped[ScanStatus] = mapped_column(text_enum(ScanStatus, "status"), default=ScanStatus.QUEUED)
    generation: Mapped[int] = mapped_column(Integer, default=1)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    run_token: Mapped[UUID | None] = mapped_column(PGUUID(as_uuid=True))
    worker: Mapped[str | None] = mapped_column(String(200))
    not_before: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
    pages_found: Mapped[int] = mapped_column(Integer, default=0)
    pages_scanned: Mapped[int] = mapped_column(Integer, default=0)
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_message: Mapped[str | None] = mapped_column(Text)
    summary: Mapped[dict[str, Any] | None]


class ScanAttempt(Identified, Base):
    """One start of a scan and how it ended: what a dead letter's reader needs. ``created_at`` is the start."""

    __tablename__ = "scan_attempts"
    __table_args__ = (Index("ix_scan_attempts_scan_id_created_at", "scan_id", "created_at"),)

    scan_id: Mapped[UUID] = mapped_column(PGUUID(as_uuid=True), ForeignKey("scans.id", ondelete="CASCADE"))
    generation: Mapped[int] = mapped_column(Integer)
    number: Mapped[int] = mapped_column(Integer)
    run_token: Mapped[UUID] = mapped_column(PGUUID(as_uuid=True), unique=True)
    worker: Mapped[str] = mapped_column(String(200))
    outcome: Mapped[AttemptOutcome] = mapped_column(
        text_enum(AttemptOutcome, "outcome"), default=AttemptOutcome.RUNNING
    )
    finished_at: Mapped[datetime | None]
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_message: Mapped[str | None] = mapped_column(Text)


class Page(Identified, Base):
    """What one page said about itself, or why it could not be read."""

    __tablename__ = "pages"
    __table_args__ = (
        UniqueConstraint("scan_id", "url"),
        Index("ix_pages_scan_id_position_id", "scan_id", "position", "id"),
    )

    scan_id: Mapped[UUID] = mapped_column(PGUUID(as_uuid=True), ForeignKey("scans.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(Integer)
    url: Mapped[str] = mapped_column(String(MAX_URL_LENGTH))
    final_url: Mapped[str | None] = mapped_column(Text)
    status_code: Mapped[int | None] = mapped_column(Integer)
    content_type: Mapped[str | None] = mapped_column(String(200))
    size_bytes: Mapped[int | None] = mapped_column(Integer)
    fetched_at: Mapped[datetime]
    title: Mapped[str | None] = mapped_column(Text)
    description: Mapped[str | None] = mapped_column(Text)
    language: Mapped[str | None] = mapped_column(String(64))
    canonical_url: Mapped[str | None] = mapped_column(Text)
    emails: Mapped[list[str]]
    phones: Mapped[list[str]]
    social_links: Mapped[list[str]]
    technologies: Mapped[list[str]]
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_message: Mapped[str | None] = mapped_column(Text)
