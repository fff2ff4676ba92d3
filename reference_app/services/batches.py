"""Batches: made with their scans and jobs at once, counted from their scans, settled when all of those are final."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from reference_app.errors import ConflictError, NotFoundError
from reference_app.jobs import queue
from reference_app.jobs.queue import ScanJob
from reference_app.models import (
    FINAL_SCAN_STATUSES,
    RETRIABLE_SCAN_STATUSES,
    UNFINISHED_SCAN_STATUSES,
    Batch,
    BatchStatus,
    Scan,
    ScanStatus,
)
from reference_app.services.pagination import Listing, Slice, read_id, read_time

_LISTING: Listing[Batch] = Listing(
    "batches",
    (Batch.created_at, Batch.id),
    lambda batch: (batch.created_at, batch.id),
    (read_time, read_id),
    descending=True,
)


@dataclass(frozen=True, slots=True)
class NewScan:
    """A domain to scan: what was submitted, and what it was normalised to."""

    submitted: str
    domain: str
    url: str
    host: str


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """What all scans of a batch share. ``concurrency``: scans at work at once."""

    max_pages: int
    concurrency: int
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch is, counted from its scans at one moment."""

    batch_id: UUID
    status: BatchStatus
    by_status: Mapping[ScanStatus, int]
    pages_scanned: int

    @property
    def total(self) -> int:
        """All scans."""
        return sum(self.by_status.values())

    @property
    def finished(self) -> int:
        """Scans in a final state."""
        return sum(count for status, count in self.by_status.items() if status in FINAL_SCAN_STATUSES)

    @property
    def is_over(self) -> bool:
        """Whether nothing of the batch will change by itself any more."""
        return self.status in (BatchStatus.COMPLETED, BatchStatus.CANCELLED) and self.finished == self.total


async def create_batch(
    session: AsyncSession,
    *,
    created_by_id: UUID,
    scans: Sequence[NewScan],
    options: BatchOptions,
    request_id: str,
) -> Batch:
    """Stores a batch and its scans and enqueues their jobs, all in the caller's transaction: all of it or nothing."""
    batch = Batch(
        created_by_id=created_by_id,
        name=options.name,
        max_pages=options.max_pages,
        concurrency=options.concurrency,
        request_id=request_id,
    )
    session.add(batch)
    await session.flush()
    await session.refresh(batch)
    ids = [uuid4() for _ in scans]
    rows = [
        {
            "id": scan_id,
            "batch_id": batch.id,
            "position": position,
            "submitted": scan.submitted,
            "domain": scan.domain,
            "url": scan.url,
            "host": scan.host,
        }
        for position, (scan_id, scan) in enumerate(zip(ids, scans, strict=True))
    ]
    await session.execute(insert(Scan), rows)
    await queue.enqueue_scans(session, batch.id, [ScanJob(scan_id, 1, request_id) for scan_id in ids])
    return batch


async def get_batch(session: AsyncSession, batch_id: UUID, *, owner: UUID | None, lock: bool = False) -> Batch:
    """A batch of ``owner``, or of anybody with ``None``; with ``lock`` nobody else changes it.

    Raises ``NotFoundError``.
    """
    query = select(Batch).where(Batch.id == batch_id)
    if owner is not None:
        query = query.where(Batch.created_by_id == owner)
    batch = (await session.execute(query.with_for_update(key_share=True) if lock else query)).scalar_one_or_none()
    if batch is None:
        raise NotFoundError("There is no such batch.")
    return batch


async def list_batches(
    session: AsyncSession, *, owner: UUID | None, status: BatchStatus | None, cursor: str | None, limit: int
) -> Slice[Batch]:
    """Batches of ``owner``, or of everybody with ``None``, newest first."""
    query = select(Batch).where(*_LISTING.after(cursor)).order_by(*_LISTING.order()).limit(limit + 1)
    if owner is not None:
        query = query.where(Batch.created_by_id == owner)
    if status is not None:
        query = query.where(Batch.status == status)
    return _LISTING.slice((await session.execute(query)).scalars().all(), limit)


async def progress_of(session: AsyncSession, batch_ids: Iterable[UUID]) -> dict[UUID, Progress]:
    """How far these batches are; those that do not exist are left out."""
    wanted = list(batch_ids)
    states = await session.execute(select(Batch.id, Batch.status).where(Batch.id.in_(wanted)))
    counts = await session.execute(
        select(Scan.batch_id, Scan.status, func.count(), func.sum(Scan.pages_scanned))
        .where(Scan.batch_id.in_(wanted))
        .group_by(Scan.batch_id, Scan.status)
    )
    by_batch: dict[UUID, dict[ScanStatus, int]] = {}
    pages: dict[UUID, int] = {}
    for batch_id, status, number, scanned in counts:
        by_batch.setdefault(batch_id, {})[status] = number
        pages[batch_id] = pages.get(batch_id, 0) + scanned
    return {
        batch_id: Progress(batch_id, status, by_batch.get(batch_id, {}), pages.get(batch_id, 0))
        for batch_id, status in states
    }


async def cancel_batch(session: AsyncSession, batch_id: UUID, *, owner: UUID | None) -> Batch:
    """Ends a batch: what waits is cancelled now, what runs stops before its next page. Asking again is fine.

    Raises ``NotFoundError``, and ``ConflictError`` when the batch is complete.
    """
    batch = await get_batch(session, batch_id, owner=owner, lock=True)
    if batch.status is BatchStatus.COMPLETED:
        raise ConflictError("The batch is complete; there is nothing left to cancel.")
    if batch.status is BatchStatus.CANCELLED:
        return batch
    now = datetime.now(UTC)
    batch.status = BatchStatus.CANCELLED
    batch.cancel_requested_at = now
    waiting = await session.execute(
        update(Scan)
        .where(Scan.batch_id == batch_id, Scan.status == ScanStatus.QUEUED)
        .values(status=ScanStatus.CANCELLED, finished_at=now)
        .returning(Scan.id)
    )
    await queue.cancel_queued(session, list(waiting.scalars()))
    await session.flush()
    await settle(session, batch_id)
    return batch


async def retry_failed(session: AsyncSession, batch_id: UUID, *, owner: UUID | None, request_id: str) -> int:
    """Queues the batch's failed and dead scans again; how many there were.

    Raises ``NotFoundError``, and ``ConflictError`` when there are none or the batch was cancelled.
    """
    batch = await get_batch(session, batch_id, owner=owner, lock=True)
    if batch.status is BatchStatus.CANCELLED:
        raise ConflictError("The batch was cancelled; submit its domains anew.")
    found = await session.execute(
        select(Scan.id).where(Scan.batch_id == batch_id, Scan.status.in_(RETRIABLE_SCAN_STATUSES))
    )
    scan_ids = list(found.scalars())
    if not scan_ids:
        raise ConflictError("No scan of the batch has failed.")
    await requeue(session, batch, scan_ids, request_id=request_id)
    return len(scan_ids)


async def requeue(session: AsyncSession, batch: Batch, scan_ids: Sequence[UUID], *, request_id: str) -> None:
    """Queues scans of a locked batch again, and the batch is at work again."""
    batch.status = BatchStatus.RUNNING
    batch.finished_at = None
    await session.flush()
    await queue.retry_dead(session, batch.id, scan_ids, request_id=request_id)


async def settle(session: AsyncSession, batch_id: UUID) -> None:
    """Completes the batch if all its scans are final. To be called in every transaction that ends a scan.

    The batch's row is locked first: of two transactions that end the last two scans, the later one sees both. The lock
    lets foreign keys still be checked against the row, or two transactions that write scans could wait for each other.
    """
    found = await session.execute(select(Batch).where(Batch.id == batch_id).with_for_update(key_share=True))
    batch = found.scalar_one_or_none()
    if batch is None or batch.finished_at is not None:
        return
    # Named one by one, they are looked up in the index on (batch_id, status).
    unfinished = select(Scan.id).where(Scan.batch_id == batch_id, Scan.status.in_(UNFINISHED_SCAN_STATUSES)).limit(1)
    if (await session.execute(unfinished)).first() is not None:
        return
    if batch.status is not BatchStatus.CANCELLED:
        batch.status = BatchStatus.COMPLETED
    batch.finished_at = datetime.now(UTC)
    await session.flush()
