"""Sessions that a context variable keeps for whoever runs next, or that are opened where it keeps none."""

from __future__ import annotations

from tests.program.support import findings

FACTORY = """
# --- app/db/ambient.py
import contextvars
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.session import session_factory


@dataclass(frozen=True)
class Entry:
    session: AsyncSession


current: contextvars.ContextVar[Entry | None] = contextvars.ContextVar("current", default=None)


@asynccontextmanager
async def bound(connection):
    session = session_factory(bind=connection)
    token = current.set(Entry(session=session))
    try:
        yield session
    finally:
        current.reset(token)
        await session.close()


@asynccontextmanager
async def ambient():
    existing = current.get()
    if existing is not None:
        yield existing.session
        return
    session = session_factory()
    token = current.set(Entry(session=session))
    try:
        yield session
    finally:
        current.reset(token)
        await session.close()
# --- app/db/items.py
from app.db.ambient import ambient


async def save(item):
    async with ambient() as session:
        session.add(item)
        await session.commit()


async def count(kind):
    async with ambient() as session:
        return await session.scalar(kind)
# --- app/services/x.py
import asyncio

from app.db import items


async def work():
    print("done")


async def save_and_start(tasks: set, item):
    await items.save(item)
    task = asyncio.create_task(work())
    tasks.add(task)
    await items.save(item)
    await task


async def counts(a, b):
    return await asyncio.gather(items.count(a), items.count(b))
"""


def test_each_call_has_a_session_of_its_own_where_an_ambient_one_may_stand_for_it() -> None:
    found = [line for line in findings(FACTORY) if line.split()[1] in ("TXN602", "TXN603")]
    assert found == []


def test_two_calls_share_the_session_that_is_only_ever_ambient() -> None:
    only_ambient = FACTORY.replace(
        """    session = session_factory()
    token = current.set(Entry(session=session))
    try:
        yield session
    finally:
        current.reset(token)
        await session.close()
# --- app/db/items.py""",
        "# --- app/db/items.py",
    )
    assert only_ambient != FACTORY
    found = [line for line in findings(only_ambient) if line.split()[1] == "TXN602"]
    assert found == ["app/services/x.py:19 TXN602"]
