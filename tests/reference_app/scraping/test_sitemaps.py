"""Sitemaps in all their forms, and those made to hurt."""

from __future__ import annotations

import gzip
import time
import tracemalloc
from collections.abc import AsyncIterator, Iterable

import pytest

from reference_app.scraping.failures import FetchError
from reference_app.scraping.sitemaps import Kind, SitemapReport, read_entries, read_sitemap
from tests.reference_app.scraping.support import local_fetcher
from tests.reference_app.scraping.web import response, serving, urlset

BASE = "https://example.com/sitemap.xml"
MIB = 1024 * 1024


async def pieces_of(parts: Iterable[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def read(*parts: bytes, at_most: int = 10**9) -> tuple[SitemapReport, list[tuple[Kind, str]]]:
    found: list[tuple[Kind, str]] = []

    def keep(kind: Kind, url: str) -> bool:
        found.append((kind, url))
        return len(found) < at_most

    return await read_entries(BASE, pieces_of(parts), keep), found


def page_urls(found: list[tuple[Kind, str]]) -> list[str]:
    return [url.removeprefix("https://example.com") for kind, url in found if kind == "page"]


async def test_pages_and_nested_sitemaps_are_found() -> None:
    report, found = await read(
        b'<?xml version="1.0"?><sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
        b"<sitemap><loc> https://example.com/a.xml\n</loc><lastmod>2026-01-01</lastmod></sitemap></sitemapindex>"
    )
    assert (report, found) == (SitemapReport(1, None), [("sitemap", "https://example.com/a.xml")])


async def test_extensions_prefixes_and_escapes_are_understood() -> None:
    _, found = await read(
        b'<s:urlset xmlns:s="http://www.sitemaps.org/schemas/sitemap/0.9"><s:url><s:loc>/a?x=1&amp;y=2</s:loc>'
        b"<image:image><image:loc>https://example.com/picture.png</image:loc></image:image></s:url>"
        b"<s:url><s:loc><![CDATA[https://example.com/b]]></s:loc></s:url></s:urlset>"
    )
    assert page_urls(found) == ["/a?x=1&y=2", "/b"]


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbfhttps://example.com/1\r\nhttps://example.com/2\r\n\r\n",
        b"\n\n  https://example.com/1\nhttps://example.com/2",
        b"<rss><channel><link>/no</link><item><link>/1</link></item><item><link>/2</link></item></channel></rss>",
        b'<feed><link href="/no"/><entry><link href="/1"/></entry><entry><link rel="alternate" href="/2"/>'
        b'<link rel="edit" href="/no"/></entry></feed>',
    ],
)
async def test_text_rss_and_atom_serve_as_sitemaps(body: bytes) -> None:
    assert page_urls((await read(body))[1]) == ["/1", "/2"]


async def test_the_split_into_pieces_does_not_matter() -> None:
    for text in (urlset("https://example.com/\u00fc", "/b"), "https://example.com/\u00fc\nhttps://example.com/b"):
        body = text.encode()
        _, found = await read(*(body[i : i + 1] for i in range(len(body))))
        assert page_urls(found) == ["/%C3%BC", "/b"]


async def test_what_came_before_an_error_counts() -> None:
    report, found = await read(urlset("https://example.com/a").encode()[:-9] + b"<url><loc>x & y</loc></url>")
    assert (report, page_urls(found)) == (SitemapReport(1, "malformed XML in line 1"), ["/a"])


async def test_reading_ends_when_no_more_are_wanted() -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        yield b"<urlset>"
        while True:
            taken += 1
            yield b"<url><loc>/%d</loc></url>" % taken

    found: list[str] = []

    def keep(_kind: Kind, url: str) -> bool:
        found.append(url)
        return len(found) < 3

    assert await read_entries(BASE, endless(), keep) == SitemapReport(3, None)
    assert taken == 3


async def test_ten_million_entries_are_read_no_further_than_the_protocol_allows() -> None:
    piece = b"".join(b"<url><loc>https://elsewhere.example.net/%d</loc></url>" % n for n in range(1000))
    started, sent = time.process_time(), 0

    async def ten_million() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b"<urlset>"
        for _ in range(10_000):
            sent += 1000
            yield piece

    report = await read_entries(BASE, ten_million(), lambda _kind, _url: True)
    assert report == SitemapReport(50_001, "more than 50,000 entries")
    assert sent == 51_000
    # all ten million would take minutes
    assert time.process_time() - started < 20


async def test_a_fifty_megabyte_file_passes_through_little_memory() -> None:
    padding = b"<!-- %s -->" % (b"x" * 1000)
    body = b"<urlset>" + b"".join(b"<url><loc>/%d</loc></url>%s" % (n, padding) for n in range(49_000)) + b"</urlset>"
    assert len(body) > 48 * MIB
    packed = gzip.compress(body, 1)
    del body
    count = 0

    def keep(_kind: Kind, _url: str) -> bool:
        nonlocal count
        count += 1
        return True

    async with (
        serving({"/sitemap.xml.gz": response(200, packed, Content_Type="application/gzip")}) as site,
        local_fetcher() as fetcher,
    ):
        tracemalloc.start(1)
        report = await read_sitemap(fetcher, site.url + "/sitemap.xml.gz", keep, _welcome)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert (report, count) == (SitemapReport(49_000, None), 49_000)
    assert peak < 4 * MIB


async def _welcome(_url: str) -> FetchError | None:
    return None


@pytest.mark.parametrize("encoded", [True, False])
async def test_a_gzipped_file_is_read_whether_or_not_the_server_says_so(encoded: bool) -> None:
    packed = gzip.compress(urlset("/a").encode())
    answer = response(200, packed, Content_Encoding="gzip") if encoded else response(200, packed)
    found: list[str] = []

    def keep(_kind: Kind, url: str) -> bool:
        found.append(url)
        return True

    async with serving({"/s": answer}) as site, local_fetcher() as fetcher:
        await read_sitemap(fetcher, site.url + "/s", keep, _welcome)
        assert found == [f"{site.url}/a"]


async def test_a_gzip_bomb_inside_gzip_is_cut() -> None:
    bomb = gzip.compress(gzip.compress(b"<urlset>" + b" " * (60 * MIB)))
    answer = response(200, bomb, Content_Encoding="gzip")
    async with serving({"/s": answer}) as site, local_fetcher(sitemap_bytes=MIB) as fetcher:
        report = await read_sitemap(fetcher, site.url + "/s", lambda _kind, _url: True, _welcome)
    assert report == SitemapReport(0, "malformed XML in line 1")


ENTITIES = (
    b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    b"<urlset><url><loc>&b;</loc></url></urlset>"
)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (ENTITIES, "a document type declaration"),
        (b'<!DOCTYPE u [<!ENTITY f SYSTEM "file:///etc/passwd">]><urlset/>', "a document type declaration"),
        (b"<!DOCTYPE html><html><body>Not found</body></html>", "a document type declaration"),
        (b"<a>" * 100_000, "elements nested too deep for a sitemap"),
        (b'<urlset a="' + b"x" * MIB, "an XML token too long for a sitemap"),
        (b"https://example.com/" + b"x" * MIB, "a line too long to be a URL"),
        (b"not a sitemap at all", "malformed XML in line 1"),
        (b"", None),
        (b" \n ", None),
        (b'<?xml version="1.0" encoding="klingon"?><urlset/>', "a character set that cannot be read"),
        (b"<urlset><url><loc>" + b"x" * MIB + b"</loc></url></urlset>", None),
        (b"<urlset><url><loc>javascript:alert(1)</loc></url><url><loc></loc></url></urlset>", None),
    ],
)
async def test_files_made_to_hurt_end_quickly_and_give_nothing(body: bytes, problem: str | None) -> None:
    started = time.process_time()
    report, found = await read(*(body[i : i + 65_536] for i in range(0, len(body), 65_536)))
    assert (report.problem, [url for _, url in found if url != BASE]) == (problem, [])
    assert time.process_time() - started < 5


async def test_other_character_sets_are_read() -> None:
    body = '<?xml version="1.0" encoding="iso-8859-1"?><urlset><url><loc>/caf\u00e9</loc></url></urlset>'
    assert page_urls((await read(body.encode("latin-1")))[1]) == ["/caf%C3%A9"]
    assert page_urls((await read(body.replace("iso-8859-1", "utf-16").encode("utf-16")))[1]) == ["/caf%C3%A9"]


async def test_a_missing_sitemap_says_so() -> None:
    async with serving({}) as site, local_fetcher() as fetcher:
        report = await read_sitemap(fetcher, site.url + "/s", lambda _kind, _url: True, _welcome)
    assert report == SitemapReport(0, "answered 404")
