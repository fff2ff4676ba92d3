"""Sitting out a database or pooler that is away for a moment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, retry_if_exception, stop_after_delay, wait_random_exponential

from reference_app.outages import is_outage

Result = TypeVar("Result")

FIRST_WAIT_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 2.0


async def patiently(operation: Callable[[], Awaitable[Result]], *, seconds: float) -> Result:
    """The result of ``operation()``, tried again with growing random waits while the database is away.

    ``operation`` opens its own session, and may run after a try of it had committed unnoticed: it must be idempotent.
    Raises the last error when ``seconds`` have passed, and any error that is not an outage at once.
    """
    retrying = AsyncRetrying(
        retry=retry_if_exception(is_outage),
        stop=stop_after_delay(seconds),
        wait=wait_random_exponential(multiplier=FIRST_WAIT_SECONDS, max=LONGEST_WAIT_SECONDS),
        reraise=True,
    )
    async for attempt in retrying:
        with attempt:
            result = await operation()
    return result
