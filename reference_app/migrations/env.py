"""Runs the migrations on the database of the settings, one process at a time, all in one transaction.

A transaction pooler will do: the lock is a transaction's, and nothing is set on the connection.
"""

from __future__ import annotations

import asyncio
from typing import Any

from alembic import context
from sqlalchemy import Connection, func, pool, select
from sqlalchemy.ext.asyncio import create_async_engine

from reference_app.migrations.role_settings import set_timeouts
from reference_app.models import Base
from reference_app.session import tls_context
from reference_app.settings import Settings, read_settings

_LOCK = 0x5E5510

# Tables that PgQueuer's own schema makes; the models say nothing about them.
_QUEUE_PREFIX = "pgqueuer"


def _is_ours(name: str | None, kind: str, parents: Any) -> bool:
    table = name if kind == "table" else parents.get("table_name")
    return not (table or "").startswith(_QUEUE_PREFIX)


def _migrate(connection: Connection, settings: Settings) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_name=_is_ours,
        compare_server_default=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        # The role's time-out is for requests; waiting for another process and building an index may take longer.
        connection.execute(select(func.set_config("statement_timeout", "0", True)))
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        context.run_migrations()
        set_timeouts(connection, settings)


async def _run(settings: Settings) -> None:
    engine = create_async_engine(
        settings.url(),
        poolclass=pool.NullPool,
        connect_args={
            "statement_cache_size": 0,
            "prepared_statement_cache_size": 0,
            "ssl": tls_context(settings) or False,
            "timeout": settings.connect_timeout_seconds,
        },
    )
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_migrate, settings)
    finally:
        await engine.dispose()


def _settings() -> Settings:
    given = context.config.attributes.get("settings")
    return given if isinstance(given, Settings) else read_settings()


asyncio.run(_run(_settings()))
