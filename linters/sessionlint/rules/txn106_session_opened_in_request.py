"""TXN106: an endpoint, service or model opens its own session, or an endpoint injects another than the approved one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sessionlint.facts import ir
from sessionlint.facts.ir import Span4
from sessionlint.program import middleware
from sessionlint.program.entries import starts_or_stops, takes_session
from sessionlint.program.model import Effect
from sessionlint.program.values import Dependency, Handle
from sessionlint.report import Finding
from sessionlint.rules.background_work import captured_sessions
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.handed_units import ENTERS, is_handed_in
from sessionlint.rules.opening import (
    RECEIVERS,
    approved_by_policy,
    held_in,
    holders,
    hops,
    injections,
    is_approved,
    main_handle,
    once,
    opened_by_config,
    origin_of,
    outlives_request,
    reads_kept,
    shown,
    sources,
    text,
    way,
)
from sessionlint.rules.remedies import nearest_dependency, opening, runs_by_itself
from sessionlint.rules.runners import session_run_with
from sessionlint.rules.second_sessions import second_sessions
from sessionlint.rules.session_decorators import session_decorators
from sessionlint.rules.transactions import opened_and_kept
from sessionlint.rules.units_from_approved import is_from_approved

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import ClassInfo, Event, FunctionInfo
    from sessionlint.program.values import Value

META = Rule(
    code="TXN106",
    name="session-opened-in-request",
    summary=(
        "An endpoint, a service or a model opens its own session, or an endpoint injects anything but the approved "
        "dependency."
    ),
    rationale=(
        "A request that opens a second session holds two connections and two transactions: rows written in one "
        "are invisible in the other, one can commit while the other rolls back, and with all requests holding one "
        "connection and waiting for a second, a full pool never empties (the waiters sleep the whole "
        "`pool_timeout`). Tests that override the dependency do not reach it either. The finding stands where it is "
        "opened, or at the parameter that injects another."
    ),
    remedy=(
        "The endpoint receives the session with the approved `Depends(…)` and hands it to its services as a "
        "parameter. Work that needs a session of its own is background work: schedule it after the transaction."
    ),
    not_flagged=(
        "Background functions, wherever they are written, with what they were given to call "
        "(`add_task(logged, work)`, `add_task(Job(work).run)`, a queue's worker) and what only they call in their file "
        "or class; "
        "dependencies, authentication first of all, that open a short session of their own and close it (what they "
        "read on the endpoint's has begun its transaction, TXN206); websocket endpoints, with what only they call in "
        "their file, and the generators of streamed answers (in services, too), which would hold an injected session "
        "for as long as they run (TXN212); "
        "lifespans and what else runs when the application starts or ends; middleware, which is handed none; "
        "what answers for an application's errors, when the request's session is gone; what is given the messages of "
        "bots, brokers, sockets and the database (aiogram, aio-pika, NATS, MQTT, Socket.IO, LISTEN…), or the events of "
        "Litestar, the tools, "
        "resources and prompts of an MCP server, and what a GraphQL server calls (resolvers, subscriptions, loaders, "
        "extensions, permissions: the fields of one request run at the same time); "
        "a unit of work that the approved dependency injected, or that was passed in by who may open one: to enter it "
        "is to use it; "
        "functions in files that belong to no layer (an endpoint or service that has such a function open a session "
        "and run something with it, as in `@with_session` or `in_session(save)`, is flagged where it says so); "
        "sessions of unapproved origin, which TXN101, TXN104 and TXN105 report."
    ),
    program_wide=True,
)

BAD = [
    Bad(
        """
# --- app/services/items.py
from app.session import get_session
from app.wrappers import audited


async def load(item_id):
    async with get_session() as session:  # TXN106@16
        return await session.get(object, item_id)


class ItemService:
    async def save(self, row):
        async with audited("save") as session, session.begin():  # TXN106@20
            session.add(row)
# --- app/wrappers.py
from contextlib import asynccontextmanager

from app import session as sessions


@asynccontextmanager
async def audited(action):
    async with sessions.get_session() as session:
        yield session


async def wrapped():
    async with sessions.get_session() as session:
        yield session
# --- app/repositories.py
from contextlib import asynccontextmanager

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import get_session


class Items:
    def __init__(self, session):
        self.session = session

    async def load(self, item_id):
        return await self.session.get(object, item_id)


class Drafts(BaseModel):
    session: AsyncSession

    async def load(self, item_id):
        return await self.session.get(object, item_id)


@asynccontextmanager
async def items():
    async with get_session() as session:
        yield Items(session)


async def draft_rows(session):
    return Drafts(session=session)


@asynccontextmanager
async def drafts():
    async with get_session() as session:
        yield await draft_rows(session)
# --- app/routers/items.py
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.repositories import drafts, items
from app.session import get_session, get_session_dependency
from app.wrappers import wrapped

router = APIRouter()
Db = Annotated[AsyncSession, Depends(get_session)]


@router.get("/a")
async def endpoint(item_id: int):
    async with get_session() as session:  # TXN106@16
        return await session.get(object, item_id)


@router.get("/b")
async def context(session: AsyncSession = Depends(get_session)):  # TXN106@43
    return session


@router.get("/c")
async def wrapper(session: AsyncSession = Depends(wrapped)):  # TXN106@43
    return session


@router.get("/d")
async def alias(session: Db):  # TXN106@17
    return session


@router.get("/e")
async def by_hand():
    async for session in get_session_dependency():  # TXN106@26
        return session


async def helper(item_id):
    async with get_session() as session:  # TXN106@16
        return await session.get(object, item_id)


@router.get("/g")
async def repository(item_id: int):
    async with items() as rows:  # TXN106@16
        return await rows.load(item_id)


@router.get("/h")
async def model(item_id: int):
    async with drafts() as rows:  # TXN106@16
        return await rows.load(item_id)


def outer():
    @router.get("/f")
    async def nested():
        async with get_session() as session:  # TXN106@20
            return session
"""
    ),
    Bad(
        """
# --- app/services/workers.py
import asyncio

from app.session import get_session


class Worker:
    async def start(self):
        await self.process(1)

    async def process(self, item_id):
        raise NotImplementedError


class Counting(Worker):
    async def process(self, item_id):
        async with get_session() as session:
            await session.get(object, item_id)
        await count(item_id)


async def count(item_id):
    async with get_session() as session:  # TXN106@16
        await session.get(object, item_id)


def begin(worker: Worker):
    return asyncio.create_task(worker.start())
# --- app/routers/items.py
from fastapi import APIRouter

from app.services.workers import count

router = APIRouter()


@router.get("/count")
async def read(item_id: int):
    await count(item_id)
"""
    ),
    Bad(
        """
# --- app/session.py
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

factory = async_sessionmaker(create_async_engine("postgresql+asyncpg://db/app"))


class UnitOfWork:
    session: AsyncSession

    async def __aenter__(self):
        self.session = factory()
        return self

    async def __aexit__(self, *error):
        await self.session.close()


class Reading:
    def __init__(self, session):
        self.session = session

    async def __aenter__(self):
        return self

    async def __aexit__(self, *error):
        self.session.expunge_all()


async def get_unit():
    async with UnitOfWork() as unit:
        yield unit
# --- app/routers/items.py
from fastapi import APIRouter, Depends

from app.session import Reading, UnitOfWork, get_unit

router = APIRouter()


@router.get("/items")
async def items():
    async with UnitOfWork() as unit:  # TXN106@16
        return await unit.session.get(object, 1)


@router.get("/own")
async def own(unit: UnitOfWork = Depends(get_unit)):
    async with Reading(unit.session) as reading:
        return await reading.session.get(object, 1)
# --- app/tasks/nightly.py
from app.session import UnitOfWork


async def run():
    async with UnitOfWork() as unit:
        await unit.session.get(object, 1)
""",
        policy=(
            ("session-dependencies", ["app.session.get_unit"]),
            ("session-contexts", ["app.session.UnitOfWork", "app.session.Reading"]),
        ),
    ),
    Bad(
        """
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, AsyncExitStack
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

SessionFactory = Callable[[], AbstractAsyncContextManager[AsyncSession]]


class Orders:
    def __init__(self, session_factory: SessionFactory) -> None:
        self.session_factory = session_factory

    async def one(self, order_id):
        async with self.session_factory() as session:  # TXN106@20
            return await session.get(object, order_id)

    async def two(self, order_id):
        opened = self.session_factory()  # TXN106@18
        async with opened as session:
            return await session.get(object, order_id)

    async def three(self, order_id):
        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(self.session_factory())  # TXN106@55
            return await session.get(object, order_id)


class Reports:
    make: Callable[..., AbstractContextManager[Session]]

    def rows(self):
        with self.make(timeout=5) as session:  # TXN106@14
            return session.get(object, 1)


async def count(make: Callable[..., AsyncSession]):
    async with make() as session:  # TXN106@16
        return await session.get(object, 1)


class Opens(Protocol):
    def __call__(self) -> AbstractAsyncContextManager[AsyncSession]: ...


class Lists:
    def __init__(self, opens: Opens) -> None:
        self.opens = opens

    async def rows(self):
        async with self.opens() as session:  # TXN106@20
            return await session.execute(object)
"""
    ),
    Bad(
        """
# --- app/session.py
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from app.settings import settings

engine = create_async_engine(settings.database_url)


@asynccontextmanager
async def get_session():
    async with AsyncSession(engine) as session:
        yield session


async def get_session_dependency():
    def start():
        return AsyncSession(engine)

    yield start


async def starter():
    def start():
        return AsyncSession(engine)

    yield start
# --- app/routers/crates.py
from fastapi import APIRouter, Depends

from app.session import get_session_dependency, starter

router = APIRouter()


@router.get("/crates")
async def crates(start=Depends(get_session_dependency)):
    async with start() as session:  # TXN106@16
        return await session.get(object, 1)
"""
    ),
    Bad(
        """
# --- app/services/ledger.py
from sqlalchemy import select

from app.session import get_session


async def lines():
    async with get_session() as session:  # TXN106@16
        async for line in await session.stream_scalars(select(object)):
            yield line


async def total():
    return sum([line async for line in lines()])
# --- app/routers/ledger.py
from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from app.services.ledger import total

router = APIRouter()


@router.get("/total")
async def whole():
    return StreamingResponse([str(await total())])
"""
    ),
    Bad(
        """
# --- app/session.py
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

maker = async_sessionmaker(create_async_engine("postgresql+asyncpg://db/app"))


class Shift:
    def __init__(self, opens):
        self.opens = opens
        self.session = None

    async def __aenter__(self):
        self.session = self.opens()
        return self

    async def __aexit__(self, *error):
        await self.session.close()


class Borrowed:
    def __init__(self, session):
        self.session = session

    async def __aenter__(self):
        return self.session

    async def __aexit__(self, *error):
        await self.session.flush()
# --- app/routers/shifts.py
from fastapi import APIRouter, Depends, Request

from app.session import Borrowed, Shift, get_session_dependency, maker

router = APIRouter()


@router.get("/shifts")
async def shifts():
    async with Shift(maker) as shift:  # TXN106@16
        return await shift.session.get(object, 1)


@router.get("/shifts/mine")
async def mine(session=Depends(get_session_dependency)):
    async with Borrowed(session) as borrowed:
        return await borrowed.get(object, 1)
# --- app/tasks/nightly.py
from app.session import Shift, maker


async def run():
    async with Shift(maker) as shift:
        await shift.session.get(object, 1)
""",
        policy=(("session-dependencies", []), ("session-contexts", [])),
    ),
    Bad(
        """
# --- app/session.py
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

maker = async_sessionmaker(create_async_engine("postgresql+asyncpg://db/app"))


class Counter:
    session: AsyncSession

    def __init__(self):
        self.closed = False

    async def __aenter__(self):
        self.session = maker()
        return self

    async def __aexit__(self, *error):
        await self.session.close()


def get_counter():
    return Counter()
# --- app/deps.py
from app.session import Counter


def spare_counter():
    return Counter()
# --- app/services/sales.py
from dataclasses import dataclass
from typing import Protocol

from app.session import Counter


async def sell(counter: Counter, key):
    async with counter:  # TXN106@16
        return await counter.session.get(object, key)


class Sales:
    def __init__(self, counter=None):
        self.counter = counter or Counter()

    async def first(self):
        async with self.counter as open_counter:  # TXN106@20
            return await open_counter.session.get(object, 1)


class Shift:
    def __init__(self, counter):
        self.counter = counter

    async def first(self):
        async with self.counter:  # TXN106@20
            return await self.counter.session.get(object, 1)


class Counts(Protocol):
    async def __aenter__(self): ...

    async def __aexit__(self, *error): ...


@dataclass
class Till:
    counter: Counts

    async def first(self):
        async with self.counter:  # TXN106@20
            return await self.counter.session.get(object, 1)


async def ready(counter=Counter()):
    async with counter:  # TXN106@16
        return await counter.session.get(object, 1)
# --- app/routers/sales.py
from fastapi import APIRouter, Depends

from app.deps import spare_counter
from app.services.sales import Sales, Shift, Till, ready, sell
from app.session import Counter

router = APIRouter()


@router.get("/made/{key}")
async def made(key: int):
    counter = Counter()
    return await sell(counter, key), await Sales().first(), await Shift(Counter()).first(), await ready()


@router.get("/till")
async def till():
    return await Till(counter=Counter()).first()


@router.get("/spare/{key}")
async def spare(key: int, counter: Counter = Depends(spare_counter)):
    async with counter:  # TXN106@16
        return await counter.session.get(object, key)
""",
        policy=(
            ("session-dependencies", ["app.session.get_counter"]),
            ("session-contexts", ["app.session.Counter"]),
        ),
    ),
    Bad(
        """
# --- app/lending.py
from app.session import get_session


async def in_session(work, *args):
    async with get_session() as session, session.begin():
        return await work(session, *args)


async def count(key):
    async with get_session() as session:
        return await session.get(object, key)


class Lender:
    async def run(self, work):
        async with get_session() as session:
            return await work(session)
# --- app/services/loans.py
from app.lending import Lender, count, in_session

lender = Lender()


async def load(loan_id):
    async def work(session):
        return await session.get(object, loan_id)

    return await in_session(work)  # TXN106@18


async def known(session, loan_id):
    return await session.get(object, loan_id)


async def load_known(loan_id):
    await count(loan_id)
    return await in_session(known, loan_id)  # TXN106@18
# --- app/routers/loans.py
from fastapi import APIRouter

from app.services.loans import lender

router = APIRouter()


@router.get("/loans")
async def loans():
    return await lender.run(lambda session: session.get(object, 1))  # TXN106@18
# --- app/tasks/loans.py
from app.lending import in_session


async def nightly():
    return await in_session(lambda session: session.get(object, 1))
"""
    ),
    Bad(
        """
# --- app/readers.py
import random


class Readers:
    def __init__(self, makers):
        self._makers = makers

    def read(self):
        return random.choice(self._makers)()


readers = Readers([])


class Reading:
    async def __aenter__(self):
        self.session = readers.read()
        return self.session

    async def __aexit__(self, *details):
        await self.session.close()


class Reader:
    async def __aenter__(self):
        return readers.read()

    async def __aexit__(self, *details):
        return None
# --- app/services/items.py
from app.models.item import Item
from app.readers import Reader, Reading


async def item(number):
    async with Reading() as session:  # TXN106@16
        return await session.get(Item, number)


async def other(number):
    async with Reader() as store:
        return await store.get(Item, number)
""",
        policy=(("session-contexts", ["app.readers.Reading"]),),
    ),
    Bad(
        """
# --- app/routers/gate.py
from fastapi import APIRouter, WebSocket

from app.session import get_session

router = APIRouter()


async def owner_of(token):
    async with get_session() as session:  # TXN106@16
        return await session.get(object, token)


@router.websocket("/watch")
async def watch(socket: WebSocket):
    await socket.accept()
    await socket.send_json(await owner_of(socket.headers["x-token"]))


@router.get("/owner")
async def owner(token: str):
    return await owner_of(token)
# --- app/services/mailbox.py
import aio_pika

from app.session import get_session


async def on_letter(letter):
    return await read(letter.body)


async def read(letter):
    async with get_session() as session:  # TXN106@16
        return await session.get(object, letter)


async def listen(queue: aio_pika.abc.AbstractQueue):
    await queue.consume(on_letter)
# --- app/routers/letters.py
from fastapi import APIRouter

from app.services.mailbox import read

router = APIRouter()


@router.get("/letters/{letter}")
async def letter(letter: str):
    return await read(letter)
"""
    ),
    Bad(
        """
# --- app/ledgers.py
from app.session import factory


class Ledger:
    async def __aenter__(self):
        self.session = factory()
        return self

    async def __aexit__(self, kind, error, trace):
        await (self.session.rollback() if kind else self.session.commit())
        await self.session.close()


async def get_ledger() -> Ledger:
    return Ledger()
# --- app/session.py
import os

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

factory = async_sessionmaker(create_async_engine(os.environ["DATABASE_URL"]))
# --- app/routers/rates.py
from fastapi import APIRouter, Depends

from app.ledgers import Ledger, get_ledger

router = APIRouter()


@router.post("/a")
async def injected(row: dict, ledger: Ledger = Depends(get_ledger)):
    async with ledger:
        ledger.session.add(row)


@router.post("/b")
async def in_one(row: dict):
    async with await get_ledger() as ledger:  # TXN106@22
        ledger.session.add(row)


@router.post("/c")
async def in_two(row: dict):
    ledger = await get_ledger()
    async with ledger:  # TXN106@16
        ledger.session.add(row)
""",
        policy=(
            ("session-modules", ["app/session.py", "app/ledgers.py"]),
            ("session-dependencies", ["app.ledgers.get_ledger"]),
            ("session-contexts", ["app.ledgers.get_ledger"]),
        ),
    ),
    Bad(
        """
# --- app/routers/jars.py
from contextlib import asynccontextmanager

from litestar import Litestar, get
from litestar.events import listener

from app.session import get_session


@get("/jars")
async def jars() -> list:
    async with get_session() as session:  # TXN106@16
        return list(await session.scalars("select 1"))


async def warm() -> None:
    async with get_session() as session:
        await session.scalars("select 1")


async def cool(app: Litestar) -> None:
    async with get_session() as session:
        await session.scalars("select 1")


@asynccontextmanager
async def open_all_day(app: Litestar):
    async with get_session() as session:
        await session.scalars("select 1")
    yield


@listener("jar_put_up")
async def count(jar: int) -> None:
    async with get_session() as session, session.begin():
        session.add(jar)


def create_app() -> Litestar:
    async def preload() -> None:
        async with get_session() as session:
            await session.scalars("select 1")

    return Litestar(
        [jars], on_startup=[warm, preload], on_shutdown=[cool], lifespan=[open_all_day], listeners=[count]
    )
""",
    ),
    Bad(
        """
# --- app/middleware.py
from starlette.middleware.base import BaseHTTPMiddleware

from app.session import get_session


class Kept(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        async with get_session() as session:
            request.state.session = session
            return await call_next(request)
# --- app/routers/cranes.py
from fastapi import APIRouter, Depends, Request

router = APIRouter()


def kept(request: Request):
    return request.state.session


@router.get("/cranes")
async def read(session=Depends(kept)):  # TXN106@24
    return await session.connection()
# --- app/main.py
from fastapi import FastAPI

from app.middleware import Kept
from app.routers.cranes import router

app = FastAPI()
app.add_middleware(Kept)
app.include_router(router)
"""
    ),
    Bad(
        """
# --- app/jobs.py
async def logged(function):
    await function()
# --- app/routers/items.py
from fastapi import APIRouter, BackgroundTasks

from app.jobs import logged
from app.session import get_session

router = APIRouter()


@router.post("/items/later")
async def later(key: int, tasks: BackgroundTasks):
    async def work():
        async with get_session() as session:
            await session.get(object, key)

    tasks.add_task(logged, work)


@router.post("/items/now")
async def now(key: int):
    async def work():
        async with get_session() as session:  # TXN106@20
            await session.get(object, key)

    await logged(work)
"""
    ),
    Bad(
        """
# --- app/routers/shelves.py
from fastapi import APIRouter

from app.session import get_session


class Shelves:
    def __init__(self):
        self.manager = get_session()
        self.session = self.manager.__enter__()  # TXN106@24
        self.router = APIRouter()
        self.router.add_api_route("/shelves", self.show, methods=["GET"])

    def show(self, key: int):
        return self.session.get(object, key)


shelves = Shelves()


@shelves.router.get("/more")
def more(key: int):
    return Shelves().show(key)  # TXN106@12
# --- app/session.py
from contextlib import contextmanager

from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

factory = sessionmaker(create_engine("postgresql://db/app"))


@contextmanager
def get_session():
    with factory() as session:
        yield session
"""
    ),
]

GOOD = [
    Good(
        path="app/services/activities.py",
        source="""
from temporalio import activity

from app.session import get_session


class Activities:
    @staticmethod
    @activity.defn
    async def load(item_id: str) -> object:
        async with get_session() as session:
            return await session.get(object, item_id)


@activity.defn(name="store")
async def store(item_id: str) -> object:
    async with get_session() as session:
        return await session.get(object, item_id)
""",
    ),
    Good(
        """
# --- app/services/worker.py
from abc import ABC, abstractmethod


class Worker(ABC):
    async def start(self):
        while True:
            await self.process(1)

    @abstractmethod
    async def process(self, item_id): ...
# --- app/services/volumes.py
import dramatiq

from app.services.worker import Worker
from app.session import get_session


class VolumeWorker(Worker):
    async def process(self, item_id):
        async with get_session() as session:
            await session.get(object, item_id)
        await self._step(item_id)
        await measure(item_id)

    async def _step(self, item_id):
        async with get_session() as session:
            await session.get(object, item_id)


async def measure(item_id):
    async with get_session() as session:
        await session.get(object, item_id)


class Task:
    async def __call__(self, item_id):
        await self.run(item_id)

    async def run(self, item_id):
        raise NotImplementedError


class Sweep(Task):
    async def run(self, item_id):
        async with get_session() as session:
            await session.get(object, item_id)


sweep = dramatiq.actor(Sweep())
# --- app/main.py
import asyncio

from app.services.worker import Worker


class Pipeline:
    def __init__(self, workers: list[Worker]):
        self._workers = workers

    def start(self):
        self._tasks = [asyncio.create_task(worker.start()) for worker in self._workers]
""",
        path="app/services/worker.py",
    ),
    Good(
        """
# --- app/routers/items.py
import asyncio
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends, WebSocket
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from app.clients import at_hand, client, rows_at_hand, rows_of
from app.deps import current_user
from app.services.items import load, refresh
from app.session import get_session, get_session_dependency

router = APIRouter()
Db = Annotated[AsyncSession, Depends(get_session_dependency)]


@router.get("/a")
async def endpoint(tasks: BackgroundTasks, session: Db, user=Depends(current_user)):
    async def later():
        async with get_session() as own:
            await own.get(object, 1)

    row = await load(session, 1)
    tasks.add_task(refresh, 1)
    asyncio.create_task(later())
    return row, user


@router.get("/stream")
async def stream():
    async def rows():
        async with get_session() as own:
            yield await own.get(object, 1)

    return StreamingResponse(rows())


@router.websocket("/socket")
async def socket(websocket: WebSocket):
    while True:
        item_id = await websocket.receive_text()
        async with get_session() as own:
            await websocket.send_json(await own.get(object, item_id))


@router.get("/b")
async def plain(session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        return await load(session, 1)


@router.get("/c")
async def others(session: AsyncSession = Depends(get_session_dependency)):
    async with client() as api, rows_of(session) as rows:
        return await api.fetch(await rows.load(1))


class Archive:
    def __init__(self, session: AsyncSession):
        self.session = session

    async def read(self):
        async with rows_at_hand(session=self.session) as rows, at_hand(self.session) as session:
            return await rows.load(1), await session.get(object, 2)


@router.get("/d")
async def given(session: AsyncSession = Depends(get_session_dependency)):
    async with rows_at_hand(session=session) as rows, at_hand(session) as same:
        return await rows.load(1), await same.get(object, 2), await Archive(session).read()
# --- app/clients.py
from contextlib import asynccontextmanager

from app.session import get_session


class Client:
    def __init__(self, token):
        self.token = token

    async def fetch(self, item):
        return item, self.token


class Rows:
    def __init__(self, session):
        self.session = session

    async def load(self, item_id):
        return await self.session.get(object, item_id)


@asynccontextmanager
async def client():
    async with get_session() as session:
        token = await session.get(object, 1)
    yield Client(token)


@asynccontextmanager
async def rows_of(session):
    yield Rows(session)


@asynccontextmanager
async def rows_at_hand(*, session=None):
    if session is not None:
        yield Rows(session)
    else:
        async with get_session() as session:
            yield Rows(session)


@asynccontextmanager
async def at_hand(session=None):
    if session:
        yield session
    else:
        async with get_session() as opened:
            yield opened
# --- app/services/items.py
from app.session import get_session


async def load(session, item_id):
    return await session.get(object, item_id)


async def refresh(item_id):
    async with get_session() as session, session.begin():
        await session.get(object, item_id)
# --- app/deps.py
from app.session import get_session


async def current_user(token: str):
    async with get_session() as session:
        return await session.get(object, token)
# --- app/tasks/nightly.py
from app.session import get_session


async def run():
    async with get_session() as session:
        await session.get(object, 1)
"""
    ),
    Good(
        """
# --- app/services/orders.py
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import httpx
from sqlalchemy.ext.asyncio import AsyncSession


class Orders:
    def __init__(
        self,
        current: Callable[[], AsyncSession],
        client: Callable[[], AbstractAsyncContextManager[httpx.AsyncClient]],
        savepoint: Callable[[AsyncSession], AbstractAsyncContextManager[AsyncSession]],
    ) -> None:
        self.current = current
        self.client = client
        self.savepoint = savepoint

    async def one(self, order_id):
        return await self.current().get(object, order_id)

    async def two(self):
        async with self.client() as client:
            return await client.get("https://example.com")

    async def three(self, session: AsyncSession):
        async with self.savepoint(session) as inner:
            await inner.get(object, 1)
# --- app/tasks/nightly.py
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from sqlalchemy.ext.asyncio import AsyncSession


async def run(make: Callable[[], AbstractAsyncContextManager[AsyncSession]]):
    async with make() as session:
        await session.get(object, 1)
# --- app/services/lists.py
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession


class Opens(Protocol):
    def __call__(self) -> AbstractAsyncContextManager[AsyncSession]: ...


class Lists:
    def __init__(self, opens: Opens) -> None:
        self.opens = opens

    async def rows(self):
        async with self.opens() as session:
            return await session.execute(object)


def lists(session: AsyncSession):
    return Lists(lambda: nullcontext(session))
"""
    ),
    Good(
        """
# --- app/services/ledger.py
from sqlalchemy import select

from app.session import get_session


class Ledger:
    def __init__(self, year: int):
        self.year = year

    async def lines(self):
        async with get_session() as session:
            async for line in await session.stream_scalars(select(object)):
                yield line


async def totals():
    async with get_session() as session:
        yield await session.scalar(select(object))


async def numbered(lines):
    number = 0
    async for line in lines:
        number += 1
        yield f"{number}: {line}"
# --- app/routers/ledger.py
from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from app.services.ledger import Ledger, numbered, totals

router = APIRouter()


class Sheet(StreamingResponse):
    media_type = "text/csv"


def sheet(rows):
    return Sheet(rows)


@router.get("/lines/{year}")
async def lines(year: int):
    return sheet(Ledger(year).lines())


@router.get("/totals")
async def whole():
    return StreamingResponse(content=numbered(totals()))
"""
    ),
    Good(
        """
# --- app/session.py
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

maker = async_sessionmaker(create_async_engine("postgresql+asyncpg://db/app"))


class Counter:
    session: AsyncSession

    def __init__(self):
        self.closed = False

    async def __aenter__(self):
        self.session = maker()
        return self

    async def __aexit__(self, *error):
        await self.session.close()


class Drawer:
    def __init__(self):
        self.session = None

    async def __aenter__(self):
        self.session = maker()
        return self.session

    async def __aexit__(self, *error):
        await self.session.close()


def get_counter():
    return Counter()
# --- app/services/sales.py
from dataclasses import dataclass
from typing import Protocol

from app.session import Counter


async def sell(counter: Counter, key):
    async with counter:
        return await counter.session.get(object, key)


class Sales:
    def __init__(self, counter: Counter):
        self.counter = counter

    async def first(self):
        async with self.counter as open_counter:
            return await open_counter.session.get(object, 1)


class Counts(Protocol):
    async def __aenter__(self): ...

    async def __aexit__(self, *error): ...


@dataclass
class Till:
    counter: Counts

    async def first(self):
        async with self.counter:
            return await self.counter.session.get(object, 1)


async def look(drawer):
    async with drawer as session:
        return await session.get(object, 1)
# --- app/tasks/closing.py
from app.services.sales import sell
from app.session import Counter


async def close():
    await sell(Counter(), 1)
# --- app/routers/sales.py
from typing import Annotated

from fastapi import APIRouter, Depends

from app.services.sales import Sales, Till, look, sell
from app.session import Counter, Drawer, get_counter

router = APIRouter()
Given = Annotated[Counter, Depends(get_counter)]


def get_sales(counter: Given) -> Sales:
    return Sales(counter)


@router.get("/own/{key}")
async def own(key: int, counter: Given):
    async with counter:
        return await counter.session.get(object, key)


@router.get("/on/{key}")
async def on(key: int, counter: Given):
    return await sell(counter, key), await Sales(counter).first(), await Till(counter).first()


@router.get("/service")
async def service(sales: Annotated[Sales, Depends(get_sales)]):
    return await sales.first()


@router.get("/drawer")
async def drawer(drawer: Annotated[Drawer, Depends()]):
    async with drawer as session:
        return await session.get(object, 1)


@router.get("/drawer/on")
async def drawer_on(drawer: Drawer = Depends(Drawer)):
    return await look(drawer)
""",
        policy=(
            ("session-dependencies", ["app.session.get_counter", "app.session.Drawer"]),
            ("session-contexts", ["app.session.Counter"]),
        ),
    ),
    Good(
        """
# --- app/services/mailbox.py
import asyncio

import aio_pika
import aiocron
import asyncpg_listen
import nats
import paho.mqtt.client as mqtt
import schedule
import socketio
from airflow.decorators import task
from fastapi import FastAPI
from fastapi.responses import JSONResponse

from app.session import get_session

sio = socketio.AsyncServer()


@sio.event
async def greeted(sid, data):
    async with get_session() as session:
        return await session.get(object, data["id"])


@sio.on("parcel")
async def parcel(sid, data):
    return await found(data["id"])


async def found(parcel_id):
    async with get_session() as session:
        return await session.get(object, parcel_id)


class Parcels(socketio.AsyncNamespace):
    async def on_lost(self, sid, data):
        async with get_session() as session:
            return await session.get(object, data["id"])


async def on_letter(letter):
    async with get_session() as session:
        await session.get(object, letter.body)


async def on_card(card):
    async with get_session() as session:
        await session.get(object, card.data)


async def on_notice(notice):
    async with get_session() as session:
        await session.get(object, notice.payload)


async def measured(reading):
    async with get_session() as session:
        await session.get(object, reading)


def on_reading(client, userdata, message):
    asyncio.run(measured(message.payload))


async def listen(url):
    connection = await aio_pika.connect_robust(url)
    channel = await connection.channel()
    queue = await channel.declare_queue("letters")
    await queue.consume(on_letter)
    cards = await nats.connect(url)
    await cards.subscribe("cards", cb=on_card)
    await asyncpg_listen.NotificationListener(asyncpg_listen.connect_func()).run({"notices": on_notice})


def measure():
    client = mqtt.Client()
    client.on_message = on_reading
    client.loop_start()


async def failed(request, error):
    async with get_session() as session:
        await session.get(object, str(error))
    return JSONResponse({}, 500)


def install(app: FastAPI):
    app.add_exception_handler(KeyError, failed)


@aiocron.crontab("0 * * * *")
async def tidy():
    async with get_session() as session:
        await session.get(object, 1)


async def count():
    async with get_session() as session:
        await session.get(object, 1)


def counted():
    asyncio.run(count())


schedule.every(5).minutes.do(counted)


@task
def weekly():
    asyncio.run(weigh())


async def weigh():
    async with get_session() as session:
        await session.get(object, 1)
"""
    ),
    Good(
        """
# --- app/routers/gate.py
from fastapi import APIRouter, WebSocket

from app.session import get_session

router = APIRouter()


async def owner_of(token):
    async with get_session() as session:
        return await session.get(object, token)


@router.websocket("/watch")
async def watch(socket: WebSocket):
    await socket.accept()
    await socket.send_json(await owner_of(socket.headers["x-token"]))
"""
    ),
    Good(
        """
# --- app/services/bot.py
from aiogram import BaseMiddleware, Dispatcher

from app.session import get_session

dispatcher = Dispatcher()


class Opening(BaseMiddleware):
    async def __call__(self, handler, event, data):
        async with get_session() as session:
            data["session"] = session
            return await handler(event, data)


@dispatcher.message.outer_middleware()
async def opening(handler, event, data):
    async with get_session() as session:
        data["session"] = session
        return await handler(event, data)
"""
    ),
    Good(
        """
# --- app/jobs.py
import asyncio
import logging

waiting = asyncio.Queue()


def run_later(tasks, function, *args):
    async def safely():
        try:
            await function(*args)
        except Exception:
            logging.exception("%s failed", function)
            raise

    tasks.add_task(safely)


async def logged(function):
    try:
        await function()
    except Exception:
        logging.exception("%s failed", function)
        raise


class Job:
    def __init__(self, function):
        self.function = function

    @property
    def tracked(self):
        async def wrapper():
            await logged(self.function)

        return wrapper

    async def run(self):
        await logged(self.function)


class Jobs:
    def create(self, function):
        return Job(function)


async def drain():
    while True:
        function = await waiting.get()
        await logged(function)


def start():
    return asyncio.create_task(drain())
# --- app/routers/items.py
from fastapi import APIRouter, BackgroundTasks

from app.jobs import Job, Jobs, logged, run_later, waiting
from app.session import get_session

router = APIRouter()
jobs = Jobs()


@router.post("/items/helper")
async def by_helper(key: int, tasks: BackgroundTasks):
    async def work():
        async with get_session() as session, session.begin():
            await session.get(object, key)

    run_later(tasks, work)


@router.post("/items/argument")
async def as_argument(key: int, tasks: BackgroundTasks):
    async def work():
        async with get_session() as session, session.begin():
            await session.get(object, key)

    tasks.add_task(logged, work)


@router.post("/items/object")
async def by_object(key: int, tasks: BackgroundTasks):
    async def work():
        async with get_session() as session, session.begin():
            await session.get(object, key)

    tasks.add_task(Job(work).run)


@router.post("/items/property")
async def by_property(key: int, tasks: BackgroundTasks):
    async def work():
        async with get_session() as session, session.begin():
            await session.get(object, key)

    tasks.add_task(jobs.create(work).tracked)


@router.post("/items/queue")
async def by_queue(key: int):
    async def work():
        async with get_session() as session, session.begin():
            await session.get(object, key)

    waiting.put_nowait(work)
"""
    ),
]

_MOVE = "No request runs it, and nobody hands it a session: move it to a file of its own, of no layer of requests."
_SESSIONS = frozenset({"session", "connection", "driver connection"})
_MAKES = "__init__"
_OPENS = (*ENTERS, _MAKES)
_RECEIVED = ("injected", "param")
_CREATES = Effect("create", "session")


def check(program: Program) -> Iterator[Finding]:
    """Openings by those who receive sessions, and injections beside the approved one."""
    yield from once(_found(program))


def _found(program: Program) -> Iterator[Finding]:
    # beside one that the function opened itself TXN107 says what there is to say
    told = {second.event.site for second in second_sessions(program) if second.first.tag not in _RECEIVED}
    for event in program.events("obtain", "create"):
        if event.site not in told and _opens_its_own(program, event):
            message = f"{text(event)} opens a session of its own in {_where(program, event.function)}. "
            handle = main_handle(event.subject)
            trace = hops(program, event, handle) if handle is not None else []
            yield program.finding(META, event, message + _advice(program, event.function, event.subject), trace)
    seen = {event.site for event in program.events("obtain", "create")}
    for event in program.events("declared"):
        if event.site in seen:
            continue  # what it calls is in sight
        given = any(program.sessions(value) for value in event.args)
        if "context" in event.flags and not given and _receives(program, event.function):
            message = f"{text(event)} opens a session of its own in {_where(program, event.function)}. "
            yield program.finding(META, event, message + _advice(program, event.function, event.subject))
    for event in program.events("call"):
        handle = _behind_holder(program, event)
        if handle is not None and event.site not in told:
            message = (
                f"{text(event)} opens a session of its own in {_where(program, event.function)}, in what it hands "
            )
            trace = hops(program, event, handle)
            yield program.finding(META, event, f"{message}out. {_advice(program, event.function, (handle,))}", trace)
        unit = _unit(program, event)
        if unit is not None and event.site not in told:
            message = f"{_as_written(event, unit)} opens a session of its own in {_where(program, event.function)}. "
            message += _advice(program, event.function) + _if_meant(program, event)
            trace = program.effect_trace(event.callee, _CREATES) if event.callee is not None else []
            yield program.finding(META, event, message, trace)
        run_with = session_run_with(program, event)
        if run_with is not None and event.site not in told and _receives(program, event.function):
            message = f"{text(event)} opens a session of its own in {_where(program, event.function)}. "
            trace = hops(program, event, run_with)
            yield program.finding(META, event, message + _advice(program, event.function, (run_with,)), trace)
    yield from _decorated(program)
    if program.policy.session_dependencies:
        yield from _injected(program)


def _decorated(program: Program) -> Iterator[Finding]:
    """Decorators of no layer that hand in a session they open; in a layer, that is told where they open it."""
    for decorator, wrapped in program.shared(session_decorators).items():
        openings = list(_opened_in(program, decorator)) if not is_approved(program, decorator) else []
        for function in dict.fromkeys(wrapped) if openings and program.role(decorator) not in RECEIVERS else ():
            if _receives(program, function):
                event, handle = openings[0]
                message = f"@{decorator.name} opens a session of its own for {_where(program, function)}. "
                trace = [program.step(event.site, "it is opened here"), *hops(program, event, handle)]
                place = (function, _at(decorator, function))
                yield program.finding(META, place, message + opening(program, function, (handle,)), trace)


def _opened_in(program: Program, decorator: FunctionInfo) -> Iterator[tuple[Event, Handle]]:
    """The approved sessions that the inner functions of a decorator open."""
    inner = list(decorator.children.values())
    for function in inner:
        inner.extend(function.children.values())
        for event in function.events:
            handle = main_handle(event.subject) if event.kind in ("create", "obtain") else None
            if handle is not None and handle.kind in _SESSIONS and _is_approved(program, event, handle):
                yield event, handle


def _at(decorator: FunctionInfo, function: FunctionInfo) -> Span4:
    """Where a function wears a decorator: its line, or the header of the function."""
    for expr, value in function.decorator_values:
        for atom in value:
            info = atom.info if atom.tag == "fn" else None
            while info is not None:
                if info is decorator:
                    span: Span4 = expr[1]
                    return span
                info = info.parent
    return function.header


def _opens_its_own(program: Program, event: Event) -> bool:
    function = event.function
    if not _receives(program, function) or (event.kind == "obtain" and is_handed_in(program, event)):
        return False
    handle = main_handle(event.subject)
    return handle is not None and handle.kind in _SESSIONS and _is_approved(program, event, handle)


def _is_approved(program: Program, event: Event, handle: Handle) -> bool:
    """Whether a session that is opened or obtained comes from an approved way."""
    if event.kind == "create":
        named = bool(event.value) and all(approved_by_policy(program, atom) for atom in event.value)
        return named or opened_by_config(program, event)
    if event.callee is None or reads_kept(program, event.callee, handle):
        return False
    origin = origin_of(program, event.callee, handle)
    return origin == "approved" or (origin == "unknown" and _is_opened_by(program, event.callee, handle))


def _is_opened_by(program: Program, function: FunctionInfo, handle: Handle) -> bool:
    """Whether a function of a session module opens the session that it gives, where the policy names no context.

    Approved or not, it is one beside that which the dependency hands in.
    """
    if handle.registry or not program.policy.session_dependencies or not program.in_session_module(function.site):
        return False
    maker = way(function, handle)[-1]
    return any(e.kind == "create" and e.site == handle.root for e in maker.events)


def _behind_holder(program: Program, event: Event) -> Handle | None:
    """The approved session that a context manager opens to hand out an object that works with it."""
    if (
        not {"context", "cm"} <= event.flags
        or "spared" in event.flags
        or event.callee is None
        or not _receives(program, event.function)
    ):
        return None
    summary = event.callee.summary
    holders = [a.info for a in summary.yields if a.tag == "inst"]
    held = any(held_in(event.callee, summary.yields))
    if not held and not any(_works_with_session(program, holder) for holder in holders):
        return None
    made = (Handle(kind, root, root) for kind, root in summary.sources if kind == "session")
    return next((h for h in made if origin_of(program, event.callee, h) == "approved"), None)


def _unit(program: Program, event: Event) -> ClassInfo | None:
    """The unit of work, an object that keeps the approved session it opens, which is entered here."""
    callee = event.callee
    if callee is None or callee.name not in _OPENS or "spared" in event.flags or not _receives(program, event.function):
        return None
    if _CREATES not in callee.summary.effects or is_handed_in(program, event):
        return None
    if callee.name == _MAKES and event.function.name == "<module>" and _receives(program, callee):
        return None  # its constructor is told, and nobody hands the module a session
    if callee.name == _MAKES:
        return _made(program, event) if _keeps_approved(program, callee) else None
    if callee not in program.approved_contexts:
        approved = _keeps_approved(program, callee) or is_from_approved(program, event)
        return callee.class_info if approved else None
    hands_out = any(program.kind(a) == "session" for a in (*callee.summary.returns, *callee.summary.yields))
    return callee.class_info if not hands_out else None


def _if_meant(program: Program, event: Event) -> str:
    """What settles it where a dependency that the policy does not name brings the unit of work."""
    sources = (a.source for a in event.value if a.tag == "injected")
    found = [f for s in sources for f in program.targets(Dependency((s,), ("", (0, 0, 0, 0))))]
    names = [f.class_info.name if f.class_info is not None and f.name == _MAKES else f.qualname for f in found]
    return f" If {names[0]} is the way to sessions, name it in `session-dependencies`." if names else ""


def _as_written(event: Event, unit: ClassInfo) -> str:
    """How a unit of work stands where it is entered: ``Unit(…)``, or ``self.unit`` with its class."""
    held = ir.text_of(event.expr) if event.expr is not None and event.expr[0] in ("a", "n") else ""
    return f"`{held}`, a {unit.name}," if held else f"{unit.name}(…)"


def _made(program: Program, event: Event) -> ClassInfo | None:
    """The class whose constructor is called for a new object, not by the constructor of a class below."""
    own = event.function.class_info
    made = [a.info for _, value in event.bindings[:1] for a in value if a.tag == "inst"]
    above = event.callee is not None and own is not None and event.callee.class_info in program.solver.mro(own)
    return made[0] if made and not above else None


def _keeps_approved(program: Program, method: FunctionInfo) -> bool:
    """Whether entering an object, or making it, opens the approved session, for the object to keep.

    That of a session module is one, too, where the policy names no context that could be the approved one.
    """
    return any(origin_of(program, method, handle) != "unapproved" for handle in opened_and_kept(program, method))


def _works_with_session(program: Program, holder: ClassInfo) -> bool:
    methods = (m for cls in program.solver.mro(holder) for m in cls.methods.values())
    return any(True for method in methods for _ in captured_sessions(program, method, {}))


def _receives(program: Program, function: FunctionInfo) -> bool:
    """Whether a function is one that is given its session, and for which that one will do."""
    return (
        program.role(function) in RECEIVERS
        and not middleware.is_one(program.solver, function)
        and function not in program.message_handlers
        and not is_approved(program, function)
        and not outlives_request(program, function)
        and (bool(function.routes) or not starts_or_stops(program, function))
    )


def _advice(program: Program, function: FunctionInfo, opened: Value = ()) -> str:
    """What to do about it; where nobody hands in a session, an approved one is opened already."""
    return _MOVE if runs_by_itself(program, function) else opening(program, function, opened)


def _where(program: Program, function: FunctionInfo) -> str:
    role = program.role(function) or ""
    if role == "endpoint":
        return "an endpoint"
    # what the name of the file does not say
    guessed = program.policy.source == "inferred" and role not in function.path
    return f"a {role}{_guessed(program, function) if guessed else ''}"


def _guessed(program: Program, function: FunctionInfo) -> str:
    """Why a layer was inferred for the file of a function."""
    others = (f for f in program.solver.modules[function.path].functions if f.parent is None)
    taker = next((f for f in others if takes_session(program, f)), None)
    reason = "" if taker is None else f", where {taker.in_full} takes a session"
    return f" (the layer inferred for its file{reason}; `layers` in a policy says otherwise)"


def _injected(program: Program) -> Iterator[Finding]:
    for function, span, dependency in injections(program):
        if program.role(function) != "endpoint":
            continue
        name = next(_beside(program, dependency), None)
        if name is None:
            continue
        way = nearest_dependency(program, function)
        use = ""
        if way is not None:
            # a container calls what it is told to: no parameter says otherwise
            provided = f"Let the container provide what {way.name}() gives"
            use = f" {provided if dependency.provided else f'Use Depends({way.name})'}."
        # a method says little without its class
        is_method = name.class_info is not None and name.name not in ("__init__", "__call__")
        given = f"{name.in_full}" if is_method else shown(name)
        message = f"Depends on {given}, not on the approved dependency.{use}"
        trace = [program.step(dependency.site, "it is injected here")]
        yield program.finding(META, (function, span), message, trace)


def _beside(program: Program, dependency: Dependency) -> Iterator[FunctionInfo]:
    """What hands out an approved session, alone or in an object, and is none of the approved dependencies."""
    for source in sources(program, dependency):
        name = source.function
        if source.origin == "approved" and name is not None and name not in program.approved_dependencies:
            yield name
    yield from holders(program, dependency)
