"""What nobody else would put right."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from reference_app.jobs import sweeper
from reference_app.jobs.scan_job import CROWDED_WAITS
from reference_app.jobs.sweeper import SweepRules, Swept, sweep
from reference_app.jobs.worker import sweep_rules
from reference_app.models import BatchStatus, Scan, ScanStatus
from reference_app.session import get_session
from tests.reference_app.conftest import Database
from tests.reference_app.jobs.conftest import MakeSettings
from tests.reference_app.jobs.support import get_batch, jobs_in_queue, only_scan, scans_of, submit
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.usefixtures("opened")

RULES = SweepRules(longest_delay=timedelta(minutes=10), log_retention=timedelta(days=7), give_up_after=2)


async def set_scans(**values: object) -> None:
    async with get_session() as session, session.begin():
        await session.execute(update(Scan).values(**values))


async def test_a_sweep_of_a_sound_queue_changes_nothing() -> None:
    await submit(["https://example.com/"])
    assert await sweep(RULES) == Swept()


async def test_waiting_scans_whose_jobs_an_operator_deleted_get_new_ones(
    postgres: PostgresServer, database: Database
) -> None:
    await submit([f"https://{name}.example.com/" for name in "abc"], concurrency=2)
    postgres.sql("DELETE FROM pgqueuer", database.name)
    assert await sweep(RULES) == Swept(requeued=3, let_through=2)
    assert await jobs_in_queue() == 3


async def test_a_place_that_was_left_empty_is_filled(postgres: PostgresServer, database: Database) -> None:
    await submit([f"https://{name}.example.com/" for name in "abc"], concurrency=2)
    postgres.sql("UPDATE scans SET status = 'cancelled' WHERE position = 0", database.name)
    assert await sweep(RULES) == Swept(let_through=1)


async def test_a_running_scan_without_a_job_gets_one(postgres: PostgresServer, database: Database) -> None:
    await submit(["https://example.com/"])
    await set_scans(status=ScanStatus.RUNNING)
    postgres.sql("DELETE FROM pgqueuer", database.name)
    assert await sweep(RULES) == Swept(requeued=1)
    assert await jobs_in_queue("queued") == 1


async def test_a_scan_whose_jobs_were_put_aside_again_and_again_is_given_up(
    postgres: PostgresServer, database: Database
) -> None:
    batch_id = await submit(["https://example.com/"])
    for expected in (Swept(requeued=1, let_through=1), Swept(given_up=1, settled=1)):
        postgres.sql("UPDATE pgqueuer SET status = 'failed'", database.name)
        assert await sweep(RULES) == expected
    scan = await only_scan(batch_id)
    assert (scan.status, scan.error_code) == (ScanStatus.DEAD, "job_failed")
    assert scan.error_message == "The job of this scan failed 2 times; the worker's log says why."
    assert (await get_batch(batch_id)).status is BatchStatus.COMPLETED


async def test_a_batch_whose_scans_have_all_ended_is_ended() -> None:
    batch_id = await submit(["https://example.com/"])
    await set_scans(status=ScanStatus.SUCCEEDED)
    assert await sweep(RULES) == Swept(settled=1)
    assert (await get_batch(batch_id)).status is BatchStatus.COMPLETED


async def test_jobs_that_a_clock_set_back_holds_in_the_future_are_released(
    postgres: PostgresServer, database: Database
) -> None:
    await submit(["https://example.com/"])
    postgres.sql("UPDATE pgqueuer SET execute_after = now() + interval '1 day'", database.name)
    assert await sweep(RULES) == Swept(released=1)
    assert postgres.sql("SELECT count(*) FROM pgqueuer WHERE execute_after <= now()", database.name) == "1"


async def test_a_job_that_waits_for_its_next_attempt_is_left_alone(
    postgres: PostgresServer, database: Database
) -> None:
    await submit(["https://example.com/"])
    postgres.sql("UPDATE pgqueuer SET execute_after = now() + interval '9 minutes'", database.name)
    assert await sweep(RULES) == Swept()


async def test_no_wait_that_a_worker_asks_for_passes_for_a_date_in_the_future(make_settings: MakeSettings) -> None:
    longest_delay = sweep_rules(make_settings(retry_cap_seconds=0.2, heartbeat_timeout_seconds=3)).longest_delay
    assert longest_delay > timedelta(seconds=CROWDED_WAITS.cap)


async def test_old_lines_of_the_queues_log_are_pruned(postgres: PostgresServer, database: Database) -> None:
    await submit([f"https://{name}.example.com/" for name in "ab"])
    postgres.sql("UPDATE pgqueuer_log SET created = now() - interval '8 days' WHERE job_id = 1", database.name)
    assert await sweep(RULES) == Swept(pruned=1)
    assert postgres.sql("SELECT count(*) FROM pgqueuer_log", database.name) == "1"


async def test_one_worker_sweeps_at_a_time() -> None:
    async with get_session() as session, session.begin():
        await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(sweeper._LOCK, 0))))
        assert await sweep(RULES) is None


async def test_a_scan_between_two_attempts_leaves_its_place_to_another(
    postgres: PostgresServer, database: Database
) -> None:
    batch_id = await submit([f"https://{name}.example.com/" for name in "ab"], concurrency=1)
    first = (await scans_of(batch_id))[0]
    async with get_session() as session, session.begin():
        later = func.now() + timedelta(minutes=5)
        await session.execute(update(Scan).where(Scan.id == first.id).values(not_before=later))
    assert await sweep(RULES) == Swept(let_through=1)
    assert postgres.sql("SELECT count(*) FROM pgqueuer WHERE entrypoint = 'scan'", database.name) == "2"
