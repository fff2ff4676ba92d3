"""Putting scans into the queue and taking them out, inside the caller's transaction. Nothing here commits.

Every scan's job is enqueued with its row, under the name of its batch, which no worker asks for: the batch's waiting
room. Workers ask for ``ENTRYPOINT``. As many jobs as the batch's ``concurrency`` are let through to there at once, and
each scan that ends lets the next one through in the transaction that records its end. So one batch of 10,000 does not
stand in front of everybody else's, and no worker takes jobs that may not run yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from pgqueuer import Queries
from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from reference_app.jobs.driver import SessionDriver
from reference_app.jobs.tables import has_job, job_key, jobs
from reference_app.models import (
    RETRIABLE_SCAN_STATUSES,
    UNFINISHED_SCAN_STATUSES,
    Batch,
    Page,
    Scan,
    ScanStatus,
)

ENTRYPOINT = "scan"


def waiting_room(batch_id: UUID) -> str:
    """The name under which jobs of a batch wait for their turn."""
    return f"batch:{batch_id}"


@dataclass(frozen=True, slots=True)
class ScanJob:
    """What a job says: which scan, which of its generations, and the request that asked for it."""

    scan_id: UUID
    generation: int
    request_id: str

    @property
    def key(self) -> str:
        """The key that lets one live job exist for each generation of a scan."""
        return f"{self.scan_id}:{self.generation}"

    @classmethod
    def parse(cls, payload: bytes | None, headers: dict[str, object] | None) -> ScanJob:
        """The job that ``enqueue`` wrote as ``payload`` and ``headers``; raises ValueError for anything else."""
        scan_id, _, generation = (payload or b"").decode().partition(":")
        return cls(UUID(scan_id), int(generation), str((headers or {}).get("request_id", "none")))


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """How much work there is. ``waiting`` and ``running`` count scans; ``oldest_waiting_seconds`` is a job's age."""

    waiting: int
    running: int
    dead: int
    oldest_waiting_seconds: float


async def enqueue(session: AsyncSession, work: Sequence[ScanJob], *, entrypoint: str = ENTRYPOINT) -> None:
    """Enqueue ``work``; a job that is live already is left as it is."""
    if not work:
        return
    count = len(work)
    await Queries(SessionDriver(session)).enqueue(
        [entrypoint] * count,
        [job.key.encode() for job in work],
        [0] * count,
        dedupe_key=[job.key for job in work],
        headers=[{"request_id": job.request_id} for job in work],
        on_conflict="skip",
    )


async def enqueue_scans(session: AsyncSession, batch_id: UUID, work: Sequence[ScanJob]) -> None:
    """Enqueue the scans of a batch and let as many through to the workers as it may have at work."""
    await session.flush()
    await enqueue(session, work, entrypoint=waiting_room(batch_id))
    await fill(session, batch_id)


async def fill(session: AsyncSession, batch_id: UUID) -> int:
    """Let jobs of a batch through until ``concurrency`` of its scans have theirs at the workers; give how many."""
    batch = await session.scalar(select(Batch).where(Batch.id == batch_id).with_for_update(key_share=True))
    if batch is None or batch.cancel_requested_at is not None:
        return 0
    # A scan that sits out the wait before its next attempt does not use a place.
    at_work = or_(Scan.not_before.is_(None), Scan.not_before <= func.now())
    in_place = (
        select(func.count())
        .select_from(Scan)
        .where(Scan.batch_id == batch_id, Scan.status.in_(UNFINISHED_SCAN_STATUSES), at_work, has_job(ENTRYPOINT))
    )
    return await _let_through(session, batch_id, batch.concurrency - (await session.scalar(in_place) or 0))


async def pass_on(session: AsyncSession, batch_id: UUID) -> None:
    """Give the place of a scan that ended, or waits for its next attempt, to the batch's next one."""
    await _let_through(session, batch_id, 1)


async def _let_through(session: AsyncSession, batch_id: UUID, count: int) -> int:
    if count <= 0:
        return 0
    first = (
        select(jobs.c.id)
        .where(jobs.c.entrypoint == waiting_room(batch_id), jobs.c.status == "queued")
        .order_by(jobs.c.priority.desc(), jobs.c.id)
        .limit(count)
        .with_for_update(skip_locked=True)
        .cte("first")
    )
    # From now on it waits for a worker; its age, which operators watch, is counted from here.
    through = update(jobs).where(jobs.c.id == first.c.id).values(entrypoint=ENTRYPOINT, execute_after=func.now())
    return len((await session.execute(through.returning(jobs.c.id))).all())


async def cancel_queued(session: AsyncSession, scan_ids: Iterable[UUID]) -> None:
    """Take the waiting jobs of ``scan_ids`` out of the queue; a scan at work stops at its next look at its batch."""
    keys = select(job_key()).where(Scan.id.in_(list(scan_ids)))
    await session.execute(delete(jobs).where(jobs.c.dedupe_key.in_(keys), jobs.c.status == "queued"))


async def retry_dead(session: AsyncSession, batch_id: UUID, scan_ids: Sequence[UUID], *, request_id: str) -> list[UUID]:
    """Start a new generation of those of a batch's scans that failed or died, without their pages; give their ids.

    A job of the former generation that is still around changes nothing any more. The caller sets the batch running.
    """
    reset = (
        update(Scan)
        .where(Scan.batch_id == batch_id, Scan.id.in_(scan_ids), Scan.status.in_(RETRIABLE_SCAN_STATUSES))
        .values(
            status=ScanStatus.QUEUED,
            generation=Scan.generation + 1,
            attempts=0,
            run_token=None,
            worker=None,
            not_before=None,
            started_at=None,
            finished_at=None,
            pages_found=0,
            pages_scanned=0,
            error_code=None,
            error_message=None,
            summary=None,
        )
        .returning(Scan.id, Scan.generation)
        .execution_options(synchronize_session=False)
    )
    again = [ScanJob(row.id, row.generation, request_id) for row in await session.execute(reset)]
    await session.execute(delete(Page).where(Page.scan_id.in_([job.scan_id for job in again])))
    await enqueue_scans(session, batch_id, again)
    return [job.scan_id for job in again]


async def depth(session: AsyncSession) -> QueueDepth:
    """How many scans wait, are at work and are dead, and how long the oldest due job has waited."""
    unfinished = select(Scan.status, func.count()).where(Scan.status.in_(UNFINISHED_SCAN_STATUSES))
    counts = {row[0]: row[1] for row in await session.execute(unfinished.group_by(Scan.status))}
    # Asked apart from the others: each question has a small index of its own.
    dead = await session.scalar(select(func.count()).where(Scan.status == ScanStatus.DEAD))
    oldest = select(func.extract("epoch", func.now() - func.min(jobs.c.execute_after))).where(
        jobs.c.entrypoint == ENTRYPOINT, jobs.c.status == "queued", jobs.c.execute_after <= func.now()
    )
    return QueueDepth(
        waiting=counts.get(ScanStatus.QUEUED, 0),
        running=counts.get(ScanStatus.RUNNING, 0),
        dead=dead or 0,
        oldest_waiting_seconds=float(await session.scalar(oldest) or 0.0),
    )
