"""Sitting out a database or pooler that is away for a moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from tenacity import AsyncRetrying, retry_if_exception, stop_after_delay, wait_random_exponential

Result = TypeVar("Result")

FIRST_WAIT_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 2.0
# SQLSTATE classes and codes: 08 connection, 57P operator intervention, 53 out of resources, 40 deadlock and the like.
_PASSING = ("08", "57P", "53", "40")


def is_outage(error: BaseException) -> bool:
    """Whether ``error`` says that the database cannot be reached at the moment, so that a later try may succeed."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or is_outage(error.driver_exception)
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(_PASSING)
    # InterfaceError: asyncpg's word for a connection that closed under it.
    passing = (OSError, PoolTimeoutError, asyncio.TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)
    return isinstance(error, passing)


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
