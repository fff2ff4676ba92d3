"""How the fetcher behaves towards the network: limits, politeness, identity."""

from __future__ import annotations

from dataclasses import dataclass, fields

KIB = 1024
MIB = 1024 * KIB
_MAY_BE_ZERO = frozenset({"host_interval", "max_crawl_delay", "backoff_seconds", "max_redirects"})


@dataclass(frozen=True, slots=True)
class FetchSettings:
    """Settings of one Fetcher, shared by all scans of a process. Durations are seconds, sizes are bytes.

    ``user_agent`` goes out with every request; the part before the first ``/`` is the product token robots.txt is
    read for. ``host_interval`` is the least time between the starts of two requests to one host; a longer
    ``Crawl-delay`` replaces it, up to ``max_crawl_delay``. Page and sitemap limits hold for the compressed and for
    the decompressed body alike. ``page_seconds`` bounds a page with all its redirects, from the first connection to
    the last byte; ``idle_seconds`` bounds the silence between two parts of a body. ``attempts`` counts the first try.
    ``allow_loopback`` is for development and tests only.
    """

    user_agent: str = "ReferenceScraper/1.0"
    allow_loopback: bool = False
    also_refused: tuple[str, ...] = ()
    max_connections: int = 100
    host_connections: int = 2
    host_interval: float = 1.0
    max_crawl_delay: float = 30.0
    attempts: int = 3
    backoff_seconds: float = 0.5
    max_backoff_seconds: float = 30.0
    connect_seconds: float = 10.0
    idle_seconds: float = 10.0
    page_seconds: float = 30.0
    page_bytes: int = 2 * MIB
    robots_bytes: int = 512 * KIB
    sitemap_seconds: float = 300.0
    sitemap_bytes: int = 50 * MIB
    max_redirects: int = 5

    def __post_init__(self) -> None:
        if not self.product_token or not (self.user_agent.isascii() and self.user_agent.isprintable()):
            raise ValueError(f"user_agent must be printable ASCII like 'Name/1.0', not {self.user_agent!r}")
        for setting in fields(self):
            value = getattr(self, setting.name)
            least = 0 if setting.name in _MAY_BE_ZERO else 1e-9
            if isinstance(value, int | float) and not isinstance(value, bool) and value < least:
                raise ValueError(
                    f"{setting.name} must {'not be negative' if least == 0 else 'be positive'}, not {value}"
                )

    @property
    def product_token(self) -> str:
        """The name that groups in robots.txt address this scraper by."""
        return self.user_agent.split("/", 1)[0].strip()
