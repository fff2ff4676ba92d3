"""Places found by a maps search, and the profiles of the people who search."""

import uuid

from sqlalchemy import String, Text
from sqlalchemy.dialects.postgresql import UUID as PGUUID
from sqlalchemy.orm import Mapped, mapped_column

from src.models.base import Base, Identified


class Place(Identified, Base):
    __tablename__ = "places"

    found_by: Mapped[uuid.UUID] = mapped_column(PGUUID(as_uuid=True), index=True)
    tenant_id: Mapped[uuid.UUID | None] = mapped_column(PGUUID(as_uuid=True))
    name: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(20), default="new")


class Profile(Identified, Base):
    __tablename__ = "profiles"

    user_id: Mapped[uuid.UUID] = mapped_column(PGUUID(as_uuid=True), unique=True)
    display_name: Mapped[str] = mapped_column(String(200))
