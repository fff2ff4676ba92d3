"""Batches of domains, and the pages found on them."""

import uuid
from datetime import UTC, datetime

from sqlalchemy import DateTime, ForeignKey, Integer, String, Text
from sqlalchemy.dialects.postgresql import UUID as PGUUID
from sqlalchemy.orm import Mapped, mapped_column, relationship

from src.models.base import Base, Identified


def now() -> datetime:
    return datetime.now(UTC)


class BatchJob(Base):
    __tablename__ = "batch_jobs"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)  # TXN701
    created_by: Mapped[uuid.UUID] = mapped_column(PGUUID(as_uuid=True), index=True)
    status: Mapped[str] = mapped_column(String(20), default="pending")
    error: Mapped[str | None] = mapped_column(Text)
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=now, onupdate=now)
    domains: Mapped[list["Domain"]] = relationship(back_populates="batch", lazy="raise")


class Domain(Identified, Base):
    __tablename__ = "domains"

    batch_id: Mapped[str] = mapped_column(String(40), ForeignKey("batch_jobs.id"), index=True)  # TXN701
    tenant_id: Mapped[uuid.UUID | None] = mapped_column(PGUUID(as_uuid=True))
    name: Mapped[str] = mapped_column(String(253))
    status: Mapped[str] = mapped_column(String(20), default="pending")
    error: Mapped[str | None] = mapped_column(Text)
    batch: Mapped[BatchJob] = relationship(back_populates="domains", lazy="raise")


class Page(Base):
    __tablename__ = "pages"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)  # TXN701
    domain_id: Mapped[uuid.UUID] = mapped_column(PGUUID(as_uuid=True), ForeignKey("domains.id"), index=True)
    url: Mapped[str] = mapped_column(Text)
    title: Mapped[str | None] = mapped_column(Text)
