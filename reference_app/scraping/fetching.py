"""One GET at a time, safely: politeness, redirects hop by hop, limits in bytes and seconds, retries."""

from __future__ import annotations

import asyncio
import email.utils
import random
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, Self, TypeVar

import aiohttp
import yarl

from reference_app.scraping.addresses import AddressPolicy
from reference_app.scraping.decoding import BoundedBody
from reference_app.scraping.failures import RETRIED_AT_ONCE, FetchError, explain
from reference_app.scraping.network import Resolve, open_session, resolve_with_system
from reference_app.scraping.politeness import Politeness
from reference_app.scraping.settings import FetchSettings
from reference_app.scraping.urls import host_of, resolve_link

T = TypeVar("T")
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_RETRIED_STATUSES = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Head:
    """What came before the body. Header names are lower case; of a repeated header the last one counts."""

    url: str
    status: int
    headers: dict[str, str]

    @property
    def content_type(self) -> str | None:
        """The media type without parameters, lower case."""
        value = self.headers.get("content-type", "").split(";", 1)[0].strip().lower()
        return value[:100] or None


@dataclass(frozen=True, slots=True)
class Fetched(Generic[T]):
    """A response as ``read`` made it of head and body."""

    head: Head
    content: T
    bytes_received: int
    truncated: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """Most bytes of a body (received, and decompressed) and most seconds from first connection to last byte."""

    body_bytes: int
    seconds: float


Read = Callable[[Head, AsyncIterator[bytes]], Awaitable[T]]
"""Turns head and decoded body into content. Called anew for every attempt; need not read to the end."""
Admit = Callable[[str], Awaitable[FetchError | None]]
"""Asked about every redirect before it is followed; an error refuses it."""


def politeness_of(
    settings: FetchSettings,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Politeness:
    """The politeness that ``settings`` ask for, for all fetchers of a process to share."""
    return Politeness(
        interval=settings.host_interval,
        host_connections=settings.host_connections,
        max_connections=settings.max_connections,
        clock=clock,
        sleep=sleep,
    )


class Fetcher:
    """Fetches for one scan; use it as an asynchronous context manager, inside a running loop.

    Its connections end with it: kept for the whole process, those to sites scanned long ago would pile up. What
    scans must share is ``politeness``; without one given the fetcher has its own.
    ``resolve``, ``tls``, ``sleep``, ``jitter`` (a random number from 0 to 1) and ``clock`` (monotonic seconds)
    replace the system's own, for tests. Addresses are checked whatever ``resolve`` answers.
    """

    def __init__(
        self,
        settings: FetchSettings,
        *,
        politeness: Politeness | None = None,
        resolve: Resolve = resolve_with_system,
        tls: ssl.SSLContext | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self.politeness = politeness or politeness_of(settings, clock=clock, sleep=sleep)
        self._resolve = resolve
        self._tls = tls
        self._sleep = sleep
        self._jitter = jitter
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        policy = AddressPolicy(self.settings.allow_loopback, self.settings.also_refused)
        self._session = open_session(policy, self._resolve, self._tls)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def fetch(self, url: str, limits: Limits, read: Read[T], admit: Admit | None = None) -> Fetched[T]:
        """GETs ``url`` and follows redirects; transient failures are tried again with backoff and jitter.

        ``url`` is canonical (``resolve_link`` or ``Target.url``). Every status comes back as a response, those of
        redirects excepted. Raises FetchError.
        """
        for attempt in range(1, self.settings.attempts + 1):
            last = attempt == self.settings.attempts
            try:
                fetched = await self._follow(url, limits, read, admit)
            except FetchError as error:
                if last or error.code not in RETRIED_AT_ONCE:
                    raise
                delay = self._backoff(attempt)
            else:
                if fetched.head.status not in _RETRIED_STATUSES:
                    return fetched
                delay = self._requested_delay(fetched.head) or self._backoff(attempt)
                self.politeness.pause(host_of(fetched.head.url), delay)
                if last:
                    return fetched
            await self._sleep(delay)
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _follow(self, url: str, limits: Limits, read: Read[T], admit: Admit | None) -> Fetched[T]:
        visited = {url}
        seconds_left = limits.seconds
        while True:
            async with self.politeness.slot(host_of(url)):
                started = time.monotonic()
                outcome = await self._exchange(url, Limits(limits.body_bytes, seconds_left), read)
                seconds_left -= time.monotonic() - started
            if isinstance(outcome, Fetched):
                return outcome
            url = outcome
            if url in visited:
                raise FetchError("redirect_loop", "The redirects lead in a circle.")
            if len(visited) > self.settings.max_redirects:
                raise FetchError("too_many_redirects", f"More than {self.settings.max_redirects} redirects in a row.")
            visited.add(url)
            if admit and (refusal := await admit(url)):
                raise refusal

    async def _exchange(self, url: str, limits: Limits, read: Read[T]) -> Fetched[T] | str:
        """One request; a redirect gives the URL it leads to."""
        if self._session is None:
            raise RuntimeError("a Fetcher is used inside 'async with'")
        try:
            async with asyncio.timeout(limits.seconds), self._get(self._session, url) as response:
                head = Head(url, response.status, {k.lower(): _clean(v) for k, v in response.headers.items()})
                if response.status in _REDIRECTS and "location" in head.headers:
                    return _redirect_target(url, response.headers["location"])
                body = BoundedBody(
                    response.content.iter_any(), head.headers.get("content-encoding", ""), limits.body_bytes
                )
                async with aclosing(body.pieces()) as pieces:
                    content = await read(head, pieces)
                return Fetched(head, content, body.received, body.truncated)
        except (aiohttp.ClientError, OSError) as error:
            raise explain(error) from error

    def _get(self, session: aiohttp.ClientSession, url: str) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        settings = self.settings
        return session.get(
            yarl.URL(url, encoded=True),
            allow_redirects=False,
            headers={"User-Agent": settings.user_agent, "Accept": "*/*", "Accept-Encoding": "gzip, deflate"},
            timeout=aiohttp.ClientTimeout(
                total=None, connect=settings.connect_seconds, sock_read=settings.idle_seconds
            ),
        )

    def _backoff(self, attempt: int) -> float:
        longest = min(self.settings.backoff_seconds * 2.0 ** (attempt - 1), self.settings.max_backoff_seconds)
        return longest * (0.5 + self._jitter() / 2)

    def _requested_delay(self, head: Head) -> float | None:
        """Seconds of a Retry-After header (RFC 9110, 10.2.3), never more than ``max_backoff_seconds``."""
        value = head.headers.get("retry-after", "").strip()
        if value.isascii() and value.isdigit():
            seconds = float(value[:9])
        else:
            try:
                seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
            except (ValueError, TypeError, OverflowError):
                return None
        return min(max(seconds, 0.0), self.settings.max_backoff_seconds)


def _redirect_target(url: str, location: str) -> str:
    target = resolve_link(url, location)
    if target is None:
        raise FetchError("invalid_redirect", "The server redirects to something that is not a web address.")
    return target


def _clean(value: str) -> str:
    return value.encode("utf-8", "replace").decode("utf-8")
