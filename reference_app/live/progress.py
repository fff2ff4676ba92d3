"""Progress of batches to many watchers: one reader asks the database for all of them, no watcher holds a connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from reference_app.observability.logs import get_logger
from reference_app.services import batches
from reference_app.services.batches import Progress
from reference_app.session import get_session
from reference_app.settings import Settings

_log = get_logger(__name__)

Watcher = asyncio.Queue[Progress | None]


class ProgressHub:
    """Reads the progress of every watched batch once per ``progress_poll_seconds`` and hands it to its watchers."""

    def __init__(self, settings: Settings) -> None:
        self._poll_seconds = settings.progress_poll_seconds
        self._watchers: dict[UUID, set[Watcher]] = {}
        self._wanted = asyncio.Event()
        self._closed = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keeps the reader at work for the life of the application; ends every watch at its end."""
        reader = asyncio.create_task(self._read_forever(), name="progress-reader")
        try:
            yield
        finally:
            self.close()
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    def close(self) -> None:
        """Ends every watch, now and from now on: a server that stops waits for open streams."""
        self._closed = True
        for watchers in self._watchers.values():
            for watcher in watchers:
                _put_latest(watcher, None)

    async def watch(self, batch_id: UUID, *, pause_seconds: float) -> AsyncGenerator[Progress | None]:
        """Each change of a batch's progress until it is over; ``None`` after each ``pause_seconds`` without one."""
        watcher: Watcher = asyncio.Queue(maxsize=1)
        self._watchers.setdefault(batch_id, set()).add(watcher)
        self._wanted.set()
        last: Progress | None = None
        try:
            while not self._closed:
                try:
                    progress = await asyncio.wait_for(watcher.get(), pause_seconds)
                except TimeoutError:
                    yield None
                    continue
                if progress is None:
                    return
                if progress != last:
                    yield progress
                last = progress
                if progress.is_over:
                    return
        finally:
            self._remove(batch_id, watcher)

    def _remove(self, batch_id: UUID, watcher: Watcher) -> None:
        watchers = self._watchers.get(batch_id, set())
        watchers.discard(watcher)
        if not watchers:
            self._watchers.pop(batch_id, None)

    async def _read_forever(self) -> None:
        while True:
            self._wanted.clear()
            if not self._watchers:
                await self._wanted.wait()
            try:
                await self._read_once()
            except (SQLAlchemyError, OSError) as error:
                _log.warning("progress-not-read", error=str(error))
            await asyncio.sleep(self._poll_seconds)

    async def _read_once(self) -> None:
        asked = list(self._watchers)
        async with get_session() as session, session.begin():
            found = await batches.progress_of(session, asked)
        for batch_id in asked:
            for watcher in self._watchers.get(batch_id, ()):
                _put_latest(watcher, found.get(batch_id))


def _put_latest(watcher: Watcher, progress: Progress | None) -> None:
    if watcher.full():
        watcher.get_nowait()
    watcher.put_nowait(progress)
