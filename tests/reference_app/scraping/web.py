"""Real local web servers whose every byte a test decides."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Handler = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Request:
    """What a server saw."""

    path: str
    headers: dict[str, str]
    at: float


@dataclass
class Site:
    """A running server: what it answers, and what it was asked."""

    port: int
    routes: dict[str, bytes | Handler]
    requests: list[Request] = field(default_factory=list)
    most_at_once: int = 0
    open_connections: int = 0
    _now: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.requests]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open_connections += 1
        try:
            while head := await _head(reader):
                lines = head.decode("latin-1").split("\r\n")
                path = lines[0].split(" ")[1]
                headers = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
                self.requests.append(Request(path, headers, asyncio.get_running_loop().time()))
                self._now += 1
                self.most_at_once = max(self.most_at_once, self._now)
                try:
                    await self._answer(path, writer)
                finally:
                    self._now -= 1
                if writer.is_closing():
                    return
        except ConnectionError:
            pass
        finally:
            self.open_connections -= 1
            writer.close()

    async def _answer(self, path: str, writer: asyncio.StreamWriter) -> None:
        answer = self.routes.get(path) or self.routes.get("*") or response(404, b"nothing here")
        if isinstance(answer, bytes):
            writer.write(answer)
            await writer.drain()
        else:
            await answer(writer)


@asynccontextmanager
async def serving(
    routes: Mapping[str, bytes | Handler], tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[Site]:
    """A server on a free port of 127.0.0.1, gone with all its connections when the block ends."""
    site = Site(0, dict(routes))
    running: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(site.serve(reader, writer))
        running.add(task)
        task.add_done_callback(running.discard)

    server = await asyncio.start_server(accept, host, 0, ssl=tls)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def response(status: int, body: bytes = b"", **headers: str) -> bytes:
    """A complete answer; header names are given with underscores."""
    fields = {"Content_Type": "text/html; charset=utf-8", "Content_Length": str(len(body))} | headers
    lines = [f"HTTP/1.1 {status} Answer"] + [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def page(html: str, **headers: str) -> bytes:
    """A page with status 200."""
    return response(200, html.encode(), **headers)


def redirect(location: str, status: int = 302) -> bytes:
    """A redirect."""
    return response(status, Location=location)


def text(body: str) -> bytes:
    """A plain text file."""
    return response(200, body.encode(), Content_Type="text/plain")


def xml(body: str | bytes) -> bytes:
    """An XML file."""
    return response(200, body if isinstance(body, bytes) else body.encode(), Content_Type="application/xml")


def urlset(*urls: str) -> str:
    """A sitemap of ``urls``."""
    entries = "".join(f"<url><loc>{url}</loc></url>" for url in urls)
    return f'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</urlset>'


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        first = await reader.read(1)
        # As real servers do, what begins like TLS is not waited for.
        return first + await reader.readuntil(b"\r\n\r\n") if first.isalpha() else b""
    except asyncio.IncompleteReadError:
        return b""
