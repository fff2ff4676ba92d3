"""Rows that belong to the service's own working: answers kept for repeated requests, and the connection probe."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import UUID as PGUUID
from sqlalchemy.orm import Mapped, mapped_column

from reference_app.models.base import Base, Identified


class IdempotencyRecord(Identified, Base):
    """The answer to a creation that carried an ``Idempotency-Key``, stored in the transaction that created.

    ``request_digest`` is the SHA-256 of what was asked, so that one key with two different requests is refused.
    """

    __tablename__ = "idempotency_records"
    __table_args__ = (UniqueConstraint("user_id", "operation", "key"),)

    user_id: Mapped[UUID] = mapped_column(PGUUID(as_uuid=True), ForeignKey("users.id", ondelete="CASCADE"))
    operation: Mapped[str] = mapped_column(String(100))
    key: Mapped[str] = mapped_column(String(255))
    request_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    status_code: Mapped[int | None] = mapped_column(Integer)
    body: Mapped[dict[str, Any] | None]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class ConnectionProbe(Identified, Base):
    """A row that ``verify-connection`` writes, reads and removes to see real transactions end as they should."""

    __tablename__ = "connection_probes"

    note: Mapped[str] = mapped_column(String(100))
