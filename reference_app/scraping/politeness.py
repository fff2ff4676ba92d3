"""When the next request may start: few connections to one host, a pause between them, a bound on all together."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

_REMEMBERED_HOSTS = 10_000


@dataclass(slots=True)
class _Host:
    interval: float
    connections: asyncio.Semaphore
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    next_start: float = 0.0
    users: int = 0


class Politeness:
    """Hands out permission to send requests, in the order they were asked for per host.

    ``interval`` seconds lie between the starts of two requests to a host; ``host_connections`` and
    ``max_connections`` bound what runs at the same time. ``clock`` is monotonic seconds.
    """

    def __init__(
        self,
        *,
        interval: float,
        host_connections: int,
        max_connections: int,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._interval = interval
        self._host_connections = host_connections
        self._all = asyncio.Semaphore(max_connections)
        self._clock = clock
        self._sleep = sleep
        self._hosts: OrderedDict[str, _Host] = OrderedDict()

    def set_interval(self, host: str, seconds: float) -> None:
        """From now on at least ``seconds`` between two requests to ``host``; never less than the general interval."""
        self._host(host).interval = max(seconds, self._interval)

    def pause(self, host: str, seconds: float) -> None:
        """No request to ``host`` starts within the next ``seconds``."""
        known = self._host(host)
        known.next_start = max(known.next_start, self._clock() + seconds)

    @asynccontextmanager
    async def slot(self, host: str) -> AsyncIterator[None]:
        """Waits for this request's turn and holds a connection to ``host`` until the block ends."""
        known = self._host(host)
        known.users += 1
        try:
            async with known.connections:
                async with known.turn:
                    while (wait := known.next_start - self._clock()) > 0:
                        await self._sleep(wait)
                    await self._all.acquire()
                    known.next_start = self._clock() + known.interval
                try:
                    yield
                finally:
                    self._all.release()
        finally:
            known.users -= 1

    def _host(self, host: str) -> _Host:
        known = self._hosts.get(host)
        if known is None:
            known = _Host(self._interval, asyncio.Semaphore(self._host_connections))
            self._hosts[host] = known
            self._forget_idle_hosts()
        self._hosts.move_to_end(host)
        return known

    def _forget_idle_hosts(self) -> None:
        """Many at a time, the longest unused first, so that few new hosts have to look for old ones."""
        if len(self._hosts) > _REMEMBERED_HOSTS:
            now = self._clock()
            idle = [name for name, known in self._hosts.items() if not known.users and known.next_start < now]
            for name in idle[: _REMEMBERED_HOSTS // 2]:
                del self._hosts[name]
