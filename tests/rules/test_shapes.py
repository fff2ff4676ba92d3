"""Shapes of real code in which a rule's example is not recognised at first sight, and their harmless twins.

Each case is a small project with the markers of the rules' examples; the rules it marks, and those it names,
must find exactly that.
"""

from __future__ import annotations

import pytest

from sessionlint.rules import examples
from sessionlint.rules.catalogue import all_rules

CASES: dict[str, tuple[str, set[str]]] = {
    "lists in a dictionary that grow": (
        """
import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


async def load(session, number):
    return await session.scalar(text("SELECT 1"))


async def together(session: AsyncSession, numbers):
    groups = {"all": [], "one": [], "names": []}
    groups["one"].append(load(session, 1))
    for number in numbers:
        groups["all"].append(load(session, number))
        groups["names"].append(str(number))
    await asyncio.gather(*groups["one"])
    return await asyncio.gather(*groups["all"])  # TXN602@18
""",
        set(),
    ),
    "a package that asks another module for its names (PEP 562)": (
        """
# --- app/names/__init__.py
def __getattr__(name):
    from app.names import deep

    return getattr(deep, name)
# --- app/names/deep.py
from app.session import session_factory as make

other = dict
# --- app/services/items.py
from app.names import make, other


async def save(row):
    other()
    async with make() as session:  # TXN101@16
        await session.commit()  # TXN201@15
""",
        set(),
    ),
    "jobs that a decorator keeps and a scheduler is given elsewhere": (
        """
# --- app/services/registry.py
from app.session import get_session

JOBS, VIEWS = {}, {}
LATER = []


class Registry:
    def __init__(self):
        self.jobs = []

    def job(self, function):
        self.jobs.append(function)
        return function


registry = Registry()


def job(function):
    JOBS[function.__name__] = function
    return function


def later(minutes):
    def keep(function):
        LATER.append((minutes, function))
        return function

    return keep


def view(function):
    VIEWS[function.__name__] = function
    return function


@job
async def reprice():
    async with get_session() as session, session.begin():
        session.add(object())


@later(5)
async def archive():
    async with get_session() as session, session.begin():
        session.add(object())


@registry.job
async def expire():
    async with get_session() as session, session.begin():
        session.add(object())


@view
async def shown():
    async with get_session() as session:  # TXN106@16
        return await session.get(object, 1)
# --- app/main.py
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from app.services.registry import JOBS, LATER, VIEWS, registry

scheduler = AsyncIOScheduler()


def every(minutes, job):
    scheduler.add_job(job, "interval", minutes=minutes)


def start():
    for name, job in JOBS.items():
        scheduler.add_job(job, "interval", minutes=5, id=name)
    for minutes, job in LATER:
        every(minutes, job)
    for job in registry.jobs:
        every(1, job)
    print(list(VIEWS))
""",
        set(),
    ),
    "what a field of a data class is by default": (
        """
from dataclasses import dataclass, field
from typing import Any

from app.session import session_factory


@dataclass
class Tools:
    make: Any = field(default=session_factory)
    other: Any = field(default=dict)


async def save(row):
    async with Tools().make() as session:  # TXN101@16
        await session.commit()  # TXN201@15
    Tools().other().commit()
""",
        set(),
    ),
    "imports for type checkers, whatever the constant is called": (
        """
from typing import TYPE_CHECKING as TYPES

if TYPES:
    from app.auth.security import get_current_user
if not TYPES:
    from app.auth import security  # TXN404@5
""",
        set(),
    ),
    "an endpoint under a decorator that another endpoint with a transaction shares": (
        """
# --- app/routers/items.py
import functools

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import get_session_dependency


def traced(function):
    @functools.wraps(function)
    async def wrapper(*args, **kwargs):
        return await function(*args, **kwargs)

    return wrapper


def in_transaction(function):
    @functools.wraps(function)
    async def wrapper(session, **kwargs):
        async with session.begin():
            return await function(session=session, **kwargs)

    return wrapper


router = APIRouter()


@router.post("/lost")
@traced
async def lost(session: AsyncSession = Depends(get_session_dependency)):
    session.add(object())  # TXN209@5


@router.post("/kept")
@traced
async def kept(session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        session.add(object())


@router.post("/around")
@in_transaction
async def around(session: AsyncSession = Depends(get_session_dependency)):
    session.add(object())
""",
        set(),
    ),
    "an endpoint that mentions no session, added by a call": (
        """
# --- app/routers/items.py
from fastapi import APIRouter

router = APIRouter()


async def everything():
    return []


router.add_api_route("/items", everything, methods=["GET"])  # TXN405@1
# --- app/routers/mine.py
from fastapi import APIRouter

router = APIRouter()


async def mine():
    return []


router.add_api_route("/mine", mine, methods=["GET"])
# --- app/main.py
from fastapi import Depends, FastAPI

from app.auth.security import get_current_user
from app.routers import items, mine

app = FastAPI()
app.include_router(items.router)
app.include_router(mine.router, dependencies=[Depends(get_current_user)])
""",
        set(),
    ),
    "a row that an endpoint for reading changes for its answer": (
        """
# --- app/routers/items.py
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session_dependency

router = APIRouter()


async def shown(session: AsyncSession = Depends(get_session_dependency)):
    item = await session.get(Item, 1)
    item.name = "shown"
    return item


async def renamed(session: AsyncSession = Depends(get_session_dependency)):
    item = await session.get(Item, 1)
    item.name = "new"  # TXN209@5


router.add_api_route("/item", shown, methods=["GET"])
router.add_api_route("/item", renamed, methods=["PUT"])
""",
        set(),
    ),
    "a helper that is handed the object which keeps the session": (
        """
import git
from sqlalchemy.ext.asyncio import AsyncSession


async def finish(owner):
    await owner.unit.commit()  # TXN201@11


def publish(owner):
    owner.unit.commit()


class Items:
    def __init__(self, unit: AsyncSession) -> None:
        self.unit = unit

    async def save(self, row):
        await finish(self)


class Pages:
    def __init__(self) -> None:
        self.unit = git.Repo(".").index

    def save(self, row):
        publish(self)
""",
        set(),
    ),
    "a session kept on the one object of a sub-class": (
        """
from sqlalchemy.ext.asyncio import AsyncSession


class Exporter:
    def __init__(self):
        self.db = None

    async def run(self, session: AsyncSession):
        self.db = session  # TXN109@9
        await self.db.get(object, 1)


class Importer:
    async def run(self, session: AsyncSession):
        self.db = session
        await self.db.get(object, 1)


class CsvExporter(Exporter):
    pass


exporter = CsvExporter()
""",
        set(),
    ),
    "a case that matches anything, and a loop that is left by break": (
        """
from sqlalchemy.ext.asyncio import AsyncSession


async def matched(session: AsyncSession, kind):
    match kind:
        case "a":
            await session.execute("SELECT 1")
        case _:
            await session.execute("SELECT 2")
    async with session.begin():  # TXN206@16
        pass


async def perhaps(session: AsyncSession, kind):
    match kind:
        case "a":
            await session.execute("SELECT 1")
    async with session.begin():
        pass


async def guarded(session: AsyncSession, kind):
    match kind:
        case _ if kind > 3:
            await session.execute("SELECT 1")
    async with session.begin():
        pass


async def looped(session: AsyncSession):
    while True:
        await session.execute("SELECT 1")
        break
    async with session.begin():  # TXN206@16
        pass


async def waited(session: AsyncSession, more):
    while more():
        await session.execute("SELECT 1")
        break
    async with session.begin():
        pass
""",
        set(),
    ),
    "what is put on an exit stack ends with the stack, and not before": (
        """
from contextlib import AsyncExitStack, nullcontext

from sqlalchemy.ext.asyncio import AsyncSession

from app.session import session_factory


async def used_later(session: AsyncSession):
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(session_factory())
        with nullcontext():
            await db.get(object, 1)
        await db.get(object, 2)
    await db.get(object, 3)  # TXN208@11


async def begun_inside(session: AsyncSession):
    async with AsyncExitStack() as stack:
        with nullcontext():
            await stack.enter_async_context(session.begin())
        async with session.begin():  # TXN206@20
            pass
    async with session.begin():
        pass


async def one_or_the_other(session: AsyncSession, nested):
    async with AsyncExitStack() as stack:
        if nested:
            await stack.enter_async_context(session.begin_nested())
        else:
            await stack.enter_async_context(session.begin())
""",
        set(),
    ),
    "a helper that hands out the transaction for its caller to begin": (
        """
from sqlalchemy.ext.asyncio import AsyncSession


def unit(session):
    return session.begin()


async def begun(session):
    return await session.begin()  # TXN203@18


async def twice(session: AsyncSession):
    async with unit(session):  # TXN204@16
        async with unit(session):  # TXN204@20 TXN206@20
            session.add(object())


async def one_after_the_other(session: AsyncSession):
    async with unit(session):  # TXN204@16
        session.add(object())
    async with unit(session):  # TXN204@16
        session.add(object())
    await begun(session)


async def a_savepoint(session: AsyncSession):
    async with session.begin_nested() as point:
        await undo(point)


async def undo(point):
    await point.rollback()
""",
        {"TXN202"},
    ),
    "one helper that passes every call on": (
        """
# --- app/services/running.py
async def run(call, *args, **options):
    'Times it.'
    return await call(*args, **options)


def now(call, *args):
    return call(*args)


class Runner:
    async def run(self, call, *args):
        return await call(*args)
# --- app/services/items.py
from sqlalchemy.ext.asyncio import AsyncSession

from app.services.running import Runner, now, run


async def save(session: AsyncSession, row, tenant_id=None):  # TXN303@44
    now(session.add, row)


async def finish(session: AsyncSession):
    await run(session.commit)  # TXN201@11


async def finish_later(session: AsyncSession, runner: Runner):
    await runner.run(session.commit)  # TXN201@11


async def nothing(session: AsyncSession, client):
    await run(client.commit)
    await run(session.flush)
    await run(save, session, object())


async def ask(session: AsyncSession, row, user):
    await run(save, session, row, user.tenant_id)  # TXN303@11
    await run(save, session, row, tenant_id=user.tenant_id)  # TXN303@11
# --- app/routers/items.py
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.services.items import nothing, save
from app.services.running import run
from app.session import get_session_dependency

router = APIRouter()


@router.post("/items")
async def made(session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        await run(save, session, object())
        await run(nothing, session, object())
""",
        {"TXN205"},
    ),
    "objects that make their own sessions": (
        """
# --- app/work.py
from app.session import session_factory


class Work:
    def __init__(self):
        self.session = session_factory()

    async def __aenter__(self):
        return self.session

    async def __aexit__(self, *error):
        await self.session.close()


class Unit:
    async def __aenter__(self):
        self.session = session_factory()
        return self

    async def __aexit__(self, *error):
        await self.session.close()

    async def save(self, row):
        self.session.add(row)
        await self.session.commit()


def unit():
    return Unit()
# --- app/jobs/nightly.py
from sqlalchemy import text

from app.work import Unit, Work, unit


async def one(row):
    async with Unit() as work:
        await work.save(row)


async def one_each(rows):
    async with Unit() as work, work.session.begin():
        for row in rows:
            await one(row)
        await work.save(rows)  # TXN205@15


async def two():
    async with Work() as session:
        await session.execute(text("SELECT 1"))
    async with Work() as session:
        await session.execute(text("SELECT 1"))
    await session.execute(text("SELECT 1"))  # TXN208@11


async def again():
    work = unit()
    async with work:
        await work.session.execute(text("SELECT 1"))
    async with work:
        await work.session.execute(text("SELECT 1"))
    await work.session.execute(text("SELECT 1"))  # TXN208@11


async def inside():
    outer, inner = Unit(), Unit()
    async with outer:
        async with inner:
            await inner.session.execute(text("SELECT 1"))
        await outer.session.execute(text("SELECT 1"))
        await inner.session.execute(text("SELECT 1"))  # TXN208@15


async def given(work: Unit, row):
    async with work.session.begin():
        await work.save(row)  # TXN205@15
        await one(row)
""",
        set(),
    ),
    "methods that a class below has in the place of the base's": (
        """
# --- app/services/saving.py
import httpx


class Repository:
    def __init__(self, session):
        self.session = session

    async def save(self, row):
        self.session.add(row)
        await self.finish()

    async def finish(self):
        await self.session.flush()


class Committing(Repository):
    async def finish(self):
        await super().finish()
        await self.session.commit()  # TXN201@15


class Quiet(Committing):
    async def finish(self):
        await self.session.flush()


class Service:
    def __init__(self, repository: Repository):
        self.repository = repository

    async def create(self, row):
        await self.before()
        await self.repository.save(row)

    async def before(self):
        return None


class Asking(Service):
    async def before(self):
        async with httpx.AsyncClient() as client:
            await client.get("https://example.com")
# --- app/routers/items.py
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.services.saving import Asking, Committing, Quiet, Repository, Service
from app.session import get_session_dependency

router = APIRouter()


@router.post("/items")
async def create(row: dict, session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        await Repository(session).save(row)
        await Quiet(session).save(row)
        await Service(Repository(session)).create(row)
        await Service(Quiet(session)).create(row)
        await Committing(session).save(row)  # TXN205@15
        await Service(Committing(session)).create(row)  # TXN205@15
        await Asking(Repository(session)).create(row)  # TXN207@15
""",
        set(),
    ),
    "handlers that each bus was given": (
        """
# --- app/services/bus.py
class Bus:
    def __init__(self, handlers):
        self.handlers = handlers

    async def handle(self, name, session):
        await self.handlers[name](session)

    async def ask(self, name, session):
        handler = self.handlers.get(name)
        if handler is not None:
            await handler(session)

    async def all(self, session):
        for handler in self.handlers.values():
            await handler(session)


class Store:
    async def __call__(self, session):
        await session.flush()


class Finish:
    async def __call__(self, session):
        await session.commit()  # TXN201@15


async def store(session):
    await session.flush()


async def finish(session):
    await session.commit()  # TXN201@11


stores = Bus({"store": store, "other": Store()})
ends = Bus({"finish": finish})
finishes = Bus({Finish: Finish()})
table: dict = {"finish": finish}
# --- app/routers/items.py
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.services.bus import ends, finishes, stores, table
from app.session import get_session_dependency

router = APIRouter()


@router.post("/items/{name}")
async def create(name: str, session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        await stores.handle(name, session)
        await stores.ask(name, session)
        await stores.all(session)
        await ends.handle(name, session)  # TXN205@15
        await ends.ask(name, session)  # TXN205@15
        await finishes.all(session)  # TXN205@15
        await table[name](session)  # TXN205@15
""",
        set(),
    ),
    "a class that begins when it is entered and leaves the block by hand": (
        """
# --- app/jobs/nightly.py
from app.session import get_session


class Begun:
    def __init__(self, session):
        self.session = session

    async def __aenter__(self):
        self.transaction = await self.session.begin()
        return self.session

    async def __aexit__(self, *error):
        await self.transaction.__aexit__(*error)


class Owned:
    async def __aenter__(self):
        self.manager = get_session()
        self.session = await self.manager.__aenter__()
        self.transaction = self.session.begin()
        await self.transaction.__aenter__()
        return self.session

    async def __aexit__(self, *error):
        await self.transaction.__aexit__(*error)
        await self.manager.__aexit__(*error)


async def twice(row):
    async with get_session() as session:
        async with Begun(session):
            session.add(row)
            async with session.begin():  # TXN206@24
                session.add(row)
        async with session.begin():
            session.add(row)


async def owned(row):
    async with Owned() as session:
        session.add(row)
""",
        {"TXN209"},
    ),
    "one decorator around what receives a session and what sends a message": (
        """
# --- app/tasks/queue.py
from celery import Celery

app = Celery("items")


def if_configured(function):
    def inner(*args, **kwargs):
        if app.conf.broker_url:
            function(*args, **kwargs)

    return inner


@if_configured
def send(*args, **kwargs):
    app.send_task(*args, **kwargs)
# --- app/services/items.py
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.tasks.queue import if_configured, send


@if_configured
def notify(session: AsyncSession, ids):
    found = [str(row) for row in session.execute(text("SELECT 1"), ids)]
    send("add", kwargs={"ids": found})


@if_configured
def hand_over(session: AsyncSession, ids):
    send("add", session)  # TXN601@5


async def move(session: AsyncSession, ids):
    notify(session, ids)
    hand_over(session, ids)
""",
        set(),
    ),
    "an endpoint that takes over the name of the dependency it asks for": (
        """
# --- app/who.py
from fastapi import Depends, HTTPException
from fastapi.security import OAuth2PasswordBearer

scheme = OAuth2PasswordBearer(tokenUrl="token")


async def get_current_user(token: str = Depends(scheme)):
    if not token:
        raise HTTPException(401)
    return token


def nobody():
    return "nobody"
# --- app/lower.py
from fastapi import Depends

from app.who import get_current_user


def get_current_user(user: str = Depends(get_current_user)):
    return user.lower()
# --- app/routers/others.py
from fastapi import APIRouter, Depends

from app.lower import get_current_user

router = APIRouter()


@router.get("/lower")
async def lower(user: str = Depends(get_current_user)):
    return user
# --- app/routers/users.py
from typing import Annotated

from fastapi import APIRouter, Depends

from app.who import get_current_user, nobody

router = APIRouter()


@router.get("/before")
async def before(user: Annotated[str, Depends(get_current_user)]):
    return user


@router.get("/me")
async def get_current_user(user: Annotated[str, Depends(get_current_user)]):
    return user


@router.get("/after")
async def after(user: Annotated[str, Depends(get_current_user)]):
    return user


@router.get("/nobody")  # TXN405@2
async def nobody(user: Annotated[str, Depends(nobody)]):
    return user


@router.get("/nobody/after")  # TXN405@2
async def after_nobody(user: Annotated[str, Depends(nobody)]):
    return user
""",
        set(),
    ),
    "decorators that start what they wrap, and their twins that only run it": (
        """
# --- app/services/starting.py
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Thread

pool = ThreadPoolExecutor()


def threaded(function):
    def inner(*args, **options):
        Thread(target=function, args=args, kwargs=options, daemon=True).start()

    return inner


def bound(function):
    def inner(*args):
        Thread(target=partial(function, *args)).start()

    return inner


def pooled(function):
    def inner(*args):
        pool.submit(function, *args)

    return inner


def later(function):
    def inner(tasks, *args):
        tasks.add_task(function, *args)

    return inner


def timed(function):
    def inner(*args):
        return pool.submit(function, *args).result(3)

    return inner


def told(callback):
    def around(function):
        def inner(*args):
            Thread(target=callback).start()
            return function(*args)

        return inner

    return around
# --- app/services/items.py
from app.services.starting import bound, later, pooled, threaded, timed, told
from app.session import get_session


def tell():
    print("started")


def note(item_id):
    with get_session() as session, session.begin():
        session.add(item_id)


@threaded
def in_thread(item_id):
    with get_session() as session, session.begin():
        session.add(item_id)
    note(item_id)


@bound
def in_bound_thread(item_id):
    with get_session() as session, session.begin():
        session.add(item_id)


@pooled
def in_pool(item_id):
    with get_session() as session, session.begin():
        session.add(item_id)


@later
def after_response(item_id):
    with get_session() as session, session.begin():
        session.add(item_id)


@told(tell)
def at_once(item_id):
    with get_session() as session, session.begin():  # TXN106@10
        session.add(item_id)


@timed
def in_time(session, item_id):
    session.commit()  # TXN201@5
# --- app/routers/items.py
from fastapi import APIRouter, BackgroundTasks, Depends

from app.services.items import after_response, at_once, in_bound_thread, in_pool, in_thread, in_time
from app.session import get_session_dependency

router = APIRouter()


@router.post("/items")
def start(background: BackgroundTasks, session=Depends(get_session_dependency)):
    in_thread(1)
    in_bound_thread(1)
    in_pool(1)
    after_response(background, 1)
    at_once(1)
    in_time(session, 1)
""",
        set(),
    ),
    "pools of threads whose results somebody asks for, or nobody does": (
        """
# --- app/services/pages.py
import logging
from concurrent.futures import ThreadPoolExecutor, as_completed, wait

import httpx

logger = logging.getLogger(__name__)


def get(url):
    return httpx.get(url).text


def asked(url):
    try:
        return get(url)
    except Exception as error:
        logger.error("%s: %s", url, error)
        return ""


def dropped(url):
    try:
        return get(url)
    except Exception as error:  # TXN604@5
        logger.error("%s: %s", url, error)
        return ""


def only_waited_for(url):
    try:
        return get(url)
    except Exception as error:  # TXN604@5
        logger.error("%s: %s", url, error)
        return ""


def unguarded(url):  # TXN604@1
    return get(url)


def each(urls):
    with ThreadPoolExecutor() as pool:
        futures = [pool.submit(asked, url) for url in urls]
        for future in as_completed(futures):
            logger.info(future.result())


def at_once(urls):
    with ThreadPoolExecutor() as pool:
        return [future.result() for future in [pool.submit(asked, url) for url in urls]]


def mapped(urls):
    with ThreadPoolExecutor() as pool:
        return list(pool.map(asked, urls))


def by_name(urls):
    with ThreadPoolExecutor() as pool:
        futures = {name: pool.submit(asked, url) for name, url in urls.items()}
    return {name: future.result() for name, future in futures.items()}


def handed_on(urls, collect):
    pool = ThreadPoolExecutor()
    futures = [pool.submit(asked, url) for url in urls]
    return collect(futures)


def forgotten(urls):
    with ThreadPoolExecutor() as pool:
        for url in urls:
            pool.submit(dropped, url)
            pool.submit(unguarded, url)


def waited(urls):
    futures = []
    with ThreadPoolExecutor() as pool:
        for url in urls:
            futures.append(pool.submit(only_waited_for, url))
        wait(futures)
""",
        set(),
    ),
    "functions that one helper wraps by a call": (
        """
# --- app/tasks/queue.py
from celery import Celery

app = Celery("items")


def if_configured(function):
    def inner(*args, **kwargs):
        if app.conf.broker_url:
            function(*args, **kwargs)

    return inner


def now(*args, **kwargs):
    app.send_task(*args, **kwargs)


send = if_configured(now)
# --- app/services/items.py
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.tasks.queue import if_configured, send


def notify_now(session: AsyncSession, ids):
    found = [str(row) for row in session.execute(text("SELECT 1"), ids)]
    send("add", kwargs={"ids": found})


def hand_over_now(session: AsyncSession, ids):
    send("add", session)  # TXN601@5


notify = if_configured(notify_now)
hand_over = if_configured(hand_over_now)


async def move(session: AsyncSession, ids):
    notify(session, ids)


async def move_all(session: AsyncSession, ids):
    hand_over(session, ids)
""",
        set(),
    ),
    "what a class keeps in its body, and classes below it replace": (
        """
# --- app/services/parts.py
from collections.abc import Callable

from sqlalchemy.ext.asyncio import AsyncSession


class Repo:
    def __init__(self, session: AsyncSession):
        self.session = session

    async def save(self, x):
        self.session.add(x)


class CommittingRepo(Repo):
    async def save(self, x):
        self.session.add(x)
        await self.session.commit()


class OwnInit(Repo):
    def __init__(self, session: AsyncSession):
        self.db = session

    async def save(self, x):
        await self.db.commit()


async def flush(session: AsyncSession):
    await session.flush()


async def commit(session: AsyncSession):
    await session.commit()


class Base:
    repo_class = Repo
    step = staticmethod(flush)
    commits = False

    async def run(self, session: AsyncSession, x):
        await self.repo_class(session).save(x)

    async def by_name(self, session: AsyncSession, x):
        kind = self.repo_class
        repo = kind(session)
        await repo.save(x)

    async def again(self, session: AsyncSession, x):
        await self.by_name(session, x)

    async def stepping(self, session: AsyncSession):
        await self.step(session)

    async def asked(self, session: AsyncSession):
        if self.commits:
            await session.commit()

    @classmethod
    async def made(cls, session: AsyncSession, x):
        await cls.repo_class(session).save(x)


class Special(Base):
    repo_class = CommittingRepo
    step = staticmethod(commit)
    commits = True


class Below(Special):
    async def runs(self, session: AsyncSession, x):
        await self.run(session, x)


class Back(Special):
    repo_class = Repo
    step = staticmethod(flush)
    commits = False

    async def runs(self, session: AsyncSession, x):
        await super().run(session, x)


class Own(Base):
    repo_class = OwnInit


class Kept:
    repo_class = Repo

    def __init__(self, session: AsyncSession):
        self.session = session
        self.repo = self.repo_class(session)

    @property
    def current(self):
        return self.repo_class(self.session)

    async def run(self, x):
        await self.repo.save(x)

    async def run_current(self, x):
        await self.current.save(x)


class KeptBelow(Kept):
    repo_class = CommittingRepo


class LeftOpen:
    repo_class = None
    step: Callable

    async def run(self, session: AsyncSession, x):
        await self.repo_class(session).save(x)
        await self.step(session)


class Quiet(LeftOpen):
    repo_class = Repo
    step = staticmethod(flush)


class Loud(LeftOpen):
    repo_class = CommittingRepo
    step = staticmethod(flush)


class Switched:
    commits = False

    def switch(self):
        self.commits = True

    async def run(self, session: AsyncSession):
        self.switch()
        if self.commits:
            await session.commit()


# --- app/routers/parts.py
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.services.parts import Back, Base, Below, Kept, KeptBelow, Loud, Own, Quiet, Special, Switched
from app.session import get_session_dependency

router = APIRouter()
Db = Annotated[AsyncSession, Depends(get_session_dependency)]


@router.post("/base")
async def base(session: Db):
    async with session.begin():
        await Base().run(session, 1)
        await Base().by_name(session, 1)
        await Base().again(session, 1)
        await Base().stepping(session)
        await Base().asked(session)
        await Base.made(session, 1)


@router.post("/special")
async def special(session: Db):
    async with session.begin():
        await Special().run(session, 1)  # TXN205@15
    async with session.begin():
        await Special().by_name(session, 1)  # TXN205@15
    async with session.begin():
        await Special().again(session, 1)  # TXN205@15
    async with session.begin():
        await Special().stepping(session)  # TXN205@15
    async with session.begin():
        await Special().asked(session)  # TXN205@15
    async with session.begin():
        await Special.made(session, 1)  # TXN205@15
    async with session.begin():
        await Below().runs(session, 1)  # TXN205@15
    async with session.begin():
        await Own().run(session, 1)  # TXN205@15


@router.post("/back")
async def back(session: Db):
    async with session.begin():
        await Back().run(session, 1)
        await Back().runs(session, 1)
        await Back().stepping(session)
        await Back().asked(session)
        await Back.made(session, 1)


@router.post("/kept")
async def kept(session: Db):
    async with session.begin():
        await Kept(session).run(1)
        await Kept(session).run_current(1)
    async with session.begin():
        await KeptBelow(session).run(1)  # TXN205@15
    async with session.begin():
        await KeptBelow(session).run_current(1)  # TXN205@15


@router.post("/open")
async def left_open(session: Db):
    async with session.begin():
        await Quiet().run(session, 1)
    async with session.begin():
        await Loud().run(session, 1)  # TXN205@15
    async with session.begin():
        await Switched().run(session)  # TXN205@15
""",
        set(),
    ),
    "methods that classes in between replace": (
        """
# --- app/services/hierarchy.py
from sqlalchemy.ext.asyncio import AsyncSession


class A:
    async def save(self, s: AsyncSession):
        await s.flush()

    async def run(self, s: AsyncSession):
        await self.save(s)


class B(A):
    async def save(self, s: AsyncSession):
        await s.commit()

    async def job(self, s: AsyncSession):
        async with s.begin():
            await self.run(s)  # TXN205@19

    async def job_above(self, s: AsyncSession):
        async with s.begin():
            await super().run(s)  # TXN205@19


class C(B):
    async def save(self, s: AsyncSession):
        await s.flush()

    async def job3(self, s: AsyncSession):
        async with s.begin():
            await self.run(s)

    async def job4(self, s: AsyncSession):
        async with s.begin():
            await super().run(s)

    async def job5(self, s: AsyncSession):
        async with s.begin():
            await super().save(s)  # TXN205@19


class D(C):
    async def save(self, s: AsyncSession):
        await super().save(s)

    async def jobs(self, s: AsyncSession):
        async with s.begin():
            await super().save(s)
        async with s.begin():
            await self.save(s)


class E(B):
    async def save(self, s: AsyncSession):
        await super().save(s)

    async def jobs(self, s: AsyncSession):
        async with s.begin():
            await self.save(s)  # TXN205@19
        async with s.begin():
            await self.run(s)  # TXN205@19


async def outside(s: AsyncSession):
    async with s.begin():
        await A().run(s)
    async with s.begin():
        await B().run(s)  # TXN205@15
    async with s.begin():
        await C().run(s)
    async with s.begin():
        await D().run(s)
    async with s.begin():
        await E().run(s)  # TXN205@15
""",
        set(),
    ),
    "hooks that do nothing unless a class below replaces them": (
        """
# --- app/services/hooks.py
from abc import ABC, abstractmethod

from sqlalchemy.ext.asyncio import AsyncSession


class Base:
    async def after(self, session: AsyncSession):
        pass

    async def run(self, session: AsyncSession):
        await self.after(session)


class Plain(Base):
    pass


class Special(Base):
    async def after(self, session: AsyncSession):
        await session.commit()


class Named:
    def __init__(self, name: str):
        self.name = name

    async def after(self, session: AsyncSession):
        \"\"\"Nothing to do.\"\"\"

    async def run(self, session: AsyncSession):
        await self.after(session)


class NamedSpecial(Named):
    async def after(self, session: AsyncSession):
        await session.commit()


class Abstract(ABC):
    @abstractmethod
    async def after(self, session: AsyncSession): ...

    async def run(self, session: AsyncSession):
        await self.after(session)


class Concrete(Abstract):
    async def after(self, session: AsyncSession):
        await session.commit()


def make() -> Base:
    return Base()


async def declared(base: Base, other: Abstract, plain: Plain, session: AsyncSession):
    async with session.begin():
        await plain.run(session)
        await base.run(session)  # TXN205@15
    async with session.begin():
        await other.run(session)  # TXN205@15


async def made(session: AsyncSession):
    async with session.begin():
        await Base().run(session)
        await Base().after(session)
        await make().run(session)
        await Plain().run(session)
        await Named("plain").run(session)
    async with session.begin():
        await Special().run(session)  # TXN205@15
    async with session.begin():
        await NamedSpecial("special").run(session)  # TXN205@15
    async with session.begin():
        await Concrete().run(session)  # TXN205@15
""",
        set(),
    ),
    "functions that many hand in, of which one waits on the network": (
        """
# --- app/calling.py
import functools


async def once(f):
    await f()


async def first_of(f, g):
    await once(f)


async def each(*functions):
    for f in functions:
        await f()


async def handed_on(f):
    await each(f)


def given_back(f):
    return f()


class Registry:
    def __init__(self):
        self.hooks = {}

    async def run(self, name):
        for hook in self.hooks[name]:
            await once(hook)
# --- app/probes.py
import httpx

from app.calling import each, first_of, given_back, handed_on, once


async def ping():
    async with httpx.AsyncClient() as client:
        await client.get("https://example.com")


async def calm():
    return 1


async def everywhere():
    await once(ping)
    await first_of(ping, calm)
    await each(ping)
    await handed_on(ping)
    await given_back(ping)
# --- app/services/items.py
import functools

from sqlalchemy.ext.asyncio import AsyncSession

from app.calling import Registry, each, first_of, given_back, handed_on, once
from app.probes import calm, ping

registry = Registry()


async def quiet(session: AsyncSession, unknown):
    async with session.begin():
        await once(calm)
        await once(print)
        await once(None)
        await once(unknown)
        await once(unknown.method)
        await once(functools.partial(calm))
        await first_of(calm, ping)
        await each(calm, calm)
        await handed_on(calm)
        await handed_on(lambda: calm())
        await given_back(calm)
        await registry.run("group_created")


async def waits(session: AsyncSession, choice):
    async with session.begin():
        await once(ping)  # TXN207@15
        await once(functools.partial(ping))  # TXN207@15
        await once(ping if choice else calm)  # TXN207@15
        await first_of(ping, calm)  # TXN207@15
        await each(calm, ping)  # TXN207@15
        await handed_on(ping)  # TXN207@15
        await handed_on(lambda: ping())  # TXN207@15
        await given_back(ping)  # TXN207@15
""",
        set(),
    ),
    "attributes that no row has, and classes that no row is of": (
        """
# --- app/models/chat.py
from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Stamped:
    touched: Mapped[str] = mapped_column(String)


class Chat(Stamped, Base):
    __tablename__ = "chats"
    id: Mapped[int] = mapped_column(primary_key=True)
    message: Mapped[str]

    @property
    def label(self) -> str:
        return self.message

    @label.setter
    def label(self, value: str) -> None:
        self.message = value


class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    chat = relationship("Chat", backref="pinned")
# --- app/answers.py
from pydantic import BaseModel

from app.models.chat import Chat, Stamped


class Page(BaseModel):
    message: str = ""


def paged(data):
    if isinstance(data, Page):
        data.message = "ok"
    return data


def paged_or_listed(data):
    if not isinstance(data, (Page, dict)):
        return {"data": data}
    data.message = "ok"
    return data


def decorated(data):
    data.shown = True
    return data


def said(data):
    if isinstance(data, Chat):
        data.message = "ok"
    return data


def touched(data):
    if isinstance(data, Stamped):
        data.touched = "now"
    return data


def said_else(data):
    if isinstance(data, Page):
        return data
    data.message = "ok"
    return data


def labelled(data):
    data.label = "ok"


def pinned(data, posts):
    data.pinned = posts
# --- app/routers/chats.py
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.answers import Page, decorated, labelled, paged, paged_or_listed, pinned, said, said_else, touched
from app.models.chat import Chat
from app.session import get_session_dependency

router = APIRouter()


@router.post("/paged")
async def post_paged(session: AsyncSession = Depends(get_session_dependency)):
    return paged(await session.get(Chat, 1))


@router.post("/listed")
async def post_listed(session: AsyncSession = Depends(get_session_dependency)):
    return paged_or_listed(await session.get(Chat, 1))


@router.post("/decorated")
async def post_decorated(session: AsyncSession = Depends(get_session_dependency)):
    chat = await session.get(Chat, 1)
    chat.shown_to = 1
    if isinstance(chat, Page):
        chat.message = "ok"
    return decorated(chat)


@router.post("/said")
async def post_said(session: AsyncSession = Depends(get_session_dependency)):
    return said(await session.get(Chat, 1))  # TXN209@12


@router.post("/touched")
async def post_touched(session: AsyncSession = Depends(get_session_dependency)):
    return touched(await session.get(Chat, 1))  # TXN209@12


@router.post("/else")
async def post_else(session: AsyncSession = Depends(get_session_dependency)):
    return said_else(await session.get(Chat, 1))  # TXN209@12


@router.post("/labelled")
async def post_labelled(session: AsyncSession = Depends(get_session_dependency)):
    labelled(await session.get(Chat, 1))  # TXN209@5


@router.post("/pinned")
async def post_pinned(session: AsyncSession = Depends(get_session_dependency)):
    pinned(await session.get(Chat, 1), [])  # TXN209@5
""",
        set(),
    ),
    "an attribute of a row whose class is out of sight": (
        """
# --- app/routers/orders.py
from fastapi import APIRouter, Depends
from shop_models import Order
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session_dependency

router = APIRouter()


@router.post("/cancel")
async def cancel(session: AsyncSession = Depends(get_session_dependency)):
    order = await session.get(Order, 1)
    order.cancelled_for = "late"  # TXN209@5
""",
        set(),
    ),
    "sessions that only a return annotation promises": (
        """
# --- app/sources.py
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Optional

import requests
from lib import connect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session


def of_request(request) -> Session:
    return request.scope["db"]


async def waited(request) -> "AsyncSession | None":
    return await connect(request)


def perhaps(request) -> Optional[Session]:
    return connect(request) if request else None


@contextmanager
def scope(request) -> Iterator[Session]:
    with connect(request) as found:
        yield found


@asynccontextmanager
async def later(request) -> AsyncIterator[AsyncSession]:
    yield connect(request)


class Source(ABC):
    @abstractmethod
    def open(self) -> Session: ...

    def mine(self) -> Session:
        return connect(self)


class Ledger:
    def commit(self) -> None: ...


def http(request) -> requests.Session:
    return connect(request)


def ledger(request) -> Ledger:
    return connect(request)


def told_nothing(request):
    return connect(request)


def given_back(session: Session) -> Session:
    return session


class Holder:
    def __init__(self, session: Session | None = None) -> None:
        self.kept = session

    def get(self) -> Session:
        return self.kept
# --- app/services/items.py
from app.sources import Source, given_back, http, later, ledger, of_request, perhaps, scope, told_nothing, waited


def by_request(request):
    of_request(request).commit()  # TXN201@5


async def by_waiting(request):
    session = await waited(request)
    await session.commit()  # TXN201@11


def by_chance(request):
    found = perhaps(request)
    if found is not None:
        found.commit()  # TXN201@9


def by_scope(request):
    with scope(request) as found:
        found.commit()  # TXN201@9


async def by_later(request):
    async with later(request) as found:
        await found.commit()  # TXN201@15


def by_source(source: Source):
    source.open().commit()  # TXN201@5
    source.mine().commit()  # TXN201@5


def quiet(request):
    http(request).commit()
    ledger(request).commit()
    told_nothing(request).commit()


def given(request, session):
    given_back(request.body).commit()
""",
        set(),
    ),
    "an attribute of a row that is given its own value as another type": (
        """
# --- app/services/example.py
import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


def shown(item: Item) -> dict:
    item.name = str(item.name)
    item.tenant_id = uuid.UUID(item.tenant_id)
    return {"name": item.name}


def renamed(item: Item) -> None:
    item.name = str(item.status)


def stripped(item: Item) -> None:
    item.name = str(item.name.strip())


def copied(item: Item) -> None:
    item.status = dict(item.status)
# --- app/routers/items.py
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.services.example import copied, renamed, shown, stripped
from app.session import get_session_dependency

router = APIRouter()


@router.post("/shown")
async def post_shown(session: AsyncSession = Depends(get_session_dependency)):
    item = await session.get(Item, 1)
    item.status = str(item.status)
    return shown(item)


@router.post("/renamed")
async def post_renamed(session: AsyncSession = Depends(get_session_dependency)):
    renamed(await session.get(Item, 1))  # TXN209@5


@router.post("/stripped")
async def post_stripped(session: AsyncSession = Depends(get_session_dependency)):
    stripped(await session.get(Item, 1))  # TXN209@5


@router.post("/copied")
async def post_copied(session: AsyncSession = Depends(get_session_dependency)):
    copied(await session.get(Item, 1))  # TXN209@5
""",
        set(),
    ),
    "tasks that a helper, or whoever keeps them, asks for their end": (
        """
# --- app/tasks/work.py
import asyncio
import logging

from app.models.item import Item
from app.session import get_session

logger = logging.getLogger(__name__)


async def save(name):
    async with get_session() as session, session.begin():
        session.add(Item(name=name))


async def save_two(name):
    await save(name)


async def save_three(name):
    await save(name)


async def save_four(name):  # TXN604@1
    await save(name)


async def save_five(name):
    await save(name)


async def save_logged(name):
    try:
        await save(name)
    except Exception:
        logger.exception("%s is not saved", name)


async def save_quietly(name):
    try:
        await save(name)
    except Exception:  # TXN604@5
        logger.exception("%s is not saved", name)


async def save_silently(name):
    try:
        await save(name)
    except Exception:  # TXN604@5
        return 0
# --- app/waiting.py
import asyncio


async def wait_for(task: asyncio.Task) -> None:
    await asyncio.wait_for(task, 10)


async def wait(task):
    await task


async def wait_on(task):
    await wait(task)


async def wait_for_all(tasks):
    await asyncio.gather(*tasks)


def keep(task):
    return {task}
# --- app/routers/items.py
import asyncio

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from app.tasks.work import save, save_five, save_four, save_logged, save_quietly, save_silently, save_three, save_two
from app.waiting import keep, wait, wait_for, wait_for_all, wait_on

router = APIRouter()


@router.post("/waited")
async def waited(name: str):
    await wait(asyncio.create_task(save(name)))
    task = asyncio.create_task(save_two(name))
    await wait_on(task)
    quiet = asyncio.create_task(save_silently(name))
    await quiet
    await wait_for_all([asyncio.create_task(save_three(name))])


@router.post("/lost")
async def lost(name: str):
    keep(asyncio.create_task(save_four(name)))


async def stream(name: str):
    task = asyncio.create_task(save_logged(name))
    done = asyncio.create_task(save_five(name))
    try:
        while not task.done():
            yield b"."
    finally:
        if not task.done():
            await task
        if done.exception() is not None:
            print("failed")


@router.get("/stream")
async def answer(name: str):
    return StreamingResponse(stream(name))


@router.post("/left")
async def left(name: str):
    kept = keep(asyncio.create_task(save_quietly(name)))
""",
        set(),
    ),
    "a context manager that leaves the session on its object": (
        """
# --- app/listener.py
import contextlib

from sqlalchemy import select

from app.session import session_factory


@contextlib.contextmanager
def session_context():
    session = session_factory()
    try:
        yield session
    finally:
        session.close()


class Keeping:
    _session = None

    @contextlib.contextmanager
    def ensure(self):
        if self._session is None:
            with session_context() as session:
                self._session = session  # TXN109@17
                yield self._session
        else:
            yield self._session


class Resetting:
    _session = None
    _other = None
    _third = None

    @contextlib.contextmanager
    def ensure(self):
        with session_context() as session:
            self._session = session
            try:
                yield session
            finally:
                self._session = None

    @contextlib.contextmanager
    def another(self):
        with session_context() as session:
            self._other = session
            yield self._other
            del self._other

    @contextlib.contextmanager
    def third(self):
        with session_context() as session:
            self._third = session
            try:
                yield self._third
            finally:
                self.reset()

    def reset(self):
        self._third = None


class Unit:
    @contextlib.contextmanager
    def start(self):
        with session_context() as session:
            self.session = session
            yield self

    @contextlib.contextmanager
    def around(self):
        with session_context() as session:
            self.session = session
            yield
""",
        set(),
    ),
    "a session kept on a request, and closed by the middleware that keeps it": (
        """
# --- app/main.py
from fastapi import FastAPI, Request

from app.session import session_factory

app = FastAPI()


@app.middleware("http")
async def closing(request: Request, call_next):
    request.state.db = session_factory()  # TXN108@24
    response = await call_next(request)
    await request.state.db.close()
    return response


@app.middleware("http")
async def careful(request: Request, call_next):
    request.state.safe = session_factory()
    try:
        return await call_next(request)
    finally:
        await request.state.safe.close()


@app.middleware("http")
async def opening(request: Request, call_next):
    request.state.left = session_factory()
    return await call_next(request)


@app.middleware("http")
async def ending(request: Request, call_next):
    response = await call_next(request)
    await request.state.left.close()
    return response
""",
        set(),
    ),
    "a session that a break takes out of its generator": (
        """
# --- app/tasks/lockout.py
from contextlib import aclosing

from app.models.item import Item
from app.session import session_factory


async def get_db():
    async with session_factory() as session:
        yield session


async def lockout(item_id):
    async for found in get_db():  # TXN108@24
        session = found
        break
    return await session.get(Item, item_id)


async def perhaps(item_id, session=None):
    if session is None:
        async for found in get_db():  # TXN108@28
            session = found
            break
    return await session.get(Item, item_id)


async def answered(item_id):
    async for session in get_db():
        return await session.get(Item, item_id)


async def inside(item_id):
    async for session in get_db():
        item = await session.get(Item, item_id)
        break
    return item


async def whole(item_id):
    async for session in get_db():
        await session.get(Item, item_id)


async def closed(item_id):
    async with aclosing(get_db()) as sessions:
        async for session in sessions:
            break
        return await session.get(Item, item_id)


async def ended(item_id):
    async for session in get_db():
        break
    try:
        return await session.get(Item, item_id)
    finally:
        await session.close()
""",
        set(),
    ),
    "a row that is changed before a wait is in the transaction that read it, which its unit of work commits": (
        """
# --- app/units.py
from app.session import session_factory


class Unit:
    async def __aenter__(self):
        self.session = session_factory()
        return self

    async def __aexit__(self, kind, error, trace):
        if kind is None:
            await self.session.commit()
        await self.session.close()


class Look:
    async def __aenter__(self):
        self.session = session_factory()
        return self

    async def __aexit__(self, kind, error, trace):
        await self.session.close()
# --- app/tasks/work.py
import asyncio

from sqlalchemy import select

from app.models.item import Item
from app.session import get_session
from app.units import Look, Unit


def mark(item):
    item.status = "sent"


async def changed(key):
    async with Unit() as unit:
        item = await unit.session.get(Item, key)
        item.status = "sent"
        await asyncio.sleep(1)  # TXN207@15


async def changed_below(key):
    async with Unit() as unit:
        mark(await unit.session.get(Item, key))
        await asyncio.sleep(1)  # TXN207@15


async def all_of_them():
    async with Unit() as unit:
        for item in await unit.session.scalars(select(Item)):
            item.status = "sent"
            await asyncio.sleep(1)  # TXN207@19


async def by_hand(key):
    async with get_session() as session:
        item = await session.get(Item, key)
        item.status = "sent"
        await asyncio.sleep(1)
        await session.commit()


async def only_read(key):
    async with Unit() as unit:
        await unit.session.get(Item, key)
        await asyncio.sleep(1)


async def for_the_eye(key):
    async with Look() as unit:
        item = await unit.session.get(Item, key)
        item.status = "shown"
        await asyncio.sleep(1)


async def committed_before(key):
    async with Unit() as unit:
        item = await unit.session.get(Item, key)
        item.status = "sending"
        await unit.session.commit()
        await asyncio.sleep(1)
        item.status = "sent"


async def perhaps(key, late):
    async with Unit() as unit:
        item = await unit.session.get(Item, key)
        if late:
            item.status = "late"
        await asyncio.sleep(1)


async def new(name):
    async with Unit() as unit:
        item = Item()
        item.status = "new"
        unit.session.add(item)
        await asyncio.sleep(1)


async def outside(key):
    async with Unit() as unit:
        item = await unit.session.get(Item, key)
        item.status = "sent"
    await asyncio.sleep(1)
""",
        set(),
    ),
    "what an object opens for itself is one session for all coroutines that are given the object": (
        """
# --- app/units.py
from app.session import session_factory


class Items:
    def __init__(self, session):
        self._session = session

    async def get(self, key):
        return await self._session.get(object, key)


class Unit:
    def __init__(self):
        self.session = None

    async def __aenter__(self):
        self.session = session_factory()
        self.items = Items(self.session)
        return self

    async def __aexit__(self, kind, error, trace):
        await self.session.commit()
        await self.session.close()
# --- app/tasks/work.py
import asyncio

from app.units import Unit


async def each(unit: Unit, key):
    await unit.items.get(key)


async def name(unit: Unit, key):
    return f"{unit}{key}"


async def run(unit: Unit, key):
    async with unit:
        await each(unit, key)


async def together(ids):
    async with Unit() as unit:
        await asyncio.gather(*(each(unit, key) for key in ids))  # TXN602@15


async def repository(ids):
    async with Unit() as unit:
        await asyncio.gather(*(unit.items.get(key) for key in ids))  # TXN602@15


async def grouped(ids):
    async with Unit() as unit, asyncio.TaskGroup() as group:
        for key in ids:
            group.create_task(each(unit, key))  # TXN602@13


async def names(ids):
    async with Unit() as unit:
        await asyncio.gather(*(name(unit, key) for key in ids))


async def two():
    async with Unit() as one, Unit() as other:
        await asyncio.gather(each(one, 1), each(other, 2))


async def of_their_own(ids):
    await asyncio.gather(*(run(Unit(), key) for key in ids))
    units = []
    for key in ids:
        unit = Unit()
        units.append(run(unit, key))
    await asyncio.gather(*units)
""",
        set(),
    ),
    "a unit of work that commits when it ends well is a transaction block, for errors that are kept inside": (
        """
# --- app/units.py
from contextlib import asynccontextmanager

from app.session import session_factory


class Unit:
    async def __aenter__(self):
        self.session = session_factory()
        return self

    async def __aexit__(self, kind, error, trace):
        if kind is None:
            await self.session.commit()
        else:
            await self.session.rollback()
        await self.session.close()

    async def undo(self):
        await self.session.rollback()


class Asked:
    def __init__(self, saves=False):
        self.saves = saves

    async def __aenter__(self):
        self.session = session_factory()
        return self

    async def __aexit__(self, *error):
        if self.saves:
            await self.session.commit()
        await self.session.close()


class Quiet:
    async def __aenter__(self):
        return self

    async def __aexit__(self, *error):
        return True


@asynccontextmanager
async def unit():
    async with session_factory() as session:
        yield session
        await session.commit()


@asynccontextmanager
async def asked(saves=False):
    async with session_factory() as session:
        yield session
        if saves:
            await session.commit()
# --- app/tasks/work.py
import logging
from contextlib import suppress

from app.units import Asked, Quiet, Unit, asked, unit

log = logging.getLogger(__name__)


async def of_class(item):
    async with Unit() as own:
        try:
            own.session.add(item)
            await own.session.flush()
        except Exception:  # TXN210@9
            log.warning("lost")
        with suppress(Exception):  # TXN210@14
            await own.session.flush()
        async with Quiet():  # TXN210@20
            await own.session.flush()


async def of_generator(item):
    async with unit() as session:
        try:
            session.add(item)
            await session.flush()
        except Exception:  # TXN210@9
            log.warning("lost")


async def good(item):
    try:
        async with Unit() as own:
            await own.session.flush()
    except Exception:
        log.warning("undone")
    async with Quiet(), Unit() as own:
        await own.session.flush()
    async with Unit() as own:
        try:
            await own.session.flush()
        except Exception:
            await own.undo()
        try:
            async with own.session.begin_nested():
                own.session.add(item)
        except Exception:
            log.warning("undone")
        try:
            print(item)
        except Exception:
            log.warning("no output")


async def not_committed(item):
    async with Asked() as own:
        try:
            await own.session.flush()
        except Exception:
            log.warning("closed next")
    async with asked() as session:
        try:
            await session.flush()
        except Exception:
            log.warning("closed next")
""",
        set(),
    ),
    "a session is left open by a return before the one that hands it out, or by a break before its close": (
        """
# --- app/session.py
from sqlalchemy.orm import Session, sessionmaker

session_factory = sessionmaker()


def early(readonly):
    session = session_factory()  # TXN108@15
    if readonly:
        return None
    return session


def in_a_tuple(keys):
    session = session_factory()  # TXN108@15
    for key in keys:
        if not key:
            return None, ""
    return session, keys


def first(checks):
    for check in checks:
        session = session_factory()  # TXN108@19
        if found := check(session):
            return found
        session.close()
    return None


def first_name(checks):
    for check in checks:
        session = session_factory()  # TXN108@19
        if check(session):
            session.close()
            break
        session.close()


def asked_first(readonly):
    if readonly:
        return None
    session = session_factory()
    return session


def closed_first(readonly):
    session = session_factory()
    if readonly:
        session.close()
        return None
    return session


def perhaps_none(factories):
    session = factories.pop()() if factories else session_factory()
    if session is None:
        return None
    return session


def in_one_branch(readonly):
    if readonly:
        session = session_factory()
    else:
        return None
    return session


def refused():
    try:
        session = session_factory()
    except OSError:
        return None
    return session


def first_closed(checks):
    for check in checks:
        with session_factory() as session:
            if check(session):
                break


def given_away(checks):
    for check in checks:
        check(session_factory())


class Kept:
    def session(self, readonly):
        self.own = session_factory()
        if readonly:
            return None
        return self.own
""",
        set(),
    ),
    "text around a UUID that is cut is a truncated UUID, in the id of a row": (
        """
# --- app/ids.py
import uuid


def new_id(prefix=""):
    return f"{prefix}{uuid.uuid4()}"[:20]  # TXN702@12


def work(row):
    job_id = f"{uuid.uuid4()}"[:8]  # TXN702@14
    title = f"job {uuid.uuid4()}"[:20]
    row_id = f"{row}"[:8]
    return job_id, row_id, title


def trace_ref(prefix=""):
    return f"{prefix}{uuid.uuid4()}"[:20]


def plain_id():
    return f"{uuid.uuid4()}"
# --- app/models/place.py
import uuid

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.models.item import Base


class Place(Base):
    __tablename__ = "places"
    id: Mapped[str] = mapped_column(primary_key=True, default=lambda: f"{uuid.uuid4()}"[:20])  # TXN702@23
    code: Mapped[str] = mapped_column(String(20), default=lambda: f"{uuid.uuid4()}"[:20])
""",
        set(),
    ),
    "SQL that a caller completes is told at the caller when it goes through two helpers": (
        """
# --- app/services/sql.py
from sqlalchemy import text


async def run(session, statement):
    await session.execute(text(statement))


def clause(parts):
    return " AND ".join(parts)


async def purge(session, table, parts):
    statement = f"DELETE FROM {table} WHERE " + clause(parts)
    await run(session, statement)


def describe(table, parts):
    return f"DELETE FROM {table} WHERE " + clause(parts)
# --- app/services/items.py
import logging

from app.services import sql


async def drop(session):
    await sql.purge(session, "items", ["status = 'stale'", "tenant_id = '1'"])  # TXN302@11
    await sql.purge(session, "items", ["status = 'stale'"])
    logging.info(sql.describe("items", ["tenant_id = '1'"]))
""",
        set(),
    ),
    "what a callee logs and raises is lost to the queue by who swallows it, in a loop and outside of one": (
        """
# --- app/tasks/work.py
import asyncio
import logging

from app.session import get_session

log = logging.getLogger(__name__)


async def refresh():
    try:
        async with get_session() as session:
            await session.get(object, 1)
    except Exception:
        log.exception("refresh failed")
        raise


async def nightly():
    try:
        await refresh()
    except Exception:  # TXN604@5
        return


async def forever():
    while True:
        try:
            await refresh()
        except Exception:  # TXN604@9
            await asyncio.sleep(1)


async def logs_and_goes_on():
    while True:
        try:
            await refresh()
        except Exception:
            log.exception("round failed")
        await asyncio.sleep(1)


async def raises():
    try:
        await refresh()
    except Exception:
        log.error("refresh failed")
        raise


async def works():
    try:
        print("done")
    except Exception:
        return
""",
        set(),
    ),
    "a class that is an argument makes what is used": (
        """
# --- app/services/stock.py
from sqlalchemy import text
from sqlalchemy.orm import Session


class Loud:
    def __init__(self, db):
        self.db = db

    def save(self, row):
        self.db.add(row)
        self.db.commit()  # TXN201@9


class Quiet:
    def __init__(self, db):
        self.db = db

    def save(self, row):
        self.db.add(row)


class Stock:
    def __init__(self, db: Session, movements: type = Loud):
        self.movements = movements(db)

    @classmethod
    def quiet(cls, db):
        return cls(db, Quiet)

    def move(self, row):
        self.movements.save(row)


class Later:
    def __init__(self, db: Session, movements: type = Loud):
        self.db = db
        self.movements = movements

    def move(self, row):
        self.movements(self.db).save(row)


def positional(db: Session, row):
    with db.begin():
        Stock(db, Quiet).move(row)
        Stock(db).move(row)  # TXN205@9


def by_name(db: Session, row):
    with db.begin():
        Stock(db, movements=Quiet).move(row)
        Stock(db, movements=Loud).move(row)  # TXN205@9


def made(db: Session, row):
    with db.begin():
        Stock.quiet(db).move(row)


def later(db: Session, row):
    with db.begin():
        Later(db, Quiet).move(row)
        Later(db).move(row)  # TXN205@9


def chosen(db: Session, row, repository=Loud):
    repository(db).save(row)


def chooses(db: Session, row):
    with db.begin():
        chosen(db, row, Quiet)
        chosen(db, row)  # TXN205@9
""",
        set(),
    ),
    "a unit of work enters and leaves what gives it its session by hand": (
        """
# --- app/services/units.py
from contextlib import asynccontextmanager
from app.session import session_factory


class Room:
    pass


class Database:
    def __init__(self):
        self.make = session_factory

    @asynccontextmanager
    async def session(self):
        async with self.make() as session:  # TXN101@20
            yield session


database = Database()


class Rooms:
    def __init__(self, session):
        self.session = session

    def add(self, row):
        self.session.add(row)


class Unit:
    def __init__(self):
        self._scope = database.session()
        self.session = None

    async def __aenter__(self):
        self.session = await self._scope.__aenter__()
        self.rooms = Rooms(self.session)
        return self

    async def __aexit__(self, *exc):
        if exc[0] is None:
            await self.session.commit()
        else:
            await self.session.rollback()
        await self._scope.__aexit__(*exc)


async def watch():
    async with database.session() as session:
        try:
            async with session.begin():
                session.add(Room())
        except Exception as exc:
            async with Unit() as uow:  # TXN107@24
                uow.rooms.add(Room())
            raise


async def write():
    async with Unit() as uow:
        uow.rooms.add(Room())


async def again():
    async with Unit() as first:
        try:
            first.rooms.add(Room())
        except Exception:
            async with Unit() as second:  # TXN107@24
                second.rooms.add(Room())
            raise
""",
        {"TXN209"},
    ),
    "a field holds what its factory gives, not what the field is told": (
        """
# --- app/session.py
from dataclasses import dataclass, field

from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import create_async_engine


@dataclass(frozen=True)
class Named:
    server: dict = field(default_factory=lambda: {"application_name": "billing"})


@dataclass(frozen=True)
class Plain:
    server: dict = field(default_factory=dict)


class Checked(BaseModel):
    server: dict = Field(default_factory=lambda: {"application_name": "billing"})


@dataclass(frozen=True)
class Refused:
    server: dict = field(default_factory=lambda: {"jit": "off"})  # TXN501@51


def driver_args(options):
    return {"statement_cache_size": 0, "prepared_statement_cache_size": 0, "server_settings": options.server}


URL = "postgresql+asyncpg://u:p@aws-0-eu.pooler.supabase.com:6543/d"
named = create_async_engine(URL, connect_args=driver_args(Named()))
plain = create_async_engine(URL, connect_args=driver_args(Plain()))
checked = create_async_engine(URL, connect_args=driver_args(Checked()))
refused = create_async_engine(URL, connect_args=driver_args(Refused()))
""",
        set(),
    ),
    "what stands under a key of an object is fetched": (
        """
import json
from urllib.request import urlopen

from sqlalchemy.orm import Session


class Rates:
    def __getitem__(self, name):
        with urlopen(f"https://rates.example.com/{name}") as response:
            return json.load(response)["rate"]


class Fixed:
    def __init__(self, rates):
        self.rates = rates

    def __getitem__(self, name):
        return self.rates[name]


def total(session: Session, rates, names):
    return sum(rates[name] for name in names)


def convert(session: Session, names):
    with session.begin():
        total(session, Rates(), names)  # TXN207@9


def convert_fixed(session: Session, names):
    with session.begin():
        total(session, Fixed({name: 1 for name in names}), names)
        total(session, {name: 1 for name in names}, names)
""",
        set(),
    ),
    "a module that gives names when it is asked for them": (
        """
# --- app/lazy.py
from app import session


def __getattr__(name):
    if name == "Local":
        return session.session_factory
    if name != "Plain":
        raise AttributeError(name)
    return dict
# --- app/services/items.py
from app import lazy
from app.lazy import Local as Make, Plain


async def find(row_id):
    lazy.Plain()
    Plain()
    async with lazy.Local() as session:  # TXN101@16
        await session.connection()
    async with Make() as session:  # TXN101@16
        return await session.connection()
""",
        set(),
    ),
    "which of several functions runs is told by a class": (
        """
from functools import singledispatch, singledispatchmethod

from sqlalchemy.ext.asyncio import AsyncSession


class Order:
    pass


class Refund(Order):
    pass


class Note:
    pass


@singledispatch
async def book(entry, session: AsyncSession):
    session.add(entry)


@book.register
async def _(entry: Order, session: AsyncSession):
    session.add(entry)
    await session.commit()  # TXN201@11


@book.register(Note)
async def _note(entry, session: AsyncSession):
    await session.flush()


class Books:
    def __init__(self, session: AsyncSession):
        self.session = session

    @singledispatchmethod
    async def keep(self, entry):
        self.session.add(entry)

    @keep.register
    async def _(self, entry: Note):
        await self.session.rollback()  # TXN202@15


async def run(session: AsyncSession, entry: Order | Note, other):
    async with session.begin():
        await book(Refund(), session)  # TXN205@15
        await book(Note(), session)
        await book(other, session)
        await book(entry, session)  # TXN205@15
        await Books(session).keep(Note())  # TXN205@15
        await Books(session).keep(Order())
""",
        set(),
    ),
    "what a GraphQL server's context holds": (
        """
import strawberry
from fastapi import Depends
from strawberry.fastapi import GraphQLRouter
from strawberry.types import Info

from app.models.item import Item
from app.session import get_session_dependency


class Outbox:
    async def commit(self):
        return None


async def held(database=Depends(get_session_dependency), outbox: Outbox = Depends(Outbox)):
    return {"database": database, "outbox": outbox}


@strawberry.type
class Changes:
    @strawberry.mutation
    async def rename(self, info: Info, name: str) -> str:
        info.context["database"].add(Item(name=name))
        await info.context["database"].commit()  # TXN201@15
        await info.context["outbox"].commit()
        return name


graphs = GraphQLRouter(strawberry.Schema(query=Changes, mutation=Changes), context_getter=held)
""",
        set(),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_shape_is_read_for_what_it_does(case):
    source, more = CASES[case]
    files = examples.split(source, "app/services/example.py")
    policy = examples.policy_for({}, files)
    wanted = examples.expected(files)
    codes = {code for *_, code in wanted} | more
    program = examples.program_for(files, policy)
    rules = [rule for rule in all_rules() if rule.META.code in codes]
    found = {(f.path, f.span.line, f.span.column, f.code) for rule in rules for f in rule.check(program)}
    assert sorted(found) == wanted
