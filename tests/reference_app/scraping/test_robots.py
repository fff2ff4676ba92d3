"""robots.txt: what its absence, its errors and its lines mean."""

from __future__ import annotations

import pytest

from reference_app.scraping.failures import FetchError
from reference_app.scraping.robots import RobotsRules, read_robots
from tests.reference_app.scraping.support import local_fetcher
from tests.reference_app.scraping.web import redirect, response, serving, text


async def rules_of(answer: bytes, **changes: object) -> tuple[RobotsRules, str]:
    async with serving({"/robots.txt": answer}) as site, local_fetcher(**changes) as fetcher:
        return await read_robots(fetcher, site.url), site.url


async def test_the_longest_match_decides_and_the_scrapers_own_group_counts() -> None:
    rules, site = await rules_of(
        text(
            "User-agent: *\nDisallow: /\n\n"
            "User-agent: referencescraper\nDisallow: /shop/\nAllow: /shop/open\nDisallow: /*.pdf$\nAllow: /a%2fb\n"
        )
    )
    allowed = {path: rules.allows(site + path) for path in ("/", "/shop/x", "/shop/open/1", "/a.pdf", "/a.pdf?x")}
    assert allowed == {"/": True, "/shop/x": False, "/shop/open/1": True, "/a.pdf": False, "/a.pdf?x": True}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
async def test_a_missing_file_allows_everything(status: int) -> None:
    rules, site = await rules_of(response(status, b"User-agent: *\nDisallow: /"))
    assert rules.allows(site + "/")


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_server_in_trouble_allows_nothing_for_now(status: int) -> None:
    with pytest.raises(FetchError) as failed:
        await rules_of(response(status))
    assert (failed.value.code, failed.value.transient) == ("robots_unreachable", True)


async def test_redirects_are_followed_and_endless_ones_count_as_missing() -> None:
    routes = {"/robots.txt": redirect("/elsewhere"), "/elsewhere": text("User-agent: *\nDisallow: /")}
    async with serving(routes) as site, local_fetcher() as fetcher:
        assert not (await read_robots(fetcher, site.url)).allows(site.url + "/")
    rules, site_url = await rules_of(redirect("/robots.txt"))
    assert rules.allows(site_url + "/")


async def test_only_the_first_bytes_of_a_huge_file_count() -> None:
    huge = "User-agent: *\nDisallow: /early\n" + "# filler\n" * 2000 + "Disallow: /late\n"
    rules, site = await rules_of(text(huge), robots_bytes=4096)
    assert (rules.allows(site + "/early"), rules.allows(site + "/late")) == (False, True)


async def test_delays_and_sitemaps_are_read() -> None:
    rules, site = await rules_of(
        text(
            "User-agent: *\nCrawl-delay: 2.5\nRequest-rate: 1/10s\n"
            "Sitemap: /map.xml\nSitemap: https://cdn.example.com/map.xml\nSitemap: ftp://x/y\nSitemap: /map.xml\n"
        )
    )
    assert rules.crawl_delay == 10.0
    assert rules.sitemaps == (f"{site}/map.xml", "https://cdn.example.com/map.xml")


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbfUser-agent: *\r\nDisallow: /x",
        b"User-agent: *\rDisallow: /x\r\xff\xfe\x00",
        b"user-agent:*\ndisallow:/x",
    ],
)
async def test_odd_bytes_and_line_ends_do_not_hide_a_rule(body: bytes) -> None:
    rules, site = await rules_of(response(200, body))
    assert (rules.allows(site + "/x"), rules.allows(site + "/y")) == (False, True)
