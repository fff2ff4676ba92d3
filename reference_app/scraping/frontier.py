"""The addresses of one scan: each at most once, never more requested than the page limit."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from reference_app.scraping.records import PageSource

# Addresses kept beyond the page limit, for those robots.txt turns out to forbid.
_SPARE = 1000


@dataclass(frozen=True, slots=True)
class Candidate:
    """An address to request and where it was found."""

    url: str
    source: PageSource


class Frontier:
    """A bounded queue without repetition, and the budget of ``max_pages`` requests.

    ``has_more``: there was a new address that was not requested, because the budget or the room was used up.
    ``disallowed`` counts addresses robots.txt forbids.
    """

    def __init__(self, max_pages: int) -> None:
        self._budget = max_pages
        self._room = max_pages + _SPARE
        self._seen: set[str] = set()
        self._queue: asyncio.Queue[Candidate] = asyncio.Queue()
        self.has_more = False
        self.disallowed = 0

    @property
    def is_full(self) -> bool:
        """Whether every further address would be turned away."""
        return self._room <= 0

    def offer(self, url: str, source: PageSource) -> None:
        """Queues ``url`` unless it is known or there is no room."""
        if url in self._seen:
            return
        if self.is_full:
            self.has_more = True
            return
        self._seen.add(url)
        self._room -= 1
        self._queue.put_nowait(Candidate(url, source))

    def remember(self, url: str) -> None:
        """``url`` was fetched by way of a redirect and need not be fetched again."""
        self._seen.add(url)

    def spend(self) -> bool:
        """Takes one request off the budget; False when none is left."""
        if self._budget <= 0:
            self.has_more = True
            return False
        self._budget -= 1
        return True

    def disallow(self) -> None:
        """Gives the request last spent back: robots.txt forbids it."""
        self._budget += 1
        self.disallowed += 1

    async def take(self) -> Candidate:
        """Waits for the next address; ``done`` must follow."""
        return await self._queue.get()

    def done(self) -> None:
        """The address last taken is dealt with, and what it led to has been offered."""
        self._queue.task_done()

    async def all_done(self) -> None:
        """Waits until every queued address is dealt with."""
        await self._queue.join()
