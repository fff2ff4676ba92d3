"""What a scan takes and gives: plain frozen values, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from reference_app.scraping.targets import Target

PageSource = Literal["start", "sitemap", "link"]
Ending = Literal["finished", "page_limit", "time_limit", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """Limits of one scan. Seconds are wall-clock seconds of the monotonic clock.

    ``max_pages`` counts requested pages, failed ones included. ``concurrency`` bounds this scan's simultaneous page
    requests; the fetcher's politeness per host and its global limit hold besides. ``should_stop`` is asked about
    every ``stop_poll_seconds``.
    """

    max_pages: int = 50
    concurrency: int = 4
    follow_links: bool = True
    max_sitemaps: int = 20
    max_seconds: float = 900.0
    stop_poll_seconds: float = 1.0

    def __post_init__(self) -> None:
        for name in ("max_pages", "concurrency", "max_seconds", "stop_poll_seconds"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be positive, not {getattr(self, name)}")
        if self.max_sitemaps < 0:
            raise ValueError(f"max_sitemaps must not be negative, not {self.max_sitemaps}")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something could not be fetched: a stable ``code``, a sentence, and whether a later try may succeed."""

    code: str
    message: str
    transient: bool


@dataclass(frozen=True, slots=True)
class PageMetadata:
    """What one HTML page says about itself. Texts hold no control characters; every list is sorted and bounded."""

    title: str | None = None
    description: str | None = None
    language: str | None = None
    canonical: str | None = None
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    social_links: tuple[tuple[str, str], ...] = ()
    technologies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PageRecord:
    """One requested page.

    ``url`` is unique within a scan; ``final_url`` is where redirects led. ``status`` is None when no response came,
    and ``failure`` then says why; it is also set for a status of 400 and above and for a refused redirect.
    ``metadata`` is None unless an HTML page arrived. ``truncated``: the page was longer than the size limit and only
    its beginning was read. ``bytes_received`` counts the body's bytes before decompression.
    """

    url: str
    final_url: str
    source: PageSource
    status: int | None
    content_type: str | None
    bytes_received: int
    elapsed_ms: int
    truncated: bool
    metadata: PageMetadata | None
    failure: Failure | None


@dataclass(frozen=True, slots=True)
class ScanSummary:
    """How a scan ended.

    ``ending`` is ``failed`` exactly when ``failure`` is set; ``failure.transient`` says whether a retry makes sense.
    ``page_limit``: there was more to scan than ``max_pages``. ``pages_ok`` counts pages with a status below 400;
    ``urls_disallowed`` counts addresses left out because robots.txt says so.
    """

    target: Target
    ending: Ending
    failure: Failure | None
    start_url: str
    pages_ok: int
    pages_failed: int
    urls_disallowed: int
    sitemaps_read: int
    sitemap_urls: int
    bytes_received: int
    elapsed_seconds: float
    warnings: tuple[str, ...] = field(default=())
