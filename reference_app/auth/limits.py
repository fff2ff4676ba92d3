"""Rate limits: per caller, per caller for creations, and per address for wrong credentials."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError
from pydantic import SecretStr
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from reference_app.errors import RateLimitedError
from reference_app.observability import metrics
from reference_app.observability.logs import get_logger
from reference_app.settings import Settings

_log = get_logger(__name__)

Result = TypeVar("Result")
Limiter = SlidingWindowCounterRateLimiter

# A request waits no longer than this for the shared storage, and one that is away is left alone for that long.
_STORAGE_TIMEOUT_SECONDS = 0.5
_LEFT_ALONE_SECONDS = 5.0


class RateLimits:
    """The limits of the settings, counted in this process, or in a Redis that several processes count in together.

    While that Redis is away each process counts for itself: limits loosen then, and no request fails for it.
    """

    def __init__(self, settings: Settings) -> None:
        self._own = Limiter(MemoryStorage())
        self._connections = _connections(settings.rate_limit_redis_url)
        self._shared = Limiter(_storage(self._connections)) if self._connections else None
        self._asked_again_at = 0.0
        self._requests = parse(settings.rate_limit)
        self._creations = parse(settings.creation_rate_limit)
        self._failures = parse(settings.failed_auth_rate_limit)

    async def aclose(self) -> None:
        """Gives the connections to the shared storage back."""
        if self._connections:
            await self._connections.aclose()

    async def count_request(self, caller: str) -> None:
        """Counts one request of ``caller``; raises ``RateLimitedError`` when it is one too many."""
        await self._count("requests", self._requests, caller)

    async def count_creation(self, caller: str) -> None:
        """Counts one creation of ``caller``; raises ``RateLimitedError`` when it is one too many."""
        await self._count("creations", self._creations, caller)

    async def count_failure(self, address: str) -> None:
        """Counts wrong credentials from ``address``."""
        await self._ask(lambda limiter: limiter.hit(self._failures, "failures", address))

    async def refuse_after_failures(self, address: str) -> None:
        """Raises ``RateLimitedError`` when ``address`` sent wrong credentials too often."""
        if not await self._ask(lambda limiter: limiter.test(self._failures, "failures", address)):
            raise await self._error("failures", self._failures, address)

    async def _count(self, name: str, limit: RateLimitItem, caller: str) -> None:
        if not await self._ask(lambda limiter: limiter.hit(limit, name, caller)):
            raise await self._error(name, limit, caller)

    async def _ask(self, question: Callable[[Limiter], Awaitable[Result]]) -> Result:
        if self._shared and time.monotonic() >= self._asked_again_at:
            try:
                return await question(self._shared)
            except StorageError as error:
                self._asked_again_at = time.monotonic() + _LEFT_ALONE_SECONDS
                metrics.RATE_LIMIT_STORAGE_ERRORS.inc()
                _log.warning("rate-limit-storage-away", error=str(error.storage_error))
        return await question(self._own)

    async def _error(self, name: str, limit: RateLimitItem, caller: str) -> RateLimitedError:
        metrics.RATE_LIMITED.labels(name).inc()
        window = await self._ask(lambda limiter: limiter.get_window_stats(limit, name, caller))
        wait = max(1, math.ceil(window.reset_time - time.time()))
        return RateLimitedError(f"More than {limit}; try again in {wait} s.", retry_after_seconds=wait)


def _connections(address: SecretStr | None) -> ConnectionPool | None:
    if address is None:
        return None
    return ConnectionPool.from_url(
        address.get_secret_value(),
        socket_timeout=_STORAGE_TIMEOUT_SECONDS,
        socket_connect_timeout=_STORAGE_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


def _storage(connections: ConnectionPool) -> RedisStorage:
    options: dict[str, Any] = {"connection_pool": connections}
    return RedisStorage("async+redis://", wrap_exceptions=True, implementation="redispy", **options)
