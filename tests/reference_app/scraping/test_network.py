"""No request ever leaves for an address that is not public, and every request goes where it was checked to go."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
import trustme

from reference_app.scraping import Fetcher, FetchSettings
from reference_app.scraping.addresses import AddressPolicy
from reference_app.scraping.failures import FetchError
from reference_app.scraping.network import ForbiddenAddressError, _checked_socket
from tests.reference_app.scraping.support import FakeTime, answering, fetch, local_fetcher, scan_all, settings
from tests.reference_app.scraping.web import page, redirect, serving, text, urlset, xml

# A second loopback address plays the public internet: everything but it is closed.
PUBLIC = "127.0.0.2"


@asynccontextmanager
async def public_is_another_loopback_address() -> AsyncIterator[Fetcher]:
    closed = settings(also_refused=("127.0.0.1/32", "::1/128"))
    resolve = answering(shop__example__com=[PUBLIC], rebound__example__com=["127.0.0.1"], localhost=["127.0.0.1"])
    async with Fetcher(closed, resolve=resolve) as fetcher:
        yield fetcher


async def refusal(fetcher: Fetcher, url: str) -> FetchError:
    with pytest.raises(FetchError) as refused:
        await fetch(fetcher, url)
    return refused.value


@pytest.mark.parametrize("answers", [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"]])
async def test_a_name_with_one_forbidden_answer_is_not_connected_to(answers: list[str]) -> None:
    async with serving({"*": page("secret")}) as site:
        resolve = answering(shop__example__com=answers)
        async with Fetcher(FetchSettings(host_interval=0), resolve=resolve) as fetcher:
            error = await refusal(fetcher, f"http://shop.example.com:{site.port}/")
    assert (error.code, error.transient) == ("forbidden_address", False)
    assert error.message == (
        "shop.example.com leads to 127.0.0.1, a loopback address; only public addresses are fetched."
    )
    assert site.requests == []


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "169.254.169.254", "100.64.0.1", "::ffff:7f00:1", "64:ff9b::7f00:1", "2002:7f00:1::", "fe80::1%lo"],
)
async def test_names_leading_to_private_networks_are_refused_even_in_development(address: str) -> None:
    async with Fetcher(settings(), resolve=answering(shop__example__com=[address])) as fetcher:
        assert (await refusal(fetcher, "http://shop.example.com/")).code == "forbidden_address"


async def test_address_literals_are_checked_at_the_socket() -> None:
    async with serving({"*": page("secret")}) as site, Fetcher(FetchSettings(host_interval=0)) as fetcher:
        errors = [await refusal(fetcher, f"http://{host}:{site.port}/") for host in ("127.0.0.1", "[::1]")]
    assert [error.code for error in errors] == ["forbidden_address", "forbidden_address"]
    assert site.requests == []


@pytest.mark.parametrize(("address", "port"), [("10.0.0.1", 80), ("127.0.0.1", 22), ("169.254.169.254", 80)])
def test_the_last_wall_stands_even_if_the_resolver_let_something_through(address: str, port: int) -> None:
    target = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))
    with pytest.raises(ForbiddenAddressError):
        _checked_socket(AddressPolicy(allow_loopback=True), target)


async def test_a_name_that_changes_its_address_is_checked_for_every_connection() -> None:
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])
    asked: list[str] = []

    async def rebinding(host: str) -> Sequence[str]:
        asked.append(host)
        return next(answers)

    close = page("first", Connection="close")
    async with serving({"*": close}) as site, Fetcher(settings(), resolve=rebinding) as fetcher:
        assert (await fetch(fetcher, f"http://shop.example.com:{site.port}/")).content == b"first"
        assert len(asked) == 1, "one connection asks the name service once: what is checked is what is connected to"
        fetcher._session.connector.clear_dns_cache()  # type: ignore[union-attr]
        error = await refusal(fetcher, f"http://shop.example.com:{site.port}/")
    assert (error.code, len(asked), len(site.requests)) == ("forbidden_address", 2, 1)


async def test_the_checked_address_is_connected_to_with_the_name_kept() -> None:
    resolve = answering(shop__example__com=["127.0.0.1"])
    async with serving({"*": page("hello")}) as site, Fetcher(settings(), resolve=resolve) as fetcher:
        await fetch(fetcher, f"http://shop.example.com:{site.port}/a")
    assert site.requests[0].headers["Host"] == f"shop.example.com:{site.port}"


async def test_tls_asks_for_and_verifies_the_name_not_the_address() -> None:
    authority = trustme.CA()
    server_tls, client_tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    authority.issue_cert("shop.example.com").configure_cert(server_tls)
    authority.configure_trust(client_tls)
    names: list[str | None] = []
    server_tls.sni_callback = lambda _socket, name, _context: names.append(name)
    resolve = answering(shop__example__com=["127.0.0.1"], other__example__com=["127.0.0.1"])
    async with (
        serving({"*": page("hello")}, server_tls) as site,
        Fetcher(settings(), resolve=resolve, tls=client_tls) as fetcher,
    ):
        good = await fetch(fetcher, f"https://shop.example.com:{site.port}/")
        wrong = await refusal(fetcher, f"https://other.example.com:{site.port}/")
    assert good.content == b"hello"
    assert names == ["shop.example.com", "other.example.com"]
    assert (wrong.code, wrong.transient) == ("tls_certificate", False)
    assert "other.example.com" in wrong.message


async def test_an_untrusted_certificate_is_refused_by_default() -> None:
    server_tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(server_tls)
    async with serving({"*": page("hello")}, server_tls) as site, local_fetcher() as fetcher:
        assert (await refusal(fetcher, f"https://127.0.0.1:{site.port}/")).code == "tls_certificate"
    assert site.requests == []


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:{port}/secret",
        "http://localhost:{port}/secret",
        "http://0x7f000001:{port}/secret",
        "http://[::ffff:127.0.0.1]:{port}/secret",
        "http://rebound.example.com:{port}/secret",
        "//127.0.0.1:{port}/latest/meta-data/",
    ],
)
async def test_a_redirect_into_a_private_network_is_not_followed(location: str) -> None:
    async with serving({"*": page("secret")}) as private, serving({}, host=PUBLIC) as public:
        public.routes["/"] = redirect(location.format(port=private.port))
        async with public_is_another_loopback_address() as fetcher:
            error = await refusal(fetcher, f"http://shop.example.com:{public.port}/")
    assert error.code == "forbidden_address"
    assert (public.paths, private.requests) == (["/"], [])


async def test_sitemaps_links_and_robots_lead_no_scan_into_a_private_network() -> None:
    async with serving({"*": page("secret")}) as private, serving({}, host=PUBLIC) as public:
        inside = f"http://127.0.0.1:{private.port}"
        site = f"http://shop.example.com:{public.port}"
        public.routes |= {
            "/robots.txt": text(f"Sitemap: {inside}/sitemap.xml\nSitemap: {site}/map.xml\nSitemap: {site}/moved.xml"),
            "/map.xml": xml(urlset(f"{inside}/a", f"{site}/ok", f"{site}/moved")),
            "/moved.xml": redirect(f"{inside}/sitemap.xml"),
            "/": page(f'<a href="{inside}/b">in</a><base href="{inside}">'),
            "/ok": page("fine"),
            "/moved": redirect(f"{inside}/c"),
        }
        async with public_is_another_loopback_address() as fetcher:
            summary, pages = await scan_all(f"http://shop.example.com:{public.port}", fetcher)
    assert private.requests == []
    assert {p.url.removeprefix(site): p.failure.code if p.failure else "ok" for p in pages} == {
        "/": "ok",
        "/ok": "ok",
        "/moved": "left_site",
    }
    assert summary.sitemap_urls == 3


async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving({"*": page("proxied")}) as proxy, serving({"*": page("direct")}) as site:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        async with local_fetcher() as fetcher:
            assert (await fetch(fetcher, site.url + "/")).content == b"direct"
    assert proxy.requests == []


async def test_a_name_without_addresses_and_a_name_service_out_of_order_are_told_apart() -> None:
    async def failing(host: str) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_AGAIN if host.startswith("later") else socket.EAI_NONAME, "no")

    async with Fetcher(settings(), resolve=failing, sleep=FakeTime().sleep) as fetcher:
        gone, later = [await refusal(fetcher, f"http://{name}.example.com/") for name in ("gone", "later")]
    assert (gone.code, gone.transient, later.code, later.transient) == (
        ("dns_not_found", False, "dns_unavailable", True)
    )


async def test_a_name_no_name_service_can_be_asked_for_does_not_exist() -> None:
    async with local_fetcher() as fetcher:
        assert (await refusal(fetcher, f"http://{'a' * 64}.localhost.example/")).code == "dns_not_found"
