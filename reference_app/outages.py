"""Telling a database that cannot be reached for the moment from everything else that may be wrong."""

from __future__ import annotations

import asyncio
import re

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

# SQLSTATE classes and codes: 08 connection, 57P operator intervention, 53 out of resources, 40 deadlock and the like.
_PASSING = ("08", "57P", "53", "40")
# Supavisor says everything with SQLSTATE XX000 and a code in the text: no place in the pool, or the pool restarts.
_POOLER_PASSING = re.compile(
    r"\(E(MAXCONN\w*|MAXPOOLSREACHED|CHECKOUT\w+|POOL\w+|DBHANDLEREXITED|WORKERNOTFOUND|SUBSCRIBERETRIES|PROXY\w+"
    r"|AUTHTIMEOUT|CIRCUITBREAKER)\)|[Mm]ax client connections reached"
)


def is_outage(error: BaseException) -> bool:
    """Whether ``error`` says that the database cannot be reached at the moment, so that a later try may succeed."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or is_outage(error.driver_exception)
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(_PASSING) or _POOLER_PASSING.search(str(error)) is not None
    # InterfaceError: asyncpg's word for a connection that closed under it.
    passing = (OSError, PoolTimeoutError, asyncio.TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)
    return isinstance(error, passing)
