"""What may happen to real worker processes, the database, the pooler and the network while a batch is at work.

Whatever it is: every scan ends in exactly one final state, none stays pending or running, none is scanned by two
workers at once.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from reference_app.models import AttemptOutcome, BatchStatus, Scan, ScanStatus
from reference_app.scraping import ScanOptions
from reference_app.session import open_database
from reference_app.settings import ENVIRONMENT_PREFIX, Settings
from tests.reference_app.conftest import Database
from tests.reference_app.jobs.conftest import MakeSettings
from tests.reference_app.jobs.support import (
    attempts_of,
    eventually,
    finished,
    get_batch,
    jobs_in_queue,
    scans_of,
    slow_routes,
    submit,
    unfinished_without_job,
    websites,
)
from tests.support.lines import cuttable_line
from tests.support.pgbouncer import PgBouncer
from tests.support.postgres import PostgresServer
from tests.support.worker_nursery import Nursery, Workers, running_nursery

# `FAULT_KILLS=500` makes the long variant; the batch grows with it.
KILLS = int(os.environ.get("FAULT_KILLS", "50"))
# Leases of half the heartbeat's timeout: recovery within seconds, yet slack on a busy machine.
FAST_RECOVERY: dict[str, Any] = {
    "heartbeat_timeout_seconds": 3,
    "worker_concurrency": 6,
    "sweep_seconds": 0.5,
    "max_attempts": 60,
    "max_crashes": 60,
}
# For tests that count who was abandoned: a busy machine must not cost a worker that lives its lease.
CALM_RECOVERY = FAST_RECOVERY | {"heartbeat_timeout_seconds": 6}


@pytest.fixture
def settings(make_settings: MakeSettings) -> Settings:
    return make_settings(**FAST_RECOVERY)


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with running_nursery() as started:
        yield started


@pytest.fixture(autouse=True)
async def pooler_is_restarted_when_it_ends_by_itself(pgbouncer: PgBouncer) -> AsyncIterator[None]:
    async with pgbouncer.kept_alive():
        yield


StartWorkers = Callable[[Settings], Workers]


@pytest.fixture
def workers_with(nursery: Nursery, tmp_path: Path) -> Iterator[StartWorkers]:
    """Makes groups of worker processes with settings of their own, none started yet."""
    groups: list[Workers] = []

    def make(settings: Settings) -> Workers:
        groups.append(Workers(nursery, environment_of(settings), tmp_path / f"workers-{len(groups)}.log"))
        return groups[-1]

    yield make
    for group in groups:
        group.kill_all()


@pytest.fixture
def workers(workers_with: StartWorkers, settings: Settings) -> Workers:
    return workers_with(settings)


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment variables that make a process read `settings`."""
    changed = {name: getattr(settings, name) for name in settings.model_fields_set}
    return {
        ENVIRONMENT_PREFIX + name.upper(): value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in changed.items()
    }


@pytest.fixture
def locks_end_soon(postgres: PostgresServer, database: Database) -> None:
    """A transaction that a lost worker left open ends within seconds, as the role's time-outs see to in production."""
    # Lost between asyncpg's Parse and its Bind, it is "active" to PostgreSQL, so that only the second one ends it.
    for timeout in ("idle_in_transaction_session_timeout = '2s'", "transaction_timeout = '10s'"):
        postgres.sql(f"ALTER DATABASE {database.name} SET {timeout}")


async def no_two_at_once(scan: Scan) -> bool:
    """Whether each attempt at `scan` had ended when the next one began."""
    attempts = await attempts_of(scan.id)
    ends = [attempt.finished_at for attempt in attempts[:-1]]
    begins = [attempt.created_at for attempt in attempts[1:]]
    return all(end is not None and end <= begin for end, begin in zip(ends, begins, strict=True))


async def check_all_succeeded(batch_id: UUID, pages: int = 2) -> Counter[AttemptOutcome]:
    """Check that each scan succeeded exactly once and by one worker at a time; count the attempts by outcome."""
    scans = await scans_of(batch_id)
    assert Counter(scan.status for scan in scans) == {ScanStatus.SUCCEEDED: len(scans)}
    assert {scan.pages_scanned for scan in scans} == {pages}
    assert [scan.url for scan in scans if not await no_two_at_once(scan)] == []
    outcomes = Counter([attempt.outcome for scan in scans for attempt in await attempts_of(scan.id)])
    assert outcomes[AttemptOutcome.SUCCEEDED] == len(scans)
    assert outcomes[AttemptOutcome.RUNNING] == 0
    assert (await get_batch(batch_id)).status is BatchStatus.COMPLETED
    await eventually(_queue_is_empty, "the queue is empty")
    return outcomes


async def _queue_is_empty() -> bool:
    return await jobs_in_queue() == 0


async def started(batch_id: UUID, count: int) -> None:
    """Return once `count` scans of the batch are beyond the queue."""

    async def enough() -> bool:
        return sum(scan.status is not ScanStatus.QUEUED for scan in await scans_of(batch_id)) >= count

    await eventually(enough, f"{count} scans have started")


@pytest.mark.usefixtures("opened")
async def test_workers_killed_at_random_moments_lose_nothing(workers: Workers) -> None:
    chance = random.Random(6)
    async with websites(10 + KILLS, slow_routes(0.3)) as sites:
        batch_id = await submit([site.url for site in sites], concurrency=24)
        for _ in range(4):
            workers.start()
        await started(batch_id, 6)
        for _ in range(KILLS):
            await asyncio.sleep(chance.uniform(0.0, 0.3))
            workers.send(chance.choice(workers.alive), signal.SIGKILL)
            workers.start()
            assert await unfinished_without_job() == []
        await finished(batch_id, seconds=60 + KILLS)
    outcomes = await check_all_succeeded(batch_id)
    assert outcomes[AttemptOutcome.ABANDONED] > 10
    assert workers.logged("sweeper_put_right") == []


@pytest.mark.usefixtures("opened")
async def test_a_database_that_crashes_and_restarts_loses_nothing(workers: Workers, postgres: PostgresServer) -> None:
    async with websites(20, slow_routes(0.2)) as sites:
        batch_id = await submit([site.url for site in sites])
        workers.start()
        workers.start()
        for finished_before in (3, 10):
            await started(batch_id, finished_before)
            with postgres.away(crashed=True):
                await asyncio.sleep(0.3)
        await finished(batch_id)
    await check_all_succeeded(batch_id)


@pytest.mark.usefixtures("opened")
async def test_a_database_away_for_longer_than_a_lease_loses_nothing(
    workers: Workers, postgres: PostgresServer, settings: Settings
) -> None:
    async with websites(12, slow_routes(0.2)) as sites:
        batch_id = await submit([site.url for site in sites])
        workers.start()
        await started(batch_id, 3)
        with postgres.away(crashed=False):
            await asyncio.sleep(settings.heartbeat_timeout_seconds)
        await finished(batch_id)
    await check_all_succeeded(batch_id)


@pytest.mark.usefixtures("opened")
async def test_a_pooler_killed_and_restarted_loses_nothing(workers: Workers, pgbouncer: PgBouncer) -> None:
    async with websites(30, slow_routes(0.2)) as sites:
        batch_id = await submit([site.url for site in sites])
        workers.start()
        workers.start()
        for finished_before in (3, 10, 18):
            await started(batch_id, finished_before)
            with pgbouncer.away():
                await asyncio.sleep(0.2)
        await finished(batch_id)
    await check_all_succeeded(batch_id)


@pytest.mark.usefixtures("locks_end_soon")
async def test_a_worker_cut_off_from_the_database_stops_before_another_takes_its_scans(
    workers_with: StartWorkers, make_settings: MakeSettings, pgbouncer: PgBouncer
) -> None:
    settings = make_settings(**CALM_RECOVERY)
    async with open_database(settings), cuttable_line(pgbouncer.port) as line, websites(4, slow_routes(2.0)) as sites:
        through_line = settings.url().set(port=line.port).render_as_string(hide_password=False)
        behind_line = workers_with(settings.model_copy(update={"database_url": SecretStr(through_line)}))
        batch_id = await submit([site.url for site in sites])
        behind_line.start()
        await started(batch_id, 4)
        line.cut()
        workers_with(settings).start()
        await finished(batch_id)
        outcomes = await check_all_succeeded(batch_id)
        assert outcomes[AttemptOutcome.ABANDONED] == 4
        line.mend()
        await eventually(_queue_is_empty, "the queue is empty")
        assert max(site.most_at_once for site in sites) <= ScanOptions().concurrency


@pytest.mark.usefixtures("locks_end_soon")
async def test_a_stopped_process_that_comes_back_changes_nothing_of_what_another_recorded(
    workers_with: StartWorkers, make_settings: MakeSettings
) -> None:
    settings = make_settings(**CALM_RECOVERY)
    workers = workers_with(settings)
    async with open_database(settings), websites(2, slow_routes(0.5)) as sites:
        batch_id = await submit([site.url for site in sites])
        frozen = workers.start()
        await started(batch_id, 2)
        workers.send(frozen, signal.SIGSTOP)
        workers.start()
        await finished(batch_id)
        before = [(scan.run_token, scan.finished_at) for scan in await scans_of(batch_id)]
        workers.send(frozen, signal.SIGCONT)
        workers.send(frozen, signal.SIGTERM)
        await eventually(lambda: _ended(frozen), "the thawed worker has ended")
        assert [(scan.run_token, scan.finished_at) for scan in await scans_of(batch_id)] == before
        outcomes = await check_all_succeeded(batch_id)
    assert outcomes[AttemptOutcome.ABANDONED] == 2


async def _ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.usefixtures("opened")
async def test_a_scan_that_keeps_killing_its_worker_is_given_up_and_says_so(
    workers_with: StartWorkers, make_settings: MakeSettings
) -> None:
    poisoned = workers_with(make_settings(heartbeat_timeout_seconds=4))

    async def kill_the_reader(writer: asyncio.StreamWriter) -> None:
        poisoned.kill_all()
        writer.transport.abort()
        poisoned.start()

    async with websites(1, {"/": kill_the_reader}) as poison, websites(5, slow_routes(0.1)) as sites:
        batch_id = await submit([site.url for site in [*poison, *sites]])
        poisoned.start()
        await finished(batch_id, seconds=90)
    killer, *innocent = await scans_of(batch_id)
    assert (killer.status, killer.error_code) == (ScanStatus.DEAD, "worker_lost")
    assert killer.error_message == "The scan was given up: 3 times its worker vanished while it ran."
    assert [attempt.outcome for attempt in await attempts_of(killer.id)] == [AttemptOutcome.ABANDONED] * 3
    assert [scan.status for scan in innocent] == [ScanStatus.SUCCEEDED] * 5


@pytest.mark.usefixtures("opened")
async def test_a_clock_of_the_database_that_jumps_ahead_lets_no_second_worker_in(
    workers_with: StartWorkers, make_settings: MakeSettings, postgres: PostgresServer, database: Database
) -> None:
    workers = workers_with(make_settings(**CALM_RECOVERY))
    async with websites(3, slow_routes(1.0)) as sites:
        batch_id = await submit([site.url for site in sites])
        workers.start()
        workers.start()
        await started(batch_id, 3)
        # To a clock that jumped ahead, every heartbeat is old at once.
        postgres.sql("UPDATE pgqueuer SET heartbeat = now() - interval '1 day' WHERE status = 'picked'", database.name)
        await finished(batch_id)
    outcomes = await check_all_succeeded(batch_id)
    assert outcomes == {AttemptOutcome.SUCCEEDED: 3}
