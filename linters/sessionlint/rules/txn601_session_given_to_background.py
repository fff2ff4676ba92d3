"""TXN601: a request's session reaches a background task."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program.api import Program
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.values import Param, Pending, Site, Value, contained
from sessionlint.report import Finding, TraceStep
from sessionlint.rules.ambient_sessions import ambient_sessions, is_in_variable, is_on_request
from sessionlint.rules.background_work import (
    awaited_tasks,
    done_by,
    enclosing,
    is_made_in,
    is_never_given,
    maker_of,
    passed_on,
    runs_in_background,
    sessions_in,
    started_values,
    waits,
)
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.core_connections import is_worked_with
from sessionlint.rules.executors import goes_on, is_waited_for
from sessionlint.rules.handed_units import ENTERS
from sessionlint.rules.helper_tasks import is_awaited_there
from sessionlint.rules.opened_inside import opened_inside
from sessionlint.rules.received_units import is_of_received_unit
from sessionlint.rules.units_entered import open_in
from sessionlint.rules.without_loop import lacks_loop

META = Rule(
    code="TXN601",
    name="session-given-to-background",
    summary="A request's session, an object that holds it, or a closure over it reaches a background task.",
    rationale="The dependency closes the session when the request ends, and the background task runs after that or at "
    "the same time: it meets a closed session, or takes a new connection that nobody gives back, or commits half of "
    "another request's work. The error appears in the task, where nobody waits for it.",
    remedy="Pass plain ids. Let the background function open its own session with the one context manager: "
    "async with get_session() as session, async with session.begin().",
    not_flagged="Ids and plain values, background functions that open their own session, tasks that the same function "
    "awaits, threads that are awaited, sessions of HTTP clients, tests.",
    program_wide=True,
)

_REQUEST = ("endpoint", "handler", "router", "service", "dependency", "auth", "model")

BAD = [
    Bad(
        path="app/routers/items.py",
        source="""
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session_dependency

router = APIRouter()
SessionDep = Annotated[AsyncSession, Depends(get_session_dependency)]


async def scan(session: AsyncSession, item_id: str):
    await session.get(Item, item_id)


@router.post("/scan")
async def start(item_id: str, background: BackgroundTasks, session: AsyncSession = Depends(get_session_dependency)):
    background.add_task(scan, session, item_id)  # TXN601@5


@router.post("/keyword")
async def keyword(item_id: str, background: BackgroundTasks, db: SessionDep):
    add = background.add_task
    add(scan, item_id=item_id, session=db)  # TXN601@5


@router.post("/closure")
async def closure(item_id: str, background: BackgroundTasks, db: SessionDep):
    async def work():
        await db.get(Item, item_id)

    background.add_task(work)  # TXN601@5
    background.add_task(lambda: db.get(Item, item_id))  # TXN601@5
""",
    ),
    Bad(
        path="app/services/scanning.py",
        source="""
import asyncio
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session

running = set()


async def scan(session, item_id):
    await session.get(Item, item_id)


async def start(session: AsyncSession, item_id):
    running.add(asyncio.create_task(scan(session, item_id)))  # TXN601@17
    loop = asyncio.get_running_loop()
    running.add(loop.create_task(partial(scan, session)(item_id)))  # TXN601@17
    task = asyncio.ensure_future(session.get(Item, item_id))  # TXN601@12
    running.add(task)


async def open_and_start(item_id):
    async with get_session() as session:
        running.add(asyncio.create_task(scan(session, item_id)))  # TXN601@21
""",
    ),
    Bad(
        source="""
# --- app/services/scanner.py
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


class Scanner:
    def __init__(self, session: AsyncSession):
        self.session = session

    async def run(self, item_id):
        await self.session.get(Item, item_id)
# --- app/routers/scan.py
from fastapi import APIRouter, BackgroundTasks, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.services.scanner import Scanner
from app.session import get_session_dependency

router = APIRouter()


def make_scanner(session: AsyncSession = Depends(get_session_dependency)):
    return Scanner(session)


@router.post("/scan")
async def scan(item_id: str, background: BackgroundTasks, session: AsyncSession = Depends(get_session_dependency)):
    scanner = Scanner(session)
    background.add_task(scanner.run, item_id)  # TXN601@5


@router.post("/injected")
async def injected(item_id: str, background: BackgroundTasks, scanner: Scanner = Depends(make_scanner)):
    background.add_task(scanner.run, item_id)  # TXN601@5
""",
    ),
    Bad(
        source="""
# --- app/background.py
import asyncio

tasks = set()


def spawn(coroutine):
    task = asyncio.create_task(coroutine)
    tasks.add(task)
    return task


def later(background, function, *args, **options):
    background.add_task(function, *args, **options)
# --- app/routers/scan.py
from fastapi import APIRouter, BackgroundTasks, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.background import later, spawn
from app.models.item import Item
from app.session import get_session_dependency

router = APIRouter()


async def scan(session: AsyncSession, item_id: str):
    await session.get(Item, item_id)


@router.post("/spawn")
async def start(item_id: str, session: AsyncSession = Depends(get_session_dependency)):
    spawn(scan(session, item_id))  # TXN601@5


@router.post("/later")
async def start_later(
    item_id: str, background: BackgroundTasks, session: AsyncSession = Depends(get_session_dependency)
):
    later(background, scan, session, item_id)  # TXN601@5
""",
    ),
    Bad(
        source="""
# --- app/tasks/flows.py
from app.models.item import Item


class Scanner:
    current = None

    def run(self, item_id):
        self.current.add(Item(id=item_id))
# --- app/routers/items.py
from fastapi import APIRouter, BackgroundTasks, Depends

from app.session import get_session_dependency
from app.tasks.flows import Scanner

router = APIRouter()


@router.post("/a")
def a(item_id: int, tasks: BackgroundTasks, session=Depends(get_session_dependency)):
    scanner = Scanner()
    scanner.current = session
    tasks.add_task(scanner.run, item_id)  # TXN601@5
"""
    ),
    Bad(
        source="""
# --- app/routers/items.py
from fastapi import APIRouter, BackgroundTasks, Depends

from app.session import get_session_dependency

router = APIRouter()


@router.post("/items")
async def create(tasks: BackgroundTasks, session=Depends(get_session_dependency)) -> None:
    tasks.add_task(lambda mine=session: mine.flush())  # TXN601@5
    tasks.add_task(lambda: session.expunge_all())  # TXN601@5
"""
    ),
    Bad(
        path="app/routers/items.py",
        source="""
import asyncio
import threading

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session_dependency

router = APIRouter()
running = set()


def in_background(function):
    def start(*args, **kwargs):
        running.add(asyncio.create_task(function(*args, **kwargs)))

    return start


@in_background
async def scan(session, item_id):
    await session.get(Item, item_id)


def write(session):
    session.add(Item())


@router.post("/scan")
async def later(item_id: str, session: AsyncSession = Depends(get_session_dependency)):
    scan(session, item_id)  # TXN601@5
    loop = asyncio.get_running_loop()
    loop.call_later(5, lambda: asyncio.ensure_future(session.get(Item, item_id)))  # TXN601@5
    threading.Thread(target=write, kwargs={"session": session}).start()  # TXN601@5
""",
    ),
    Bad(
        """
from fastapi import APIRouter, BackgroundTasks, Depends
from sqlalchemy.orm import Session

from app.models.item import Item
from app.session import get_session_dependency

router = APIRouter()


@router.post("/")
def later(tasks: BackgroundTasks, db: Session = Depends(get_session_dependency)):
    tasks.add_task(db.query(Item).filter(Item.name == "a").delete)  # TXN601@5
    tasks.add_task(count, db.query(Item))  # TXN601@5
    tasks.add_task(tell, db.query(Item).count(), [item.id for item in db.query(Item)])


def count(query):
    return query.count()


def tell(number, ids):
    return number, ids
""",
        path="app/routers/items.py",
    ),
    Bad(
        path="app/routers/items.py",
        source="""
import threading
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, BackgroundTasks, Depends

from app.session import get_session_dependency

router = APIRouter()


class Unit:
    def __init__(self, session):
        self.session = session


class Repository:
    def __init__(self, unit):
        self.unit = unit


class Service:
    def __init__(self, repository):
        self.repository = repository


class Facade:
    def __init__(self, service):
        self.service = service

    async def run(self):
        await self.service.repository.unit.session.flush()


@dataclass
class Command:
    item_id: int
    meta: dict[str, Any] = field(default_factory=dict)


class Indexer(threading.Thread):
    def __init__(self, session, item_id):
        super().__init__(daemon=True)
        self.session = session
        self.item_id = item_id

    def run(self):
        self.session.flush()


def unit(session=Depends(get_session_dependency)):
    return Unit(session)


def repository(unit=Depends(unit)):
    return Repository(unit)


class Provider:
    def __init__(self, repository=Depends(repository)):
        self.facade = Facade(Service(repository))


def facade(provider: Provider = Depends()):
    return provider.facade


@router.post("/facade")
async def by_facade(tasks: BackgroundTasks, facade=Depends(facade)):
    tasks.add_task(facade.run)  # TXN601@5


def later(session):
    async def run():
        await session.flush()

    return run


async def handle(command):
    print(command)


@router.post("/thread")
async def by_thread(session=Depends(get_session_dependency)):
    Indexer(session, 1).start()  # TXN601@5


@router.post("/closure")
async def by_closure(tasks: BackgroundTasks, session=Depends(get_session_dependency)):
    tasks.add_task(later(session))  # TXN601@5


@router.post("/callable")
async def by_callable(tasks: BackgroundTasks, session=Depends(get_session_dependency)):
    class Later:
        async def __call__(self):
            await session.flush()

    tasks.add_task(Later())  # TXN601@5


@router.post("/command")
async def by_command(tasks: BackgroundTasks, unit=Depends(unit)):
    tasks.add_task(handle, Command(1, {"unit": unit}))  # TXN601@5
""",
    ),
    Bad(
        path="app/routers/items.py",
        source="""
from dataclasses import dataclass

from fastapi import APIRouter, BackgroundTasks, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth import current_user
from app.session import get_session_dependency

router = APIRouter(dependencies=[Depends(current_user)])


@dataclass
class Pair:
    session: AsyncSession
    name: str


async def show(pair):
    print(pair)


@router.post("/items")
async def create(background: BackgroundTasks, session: AsyncSession = Depends(get_session_dependency)):
    background.add_task(lambda: show(Pair(session, "x")))  # TXN601@5
    background.add_task(lambda: show([session]))  # TXN601@5
    pair = Pair(session, "y")
    background.add_task(lambda: show(pair.name))
    background.add_task(lambda: show({"name": pair.name}))
    await show(pair)
""",
    ),
    Bad(
        """
import asyncio

from fastapi import APIRouter, Depends

from app.session import get_session_dependency

router = APIRouter()


@router.post("/feeds/{number}/drain")
async def drain(number: int, session=Depends(get_session_dependency)):
    async def drained():
        await session.get(object, number)

    asyncio.get_running_loop().call_later(5, lambda: asyncio.ensure_future(drained()))  # TXN601@5
""",
        path="app/routers/feeds.py",
    ),
    Bad(
        """
# --- app/tasks/printer.py
import asyncio

jobs: asyncio.Queue = asyncio.Queue()


async def print_all():
    while True:
        session, number = await jobs.get()
        await session.get(object, number)


def start():
    return asyncio.create_task(print_all())
# --- app/routers/printing.py
import asyncio

from fastapi import APIRouter, Depends

from app.session import get_session_dependency
from app.tasks.printer import jobs

router = APIRouter()


@router.post("/print")
async def enqueue(session=Depends(get_session_dependency)):
    await jobs.put((session, 1))  # TXN601@11
""",
    ),
    Bad(
        """
# --- app/tasks/labels.py
from sqlalchemy.ext.asyncio import AsyncSession
from taskiq import InMemoryBroker, TaskiqDepends

from app.session import get_session_dependency

broker = InMemoryBroker()


@broker.task
async def stick(number: int, session: AsyncSession = TaskiqDepends(get_session_dependency)):
    await session.get(object, number)
# --- app/routers/labels.py
from fastapi import APIRouter, Depends

from app.session import get_session_dependency
from app.tasks.labels import broker, stick

router = APIRouter()


@router.post("/labels/{number}")
async def label(number: int, session=Depends(get_session_dependency)):
    await stick.kiq(number, session)  # TXN601@11


@router.post("/labels/{number}/again")
async def again(number: int, session=Depends(get_session_dependency)):
    @broker.task
    async def inner(of: int):
        await session.get(object, of)

    await inner.kiq(number)  # TXN601@11
""",
    ),
    Bad(
        source="""
from fastapi import APIRouter, BackgroundTasks, Depends, Request

from app.session import get_session_dependency

router = APIRouter()


async def with_session(request: Request, session=Depends(get_session_dependency)):
    request.state.session = session
    return request


async def with_page(request: Request):
    request.state.page = 1
    return request.url


async def count(request: Request):
    await request.state.session.get(object, 1)


async def show(page):
    print(page)


@router.post("/a")
async def a(tasks: BackgroundTasks, request: Request = Depends(with_session)):
    tasks.add_task(count, request)  # TXN601@5


@router.post("/b")
async def b(tasks: BackgroundTasks, url=Depends(with_page), request: Request = Depends(with_session)):
    tasks.add_task(show, url)
    tasks.add_task(show, request)
""",
        path="app/routers/wagons.py",
    ),
    Bad(
        """
# --- app/routers/rows.py
from fastapi import APIRouter, BackgroundTasks, Depends

from app.session import get_session, get_session_dependency

router = APIRouter()


async def work(take):
    return take()


@router.post("/given")
async def given(background: BackgroundTasks, session=Depends(get_session_dependency)):
    background.add_task(work, lambda: session)  # TXN601@5


@router.post("/named")
async def named(background: BackgroundTasks, session=Depends(get_session_dependency)):
    def own():
        return session

    background.add_task(work, own)  # TXN601@5


@router.post("/opened")
async def opened(background: BackgroundTasks, session=Depends(get_session_dependency)):
    background.add_task(work, lambda: get_session())
    background.add_task(work, lambda session: session)
"""
    ),
    Bad(
        """
# --- app/main.py
from fastapi import BackgroundTasks, FastAPI, Request

from app.session import get_session


async def keep_session(request, call_next):
    async with get_session() as session:
        request.state.ledger = session
        request.state.number = 1
        return await call_next(request)


async def load(ledger, key):
    return await ledger.get(object, key)


app = FastAPI()
app.middleware("http")(keep_session)


@app.post("/rows")
async def rows(request: Request, background: BackgroundTasks):
    background.add_task(load, request.state.ledger, 1)  # TXN601@5
    background.add_task(print, request.state.number)


@app.post("/rows/{number}")
async def some_rows(request: Request, background: BackgroundTasks, number: int):
    if number < 0:
        request.state.ledger = None
    background.add_task(load, request.state.ledger, number)  # TXN601@5
"""
    ),
    Bad(
        """
from fastapi import APIRouter, BackgroundTasks

from app.session import session_factory

router = APIRouter()


@router.post("/shelves")
async def shelves(background: BackgroundTasks):
    async with session_factory() as session:

        def forget():
            session.expunge_all()

        async def count():
            async with session_factory() as own:
                own.expunge_all()

        background.add_task(forget)  # TXN601@9
        background.add_task(count)
"""
    ),
    Bad(
        """
# --- app/desks.py
from app.session import session_factory


class Drawer:
    def __init__(self, session):
        self.session = session

    async def sort(self, key):
        await self.session.get(object, key)


class Desk:
    async def __aenter__(self):
        self.session = session_factory()
        self.drawer = Drawer(self.session)
        return self

    async def __aexit__(self, *details):
        await self.session.close()


def get_desk():
    return Desk()


async def sort_drawer(session, key):
    await session.get(object, key)


async def at_a_desk(key):
    async with Desk() as desk:
        await desk.drawer.sort(key)
# --- app/routers/desks.py
from fastapi import APIRouter, BackgroundTasks, Depends

from app.desks import Desk, at_a_desk, get_desk, sort_drawer

router = APIRouter()


@router.post("/drawers")
async def drawers(key: int, background: BackgroundTasks, desk: Desk = Depends(get_desk)):
    async with desk:
        await desk.drawer.sort(key)
    background.add_task(desk.drawer.sort, key)  # TXN601@5


@router.post("/sessions")
async def sessions(key: int, background: BackgroundTasks, desk: Desk = Depends(get_desk)):
    async with desk:
        await desk.drawer.sort(key)
    background.add_task(sort_drawer, desk.session, key)  # TXN601@5
    background.add_task(at_a_desk, key)
"""
    ),
    Bad(
        """
# --- app/crates.py
from app.session import session_factory


class Crate:
    async def __aenter__(self):
        self.session = session_factory()
        await self.session.__aenter__()
        return self

    async def __aexit__(self, *details):
        await self.session.__aexit__(*details)


async def get_crate():
    async with Crate() as crate:
        yield crate
# --- app/routers/crates.py
from fastapi import APIRouter, BackgroundTasks, Depends

from app.crates import Crate, get_crate

router = APIRouter()


async def by_itself(key: int):
    async with Crate() as crate:
        await crate.session.get(object, key)


@router.post("/crates")
async def crates(key: int, background: BackgroundTasks, crate: Crate = Depends(get_crate)):
    background.add_task(crate.session.get, object, key)  # TXN601@5
    background.add_task(by_itself, key)
"""
    ),
    Bad(
        """
# --- app/kilns.py
from app.session import session_factory


class Kiln:
    async def __aenter__(self):
        self.session = session_factory()
        return self

    async def __aexit__(self, *details):
        await self.session.close()


async def get_kiln():
    async with Kiln() as kiln:
        yield kiln
# --- app/services/pots.py
import asyncio

from fastapi import BackgroundTasks

from app.kilns import Kiln


class Pots:
    def __init__(self, kiln: Kiln, background: BackgroundTasks):
        self.kiln = kiln
        self.background = background

    async def glaze(self, key):
        await self.kiln.session.get(object, key)

    async def alone(self, key):
        async with Kiln() as kiln:
            await kiln.session.get(object, key)

    async def started(self, key):
        self.glazing = asyncio.create_task(self.glaze(key))  # TXN601@24
        self.own = asyncio.create_task(self.alone(key))

    async def put_off(self, key):
        self.background.add_task(self.glaze, key)  # TXN601@9
        self.background.add_task(self.alone, key)


class Entering:
    def __init__(self, kiln: Kiln, background: BackgroundTasks):
        self.kiln = kiln
        self.background = background

    async def glaze(self, key):
        async with self.kiln:
            await self.kiln.session.get(object, key)

    async def put_off(self, key):
        self.background.add_task(self.glaze, key)
# --- app/routers/pots.py
from fastapi import APIRouter, BackgroundTasks, Depends

from app.kilns import Kiln, get_kiln
from app.services.pots import Pots

router = APIRouter()


@router.post("/pots")
async def pots(key: int, background: BackgroundTasks, kiln: Kiln = Depends(get_kiln)):
    await Pots(kiln, background).started(key)
    await Pots(kiln, background).put_off(key)
"""
    ),
    Bad(
        """
# --- app/main.py
from litestar import Litestar, Response, post
from litestar.background_tasks import BackgroundTask, BackgroundTasks
from litestar.di import Provide
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import get_session_dependency


async def label(session: AsyncSession, jar: int) -> None:
    await session.get(object, jar)


async def note(jar: int) -> None:
    print(jar)


@post("/one")
async def one(session: AsyncSession) -> Response[str]:
    return Response("one", background=BackgroundTask(label, session, 1))  # TXN601@39


@post("/both")
async def both(session: AsyncSession) -> Response[str]:
    tasks = [BackgroundTask(note, 1), BackgroundTask(label, session, jar=2)]  # TXN601@39
    return Response("both", background=BackgroundTasks(tasks))


@post("/number")
async def number(session: AsyncSession) -> Response[str]:
    return Response("number", background=BackgroundTask(note, 1))


app = Litestar([one, both, number], dependencies={"session": Provide(get_session_dependency)})
""",
    ),
    Bad(
        """
# --- app/session.py
from contextlib import asynccontextmanager
from contextvars import ContextVar

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://")
factory = async_sessionmaker(engine)
at_helm: ContextVar[AsyncSession] = ContextVar("at_helm")


@asynccontextmanager
async def get_session():
    async with factory() as session:
        watch = at_helm.set(session)
        yield session
        at_helm.reset(watch)


async def get_session_dependency():
    async with factory() as session:
        watch = at_helm.set(session)
        yield session
        at_helm.reset(watch)


def helm() -> AsyncSession:
    return at_helm.get()
# --- app/routers/boats.py
from functools import wraps

from fastapi import APIRouter, BackgroundTasks, Depends
from sqlalchemy import delete

from app.models.item import Item
from app.session import get_session, get_session_dependency, helm

router = APIRouter()


def on_its_own(function):
    @wraps(function)
    async def inner(*args):
        async with get_session() as session, session.begin():
            return await function(*args)

    return inner


def with_whoever_is_there(function):
    @wraps(function)
    async def inner(*args):
        return await function(*args)

    return inner


@on_its_own
async def sink(key):
    await helm().execute(delete(Item).where(Item.id == key))


@with_whoever_is_there
async def moor(key):
    await helm().execute(delete(Item).where(Item.id == key))


@router.post("/boats/{key}")
async def out(key: int, tasks: BackgroundTasks, session=Depends(get_session_dependency)):
    tasks.add_task(sink, key)
    tasks.add_task(moor, key)  # TXN601@5
"""
    ),
    Bad(
        """
# --- app/session.py
import os

from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine(os.environ["DATABASE_URL"], pool_size=10)


async def get_session_dependency():
    async with engine.connect() as connection:
        yield connection
# --- app/services/lamps.py
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


class Lamps:
    def __init__(self, connection: AsyncConnection):
        self.connection = connection

    async def trim(self, lamp: int):
        await self.connection.execute(text("SELECT 1"))


async def trim(connection: AsyncConnection):
    await connection.execute(text("SELECT 1"))
# --- app/routers/lamps.py
import asyncio

from fastapi import APIRouter, BackgroundTasks, Depends
from sqlalchemy.ext.asyncio import AsyncConnection

from app.services.lamps import Lamps, trim
from app.session import get_session_dependency

router = APIRouter()
started = set()


@router.post("/lamps")
async def function(background: BackgroundTasks, connection: AsyncConnection = Depends(get_session_dependency)):
    background.add_task(trim, connection)  # TXN601@5


@router.post("/lamps/{lamp}")
async def method(lamp: int, background: BackgroundTasks, connection=Depends(get_session_dependency)):
    background.add_task(Lamps(connection).trim, lamp)  # TXN601@5


@router.post("/lamps/soon")
async def task(connection: AsyncConnection = Depends(get_session_dependency)):
    started.add(asyncio.create_task(trim(connection)))  # TXN601@17


@router.post("/lamps/now")
async def awaited(connection: AsyncConnection = Depends(get_session_dependency)):
    await asyncio.create_task(trim(connection))
"""
    ),
    Bad(
        """
# --- app/tasks/kilns.py
import asyncio
from typing import Annotated

from faststream import Depends
from faststream.kafka import KafkaBroker
from sqlalchemy.ext.asyncio import AsyncSession
from taskiq import TaskiqDepends
from taskiq_redis import ListQueueBroker

from app.models.item import Item
from app.session import get_session, get_session_dependency

broker = KafkaBroker("localhost")
queue = ListQueueBroker("redis://localhost")
kept = set()


async def fire(session: AsyncSession, kiln: int):
    await session.get(Item, kiln)


@broker.subscriber("kilns")
async def consumed(kiln: int, session: Annotated[AsyncSession, Depends(get_session_dependency)]):
    kept.add(asyncio.create_task(fire(session, kiln)))  # TXN601@14


@queue.task
async def queued(kiln: int, session: AsyncSession = TaskiqDepends(get_session_dependency)):
    kept.add(asyncio.create_task(fire(session, kiln)))  # TXN601@14


@queue.task
async def waited_for(kiln: int, session: AsyncSession = TaskiqDepends(get_session_dependency)):
    await asyncio.create_task(fire(session, kiln))


@queue.task
async def by_itself(kiln: int):
    kept.add(asyncio.create_task(alone(kiln)))


async def alone(kiln: int):
    async with get_session() as session:
        await fire(session, kiln)
"""
    ),
    Bad(
        """
# --- app/jobs.py
import logging


def run_later(tasks, function, *args):
    async def safely():
        try:
            await function(*args)
        except Exception:
            logging.exception("%s failed", function)
            raise

    tasks.add_task(safely)


class Job:
    def __init__(self, function):
        self.function = function

    @property
    def tracked(self):
        async def wrapper(*args, **options):
            try:
                await self.function(*args, **options)
            except Exception:
                logging.exception("%s failed", self.function)
                raise

        return wrapper


class Jobs:
    def create(self, function):
        return Job(function)
# --- app/routers/items.py
from fastapi import APIRouter, BackgroundTasks, Depends

from app.jobs import Job, Jobs, run_later
from app.session import get_session_dependency

router = APIRouter()
jobs = Jobs()


async def load(session, key):
    await session.get(object, key)


async def tell(key):
    print(key)


@router.post("/items/helper")
async def by_helper(key: int, tasks: BackgroundTasks, session=Depends(get_session_dependency)):
    run_later(tasks, load, session, key)  # TXN601@5


@router.post("/items/property")
async def by_property(key: int, tasks: BackgroundTasks, session=Depends(get_session_dependency)):
    async def work():
        await session.get(object, key)

    tasks.add_task(jobs.create(work).tracked)  # TXN601@5


@router.post("/items/option")
async def by_option(key: int, tasks: BackgroundTasks, session=Depends(get_session_dependency)):
    tasks.add_task(Job(load).tracked, key=key, session=session)  # TXN601@5


@router.post("/items/queued")
async def without(key: int, tasks: BackgroundTasks, session=Depends(get_session_dependency)):
    await load(session, key)
    run_later(tasks, tell, key)
    tasks.add_task(Job(tell).tracked, key)
    tasks.add_task(jobs.create(tell).tracked, key)
"""
    ),
    Bad(
        """
# --- app/services/counting.py
import asyncio
import logging
from typing import Protocol

from app.session import get_session


class Work(Protocol):
    async def add(self, page): ...


class OnSession(Work):
    def __init__(self, session):
        self.session = session

    async def add(self, page):
        await self.session.get(object, page)


class OnItsOwn(Work):
    async def add(self, page):
        async with get_session() as session:
            await session.get(object, page)


class Counter:
    def __init__(self, work: Work):
        self.work = work

    async def count(self, page):
        try:
            await self.work.add(page)
        except Exception:
            logging.exception("not counted")
            raise

    async def later(self, page):
        self.task = asyncio.create_task(self.count(page))  # TXN601@21


class Reader:
    def __init__(self, work: Work):
        self.work = work

    async def read(self, page):
        await self.work.add(page)

    async def later(self, page):
        self.task = asyncio.create_task(self.read(page))
# --- app/routers/pages.py
from fastapi import APIRouter, Depends

from app.services.counting import Counter, OnItsOwn, OnSession, Reader, Work
from app.session import get_session_dependency

router = APIRouter()


def get_work(session=Depends(get_session_dependency)) -> Work:
    return OnSession(session)


def get_own() -> Work:
    return OnItsOwn()


def get_counter(work: Work = Depends(get_work)) -> Counter:
    return Counter(work)


def get_reader(work: Work = Depends(get_own)) -> Reader:
    return Reader(work)


@router.get("/pages/{page}")
async def pages(page: str, counter: Counter = Depends(get_counter), reader: Reader = Depends(get_reader)):
    await counter.later(page)
    await reader.later(page)
"""
    ),
    Bad(
        """
import threading
from threading import Timer

from sqlalchemy.orm import Session


class Counter:
    def __init__(self, session: Session):
        self.session = session

    def count(self):
        return self.session.get(object, 1)

    def start(self):
        threading.Thread(target=self.count, daemon=True).start()  # TXN601@9

    def start_later(self):
        Timer(5, self.count).start()  # TXN601@9


class Clock:
    def __init__(self, session: Session):
        self.session = session

    def tick(self):
        return 1

    def start(self):
        threading.Thread(target=print, args=(1,), daemon=True).start()
""",
        path="app/services/counter.py",
    ),
    Bad(
        """
from fastapi import APIRouter, BackgroundTasks, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session_dependency

router = APIRouter()


class Shearing:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def __call__(self) -> None:
        await self.session.get(Item, 1)


def push(tasks: BackgroundTasks, function) -> None:
    tasks.add_task(function)


@router.post("/shearings")
async def shear(tasks: BackgroundTasks, session: AsyncSession = Depends(get_session_dependency)):
    push(tasks, Shearing(session))  # TXN601@5
""",
        path="app/routers/shearings.py",
    ),
]

GOOD = [
    Good(
        path="app/routers/items.py",
        source="""
import threading
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, BackgroundTasks, Depends

from app.session import get_session, get_session_dependency

router = APIRouter()


@dataclass
class Command:
    item_id: int
    meta: dict[str, Any] = field(default_factory=dict)


class Indexer(threading.Thread):
    def __init__(self, item_id):
        super().__init__(daemon=True)
        self.item_id = item_id

    def run(self):
        print(self.item_id)


class Job:
    def __init__(self, session):
        self.session = session

    def start(self):
        self.session.expire_all()


def later(item_id):
    async def run():
        async with get_session() as session, session.begin():
            await session.get(Command, item_id)

    return run


async def handle(command):
    print(command)


@router.post("/thread")
async def by_thread(tasks: BackgroundTasks, session=Depends(get_session_dependency)):
    Indexer(1).start()
    Job(session).start()
    tasks.add_task(later(1))
    tasks.add_task(handle, Command(1, {"unit": "kg"}))

    class Later:
        async def __call__(self):
            print(1)

    tasks.add_task(Later())
""",
    ),
    Good(
        source="""
# --- app/services/flows.py
from app.models.item import Item
from app.session import get_session


def record(kind, **options):
    if kind == "item":
        write(**options)


def write(session, text):
    session.add(Item(name=text))


def flow(item_id):
    with get_session() as session:
        record("item", session=session, text="scanned")
# --- app/routers/items.py
from fastapi import APIRouter, BackgroundTasks, Depends
from sqlalchemy.orm import Session

from app.services.flows import flow, record
from app.session import get_session_dependency

router = APIRouter()


@router.post("/later")
def later(item_id: str, background: BackgroundTasks, session: Session = Depends(get_session_dependency)):
    record("item", session=session, text="asked for")
    background.add_task(flow, item_id)
"""
    ),
    Good(
        path="app/routers/items.py",
        source="""
import asyncio

import requests
from fastapi import APIRouter, BackgroundTasks, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session, get_session_dependency

router = APIRouter()


async def scan(item_id: str):
    async with get_session() as session, session.begin():
        await session.get(Item, item_id)


def ping(session: requests.Session):
    session.get("https://example.com")


@router.post("/scan")
async def start(item_id: str, background: BackgroundTasks, session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        item = await session.get(Item, item_id)
    background.add_task(scan, item_id)
    background.add_task(ping, requests.Session())
    background.add_task(lambda: scan(item_id))


@router.post("/wait")
async def wait(item_id: str, session: AsyncSession = Depends(get_session_dependency)):
    task = asyncio.create_task(session.get(Item, item_id))
    return await asyncio.wait_for(task, 10)


@router.post("/thread")
async def thread(item_id: str, session: AsyncSession = Depends(get_session_dependency)):
    return await asyncio.to_thread(ping, session)
""",
    ),
    Good(
        source="""
# --- app/tasks/flows.py
from functools import wraps

from sqlalchemy.orm import Session

from app.models.item import Item
from app.session import engine


def counted(function):
    @wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


@counted
def owns_session(function):
    @wraps(function)
    @counted
    def wrapper(*args, **kwargs):
        session = kwargs.get("session") or Session(engine)
        kwargs["session"] = session
        try:
            return function(*args, **kwargs)
        finally:
            session.close()

    return wrapper


@owns_session
def one(*, item_id, session=None):
    session.add(Item(id=item_id))


@owns_session
def two(*, item_id, session=None):
    one(item_id=item_id, session=session)
# --- app/routers/items.py
from fastapi import APIRouter, BackgroundTasks, Depends

from app.session import get_session_dependency
from app.tasks.flows import one, two

router = APIRouter()


@router.post("/a")
def a(item_id: int, tasks: BackgroundTasks, session=Depends(get_session_dependency)):
    one(item_id=item_id, session=session)
    tasks.add_task(two, item_id=item_id)
""",
    ),
    Good(
        path="app/worker.py",
        source="""
import asyncio

from app.models.item import Item
from app.session import get_session


async def work(session):
    await session.get(Item, 1)


async def main():
    async with get_session() as session:
        task = asyncio.create_task(work(session))
        await task
""",
    ),
    Good(
        """
import asyncio

from fastapi import APIRouter, Depends

from app.session import get_session, get_session_dependency

router = APIRouter()


@router.post("/feeds/{number}/drain")
async def drain(number: int, session=Depends(get_session_dependency)):
    async def drained():
        async with get_session() as own:
            await own.get(object, number)

    await session.get(object, number)
    asyncio.get_running_loop().call_later(5, lambda: asyncio.ensure_future(drained()))
""",
        path="app/routers/feeds.py",
    ),
    Good(
        """
# --- app/tasks/printer.py
import asyncio

jobs: asyncio.Queue = asyncio.Queue()


async def print_all():
    while True:
        session, number = await jobs.get()
        await session.get(object, number)


def start():
    return asyncio.create_task(print_all())
# --- app/routers/printing.py
import asyncio

from fastapi import APIRouter, Depends

from app.session import get_session_dependency
from app.tasks.printer import jobs

router = APIRouter()


async def double(own: asyncio.Queue):
    session, number = await own.get()
    return await session.get(object, number)


@router.post("/print")
async def enqueue(session=Depends(get_session_dependency)):
    row = await session.get(object, 1)
    await jobs.put((row.id, 1))
    own = asyncio.Queue()
    await own.put((session, 1))
    return await double(own)
""",
    ),
    Good(
        """
# --- app/tasks/labels.py
from typing import Annotated

from sqlalchemy.ext.asyncio import AsyncSession
from taskiq import InMemoryBroker, TaskiqDepends

from app.session import get_session_dependency

broker = InMemoryBroker()


async def written(session, number):
    await session.get(object, number)


@broker.task
async def stick(number: int, session: Annotated[AsyncSession, TaskiqDepends(get_session_dependency)]):
    await written(session, number)
# --- app/routers/labels.py
from fastapi import APIRouter, Depends

from app.session import get_session_dependency
from app.tasks.labels import stick

router = APIRouter()


@router.post("/labels/{number}")
async def label(number: int, session=Depends(get_session_dependency)):
    row = await session.get(object, number)
    await stick.kiq(row.number)


@router.post("/labels")
async def any_label(number: int):
    await stick.kiq(number)
""",
    ),
    Good(
        """
# --- app/tasks/parcels.py
async def post(parcel):
    print(parcel)
# --- app/routers/shelves.py
from fastapi import APIRouter, Depends, Request

from app.session import get_session_dependency

router = APIRouter()


@router.get("/shelves")
async def shelves(request: Request, session=Depends(get_session_dependency)):
    request.state.parcel = session
    return await request.state.parcel.get(object, 1)
# --- app/routers/parcels.py
from fastapi import APIRouter, BackgroundTasks, Request

from app.tasks.parcels import post

router = APIRouter()


@router.post("/parcels")
async def send(request: Request, background: BackgroundTasks, name: str):
    request.state.parcel = name
    background.add_task(post, request.state.parcel)


@router.post("/parcels/{size}")
async def send_one_of(request: Request, background: BackgroundTasks, size: int):
    if size > 1:
        request.state.parcel = "large"
    else:
        request.state.parcel = "small"
    background.add_task(post, request.state.parcel)
""",
    ),
    Good(
        """
import asyncio

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session_dependency

router = APIRouter()


def spawn(coroutine):
    return asyncio.create_task(coroutine)


@router.get("/awaited")
async def awaited(session: AsyncSession = Depends(get_session_dependency)):
    task = spawn(session.get(Item, 1))
    return await task
""",
        path="app/routers/mills.py",
    ),
    Good(
        """
import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


class Log:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def append(self, line: str) -> None:
        await self.session.execute(text("insert into lines (line) values (:line)"), {"line": line})


class Runner:
    async def run(self, handler) -> None:
        task = asyncio.create_task(self._read(handler))
        await asyncio.wait_for(task, 5)

    async def _read(self, handler) -> None:
        await handler("a line")


async def kept(log: Log, runner: Runner) -> None:
    await runner.run(log.append)
"""
    ),
    Good(
        """
from fastapi import APIRouter, BackgroundTasks, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session, get_session_dependency

router = APIRouter()


class Shearing:
    def __init__(self, item_id: int) -> None:
        self.item_id = item_id

    async def __call__(self) -> None:
        async with get_session() as session:
            await session.get(Item, self.item_id)


def push(tasks: BackgroundTasks, function) -> None:
    tasks.add_task(function)


@router.post("/shearings")
async def shear(tasks: BackgroundTasks, session: AsyncSession = Depends(get_session_dependency)):
    item = await session.get(Item, 1)
    push(tasks, Shearing(item.id))
""",
        path="app/routers/shearings.py",
    ),
]


#: What starts a task that ends with its loop, and not after a time that somebody is ready to wait.
_OF_THIS_LOOP: Final = ("create_task", "ensure_future")


def check(program: Program) -> Iterator[Finding]:
    """Every start of background work that brings a request's session along, at the call."""
    awaited = awaited_tasks(program)
    reported: set[tuple[str, ir.Span4]] = set()
    for event in program.events("schedule", "effect", "callback"):
        if event.kind == "effect" and event.text != "schedule":
            continue
        if event.kind == "callback" and all(task.site in awaited for task in event.subject):
            continue
        if event.text == "thread" and not goes_on(event):
            continue
        if event.site in awaited or event.site in reported or is_waited_for(event) or is_awaited_there(event):
            continue
        if program.role(event.function) in ("test", "migration") or _is_awaited_in_callee(program, event):
            continue
        behind = runs_in_background(program, event.function)
        if behind:
            session = _injected_into(program, event)
        else:
            session = (
                _found_in(program, event, _handed(program, event))
                or next(ambient_sessions(program, event), None)
                or _of_state(program, event)
                or _in_block(program, event)
            )
        if session is not None and not lacks_loop(program, event):
            reported.add(event.site)
            owner = "the request" if not behind and _serves(program, event, session) else "its owner"
            what = "this call" if event.expr is None else f"{ir.text_of(event.expr)}"
            yield program.finding(
                META, event,
                f"{program.describe(session).capitalize()} goes to background work through {what}, which runs after "
                f"{owner} has closed it. Pass plain ids and let the background function open its own session.",
                _trace(program, event, session),
            )  # fmt: skip

    yield from _through_queues(program)


def _is_awaited_in_callee(program: Program, event: Event) -> bool:
    """Whether the function that starts the task for this call awaits it itself."""
    if event.callee is None or event.effect is None:
        return False
    return program.effect_site(event.callee, event.effect) in program.shared(_awaited_by_starters)


def _awaited_by_starters(program: Program) -> frozenset[Site]:
    """Where tasks of the running loop are started that the same function awaits."""
    starts = {e.site: e for e in program.events("schedule") if e.name.endswith(_OF_THIS_LOOP)}
    return frozenset(s for e, s in waits(program) if s in starts and starts[s].function is e.function)


def _through_queues(program: Program) -> Iterator[Finding]:
    """A session that is put into a queue of a module, out of which background work takes it."""
    for event in program.events("handed"):
        reader = program.shared(_taken).get(event.subject[0])
        if reader is None or program.role(event.function) in ("test", "migration"):
            continue
        session = None if runs_in_background(program, event.function) else _found_in(program, event, event.args[0])
        if session is not None:
            owner = "the request" if _serves(program, event, session) else "its owner"
            yield program.finding(
                META, event,
                f"{program.describe(session).capitalize()} goes through a queue to {reader.name}(), which takes it out "
                f"after {owner} has closed it. Put plain ids in and let the background function open its own "
                "session.",
                (*_trace(program, event, session), program.step(reader.site, f"{reader.name}() takes it out")),
            )  # fmt: skip


def _serves(program: Program, event: Event, session: Any) -> bool:
    """Whether a request's function hands the session on, or what FastAPI injected; else who opened it ends it."""
    return session.tag == "injected" or program.role(event.function) in _REQUEST


def _taken(program: Program) -> dict[Any, FunctionInfo]:
    """The queues out of which background work takes something, and what does."""
    found: dict[Any, FunctionInfo] = {}
    in_groups = program.shared(_in_groups)
    for event in program.events("taken"):
        works = runs_in_background(program, event.function) or event.function in in_groups
        if works or program.role(event.function) == "background":
            found.setdefault(event.subject[0], event.function)
    return found


def _in_groups(program: Program) -> frozenset[FunctionInfo]:
    """What runs as a task of a group that no request waits for: one that the application opens when it starts."""
    started = (e for e in program.events("concurrent") if e.function in program.entries)
    return frozenset(f for event in started for f in program.started_by(event))


def _found_in(program: Program, event: Event, value: Value) -> Any:
    """The first session of the request that a value is or brings along."""
    return next((s for s in sessions_in(program, value) if _is_requests(program, event, s)), None)


def _injected_into(program: Program, event: Event) -> Any:
    """The session that a broker injects into a job or consumer, and closes when that is done."""
    given = [a for _, value in event.function.param_values.values() for a in value if a.tag == "injected"]
    if not given:
        return None
    return next((s for s in sessions_in(program, _handed(program, event)) if s in given), None)


def _in_block(program: Program, event: Event) -> Any:
    """The session of a unit of work that a ``with`` of the request around the call has entered."""
    return open_in(program, event, _handed(program, event)) if program.role(event.function) in _REQUEST else None


def _of_state(program: Program, event: Event) -> Any:
    """The session that ``request.state`` must keep: what is started with it declares that it takes one."""
    expr = event.expr
    if event.kind != "schedule" or expr is None or expr[0] != "c" or program.role(event.function) not in _REQUEST:
        return None
    given = [(a, v) for a, v in zip(expr[3][1:], event.args, strict=False)]
    if not any(not value and ".state." in (ir.dotted(argument) or "") for argument, value in given):
        return None
    taken = [(p, v) for a in event.value if a.tag == "pending" for p, v in a.bindings]
    return next((p for p, value in taken if not value and _declares_session(program, p)), None)


def _declares_session(program: Program, parameter: Any) -> bool:
    declared, _ = parameter.info.param_values.get(parameter.name, ((), ())) if parameter.tag == "param" else ((), ())
    return any(is_worked_with(program, a) for a in program.solver.instances(declared))


def _carrier(program: Program, event: Event) -> TraceStep | None:
    """The argument of the call that brings the session along."""
    if event.expr is None or event.expr[0] != "c":
        return None
    arguments = [*event.expr[3], *(expr for _, expr in event.expr[4])]
    given: list[Value] = [event.value, *event.args]
    if event.kind != "schedule" or len(arguments) != len(given) or any(e[0] == "*" for e in arguments):
        return None
    for expr, value in zip(arguments[1:], given[1:], strict=True):
        found = _found_in(program, event, value)
        if found is not None:
            how = "is handed over" if found in value else "holds the session and is handed over"
            return program.step((event.path, expr[1]), f"{ir.text_of(expr)} {how} here")
    return program.step((event.path, arguments[0][1]), f"{ir.text_of(arguments[0])} brings the session along")


def _is_started(program: Program, atom: Any) -> bool:
    """Whether an atom is what a helper can start as it is: functions, coroutines, and objects that can be called."""
    if atom.tag == "inst":
        return program.solver.method(atom.info, "__call__") is not None
    return atom.tag in ("fn", "pending", "partial")


def _handed(program: Program, event: Event) -> Value:
    if event.kind != "effect":
        return started_values(event)
    passed_on = event.effect.subject if event.effect is not None else None
    if isinstance(passed_on, Param) and passed_on in event.subject and passed_on.info is not event.callee:
        # several helpers pass it on through *args: this is where its owner lets go of it
        return event.subject
    if isinstance(passed_on, Pending):
        # made below, and not of what is passed on here: it has with it what it is given
        return event.subject
    # a helper of the project starts it: what it starts, and what is passed on through *args and **options
    others = [
        a
        for e in event.function.events
        if e.kind == "call" and e.span == event.span and e.callee is event.callee
        for _, v in e.bindings
        for a in v
        if a.tag in ("seq", "map")
    ]
    if any(_is_started(program, a) for a in event.subject):
        return (*event.subject, *others)
    # the helper calls what it is given with these arguments, and starts the coroutine
    return tuple(a for a in event.subject if a in contained(tuple(others)))


def _is_requests(program: Program, event: Event, session: Any) -> bool:
    """Whether a session belongs to the request in which ``event`` happens."""
    chain = enclosing(event.function)
    if session.tag == "injected":
        return _is_own(session, chain) or not passed_on(program, event.function, session)
    if session.tag == "param":
        if session.info in chain:
            return not is_never_given(program, session)
        if session.info.name != "__init__":
            return _is_given(program, event, session)
        passed = program.solver.arguments_of(session)
        return any(a.tag == "injected" for a in passed) or program.role(event.function) in _REQUEST
    if session.tag == "handle":
        ours = is_made_in(program, session, chain) or is_on_request(program, event, session)
        ours = ours or _is_in_dependency(program, session, chain) or _is_entered(program, event, session)
        ours = ours or _is_of_units(program, event, session)
        return ours and program.role(event.function) in _REQUEST
    return program.role(event.function) in _REQUEST


def _is_given(program: Program, event: Event, parameter: Any) -> bool:
    """Whether the function around ``event`` gives its request's session to the maker of a closure."""
    return any(
        _is_requests(program, event, session)
        for call in event.function.events
        if call.kind == "call" and call.callee is parameter.info
        for identity, value in call.bindings
        if identity == parameter
        for session in sessions_in(program, value)
        if session != parameter
    )


def _is_entered(program: Program, event: Event, session: Any) -> bool:
    """Whether a ``with`` of the function has entered the object that opened a session for itself."""
    if is_in_variable(program, session):
        return False
    calls = (e for e in event.function.events if e.kind == "call" and "context" in e.flags and e.span < event.span)
    return any(
        is_made_in(program, session, (callee, *done_by(program, callee)))
        for callee in (e.callee for e in calls)
        if callee is not None and callee.name in ENTERS
    )


def _is_in_dependency(program: Program, session: Any, chain: list[FunctionInfo]) -> bool:
    """Whether FastAPI injects an object here in which a dependency has opened a session."""
    if session not in opened_inside(program):
        return False
    given = [tuple(a for a in v if a.tag == "injected") for f in chain for _, v in f.param_values.values()]
    return any(session in sessions_in(program, value) for value in given)


def _is_of_units(program: Program, event: Event, session: Any) -> bool:
    """Whether a unit of work opens the session when it is entered, which the function, or its object, was given."""
    if maker_of(program, session).name not in ENTERS:
        return False
    return is_of_received_unit(program, event.function, session)


def _is_own(session: Any, chain: list[FunctionInfo]) -> bool:
    return any(session in default for f in chain for _, default in f.param_values.values())


def _trace(program: Program, event: Event, session: Any) -> Iterator[TraceStep]:
    if session.tag == "handle":
        yield program.step(session.site, "the session is opened here")
    elif session.tag == "injected":
        for function in enclosing(event.function):
            for name, _, _, _, span in function.params:
                if session in function.param_values.get(name, ((), ()))[1]:
                    yield program.step((function.path, span), f"the request's session arrives as {name!r}")
    carrier = _carrier(program, event)
    if carrier is not None:
        yield carrier
    if event.kind == "effect" and event.callee is not None and event.effect is not None:
        yield from program.effect_trace(event.callee, event.effect)
    for function in program.started_by(event)[:1]:
        yield program.step(function.site, f"{function.called} runs in the background")
