"""Reads pages from the web. Knows nothing of the database."""

import re
from dataclasses import dataclass

import httpx

from src.settings import settings

_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.I | re.S)
_LOCATION = re.compile(r"<loc>\s*(\S+?)\s*</loc>")


@dataclass(frozen=True)
class FetchedPage:
    url: str
    title: str | None


async def fetch_page(url: str) -> FetchedPage:
    """The page at ``url``. Raises :class:`httpx.HTTPError`."""
    async with httpx.AsyncClient(timeout=settings.fetch_timeout_seconds, follow_redirects=True) as client:
        response = await client.get(url)
        response.raise_for_status()
    found = _TITLE.search(response.text)
    return FetchedPage(url=str(response.url), title=found[1].strip() if found else None)


async def fetch_sitemap(domain: str) -> list[str]:
    """The addresses in the domain's sitemap. Raises :class:`httpx.HTTPError`."""
    async with httpx.AsyncClient(timeout=settings.fetch_timeout_seconds) as client:
        response = await client.get(f"https://{domain}/sitemap.xml")
        response.raise_for_status()
    return _LOCATION.findall(response.text)


async def search_places(query: str, location: str) -> list[str]:
    """Names of places near ``location``. Raises :class:`httpx.HTTPError`."""
    async with httpx.AsyncClient(timeout=settings.fetch_timeout_seconds) as client:
        response = await client.get(
            "https://places.example.com/search",
            params={"q": f"{query} near {location}", "key": settings.maps_api_key},
        )
        response.raise_for_status()
    return [place["name"] for place in response.json()["results"]]
