"""Sitemaps as https://www.sitemaps.org/protocol.html describes them, read while they arrive.

XML (also RSS and Atom) goes through expat piece by piece and no tree is built, so a 50 MB file costs no more memory
than a small one. A document type declaration ends the reading: sitemaps need none, and entities hide in it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal
from xml.parsers import expat

from reference_app.scraping.decoding import unzip_if_gzip, with_beginning
from reference_app.scraping.fetching import Admit, Fetcher, Head, Limits
from reference_app.scraping.urls import MAX_URL_CHARACTERS, resolve_link

USUAL_PLACES = ("/sitemap.xml", "/sitemap_index.xml", "/wp-sitemap.xml")
# The protocol allows 50,000 entries a file; anything beyond is not a sitemap but an attack.
MAX_ENTRIES = 50_000
_MAX_DEPTH = 20
# Enough of a file to tell its kind by.
_BEGINNING = 64
_TEXT_SITEMAP = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:https?://|\Z)", re.IGNORECASE)
# Expat keeps an unfinished token in memory and scans it again with every piece.
_MAX_TOKEN_BYTES = 256 * 1024

Kind = Literal["page", "sitemap"]
OnEntry = Callable[[Kind, str], bool]
"""Takes one absolute URL; False means that no more are wanted."""


@dataclass(frozen=True, slots=True)
class SitemapReport:
    """How reading one file went: entries seen, and what ended the reading early, if anything did."""

    entries: int
    problem: str | None


class _EnoughError(Exception):
    pass


class _RefusedError(Exception):
    pass


async def read_sitemap(fetcher: Fetcher, url: str, on_entry: OnEntry, admit: Admit) -> SitemapReport:
    """Fetches one sitemap or index (XML, text, RSS, Atom; plain or gzipped) and hands over each entry's URL.

    Entries found before an error count. Raises FetchError when the file cannot be fetched.
    """
    limits = Limits(fetcher.settings.sitemap_bytes, fetcher.settings.sitemap_seconds)

    async def read(head: Head, pieces: AsyncIterator[bytes]) -> SitemapReport:
        if head.status >= 300:
            return SitemapReport(0, f"answered {head.status}")
        return await read_entries(head.url, unzip_if_gzip(pieces, limits.body_bytes), on_entry)

    return (await fetcher.fetch(url, limits, read, admit)).content


async def read_entries(base: str, pieces: AsyncIterator[bytes], on_entry: OnEntry) -> SitemapReport:
    """The entries of one sitemap body, whose relative URLs are taken against ``base``."""
    count = 0

    def take(kind: Kind, reference: str) -> None:
        nonlocal count
        count += 1
        if count > MAX_ENTRIES:
            raise _RefusedError(f"more than {MAX_ENTRIES:,} entries")
        url = resolve_link(base, reference)
        if url is not None and not on_entry(kind, url):
            raise _EnoughError

    reader: _XmlReader | _TextReader | None = None
    try:
        async for piece in with_beginning(pieces, _BEGINNING):
            if reader is None:
                reader = _TextReader(take) if _is_text(piece) else _XmlReader(take)
            reader.feed(piece)
            # A compressed sitemap unfolds without waiting for the network; other scans want their turn.
            await asyncio.sleep(0)
        if reader is not None:
            reader.close()
    except _EnoughError:
        return SitemapReport(count, None)
    except _RefusedError as refused:
        return SitemapReport(count, str(refused))
    except expat.ExpatError as error:
        return SitemapReport(count, f"malformed XML in line {error.lineno}")
    return SitemapReport(count, None)


def _is_text(piece: bytes) -> bool:
    return _TEXT_SITEMAP.match(piece) is not None


class _TextReader:
    """One URL a line."""

    def __init__(self, take: Callable[[Kind, str], None]) -> None:
        self._take = take
        self._rest = b""

    def feed(self, piece: bytes) -> None:
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if len(self._rest) > MAX_URL_CHARACTERS:
            raise _RefusedError("a line too long to be a URL")
        for line in lines:
            self._line(line)

    def close(self) -> None:
        self._line(self._rest)

    def _line(self, line: bytes) -> None:
        if text := line.decode("utf-8-sig", "replace").strip():
            self._take("page", text)


class _XmlReader:
    """Finds ``url/loc``, ``sitemap/loc``, RSS ``item/link`` and Atom ``entry/link[@href]`` by local names."""

    _KINDS: ClassVar[dict[tuple[str, str], Kind]] = {
        ("url", "loc"): "page",
        ("sitemap", "loc"): "sitemap",
        ("item", "link"): "page",
    }

    def __init__(self, take: Callable[[Kind, str], None]) -> None:
        self._take = take
        self._path: list[str] = []
        self._kind: Kind | None = None
        self._text = ""
        self._fed = 0
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._doctype

    def feed(self, piece: bytes) -> None:
        for part in _parts(piece):
            try:
                self._parser.Parse(part, False)
            except (LookupError, ValueError) as error:
                raise _RefusedError("a character set that cannot be read") from error
            self._fed += len(part)
            if self._fed - self._parser.CurrentByteIndex > _MAX_TOKEN_BYTES:
                raise _RefusedError("an XML token too long for a sitemap")

    def close(self) -> None:
        self._parser.Parse(b"", True)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        parent = self._path[-1] if self._path else ""
        self._path.append(local)
        if len(self._path) > _MAX_DEPTH:
            raise _RefusedError("elements nested too deep for a sitemap")
        self._kind = self._KINDS.get((parent, local))
        self._text = ""
        if (parent, local) == ("entry", "link") and attributes.get("rel", "alternate") == "alternate":
            self._take("page", attributes.get("href", ""))

    def _end(self, _name: str) -> None:
        if self._kind is not None:
            self._take(self._kind, self._text.strip())
            self._kind = None
        self._path.pop()

    def _characters(self, data: str) -> None:
        if self._kind is not None and len(self._text) <= MAX_URL_CHARACTERS:
            self._text += data[: MAX_URL_CHARACTERS + 1]

    def _doctype(self, *_declaration: object) -> None:
        raise _RefusedError("a document type declaration")


def _parts(piece: bytes, size: int = 64 * 1024) -> Iterator[bytes]:
    for start in range(0, len(piece), size):
        yield piece[start : start + size]
