"""PgQueuer's ``Driver`` port over the service's sessions: one engine, one URL, one way to connect.

Polling only: nothing listens, so it works through a pooler in transaction mode, and a notification reaches just the
callbacks of its own process.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import defaultdict
from typing import Self

from pgqueuer.core.tm import TaskManager
from pgqueuer.ports.driver import NotifyCallback
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from reference_app.jobs.patience import patiently
from reference_app.session import get_session

Rows = list[dict[str, object]]


async def _fetch(session: AsyncSession, query: str, args: tuple[object, ...]) -> Rows:
    connection = await session.connection()
    result = await connection.exec_driver_sql(query, args)
    return [dict(row) for row in result.mappings()] if result.returns_rows else []


class _PollingDriver(ABC):
    """What both drivers share: loopback notifications and PgQueuer's bookkeeping."""

    def __init__(self) -> None:
        self.shutdown = asyncio.Event()
        self.tm = TaskManager()
        self._listeners: defaultdict[str, list[NotifyCallback]] = defaultdict(list)

    @abstractmethod
    async def fetch(self, query: str, *args: object) -> Rows:
        """The rows that ``query`` returns; raises the database driver's own errors, which PgQueuer tells apart."""

    async def execute(self, query: str, *args: object) -> str:
        """Run ``query``; the status text is empty, for nobody reads it."""
        await self.fetch(query, *args)
        return ""

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        """Keep ``callback`` for notifications that this process itself sends."""
        self._listeners[channel].append(callback)

    async def notify(self, channel: str, payload: str) -> None:
        """Hand ``payload`` to this process's callbacks."""
        for callback in self._listeners[channel]:
            callback(payload)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.shutdown.set()
        await self.tm.gather_tasks()


class SessionDriver(_PollingDriver):
    """Runs PgQueuer's statements in the caller's transaction: what it enqueues commits or vanishes with the rows."""

    def __init__(self, session: AsyncSession) -> None:
        super().__init__()
        self._session = session

    async def fetch(self, query: str, *args: object) -> Rows:
        """The rows of ``query``, run inside the session's transaction."""
        try:
            return await _fetch(self._session, query, args)
        except DBAPIError as error:
            raise error.driver_exception from error


class WorkerDriver(_PollingDriver):
    """Runs each of PgQueuer's statements in a session and a transaction of its own, and sits out short outages.

    A statement whose answer an outage swallowed may run twice; that can pick a job that nobody works on, which its
    silent heartbeat gives back.
    """

    def __init__(self, *, patience_seconds: float) -> None:
        super().__init__()
        self._patience_seconds = patience_seconds

    async def fetch(self, query: str, *args: object) -> Rows:
        """The rows of ``query``, committed."""

        async def once() -> Rows:
            async with get_session() as session, session.begin():
                return await _fetch(session, query, args)

        try:
            return await patiently(once, seconds=self._patience_seconds)
        except DBAPIError as error:
            raise error.driver_exception from error


class NoDatabase(_PollingDriver):
    """A driver for PgQueuer's builders of SQL text, which run nothing."""

    async def fetch(self, query: str, *args: object) -> Rows:
        """Refuse: there is no database behind this driver."""
        raise NotImplementedError
