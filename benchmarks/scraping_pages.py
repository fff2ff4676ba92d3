"""How many pages one worker core of the reference service scans, and whether memory stays flat.

    python benchmarks/scraping_pages.py                # 20,000 pages
    python benchmarks/scraping_pages.py --pages 2000   # a quick look

A web server in a process of its own answers with ordinary pages of 50 to 100 KB (three in four gzipped); this process
scans them with the real fetcher, politeness switched off. What counts is this process's CPU time, so other load on the
machine hardly matters. Exits with 1 below 300 pages per CPU second or when memory grows.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import multiprocessing
import random
import sys
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from reference_app.scraping import Fetcher, FetchSettings, PageRecord, ScanOptions, normalise, scan
from reference_app.scraping.pages import read_page

REQUIRED_PAGES_PER_SECOND = 300
ALLOWED_GROWTH_MIB = 16
DISTINCT_PAGES = 40
WORDS = ["the", "company", "makes", "boats", "for", "people", "who", "like", "quiet", "water", "workshop", "opens"]
WORDS += [
    "every",
    "weekday",
    "repairs",
    "ready",
    "within",
    "week",
    "please",
    "ask",
    "about",
    "prices",
    "spare",
    "parts",
]


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=20_000, help="how many pages to scan (default: 20000)")
    pages = max(parser.parse_args().pages, 1000)
    samples = [make_page(number) for number in range(DISTINCT_PAGES)]
    sizes = sorted(len(sample) for sample in samples)
    print(f"pages of {sizes[0] // 1000} to {sizes[-1] // 1000} KB, {DISTINCT_PAGES} different ones")
    parsing = measure_parsing(samples)
    print(f"reading pages alone:      {parsing:6.0f} pages per CPU second")
    receiver, sender = multiprocessing.Pipe(duplex=False)
    server = multiprocessing.Process(target=serve, args=(sender, samples), daemon=True)
    server.start()
    try:
        scanning, memory = asyncio.run(measure_scan(receiver.recv(), pages))
    finally:
        server.terminate()
        server.join()
    growth = memory[-1] - memory[0]
    print(f"fetching and reading:     {scanning:6.0f} pages per CPU second")
    print(f"memory over {pages:,} pages: {' '.join(f'{mib:.0f}' for mib in memory)} MiB, growth {growth:+.1f} MiB")
    good = scanning >= REQUIRED_PAGES_PER_SECOND and growth <= ALLOWED_GROWTH_MIB
    print("good" if good else f"NOT good: required are {REQUIRED_PAGES_PER_SECOND} pages and {ALLOWED_GROWTH_MIB} MiB")
    return 0 if good else 1


def make_page(seed: int) -> bytes:
    """An ordinary page: head, menu, articles with links, scripts, contacts. The same for the same seed."""
    choose = random.Random(seed)
    size = choose.randint(50_000, 100_000)
    parts = [
        f'<!DOCTYPE html><html lang="en-GB"><head><meta charset="utf-8"><title>Page {seed} of the boat shop</title>'
        f'<meta name="description" content="{sentence(choose)}"><meta name="generator" content="WordPress 6.6">'
        f'<link rel="canonical" href="/page/{seed}"><link rel="stylesheet" href="/wp-content/themes/x/style.css">'
        f"<script>window.settings = {{{','.join(f'k{n}:{n * seed}' for n in range(400))}}};</script>"
        '<script type="application/ld+json">{"@type":"Store","telephone":"+44 20 7946 0018"}</script></head><body><ul>'
    ]
    parts += [
        f'<li class="menu-item"><a href="/section/{n}?from=menu">{choose.choice(WORDS)}</a></li>' for n in range(60)
    ]
    parts.append("</ul>")
    length = sum(map(len, parts))
    while length < size:
        parts.append(article(choose))
        length += len(parts[-1])
    parts.append(
        '<footer>Call 020 7946 0018 or write to <a href="mailto:shop@boats-of-york.co.uk">us</a>, sales@boats.co.uk. '
        '<a href="https://www.facebook.com/boatshop">Facebook</a> <a href="https://x.com/boatshop">X</a></footer></body>'
    )
    return "".join(parts).encode()


def article(choose: random.Random) -> str:
    """A block as shops and blogs have them."""
    return (
        f'<article class="card card--wide" data-id="{choose.randrange(10**6)}"><h2>{choose.choice(WORDS)}</h2>'
        f'<a href="/item/{choose.randrange(10**5)}"><img src="/img/{choose.randrange(10**5)}.jpg" alt=""></a>'
        f"<p>{sentence(choose)} {sentence(choose)}</p><span>{choose.randrange(10, 999)}.99 &pound;</span>"
        f"<time>{choose.randrange(2015, 2026)}-0{choose.randrange(1, 9)}-1{choose.randrange(9)}</time></article>\n"
    )


def sentence(choose: random.Random) -> str:
    """A few words."""
    return " ".join(choose.choices(WORDS, k=24)).capitalize() + "."


def measure_parsing(samples: list[bytes], rounds: int = 10) -> float:
    """Pages per CPU second of everything that happens between the body and the record."""
    headers = {"content-type": "text/html; charset=utf-8", "server": "nginx"}
    started = time.process_time()
    for _ in range(rounds):
        for sample in samples:
            read_page("https://boats.example/", headers, sample)
    return rounds * len(samples) / (time.process_time() - started)


async def measure_scan(port: int, pages: int) -> tuple[float, list[float]]:
    """Pages per CPU second of the whole scan, and MiB of memory from the first tenth to the end."""
    memory: list[float] = []
    count = 0

    async def on_page(record: PageRecord) -> None:
        nonlocal count
        if record.failure:
            raise RuntimeError(f"{record.url}: {record.failure}")
        count += 1
        if count % (pages // 10) == 0:
            memory.append(resident_mib())

    async def never() -> bool:
        return False

    settings = FetchSettings(allow_loopback=True, host_interval=0, host_connections=8)
    options = ScanOptions(max_pages=pages, concurrency=8, max_seconds=3600)
    async with Fetcher(settings) as fetcher:
        target = normalise(f"http://127.0.0.1:{port}/0", allow_loopback=True)
        started = time.process_time()
        summary = await scan(target, options, fetcher, on_page, never)
        seconds = time.process_time() - started
    if summary.pages_ok != pages:
        raise RuntimeError(f"expected {pages} pages: {summary}")
    return pages / seconds, memory


def resident_mib() -> float:
    """This process's resident memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20


def serve(ready: Connection, samples: list[bytes]) -> None:
    """A bare HTTP server: sitemaps of 50,000 addresses, the sample pages in turn."""
    asyncio.run(_serve(ready, samples))


async def _serve(ready: Connection, samples: list[bytes]) -> None:
    answers = [answer(sample, compressed=number % 4 != 0) for number, sample in enumerate(samples)]
    port = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                path = head.split(b" ", 2)[1].decode()
                writer.write(special(path, port) or answers[int(path[1:]) % len(answers)])
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    handler: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]] = talk
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    ready.send(port)
    await server.serve_forever()


def special(path: str, port: int) -> bytes | None:
    """robots.txt and the sitemap; None for pages."""
    site = f"http://127.0.0.1:{port}"
    if path == "/robots.txt":
        return answer(f"User-agent: *\nDisallow: /private/\nSitemap: {site}/sitemap.xml\n".encode(), compressed=False)
    if path == "/sitemap.xml":
        entries = "".join(f"<url><loc>{site}/{number}</loc></url>" for number in range(1, 50_001))
        return answer(f"<urlset>{entries}</urlset>".encode(), compressed=True)
    return None


def answer(body: bytes, *, compressed: bool) -> bytes:
    """A complete HTTP answer."""
    payload = gzip.compress(body, 6) if compressed else body
    encoding = "Content-Encoding: gzip\r\n" if compressed else ""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nServer: nginx\r\n{encoding}"
    return f"{head}Content-Length: {len(payload)}\r\n\r\n".encode() + payload


if __name__ == "__main__":
    raise SystemExit(main())
