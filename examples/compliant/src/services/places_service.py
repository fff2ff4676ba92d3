"""Places from a maps search. Works in the caller's transaction."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from src.models.place import Place


async def save_places(session: AsyncSession, user_id: UUID, names: list[str]) -> list[Place]:
    """Stores the places found by one search."""
    places = [Place(found_by=user_id, name=name, status="new") for name in names]
    session.add_all(places)
    await session.flush()
    return places


async def list_places(session: AsyncSession, user_id: UUID, status: str | None = None) -> list[Place]:
    """The places a user found, by name."""
    conditions = [Place.found_by == user_id]
    if status is not None:
        conditions.append(Place.status == status)
    query = select(Place).where(*conditions).order_by(Place.name)
    return list((await session.scalars(query)).all())
