"""TXN602: one session is used by coroutines that run at the same time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from sessionlint.program.api import Program
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.values import Site, Value
from sessionlint.report import Finding
from sessionlint.rules.alternatives import are_apart
from sessionlint.rules.background_work import awaited_tasks, sessions_in, started_values
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.concurrent_helpers import (
    BESIDE,
    CALLED,
    ELEMENTS,
    comes_beside,
    concurrent_parameters,
    given_together,
    is_foreign,
    may_bring,
)
from sessionlint.rules.each_its_own import opened_by_each
from sessionlint.rules.executors import pooled
from sessionlint.rules.helper_tasks import places_of, started_by_helpers
from sessionlint.rules.left_running import used_beside
from sessionlint.rules.meanwhile import used_meanwhile
from sessionlint.rules.repeating import is_left_behind, is_repeated
from sessionlint.rules.sharing import brought, carriers, count, described, is_shared, of_the_request, ranked, shared
from sessionlint.rules.task_groups import GROUPED, group_of

META = Rule(
    code="TXN602",
    name="session-shared-by-tasks",
    summary="One session or connection is used by coroutines that run at the same time.",
    rationale="A session is one connection and one transaction, and does one thing at a time. Two coroutines on it get "
    '"This session is provisioning a new connection; concurrent operations are not permitted", or "another operation '
    'is in progress" from asyncpg, or, worse, no error: one of them commits the half-made changes of the other. It '
    "depends on timing, so it passes the tests. The finding stands at the `gather()`; of tasks that are started one by "
    "one, in a task group too, at the first that meets another one (the second), and in a loop at the one that it "
    "starts.",
    remedy="Run the statements one after the other, join them in one query, or let every coroutine open its own "
    "session with the context manager.",
    not_flagged="Coroutines that open their own sessions, one coroutine with the session among others without, "
    "coroutines awaited one after the other, tasks in branches that exclude each other, coroutines that use it inside "
    "`async with` of one lock that they share, "
    "a method of one object after the other where each opens its session itself, a single task that nobody is seen to "
    "await in a block that waits for something else; a pool, and connections of drivers that let one statement wait "
    "for the other (psycopg, aiosqlite).",
)

BAD = [
    Bad(
        source="""
import asyncio

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


async def load(session, item_id):
    return await session.get(Item, item_id)


async def both(session: AsyncSession):
    return await asyncio.gather(session.execute(select(Item)), session.scalar(select(Item.id)))  # TXN602@18


async def bound(session: AsyncSession):
    first, second = load(session, 1), load(session, 2)
    return await asyncio.wait_for(asyncio.gather(first, second), 10)  # TXN602@35


async def many(session: AsyncSession, ids):
    await asyncio.gather(*[load(session, i) for i in ids])  # TXN602@11
    jobs = []
    for i in ids:
        jobs.append(load(session, i))
    await asyncio.gather(*jobs, return_exceptions=True)  # TXN602@11
    for done in asyncio.as_completed([load(session, i) for i in ids]):  # TXN602@17
        await done


async def closures(session: AsyncSession, ids):
    async def one(item_id):
        return await session.get(Item, item_id)

    await asyncio.gather(*map(one, ids))  # TXN602@11
    tasks = [asyncio.create_task(one(i)) for i in ids]
    await asyncio.wait(tasks)  # TXN602@11
""",
    ),
    Bad(
        source="""
import asyncio

import anyio
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


async def load(session, item_id):
    return await session.get(Item, item_id)


async def group(session: AsyncSession, ids):
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(load(session, 1))
        tasks.create_task(load(session, 2))  # TXN602@9
    async with asyncio.TaskGroup() as tasks:
        for i in ids:
            tasks.create_task(load(session, i))  # TXN602@13
    async with anyio.create_task_group() as nursery:
        nursery.start_soon(load, session, 1)
        nursery.start_soon(load, session, 2)  # TXN602@9


async def started(session: AsyncSession):
    first = asyncio.create_task(load(session, 1))
    second = asyncio.create_task(load(session, 2))  # TXN602@14
    return await first, await second


async def meanwhile(session: AsyncSession):
    task = asyncio.create_task(load(session, 1))  # TXN602@12
    await session.get(Item, 2)
    await task
""",
    ),
    Bad(
        source="""
import asyncio

from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


class Loader:
    def __init__(self, session: AsyncSession):
        self.session = session

    async def one(self, item_id):
        return await self.session.get(Item, item_id)

    async def all(self, ids):
        return await asyncio.gather(*(self.one(i) for i in ids))  # TXN602@22


async def load(session: AsyncSession):
    loader = Loader(session)
    return await asyncio.gather(loader.one(1), loader.one(2))  # TXN602@18
""",
    ),
    Bad(
        source="""
import asyncio

from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session


async def load(session, item_id):
    return await session.get(Item, item_id)


async def own(item_id):
    async with get_session() as session:
        return await session.get(Item, item_id)


async def limited(coroutines, limit=3):
    gate = asyncio.Semaphore(limit)

    async def one(coroutine):
        async with gate:
            return await coroutine

    return await asyncio.gather(*(one(c) for c in coroutines))


async def both(*coroutines):
    return await limited(coroutines)


async def for_each(function, ids):
    async with asyncio.TaskGroup() as group:
        for i in ids:
            group.create_task(function(i))


async def work(session: AsyncSession, ids):
    await limited([load(session, 1), load(session, 2)])  # TXN602@11
    await limited(load(session, i) for i in ids)  # TXN602@11
    await both(load(session, 1), load(session, 2))  # TXN602@11
    await for_each(lambda i: load(session, i), ids)  # TXN602@11
    await limited([load(session, 1), own(2)])
    await limited(own(i) for i in ids)
    await for_each(own, ids)
    async with asyncio.TaskGroup() as group:
        group.create_task(load(session, 1))  # TXN602@9
        await session.get(Item, 2)
"""
    ),
    Bad(
        source="""
import asyncio
from abc import ABC, abstractmethod

from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


class Store(ABC):
    @abstractmethod
    async def load(self, item_id): ...


class DatabaseStore(Store):
    def __init__(self, session: AsyncSession):
        self.session = session

    async def load(self, item_id):
        return await self.session.get(Item, item_id)


async def read(store: Store, item_id):
    return await store.load(item_id)


async def read_all(session: AsyncSession, ids):
    store = DatabaseStore(session)
    return await asyncio.gather(*[read(store, item_id) for item_id in ids])  # TXN602@18
""",
    ),
    Bad(
        path="app/routers/items.py",
        source="""
import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import anyio
from anyio import to_thread
from fastapi import APIRouter, Depends
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from app.models.item import Item
from app.session import get_session_dependency

router = APIRouter()


class Items:
    def __init__(self, session: AsyncSession):
        self.session = session

    async def count(self):
        return await self.session.scalar(select(Item))

    async def newest(self):
        return await self.session.scalar(select(Item).limit(1))


def items(session: AsyncSession = Depends(get_session_dependency)):
    return Items(session)


async def together(*coroutines):
    return await asyncio.gather(*coroutines)


async def pair(first, second):
    return await asyncio.gather(first, second)


async def each(ids, function):
    gate = asyncio.Semaphore(5)

    async def one(item_id):
        async with gate:
            await function(item_id)

    await asyncio.gather(*(one(i) for i in ids))


@router.get("/")
async def numbers(store: Items = Depends(items)):
    await together(store.count(), store.newest())  # TXN602@11
    await pair(store.count(), asyncio.sleep(1))
    await pair(second=store.count(), first=store.newest())  # TXN602@11


@router.get("/each")
async def each_of(session: AsyncSession = Depends(get_session_dependency)):
    async def load(item_id):
        await session.get(Item, item_id)

    await each([1, 2], load)  # TXN602@11
    await each([1, 2], partial(session.get, Item))  # TXN602@11


def threads(session: Session, ids):
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda i: session.get(Item, i), ids))  # TXN602@14


def futures(session: Session, ids):
    with ThreadPoolExecutor() as pool:
        futures = [pool.submit(session.get, Item, i) for i in ids]  # TXN602@20
    return futures


def label(session: Session, item_id):
    return session.get(Item, item_id)


async def by_hand(session: Session):
    async with anyio.create_task_group() as group:
        group.start_soon(to_thread.run_sync, label, session, 1)
        group.start_soon(to_thread.run_sync, label, session, 2)  # TXN602@9
""",
    ),
    Bad(
        source="""
import asyncio

from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


async def beside_a_branch(session: AsyncSession, first):
    task = None
    if first:
        task = asyncio.create_task(session.get(Item, 1))
    other = asyncio.create_task(session.get(Item, 2))  # TXN602@13
    return task and await task, await other


async def nested(session: AsyncSession):
    first = asyncio.create_task(session.get(Item, 1))
    second = asyncio.create_task(session.get(Item, 2))  # TXN602@14
    return await first, await second


async def in_a_group(session: AsyncSession, more):
    async with asyncio.TaskGroup() as tasks:
        if more:
            tasks.create_task(session.get(Item, 1))
        else:
            tasks.create_task(session.get(Item, 2))
        tasks.create_task(session.get(Item, 3))  # TXN602@9
"""
    ),
    Bad(
        source="""
import asyncio

from sqlalchemy.orm import Session

from app.models.item import Item
from app.session import session_factory


def load(session: Session, item_id):
    return session.get(Item, item_id)


def load_alone(item_id):
    with session_factory() as session:
        return session.get(Item, item_id)


async def in_threads(session: Session, ids):
    loop = asyncio.get_running_loop()
    first, second = loop.run_in_executor(None, load, session, 1), loop.run_in_executor(None, load, session, 2)
    await asyncio.gather(first, second)  # TXN602@11
    await asyncio.gather(*[loop.run_in_executor(None, load, session, i) for i in ids])  # TXN602@11
    await asyncio.gather(loop.run_in_executor(None, load, session, 1), loop.run_in_executor(None, load_alone, 2))
    await asyncio.gather(*[loop.run_in_executor(None, load_alone, i) for i in ids])
    return [await loop.run_in_executor(None, load, session, i) for i in ids]
"""
    ),
    Bad(
        source="""
import asyncio

from sqlalchemy import select

from app.models.item import Item


async def stack(kiln, numbers):
    return await asyncio.gather(*(kiln.scalars(select(Item).where(Item.id == n)) for n in numbers))  # TXN602@18


async def glaze(kiln, pots):
    return await asyncio.gather(*(kiln.get(Item, pot, 5) for pot in pots))
"""
    ),
    Bad(
        """
# --- app/session.py
from asyncio import current_task
from contextvars import ContextVar

from sqlalchemy.ext.asyncio import async_scoped_session, async_sessionmaker, create_async_engine

from app.settings import settings

scope: ContextVar[str] = ContextVar("scope")


def current_scope():
    return scope.get()


engine = create_async_engine(settings.url)
session = async_scoped_session(async_sessionmaker(engine), scopefunc=current_scope)
other = async_scoped_session(async_sessionmaker(engine), scopefunc=scope.get)
own = async_scoped_session(async_sessionmaker(engine), scopefunc=current_task)
# --- app/services/ovens.py
import asyncio

from app.models.item import Item
from app.session import other, own, scope, session


async def bake(number):
    return await session.get(Item, number)


async def toast(number):
    return await other.get(Item, number)


async def grill(number):
    return await own.get(Item, number)


async def roast(number):
    scope.set(str(number))
    return await session.get(Item, number)


async def both():
    await asyncio.gather(bake(1), bake(2))  # TXN602@11
    await asyncio.gather(*(toast(n) for n in range(3)))  # TXN602@11
    await asyncio.gather(grill(1), grill(2))
    await asyncio.gather(roast(1), roast(2))
    await asyncio.gather(bake(1), grill(2))
"""
    ),
    Bad(
        path="app/tasks/kilns.py",
        source="""
import asyncio

from app.session import get_session


async def fire(session, kiln):
    await session.get(object, kiln)


async def stoke(queue, session):
    while True:
        await session.get(object, await queue.get())
        queue.task_done()


async def fire_alone(kiln):
    async with get_session() as session:
        await session.get(object, kiln)


async def fire_all(kilns):
    lit = set()
    async with get_session() as session:
        for kiln in kilns:
            lit.add(asyncio.create_task(fire(session, kiln)))  # TXN602@21


async def stoke_all(queue):
    async with get_session() as session:
        stokers = [asyncio.create_task(stoke(queue, session)) for _ in range(3)]  # TXN602@20
        await queue.join()
    for stoker in stokers:
        stoker.cancel()


async def fire_one(kiln, lit):
    async with get_session() as session:
        lit.add(asyncio.create_task(fire(session, kiln)))  # TXN602@17


async def fire_beside(kiln, lit):
    async with get_session() as session:
        lit.add(asyncio.create_task(fire(session, kiln)))  # TXN602@17
        await session.get(object, kiln)


async def fire_each_alone(kilns, lit):
    for kiln in kilns:
        lit.add(asyncio.create_task(fire_alone(kiln)))
        async with get_session() as session:
            lit.add(asyncio.create_task(fire(session, kiln)))
            await lit.pop()


async def stoke_with_one(queue, lit):
    async with get_session() as session:
        lit.add(asyncio.create_task(stoke(queue, session)))
        await queue.join()


async def fire_first(kilns, lit):
    async with get_session() as session:
        for kiln in kilns:
            lit.add(asyncio.create_task(fire(session, kiln)))
            break
        await lit.pop()
""",
    ),
    Bad(
        """
import asyncio

from fastapi import APIRouter, Depends
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session_dependency

router = APIRouter()
running = set()


async def grind(session):
    return await session.scalar(select(Item))


def spawn(coroutine):
    task = asyncio.create_task(coroutine)
    running.add(task)
    task.add_done_callback(running.discard)
    return task


async def several(coroutines):
    return await asyncio.gather(*coroutines)


async def all_of(*coroutines):
    return await several(coroutines=coroutines)


class Steps:
    @staticmethod
    async def together(*coroutines):
        return await asyncio.gather(*coroutines)


@router.get("/spawned")
async def spawned(session: AsyncSession = Depends(get_session_dependency)):
    first = spawn(grind(session))
    second = spawn(grind(session))  # TXN602@14
    return await first, await second


@router.get("/beside")
async def beside(session: AsyncSession = Depends(get_session_dependency)):
    first = spawn(grind(session))  # TXN602@13
    await session.get(Item, 1)
    return await first


@router.get("/rounds")
async def rounds(keys: list[int], session: AsyncSession = Depends(get_session_dependency)):
    tasks = [spawn(grind(session)) for _ in keys]  # TXN602@14
    for task in tasks:
        await task


@router.get("/one-by-one")
async def one_by_one(session: AsyncSession = Depends(get_session_dependency)):
    await spawn(grind(session))
    first = spawn(grind(session))
    await first
    await session.get(Item, 1)
    second = spawn(grind(session))
    await second


@router.get("/given")
async def given(session: AsyncSession = Depends(get_session_dependency)):
    await Steps.together(grind(session), grind(session))  # TXN602@11
    await all_of(grind(session), grind(session))  # TXN602@11
    await all_of(grind(session))
""",
        path="app/routers/mills.py",
    ),
    Bad(
        path="app/services/deliveries.py",
        source="""
# --- app/services/deliveries.py
import asyncio
from typing import Protocol


class Vans(Protocol):
    async def free(self, day): ...


class Routes(Protocol):
    async def of(self, day): ...


class Deliveries:
    def __init__(self, vans: Vans, routes: Routes):
        self._vans = vans
        self._routes = routes

    async def of_one(self, day):
        return await asyncio.gather(self._vans.free(day), self._routes.of(day))  # TXN602@22

    async def of_all(self, days):
        return await asyncio.gather(*[self._of(day) for day in days])  # TXN602@22

    async def started(self, days):
        tasks = [asyncio.create_task(self._of(day)) for day in days]
        return await asyncio.gather(*tasks)  # TXN602@22

    async def in_turn(self, day):
        await asyncio.gather(self._vans.free(day), asyncio.sleep(1))
        return await self._of(day)

    async def _of(self, day):
        return await self._routes.of(day)

# --- app/services/stored.py
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.services.deliveries import Routes, Vans


class StoredVans(Vans):
    def __init__(self, session: AsyncSession):
        self._session = session

    async def free(self, day):
        return await self._session.get(Item, day)


class StoredRoutes(Routes):
    def __init__(self, session: AsyncSession):
        self._session = session

    async def of(self, day):
        return await self._session.get(Item, day)

# --- app/session_provider.py
from collections.abc import AsyncIterable

from dishka import Provider, Scope, WithParents, provide
from sqlalchemy.ext.asyncio import AsyncSession

from app.services.deliveries import Deliveries
from app.services.stored import StoredRoutes, StoredVans
from app.session import get_session


class Stored(Provider):
    scope = Scope.REQUEST

    @provide
    async def session(self) -> AsyncIterable[AsyncSession]:
        async with get_session() as session:
            yield session

    vans = provide(WithParents[StoredVans])
    routes = provide(WithParents[StoredRoutes])
    deliveries = provide(Deliveries)

# --- app/routers/days.py
from dishka.integrations.fastapi import FromDishka
from fastapi import APIRouter

from app.services.deliveries import Deliveries

router = APIRouter()


@router.get("/days/{day}")
async def day_of(day: int, deliveries: FromDishka[Deliveries]):
    return await deliveries.of_one(day)
""",
    ),
    Bad(
        """
import asyncio

import aiosqlite
import asyncpg
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.models.item import Item
from app.session import engine


async def load(connection, key):
    return await connection.execute(select(Item).where(Item.id == key))


async def by_core(connection: AsyncConnection):
    return await asyncio.gather(connection.execute(select(Item)), connection.scalar(select(Item.id)))  # TXN602@18


async def by_helper(connection: AsyncConnection, keys):
    await asyncio.gather(*[load(connection, key) for key in keys])  # TXN602@11
    return await asyncio.gather(load(connection, 1), asyncio.sleep(1))


async def by_driver(connection: asyncpg.Connection):
    return await asyncio.gather(connection.fetchval("SELECT 1"), connection.fetchval("SELECT 2"))  # TXN602@18


async def by_one_that_is_made(url):
    connection = await asyncpg.connect(url)  # TXN104@24
    try:
        await asyncio.gather(connection.execute("SELECT 1"), connection.execute("SELECT 2"))  # TXN602@15
    finally:
        await connection.close()


async def by_pool(pool: asyncpg.Pool, waiting: aiosqlite.Connection):
    await asyncio.gather(pool.fetchval("SELECT 1"), pool.fetchval("SELECT 2"))
    await asyncio.gather(waiting.execute("SELECT 1"), waiting.execute("SELECT 2"))


async def in_turns(connection: AsyncConnection, keys):
    lock = asyncio.Lock()

    async def one(key):
        async with lock:
            return await load(connection, key)

    await asyncio.gather(*[one(key) for key in keys])
    return [await load(connection, key) for key in keys]


async def each_its_own(keys):
    async def one(key):
        async with engine.connect() as connection:  # TXN104@20
            return await load(connection, key)

    return await asyncio.gather(*[one(key) for key in keys])
"""
    ),
    Bad(
        """
import asyncio

import asyncpg
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.models.item import Item


class Items:
    def __init__(self, connection: AsyncConnection):
        self.connection = connection

    async def one(self, key):
        return (await self.connection.execute(select(Item).where(Item.id == key))).one_or_none()

    async def two(self, first, second):
        return await asyncio.gather(self.one(first), self.one(second))  # TXN602@22

    async def in_turn(self, first, second):
        return [await self.one(first), await self.one(second)]


async def taken_out(pool: asyncpg.Pool):
    async with pool.acquire() as connection:  # TXN104@16
        return await asyncio.gather(connection.fetch("SELECT 1"), connection.fetch("SELECT 2"))  # TXN602@22


async def by_pool(pool: asyncpg.Pool):
    return await asyncio.gather(pool.fetch("SELECT 1"), pool.fetch("SELECT 2"))
""",
        path="app/services/items.py",
    ),
    Bad(
        """
# --- app/session.py
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

maker = async_sessionmaker(create_async_engine("postgresql+asyncpg://db/app"))


class Unit:
    def __init__(self, opens):
        self.opens = opens

    async def __aenter__(self):
        self.session = self.opens()
        return self

    async def __aexit__(self, *error):
        await self.session.close()


def new_unit():
    return Unit(maker)
# --- app/tasks/fans.py
import asyncio

from app.session import Unit, maker, new_unit


class Repository:
    def __init__(self, session):
        self.session = session

    async def load(self, key):
        return await self.session.get(object, key)


async def load(unit, key):
    async with unit:
        return await unit.session.get(object, key)


async def each_its_own(keys):
    async with asyncio.TaskGroup() as group:
        for key in keys:
            group.create_task(load(new_unit(), key))
    await asyncio.gather(*(load(Unit(maker), key) for key in keys))
    return await asyncio.gather(*(load(new_unit(), key) for key in keys))


async def one_for_all(keys):
    unit = new_unit()
    return await asyncio.gather(*(load(unit, key) for key in keys))  # TXN602@18


async def by_names(repository, keys):
    return await asyncio.gather(*(repository.load(key) for key in keys))  # TXN602@18


async def of_many(repositories, key):
    return await asyncio.gather(*(repository.load(key) for repository in repositories))


async def names(first, second):
    async with maker() as session, maker() as other:
        await by_names(Repository(session), [first, second])
        await of_many([Repository(session), Repository(other)], first)
"""
    ),
    Bad(
        """
import asyncio
from typing import TypedDict

from sqlalchemy.ext.asyncio import AsyncSession


class Context(TypedDict):
    db: AsyncSession


async def both(context: Context):
    await asyncio.gather(context["db"].get(object, 1), context["db"].get(object, 2))  # TXN602@11


async def of_a_dictionary(sessions: dict[str, AsyncSession]):
    await asyncio.gather(sessions["db"].get(object, 1), sessions["db"].get(object, 2))  # TXN602@11


async def two_keys(sessions: dict[str, AsyncSession]):
    await asyncio.gather(sessions["db"].get(object, 1), sessions["log"].get(object, 2))


async def two_contexts(context: Context, other: Context):
    await asyncio.gather(context["db"].get(object, 1), other["db"].get(object, 2))


async def by_index(sessions: dict[str, AsyncSession], key, other):
    await asyncio.gather(sessions[key].get(object, 1), sessions[other].get(object, 2))
""",
        path="app/services/contexts.py",
    ),
]

GOOD = [
    Good(
        path="app/services/items.py",
        source="""
import asyncio
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy.orm import Session

from app.models.item import Item
from app.session import get_session


async def each(ids, function):
    gate = asyncio.Semaphore(5)

    async def one(item_id):
        async with gate:
            await function(item_id)

    await asyncio.gather(*(one(i) for i in ids))


async def own(item_id):
    async with get_session() as session:
        await session.get(Item, item_id)


async def run(session, ids):
    await each(ids, own)
    for item_id in ids:
        await session.get(Item, item_id)


def threads(session: Session, ids):
    with ThreadPoolExecutor() as pool:
        names = list(pool.map(str, ids))
        first = pool.submit(session.get, Item, 1).result()
        second = pool.submit(session.get, Item, 2).result()
    return names, first, second
""",
    ),
    Good(
        source="""
import asyncio
from abc import ABC, abstractmethod

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from app.models.item import Item
from app.session import get_session


class Store(ABC):
    @abstractmethod
    async def load(self, item_id): ...


class MemoryStore(Store):
    async def load(self, item_id):
        return {}


class DatabaseStore(Store):
    def __init__(self, session: AsyncSession):
        self.session = session

    async def load(self, item_id):
        return await self.session.get(Item, item_id)


async def read(store: Store, item_id):
    return await store.load(item_id)


async def apply(store: MemoryStore, item_id):
    return await read(store, item_id)


async def apply_all(store: MemoryStore, ids):
    return await asyncio.gather(*[apply(store, item_id) for item_id in ids])


async def one(item_id):
    async with get_session() as session:
        return await read(DatabaseStore(session), item_id)


async def ask(item):
    return item


async def together(session: Session):
    item = session.scalar("select 1")
    return await asyncio.gather(ask(item), ask(item))
""",
    ),
    Good(
        source="""
import asyncio

import httpx
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session


async def load(item_id):
    async with get_session() as session, session.begin():
        return await session.get(Item, item_id)


async def fetch(client, url):
    return await client.get(url)


async def work(session: AsyncSession, ids):
    await asyncio.gather(*(load(i) for i in ids))
    await asyncio.gather(session.execute(select(Item)), fetch(httpx.AsyncClient(), "https://example.com"))
    first = await session.get(Item, 1)
    second = await session.get(Item, 2)
    return first, second


async def groups(session: AsyncSession, ids):
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(session.get(Item, 1))
        for i in ids:
            tasks.create_task(load(i))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(session.get(Item, 2))


async def one_after_the_other(session: AsyncSession):
    task = asyncio.create_task(session.get(Item, 1))
    await task
    await session.get(Item, 2)


async def in_their_places(session: AsyncSession):
    await asyncio.create_task(session.get(Item, 1))
    await asyncio.wait_for(asyncio.create_task(session.get(Item, 2)), 5)
    await asyncio.shield(asyncio.ensure_future(session.get(Item, 3)))
    return await asyncio.create_task(session.get(Item, 4))


async def one_or_the_other(session: AsyncSession, kind):
    if kind == "first":
        task = asyncio.create_task(session.get(Item, 1))
    elif kind == "second":
        task = asyncio.create_task(session.get(Item, 2))
    else:
        if kind == "third":
            return await asyncio.create_task(session.get(Item, 3))
        task = asyncio.create_task(session.get(Item, 4))
    return await task


async def one_of_the_group(session: AsyncSession, kind):
    async with asyncio.TaskGroup() as tasks:
        if kind:
            tasks.create_task(session.get(Item, 1))
        else:
            tasks.create_task(session.get(Item, 2))


async def clients(urls):
    async with httpx.AsyncClient() as session:
        await asyncio.gather(*(fetch(session, u) for u in urls))


async def own(ids):
    async def one(item_id):
        async with get_session() as session:
            return await session.get(Item, item_id)

    return await asyncio.gather(*(one(i) for i in ids))
""",
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """Every place where a session gets into a second coroutine that runs at the same time."""
    awaited = awaited_tasks(program)
    for function in program.functions:
        events = [e for e in function.events if e.kind in ("concurrent", "schedule") or e.text == "schedule"]
        if not events or program.role(function) in ("test", "migration"):
            continue
        for event, session, how in (
            *_together(program, events),
            *_grouped(program, events),
            *pooled(program, events),
            *_started(program, function, events, awaited),
        ):
            yield program.finding(
                META, event,
                f"{described(program, session)} is used by {how} at the same time. Await them one after the "
                "other, or let each open its own session.",
                [program.step(_origin(event, session), "the shared session")],
            )  # fmt: skip
    yield from _by_helpers(program)


def _by_helpers(program: Program) -> Iterator[Finding]:
    """Calls of functions of the project that run what they are given at the same time."""
    together = concurrent_parameters(program)
    reported: set[Site] = set()
    for event in program.events("call") if together else ():
        if event.site in reported or event.callee is None or program.role(event.function) in ("test", "migration"):
            continue
        beside = [(value, False) for parameter, value in event.bindings if together.get(parameter) == BESIDE]
        for parameter, value in event.bindings:
            how = together.get(parameter)
            counts = count(program, [(value, False)]) if how == ELEMENTS else Counter()
            if how == BESIDE:
                counts = count(program, beside)
            if how == CALLED:
                counts.update(dict.fromkeys(sessions_in(program, value), 2))
            counts = Counter({s: n for s, n in counts.items() if not is_foreign(program, event.function, s)})
            session = shared(program, event, counts)
            if session is not None:
                reported.add(event.site)
                yield program.finding(
                    META, event,
                    f"{described(program, session)} is used by coroutines that {event.callee.name}() runs "
                    "at the same time. Await them one after the other, or let each open its own session.",
                    [program.step(_origin(event, session), "the shared session"),
                     program.step(event.callee.site, f"{event.callee.name}() runs {parameter.name!r} concurrently")],
                )  # fmt: skip
                break


def _together(program: Program, events: list[Event]) -> Iterator[tuple[Event, Any, str]]:
    """``gather`` and its kin."""
    for event in events:
        if event.kind != "concurrent" or event.name in GROUPED:
            continue
        counts = _own(program, event, count(program, [(v, False) for v in event.args]))
        session = shared(program, event, counts)
        if session is not None:
            yield event, session, f"the coroutines given to {event.name.rpartition('.')[2]}()"


def _grouped(program: Program, events: list[Event]) -> Iterator[tuple[Event, Any, str]]:
    """Tasks of one task group, started one by one."""
    earlier: dict[Any, list[tuple[Event, int]]] = {}
    full: set[Any] = set()
    turns: dict[Any, set[tuple[Any, str]]] = {}
    for event in events:
        if event.name not in GROUPED:
            continue
        block = group_of(event)
        locked = turns.setdefault(block, set())
        value = event.args[0] if event.name == GROUPED[0] and event.args else started_values(event)
        place = block if isinstance(block, tuple) else None
        many = "loop" in event.flags and (place is None or is_repeated(event.function, event.span, place))
        numbers = count(program, [(value, many)], locked)
        for session, number in ranked(_own(program, event, numbers)):
            group = earlier.setdefault((block, session), [])
            beside = sum(n for e, n in group if not are_apart(event.function, e.span, event.span))
            group.append((event, number))
            first = beside + number > 1 and (block, session) not in full
            full.update(((block, session),) if first else ())
            if first and is_shared(program, event.function, session, number > 1, place):
                if place is not None and opened_by_each(program, event.function, [value], session, place):
                    continue
                yield event, session, "several tasks of the group"
                break
            if number and _used_in_block(event, session):
                yield event, session, "this task and the function that started it"
                break


def _own(program: Program, event: Event, counts: Counter[Any]) -> Counter[Any]:
    """Without what callers bring to a helper: that is theirs to answer for."""
    given = [name for name, _ in given_together(event) if may_bring(program, event.function, name)]
    if not given:
        return counts
    return Counter(
        {
            s: n
            for s, n in counts.items()
            if not is_foreign(program, event.function, s) or comes_beside(program, event.function, given, s)
        }
    )


def _started(
    program: Program, function: FunctionInfo, events: list[Event], awaited: frozenset[Site]
) -> Iterator[tuple[Event, Any, str]]:
    """``create_task`` twice with one session, or once while the function itself goes on using it."""
    gathered = {e for e in events if e.kind == "concurrent"}
    inside = frozenset().union(*(_sites(e) for e in gathered)) if gathered else frozenset()
    running: dict[Any, Event] = {}
    by_helpers = dict(started_by_helpers(events))
    for event in events:
        if not inside.isdisjoint(places_of(event)) or (event.text != "task" and event not in by_helpers):
            continue
        value = by_helpers.get(event, event.value)
        if event not in by_helpers and event.site not in awaited:
            for session in dict.fromkeys(brought(program, value)):
                beside = used_beside(program, function, event, session)
                if beside:
                    yield event, session, beside
                    break
            continue
        kept = (*carriers(program, value), *of_the_request(program, value))
        for session in dict.fromkeys((*brought(program, value), *kept)):
            earlier = running.setdefault(session, event)
            if earlier is not event and not _is_over(function, earlier, event):
                yield event, session, "this task and an earlier one"
            elif _used_meanwhile(function, event, session):
                yield event, session, "this task and the function that started it"
            elif _is_one_of_many(program, event, value, session):
                yield event, session, "the tasks of all rounds"
            else:
                running[session] = event
                continue
            break


def _is_over(function: FunctionInfo, first: Event, second: Event) -> bool:
    """Whether one task was awaited, in its place or later on, before another is started, or never runs beside it."""
    awaits = _waits(function, first)
    if any(first.span[2:] <= e.span[2:] <= second.span[:2] for e in awaits):
        return True
    return are_apart(function, first.span, second.span)


def _waits(function: FunctionInfo, task: Event) -> list[Event]:
    """The awaits of a task."""
    sites = places_of(task)
    return [e for e in function.events if e.kind == "await" and any(a.site in sites for a in e.subject)]


def _is_one_of_many(program: Program, task: Event, value: Value, session: Any) -> bool:
    """Whether rounds of a loop or comprehension start tasks with it, none of which is awaited before the next one."""
    function = task.function
    waits = _waits(function, task)
    if not waits or not all(is_repeated(function, task.span, e.span) for e in waits):
        return False
    if is_left_behind(function, task.span) or opened_by_each(program, function, [value], session, waits[0].span):
        return False
    several = count(program, [(value, True)])[session] > 1
    return several and is_shared(program, function, session, True, waits[0].span)


def _used_meanwhile(function: FunctionInfo, task: Event, session: Any) -> bool:
    """Whether the function uses the session between starting the task and awaiting it."""
    waits = _waits(function, task)
    if not waits:
        return False
    first = min(waits, key=lambda e: e.span)
    return used_meanwhile(task, session, first.span[:2], first)


def _used_in_block(task: Event, session: Any) -> bool:
    """Whether the function goes on using the session in the block whose end waits for the group's task."""
    block = group_of(task)
    if not isinstance(block, tuple):
        return False
    return used_meanwhile(task, session, block[2:])


def _sites(event: Event) -> frozenset[Site]:
    found: list[Site] = []
    pending = [a for v in event.args for a in v]
    while pending:
        atom = pending.pop()
        if atom.tag == "obj":
            found.append(atom.site)
        elif atom.tag == "seq":
            pending.extend(a for item in atom.items for a in item)
    return frozenset(found)


def _origin(event: Event, session: Any) -> Site:
    if session.tag == "handle":
        site: Site = session.site
        return site
    info = session.info if session.tag == "param" else event.function
    span = next((p[4] for p in info.params if p[0] == getattr(session, "name", None)), info.header)
    return (info.path, span)
