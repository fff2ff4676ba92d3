"""Places from a maps search, filtered by tenant."""

from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from src.models.place import Place


async def save_places(session: AsyncSession, user_id: UUID, names: list[str]) -> list[Place]:
    """Stores the places found by one search."""
    places = [Place(found_by=user_id, name=name, status="new") for name in names]
    session.add_all(places)
    await session.flush()
    return places


async def list_places(session: AsyncSession, tenant_id: str, status: str | None = None) -> list[Place]:  # TXN303
    """The places of a tenant, by name."""
    conditions: list[Any] = [Place.tenant_id == tenant_id]  # TXN301
    if status is not None:
        conditions.append(Place.status == status)
    query = select(Place).where(*conditions).order_by(Place.name)
    return list((await session.scalars(query)).all())


async def archive_places(session: AsyncSession, tenant_id: str) -> None:  # TXN303
    """Archives everything a tenant found."""
    await session.execute(update(Place).filter_by(tenant_id=tenant_id).values(status="archived"))  # TXN301
