"""The rows of API keys. What a key looks like and how it is checked is the auth layer's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from reference_app.errors import ConflictError, NotFoundError
from reference_app.models import ApiKey
from reference_app.services.pagination import Listing, Slice, read_id, read_time

_LISTING: Listing[ApiKey] = Listing(
    "api-keys",
    (ApiKey.created_at, ApiKey.id),
    lambda key: (key.created_at, key.id),
    (read_time, read_id),
    descending=True,
)


async def add_key(
    session: AsyncSession,
    *,
    user_id: UUID,
    name: str,
    prefix: str,
    digest: bytes,
    scopes: Sequence[str],
    expires_at: datetime,
) -> ApiKey:
    """Stores a key that was just made."""
    key = ApiKey(
        user_id=user_id,
        name=name,
        prefix=prefix,
        secret_digest=digest,
        scopes=sorted(scopes),
        expires_at=expires_at,
    )
    session.add(key)
    await session.flush()
    await session.refresh(key)
    return key


async def get_key(session: AsyncSession, key_id: UUID, *, owner: UUID | None) -> ApiKey:
    """A key of ``owner``, or of anybody with ``None``. Raises ``NotFoundError``."""
    query = select(ApiKey).where(ApiKey.id == key_id)
    if owner is not None:
        query = query.where(ApiKey.user_id == owner)
    key = (await session.execute(query.with_for_update())).scalar_one_or_none()
    if key is None:
        raise NotFoundError("There is no such API key.")
    return key


async def list_keys(session: AsyncSession, *, owner: UUID | None, cursor: str | None, limit: int) -> Slice[ApiKey]:
    """Keys of ``owner``, or of everybody with ``None``, newest first; revoked and expired ones too."""
    query = select(ApiKey).where(*_LISTING.after(cursor)).order_by(*_LISTING.order()).limit(limit + 1)
    if owner is not None:
        query = query.where(ApiKey.user_id == owner)
    return _LISTING.slice((await session.execute(query)).scalars().all(), limit)


async def revoke_key(session: AsyncSession, key_id: UUID, *, owner: UUID | None) -> ApiKey:
    """Ends a key at once; one that has ended stays as it is. Raises ``NotFoundError``."""
    key = await get_key(session, key_id, owner=owner)
    key.revoked_at = key.revoked_at or datetime.now(UTC)
    await session.flush()
    return key


async def replace_key(
    session: AsyncSession, old: ApiKey, *, prefix: str, digest: bytes, lifetime: timedelta, overlap: timedelta
) -> ApiKey:
    """A successor with the same name and scopes; the old key goes on for ``overlap`` at most.

    Raises ``ConflictError`` when the key has ended or has a successor already.
    """
    now = datetime.now(UTC)
    if old.revoked_at is not None or old.expires_at <= now:
        raise ConflictError("This API key has ended; make a new one.")
    if old.replaced_by_id is not None:
        raise ConflictError("This API key was rotated already; rotate its successor.")
    new = await add_key(
        session,
        user_id=old.user_id,
        name=old.name,
        prefix=prefix,
        digest=digest,
        scopes=old.scopes,
        expires_at=now + lifetime,
    )
    old.replaced_by_id = new.id
    old.expires_at = min(old.expires_at, now + overlap)
    await session.flush()
    return new
