"""Local websites for the load test: `python benchmarks/load_sites.py COUNT PAGES` prints its ports and serves.

Answers are made once and sent as they are, so that the servers take as little of the machine as they can.
"""

from __future__ import annotations

import asyncio
import json
import sys

FILLER = "<p>" + "Plain text of a page that is neither short nor long. " * 60 + "</p>"


def answer(status: str, body: str, kind: str = "text/html; charset=utf-8") -> bytes:
    """A complete response."""
    data = body.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n\r\n"
    return head.encode() + data


def site(pages: int) -> dict[bytes, bytes]:
    """The answers of one website by path: `pages` pages that link to each other, robots.txt, nothing else."""
    links = "".join(f'<a href="/page-{number}">Page {number}</a>' for number in range(1, pages))
    contact = '<a href="mailto:office@example.com">Write to us</a> <a href="https://twitter.com/example">@example</a>'
    answers = {
        f"/page-{number}".encode(): answer(
            "200 OK", f"<html lang=en><title>Page {number}</title><body>{contact}{FILLER}{links}"
        )
        for number in range(1, pages)
    }
    answers[b"/"] = answer("200 OK", f"<html lang=en><title>Start</title><body>{contact}{FILLER}{links}")
    answers[b"/robots.txt"] = answer("200 OK", "User-agent: *\nAllow: /\n", "text/plain")
    return answers


class Server(asyncio.Protocol):
    """Keep-alive HTTP/1.1 for GET requests that come one by one."""

    def __init__(self, answers: dict[bytes, bytes], missing: bytes) -> None:
        self._answers = answers
        self._missing = missing
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to answer on."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every complete request."""
        self._received += data
        while b"\r\n\r\n" in self._received:
            head, _, self._received = self._received.partition(b"\r\n\r\n")
            self._transport.write(self._answers.get(head.split(b" ", 2)[1], self._missing))


async def serve(count: int, pages: int) -> None:
    """Serve `count` websites on ports of their own until standard input ends."""
    answers, missing = site(pages), answer("404 Not Found", "nothing here")
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(lambda: Server(answers, missing), "127.0.0.1", 0) for _ in range(count)]
    print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
