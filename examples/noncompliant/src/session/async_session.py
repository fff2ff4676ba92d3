"""The way to the database that everybody should use."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

# The user of the pooler must be postgres.<project-ref>; this one ends in "Tenant or user not found".
DATABASE_URL = (
    "postgresql+asyncpg://postgres:sky-2025@aws-0-us-west-1.pooler.supabase.com:6543/postgres"  # TXN502 TXN503
)

engine = create_async_engine(  # TXN501
    DATABASE_URL,  # TXN504
    pool_size=2,  # TXN505
    max_overflow=3,
    connect_args={"prepared_statement_name_func": lambda: f"__asyncpg_{uuid4()}__"},  # TXN501
)
async_session_factory = async_sessionmaker(engine, expire_on_commit=False)
background_session_factory = async_sessionmaker(engine)  # TXN507


@asynccontextmanager
async def get_session() -> AsyncIterator[AsyncSession]:
    """A session for background work."""
    async with async_session_factory() as session:
        yield session


async def get_session_dependency() -> AsyncIterator[AsyncSession]:
    """The session of a request."""
    async with async_session_factory() as session:
        yield session


async def get_committing_session() -> AsyncIterator[AsyncSession]:
    """A session that commits by itself, after the client has its answer."""
    async with async_session_factory() as session:
        yield session
        await session.commit()  # TXN211
