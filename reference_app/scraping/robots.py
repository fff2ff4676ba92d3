"""robots.txt as RFC 9309 asks: what a status means, how much is read, the longest match (protego)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import islice

from protego import Protego

from reference_app.scraping.decoding import read_all
from reference_app.scraping.failures import FetchError
from reference_app.scraping.fetching import Fetcher, Head, Limits
from reference_app.scraping.urls import resolve_link

_MAX_SITEMAPS = 100


@dataclass(frozen=True, slots=True)
class RobotsRules:
    """What one origin's robots.txt says to this scraper. ``crawl_delay`` is seconds; ``sitemaps`` absolute URLs."""

    crawl_delay: float | None
    sitemaps: tuple[str, ...]
    _rules: Protego
    _agent: str

    def allows(self, url: str) -> bool:
        """Whether ``url`` (of the same origin) may be fetched."""
        return self._rules.can_fetch(url, self._agent)


async def read_robots(fetcher: Fetcher, origin: str) -> RobotsRules:
    """Fetches and reads the rules of ``origin``.

    A status of 400 to 499 means there are no rules (RFC 9309, 2.3.1.3), 429 excepted, which like 5xx means the rules
    are out of reach: then nothing may be fetched (2.3.1.4) and this raises FetchError ``robots_unreachable``. A
    connection that fails raises the connection's own FetchError. Only the first ``robots_bytes`` count (2.5).
    """
    settings = fetcher.settings
    limits = Limits(settings.robots_bytes, settings.page_seconds)
    try:
        fetched = await fetcher.fetch(f"{origin}/robots.txt", limits, _read_text)
    except FetchError as error:
        if error.code in ("redirect_loop", "too_many_redirects", "invalid_redirect"):
            return _rules_of("", origin, settings.product_token)
        raise
    status = fetched.head.status
    if status >= 500 or status == 429:
        message = f"robots.txt was answered with {status}; until it can be read nothing may be fetched."
        raise FetchError("robots_unreachable", message, transient=True)
    return _rules_of(fetched.content, origin, settings.product_token)


async def _read_text(head: Head, pieces: AsyncIterator[bytes]) -> str:
    return (await read_all(pieces)).decode("utf-8-sig", "replace") if head.status < 300 else ""


def _rules_of(text: str, origin: str, agent: str) -> RobotsRules:
    rules = Protego.parse(text)
    links = (resolve_link(origin, line) for line in islice(rules.sitemaps, _MAX_SITEMAPS))
    delay = rules.crawl_delay(agent)
    rate = rules.request_rate(agent)
    if rate and rate.requests:
        delay = max(delay or 0.0, rate.seconds / rate.requests)
    return RobotsRules(delay, tuple(dict.fromkeys(link for link in links if link)), rules, agent)
