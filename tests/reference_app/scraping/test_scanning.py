"""Whole scans of real local websites."""

from __future__ import annotations

import asyncio
import gc
import ssl
import tracemalloc

import pytest
import trustme

from reference_app.scraping import Fetcher, PageRecord, ScanOptions, normalise, politeness_of, scan
from tests.reference_app.scraping.support import FakeTime, answering, local_fetcher, never, scan_all, settings
from tests.reference_app.scraping.web import Site, page, redirect, response, serving, text, urlset, xml


def paths(records: list[PageRecord], site: Site) -> dict[str, str]:
    """Where each page was found, by path."""
    return {record.url.removeprefix(site.url): record.source for record in records}


async def test_pages_come_from_the_start_the_sitemaps_and_the_links() -> None:
    async with serving({}) as site, local_fetcher() as fetcher:
        site.routes |= {
            "/robots.txt": text("User-agent: *\nDisallow: /private\nSitemap: /index.xml"),
            "/index.xml": xml(
                f"<sitemapindex><sitemap><loc>{site.url}/a.xml</loc></sitemap>"
                f"<sitemap><loc>{site.url}/gone.xml</loc></sitemap></sitemapindex>"
            ),
            "/a.xml": xml(urlset(f"{site.url}/a", f"{site.url}/private/b", "https://elsewhere.example.com/c")),
            "/": page("<title>Start</title><a href=/linked>l</a><a href=/private/d>p</a>"),
            "/a": page("<title>A</title>"),
            "/linked": page("<title>Linked</title><a href=/missing>m</a><a href=/paper.pdf>p</a>"),
            "/paper.pdf": response(200, b"%PDF", Content_Type="application/pdf"),
        }
        summary, pages = await scan_all(site.url, fetcher)
    assert paths(pages, site) == {
        "/": "start",
        "/a": "sitemap",
        "/linked": "link",
        "/missing": "link",
        "/paper.pdf": "link",
    }
    titles = {record.url.removeprefix(site.url): record.metadata and record.metadata.title for record in pages}
    assert titles == {"/": "Start", "/a": "A", "/linked": "Linked", "/missing": None, "/paper.pdf": None}
    assert [(p.status, p.failure and p.failure.code) for p in pages if p.url.endswith("/missing")] == [
        (404, "http_404")
    ]
    assert (summary.ending, summary.pages_ok, summary.pages_failed) == ("finished", 4, 1)
    assert (summary.urls_disallowed, summary.sitemaps_read, summary.sitemap_urls) == (2, 2, 3)
    assert summary.warnings == (f"{site.url}/gone.xml: answered 404",)
    assert len(site.paths) == len(set(site.paths)), "nothing is asked for twice"
    assert "/sitemap.xml" not in site.paths, "the usual places are for sites that name no sitemap"


async def test_sitemaps_in_the_usual_places_are_found_without_a_hint() -> None:
    async with serving({"/": page("")}) as site, local_fetcher() as fetcher:
        site.routes["/sitemap_index.xml"] = xml(urlset(f"{site.url}/a"))
        summary, pages = await scan_all(site.url, fetcher)
    assert paths(pages, site) == {"/": "start", "/a": "sitemap"}
    assert (summary.sitemaps_read, summary.warnings) == (1, ())
    assert "/wp-sitemap.xml" not in site.paths


async def test_the_page_limit_bounds_the_requests() -> None:
    async with serving({"*": page("")}) as site, local_fetcher() as fetcher:
        site.routes["/sitemap.xml"] = xml(urlset(*(f"{site.url}/{n}" for n in range(5000))))
        site.routes["/robots.txt"] = text("User-agent: *\nDisallow: /1")
        summary, pages = await scan_all(site.url, fetcher, max_pages=20)
        assert (summary.ending, summary.pages_ok, len(pages)) == ("page_limit", 20, 20)
        assert len([path for path in site.paths if path[1:].isdigit()]) == 19
        assert not any(path.startswith("/1") for path in site.paths)
        exact, _ = await scan_all(site.url, fetcher, max_pages=20, follow_links=False, max_sitemaps=0)
        assert (exact.ending, exact.pages_ok) == ("finished", 1)


async def test_simultaneous_requests_stay_within_the_scans_and_the_hosts_bound() -> None:
    async def slow(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.01)
        writer.write(page(""))

    async with serving({"*": slow, "/": page("".join(f"<a href=/{n}>" for n in range(30)))}) as site:
        async with local_fetcher(host_connections=100) as fetcher:
            await scan_all(site.url, fetcher, concurrency=5)
        assert site.most_at_once == 5
        site.most_at_once = 0
        async with local_fetcher(host_connections=3) as fetcher:
            await scan_all(site.url, fetcher, concurrency=5)
        assert site.most_at_once == 3


async def test_reading_long_pages_leaves_the_loop_free() -> None:
    longest = 0.0

    async def beat() -> None:
        nonlocal longest
        clock = asyncio.get_running_loop().time
        while True:
            before = clock()
            await asyncio.sleep(0.01)
            longest = max(longest, clock() - before)

    hard = page("\N{NULL}<b>" * 500_000)
    routes = {"/": page("".join(f"<a href=/{number}>" for number in range(6))), "*": hard}
    async with serving(routes) as site, local_fetcher() as fetcher:
        heart = asyncio.create_task(beat())
        summary, _ = await scan_all(site.url, fetcher, concurrency=6, max_sitemaps=0)
        heart.cancel()
    assert summary.pages_ok == 7
    # Read on the loop itself, several follow each other without a beat between: a third of the time, as against 3 %.
    assert longest < summary.elapsed_seconds / 8


async def test_a_crawl_delay_is_kept() -> None:
    fake = FakeTime()
    routes = {"/robots.txt": text("User-agent: *\nCrawl-delay: 7"), "/": page("<a href=/a><a href=/b>"), "*": page("")}
    async with serving(routes) as site, Fetcher(settings(), sleep=fake.sleep, clock=fake.clock) as fetcher:
        await scan_all(site.url, fetcher, max_sitemaps=0)
    assert fake.slept == [7.0, 7.0]
    assert len(site.requests) == 4


async def test_scans_one_after_the_other_share_the_pause_between_requests_to_a_host() -> None:
    fake = FakeTime()
    slow = settings(host_interval=3.0)
    politeness = politeness_of(slow, sleep=fake.sleep, clock=fake.clock)
    async with serving({"/": page("")}) as site:
        for _ in range(2):
            async with Fetcher(slow, politeness=politeness) as fetcher:
                await scan_all(site.url, fetcher, max_sitemaps=0)
    assert site.paths == ["/robots.txt", "/"] * 2
    assert fake.slept == [3.0, 3.0, 3.0]


async def test_robots_forbidding_everything_is_a_final_failure_without_a_page_request() -> None:
    routes = {"/robots.txt": text("User-agent: *\nDisallow: /"), "*": page("")}
    async with serving(routes) as site, local_fetcher() as fetcher:
        summary, pages = await scan_all(site.url, fetcher)
    assert summary.failure is not None
    assert (summary.ending, summary.failure.code, summary.failure.transient) == ("failed", "robots_disallowed", False)
    assert (pages, site.paths) == ([], ["/robots.txt"])


async def test_a_redirect_to_a_forbidden_page_is_not_followed() -> None:
    routes = {
        "/robots.txt": text("User-agent: *\nDisallow: /private"),
        "/": page("<a href=/moved>"),
        "/moved": redirect("/private"),
    }
    async with serving(routes) as site, local_fetcher() as fetcher:
        _, pages = await scan_all(site.url, fetcher)
    assert [page.failure and page.failure.code for page in pages] == [None, "robots_disallowed"]
    assert "/private" not in site.paths


async def test_robots_out_of_reach_is_a_failure_worth_a_retry() -> None:
    async with serving({"/robots.txt": response(503), "*": page("")}) as site, local_fetcher() as fetcher:
        summary, _ = await scan_all(site.url, fetcher)
    assert summary.failure is not None
    assert (summary.failure.code, summary.failure.transient) == ("robots_unreachable", True)
    assert set(site.paths) == {"/robots.txt"}


async def test_a_dead_site_fails_with_its_reason() -> None:
    async with serving({}) as gone:
        pass
    async with local_fetcher() as fetcher:
        summary, pages = await scan_all(gone.url, fetcher)
    assert summary.failure is not None
    assert (summary.ending, summary.failure.code, pages) == ("failed", "connect_failed", [])


async def test_a_site_whose_pages_all_fail_is_failed_with_the_first_reason() -> None:
    async with serving({"/": response(404)}) as site, local_fetcher() as fetcher:
        summary, pages = await scan_all(site.url, fetcher)
    assert summary.failure is not None
    assert (summary.failure.code, summary.pages_failed, len(pages)) == ("http_404", 1, 1)


async def test_https_is_tried_first_and_http_where_it_does_not_answer() -> None:
    async with serving({"/": page("<title>plain</title>")}) as site, local_fetcher() as fetcher:
        summary, pages = await scan_all(f"127.0.0.1:{site.port}", fetcher)
    assert (summary.ending, summary.start_url) == ("finished", f"{site.url}/")
    assert [record.url for record in pages] == [f"{site.url}/"]


async def test_https_is_used_where_it_answers() -> None:
    authority = trustme.CA()
    server_tls, client_tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(server_tls)
    authority.configure_trust(client_tls)
    async with serving({"/": page("secure")}, server_tls) as site, Fetcher(settings(), tls=client_tls) as fetcher:
        summary, _ = await scan_all(f"127.0.0.1:{site.port}", fetcher)
    assert (summary.start_url, summary.pages_ok) == (f"https://127.0.0.1:{site.port}/", 1)


async def test_the_name_the_start_page_moves_to_belongs_to_the_site() -> None:
    names = answering(boats__co__uk=["127.0.0.1"], shop__boats__co__uk=["127.0.0.1"])
    async with serving({}) as site, Fetcher(settings(), resolve=names) as fetcher:
        shop = f"http://shop.boats.co.uk:{site.port}"
        site.routes |= {
            "/": redirect(f"{shop}/home"),
            "/home": page(f"<a href={shop}/a>"),
            "/a": page(""),
            "/sitemap.xml": xml(urlset(f"{shop}/home", f"http://boats.co.uk:{site.port}/b")),
            "/b": page(""),
        }
        summary, pages = await scan_all(f"http://boats.co.uk:{site.port}", fetcher)
    assert summary.start_url == f"{shop}/home"
    assert [record.url for record in pages] == [
        f"http://boats.co.uk:{site.port}/",
        f"http://boats.co.uk:{site.port}/b",
        f"{shop}/a",
    ]


async def test_a_start_page_of_somebody_else_is_read_and_nothing_more() -> None:
    names = answering(boats__co__uk=["127.0.0.1"], parking__com=["127.0.0.1"])
    sale = page("<title>Buy this domain</title><a href=/more>")
    async with serving({"*": sale}) as site, Fetcher(settings(), resolve=names) as fetcher:
        site.routes["/"] = redirect(f"http://parking.com:{site.port}/sale")
        summary, pages = await scan_all(f"http://boats.co.uk:{site.port}", fetcher)
    assert [record.final_url for record in pages] == [f"http://parking.com:{site.port}/sale"]
    assert summary.warnings == (f"The start page leads to another website, http://parking.com:{site.port}.",)
    assert "/more" not in site.paths


async def test_a_stop_gives_up_requests_under_way_at_once() -> None:
    reached = asyncio.Event()

    async def hang(writer: asyncio.StreamWriter) -> None:
        reached.set()
        await asyncio.sleep(60)

    async with serving({"/": page("<a href=/hang>"), "/hang": hang}) as site, local_fetcher() as fetcher:

        async def stop() -> bool:
            return reached.is_set()

        summary, pages = await scan_all(site.url, fetcher, stop, stop_poll_seconds=0.01)
    assert (summary.ending, summary.failure, summary.pages_ok) == ("stopped", None, 1)
    assert paths(pages, site) == {"/": "start"}


async def test_a_stop_before_the_start_asks_nothing_of_the_site() -> None:
    async def stop() -> bool:
        return True

    async with serving({"*": page("")}) as site, local_fetcher() as fetcher:
        summary, pages = await scan_all(site.url, fetcher, stop)
    assert (summary.ending, pages, site.requests) == ("stopped", [], [])


async def test_the_time_limit_ends_a_scan_and_keeps_what_it_has() -> None:
    async def hang(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with serving({"/": page("<a href=/hang>"), "/hang": hang}) as site, local_fetcher() as fetcher:
        summary, pages = await scan_all(site.url, fetcher, max_seconds=0.3)
    assert (summary.ending, summary.failure, len(pages)) == ("time_limit", None, 1)


async def test_pages_are_handed_over_one_at_a_time_and_never_cut_off() -> None:
    busy, most, finished, stop_now = 0, 0, 0, False

    async def keep(_record: PageRecord) -> None:
        nonlocal busy, most, finished, stop_now
        busy += 1
        most = max(most, busy)
        stop_now = True
        await asyncio.sleep(0.05)
        busy -= 1
        finished += 1

    async def stop() -> bool:
        return stop_now

    links = "".join(f"<a href=/{n}>" for n in range(10))
    async with serving({"/": page(links), "*": page("")}) as site, local_fetcher() as fetcher:
        target = normalise(site.url, allow_loopback=True)
        await scan(target, ScanOptions(), fetcher, keep, never)
        assert (most, finished) == (1, 11)
        finished, stop_now = 0, False
        summary = await scan(target, ScanOptions(stop_poll_seconds=0.01), fetcher, keep, stop)
    assert (summary.ending, finished, busy) == ("stopped", 1, 0)


@pytest.mark.parametrize("links", ["", "<a href=/a>"])
async def test_what_the_receiver_raises_comes_out_as_it_is(links: str) -> None:
    async def refuse(record: PageRecord) -> None:
        if not links or record.source == "link":
            raise KeyError("database gone")

    async with serving({"/": page(links), "*": page("")}) as site, local_fetcher() as fetcher:
        with pytest.raises(KeyError, match="database gone"):
            await scan(normalise(site.url, allow_loopback=True), ScanOptions(), fetcher, refuse, never)


async def test_a_cancelled_scan_leaves_no_task_and_no_slot_behind() -> None:
    async def hang(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with serving({"/": page("<a href=/hang>"), "/hang": hang}) as site, local_fetcher() as fetcher:
        scanning = asyncio.ensure_future(scan_all(site.url, fetcher))
        while "/hang" not in site.paths:
            await asyncio.sleep(0)
        scanning.cancel()
        with pytest.raises(asyncio.CancelledError):
            await scanning
        names = [task.get_coro().__qualname__ for task in asyncio.all_tasks()]  # type: ignore[union-attr]
        assert not [name for name in names if name.startswith(("_Scan", "Halt", "visit"))]
        site.routes["/hang"] = page("")
        summary, _ = await scan_all(site.url, fetcher)
    assert summary.pages_ok == 2


async def test_memory_stays_flat_over_hundreds_of_pages() -> None:
    body = page("<title>t</title>" + "<p>words and words</p>" * 500)
    levels: list[int] = []
    count = 0

    async def keep(_record: PageRecord) -> None:
        nonlocal count
        count += 1
        site.requests.clear()
        if count % 100 == 0:
            gc.collect()
            levels.append(tracemalloc.get_traced_memory()[0])

    async with serving({"*": body}) as site, local_fetcher(host_connections=8) as fetcher:
        site.routes["/sitemap.xml"] = xml(urlset(*(f"{site.url}/{n}" for n in range(600))))
        site.routes["/robots.txt"] = text("")
        tracemalloc.start(1)
        await scan(
            normalise(site.url, allow_loopback=True), ScanOptions(max_pages=600, concurrency=8), fetcher, keep, never
        )
        tracemalloc.stop()
    assert levels[-1] - levels[0] < 256 * 1024


def test_options_refuse_senseless_values() -> None:
    for wrong in ({"max_pages": 0}, {"concurrency": -1}, {"max_seconds": 0}, {"max_sitemaps": -1}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            ScanOptions(**wrong)  # type: ignore[arg-type]
