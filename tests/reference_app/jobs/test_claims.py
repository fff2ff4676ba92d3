"""Who may scan what, decided on real rows."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, update

from reference_app.jobs.claims import Claim, Claimed, Crowded, Held, Limits, Settled, Suspect, claim
from reference_app.jobs.queue import ScanJob
from reference_app.models import AttemptOutcome, Batch, BatchStatus, Scan, ScanStatus
from reference_app.services import batches
from reference_app.session import get_session
from tests.reference_app.jobs.support import (
    at_the_workers,
    attempts_of,
    get_batch,
    only_scan,
    scans_of,
    submit,
)

pytestmark = pytest.mark.usefixtures("opened")

LIMITS = Limits(max_attempts=4, max_crashes=3)


async def take(scan_id: UUID, take_over: Held | None = None, *, alone: bool = False, generation: int = 1) -> Claim:
    job = ScanJob(scan_id, generation, "request-1")
    async with get_session() as session, session.begin():
        return await claim(session, job, worker="worker-1", limits=LIMITS, take_over=take_over, alone=alone)


async def crash(scan_id: UUID) -> Claim:
    """Find the holder silent and take the scan over."""
    held = await take(scan_id)
    assert isinstance(held, Held)
    return await take(scan_id, held)


async def test_a_waiting_scan_is_taken_and_its_batch_starts() -> None:
    batch_id = await submit(["https://example.com/"], max_pages=7)
    scan = await only_scan(batch_id)
    claimed = await take(scan.id)
    assert isinstance(claimed, Claimed)
    assert (claimed.url, claimed.max_pages, claimed.attempt) == ("https://example.com/", 7, 1)
    running = await only_scan(batch_id)
    assert (running.status, running.run_token, running.worker) == (ScanStatus.RUNNING, claimed.token, "worker-1")
    assert (await get_batch(batch_id)).status is BatchStatus.RUNNING


async def test_a_running_scan_is_its_holders() -> None:
    batch_id = await submit(["https://example.com/"])
    scan = await only_scan(batch_id)
    claimed = await take(scan.id)
    assert isinstance(claimed, Claimed)
    held = await take(scan.id)
    assert isinstance(held, Held)
    assert held.token == claimed.token


async def test_a_holder_that_gave_a_sign_of_life_is_not_taken_over() -> None:
    batch_id = await submit(["https://example.com/"])
    scan = await only_scan(batch_id)
    await take(scan.id)
    held = await take(scan.id)
    assert isinstance(held, Held)
    async with get_session() as session, session.begin():
        await session.execute(update(Scan).where(Scan.id == scan.id).values(pages_scanned=1))
    assert await take(scan.id, held) == Crowded("row_in_use")


async def test_a_silent_holder_is_taken_over_and_its_attempt_abandoned() -> None:
    batch_id = await submit(["https://example.com/"])
    scan = await only_scan(batch_id)
    await take(scan.id)
    claimed = await crash(scan.id)
    assert isinstance(claimed, Claimed)
    assert claimed.attempt == 2
    first, second = await attempts_of(scan.id)
    assert (first.outcome, first.error_code) == (AttemptOutcome.ABANDONED, "worker_lost")
    assert second.outcome is AttemptOutcome.RUNNING


async def test_a_scan_one_crash_from_the_end_waits_until_no_other_suspect_runs() -> None:
    batch_id = await submit(["https://example.com/"])
    scan = await only_scan(batch_id)
    await take(scan.id)
    assert isinstance(await crash(scan.id), Claimed)
    assert await crash(scan.id) == Suspect()
    assert isinstance(await take(scan.id, alone=True), Claimed)


async def test_a_scan_that_lost_three_workers_is_dead() -> None:
    batch_id = await submit(["https://example.com/"])
    scan = await only_scan(batch_id)
    await take(scan.id)
    await crash(scan.id)
    await crash(scan.id)
    await take(scan.id, alone=True)
    assert await crash(scan.id) == Settled(ScanStatus.DEAD)
    dead = await only_scan(batch_id)
    assert (dead.status, dead.error_code) == (ScanStatus.DEAD, "worker_lost")
    assert (await get_batch(batch_id)).status is BatchStatus.COMPLETED


async def test_a_scan_without_attempts_left_is_dead_with_its_last_error() -> None:
    batch_id = await submit(["https://example.com/"])
    scan = await only_scan(batch_id)
    async with get_session() as session, session.begin():
        used_up = {"attempts": 4, "error_code": "timeout", "error_message": "Too slow."}
        await session.execute(update(Scan).where(Scan.id == scan.id).values(**used_up))
    assert await take(scan.id) == Settled(ScanStatus.DEAD)
    dead = await only_scan(batch_id)
    assert (dead.error_code, dead.error_message) == ("timeout", "The scan was given up after 4 attempts. Too slow.")


async def test_a_job_of_an_older_generation_changes_nothing() -> None:
    batch_id = await submit(["https://example.com/"])
    scan = await only_scan(batch_id)
    async with get_session() as session, session.begin():
        await session.execute(update(Scan).where(Scan.id == scan.id).values(generation=2))
    assert await take(scan.id, generation=1) == Settled(ScanStatus.QUEUED)
    assert (await only_scan(batch_id)).attempts == 0


async def test_a_scan_that_vanished_needs_nothing() -> None:
    batch_id = await submit(["https://example.com/"])
    scan = await only_scan(batch_id)
    async with get_session() as session, session.begin():
        await session.execute(delete(Batch).where(Batch.id == batch_id))
    assert await take(scan.id) == Settled(None)
    assert await take(uuid4()) == Settled(None)


async def test_a_scan_of_a_cancelled_batch_is_cancelled() -> None:
    batch_id = await submit(["https://example.com/"])
    scan = await only_scan(batch_id)
    await take(scan.id)
    held = await take(scan.id)
    assert isinstance(held, Held)
    async with get_session() as session, session.begin():
        await batches.cancel_batch(session, batch_id, owner=None)
    assert await take(scan.id, held) == Settled(ScanStatus.CANCELLED)
    assert (await get_batch(batch_id)).finished_at is not None


async def test_a_batch_has_no_more_scans_at_work_than_it_may() -> None:
    batch_id = await submit(["https://a.example.com/", "https://b.example.com/"], concurrency=1)
    first, second = await scans_of(batch_id)
    assert isinstance(await take(first.id), Claimed)
    assert await take(second.id) == Crowded("batch_concurrency")


async def test_a_site_is_scanned_for_one_batch_at_a_time() -> None:
    first = await only_scan(await submit(["https://example.com/"]))
    second = await only_scan(await submit(["https://example.com/other"]))
    assert isinstance(await take(first.id), Claimed)
    assert await take(second.id) == Crowded("site_busy")


async def test_a_scan_given_up_hands_its_place_to_the_next() -> None:
    batch_id = await submit([f"https://{name}.example.com/" for name in "abc"], concurrency=1)
    first, second, _ = await scans_of(batch_id)
    assert await at_the_workers() == [first.id]
    async with get_session() as session, session.begin():
        await session.execute(update(Scan).where(Scan.id == first.id).values(attempts=4))
    assert await take(first.id) == Settled(ScanStatus.DEAD)
    assert await at_the_workers() == [first.id, second.id]
