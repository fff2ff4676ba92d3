"""A worker with real websites: from a submitted batch to what is kept of it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import structlog
from sqlalchemy import select
from structlog.testing import capture_logs

from reference_app.jobs import recording
from reference_app.jobs.scan_job import OnPage, ShouldStop
from reference_app.models import AttemptOutcome, BatchStatus, Page, ScanStatus
from reference_app.scraping import PageRecord, ScanSummary
from reference_app.services import batches
from reference_app.session import get_session
from reference_app.settings import Settings
from tests.reference_app.conftest import Database
from tests.reference_app.jobs.conftest import MakeSettings
from tests.reference_app.jobs.support import (
    attempts_of,
    eventually,
    finished,
    get_batch,
    jobs_in_queue,
    only_scan,
    scans_of,
    site_routes,
    slow,
    slow_routes,
    submit,
    summary_of,
    websites,
    worker,
)
from tests.reference_app.scraping.web import page, redirect, response
from tests.support.postgres import PostgresServer
from tests.support.processes import free_port

pytestmark = pytest.mark.usefixtures("opened")


@pytest.mark.parametrize("days", [2, -2])
async def test_a_wall_clock_that_jumps_under_a_worker_decides_nothing(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    told: list[datetime] = []

    def jumped() -> datetime:
        told.append(datetime.now(UTC) + timedelta(days=days))
        return told[-1]

    monkeypatch.setattr(recording, "now", jumped)
    nowhere = f"http://127.0.0.1:{free_port()}/"
    async with websites(5) as sites:
        batch_id = await submit([nowhere, *(site.url for site in sites)])
        async with worker(make_settings(max_attempts=2)):
            batch = await finished(batch_id)
    assert len(told) > 5
    assert batch.status is BatchStatus.COMPLETED
    scans = await scans_of(batch_id)
    attempts = {scan.url: await attempts_of(scan.id) for scan in scans}
    outcomes = {url: [attempt.outcome for attempt in tried] for url, tried in attempts.items()}
    kept = [time for scan in scans for time in (scan.created_at, scan.started_at, scan.finished_at)]
    kept += [time for tried in attempts.values() for a in tried for time in (a.created_at, a.finished_at)]
    assert all(time is not None and abs(datetime.now(UTC) - time) < timedelta(hours=1) for time in kept)
    assert outcomes.pop(nowhere) == [AttemptOutcome.RETRIED, AttemptOutcome.FAILED]
    assert list(outcomes.values()) == [[AttemptOutcome.SUCCEEDED]] * 5
    assert await jobs_in_queue() == 0


async def test_a_batch_is_scanned_and_its_pages_are_kept(settings: Settings) -> None:
    async with websites(3) as sites:
        batch_id = await submit([site.url for site in sites])
        async with worker(settings):
            batch = await finished(batch_id)
        assert batch.status is BatchStatus.COMPLETED
        scans = await scans_of(batch_id)
        assert [scan.status for scan in scans] == [ScanStatus.SUCCEEDED] * 3
        assert [scan.pages_scanned for scan in scans] == [2, 2, 2]
        assert [scan.error_code for scan in scans] == [None] * 3
    async with get_session() as session, session.begin():
        pages = list(await session.scalars(select(Page).where(Page.scan_id == scans[0].id).order_by(Page.position)))
    assert [(page.position, page.title) for page in pages] == [(1, "Start"), (2, "Page 1")]
    assert await jobs_in_queue() == 0


async def test_no_connection_to_a_site_outlives_its_scan(settings: Settings) -> None:
    async with websites(5) as sites:
        batch_id = await submit([site.url for site in sites])

        async def all_closed() -> bool:
            return sum(site.open_connections for site in sites) == 0

        async with worker(settings):
            await finished(batch_id)
            assert {len(site.requests) > 1 for site in sites} == {True}
            # Sooner than any connection that is kept alive would be given up.
            await eventually(all_closed, "no connection is left", seconds=5)


async def test_every_attempt_is_kept_with_its_worker_and_outcome(settings: Settings) -> None:
    async with websites(1) as sites:
        batch_id = await submit([sites[0].url])
        async with worker(settings):
            await finished(batch_id)
    scan = await only_scan(batch_id)
    (attempt,) = await attempts_of(scan.id)
    assert (attempt.number, attempt.outcome, attempt.worker) == (1, AttemptOutcome.SUCCEEDED, scan.worker)
    assert attempt.finished_at is not None


async def test_the_request_id_of_the_submission_is_in_every_log_line_of_the_scan(settings: Settings) -> None:
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        async with websites(1) as sites:
            batch_id = await submit([sites[0].url], request_id="request-77")
            async with worker(settings):
                await finished(batch_id)
    lines = [line for line in logs if line["event"] in ("scan_started", "scan_ended")]
    assert [(line["event"], line["request_id"]) for line in lines] == [
        ("scan_started", "request-77"),
        ("scan_ended", "request-77"),
    ]


async def test_a_site_that_cannot_be_reached_is_tried_again_and_then_dead(make_settings: MakeSettings) -> None:
    batch_id = await submit([f"http://127.0.0.1:{free_port()}/"])
    async with worker(make_settings(max_attempts=3)):
        batch = await finished(batch_id)
    assert batch.status is BatchStatus.COMPLETED
    scan = await only_scan(batch_id)
    assert (scan.status, scan.attempts) == (ScanStatus.DEAD, 3)
    assert scan.error_code == "connect_failed"
    assert str(scan.error_message).endswith("(given up after 3 attempts)")
    outcomes = [attempt.outcome for attempt in await attempts_of(scan.id)]
    assert outcomes == [AttemptOutcome.RETRIED, AttemptOutcome.RETRIED, AttemptOutcome.FAILED]


async def test_a_dead_scan_that_is_retried_succeeds_once_the_site_is_back(make_settings: MakeSettings) -> None:
    async with websites(1, {"*": response(503)}) as sites:
        batch_id = await submit([sites[0].url])
        async with worker(make_settings(max_attempts=1)):
            await finished(batch_id)
            assert (await only_scan(batch_id)).status is ScanStatus.DEAD
            sites[0].routes = site_routes()
            async with get_session() as session, session.begin():
                assert await batches.retry_failed(session, batch_id, owner=None, request_id="request-2") == 1
            await finished(batch_id)
    scan = await only_scan(batch_id)
    assert (scan.status, scan.generation, scan.error_code) == (ScanStatus.SUCCEEDED, 2, None)


async def test_hostile_websites_end_in_one_final_state_with_their_error(make_settings: MakeSettings) -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<title>Endless</title>")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    async def garbage(writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x00\xff" * 500)
        writer.close()

    async with (
        websites(1, {"*": drip}) as slow_drip,
        websites(1, {"/": endless}) as endless_body,
        websites(1, {"*": redirect("/")}) as loop,
        websites(1, {"*": garbage}) as broken,
        websites(1, {"/": response(500, b"no")}) as failing,
        websites(1) as good,
    ):
        sites = [*slow_drip, *endless_body, *loop, *broken, *failing, *good]
        batch_id = await submit([site.url for site in sites])
        async with worker(make_settings(max_attempts=2, fetch_timeout_seconds=1, scan_timeout_seconds=8)):
            batch = await finished(batch_id, seconds=50)
    assert batch.status is BatchStatus.COMPLETED
    scans = await scans_of(batch_id)
    dripped, endlessly, looped, broke, failed, succeeded = [(scan.status, scan.error_code) for scan in scans]
    assert dripped[0] is ScanStatus.DEAD
    assert endlessly == (ScanStatus.SUCCEEDED, None)
    assert looped[0] in (ScanStatus.FAILED, ScanStatus.DEAD)
    assert broke[0] in (ScanStatus.FAILED, ScanStatus.DEAD)
    assert failed[0] in (ScanStatus.FAILED, ScanStatus.DEAD)
    assert succeeded == (ScanStatus.SUCCEEDED, None)
    assert all(scan.error_code and scan.error_message for scan in scans if scan.status is not ScanStatus.SUCCEEDED)


async def test_an_error_nobody_foresaw_is_recorded_and_tried_again(make_settings: MakeSettings) -> None:
    async def broken_scanner(url: str, max_pages: int, on_page: OnPage, should_stop: ShouldStop) -> ScanSummary:
        raise RuntimeError("a defect")

    batch_id = await submit(["https://example.com/"])
    async with worker(make_settings(max_attempts=2), broken_scanner):
        await finished(batch_id)
    scan = await only_scan(batch_id)
    assert (scan.status, scan.error_code) == (ScanStatus.DEAD, "internal_error")
    assert scan.error_message == "RuntimeError: a defect (given up after 2 attempts)"


async def test_an_address_that_may_not_be_scanned_fails_at_once(make_settings: MakeSettings) -> None:
    batch_id = await submit(["http://127.0.0.1:8080/"])
    async with worker(make_settings(allow_loopback=False)):
        await finished(batch_id)
    scan = await only_scan(batch_id)
    assert (scan.status, scan.attempts) == (ScanStatus.FAILED, 1)
    assert scan.error_code is not None


async def test_a_cancelled_batch_stops_the_scan_that_runs(make_settings: MakeSettings) -> None:
    async with websites(1, {"/": slow(page("<title>Start</title>"), 30.0)}) as sites:
        batch_id = await submit([sites[0].url])
        async with worker(make_settings(heartbeat_timeout_seconds=2)):
            await eventually(lambda: is_running(batch_id), "the scan runs")
            async with get_session() as session, session.begin():
                await batches.cancel_batch(session, batch_id, owner=None)
            batch = await finished(batch_id)
    assert batch.status is BatchStatus.CANCELLED
    assert (await only_scan(batch_id)).status is ScanStatus.CANCELLED


async def is_running(batch_id: UUID) -> bool:
    return any(scan.status is ScanStatus.RUNNING for scan in await scans_of(batch_id))


async def test_a_worker_told_to_stop_puts_its_scans_back_without_counting_them(settings: Settings) -> None:
    routes = {"/": slow(page("<title>Start</title>"), 5.0)}
    async with websites(1, routes) as sites:
        batch_id = await submit([sites[0].url])
        async with worker(settings) as shutdown:
            await eventually(lambda: is_running(batch_id), "the scan runs")
            shutdown.set()
        scan = await only_scan(batch_id)
        assert (scan.status, scan.attempts, scan.error_code) == (ScanStatus.QUEUED, 0, "worker_stopped")
        assert await jobs_in_queue("queued") == 1
        sites[0].routes = site_routes()
        async with worker(settings):
            await finished(batch_id)
    assert (await only_scan(batch_id)).status is ScanStatus.SUCCEEDED


async def test_a_worker_told_to_stop_lets_its_scans_end_within_the_grace(make_settings: MakeSettings) -> None:
    async with websites(1, slow_routes(0.3)) as sites:
        batch_id = await submit([sites[0].url])
        async with worker(make_settings(shutdown_grace_seconds=20)) as shutdown:
            await eventually(lambda: is_running(batch_id), "the scan runs")
            shutdown.set()
    assert (await only_scan(batch_id)).status is ScanStatus.SUCCEEDED


async def test_a_batch_never_has_more_scans_at_work_than_it_asked_for(settings: Settings) -> None:
    at_work = most = 0

    async def counting(url: str, max_pages: int, on_page: OnPage, should_stop: ShouldStop) -> ScanSummary:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        await asyncio.sleep(0.05)
        at_work -= 1
        return summary_of(url)

    batch_id = await submit([f"https://site-{number}.example.com/" for number in range(12)], concurrency=3)
    async with worker(settings, counting):
        await finished(batch_id)
    assert most == 3
    assert {scan.status for scan in await scans_of(batch_id)} == {ScanStatus.SUCCEEDED}


async def test_many_pages_are_written_while_the_scan_goes_on(settings: Settings) -> None:
    seen_before_the_end = 0

    async def sixty_pages(url: str, max_pages: int, on_page: OnPage, should_stop: ShouldStop) -> ScanSummary:
        nonlocal seen_before_the_end
        for number in range(60):
            await on_page(PageRecord(f"{url}{number}", url, "link", 200, "text/html", 1, 1, False, None, None))
        seen_before_the_end = (await only_scan(batch_id)).pages_scanned
        return summary_of(url, sitemap_urls=80)

    batch_id = await submit(["https://example.com/"])
    async with worker(settings, sixty_pages):
        await finished(batch_id)
    scan = await only_scan(batch_id)
    assert (seen_before_the_end, scan.pages_scanned, scan.pages_found) == (50, 60, 80)


async def test_a_scan_that_another_worker_took_over_writes_nothing_more(
    make_settings: MakeSettings, postgres: PostgresServer, database: Database
) -> None:
    taken = asyncio.Event()

    async def robbed(url: str, max_pages: int, on_page: OnPage, should_stop: ShouldStop) -> ScanSummary:
        if not taken.is_set():
            postgres.sql("UPDATE scans SET run_token = gen_random_uuid()", database.name)
            taken.set()
            await asyncio.sleep(30)
        return summary_of(url)

    batch_id = await submit(["https://example.com/"])
    async with worker(make_settings(heartbeat_timeout_seconds=2), robbed):
        await asyncio.wait_for(taken.wait(), 10)
        batch = await finished(batch_id)
    assert batch.status is BatchStatus.COMPLETED
    assert (await only_scan(batch_id)).attempts == 2


async def test_a_job_that_cannot_be_read_is_put_aside_and_its_scan_gets_another(
    make_settings: MakeSettings, postgres: PostgresServer, database: Database
) -> None:
    async with websites(1) as sites:
        batch_id = await submit([sites[0].url])
        postgres.sql("UPDATE pgqueuer SET payload = 'nonsense'", database.name)
        async with worker(make_settings(sweep_seconds=0.2)):
            await finished(batch_id)
    assert (await only_scan(batch_id)).status is ScanStatus.SUCCEEDED
    assert await jobs_in_queue("failed") == 1


async def test_a_queue_without_its_tables_is_tried_again_until_they_are_there(
    settings: Settings, postgres: PostgresServer, database: Database
) -> None:
    postgres.sql("ALTER TABLE pgqueuer_log RENAME TO elsewhere", database.name)
    with capture_logs() as logs:
        async with websites(1) as sites, worker(settings):
            await eventually(lambda: logged(logs, "queue_ended_by_error"), "the worker has noticed")
            postgres.sql("ALTER TABLE elsewhere RENAME TO pgqueuer_log", database.name)
            batch_id = await submit([sites[0].url])
            await finished(batch_id)
    assert (await get_batch(batch_id)).status is BatchStatus.COMPLETED


async def logged(logs: list[Any], event: str) -> bool:
    return any(line["event"] == event for line in logs)
