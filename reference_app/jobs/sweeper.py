"""Putting right what no worker would: the last line behind "never lost, never stuck".

Every worker sweeps now and then; an advisory lock lets one do it at a time. A sweep finds scans that should have a
job and have none (an operator's DELETE, jobs that PgQueuer put aside, anything unforeseen), batches whose last scan
ended without ending them, jobs that a clock set back holds in the future, and queue logs nobody reads any more.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from reference_app.jobs.queue import ENTRYPOINT, ScanJob, enqueue, fill, waiting_room
from reference_app.jobs.tables import has_job, job_key, job_log, jobs
from reference_app.models import UNFINISHED_SCAN_STATUSES, Batch, Scan, ScanStatus
from reference_app.observability import metrics
from reference_app.observability.logs import get_logger
from reference_app.services import batches
from reference_app.session import get_session

_log = get_logger(__name__)

_LOCK = "reference_app.sweeper"
JOB_FAILED = "job_failed"
PRUNED_PER_SWEEP = 10_000


@dataclass(frozen=True, slots=True)
class SweepRules:
    """``longest_delay``: no job waits longer than that on purpose. ``give_up_after``: jobs PgQueuer may put aside."""

    longest_delay: timedelta
    log_retention: timedelta
    give_up_after: int


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep put right, in numbers. ``requeued``: scans that had no job; ``let_through``: places left empty."""

    requeued: int = 0
    given_up: int = 0
    let_through: int = 0
    settled: int = 0
    released: int = 0
    pruned: int = 0


async def sweep(rules: SweepRules) -> Swept | None:
    """Sweep once; None when another worker is sweeping."""
    async with get_session() as session, session.begin():
        if not await session.scalar(select(func.pg_try_advisory_xact_lock(func.hashtextextended(_LOCK, 0)))):
            return None
        released = await _release_from_the_future(session, rules)
        given_up = await _give_up(session, rules)
        requeued = await _requeue(session)
        pruned = await _prune(session, rules)
        unfinished = list(await session.scalars(select(Batch.id).where(Batch.finished_at.is_(None))))
    let_through = settled = 0
    for batch_id in unfinished:
        async with get_session() as session, session.begin():
            settled += await _settle(session, batch_id)
            let_through += await fill(session, batch_id)
    swept = Swept(requeued, given_up, let_through, settled, released, pruned)
    if swept != Swept(pruned=pruned):
        _log.warning("sweeper_put_right", **{name: getattr(swept, name) for name in Swept.__slots__})
    for action in ("requeued", "given_up", "let_through", "settled", "released"):
        metrics.SWEPT_SCANS.labels(action).inc(getattr(swept, action))
    return swept


async def _release_from_the_future(session: AsyncSession, rules: SweepRules) -> int:
    """Jobs dated later than anybody dates them: the database's clock was set back since."""
    latest = func.now() + rules.longest_delay
    dated = or_(jobs.c.execute_after > latest, jobs.c.heartbeat > latest)
    released = await session.execute(
        update(jobs)
        .where(dated)
        .values(
            execute_after=func.least(jobs.c.execute_after, func.now()),
            heartbeat=func.least(jobs.c.heartbeat, func.now()),
        )
        .returning(jobs.c.id)
    )
    return len(released.all())


async def _give_up(session: AsyncSession, rules: SweepRules) -> int:
    """Scans whose job failed outside the scan itself, again and again: a defect that another try will not mend."""
    put_aside = select(jobs.c.dedupe_key).where(jobs.c.status == "failed").group_by(jobs.c.dedupe_key)
    keys = list(await session.scalars(put_aside.having(func.count() >= rules.give_up_after)))
    scan_ids = [UUID(key.partition(":")[0]) for key in keys]
    hopeless = select(Scan).where(Scan.id.in_(scan_ids), job_key().in_(keys), Scan.status == ScanStatus.QUEUED)
    scans = list(await session.scalars(hopeless.where(~has_job()).with_for_update(skip_locked=True)))
    for scan in scans:
        scan.status = ScanStatus.DEAD
        scan.error_code = JOB_FAILED
        scan.error_message = f"The job of this scan failed {rules.give_up_after} times; the worker's log says why."
        scan.finished_at = func.now()
    return len(scans)


async def _requeue(session: AsyncSession) -> int:
    """Scans without a job: a waiting one goes back to its batch's waiting room, a running one straight to the workers.

    Whoever gets the job of a running scan watches first whether the scan is alive.
    """
    columns = (Scan.id, Scan.generation, Scan.status, Scan.batch_id, Batch.request_id)
    without = select(*columns).join(Batch, Batch.id == Scan.batch_id).order_by(Scan.batch_id, Scan.position)
    rows = (await session.execute(without.where(Scan.status.in_(UNFINISHED_SCAN_STATUSES), ~has_job()))).all()
    by_entrypoint: defaultdict[str, list[ScanJob]] = defaultdict(list)
    for row in rows:
        entrypoint = ENTRYPOINT if row.status == ScanStatus.RUNNING else waiting_room(row.batch_id)
        by_entrypoint[entrypoint].append(ScanJob(row.id, row.generation, row.request_id))
    for entrypoint, work in by_entrypoint.items():
        await enqueue(session, work, entrypoint=entrypoint)
    return len(rows)


async def _prune(session: AsyncSession, rules: SweepRules) -> int:
    """Old lines of PgQueuer's log, some at a time, and put-aside jobs of that age."""
    oldest = func.now() - rules.log_retention
    some = select(job_log.c.id).where(job_log.c.created < oldest).limit(PRUNED_PER_SWEEP)
    lines = await session.execute(delete(job_log).where(job_log.c.id.in_(some)).returning(job_log.c.id))
    await session.execute(delete(jobs).where(jobs.c.status == "failed", jobs.c.updated < oldest))
    return len(lines.all())


async def _settle(session: AsyncSession, batch_id: UUID) -> int:
    batch = await session.scalar(select(Batch).where(Batch.id == batch_id).with_for_update(key_share=True))
    if batch is None or batch.finished_at is not None:
        return 0
    await batches.settle(session, batch_id)
    return int(batch.finished_at is not None)
