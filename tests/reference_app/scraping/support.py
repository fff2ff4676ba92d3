"""What the scraping tests share: settings for local servers, name services they control, a collecting scan."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from reference_app.scraping import Fetcher, FetchSettings, PageRecord, ScanOptions, ScanSummary, normalise, scan
from reference_app.scraping.fetching import Fetched, Head, Limits
from reference_app.scraping.network import Resolve

LIMITS = Limits(body_bytes=1024 * 1024, seconds=5.0)


class FakeTime:
    """A clock that only ``sleep`` moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def settings(**changes: object) -> FetchSettings:
    """Settings for a local server."""
    defaults: dict[str, object] = {"allow_loopback": True, "host_interval": 0.0}
    return FetchSettings(**(defaults | changes))  # type: ignore[arg-type]


def answering(**hosts: Sequence[str]) -> Resolve:
    """A resolver that knows these names only; dots are written as two underscores."""

    async def resolve(host: str) -> Sequence[str]:
        return hosts[host.replace(".", "__").replace("-", "_")]

    return resolve


async def never() -> bool:
    return False


async def scan_all(
    url: str,
    fetcher: Fetcher,
    should_stop: Callable[[], Awaitable[bool]] = never,
    **options: object,
) -> tuple[ScanSummary, list[PageRecord]]:
    """Scans ``url`` and collects what it reports."""
    pages: list[PageRecord] = []

    async def keep(record: PageRecord) -> None:
        pages.append(record)

    target = normalise(url, allow_loopback=True)
    summary = await scan(target, ScanOptions(**options), fetcher, keep, should_stop)  # type: ignore[arg-type]
    return summary, pages


async def read_body(head: Head, pieces: AsyncIterator[bytes]) -> bytes:
    """The whole decoded body."""
    return b"".join([piece async for piece in pieces])


async def fetch(fetcher: Fetcher, url: str, limits: Limits = LIMITS) -> Fetched[bytes]:
    """GETs ``url`` and reads its body."""
    return await fetcher.fetch(url, limits, read_body)


@asynccontextmanager
async def local_fetcher(**changes: object) -> AsyncIterator[Fetcher]:
    """A fetcher for a local server; waits before retries take no time."""
    fake = FakeTime()
    async with Fetcher(settings(**changes), sleep=fake.sleep, clock=fake.clock) as fetcher:
        yield fetcher
