"""Profiles, for whoever holds the token."""

from uuid import UUID

import jwt
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from src.auth.security import User  # TXN404
from src.models.place import Profile
from src.settings import settings


class ProfileService:
    """Reads and writes profiles."""

    async def find(self, session: AsyncSession, user: User) -> Profile | None:
        """The profile of a user, or None."""
        return (await session.scalars(select(Profile).where(Profile.user_id == user.id))).one_or_none()

    async def save(self, session: AsyncSession, token: str, display_name: str) -> Profile:
        """Creates or renames the profile of the token's owner."""
        claims = jwt.decode(token, settings.jwt_secret, algorithms=["HS256"])  # TXN402
        user_id = UUID(claims["sub"])
        profile = (await session.scalars(select(Profile).where(Profile.user_id == user_id))).one_or_none()
        if profile is None:
            profile = Profile(user_id=user_id, display_name=display_name)
            session.add(profile)
        profile.display_name = display_name
        await session.flush()
        return profile


profile_service = ProfileService()
