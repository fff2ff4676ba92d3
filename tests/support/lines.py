"""A TCP line to a server on loopback that a test can cut, as a broken network does, and mend."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Line:
    """Forwards bytes both ways until cut. While cut it swallows them and answers nothing: no reset, no end."""

    def __init__(self, target_port: int) -> None:
        self.port = 0
        self._target_port = target_port
        self._cut = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        """Stop forwarding, silently, on every connection there is or will be."""
        self._cut = True

    def mend(self) -> None:
        """Forward new connections again; those of before are reset, as by a firewall that has forgotten them."""
        self._cut = False
        self._reset()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Connect one client through to the server."""
        self._writers.add(writer)
        if self._cut:
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        self._writers.add(far_writer)
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._pump(source, sink))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while part := await source.read(65536):
                if self._cut:
                    return
                sink.write(part)
                await sink.drain()
        if not self._cut:
            sink.close()

    def _reset(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def close(self) -> None:
        """End all connections."""
        self._reset()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # Aborted transports close their sockets in the loop's next round.
        await asyncio.sleep(0)


@asynccontextmanager
async def cuttable_line(target_port: int) -> AsyncIterator[Line]:
    """A whole line from a free port of 127.0.0.1 to `target_port`."""
    line = Line(target_port)
    server = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    line.port = server.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        server.close()
        await line.close()
