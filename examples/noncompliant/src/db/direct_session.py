"""A temporary workaround from March: a second engine that goes around the pooler."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from src.settings import settings

DIRECT_URL = URL.create(
    "postgresql+asyncpg",
    username="postgres",
    password=settings.database_password,
    host="db.ddfldwzhdhhzhxywqnyz.supabase.co",  # TXN506
    port=5432,
    database="postgres",
)

direct_engine = create_async_engine(  # TXN102
    DIRECT_URL,
    pool_size=5,
    max_overflow=5,
    connect_args={
        "ssl": ssl.create_default_context(),
        "statement_cache_size": 0,
        "prepared_statement_cache_size": 0,
    },
)
direct_session_factory = async_sessionmaker(direct_engine, expire_on_commit=False)  # TXN103


@asynccontextmanager
async def get_direct_session() -> AsyncIterator[AsyncSession]:
    """A session that goes around the pooler."""
    async with direct_session_factory() as session:  # TXN101
        yield session


def connection_params(claims: dict[str, Any]) -> dict[str, Any]:
    """What to connect with on behalf of a user."""
    role = claims["role"]
    params: dict[str, Any] = {"statement_cache_size": 0, "prepared_statement_cache_size": 0}
    params["options"] = f"-c role={role}"  # TXN401
    return params
