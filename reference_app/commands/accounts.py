"""Users and API keys from the command line: the first key, and those an administrator hands out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import select

from reference_app.auth.api_keys import make_api_key
from reference_app.auth.permissions import ROLE_PERMISSIONS
from reference_app.errors import NotFoundError
from reference_app.models import ApiKey, Role, User
from reference_app.services import api_keys, users
from reference_app.session import get_session
from reference_app.settings import Settings

_FIRST_EMAIL = "admin@localhost.localdomain"


async def create_key(settings: Settings, *, email: str, role: Role, name: str, lifetime_days: int | None = None) -> str:
    """A key with all permissions of its user's role, as text; a user who does not exist yet is made with ``role``."""
    new = make_api_key()
    days = lifetime_days or settings.api_key_lifetime_days
    async with get_session() as session, session.begin():
        user = await users.find_by_email(session, email)
        if user is None:
            user = await users.create_user(session, email=email, display_name=email, role=role)
        await api_keys.add_key(
            session,
            user_id=user.id,
            name=name,
            prefix=new.prefix,
            digest=new.digest,
            scopes=[permission.value for permission in ROLE_PERMISSIONS[user.role]],
            expires_at=datetime.now(UTC) + timedelta(days=days),
        )
    return new.text


async def create_first_key(settings: Settings) -> str | None:
    """A key for a first administrator, as text; ``None`` when there is any key already."""
    async with get_session() as session, session.begin():
        found = await session.execute(select(ApiKey.id).limit(1))
        if found.first() is not None:
            return None
    return await create_key(settings, email=_FIRST_EMAIL, role=Role.ADMIN, name="first key")


async def list_keys() -> Sequence[tuple[ApiKey, User]]:
    """Every key with its user, newest first."""
    async with get_session() as session, session.begin():
        query = select(ApiKey, User).join(User, ApiKey.user_id == User.id).order_by(ApiKey.created_at.desc(), ApiKey.id)
        return [(key, user) for key, user in await session.execute(query)]


async def revoke_key(prefix: str) -> None:
    """Ends the key with this prefix. Raises ``NotFoundError``."""
    key_id = await _key_id(prefix)
    async with get_session() as session, session.begin():
        await api_keys.revoke_key(session, key_id, owner=None)


async def rotate_key(settings: Settings, prefix: str) -> str:
    """A successor of the key with this prefix, as text. Raises ``NotFoundError`` and ``ConflictError``."""
    new = make_api_key()
    key_id = await _key_id(prefix)
    async with get_session() as session, session.begin():
        old = await api_keys.get_key(session, key_id, owner=None)
        await api_keys.replace_key(
            session,
            old,
            prefix=new.prefix,
            digest=new.digest,
            lifetime=timedelta(days=settings.api_key_lifetime_days),
            overlap=timedelta(hours=settings.api_key_overlap_hours),
        )
    return new.text


async def _key_id(prefix: str) -> UUID:
    async with get_session() as session, session.begin():
        found = await session.execute(select(ApiKey.id).where(ApiKey.prefix == prefix))
    key_id = found.scalar_one_or_none()
    if key_id is None:
        raise NotFoundError(f"There is no API key with the prefix {prefix!r}; `keys list` shows them.")
    return key_id
