"""Redirects, limits, time and retries, against servers that behave badly on purpose."""

from __future__ import annotations

import asyncio
import gzip
import os
import time
import tracemalloc
import zlib
from collections.abc import Mapping

import pytest

from reference_app.scraping import Fetcher
from reference_app.scraping.failures import FetchError
from reference_app.scraping.fetching import Limits
from tests.reference_app.scraping.support import FakeTime, answering, fetch, local_fetcher, settings
from tests.reference_app.scraping.web import Handler, page, redirect, response, serving

MIB = 1024 * 1024
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


async def failure(routes: Mapping[str, bytes | Handler], limits: Limits | None = None, **changes: object) -> FetchError:
    """What fetching ``/`` of such a server fails with."""
    async with serving(routes) as site, local_fetcher(**changes) as fetcher:
        with pytest.raises(FetchError) as failed:
            await fetch(fetcher, site.url + "/", limits or Limits(MIB, 5.0))
        return failed.value


async def test_a_redirect_is_followed_and_the_final_address_reported() -> None:
    routes = {"/": redirect("/a", 301), "/a": redirect("b?x=1#part", 307), "/b?x=1": page("here")}
    async with serving(routes) as site, local_fetcher() as fetcher:
        fetched = await fetch(fetcher, site.url + "/")
        assert (fetched.content, fetched.head.url, fetched.head.status) == (b"here", f"{site.url}/b?x=1", 200)


async def test_redirect_loops_and_endless_redirects_end() -> None:
    loop = await failure({"/": redirect("/a"), "/a": redirect("/")})
    endless = await failure({"/": redirect("/1")} | {f"/{n}": redirect(f"/{n + 1}") for n in range(1, 20)})
    assert (loop.code, loop.transient) == ("redirect_loop", False)
    assert (endless.code, endless.transient) == ("too_many_redirects", False)


@pytest.mark.parametrize("location", ["file:///etc/passwd", "gopher://127.0.0.1/", "http://127.0.0.1:22/", "http://["])
async def test_a_redirect_to_anything_but_a_web_server_is_refused(location: str) -> None:
    assert (await failure({"/": redirect(location)})).code == "invalid_redirect"


async def test_every_hop_asks_whether_it_is_welcome() -> None:
    asked = []

    async def admit(url: str) -> FetchError | None:
        asked.append(url)
        return FetchError("unwelcome", "no") if url.endswith("/b") else None

    async with (
        serving({"/": redirect("/a"), "/a": redirect("/b"), "/b": page("no")}) as site,
        local_fetcher() as fetcher,
    ):
        with pytest.raises(FetchError, match="no"):
            await fetcher.fetch(site.url + "/", Limits(MIB, 5.0), _ignore, admit)
        assert asked == [f"{site.url}/a", f"{site.url}/b"]
        assert site.paths == ["/", "/a"]


async def _ignore(head: object, pieces: object) -> None:
    return None


async def test_a_page_that_never_ends_is_cut_at_the_limit() -> None:
    sent = 0

    async def endless(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(CHUNKED)
        while True:
            writer.write(b"8000\r\n" + b"x" * 0x8000 + b"\r\n")
            sent += 0x8000
            await writer.drain()

    async with serving({"/": endless}) as site, local_fetcher() as fetcher:
        fetched = await fetch(fetcher, site.url + "/", Limits(MIB, 5.0))
    assert (len(fetched.content), fetched.bytes_received, fetched.truncated) == (MIB, MIB, True)
    assert sent < 20 * MIB


async def test_a_gzip_bomb_is_cut_while_it_unfolds() -> None:
    bomb = response(200, gzip.compress(bytes(10 * MIB)) * 50, Content_Encoding="gzip")
    async with serving({"/": bomb}) as site, local_fetcher() as fetcher:
        tracemalloc.start()
        fetched = await fetch(fetcher, site.url + "/", Limits(2 * MIB, 5.0))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert (len(fetched.content), fetched.truncated) == (2 * MIB, True)
    assert fetched.bytes_received <= len(bomb)
    assert peak < 16 * MIB, "500 MiB were never in memory"


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(b"hello " * 50_000)),
        ("x-gzip", gzip.compress(b"hello " * 50_000)),
        ("gzip", gzip.compress(b"hello " * 20_000) + gzip.compress(b"hello " * 30_000)),
        ("deflate", zlib.compress(b"hello " * 50_000)),
        ("deflate", zlib.compress(b"hello " * 50_000)[2:-4]),
        ("identity", b"hello " * 50_000),
        ("", b"hello " * 50_000),
    ],
)
async def test_every_usual_content_encoding_is_read(encoding: str, body: bytes) -> None:
    async with serving({"/": response(200, body, Content_Encoding=encoding)}) as site, local_fetcher() as fetcher:
        fetched = await fetch(fetcher, site.url + "/")
    assert fetched.content == b"hello " * 50_000
    assert fetched.bytes_received == len(body)


async def test_encodings_that_lie_or_were_not_asked_for_are_told_apart() -> None:
    lie = await failure({"/": response(200, b"this is not gzip", Content_Encoding="gzip")})
    damaged = bytearray(gzip.compress(b" ".join(b"%d" % (n * n) for n in range(9999))))
    damaged[5000:5100] = b"x" * 100
    broken = await failure({"/": response(200, bytes(damaged), Content_Encoding="gzip")})
    unasked = await failure({"/": response(200, b"abc", Content_Encoding="br")})
    doubled = await failure({"/": response(200, b"abc", Content_Encoding="gzip, gzip")})
    assert [error.code for error in (lie, broken, unasked, doubled)] == [
        "broken_encoding",
        "broken_encoding",
        "unsupported_encoding",
        "unsupported_encoding",
    ]


async def test_a_slow_drip_ends_with_the_time_limit() -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED)
        while True:
            writer.write(b"1\r\nx\r\n")
            await writer.drain()
            await asyncio.sleep(0.02)

    started = time.monotonic()
    error = await failure({"/": drip}, Limits(MIB, 0.3))
    assert (error.code, error.transient) == ("timeout", True)
    assert time.monotonic() - started < 2


async def test_the_time_limit_holds_for_all_redirects_together() -> None:
    async def late(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.15)
        writer.write(redirect(f"/{os.urandom(4).hex()}"))

    started = time.monotonic()
    error = await failure({"*": late}, Limits(MIB, 0.4), max_redirects=1000)
    assert error.code == "timeout"
    assert time.monotonic() - started < 2


async def test_silence_ends_with_the_idle_limit() -> None:
    async def silent(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Content-Length: 100\r\n\r\nbeginning")
        await writer.drain()
        await asyncio.sleep(60)

    async def mute(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    assert (await failure({"/": silent}, idle_seconds=0.1)).code == "idle_timeout"
    assert (await failure({"/": mute}, idle_seconds=0.1)).code == "idle_timeout"


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nhello",
        b"HTTP/1.1 200 OK\r\nA" + b"b" * 70_000 + b": c\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"A%d: b\r\n" % n for n in range(5_000)) + b"\r\n",
        b"\x00\xff\xfe\x16\x03\x01" * 100 + b"\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_an_invalid_response(answer: bytes) -> None:
    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        writer.close()

    assert (await failure({"/": say})).code in {"invalid_response", "broken_body"}


async def test_a_body_shorter_than_announced_is_broken() -> None:
    async def short(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Content-Length: 100\r\n\r\nhello")
        await writer.drain()
        writer.close()

    error = await failure({"/": short})
    assert (error.code, error.transient) == ("broken_body", True)


async def test_a_closed_port_is_tried_again_with_growing_waits_and_jitter() -> None:
    async with serving({}) as gone:
        pass
    fake = FakeTime()
    async with Fetcher(settings(attempts=4), sleep=fake.sleep, jitter=lambda: 0.5) as fetcher:
        with pytest.raises(FetchError) as failed:
            await fetch(fetcher, gone.url + "/")
    assert (failed.value.code, failed.value.transient) == ("connect_failed", True)
    assert fake.slept == [0.375, 0.75, 1.5]


async def test_a_server_that_recovers_is_not_a_failure() -> None:
    # Of a connection that closes without an answer aiohttp itself makes a second attempt at once.
    answers = iter([None, None, response(503), response(429, Retry_After="7"), page("back")])

    async def recovering(writer: asyncio.StreamWriter) -> None:
        answer = next(answers)
        if answer is None:
            writer.close()
        else:
            writer.write(answer)

    fake = FakeTime()
    async with (
        serving({"/": recovering}) as site,
        Fetcher(settings(attempts=4), sleep=fake.sleep, clock=fake.clock, jitter=lambda: 1.0) as fetcher,
    ):
        fetched = await fetch(fetcher, site.url + "/")
    assert (fetched.content, len(site.requests)) == (b"back", 5)
    assert fake.slept == [0.5, 1.0, 7.0]


@pytest.mark.parametrize(
    ("value", "seconds"), [("99999999999", 30.0), ("-5", 0.5), ("Fri, 01 Jan 1999 00:00:00 GMT", 0.5)]
)
async def test_a_senseless_retry_after_is_bounded(value: str, seconds: float) -> None:
    fake = FakeTime()
    async with (
        serving({"/": response(503, Retry_After=value)}) as site,
        Fetcher(settings(attempts=2), sleep=fake.sleep, clock=fake.clock, jitter=lambda: 1.0) as fetcher,
    ):
        fetched = await fetch(fetcher, site.url + "/")
    assert (fetched.head.status, fake.slept) == (503, [seconds])


async def test_a_server_that_asks_for_a_pause_gets_it_from_every_request() -> None:
    fake = FakeTime()
    async with (
        serving({"/": response(429, Retry_After="7"), "/other": page("")}) as site,
        Fetcher(settings(attempts=1), sleep=fake.sleep, clock=fake.clock) as fetcher,
    ):
        await fetch(fetcher, site.url + "/")
        assert fake.slept == []
        await fetch(fetcher, site.url + "/other")
    assert fake.slept == [7.0]


@pytest.mark.parametrize("status", [200, 204, 400, 403, 404, 410, 500])
async def test_other_statuses_are_answers_and_not_tried_again(status: int) -> None:
    async with serving({"/": response(status)}) as site, local_fetcher() as fetcher:
        assert (await fetch(fetcher, site.url + "/")).head.status == status
        assert len(site.requests) == 1


async def test_the_scraper_names_itself_and_sends_no_cookie_back() -> None:
    routes = {"/": response(302, Location="/b", Set_Cookie="id=1"), "/b": page("")}
    named = answering(boats__co__uk=["127.0.0.1"])
    async with serving(routes) as site, Fetcher(settings(user_agent="Boats/2.0"), resolve=named) as fetcher:
        await fetch(fetcher, f"http://boats.co.uk:{site.port}/")
    assert [request.headers["User-Agent"] for request in site.requests] == ["Boats/2.0", "Boats/2.0"]
    assert "Cookie" not in site.requests[1].headers


@pytest.mark.parametrize(
    ("setting", "value"),
    [("user_agent", "a\r\nHost: b"), ("user_agent", "/1"), ("attempts", 0), ("page_seconds", 0), ("host_interval", -1)],
)
def test_settings_refuse_senseless_values(setting: str, value: object) -> None:
    with pytest.raises(ValueError, match=setting):
        settings(**{setting: value})


async def test_headers_in_broken_encodings_become_plain_text() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/\xff\xfe\r\nServer: caf\xc3\xa9\r\nContent-Length: 0\r\n\r\n"
    async with serving({"/": answer}) as site, local_fetcher() as fetcher:
        head = (await fetch(fetcher, site.url + "/")).head
    assert (head.content_type, head.headers["server"]) == ("text/??", "caf\u00e9")
