"""The session module: the one engine, the one factory, and the two ways to a session. Nothing else opens one.

Endpoints take ``SessionDep`` and own their transaction with ``async with session.begin():``. Jobs, commands and
streams, which have no request, use ``get_session()``. Leaving either without a commit rolls back.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from reference_app.observability.database import ObservedPool, ObservedSession, observe_pool
from reference_app.observability.tracing import trace_statements
from reference_app.settings import Settings

_factory = async_sessionmaker(expire_on_commit=False, sync_session_class=ObservedSession)


@lru_cache(maxsize=8)
def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """The TLS context of every database connection, or ``None`` when the settings leave TLS off.

    Verified with the CA file, or the system's CAs without one; ``required`` encrypts and verifies nothing.
    """
    mode = settings.tls()
    if mode == "off":
        return None
    context = ssl.create_default_context(cafile=settings.database_ca_file)
    if mode == "required":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def make_engine(settings: Settings) -> AsyncEngine:
    """The engine as a transaction pooler needs it; connects nothing yet.

    Both caches are off: asyncpg then uses unnamed statements only, which any server connection of the pooler can run,
    and SQLAlchemy describes each statement anew, so that a migration elsewhere breaks no open connection.
    """
    return create_async_engine(
        settings.url(),
        poolclass=ObservedPool,
        pool_size=settings.pool_min,
        max_overflow=settings.pool_max - settings.pool_min,
        pool_timeout=settings.pool_timeout_seconds,
        pool_recycle=settings.pool_recycle_seconds,
        pool_pre_ping=True,
        connect_args={
            "statement_cache_size": 0,
            "prepared_statement_cache_size": 0,
            # Not None, which means "if the server offers it".
            "ssl": tls_context(settings) or False,
            "timeout": settings.connect_timeout_seconds,
            "command_timeout": settings.command_timeout_seconds,
        },
    )


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[None]:
    """Makes the engine of the process; sessions come from it until the block ends. Nobody else gets to see it."""
    engine = make_engine(settings)
    observe_pool(engine, limit=settings.pool_max)
    _factory.configure(bind=engine)
    try:
        with trace_statements(engine, settings):
            yield
    finally:
        _factory.configure(bind=None)
        await engine.dispose()


@asynccontextmanager
async def get_session() -> AsyncIterator[AsyncSession]:
    """A session for work that no request owns; its user owns the transactions."""
    async with _factory() as session:
        yield session


async def get_session_dependency() -> AsyncIterator[AsyncSession]:
    """A session for one request; the endpoint owns the transaction."""
    async with _factory() as session:
        yield session


# Closed when the endpoint returns: before the answer is sent, and before a stream starts.
SessionDep = Annotated[AsyncSession, Depends(get_session_dependency, scope="function")]
