"""The worker process: takes scan jobs from the queue until told to stop, whatever happens to the database meanwhile."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from uuid import uuid4

from pgqueuer import Queries, QueueManager, RetryRequested
from pgqueuer.core.executors import AbstractEntrypointExecutor, EntrypointExecutorParameters
from pgqueuer.domain import models

from reference_app.jobs.claims import Limits
from reference_app.jobs.driver import WorkerDriver
from reference_app.jobs.leases import LeaseKeeper, Stop
from reference_app.jobs.queue import ENTRYPOINT, ScanJob
from reference_app.jobs.scan_job import CROWDED_WAITS, Backoff, OnPage, Scanner, ScanRunner, ShouldStop, TryLaterError
from reference_app.jobs.sweeper import SweepRules, sweep
from reference_app.observability.logs import bound, get_logger
from reference_app.scraping import Fetcher, FetchSettings, ScanOptions, ScanSummary, normalise, politeness_of, scan
from reference_app.session import open_database
from reference_app.settings import Settings

_log = get_logger(__name__)

# A lease must run out before the queue hands its job to somebody else, or that one always waits.
LEASE_SHARE_OF_HEARTBEAT = 0.5
# Longer than a restart of the database or the pooler, shorter than anybody's patience with a stop.
OUTAGES_SAT_OUT = 2.0
RESTART_WAITS = Backoff(0.5, 30.0)


class ScanExecutor(AbstractEntrypointExecutor):
    """PgQueuer's door to a ``ScanRunner``: reads the job, carries its request id into the logs, asks for retries."""

    def __init__(self, runner: ScanRunner) -> None:
        super().__init__(EntrypointExecutorParameters(concurrency_limit=0, func=self._unused, on_failure="hold"))
        self._runner = runner

    async def _unused(self, job: models.Job) -> None:
        """PgQueuer calls ``execute``; its parameters want a function all the same."""

    async def execute(self, job: models.Job, context: models.Context) -> None:
        """Run one job. Raises RetryRequested when it is to come back, anything else when it could not be worked on."""
        scan_job = ScanJob.parse(job.payload, job.headers)
        with bound(request_id=scan_job.request_id, scan_id=str(scan_job.scan_id), job_id=job.id):
            try:
                await self._runner.run(scan_job, tries=job.attempts)
            except TryLaterError as later:
                raise RetryRequested(timedelta(seconds=later.delay_seconds), str(later)) from None
            except Exception as error:
                # Recorded by the queue as a failed job; the sweeper gives the scan another one, or up.
                _log.exception("scan_job_failed", error=repr(error))
                raise


async def run_worker(settings: Settings, shutdown: asyncio.Event | None = None) -> None:
    """Open the database and work until ``shutdown`` is set; without it, until SIGTERM or SIGINT.

    Told to stop, the worker takes no new jobs, lets its scans run for ``shutdown_grace_seconds``, and puts those that
    still run back into the queue.
    """
    async with open_database(settings):
        await work(settings, website_scanner(settings), shutdown or _stop_on_signals())


def website_scanner(settings: Settings) -> Scanner:
    """What scans websites in this process, with the politeness towards them that all its scans share."""
    options = FetchSettings(
        user_agent=settings.user_agent,
        allow_loopback=settings.allow_loopback,
        host_interval=settings.host_delay_seconds,
        page_seconds=settings.fetch_timeout_seconds,
        page_bytes=settings.max_page_bytes,
        sitemap_bytes=settings.max_sitemap_bytes,
    )
    politeness = politeness_of(options)

    async def scan_website(url: str, max_pages: int, on_page: OnPage, should_stop: ShouldStop) -> ScanSummary:
        target = normalise(url, allow_loopback=settings.allow_loopback)
        limits = ScanOptions(max_pages=max_pages, max_seconds=settings.scan_timeout_seconds)
        async with Fetcher(options, politeness=politeness) as fetcher:
            return await scan(target, limits, fetcher, on_page, should_stop)

    return scan_website


async def work(settings: Settings, scanner: Scanner, shutdown: asyncio.Event) -> None:
    """Work on the open database with ``scanner`` until ``shutdown`` is set."""
    leases = LeaseKeeper(settings.heartbeat_timeout_seconds * LEASE_SHARE_OF_HEARTBEAT)
    patience = settings.heartbeat_timeout_seconds * OUTAGES_SAT_OUT
    runner = ScanRunner(
        worker=f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}",
        scanner=scanner,
        leases=leases,
        limits=Limits(settings.max_attempts, settings.max_crashes),
        backoff=Backoff(settings.retry_base_seconds, settings.retry_cap_seconds),
        patience_seconds=patience,
    )
    async with _background(
        leases.keep(),
        _sweep_regularly(settings),
        _stop_scans_after_grace(shutdown, leases, settings.shutdown_grace_seconds),
    ):
        await _supervise(lambda: _run_queue(settings, runner, patience, shutdown), shutdown)


async def _run_queue(settings: Settings, runner: ScanRunner, patience: float, shutdown: asyncio.Event) -> None:
    queue = QueueManager(Queries(WorkerDriver(patience_seconds=patience)))
    queue.register_executor(ENTRYPOINT, ScanExecutor(runner))
    async with _background(_pass_shutdown(shutdown, queue.shutdown)):
        await queue.run(
            dequeue_timeout=timedelta(seconds=settings.queue_poll_seconds),
            batch_size=min(settings.worker_batch_size, max(1, settings.worker_concurrency // 2)),
            max_concurrent_tasks=max(2, settings.worker_concurrency),
            heartbeat_timeout=timedelta(seconds=settings.heartbeat_timeout_seconds),
            # Nobody reads PgQueuer's own statistics: the service counts its scans.
            log_aggregation_interval=timedelta(0),
        )


async def _supervise(run: Callable[[], Awaitable[None]], shutdown: asyncio.Event) -> None:
    """Run the queue again, with growing waits, whenever it ends by an error."""
    failures = 0
    while not shutdown.is_set():
        started = asyncio.get_running_loop().time()
        try:
            await run()
        except Exception:
            lasted = asyncio.get_running_loop().time() - started
            failures = 1 if lasted > RESTART_WAITS.cap else failures + 1
            wait = RESTART_WAITS.delay(failures)
            _log.exception("queue_ended_by_error", restart_in_seconds=wait)
            with suppress(TimeoutError):
                await asyncio.wait_for(shutdown.wait(), wait)


def sweep_rules(settings: Settings) -> SweepRules:
    """What a sweep may take for granted about the workers of these settings."""
    longest_wait = max(settings.retry_cap_seconds, settings.heartbeat_timeout_seconds, CROWDED_WAITS.cap)
    return SweepRules(
        longest_delay=timedelta(seconds=longest_wait * 2),
        log_retention=timedelta(hours=settings.queue_log_retention_hours),
        give_up_after=settings.max_attempts,
    )


async def _sweep_regularly(settings: Settings) -> None:
    rules = sweep_rules(settings)
    while True:
        await asyncio.sleep(Backoff(settings.sweep_seconds, settings.sweep_seconds).delay(1))
        try:
            await sweep(rules)
        except Exception as error:
            _log.warning("sweep_failed", error=repr(error))


async def _stop_scans_after_grace(shutdown: asyncio.Event, leases: LeaseKeeper, grace_seconds: float) -> None:
    await shutdown.wait()
    _log.info("worker_stopping", grace_seconds=grace_seconds)
    await asyncio.sleep(grace_seconds)
    leases.stop_all(Stop.SHUTDOWN)


async def _pass_shutdown(source: asyncio.Event, target: asyncio.Event) -> None:
    await source.wait()
    target.set()


@asynccontextmanager
async def _background(*work_items: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Run coroutines beside the block and cancel them at its end."""
    tasks = [asyncio.create_task(item) for item in work_items]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _stop_on_signals() -> asyncio.Event:
    shutdown = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, shutdown.set)
    return shutdown
