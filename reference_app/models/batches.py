"""A batch: what somebody submitted, and the options all its scans share."""

from __future__ import annotations

import enum
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, String
from sqlalchemy.dialects.postgresql import UUID as PGUUID
from sqlalchemy.orm import Mapped, mapped_column

from reference_app.models.base import Base, Identified, text_enum


class BatchStatus(enum.StrEnum):
    """Where a batch stands. ``completed``: every scan has its final state, whichever that is."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Batch(Identified, Base):
    """A submission. How many of its scans are in which state is counted from the scans, never kept here.

    ``cancel_requested_at`` is the flag workers poll between pages; ``request_id`` is the id of the HTTP request that
    made the batch, for the logs of its jobs. ``concurrency``: scans of this batch at work at once.
    """

    __tablename__ = "batches"
    __table_args__ = (
        Index("ix_batches_created_by_id_created_at_id", "created_by_id", "created_at", "id"),
        Index("ix_batches_created_at_id", "created_at", "id"),
    )

    created_by_id: Mapped[UUID] = mapped_column(PGUUID(as_uuid=True), ForeignKey("users.id"))
    name: Mapped[str | None] = mapped_column(String(200))
    status: Mapped[BatchStatus] = mapped_column(text_enum(BatchStatus, "status"), default=BatchStatus.QUEUED)
    max_pages: Mapped[int] = mapped_column(Integer)
    concurrency: Mapped[int] = mapped_column(Integer)
    request_id: Mapped[str] = mapped_column(String(64))
    cancel_requested_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
