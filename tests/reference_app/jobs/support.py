"""Moves of the job tests: submit batches, run workers, wait for the end, look at what was recorded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import UUID, uuid4

from sqlalchemy import func, select

from reference_app.jobs.patience import patiently
from reference_app.jobs.queue import ENTRYPOINT
from reference_app.jobs.scan_job import Scanner
from reference_app.jobs.tables import has_job, jobs
from reference_app.jobs.worker import website_scanner, work
from reference_app.models import UNFINISHED_SCAN_STATUSES, Batch, Role, Scan, ScanAttempt, User
from reference_app.scraping import ScanSummary, normalise
from reference_app.services.batches import BatchOptions, NewScan, create_batch
from reference_app.session import get_session
from reference_app.settings import Settings
from tests.reference_app.scraping.web import Handler, Site, page, serving

# Only a failing test waits so long; a busy machine may need half of it.
WAIT_SECONDS = 60.0
POLL_SECONDS = 0.02

Routes = dict[str, bytes | Handler]


def site_routes(pages: int = 2) -> Routes:
    """A website whose start page links to the rest of its `pages` pages."""
    links = "".join(f'<a href="/{number}">{number}</a>' for number in range(1, pages))
    routes: Routes = {f"/{number}": page(f"<title>Page {number}</title>") for number in range(1, pages)}
    routes["/"] = page(f"<title>Start</title>{links}")
    return routes


def slow(answer: bytes, seconds: float) -> Handler:
    """An answer that a website takes its time for."""

    async def handle(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        writer.write(answer)
        await writer.drain()

    return handle


def slow_routes(seconds: float) -> Routes:
    """A website of two pages that takes `seconds` for each."""
    return {
        path: slow(answer, seconds) if isinstance(answer, bytes) else answer for path, answer in site_routes().items()
    }


@asynccontextmanager
async def websites(count: int, routes: Mapping[str, bytes | Handler] | None = None) -> AsyncIterator[list[Site]]:
    """`count` real websites on ports of their own, with `routes` or two pages each."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(serving(routes or site_routes())) for _ in range(count)]


async def submit(
    urls: Sequence[str], *, concurrency: int = 20, max_pages: int = 10, request_id: str = "request-1"
) -> UUID:
    """A committed batch of `urls`; gives its id."""
    targets = [normalise(url, allow_loopback=True) for url in urls]
    scans = [NewScan(target.url, target.domain, target.url, target.host) for target in targets]
    async with get_session() as session, session.begin():
        user = User(email=f"{uuid4()}@example.com", display_name="Somebody", role=Role.OPERATOR)
        session.add(user)
        await session.flush()
        options = BatchOptions(max_pages=max_pages, concurrency=concurrency)
        batch = await create_batch(session, created_by_id=user.id, scans=scans, options=options, request_id=request_id)
        return batch.id


@asynccontextmanager
async def worker(settings: Settings, scanner: Scanner | None = None) -> AsyncIterator[asyncio.Event]:
    """A worker in this process, told to stop (or stopped by the event) and awaited at the end of the block."""
    shutdown = asyncio.Event()
    task = asyncio.create_task(work(settings, scanner or website_scanner(settings), shutdown))
    try:
        yield shutdown
    finally:
        shutdown.set()
        await task


async def eventually(happened: Callable[[], Awaitable[bool]], what: str, seconds: float = WAIT_SECONDS) -> None:
    """Return as soon as `happened()`, asked patiently; raise TimeoutError naming `what` after `seconds`."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not await patiently(happened, seconds=seconds):
        if asyncio.get_running_loop().time() > deadline:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        await asyncio.sleep(POLL_SECONDS)


async def finished(batch_id: UUID, seconds: float = WAIT_SECONDS) -> Batch:
    """The batch, once it is over."""

    async def over() -> bool:
        return (await get_batch(batch_id)).finished_at is not None

    await eventually(over, "the batch is over", seconds)
    return await get_batch(batch_id)


async def get_batch(batch_id: UUID) -> Batch:
    async with get_session() as session, session.begin():
        return await session.get_one(Batch, batch_id)


async def scans_of(batch_id: UUID) -> list[Scan]:
    async with get_session() as session, session.begin():
        return list(await session.scalars(select(Scan).where(Scan.batch_id == batch_id).order_by(Scan.position)))


async def only_scan(batch_id: UUID) -> Scan:
    (scan,) = await scans_of(batch_id)
    return scan


async def attempts_of(scan_id: UUID) -> list[ScanAttempt]:
    async with get_session() as session, session.begin():
        found = select(ScanAttempt).where(ScanAttempt.scan_id == scan_id).order_by(ScanAttempt.created_at)
        return list(await session.scalars(found))


async def jobs_in_queue(status: str | None = None) -> int:
    async with get_session() as session, session.begin():
        counted = select(func.count()).select_from(jobs)
        return await session.scalar(counted if status is None else counted.where(jobs.c.status == status)) or 0


async def at_the_workers() -> list[UUID]:
    """The scans whose jobs workers ask for, in the order submitted."""
    async with get_session() as session, session.begin():
        return list(await session.scalars(select(Scan.id).where(has_job(ENTRYPOINT)).order_by(Scan.position)))


async def unfinished_without_job() -> list[str]:
    """The addresses of scans that are not over and that no job in the queue is for: lost ones."""
    async with get_session() as session, session.begin():
        return list(
            await session.scalars(select(Scan.url).where(Scan.status.in_(UNFINISHED_SCAN_STATUSES), ~has_job()))
        )


def summary_of(url: str, **values: object) -> ScanSummary:
    """The summary of a scan that found nothing, but for `values`."""
    target = normalise(url, allow_loopback=True)
    plain = {
        "ending": "finished",
        "failure": None,
        "start_url": url,
        "pages_ok": 0,
        "pages_failed": 0,
        "urls_disallowed": 0,
        "sitemaps_read": 0,
        "sitemap_urls": 0,
        "bytes_received": 0,
        "elapsed_seconds": 0.0,
    }
    return ScanSummary(target=target, **(plain | values))  # type: ignore[arg-type]
