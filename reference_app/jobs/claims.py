"""Deciding, in one transaction, whether this worker may scan what a job names, and taking it if so.

Locks are taken in the order site, batch, scan, and the batch's only by the first of its claims: one that every claim
waited for would keep the pooler's few connections waiting with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Select, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from reference_app.jobs.queue import ScanJob, pass_on
from reference_app.models import FINAL_SCAN_STATUSES, AttemptOutcome, Batch, BatchStatus, Scan, ScanAttempt, ScanStatus
from reference_app.services import batches

WORKER_LOST = "worker_lost"
ATTEMPTS_USED_UP = "attempts_used_up"


@dataclass(frozen=True, slots=True)
class Limits:
    """How often a scan may start, and how often its worker may vanish during it, before it is given up."""

    max_attempts: int
    max_crashes: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """The scan is ours under ``token``: what to scan, and the how-manieth attempt this is."""

    scan_id: UUID
    batch_id: UUID
    batch_concurrency: int
    token: UUID
    url: str
    max_pages: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Settled:
    """There is nothing to do: the scan is gone, of a later generation, or has its final state (maybe just now)."""

    status: ScanStatus | None


@dataclass(frozen=True, slots=True)
class Held:
    """Somebody holds the scan under ``token``; ``seen`` is the mark of the last sign of life, only good to compare."""

    token: UUID | None
    seen: datetime


@dataclass(frozen=True, slots=True)
class Crowded:
    """Not now: the batch has all the scans at work it may have, its site is being scanned, or its row is in use."""

    reason: str


@dataclass(frozen=True, slots=True)
class Suspect:
    """One more crash and the scan is given up: claim it again when no other suspect runs in this process."""


Claim = Claimed | Settled | Held | Crowded | Suspect


async def claim(
    session: AsyncSession,
    job: ScanJob,
    *,
    worker: str,
    limits: Limits,
    take_over: Held | None = None,
    alone: bool = False,
) -> Claim:
    """Take the scan of ``job`` for ``worker``, in the caller's transaction.

    ``take_over`` names a holder that gave no sign of life while the caller watched. ``alone``: the caller runs no
    other suspect, so one more crash can be blamed on this scan.
    """
    known = (await session.execute(_known(job.scan_id))).one_or_none()
    if known is None or known.generation != job.generation or known.status in FINAL_SCAN_STATUSES:
        return Settled(known.status if known else None)
    if known.status == ScanStatus.RUNNING and take_over is None:
        return Held(known.run_token, known.updated_at)
    batch = await session.get_one(Batch, known.batch_id)
    if batch.status == BatchStatus.QUEUED:
        await _start_batch(session, batch)
    scan = await session.scalar(
        select(Scan)
        .where(Scan.id == job.scan_id, _as_expected(take_over), Scan.generation == job.generation)
        .with_for_update(skip_locked=True)
    )
    if scan is None:
        return Crowded("row_in_use")
    if take_over is not None:
        await _abandon(session, scan)
    return await _decide(session, batch, scan, worker, limits, alone=alone)


def _known(scan_id: UUID) -> Select[Any]:
    """What is to be known of a scan before it is locked; also keeps other claims of the same site waiting."""
    lock_site = func.pg_advisory_xact_lock(func.hashtextextended(Scan.domain, 0))
    columns = (Scan.batch_id, Scan.status, Scan.generation, Scan.run_token, Scan.updated_at)
    return select(*columns, lock_site).where(Scan.id == scan_id)


async def _start_batch(session: AsyncSession, batch: Batch) -> None:
    await session.execute(
        update(Batch)
        .where(Batch.id == batch.id, Batch.status == BatchStatus.QUEUED)
        .values(status=BatchStatus.RUNNING, started_at=func.now())
        .execution_options(synchronize_session=False)
    )


def _as_expected(take_over: Held | None) -> ColumnElement[bool]:
    if take_over is None:
        return Scan.status == ScanStatus.QUEUED
    same_holder = (Scan.run_token == take_over.token) & (Scan.updated_at == take_over.seen)
    return (Scan.status == ScanStatus.RUNNING) & same_holder


async def _abandon(session: AsyncSession, scan: Scan) -> None:
    """Record that the scan's worker vanished, and free the scan."""
    await session.execute(
        update(ScanAttempt)
        .where(ScanAttempt.run_token == scan.run_token, ScanAttempt.outcome == AttemptOutcome.RUNNING)
        .values(
            outcome=AttemptOutcome.ABANDONED,
            finished_at=func.now(),
            error_code=WORKER_LOST,
            error_message=f"The worker {scan.worker} gave no sign of life any more.",
        )
    )
    scan.status = ScanStatus.QUEUED
    scan.run_token = None
    await session.flush()


async def _decide(
    session: AsyncSession, batch: Batch, scan: Scan, worker: str, limits: Limits, *, alone: bool
) -> Claim:
    if batch.cancel_requested_at is not None:
        return await _end(session, batch, scan, ScanStatus.CANCELLED, None, None)
    crashes = await _crashes(session, scan) if scan.attempts else 0
    if crashes >= limits.max_crashes:
        message = f"The scan was given up: {crashes} times its worker vanished while it ran."
        return await _end(session, batch, scan, ScanStatus.DEAD, WORKER_LOST, message)
    if scan.attempts >= limits.max_attempts:
        message = f"The scan was given up after {scan.attempts} attempts. {scan.error_message or ''}".strip()
        return await _end(session, batch, scan, ScanStatus.DEAD, scan.error_code or ATTEMPTS_USED_UP, message)
    if crashes and crashes == limits.max_crashes - 1 and not alone:
        return Suspect()
    if crowded := await _crowded(session, batch, scan):
        return crowded
    return await _start(session, batch, scan, worker)


async def _crashes(session: AsyncSession, scan: Scan) -> int:
    counted = select(func.count()).where(
        ScanAttempt.scan_id == scan.id,
        ScanAttempt.generation == scan.generation,
        ScanAttempt.outcome == AttemptOutcome.ABANDONED,
    )
    return await session.scalar(counted) or 0


async def _crowded(session: AsyncSession, batch: Batch, scan: Scan) -> Crowded | None:
    running = select(func.count()).where(Scan.status == ScanStatus.RUNNING)
    of_batch = running.where(Scan.batch_id == batch.id).scalar_subquery()
    of_site = running.where(Scan.domain == scan.domain).scalar_subquery()
    at_work = (await session.execute(select(of_batch.label("batch"), of_site.label("site")))).one()
    if at_work.site:
        return Crowded("site_busy")
    return Crowded("batch_concurrency") if at_work.batch >= batch.concurrency else None


async def _start(session: AsyncSession, batch: Batch, scan: Scan, worker: str) -> Claimed:
    token = uuid4()
    scan.status = ScanStatus.RUNNING
    scan.run_token = token
    scan.worker = worker
    scan.attempts += 1
    scan.not_before = None
    scan.started_at = func.now()
    session.add(
        ScanAttempt(scan_id=scan.id, generation=scan.generation, number=scan.attempts, run_token=token, worker=worker)
    )
    await session.flush()
    return Claimed(scan.id, batch.id, batch.concurrency, token, scan.url, batch.max_pages, scan.attempts)


async def _end(
    session: AsyncSession, batch: Batch, scan: Scan, status: ScanStatus, code: str | None, message: str | None
) -> Settled:
    scan.status = status
    scan.error_code = code
    scan.error_message = message
    scan.finished_at = func.now()
    await session.flush()
    await batches.settle(session, batch.id)
    await pass_on(session, batch.id)
    return Settled(status)
