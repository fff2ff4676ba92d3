"""One read and one write of the reference service, served the mandated way and the ways the mandate forbids.

`uvicorn benchmarks.forbidden_ways:app`, with REFERENCE_APP_DATABASE_URL set. Every endpoint does the same work: it
reads a batch and counts its scans, or stores two rows of which the second fails. Only where sessions come from, and who
commits, differs. This file is what sessionlint finds fault with; nothing may be copied from it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from reference_app.models import Batch, ConnectionProbe, Scan
from reference_app.session import SessionDep, get_session_dependency, open_database
from reference_app.settings import read_settings

UPSTREAM_SECONDS = 0.2
settings = read_settings()
# As a module that knows nothing of the pooler makes it: prepared statements on, the default pool.
naive = async_sessionmaker(create_async_engine(settings.url(), pool_timeout=10), expire_on_commit=False)
RequestSession = Annotated[AsyncSession, Depends(get_session_dependency)]


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """The service's engine, as in the real application."""
    async with open_database(settings):
        yield


app = FastAPI(lifespan=lifespan)


async def read_batch(session: AsyncSession, batch_id: UUID) -> str | None:
    """A service: reads the batch."""
    return await session.scalar(select(Batch.status).where(Batch.id == batch_id))


async def count_scans(session: AsyncSession, batch_id: UUID) -> int | None:
    """A service: counts its scans."""
    return await session.scalar(select(func.count()).select_from(Scan).where(Scan.batch_id == batch_id))


@app.get("/mandate/{batch_id}")
async def mandate(batch_id: UUID, session: SessionDep) -> dict[str, Any]:
    """One session from the one dependency, one transaction that the endpoint owns."""
    async with session.begin():
        return {"status": await read_batch(session, batch_id), "scans": await count_scans(session, batch_id)}


@app.get("/session-per-call/{batch_id}")
async def session_per_call(batch_id: UUID) -> dict[str, Any]:
    """Every service call opens a session of its own, from an engine that knows nothing of the pooler."""
    async with naive() as session:
        status = await read_batch(session, batch_id)
    async with naive() as session:
        return {"status": status, "scans": await count_scans(session, batch_id)}


@app.get("/engine-per-call/{batch_id}")
async def engine_per_call(batch_id: UUID) -> dict[str, Any]:
    """Every request makes an engine, with the right settings for the pooler."""
    safe = {"statement_cache_size": 0, "prepared_statement_cache_size": 0}
    engine = create_async_engine(settings.url(), connect_args=safe)
    try:
        async with AsyncSession(engine) as session:
            return {"status": await read_batch(session, batch_id), "scans": await count_scans(session, batch_id)}
    finally:
        await engine.dispose()


@app.get("/session-in-session/{batch_id}")
async def session_in_session(batch_id: UUID, session: RequestSession) -> dict[str, Any]:
    """A service opens a second session while the request's own holds a connection."""
    async with session.begin():
        status = await read_batch(session, batch_id)
        inner = get_session_dependency()
        second = await anext(inner)
        try:
            return {"status": status, "scans": await count_scans(second, batch_id)}
        finally:
            await inner.aclose()  # type: ignore[attr-defined]


@app.get("/network-outside-transaction/{batch_id}")
async def network_outside_transaction(batch_id: UUID, session: SessionDep) -> dict[str, Any]:
    """The mandated way to need something from the network: before the transaction begins."""
    await asyncio.sleep(UPSTREAM_SECONDS)
    async with session.begin():
        return {"status": await read_batch(session, batch_id), "scans": await count_scans(session, batch_id)}


@app.get("/network-in-transaction/{batch_id}")
async def network_in_transaction(batch_id: UUID, session: SessionDep) -> dict[str, Any]:
    """The same need, while the transaction is open."""
    async with session.begin():
        status = await read_batch(session, batch_id)
        await asyncio.sleep(UPSTREAM_SECONDS)
        return {"status": status, "scans": await count_scans(session, batch_id)}


async def store_half(session: AsyncSession, note: str) -> None:
    """A service: adds a row and flushes."""
    session.add(ConnectionProbe(note=note))
    await session.flush()


def fail() -> None:
    """What goes wrong between two writes that belong together."""
    raise HTTPException(409, "The second write is refused.")


@app.post("/write/mandate")
async def write_mandate(session: SessionDep) -> None:
    """The endpoint owns the transaction: both rows or none."""
    async with session.begin():
        await store_half(session, "mandate")
        fail()


@app.post("/write/commit-in-service")
async def write_commit_in_service(session: RequestSession) -> None:
    """The first service commits by itself."""
    await store_half(session, "commit-in-service")
    await session.commit()
    fail()
