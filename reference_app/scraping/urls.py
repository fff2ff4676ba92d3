"""Addresses found in pages, redirects and sitemaps, in one canonical form (https://url.spec.whatwg.org/)."""

from __future__ import annotations

import ada_url

from reference_app.scraping.addresses import is_web_port

MAX_URL_CHARACTERS = 2048


def resolve_link(base: str, reference: str) -> str | None:
    """The absolute http(s) URL that ``reference`` means on the page ``base``, without fragment and credentials.

    None for everything that cannot be fetched: other schemes, other protocols' ports, over-long or broken URLs.
    """
    if len(reference) > MAX_URL_CHARACTERS:
        return None
    try:
        href = ada_url.join_url(base, reference).partition("#")[0]
    except ValueError:
        return None
    if not href.startswith(("https://", "http://")) or len(href) > MAX_URL_CHARACTERS:
        return None
    authority = href.split("/", 3)[2]
    return _without_oddities(href) if "@" in authority or ":" in authority else href


def _without_oddities(href: str) -> str | None:
    """Credentials removed; None for a port where no web server is."""
    url = ada_url.URL(href)
    if url.port and not is_web_port(int(url.port)):
        return None
    url.username = url.password = ""
    return url.href


def origin_of(url: str) -> str:
    """Scheme, host and port of a canonical URL: ``https://example.com``."""
    return ada_url.URL(url).origin


def host_of(url: str) -> str:
    """The host of a canonical URL, IPv6 in brackets."""
    return ada_url.URL(url).hostname
