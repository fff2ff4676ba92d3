"""One scan: robots.txt, start page, sitemaps, pages. Reports every page and ends in one summary."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

from reference_app.scraping.discovery import Discovery, SitemapReader
from reference_app.scraping.failures import BEFORE_HTTP, FetchError
from reference_app.scraping.fetching import Fetcher
from reference_app.scraping.frontier import Candidate, Frontier
from reference_app.scraping.halting import Halt, HaltedError
from reference_app.scraping.pages import ReadPage
from reference_app.scraping.records import Ending, Failure, PageRecord, ScanOptions, ScanSummary
from reference_app.scraping.rulebook import Rulebook
from reference_app.scraping.scope import Scope
from reference_app.scraping.targets import Target
from reference_app.scraping.urls import origin_of
from reference_app.scraping.visiting import visit

OnPage = Callable[[PageRecord], Awaitable[None]]
ShouldStop = Callable[[], Awaitable[bool]]
_NO_PAGES = Failure("no_pages", "The website gave no page that could be read.", False)


async def scan(
    target: Target, options: ScanOptions, fetcher: Fetcher, on_page: OnPage, should_stop: ShouldStop
) -> ScanSummary:
    """Scans one website within ``options`` and the fetcher's politeness.

    ``on_page`` is awaited for every requested page, one at a time; a stop or a time limit never cancels it.
    ``should_stop`` is asked right away and then every ``stop_poll_seconds``; True gives up the requests under way.
    Raises only what ``on_page`` and ``should_stop`` raise.
    """
    halt = Halt()
    run = _Scan(target, options, fetcher, on_page, halt)
    deadline = asyncio.get_running_loop().call_later(options.max_seconds, halt.set, "time_limit")
    try:
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(halt.watch(should_stop, options.stop_poll_seconds))
            await run.run()
            await watching
    except BaseExceptionGroup as group:
        raise _first_of(group) from None
    finally:
        deadline.cancel()
    return run.summary()


def _first_of(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


class _Scan:
    """The moving parts of one scan."""

    def __init__(self, target: Target, options: ScanOptions, fetcher: Fetcher, on_page: OnPage, halt: Halt) -> None:
        self._target = target
        self._options = options
        self._fetcher = fetcher
        self._on_page = on_page
        self._halt = halt
        self._rules = Rulebook(fetcher)
        self._scope = Scope(target)
        self._frontier = Frontier(options.max_pages)
        self._found = Discovery()
        self._receiving = asyncio.Lock()
        self._started = time.monotonic()
        self._start_url = target.url
        self._pages_ok = 0
        self._pages_failed = 0
        self._bytes_received = 0
        self._first_failure: Failure | None = None

    async def run(self) -> None:
        """Scans until everything is done or the scan is halted."""
        try:
            page = await self._scan_start(await self._halt.or_give_up(self._find_start()))
            if self._scope.contains(self._start_url):
                await self._halt.or_give_up(self._read_sitemaps())
                self._offer_links(page)
                await self._scan_rest()
            else:
                self._found.warn(f"The start page leads to another website, {origin_of(self._start_url)}.")
        except FetchError as error:
            self._first_failure = error.as_failure()
        except HaltedError:
            return
        self._halt.set("finished")

    def summary(self) -> ScanSummary:
        """How it went. Meaningful after ``run``."""
        ending: Ending = self._halt.reason or "finished"
        failure: Failure | None = None
        if ending == "finished" and self._pages_ok == 0:
            ending, failure = "failed", self._first_failure or _NO_PAGES
        elif ending == "finished" and self._frontier.has_more:
            ending = "page_limit"
        return ScanSummary(
            target=self._target,
            ending=ending,
            failure=failure,
            start_url=self._start_url,
            pages_ok=self._pages_ok,
            pages_failed=self._pages_failed,
            urls_disallowed=self._frontier.disallowed,
            sitemaps_read=self._found.sitemaps_read,
            sitemap_urls=self._found.urls,
            bytes_received=self._bytes_received,
            elapsed_seconds=round(time.monotonic() - self._started, 3),
            warnings=tuple(self._found.warnings),
        )

    async def _find_start(self) -> str:
        """The submitted URL, or its http form where no https connection can be made. Raises FetchError."""
        url = self._target.url
        try:
            await self._rules.rules(origin_of(url))
        except FetchError as error:
            if self._target.scheme == "http" or error.code not in BEFORE_HTTP:
                raise
            url = url.replace("https://", "http://", 1)
            try:
                await self._rules.rules(origin_of(url))
            except FetchError:
                raise error from None
        return url

    async def _scan_start(self, url: str) -> ReadPage | None:
        """Scans the start page, which also decides what belongs to the website."""
        self._start_url = url
        self._frontier.offer(url, "start")
        page = await self._handle(await self._frontier.take())
        self._frontier.done()
        self._scope.settle(self._start_url)
        return page

    async def _read_sitemaps(self) -> None:
        reader = SitemapReader(
            self._fetcher, self._rules, self._scope, self._frontier, self._options.max_sitemaps, self._found
        )
        await reader.read_all(self._start_url)

    async def _scan_rest(self) -> None:
        """Scans what is queued, and what that leads to, with as many workers as the options allow."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self._options.concurrency):
                tasks.create_task(self._work())
            with contextlib.suppress(HaltedError):
                await self._halt.or_give_up(self._frontier.all_done())
            self._halt.set("finished")

    async def _work(self) -> None:
        with contextlib.suppress(HaltedError):
            while True:
                candidate = await self._halt.or_give_up(self._frontier.take())
                try:
                    self._offer_links(await self._handle(candidate))
                finally:
                    self._frontier.done()

    async def _handle(self, candidate: Candidate) -> ReadPage | None:
        """Requests one page and reports it; gives what it reads, where it is HTML."""
        if not self._frontier.spend():
            return None
        if refusal := await self._halt.or_give_up(self._rules.refusal(candidate.url)):
            self._frontier.disallow()
            self._first_failure = self._first_failure or refusal.as_failure()
            return None
        visited = await self._halt.or_give_up(visit(candidate, self._fetcher, self._rules, self._scope))
        record = visited.record
        self._frontier.remember(record.final_url)
        if candidate.source == "start":
            self._start_url = record.final_url
        self._bytes_received += record.bytes_received
        if record.failure is None:
            self._pages_ok += 1
        else:
            self._pages_failed += 1
            self._first_failure = self._first_failure or record.failure
        async with self._receiving:
            await self._on_page(record)
        return visited.page

    def _offer_links(self, page: ReadPage | None) -> None:
        if page is None or not self._options.follow_links:
            return
        for link in page.links():
            if self._frontier.is_full:
                return
            if self._scope.contains(link):
                self._frontier.offer(link, "link")
