"""Users: who may call at all, and as what."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from reference_app.errors import AlreadyExistsError, NotFoundError
from reference_app.models import Role, User
from reference_app.services.pagination import Listing, Slice, read_id, read_time

_LISTING: Listing[User] = Listing(
    "users", (User.created_at, User.id), lambda user: (user.created_at, user.id), (read_time, read_id)
)


async def create_user(session: AsyncSession, *, email: str, display_name: str, role: Role) -> User:
    """A new user. Raises ``AlreadyExistsError`` when the e-mail address is taken."""
    added = await session.execute(
        insert(User)
        .values(email=email, display_name=display_name, role=role)
        .on_conflict_do_nothing(index_elements=[User.email])
        .returning(User)
    )
    user = added.scalar_one_or_none()
    if user is None:
        raise AlreadyExistsError("There is a user with this e-mail address already.")
    return user


async def get_user(session: AsyncSession, user_id: UUID) -> User:
    """A user. Raises ``NotFoundError``."""
    user = await session.get(User, user_id)
    if user is None:
        raise NotFoundError("There is no such user.")
    return user


async def find_by_email(session: AsyncSession, email: str) -> User | None:
    """The user with this e-mail address, if there is one."""
    found = await session.execute(select(User).where(User.email == email))
    return found.scalar_one_or_none()


async def list_users(session: AsyncSession, *, cursor: str | None, limit: int) -> Slice[User]:
    """Users, oldest first."""
    query = select(User).where(*_LISTING.after(cursor)).order_by(*_LISTING.order()).limit(limit + 1)
    return _LISTING.slice((await session.execute(query)).scalars().all(), limit)


async def change_user(
    session: AsyncSession,
    user_id: UUID,
    *,
    display_name: str | None = None,
    role: Role | None = None,
    disabled: bool | None = None,
) -> User:
    """Changes what is given and leaves the rest. Raises ``NotFoundError``."""
    user = await get_user(session, user_id)
    if display_name is not None:
        user.display_name = display_name
    if role is not None:
        user.role = role
    if disabled is not None:
        user.disabled_at = (user.disabled_at or datetime.now(UTC)) if disabled else None
    await session.flush()
    await session.refresh(user)
    return user
