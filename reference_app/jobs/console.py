"""PgQueuer's own command line on the service's database, through the service's engine and settings.

    pgq --factory reference_app.jobs.console:queries backlog

Given the pooler's address instead, ``pgq`` would connect by itself, with prepared statements that the pooler refuses.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pgqueuer import Queries

from reference_app.jobs.driver import WorkerDriver
from reference_app.session import open_database
from reference_app.settings import read_settings

_PATIENCE_SECONDS = 5.0


@asynccontextmanager
async def queries() -> AsyncIterator[Queries]:
    """PgQueuer's statements on the database that the environment's settings name."""
    async with open_database(read_settings()):
        yield Queries(WorkerDriver(patience_seconds=_PATIENCE_SECONDS))
