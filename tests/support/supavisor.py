"""What Supabase's pooler does at the door, in front of a real PgBouncer in transaction mode that does the rest.

As https://github.com/supabase/supavisor (August 2026) has it: TLS on request, the project named behind a dot in the
user name, and refusals as FATAL errors with SQLSTATE XX000 whose text begins with a code in parentheses (older
releases wrote the text alone).
"""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

PROJECT = "abcdefghijklmnopqrst"
HOST = "aws-0-eu-central-1.pooler.supabase.com"
# A loopback address of its own, so that the port can be the real one.
ADDRESS = "127.65.43.1"
PORT = 6543

_SSL_REQUEST = 80877103
_CANCEL_REQUEST = 80877102


@dataclass
class Supavisor:
    """The door: `refusal` is answered to everybody when it is set; `insists_on_tls` refuses plain connections."""

    target_port: int
    tls: ssl.SSLContext
    refusal: str | None = None
    insists_on_tls: bool = False
    users: list[str] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, from its first packet to its end."""
        with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            code, body = await _packet(reader)
            encrypted = code == _SSL_REQUEST
            if encrypted:
                writer.write(b"S")
                await writer.start_tls(self.tls)
                code, body = await _packet(reader)
            if code != _CANCEL_REQUEST:
                await self._log_in(reader, writer, code, body, encrypted=encrypted)
        writer.close()

    async def _log_in(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, code: int, body: bytes, *, encrypted: bool
    ) -> None:
        words = body.rstrip(b"\0").split(b"\0")
        parameters = dict(zip(words[::2], words[1::2], strict=True))
        user = parameters[b"user"].decode()
        self.users.append(user)
        if refusal := self._refusal(user, encrypted=encrypted):
            writer.write(_error(refusal))
            await writer.drain()
            return
        parameters[b"user"] = user.partition(".")[0].encode()
        words = [word for pair in parameters.items() for word in pair]
        upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", self.target_port)
        upstream.write(_framed(struct.pack("!I", code) + b"\0".join(words) + b"\0\0"))
        back = asyncio.create_task(_pump(upstream_reader, writer))
        self._tasks.add(back)
        back.add_done_callback(self._tasks.discard)
        await _pump(reader, upstream)
        back.cancel()

    def _refusal(self, user: str, *, encrypted: bool) -> str | None:
        if self.refusal:
            return self.refusal
        if self.insists_on_tls and not encrypted:
            return f"(ESSLREQUIRED) SSL connection is required for user: {user}"
        _, dot, project = user.partition(".")
        if not dot:
            return "(ENOIDENTIFIER) no tenant identifier provided (external_id or sni_hostname required)"
        return None if project == PROJECT else f"(ENOTFOUND) tenant/user {user} not found"


@asynccontextmanager
async def supavisor_before(target_port: int, tls: ssl.SSLContext) -> AsyncIterator[Supavisor]:
    """A door at `ADDRESS` in front of the pooler at `target_port`."""
    door = Supavisor(target_port, tls)
    running: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(door.serve(reader, writer))
        running.add(task)
        task.add_done_callback(running.discard)

    server = await asyncio.start_server(accept, ADDRESS, PORT)
    try:
        yield door
    finally:
        server.close()
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    length, code = struct.unpack("!II", await reader.readexactly(8))
    return code, await reader.readexactly(length - 8)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


def _framed(body: bytes) -> bytes:
    return struct.pack("!I", len(body) + 4) + body


def _error(message: str) -> bytes:
    fields = b"".join(
        kind + text.encode() + b"\0" for kind, text in ((b"S", "FATAL"), (b"C", "XX000"), (b"M", message))
    )
    return b"E" + _framed(fields + b"\0")
