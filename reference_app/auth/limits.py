"""Rate limits: per caller, per caller for creations, and per address for wrong credentials."""

from __future__ import annotations

import math
import time

from limits import RateLimitItem, parse
from limits.aio.storage import Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.storage import storage_from_string

from reference_app.errors import RateLimitedError
from reference_app.observability import metrics
from reference_app.settings import Settings


class RateLimits:
    """The limits of the settings. In memory each process counts for itself; name a shared storage to count together."""

    def __init__(self, settings: Settings) -> None:
        storage = storage_from_string(settings.rate_limit_storage)
        assert isinstance(storage, Storage)
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._requests = parse(settings.rate_limit)
        self._creations = parse(settings.creation_rate_limit)
        self._failures = parse(settings.failed_auth_rate_limit)

    async def count_request(self, caller: str) -> None:
        """Counts one request of ``caller``; raises ``RateLimitedError`` when it is one too many."""
        await self._count("requests", self._requests, caller)

    async def count_creation(self, caller: str) -> None:
        """Counts one creation of ``caller``; raises ``RateLimitedError`` when it is one too many."""
        await self._count("creations", self._creations, caller)

    async def count_failure(self, address: str) -> None:
        """Counts wrong credentials from ``address``."""
        await self._limiter.hit(self._failures, "failures", address)

    async def refuse_after_failures(self, address: str) -> None:
        """Raises ``RateLimitedError`` when ``address`` sent wrong credentials too often."""
        if not await self._limiter.test(self._failures, "failures", address):
            raise await self._error("failures", self._failures, address)

    async def _count(self, name: str, limit: RateLimitItem, caller: str) -> None:
        if not await self._limiter.hit(limit, name, caller):
            raise await self._error(name, limit, caller)

    async def _error(self, name: str, limit: RateLimitItem, caller: str) -> RateLimitedError:
        metrics.RATE_LIMITED.labels(name).inc()
        window = await self._limiter.get_window_stats(limit, name, caller)
        wait = max(1, math.ceil(window.reset_time - time.time()))
        return RateLimitedError(f"More than {limit}; try again in {wait} s.", retry_after_seconds=wait)
