"""Sessions that a context variable keeps for whoever runs next, or that are opened where it keeps none."""

from __future__ import annotations

from tests.program.support import findings, marked

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


KEPT = """
# --- app/session.py
from contextlib import asynccontextmanager
from contextvars import ContextVar

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from app.settings import settings

engine = create_async_engine(settings.database_url, pool_size=5)
factory = async_sessionmaker(engine)
present: ContextVar[AsyncSession] = ContextVar("present")


@asynccontextmanager
async def get_session():
    async with factory() as session:
        token = present.set(session)
        try:
            yield session
        finally:
            present.reset(token)


async def get_session_dependency():
    async with get_session() as session:
        yield session


def now() -> AsyncSession:
    return present.get()
# --- app/services/ferries.py
from app.session import now, present


async def load(ferry):
    now().add(ferry)


async def load_directly(ferry):
    session = present.get()
    session.add(ferry)


async def sail(ferry):
    now().add(ferry)
    await now().commit()  # TXN201


async def count(ferry):
    return await now().get(object, ferry)
# --- app/tasks/ferries.py
from app.services.ferries import load, sail
from app.session import get_session


async def nightly(ferry):
    async with get_session() as session, session.begin():
        await load(ferry)


async def nightly_early(ferry):
    async with get_session() as session, session.begin():
        await sail(ferry)  # TXN205


async def nightly_lost(ferry):
    async with get_session():
        await load(ferry)  # TXN209
# --- app/routers/ferries.py
from fastapi import APIRouter, Depends

from app.services.ferries import count, load, load_directly, sail
from app.session import get_session_dependency, now

router = APIRouter()


@router.post("/lost")
async def lost(ferry: str, session=Depends(get_session_dependency)):
    await load(ferry)  # TXN209


@router.post("/lost-directly")
async def lost_directly(ferry: str, session=Depends(get_session_dependency)):
    await load_directly(ferry)  # TXN209


@router.post("/kept")
async def kept(ferry: str, session=Depends(get_session_dependency)):
    async with session.begin():
        await load(ferry)


@router.post("/kept-too")
async def kept_too(ferry: str, session=Depends(get_session_dependency)):
    async with now().begin():
        await load_directly(ferry)


@router.post("/early")
async def early(ferry: str, session=Depends(get_session_dependency)):
    async with session.begin():
        await sail(ferry)  # TXN205


@router.get("/count")
async def counted(ferry: str, session=Depends(get_session_dependency)):
    return await count(ferry), await session.get(object, ferry)
"""
COMMITTING = """
# --- app/ends.py
from starlette.middleware.base import BaseHTTPMiddleware

from app.session import present


class Ends(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        response = await call_next(request)
        await present.get().commit()  # TXN201
        return response
"""


def test_what_a_variable_keeps_is_the_session_that_the_caller_has() -> None:
    found, expected = marked(KEPT)
    assert [line for line in found if "TXN604" not in line] == expected


def test_what_somebody_out_of_sight_commits_through_the_variable_is_not_lost() -> None:
    found, expected = marked(KEPT.replace("  # TXN209", "") + COMMITTING)
    assert [line for line in found if "TXN604" not in line] == expected


REGISTRY = """
# --- app/session.py
from contextvars import ContextVar

from sqlalchemy.ext.asyncio import async_scoped_session, async_sessionmaker, create_async_engine

from app.settings import settings

engine = create_async_engine(settings.database_url, pool_size=5)
request: ContextVar[str] = ContextVar("request")
session = async_scoped_session(async_sessionmaker(engine), scopefunc=request.get)
# --- app/services/ferries.py
from app.session import session


async def load(ferry):
    session.add(ferry)


async def sail(ferry):
    session.add(ferry)
    await session.commit()  # TXN201
# --- app/routers/ferries.py
from fastapi import APIRouter

from app.services.ferries import load, sail
from app.session import session

router = APIRouter()


@router.post("/lost")
async def lost(ferry: str):
    await load(ferry)  # TXN209


@router.post("/kept")
async def kept(ferry: str):
    async with session.begin():
        await load(ferry)


@router.post("/ended")
async def ended(ferry: str):
    await sail(ferry)


@router.get("/count")
async def counted(ferry: str):
    return await session.get(object, ferry)
"""
ENDING = """
# --- app/ends.py
from starlette.middleware.base import BaseHTTPMiddleware

from app.session import session


class Ends(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        response = await call_next(request)
        await session.commit()  # TXN201
        return response
"""
TRANSACTIONAL = """
# --- app/services/transactional.py
from functools import wraps

from app.session import session


def transactional(function):
    @wraps(function)
    async def inner(*args, **kwargs):
        result = await function(*args, **kwargs)
        await session.commit()  # TXN201
        return result

    return inner


@transactional
async def load_and_end(ferry):
    session.add(ferry)
# --- app/routers/more.py
from fastapi import APIRouter

from app.services.transactional import load_and_end, transactional
from app.session import session

router = APIRouter()


@router.post("/decorated")
@transactional
async def decorated(ferry: str):
    session.add(ferry)


@router.post("/below")
async def below(ferry: str):
    await load_and_end(ferry)
"""


def test_what_a_registry_of_all_is_given_is_lost_where_nobody_commits_it() -> None:
    found, expected = marked(REGISTRY)
    assert found == expected


def test_a_registry_that_middleware_commits_loses_nothing() -> None:
    found, expected = marked(REGISTRY.replace("  # TXN209", "") + ENDING)
    assert found == expected


def test_a_decorator_commits_for_what_it_decorates_alone() -> None:
    found, expected = marked(REGISTRY + TRANSACTIONAL)
    assert found == expected
