"""The robots rules of every origin one scan touches, fetched once each."""

from __future__ import annotations

import asyncio

from reference_app.scraping.failures import FetchError
from reference_app.scraping.fetching import Fetcher
from reference_app.scraping.robots import RobotsRules, read_robots
from reference_app.scraping.urls import host_of, origin_of

_MAX_ORIGINS = 100


class Rulebook:
    """Answers whether an address may be fetched, and passes each origin's crawl delay on to the politeness."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._known: dict[str, RobotsRules | FetchError] = {}
        self._one_at_a_time = asyncio.Lock()

    async def rules(self, origin: str) -> RobotsRules:
        """The rules of ``origin``. Raises FetchError when they cannot be read."""
        known = self._known.get(origin)
        if known is None:
            async with self._one_at_a_time:
                known = self._known.get(origin) or await self._read(origin)
                self._known[origin] = known
        if isinstance(known, FetchError):
            raise known
        return known

    async def refusal(self, url: str) -> FetchError | None:
        """Why ``url`` must not be fetched; None when it may be."""
        try:
            rules = await self.rules(origin_of(url))
        except FetchError as error:
            return error
        return None if rules.allows(url) else _disallowed(url)

    async def _read(self, origin: str) -> RobotsRules | FetchError:
        if len(self._known) >= _MAX_ORIGINS:
            return FetchError("too_many_sites", f"The site leads to more than {_MAX_ORIGINS} others.")
        try:
            rules = await read_robots(self._fetcher, origin)
        except FetchError as error:
            return error
        if rules.crawl_delay:
            delay = min(rules.crawl_delay, self._fetcher.settings.max_crawl_delay)
            self._fetcher.politeness.set_interval(host_of(origin), delay)
        return rules


def _disallowed(url: str) -> FetchError:
    return FetchError("robots_disallowed", f"robots.txt of {host_of(url)} does not allow this page.")
