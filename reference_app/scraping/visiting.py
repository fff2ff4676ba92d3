"""Requests one page of a scan and describes what came of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from reference_app.scraping.decoding import read_all
from reference_app.scraping.failures import FetchError, failure_of_status
from reference_app.scraping.fetching import Fetcher, Head, Limits
from reference_app.scraping.frontier import Candidate
from reference_app.scraping.pages import ReadPage, is_html, read_page
from reference_app.scraping.records import PageRecord
from reference_app.scraping.rulebook import Rulebook
from reference_app.scraping.scope import Scope

# Nine pages in ten are shorter, and a thread costs more than they do.
_READ_IN_PLACE_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Visit:
    """A page's record, and its links where it is an HTML page."""

    record: PageRecord
    page: ReadPage | None


async def visit(candidate: Candidate, fetcher: Fetcher, rules: Rulebook, scope: Scope) -> Visit:
    """Requests a page robots.txt allows. Never raises for what the server does.

    A redirect is followed where robots.txt allows it; only the start page may lead out of the website.
    """
    limits = Limits(fetcher.settings.page_bytes, fetcher.settings.page_seconds)
    started = time.monotonic()

    async def admit(url: str) -> FetchError | None:
        if candidate.source != "start" and not scope.contains(url):
            return FetchError("left_site", "The page redirects to another website.")
        return await rules.refusal(url)

    try:
        fetched = await fetcher.fetch(candidate.url, limits, _read_html, admit)
    except FetchError as error:
        return Visit(_failed(candidate, error, started), None)
    head = fetched.head
    page: ReadPage | None = None
    if fetched.content is not None:
        page = await _read(head, fetched.content)
    record = PageRecord(
        url=candidate.url,
        final_url=head.url,
        source=candidate.source,
        status=head.status,
        content_type=head.content_type,
        bytes_received=fetched.bytes_received,
        elapsed_ms=_milliseconds_since(started),
        truncated=fetched.truncated,
        metadata=page.metadata if page else None,
        failure=failure_of_status(head.status) if head.status >= 400 else None,
    )
    return Visit(record, page)


async def _read(head: Head, body: bytes) -> ReadPage:
    if len(body) < _READ_IN_PLACE_BYTES:
        return read_page(head.url, head.headers, body)
    # A long page may take seconds, in which the worker must go on giving signs of life.
    return await asyncio.to_thread(read_page, head.url, head.headers, body)


async def _read_html(head: Head, pieces: AsyncIterator[bytes]) -> bytes | None:
    return await read_all(pieces) if head.status < 300 and is_html(head.content_type) else None


def _failed(candidate: Candidate, error: FetchError, started: float) -> PageRecord:
    return PageRecord(
        url=candidate.url,
        final_url=candidate.url,
        source=candidate.source,
        status=None,
        content_type=None,
        bytes_received=0,
        elapsed_ms=_milliseconds_since(started),
        truncated=False,
        metadata=None,
        failure=error.as_failure(),
    )


def _milliseconds_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
