"""The one way to the database: engine, factory, context manager and dependency."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from src.settings import settings

engine = create_async_engine(
    settings.database_url,
    pool_size=10,
    max_overflow=5,
    pool_pre_ping=True,
    connect_args={
        "ssl": ssl.create_default_context(cafile=settings.database_ca_file),
        "statement_cache_size": 0,
        "prepared_statement_cache_size": 0,
    },
)
async_session_factory = async_sessionmaker(engine, expire_on_commit=False)


@asynccontextmanager
async def get_session() -> AsyncIterator[AsyncSession]:
    """A session for background work; the caller owns its transactions."""
    async with async_session_factory() as session:
        yield session


async def get_session_dependency() -> AsyncIterator[AsyncSession]:
    """The session of a request; the endpoint owns its transaction."""
    async with async_session_factory() as session:
        yield session
