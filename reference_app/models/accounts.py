"""Who may call the service: users with one role each, and their API keys."""

from __future__ import annotations

import enum
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, String, func
from sqlalchemy.dialects.postgresql import UUID as PGUUID
from sqlalchemy.orm import Mapped, mapped_column

from reference_app.models.base import Base, Identified, text_enum


class Role(enum.StrEnum):
    """What kind of work a user does; ``reference_app.auth.permissions`` says what each may do."""

    ADMIN = "admin"
    OPERATOR = "operator"
    AUDITOR = "auditor"


class User(Identified, Base):
    """Somebody, or some program, that calls the service. ``disabled_at`` locks every key and token at once."""

    __tablename__ = "users"

    email: Mapped[str] = mapped_column(String(320), unique=True)
    display_name: Mapped[str] = mapped_column(String(200))
    role: Mapped[Role] = mapped_column(text_enum(Role, "role"))
    disabled_at: Mapped[datetime | None]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


class ApiKey(Identified, Base):
    """One API key: a public ``prefix`` to find it by and the SHA-256 digest of its secret, never the secret.

    ``replaced_by_id`` points to the key that rotation made; both work until this one's ``expires_at``.
    """

    __tablename__ = "api_keys"

    user_id: Mapped[UUID] = mapped_column(PGUUID(as_uuid=True), ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    prefix: Mapped[str] = mapped_column(String(16), unique=True)
    secret_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    scopes: Mapped[list[str]]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    replaced_by_id: Mapped[UUID | None] = mapped_column(
        PGUUID(as_uuid=True), ForeignKey("api_keys.id", ondelete="SET NULL")
    )
