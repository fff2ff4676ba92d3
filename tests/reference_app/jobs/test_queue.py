"""The queue inside the caller's transaction."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from pgqueuer import Queries
from pgqueuer.errors import DuplicateJobError
from sqlalchemy import update

from reference_app.jobs import queue
from reference_app.jobs.driver import SessionDriver
from reference_app.jobs.queue import QueueDepth, ScanJob
from reference_app.models import Batch, Scan, ScanStatus
from reference_app.services import batches
from reference_app.session import get_session
from tests.reference_app.conftest import DATABASE_URL_SETTING, ROOT, Database
from tests.reference_app.jobs.support import at_the_workers, get_batch, jobs_in_queue, only_scan, scans_of, submit
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.usefixtures("opened")

URLS = [f"https://site-{number}.example.com/" for number in range(8)]


class InterruptionError(Exception):
    """Something that goes wrong half-way."""


async def test_jobs_vanish_with_the_rows_of_a_transaction_that_fails() -> None:
    batch_id = await submit(URLS[:1])

    async def fail_half_way() -> None:
        scan = Scan(batch_id=batch_id, position=1, submitted="x", domain="x", url="https://x/", host="x")
        async with get_session() as session, session.begin():
            session.add(scan)
            await session.flush()
            await queue.enqueue(session, [ScanJob(scan.id, 1, "request-2")])
            raise InterruptionError

    with pytest.raises(InterruptionError):
        await fail_half_way()
    assert len(await scans_of(batch_id)) == 1
    assert await jobs_in_queue() == 1


async def test_every_scan_has_its_job_from_the_start_and_as_many_as_may_run_are_let_through() -> None:
    batch_id = await submit(URLS, concurrency=3)
    assert await jobs_in_queue() == 8
    assert await at_the_workers() == [scan.id for scan in (await scans_of(batch_id))[:3]]


async def test_filling_a_batch_again_lets_nothing_through() -> None:
    batch_id = await submit(URLS, concurrency=3)
    async with get_session() as session, session.begin():
        assert await queue.fill(session, batch_id) == 0
    assert len(await at_the_workers()) == 3


async def test_a_place_that_is_passed_on_goes_to_the_next_scan_in_the_order_submitted() -> None:
    batch_id = await submit(URLS, concurrency=3)
    async with get_session() as session, session.begin():
        await queue.pass_on(session, batch_id)
    assert await at_the_workers() == [scan.id for scan in (await scans_of(batch_id))[:4]]


async def test_places_passed_on_at_the_same_moment_all_go_to_somebody() -> None:
    urls = [f"https://site-{number}.example.com/" for number in range(60)]
    batch_id = await submit(urls, concurrency=1)

    async def pass_on() -> None:
        async with get_session() as session, session.begin():
            await queue.pass_on(session, batch_id)

    for _ in range(5):
        await asyncio.gather(*(pass_on() for _ in range(10)))
    assert len(await at_the_workers()) == 51


async def test_a_place_whose_transaction_fails_is_still_there_for_the_next() -> None:
    batch_id = await submit(URLS, concurrency=1)

    async def fail_half_way() -> None:
        async with get_session() as session, session.begin():
            await queue.pass_on(session, batch_id)
            raise InterruptionError

    with pytest.raises(InterruptionError):
        await fail_half_way()
    assert len(await at_the_workers()) == 1


async def test_a_job_let_through_is_as_old_as_its_wait_for_a_worker(
    postgres: PostgresServer, database: Database
) -> None:
    batch_id = await submit(URLS, concurrency=1)
    postgres.sql("UPDATE pgqueuer SET execute_after = now() - interval '1 hour'", database.name)
    postgres.sql("DELETE FROM pgqueuer WHERE entrypoint = 'scan'", database.name)
    async with get_session() as session, session.begin():
        await queue.pass_on(session, batch_id)
    async with get_session() as session, session.begin():
        assert (await queue.depth(session)).oldest_waiting_seconds < 60


async def test_enqueueing_the_same_scan_twice_leaves_one_job() -> None:
    batch_id = await submit(URLS[:1])
    scan = await only_scan(batch_id)
    async with get_session() as session, session.begin():
        await queue.enqueue_scans(session, batch_id, [ScanJob(scan.id, 1, "request-2")])
        await queue.enqueue(session, [ScanJob(scan.id, scan.generation, "request-3")])
    assert await jobs_in_queue() == 1


async def test_the_library_sees_the_drivers_own_errors() -> None:
    batch_id = await submit(URLS[:1])
    key = f"{(await only_scan(batch_id)).id}:1"

    async def enqueue_again() -> None:
        async with get_session() as session, session.begin():
            await Queries(SessionDriver(session)).enqueue("scan", key.encode(), dedupe_key=key)

    with pytest.raises(DuplicateJobError):
        await enqueue_again()


async def test_cancelling_takes_the_waiting_jobs_out_of_the_queue() -> None:
    batch_id = await submit(URLS, concurrency=3)
    async with get_session() as session, session.begin():
        await batches.cancel_batch(session, batch_id, owner=None)
    assert await jobs_in_queue() == 0
    assert {scan.status for scan in await scans_of(batch_id)} == {ScanStatus.CANCELLED}
    assert (await get_batch(batch_id)).finished_at is not None


async def test_a_cancelled_batch_gets_no_jobs() -> None:
    batch_id = await submit(URLS, concurrency=3)
    async with get_session() as session, session.begin():
        await batches.cancel_batch(session, batch_id, owner=None)
    async with get_session() as session, session.begin():
        assert await queue.fill(session, batch_id) == 0


async def test_a_dead_scan_is_retried_as_a_new_generation() -> None:
    batch_id = await submit(URLS[:1])
    scan = await only_scan(batch_id)
    async with get_session() as session, session.begin():
        await queue.cancel_queued(session, [scan.id])
        dead = {"status": ScanStatus.DEAD, "attempts": 4, "error_code": "timeout", "error_message": "Too slow."}
        await session.execute(update(Scan).where(Scan.id == scan.id).values(**dead))
    async with get_session() as session, session.begin():
        assert await queue.retry_dead(session, batch_id, [scan.id], request_id="request-2") == [scan.id]
    again = await only_scan(batch_id)
    assert (again.status, again.generation, again.attempts) == (ScanStatus.QUEUED, 2, 0)
    assert (again.error_code, again.error_message) == (None, None)
    assert await jobs_in_queue() == 1


async def test_only_failed_and_dead_scans_are_retried() -> None:
    batch_id = await submit(URLS[:1])
    scan = await only_scan(batch_id)
    async with get_session() as session, session.begin():
        assert await queue.retry_dead(session, batch_id, [scan.id], request_id="request-2") == []
    assert (await only_scan(batch_id)).generation == 1


async def test_depth_counts_scans_by_what_they_wait_for() -> None:
    batch_id = await submit(URLS, concurrency=3)
    first, second, *_ = await scans_of(batch_id)
    async with get_session() as session, session.begin():
        await session.execute(update(Scan).where(Scan.id == first.id).values(status=ScanStatus.RUNNING))
        await session.execute(update(Scan).where(Scan.id == second.id).values(status=ScanStatus.DEAD))
    async with get_session() as session, session.begin():
        depth = await queue.depth(session)
    assert depth == QueueDepth(6, 1, 1, depth.oldest_waiting_seconds)
    assert 0 < depth.oldest_waiting_seconds < 60


async def test_nothing_to_enqueue_is_no_error() -> None:
    async with get_session() as session, session.begin():
        await queue.enqueue(session, [])
        await queue.enqueue_scans(session, uuid4(), [])
        assert await queue.fill(session, uuid4()) == 0
    assert await jobs_in_queue() == 0


def test_a_job_that_is_none_of_ours_is_refused() -> None:
    with pytest.raises(ValueError, match="badly formed"):
        ScanJob.parse(b"nonsense", None)


def test_a_job_reads_back_as_it_was_written() -> None:
    job = ScanJob(uuid4(), 3, "request-1")
    assert ScanJob.parse(job.key.encode(), {"request_id": "request-1"}) == job


async def test_a_batch_that_is_not_there_has_no_effect_on_others() -> None:
    batch_id = await submit(URLS[:1])
    async with get_session() as session, session.begin():
        assert await session.get(Batch, uuid4()) is None
        await queue.pass_on(session, uuid4())
    assert len(await scans_of(batch_id)) == 1
    assert await jobs_in_queue() == 1


async def test_pgqueuers_command_line_works_through_the_pooler(database: Database) -> None:
    await submit(URLS, concurrency=3)
    command = [str(Path(sys.executable).with_name("pgq")), "--factory", "reference_app.jobs.console:queries", "backlog"]
    environment = {**os.environ, DATABASE_URL_SETTING: database.url}
    shown = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
    assert " scan " in shown.stdout
    assert shown.stdout.count("batch:") == 1
