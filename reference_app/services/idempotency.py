"""Answers to creations, kept under the caller's ``Idempotency-Key`` in the transaction that created."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from reference_app.errors import IdempotencyConflictError
from reference_app.models import IdempotencyRecord

_PRUNED_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What the first request with a key was answered."""

    status_code: int
    body: dict[str, Any]


async def claim_key(
    session: AsyncSession, *, user_id: UUID, operation: str, key: str, digest: bytes, lifetime: timedelta
) -> StoredAnswer | None:
    """Claims ``key`` for this transaction, or gives the answer it was used for.

    A second request with the same key waits in the database until the first has committed or rolled back. Raises
    ``IdempotencyConflictError`` when the key was used for another request.
    """
    now = datetime.now(UTC)
    fresh = {"request_digest": digest, "expires_at": now + lifetime, "status_code": None, "body": None}
    claim = insert(IdempotencyRecord).values(id=uuid4(), user_id=user_id, operation=operation, key=key, **fresh)
    claimed = await session.execute(
        claim.on_conflict_do_update(
            index_elements=["user_id", "operation", "key"],
            set_=fresh,
            where=IdempotencyRecord.expires_at < now,
        ).returning(IdempotencyRecord.id)
    )
    if claimed.scalar_one_or_none() is not None:
        await _prune(session, user_id, now)
        return None
    found = await session.execute(_record(user_id, operation, key))
    record = found.scalar_one()
    if record.request_digest != digest or record.status_code is None or record.body is None:
        raise IdempotencyConflictError
    return StoredAnswer(record.status_code, record.body)


async def store_answer(session: AsyncSession, *, user_id: UUID, operation: str, key: str, answer: StoredAnswer) -> None:
    """Keeps the answer under the key that this transaction claimed."""
    await session.execute(
        update(IdempotencyRecord)
        .where(IdempotencyRecord.user_id == user_id)
        .where(IdempotencyRecord.operation == operation, IdempotencyRecord.key == key)
        .values(status_code=answer.status_code, body=answer.body)
    )


async def _prune(session: AsyncSession, user_id: UUID, now: datetime) -> None:
    """Removes some of the user's expired answers; another transaction that does the same is not waited for."""
    expired = (
        select(IdempotencyRecord.id)
        .where(IdempotencyRecord.user_id == user_id, IdempotencyRecord.expires_at < now)
        .limit(_PRUNED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    await session.execute(delete(IdempotencyRecord).where(IdempotencyRecord.id.in_(expired)))


def _record(user_id: UUID, operation: str, key: str) -> Any:
    return (
        select(IdempotencyRecord)
        .where(IdempotencyRecord.user_id == user_id)
        .where(IdempotencyRecord.operation == operation, IdempotencyRecord.key == key)
    )
