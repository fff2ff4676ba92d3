"""Finds a website's pages through its sitemaps: those robots.txt names, or else those in the usual places."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from reference_app.scraping.failures import FetchError
from reference_app.scraping.fetching import Fetcher
from reference_app.scraping.frontier import Frontier
from reference_app.scraping.rulebook import Rulebook
from reference_app.scraping.scope import Scope
from reference_app.scraping.sitemaps import USUAL_PLACES, Kind, read_sitemap
from reference_app.scraping.urls import origin_of

_MAX_WAITING = 1000
_MAX_WARNINGS = 20


@dataclass(slots=True)
class Discovery:
    """What reading the sitemaps came to, kept up to date while it goes on. ``urls`` counts entries that are pages."""

    sitemaps_read: int = 0
    urls: int = 0
    warnings: list[str] = field(default_factory=list)

    def warn(self, text: str) -> None:
        """Keeps the first few warnings."""
        if len(self.warnings) < _MAX_WARNINGS:
            self.warnings.append(text)


@dataclass(frozen=True, slots=True)
class SitemapReader:
    """Reads sitemaps into a frontier until it is full or ``max_sitemaps`` files have been asked for."""

    fetcher: Fetcher
    rules: Rulebook
    scope: Scope
    frontier: Frontier
    max_sitemaps: int
    found: Discovery

    async def read_all(self, site_url: str) -> None:
        """Reads the sitemaps of the site ``site_url`` belongs to. Never raises for what a server does."""
        origin = origin_of(site_url)
        named = (await self.rules.rules(origin)).sitemaps
        asked = await self._read(named, self.max_sitemaps, missing_is_normal=False)
        if not self.found.urls:
            usual = tuple(url for place in USUAL_PLACES if (url := origin + place) not in named)
            await self._read(usual, self.max_sitemaps - asked, missing_is_normal=True)

    async def _read(self, first: tuple[str, ...], limit: int, *, missing_is_normal: bool) -> int:
        """Reads ``first`` and the sitemaps they list; gives the number of files asked for."""
        waiting = deque(first)
        known = set(first)
        asked = 0

        def on_entry(kind: Kind, url: str) -> bool:
            if kind == "sitemap":
                if url not in known and len(known) < _MAX_WAITING:
                    known.add(url)
                    waiting.append(url)
                return True
            self.found.urls += 1
            if self.scope.contains(url):
                self.frontier.offer(url, "sitemap")
            return not self.frontier.is_full

        while waiting and not self.frontier.is_full:
            if asked >= limit:
                self.found.warn(f"Only the first {self.max_sitemaps} sitemaps were read.")
                break
            url = waiting.popleft()
            asked += 1
            try:
                if refusal := await self.rules.refusal(url):
                    raise refusal
                report = await read_sitemap(self.fetcher, url, on_entry, self.rules.refusal)
            except FetchError as error:
                self.found.warn(f"{url}: {error.message}")
                continue
            if report.problem is None or report.entries:
                self.found.sitemaps_read += 1
            if report.problem and (report.entries or not missing_is_normal):
                self.found.warn(f"{url}: {report.problem}")
            if missing_is_normal and self.found.urls:
                break
        return asked
