"""Profiles. Works in the caller's transaction."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from src.models.place import Profile


class ProfileService:
    """Reads and writes profiles."""

    async def find(self, session: AsyncSession, user_id: UUID) -> Profile | None:
        """The profile of a user, or None."""
        return (await session.scalars(select(Profile).where(Profile.user_id == user_id))).one_or_none()

    async def save(self, session: AsyncSession, user_id: UUID, display_name: str) -> Profile:
        """Creates or renames the profile of a user."""
        profile = await self.find(session, user_id)
        if profile is None:
            profile = Profile(user_id=user_id, display_name=display_name)
            session.add(profile)
        profile.display_name = display_name
        await session.flush()
        return profile


profile_service = ProfileService()
