"""Sessions that are kept, left open, handed out closed or begun elsewhere; each line with a finding is marked."""

from __future__ import annotations

import pytest

from tests.program.support import marked

CASES = {
    "on an object, by any way to write an attribute": """\
# --- app/tasks/keeper.py
from functools import partial
from app.session import get_session
class Keeper:
    def __init__(self):
        self.sessions, self.by_name = [], {}
        self.names = []
    async def keep(self):
        async with get_session() as session:
            self.__dict__["session"] = session  # TXN109
            vars(self)["session"] = session  # TXN109
            self.__dict__.update(session=session)  # TXN109
            object.__setattr__(self, "session", session)  # TXN109
            self.sessions.append(session)  # TXN109
            self.by_name.setdefault("session", session)  # TXN109
            self.load = lambda: session.flush()  # TXN109
            self.save = partial(session.flush)  # TXN109
    async def use(self):
        async with get_session() as session:
            self.__dict__["name"] = "x"
            self.names.append(await session.scalar("SELECT 1"))
            self.key = lambda row: row.id
            found, items = {}, []
            found.update(session=session)
            items.append(session)
""",
    "in a module, by any way to fill a dictionary": """\
# --- app/tasks/registry.py
from types import SimpleNamespace
from app.session import get_session
STATE = SimpleNamespace()
KNOWN = {}
async def keep():
    async with get_session() as session:
        STATE.session = session  # TXN109
        KNOWN.update(session=session)  # TXN109
        KNOWN.setdefault("session", session)  # TXN109
        globals()["SESSION"] = session  # TXN109
async def use():
    async with get_session() as session:
        local = SimpleNamespace()
        local.session = session
        KNOWN.update(name="x")
        STATE.name = await session.scalar("SELECT 1")
""",
    "on an exit stack that nothing closes": """\
# --- app/tasks/stacks.py
from contextlib import AsyncExitStack
from app.session import get_session
async def left_open():
    stack = AsyncExitStack()
    session = await stack.enter_async_context(get_session())  # TXN108
    await session.flush()
async def closed():
    stack = AsyncExitStack()
    try:
        session = await stack.enter_async_context(get_session())
        await session.flush()
    finally:
        await stack.aclose()
async def entered():
    stack = AsyncExitStack()
    async with stack:
        await stack.enter_async_context(get_session())
async def handed_on():
    stack = AsyncExitStack()
    await stack.enter_async_context(get_session())
    return stack
async def closed_later(closers):
    stack = AsyncExitStack()
    await stack.enter_async_context(get_session())
    closers.append(stack.aclose)
async def closed_elsewhere(register):
    stack = AsyncExitStack()
    await stack.enter_async_context(get_session())
    register(resource=stack)
""",
    "handed out when it is closed": """\
# --- app/tasks/closed.py
from app.session import get_session, session_factory
async def after_its_block():
    async with get_session() as session:
        pass
    return session, 1  # TXN208
async def in_finally():
    session = session_factory()  # TXN101
    try:
        return session  # TXN208
    finally:
        await session.close()
async def its_rows():
    session = session_factory()  # TXN101
    try:
        return await session.scalar("SELECT 1")
    finally:
        await session.close()
async def after_an_error():
    session = session_factory()  # TXN101
    try:
        return session
    except Exception:
        await session.close()
        raise
""",
    "begun by the dependency that injects it": """\
# --- app/routers/items.py
from typing import Annotated
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession
from app.services.items import again, save
from app.session import get_plain, get_session_dependency
router = APIRouter()
Unit = Annotated[AsyncSession, Depends(get_session_dependency, scope="function")]
@router.post("/nested")
async def nested(session: Unit):
    async with session.begin():  # TXN206
        await save(session)
@router.post("/below")
async def below(session: Unit):
    await again(session)  # TXN205
@router.post("/part")
async def part(session: Unit):
    async with session.begin_nested():
        await save(session)
@router.post("/own")
async def own(session: AsyncSession = Depends(get_plain)):  # TXN105
    async with session.begin():
        await save(session)
# --- app/services/items.py
async def save(session):
    session.add(object())
async def again(session):
    async with session.begin():  # TXN204
        session.add(object())
# --- app/session.py
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
session_factory = async_sessionmaker(create_async_engine("postgresql+asyncpg://db/app"))
async def get_session_dependency():
    async with session_factory.begin() as session:
        yield session
async def get_plain():
    async with session_factory() as session:
        yield session
""",
    "waited with by a decorator": """\
import asyncio
import functools
from sqlalchemy.ext.asyncio import AsyncSession
def retried(function):
    @functools.wraps(function)
    async def inner(*args):
        for pause in range(3):
            try:
                return await function(*args)
            except OSError:
                await asyncio.sleep(pause)
    return inner
def counted(function):
    @functools.wraps(function)
    async def inner(*args):
        return await function(*args)
    return inner
@retried
async def load(session): await session.flush()
@counted
async def store(session): await session.flush()
@counted
async def pause(session): await asyncio.sleep(1)
async def go(session: AsyncSession):
    async with session.begin():  # TXN204
        await load(session)  # TXN207
        await store(session)
""",
    "given to functions that registered": """\
# --- app/routers/items.py
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession
from app.services.hooks import after, hooks
from app.session import get_session_dependency
router = APIRouter()
@router.post("/one")
async def one(session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        await hooks.fire(session)  # TXN205
@router.post("/named")
async def named(session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        await hooks.fire_named("x", session)  # TXN205
@router.post("/module")
async def module(session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        await after("x", session)  # TXN205
@router.post("/rows")
async def rows(session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        hooks.note(session)
# --- app/services/hooks.py
class Hooks:
    def __init__(self):
        self.all, self.named, self.rows = [], {}, []
    def on(self, function):
        self.all.append(function)
        return function
    def on_name(self, name):
        def add(function):
            self.named.setdefault(name, []).append(function)
            return function
        return add
    async def fire(self, session):
        for function in self.all:
            await function(session)
    async def fire_named(self, name, session):
        for function in self.named[name]:
            await function(session)
    def note(self, session):
        self.rows.append(object())
        for row in self.rows:
            session.add(row)
hooks = Hooks()
HANDLERS = {}
def handles(name):
    def add(function):
        HANDLERS.setdefault(name, []).append(function)
        return function
    return add
async def after(name, session):
    for function in HANDLERS.get(name, []):
        await function(session)
@hooks.on
async def commits(session):
    await session.commit()  # TXN201
@hooks.on_name("x")
async def commits_too(session):
    await session.commit()  # TXN201
@handles("x")
async def commits_as_well(session):
    await session.commit()  # TXN201
""",
    "opened and kept by a unit of work": """\
# --- app/services/units.py
from app.session import session_factory
class Unit:
    async def __aenter__(self):
        self.session = session_factory()  # TXN101
        return self
    async def __aexit__(self, *error):
        await self.session.close()
class Given:
    def __init__(self, session):
        self.session = session
    async def __aenter__(self):
        return self
    async def __aexit__(self, *error):
        self.session = None
async def opened():
    async with Unit() as unit:  # TXN105
        unit.session.add(object())  # TXN209
async def passed(session):
    async with Given(session) as unit:
        unit.session.add(object())
""",
}


@pytest.mark.parametrize("name", CASES)
def test_a_session_is(name):
    found, expected = marked(CASES[name])
    assert found == expected
