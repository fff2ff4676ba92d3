"""TXN603: background work is scheduled before the transaction that creates its rows has committed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.program.api import Program
from sessionlint.program.model import Effect, Event, FunctionInfo, Transaction
from sessionlint.program.unsaved import LEFT
from sessionlint.program.values import Site, Value
from sessionlint.report import Finding, TraceStep
from sessionlint.rules.background_work import awaited_tasks
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.decorated import around, is_told_inside
from sessionlint.rules.decorated_units import is_told_below, units_of_decorators
from sessionlint.rules.flush_listeners import listeners, listening
from sessionlint.rules.idle_work import is_idle
from sessionlint.rules.made_threads import begun_later, is_only_made
from sessionlint.rules.opening import text
from sessionlint.rules.own_work import rests_on_its_own
from sessionlint.rules.plugin_commits import commits_before_response
from sessionlint.rules.put_off import is_put_off
from sessionlint.rules.request_commits import committing_dependency
from sessionlint.rules.transactions import called, owner_of
from sessionlint.rules.without_loop import lacks_loop

META = Rule(
    code="TXN603",
    name="scheduled-inside-transaction",
    summary="Background work is scheduled before the transaction that creates its rows has committed.",
    rationale="The task may start at the next await, in another thread or on another machine, and looks for rows that "
    "are not there yet: it finds nothing and ends, and the job stays pending for ever. When the commit then fails, the "
    "work is done for rows that never existed. Where a dependency commits after its yield, current FastAPI runs the "
    "background tasks of the response first and the commit last. `JSONResponse(…, background=BackgroundTask(f, id))` "
    "counts where it is built inside the block, like `add_task` there: whether it is sent before the commit depends on "
    "what is put between the two later.",
    remedy="End the transaction block first and schedule after it: keep the id in a variable, leave "
    "async with session.begin(), then call add_task. Or write the job as a row in the same transaction.",
    not_flagged="Work scheduled after the block or after the commit, background tasks where the committing dependency "
    'has scope="function" (it ends before the response, so before them), as those of Litestar do, and its plugin where '
    "that commits, tasks that are awaited inside the block, "
    "threads that are awaited, work that a callee starts when it has committed this transaction (that is TXN205), or "
    "for what it has committed in a session of its own when nothing of this transaction is handed to it, work that is "
    "handed nothing and stays inside the process (a timer in memory, a thread that runs an event loop), tests.",
)

_EXECUTORS = "concurrent.futures."

BAD = [
    Bad(
        source="""
import asyncio
from concurrent.futures import ThreadPoolExecutor

import carrier

from app.models.item import Item
from app.session import get_session

executor = ThreadPoolExecutor()


def index(item_id):
    carrier.send(item_id)


async def kept(name):
    async with get_session() as session:
        async with session.begin():
            session.add(item := Item(name=name))
            await session.flush()
            executor.submit(index, item.id)  # TXN603@13
            asyncio.get_running_loop().run_in_executor(None, index, item.id)  # TXN603@13
            await asyncio.get_running_loop().run_in_executor(None, index, item.id)
        executor.submit(index, item.id)
""",
        path="app/tasks/kept.py",
    ),
    Bad(
        source="""
# --- app/services/offload.py
import carrier


def later(name, work):
    carrier.put(name, work)


def note(name, work):
    carrier.put(name, work)
# --- app/tasks/parcels.py
import carrier

from app.services.offload import later, note
from app.session import get_session


async def weigh(parcel):
    carrier.scale(parcel)


async def pack(parcel):
    async with get_session() as session:
        async with session.begin():
            session.add(parcel)
            note("weigh", weigh)
            later("weigh", weigh)  # TXN603@13
            carrier.hand_over("weigh", weigh)  # TXN603@13
        later("weigh", weigh)
""",
        policy=(("background-sinks", ["app.services.offload.later", "carrier.hand_over"]),),
    ),
    Bad(
        path="app/routers/items.py",
        source="""
import asyncio

from fastapi import APIRouter, BackgroundTasks, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session_dependency

router = APIRouter()
tasks = set()


async def scan(item_id):
    pass


@router.post("/scan")
async def start(background: BackgroundTasks, session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        item = Item(name="x")
        session.add(item)
        await session.flush()
        background.add_task(scan, item.id)  # TXN603@9
        tasks.add(asyncio.create_task(scan(item.id)))  # TXN603@19
    return item.id


@router.post("/commit")
async def start_and_commit(background: BackgroundTasks, session: AsyncSession = Depends(get_session_dependency)):
    item = Item(name="x")
    session.add(item)
    background.add_task(scan, item.id)  # TXN603@5
    await session.commit()
""",
    ),
    Bad(
        source="""
# --- app/services/starting.py
from app.tasks.scan import scan


def start_scan(background, item_id):
    background.add_task(scan, item_id)


def start_in_queue(item_id):
    scan.delay(item_id)
# --- app/tasks/scan.py
from celery import Celery

app = Celery()


@app.task
def scan(item_id):
    return item_id
# --- app/routers/items.py
from fastapi import APIRouter, BackgroundTasks, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.services.starting import start_in_queue, start_scan
from app.session import get_session_dependency

router = APIRouter()


@router.post("/scan")
async def start(background: BackgroundTasks, session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        session.add(Item(name="x"))
        start_scan(background, 1)  # TXN603@9
        start_in_queue(1)  # TXN603@9
""",
    ),
    Bad(
        source="""
# --- app/session.py
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import async_sessionmaker

session_factory = async_sessionmaker()


@asynccontextmanager
async def get_session():
    session = session_factory()
    try:
        yield session
        await session.commit()
    finally:
        await session.close()
# --- app/tasks/batch.py
import asyncio

from app.models.item import Item
from app.session import get_session

tasks = set()


async def scan(item_id):
    pass


async def batch():
    async with get_session() as session:
        session.add(Item(name="x"))
        tasks.add(asyncio.create_task(scan(1)))  # TXN603@19
""",
    ),
    Bad(
        source="""
# --- app/tasks/images.py
from celery import Celery
from huey import RedisHuey
from procrastinate import App

celery = Celery()
huey = RedisHuey()
jobs = App()


@celery.task
def resize(item_id):
    return item_id


@huey.task()
def thumbnail(item_id):
    return item_id


@jobs.task
def index(item_id):
    return item_id
# --- app/routers/items.py
from celery import chain, chord, group
from fastapi import APIRouter, Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session_dependency
from app.tasks.images import index, resize, thumbnail

router = APIRouter()


@router.post("/scan")
async def start(request: Request, session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        session.add(Item(name="x"))
        chain(resize.s(1), resize.s(2)).delay()  # TXN603@9
        group(resize.s(i) for i in range(3))()  # TXN603@9
        chord([resize.s(1)])(resize.s(2))  # TXN603@9
        (resize.s(1) | resize.s(2)).apply_async()  # TXN603@9
        await request.app.state.arq.enqueue_job("resize", 1)  # TXN603@15
        index.configure(lock="x").defer(item_id=1)  # TXN603@9
        thumbnail(1)  # TXN603@9
        thumbnail.schedule((1,), delay=60)  # TXN603@9
        (resize.s(1) | resize.s(2) | resize.si(3))()  # TXN603@9
        later = chain(resize.s(1), resize.s(2))
        then = resize.s(1) | resize.s(2)
    later.delay()
    then()
"""
    ),
    Bad(
        path="app/worker.py",
        source="""
from arq import cron, func
from arq.connections import RedisSettings

from app.models.item import Item
from app.session import get_session


async def scan(ctx, item_id: str) -> None:
    async with get_session() as session:
        session.add(Item(name=item_id))  # TXN209@9


async def submit(ctx) -> None:
    async with get_session() as session, session.begin():
        item = Item(name="a")
        session.add(item)
        await ctx["redis"].enqueue_job("scan", str(item.id))  # TXN603@15


async def nightly(ctx) -> None:
    async with get_session() as session:
        session.add(Item(name="a"))  # TXN209@9


class WorkerSettings:
    functions = [submit, func(scan, max_tries=3)]
    cron_jobs = [cron(nightly, hour=3)]
    redis_settings = RedisSettings()
""",
    ),
    Bad(
        source="""
# --- app/deps.py
from fastapi import Depends

from app.session import get_session_dependency, session_factory


async def committing():
    async with session_factory() as session:
        yield session
        await session.commit()


async def begun():
    async with session_factory.begin() as session:
        yield session


async def unit(session=Depends(get_session_dependency)):
    yield
    await session.commit()


class Rows:
    def __init__(self, session):
        self.session = session

    async def save(self, row):
        self.session.add(row)


async def rows(session=Depends(committing)):
    return Rows(session)
# --- app/routers/items.py
import asyncio

from fastapi import APIRouter, BackgroundTasks, Depends

from app.deps import begun, committing, rows, unit
from app.models.item import Item
from app.session import get_session_dependency

router = APIRouter()
tasks = set()


async def scan(item_id):
    pass


async def save(session, item):
    session.add(item)
    await session.flush()


@router.post("/a")
async def direct(background: BackgroundTasks, session=Depends(committing)):
    item = Item(name="x")
    await save(session, item)
    background.add_task(scan, item.id)  # TXN603@5


@router.post("/b")
async def block(background: BackgroundTasks, session=Depends(begun)):
    session.add(Item(name="x"))
    background.add_task(scan, 1)  # TXN603@5


@router.post("/c", dependencies=[Depends(unit)])
async def beside(background: BackgroundTasks, session=Depends(get_session_dependency)):
    session.add(Item(name="x"))
    background.add_task(scan, 1)  # TXN603@5


@router.post("/d")
async def held(background: BackgroundTasks, repository=Depends(rows)):
    await repository.save(Item(name="x"))
    background.add_task(scan, 1)  # TXN603@5


@router.post("/e")
async def at_once(session=Depends(committing, scope="function")):
    session.add(Item(name="x"))
    tasks.add(asyncio.create_task(scan(1)))  # TXN603@15
""",
    ),
    Bad(
        source="""
# --- app/decorators.py
import functools

from app.session import get_session


def in_transaction(fn):
    @functools.wraps(fn)
    async def wrapper(*args, session, **kwargs):
        async with session.begin():
            return await fn(*args, session=session, **kwargs)

    return wrapper


def with_transaction(fn):
    @functools.wraps(fn)
    async def wrapper(*args, **kwargs):
        async with get_session() as session, session.begin():
            return await fn(session, *args, **kwargs)

    return wrapper
# --- app/routers/items.py
import httpx
from fastapi import APIRouter, BackgroundTasks, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.decorators import in_transaction, with_transaction
from app.session import get_session, get_session_dependency

router = APIRouter()


async def index():
    async with get_session() as session:
        await session.get(object, 1)


@router.post("/a")
@in_transaction
async def a(tasks: BackgroundTasks, session: AsyncSession = Depends(get_session_dependency)):
    session.add(object())
    tasks.add_task(index)  # TXN603@5


@with_transaction
async def b(session: AsyncSession, tasks: BackgroundTasks):
    start(tasks)  # TXN603@5


def start(tasks: BackgroundTasks):
    tasks.add_task(index)


async def c(tasks: BackgroundTasks):
    await b(tasks)
""",
    ),
    Bad(
        source="""
# --- app/indexing.py
from celery import Celery

queue = Celery()


@queue.task
def index(book_id):
    return book_id


def tell(book):
    index.delay(book.id)
# --- app/models/listening.py
from sqlalchemy import event
from sqlalchemy.orm import Session

from app.indexing import index, tell
from app.models.item import Item


@event.listens_for(Item, "after_update", propagate=True)
def changed(mapper, connection, book):
    tell(book)  # TXN603@5


@event.listens_for(Session, "before_flush")
def collected(session, context, rows):
    for book in session.dirty:
        index.delay(book.id)  # TXN603@9


def removed(mapper, connection, book):
    index.delay(book.id)  # TXN603@5


event.listen(Item, "after_delete", removed)
""",
    ),
    Bad(
        """
# --- app/services/labels.py
import asyncio

from sqlalchemy.ext.asyncio import AsyncSession


async def attach(label_id):
    await asyncio.sleep(label_id)


class Unit:
    def __init__(self, session: AsyncSession):
        self.session = session

    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, trace):
        if kind is None:
            await self.session.commit()


class Labels:
    def __init__(self, session: AsyncSession):
        self.session = session

    async def add(self, label):
        self.session.add(label)
        await self.session.flush()


class Printing:
    def __init__(self, labels: Labels, unit: Unit):
        self.labels = labels
        self.unit = unit
        self.started = []

    async def print_one(self, label):
        async with self.unit:
            await self.labels.add(label)
        self.started.append(asyncio.create_task(attach(label.id)))

    async def print_early(self, label):
        async with self.unit:
            await self.labels.add(label)
            self.started.append(asyncio.create_task(attach(label.id)))  # TXN603@33
# --- app/routers/labels.py
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.services.labels import Labels, Printing, Unit
from app.session import get_session_dependency

router = APIRouter()


@router.post("/labels")
async def print_one(label: dict, db: AsyncSession = Depends(get_session_dependency)):
    async with db.begin():
        await Printing(Labels(db), Unit(db)).print_one(label)


@router.post("/labels/early")
async def print_early(label: dict, db: AsyncSession = Depends(get_session_dependency)):
    await Printing(Labels(db), Unit(db)).print_early(label)
""",
    ),
    Bad(
        """
# --- app/tasks/letters.py
from app.models.item import Item
from app.session import get_session


async def write(ctx, name):
    async with get_session() as session, session.begin():
        letter = Item(name=name)
        session.add(letter)
        await session.flush()
        await ctx["redis"].enqueue_job("post", letter.id)  # TXN603@15


async def write_by_name(ctx, name):
    redis = ctx["redis"]
    async with get_session() as session, session.begin():
        session.add(Item(name=name))
        await redis.enqueue_job("post", name)  # TXN603@15


async def write_first(ctx, name):
    async with get_session() as session, session.begin():
        letter = Item(name=name)
        session.add(letter)
    await ctx["redis"].enqueue_job("post", letter.id)


async def beside(name, **queues):
    async with get_session() as session, session.begin():
        session.add(Item(name=name))
        made = {"mine": print}
        made["mine"].enqueue_job("post", name)
"""
    ),
    Bad(
        """
# --- app/routers/letters.py
from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from starlette.background import BackgroundTask

from app.models.item import Item
from app.session import get_session_dependency

router = APIRouter()


def post(key):
    print(key)


@router.post("/inside")
async def inside(session=Depends(get_session_dependency)):
    async with session.begin():
        letter = Item(name="a")
        session.add(letter)
        await session.flush()
        answer = JSONResponse({}, background=BackgroundTask(post, letter.id))  # TXN603@46
    return answer


@router.post("/behind")
async def behind(session=Depends(get_session_dependency)):
    async with session.begin():
        letter = Item(name="a")
        session.add(letter)
    return JSONResponse({}, background=BackgroundTask(post, letter.id))
"""
    ),
    Bad(
        """
# --- app/main.py
import os

from advanced_alchemy.extensions.litestar import SQLAlchemyAsyncConfig, SQLAlchemyPlugin
from litestar import Litestar, Request, Response, post
from litestar.background_tasks import BackgroundTask
from sqlalchemy.ext.asyncio import AsyncSession


def note(jar: int) -> None:
    print(jar)


@post("/inside")
async def inside(db_session: AsyncSession) -> Response[str]:
    async with db_session.begin():
        db_session.add(object())
        return Response("a", background=BackgroundTask(note, 1))  # TXN603@41


@post("/with-the-answer")
async def with_the_answer(saved: AsyncSession) -> Response[str]:
    saved.add(object())
    return Response("a", background=BackgroundTask(note, 1))


@post("/at-once")
async def at_once(request: Request, saved: AsyncSession) -> None:
    saved.add(object())
    request.app.emit("put up")  # TXN603@5


plain = SQLAlchemyAsyncConfig(connection_string=os.environ["DB"])
saving = SQLAlchemyAsyncConfig(
    connection_string=os.environ["DB"], session_dependency_key="saved", before_send_handler="autocommit"
)
app = Litestar([inside, with_the_answer, at_once], plugins=[SQLAlchemyPlugin(config=[plain, saving])])
""",
    ),
    Bad(
        """
import dramatiq
from celery import shared_task
from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from app.models.item import Item
from app.session import get_session_dependency

router = APIRouter()


@dramatiq.actor
def weigh(number: int):
    return number


@shared_task
def label(number: int):
    return number


@router.post("/parcels")
def parcels(session: Session = Depends(get_session_dependency)):
    with session.begin():
        session.add(Item())
        (weigh.message(1) | weigh.message()).run()  # TXN603@9
        dramatiq.pipeline([weigh.message(1), weigh.message()]).run()  # TXN603@9
        dramatiq.group([weigh.message(1), weigh.message(2)]).run(delay=10)  # TXN603@9
        (label.s(1) | label.s()).run()  # TXN603@9
        both = weigh.message(1) | weigh.message()
    both.run()
    dramatiq.group([weigh.message(1)]).run()
""",
        path="app/routers/parcels.py",
    ),
    Bad(
        """
# --- app/transactional.py
from functools import wraps

from app.registry import session


class Transactional:
    def __call__(self, function):
        @wraps(function)
        async def wrapper(*args, **kwargs):
            return await self.committed(function, args, kwargs)

        return wrapper

    async def committed(self, function, args, kwargs):
        result = await function(*args, **kwargs)
        await session.commit()  # noqa: TXN201
        return result
# --- app/registry.py
from contextvars import ContextVar

from sqlalchemy.ext.asyncio import async_scoped_session, async_sessionmaker, create_async_engine

scope: ContextVar[str] = ContextVar("scope")
session = async_scoped_session(async_sessionmaker(create_async_engine("postgresql://db/app")), scope.get)
# --- app/routers/items.py
from celery import Celery
from fastapi import APIRouter

from app.models.item import Item
from app.registry import session
from app.transactional import Transactional

router = APIRouter()
celery = Celery("items")


@celery.task
def index(item_id):
    print(item_id)


@router.post("/items")
@Transactional()
async def add(name: str):
    item = Item(name=name)
    session.add(item)
    await session.flush()
    index.delay(item.id)  # TXN603@5


@Transactional()
async def save(name: str):
    item = Item(name=name)
    session.add(item)
    await session.flush()
    return item.id


@router.post("/saved")
async def saved(name: str):
    item_id = await save(name)
    index.delay(item_id)
"""
    ),
]

GOOD = [
    Good(
        path="app/tasks/caching.py",
        source="""
import threading

from app.session import get_session

seen = {}


async def forget(row):
    async with get_session() as session:
        async with session.begin():
            session.add(row)
            threading.Timer(60, seen.clear).start()
""",
    ),
    Good(
        path="app/routers/items.py",
        source="""
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session_dependency

router = APIRouter()


class Outbox:
    def enqueue(self, text):
        return text

    def delay(self, text):
        return text


@router.post("/scan")
async def start(socket, outbox: Outbox, session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        session.add(Item(name="x"))
        outbox.enqueue("x")
        outbox.delay("x")
        socket.send("x")
""",
    ),
    Good(
        path="app/routers/items.py",
        source="""
import asyncio

from fastapi import APIRouter, BackgroundTasks, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session_dependency

router = APIRouter()


async def scan(item_id):
    pass


def parse(text):
    return text


@router.post("/scan")
async def start(background: BackgroundTasks, session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        item = Item(name="x")
        session.add(item)
        await asyncio.to_thread(parse, "x")
        task = asyncio.create_task(scan(1))
        await task
    background.add_task(scan, item.id)
    return item.id


@router.post("/commit")
async def commit_and_start(background: BackgroundTasks, session: AsyncSession = Depends(get_session_dependency)):
    session.add(Item(name="x"))
    await session.commit()
    background.add_task(scan, 1)


@router.get("/read")
async def read(background: BackgroundTasks, session: AsyncSession = Depends(get_session_dependency)):
    item = await session.get(Item, 1)
    background.add_task(scan, 1)
    return item
""",
    ),
    Good(
        path="app/worker.py",
        source="""
from arq.connections import RedisSettings

from app.models.item import Item
from app.session import get_session


async def submit(ctx) -> None:
    async with get_session() as session, session.begin():
        item = Item(name="a")
        session.add(item)
    await ctx["redis"].enqueue_job("scan", str(item.id))


async def store(session) -> None:
    session.add(Item(name="a"))


class Menu:
    functions = [store]
    cron_jobs = []


class WorkerSettings:
    functions = [submit]
    redis_settings = RedisSettings()
""",
    ),
    Good(
        source="""
# --- app/deps.py
from app.session import session_factory


async def committing():
    async with session_factory() as session:
        yield session
        await session.commit()


async def undoing():
    async with session_factory() as session:
        yield session
        await session.rollback()
# --- app/routers/items.py
from fastapi import APIRouter, BackgroundTasks, Depends

from app.deps import committing, undoing
from app.models.item import Item

router = APIRouter()


async def scan(item_id):
    pass


async def save(session, item):
    async with session.begin():
        session.add(item)


@router.post("/a")
async def before_the_response(background: BackgroundTasks, session=Depends(committing, scope="function")):
    session.add(Item(name="x"))
    background.add_task(scan, 1)


@router.post("/b")
async def committed(background: BackgroundTasks, session=Depends(committing)):
    session.add(Item(name="x"))
    await session.commit()
    background.add_task(scan, 1)


@router.post("/c")
async def blocks(background: BackgroundTasks, session=Depends(committing)):
    async with session.begin():
        session.add(Item(name="x"))
    await save(session, Item(name="y"))
    background.add_task(scan, 1)


@router.get("/d")
async def only_read(background: BackgroundTasks, session=Depends(committing)):
    item = await session.get(Item, 1)
    background.add_task(scan, item.id)


@router.post("/e")
async def never_committed(background: BackgroundTasks, session=Depends(undoing)):
    session.add(Item(name="x"))
    background.add_task(scan, 1)
""",
    ),
    Good(
        source="""
# --- app/services/items.py
import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import wraps

from app.models.item import Item


def parse(text):
    return text


def parsed(texts):
    with ThreadPoolExecutor() as pool:
        return list(pool.map(parse, texts))


async def save(session, texts):
    session.add(Item(name="x"))
    parsed(texts)
    await session.commit()


async def scan(item_id):
    pass


def managed(mode):
    def decorator(method):
        @wraps(method)
        async def wrapper(self, *args):
            result = await method(self, *args)
            if mode == "commit":
                await self.db.commit()
            return result

        return wrapper

    return decorator


class Items:
    def __init__(self, db):
        self.db = db

    @managed("commit")
    async def add(self):
        self.db.add(Item(name="x"))

    @managed("flush")
    async def later(self, background):
        background.add_task(scan, 1)
        self.db.add(Item(name="x"))
# --- app/routers/items.py
from fastapi import APIRouter, BackgroundTasks, Depends

from app.services.items import Items
from app.session import get_session_dependency

router = APIRouter()


@router.post("/items")
async def create(background: BackgroundTasks, session=Depends(get_session_dependency)):
    items = Items(session)
    await items.add()
    await items.later(background)
""",
    ),
    Good(
        path="app/services/trees.py",
        source="""
from concurrent.futures import ThreadPoolExecutor


def parse(node):
    return node


def walk(nodes):
    for node in nodes:
        walk(node.children)
    with ThreadPoolExecutor() as pool:
        return list(pool.map(parse, nodes))


def climb(node):
    walk(node.children)
    return climb(node.parent)


async def save(session, row, node):
    session.add(row)
    climb(node)
    await session.commit()
""",
    ),
    Good(
        source="""
# --- app/decorators.py
import functools

from app.session import get_session


def timed(fn):
    @functools.wraps(fn)
    async def wrapper(*args, session, **kwargs):
        return await fn(*args, session=session, **kwargs)

    return wrapper


def nested(fn):
    @functools.wraps(fn)
    async def wrapper(*args, session, **kwargs):
        async with session.begin_nested():
            return await fn(*args, session=session, **kwargs)

    return wrapper


def counted(fn):
    @functools.wraps(fn)
    async def wrapper(*args, **kwargs):
        async with get_session() as own, own.begin():
            await own.get(object, 1)
        return await fn(*args, **kwargs)

    return wrapper
# --- app/routers/items.py
import httpx
from fastapi import APIRouter, BackgroundTasks, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.decorators import counted, timed
from app.session import get_session, get_session_dependency

router = APIRouter()


async def index():
    async with get_session() as session:
        await session.get(object, 1)


@router.post("/a")
@timed
async def a(tasks: BackgroundTasks, session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        session.add(object())
    tasks.add_task(index)


@counted
async def b(tasks: BackgroundTasks):
    tasks.add_task(index)
""",
    ),
    Good(
        source="""
from celery import Celery
from sqlalchemy import event
from sqlalchemy.orm import Session

from app.models.item import Item

queue = Celery()


@queue.task
def index(book_id):
    return book_id


@event.listens_for(Item, "after_insert")
def noted(mapper, connection, book):
    Session.object_session(book).info.setdefault("books", []).append(book.id)


@event.listens_for(Session, "after_commit")
def committed(session):
    for book_id in session.info.pop("books", []):
        index.delay(book_id)
""",
    ),
    Good(
        """
# --- app/routers/orders.py
from fastapi import APIRouter, BackgroundTasks, Depends

from app.session import get_session_dependency

router = APIRouter()


async def pack(name: str) -> None:
    print(name)


class Afterwards:
    def __init__(self, tasks: BackgroundTasks, name: str) -> None:
        self.tasks, self.name = tasks, name

    async def __aenter__(self):
        return self

    async def __aexit__(self, *error):
        self.tasks.add_task(pack, self.name)


@router.post("/orders")
async def order(name: str, tasks: BackgroundTasks, session=Depends(get_session_dependency)):
    async with Afterwards(tasks, name), session.begin():
        session.add(name)
"""
    ),
]


_STARTS = ("schedule", "effect", "started")


def check(program: Program) -> Iterator[Finding]:
    """Every schedule inside a transaction block, and every one between a write and its commit."""
    awaited = awaited_tasks(program)
    reported: set[Site] = set()
    later = program.shared(begun_later)
    plain = ((e, e) for e in program.events(*_STARTS) if _in_wrapped(e) is e)
    for event, told in (*plain, *((e, t) for e, t in program.shared(_put_around) if program.judges(t.path))):
        if told.site in reported or is_told_inside(program, event) or not _starts_work(program, event, awaited):
            continue
        if is_only_made(program, event, later):
            continue
        if program.role(event.function) in ("test", "migration"):
            continue
        begun = next((t for t in event.transactions if not t.savepoint), None)
        if begun is not None and _commits_first(event, begun.subjects):
            continue  # that is TXN205
        outer = around(program, event.function) if begun is None else None
        put = program.shared(listeners).get(event.function) if begun is None else None
        if outer is not None:
            step, since = outer.step(program), f"that @{outer.decorator.name} opens"
            where = "after a transaction block in the function itself"
        elif put is not None:
            step, since = listening(program, put, event.function), "that is flushed"
            where = "in a listener to 'after_commit'"
        else:
            found = _block(program, begun) if begun is not None else _committed_later(program, event)
            if found is None:
                continue
            line = program.line_of(found.path, (found.line, found.column, 0, 0))
            step, since, where = found, f"of line {line}", "after the transaction block"
        if event.kind == "effect" and (rests_on_its_own(program, event) or is_put_off(program, event)):
            continue
        if lacks_loop(program, event):
            continue
        if is_idle(program, event, awaited | program.shared(_executed)):
            continue
        reported.add(told.site)
        if told is not event:
            since = f"around it ({event.function.in_full})"
            where = "in a function that calls the decorated one"
        what = text(told) if told.expr is not None and told.expr[0] != "z" else called(told)
        yield program.finding(
            META, told,
            f"{what} schedules background work before the transaction {since} has committed. Schedule it {where}, with "
            "the ids it needs.",
            [step, *_inner(program, event)],
        )  # fmt: skip


def _put_around(program: Program) -> list[tuple[Event, Event]]:
    """The calls of decorated functions in what is put around them, each with what schedules the work there."""
    return [(e, told) for e in program.whole.events("effect") if (told := _in_wrapped(e)) is not e]


def _in_wrapped(event: Event) -> Event:
    """What a decorated function does to schedule work, where what is put around all such functions calls one of them.

    Nothing can be changed there, and what is silenced there is silenced for all of them.
    """
    callee, effect, written = event.callee, event.effect, event.expr[2] if event.expr and event.expr[0] == "c" else None
    if callee is None or effect is None or written is None or written[0] != "n" or not callee.decorator_values:
        return event
    around: FunctionInfo | None = event.function
    while around is not None and all(p[0] != written[2] for p in around.params):
        around = around.parent
    hop = callee.summary.effects.get(effect) if around is not None else None
    if hop is None:
        return event
    return next((e for e in callee.events if e.site == hop.site and e.kind in _STARTS), event)


def _starts_work(program: Program, event: Event, awaited: frozenset[Site]) -> bool:
    if event.site in awaited or _is_kept_by_pool(event) or (event.text == "thread" and not _is_left_to_executor(event)):
        return False
    if event.kind in ("schedule", "started"):
        return True
    if event.text != "schedule" or event.callee is None or event.effect is None:
        return False
    if _is_told_by_callers(program, event):
        return False
    site = program.effect_site(event.callee, event.effect)
    waited_for = awaited | program.shared(_executed)
    return site is not None and not any(site[0] == path and site[1][:2] == span[:2] for path, span in waited_for)


def _executed(program: Program) -> frozenset[Site]:
    """Where work goes to an executor's threads."""
    return frozenset(e.site for e in program.events("schedule") if _is_kept_by_pool(e))


def _is_kept_by_pool(event: Event) -> bool:
    """Whether a pool gave something back that may be waited for."""
    return event.name.startswith(_EXECUTORS) and "statement" not in event.flags


def _is_left_to_executor(event: Event) -> bool:
    """``loop.run_in_executor(None, index, item.id)`` that nobody awaits."""
    left = "statement" in event.flags and "awaited" not in event.flags
    return left and event.kind == "schedule" and event.name.endswith(".run_in_executor")


def _is_told_by_callers(program: Program, event: Event) -> bool:
    """Whether a decorator's inner function calls what it wraps, which others call.

    What the wrapped function starts, and when the wrapper commits for it, is told where it is called.
    """
    written = event.expr[2] if event.expr is not None and event.expr[0] == "c" else None
    if written is None or written[0] != "n" or event.callee is None or event.callee.routes:
        return False
    outer = event.function.parent
    while outer is not None:
        if any(p[0] == written[2] for p in outer.params):
            calls = program.events("call")
            return any(e.callee is event.callee and e.function is not event.function for e in calls)
        outer = outer.parent
    return False


def _inner(program: Program, event: Event) -> list[TraceStep]:
    if event.kind != "effect" or event.callee is None or event.effect is None:
        return []
    return program.effect_trace(event.callee, event.effect)


def _block(program: Program, begun: Transaction) -> TraceStep:
    return program.step(begun.site, "the transaction begins here and commits when this block ends")


def _committed_later(program: Program, event: Event) -> TraceStep | None:
    """The first uncommitted write before the event on a session that the same function commits after it."""
    events = event.function.events
    here = next((i for i, e in enumerate(events) if e is event), 0)
    pending: dict[Any, Event] = {}
    before = [e for e in events[:here] if e.span != event.span and not _is_refuted(e, event)]
    told = is_told_below(program, event)
    for earlier in (*before, *(e for e in events if e.span == event.span and not told and _writes_first(e, event))):
        for session in earlier.subject:
            if (_is_write(earlier) or _is_change(earlier)) and not _saved_already(earlier, session, event):
                pending.setdefault(session, earlier)
            elif _ends(earlier):
                pending.pop(session, None)
    for later in events[here + 1 :]:
        for session in later.subject:
            if session in pending and _ends(later, "commit"):
                return program.step(pending[session].site, "this write is committed only after the work is scheduled")
    for session, write in pending.items():
        if _committed_by_context(event, session):
            return program.step(write.site, "this write is committed only when the with block around it ends")
        if any(session in unit.subjects for unit in units_of_decorators(program, event.function)):
            return program.step(write.site, "this write is committed only when the decorator leaves its unit of work")
        found = committing_dependency(program, event.function, session)
        if found is not None and not (found[1] and _waits_for_the_response(program, event)):
            note = f"this write is committed only after the yield of {found[0].in_full}"
            return program.step(write.site, note if found[1] else f"{note}, after the background tasks have run")
        if commits_before_response(program, event.function, session) and not _waits_for_the_response(program, event):
            return program.step(write.site, "this write is committed only when the handler has returned")
    return None


#: What starts work that runs when the response has been sent.
_OF_RESPONSES = ("add_task", ".BackgroundTask")


def _waits_for_the_response(program: Program, event: Event) -> bool:
    """Whether the work is a background task of the response, not one that starts at once."""
    if event.kind == "schedule":
        return event.name.endswith(_OF_RESPONSES)
    last = _inner(program, event)[-1:]
    places = {(step.path, (step.line, step.column)) for step in last}
    starts = [e for e in program.events("schedule") if (e.path, e.span[:2]) in places]
    return bool(starts) and all(e.name.endswith(_OF_RESPONSES) for e in starts)


def _saved_already(write: Event, session: Any, start: Event) -> bool:
    """Whether the block that a write stands in, or the callee that makes it, has committed it before the start."""
    owner = owner_of(write, (session,))
    if owner is not None:
        return owner not in start.transactions
    if write.text == LEFT:
        return session not in start.open_sessions and any(_ends_with_block(e, session) for e in write.function.events)
    if write.callee is None or write.effect is None:
        return False
    if any(e.callee is write.callee and e.span == write.span and session in e.subject for e in _commits(write)):
        return True  # what it leaves unsaved all the same is told apart
    return Effect("txn", "begin", write.effect.subject) in write.callee.summary.effects


def _ends_with_block(event: Event, session: Any) -> bool:
    """Whether a session comes from a context manager that commits it when its block is left."""
    found = event.kind in ("obtain", "effect") and session in event.subject and event.callee is not None
    return found and event.callee is not None and bool(event.callee.summary.commits_after_yield)


def _commits(write: Event) -> Iterator[Event]:
    return (e for e in write.function.events if e.kind == "effect" and e.name == "commit" and e.text == "txn")


def _writes_first(write: Event, start: Event) -> bool:
    """Whether a callee that both writes and starts work has written before it starts it."""
    if write.callee is None or write.callee is not start.callee or write.text == LEFT:
        return False  # on which of its branches it starts the work is not told
    inner = write.callee.events
    starts = next((i for i, e in enumerate(inner) if e.kind == "schedule" or e.text == "schedule"), 0)
    return any(_is_write(e) or _is_change(e) for e in inner[:starts])


def _commits_first(start: Event, sessions: Value) -> bool:
    """Whether a callee has committed the transaction of its caller before it starts work."""
    if start.kind != "effect" or start.callee is None:
        return False
    for commit in _commits(start):
        if commit.span == start.span and commit.callee is start.callee and not set(sessions).isdisjoint(commit.subject):
            inner = start.callee.events
            at = next((i for i, e in enumerate(inner) if e.kind == "schedule" or e.text == "schedule"), 0)
            return any(_ends(e, "commit") for e in inner[:at])
    return False


def _is_write(event: Event) -> bool:
    if event.kind == "use":
        return "write" in event.flags
    return event.kind == "effect" and (event.text == LEFT or (event.text == "use" and event.name == "write"))


def _is_change(event: Event) -> bool:
    """Whether attributes of loaded rows are assigned, which the commit writes."""
    return event.kind == "change" or (event.kind == "effect" and event.text == "change" and event.name == "row")


def _is_refuted(earlier: Event, start: Event) -> bool:
    """Whether on no way to the start of the work anything is written, or changed, or it is committed."""
    if _is_change(earlier):
        return "unchanged" in start.flags
    return "unwritten" in start.flags and not _ends(earlier)


def _ends(event: Event, *names: str) -> bool:
    wanted = names or ("commit", "rollback", "close")
    return event.name in wanted and (event.kind == "txn" or (event.kind == "effect" and event.text == "txn"))


def _committed_by_context(event: Event, session: Any) -> bool:
    """Whether a context manager of the project around the event commits the session when it is left."""
    for entered in event.open_sessions:
        manager = getattr(entered, "info", None)
        if isinstance(manager, FunctionInfo) and manager.summary.commits_after_yield:
            return True
    return any(
        e.kind == "obtain"
        and "context" in e.flags
        and session in e.subject
        and session in event.open_sessions
        and e.callee is not None
        and e.callee.summary.commits_after_yield
        for e in event.function.events
    )
