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
    "a method that is called through its class with a session first has no self": (
        """
from sqlalchemy.orm import Session


class Ledger:
    def post(where, entry):
        where.add(entry)
        where.commit()  # TXN201@9

    def undo(where):
        where.rollback()  # TXN202@9


class Account:
    def __init__(this, session: Session):
        this.session = session

    def commit(this):
        this.ended = True

    def close(this):
        this.commit()

    def total(this, entries):
        return sum(entries)


def book(session: Session, entries):
    for entry in entries:
        Ledger.post(session, entry)
    Ledger.undo(session)
    account = Account(session)
    Account.close(account)
    return account.total(entries)
""",
        set(),
    ),
    "a helper that tries again calls the method of a client that it is handed": (
        """
import httpx
from sqlalchemy.orm import Session

http = httpx.Client()


def patiently(call, *args, **options):
    for _ in range(3):
        try:
            return call(*args, **options)
        except OSError:
            continue
    raise TimeoutError


def noted(session: Session, urls):
    with session.begin():
        for url in urls:
            session.add(patiently(http.post, url, json={}))  # TXN207@25


def counted(session: Session, words):
    with session.begin():
        session.add(patiently(len, words))
        session.add(patiently(http.build_request, "GET", words))
""",
        set(),
    ),
    "a decorator that picks the session out of its starred arguments": (
        """
from functools import wraps

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session


def undone(function):
    @wraps(function)
    def inner(*args, **options):
        try:
            return function(*args, **options)
        except IntegrityError:
            args[1].rollback()  # TXN202@13
            raise

    return inner


def undone_by_name(function):
    @wraps(function)
    def inner(*args, **options):
        try:
            return function(*args, **options)
        finally:
            options["db"].rollback()  # TXN202@13

    return inner


def described(function):
    @wraps(function)
    def inner(*args, **options):
        print(args[0].title, options.get("db"))
        args[0].commit()
        return function(*args, **options)

    return inner


class Shelf:
    title = "shelf"

    def commit(self):
        self.title = "done"

    @undone
    def put(self, db: Session, book):
        db.add(book)

    @described
    @undone
    def put_all(self, db: Session, books):
        db.add_all(books)

    @undone_by_name
    def take(self, book, *, db: Session):
        db.delete(book)
""",
        {"TXN201"},
    ),
    "a dependency that hands out a unit of work is no session, whatever the annotation says": (
        """
# --- app/units.py
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import session_factory


class Unit:
    def __init__(self):
        self.db = session_factory()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *details):
        await self.db.close()


class Veil:
    def __init__(self, db):
        self._db = db

    def __getattr__(self, name):
        return getattr(self._db, name)


async def unit():
    yield Unit()


async def veiled():
    async with session_factory() as db:
        yield Veil(db)
# --- app/services/orders.py
async def place(unit, name):
    async with unit:
        unit.db.add(name)
        await unit.db.commit()  # TXN201@15
# --- app/routers/orders.py
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.services.orders import place
from app.units import Unit, unit, veiled

router = APIRouter()


@router.post("/orders")
async def ordered(name: str, work: AsyncSession = Depends(unit)):
    return await place(work, name)


@router.put("/orders")
async def changed(name: str, work: Unit = Depends(unit)):
    return await place(work, name)


@router.delete("/orders")
async def removed(name: str, db: AsyncSession = Depends(veiled)):
    await db.delete(name)
    await db.commit()  # TXN201@11
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
        await book(other, session)  # TXN205@15
        await book(entry, session)  # TXN205@15
        await Books(session).keep(Note())  # TXN205@15
        await Books(session).keep(Order())
""",
        set(),
    ),
    "a loop that runs a task to its end waits for it": (
        """
import asyncio

import httpx


async def crawl(url):
    async with httpx.AsyncClient() as client:
        await client.get(url)


async def ping(url):  # TXN604@1
    async with httpx.AsyncClient() as client:
        await client.head(url)


def finish(task):
    asyncio.get_event_loop().run_until_complete(task)


def start(url):
    loop = asyncio.new_event_loop()
    first = loop.create_task(crawl(url))
    other = loop.create_task(ping(url))
    loop.call_later(60, other.cancel)
    finish(first)
""",
        set(),
    ),
    "a loop runs a coroutine where it is told to": (
        """
import asyncio

import httpx
from sqlalchemy.orm import Session


async def fetch(url):
    async with httpx.AsyncClient() as client:
        return await client.get(url)


def sync_all(session: Session, urls):
    loop = asyncio.new_event_loop()
    with session.begin():
        for url in urls:
            session.add(loop.run_until_complete(fetch(url)))  # TXN207@49


def sync(session: Session, url):
    page = asyncio.new_event_loop().run_until_complete(fetch(url))
    with session.begin():
        session.add(page)
""",
        set(),
    ),
    "sleep that only gives the others a turn": (
        """
import asyncio

from sqlalchemy.ext.asyncio import AsyncSession

NO_TIME = 0


async def load(session: AsyncSession, rows, pause):
    async with session.begin():
        for row in rows:
            session.add(row)
            await asyncio.sleep(0)
            await asyncio.sleep(delay=0.0)
            await asyncio.sleep(NO_TIME)
        await asyncio.sleep(0.1)  # TXN207@15
        await asyncio.sleep(pause)  # TXN207@15
""",
        set(),
    ),
    "context managers that open a session and close it, and those that hold it": (
        """
# --- app/services/journal.py
from contextlib import AsyncExitStack, asynccontextmanager

from app.session import get_session, session_factory


async def note(run, state):
    async with get_session() as session, session.begin():
        session.add((run, state))


async def note_by_hand(run):
    session = session_factory()
    try:
        if run is None:
            return None
        session.add(run)
        return run
    finally:
        await session.close()


@asynccontextmanager
async def noted(run):
    async with get_session() as session, session.begin():
        session.add(run)
    await note(run, "started")
    await note_by_hand(run)
    try:
        yield run
    except Exception:
        async with get_session() as session, session.begin():
            session.add(run)
        raise


class Noted:
    def __init__(self, run):
        self.run = run

    async def __aenter__(self):
        await note(self.run, "started")
        return self

    async def __aexit__(self, kind, *error):
        if kind:
            await note(self.run, "failed")


class Inside:
    def __init__(self, session):
        self.inner = session


@asynccontextmanager
async def wrapped():
    async with get_session() as session:
        yield Inside(session)


@asynccontextmanager
async def nested(run):
    async with wrapped():
        yield run


@asynccontextmanager
async def stacked(run):
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(wrapped())
        yield run


class Held:
    async def __aenter__(self):
        await self.start()
        return self

    async def start(self):
        if self.current is None:
            self.current = session_factory()

    async def __aexit__(self, *error):
        await self.current.close()


class ByHand:
    async def __aenter__(self):
        self.manager = get_session()
        self.current = await self.manager.__aenter__()
        return self

    async def __aexit__(self, *error):
        await self.manager.__aexit__(*error)


@asynccontextmanager
async def started(run):
    held = Held()
    await held.start()
    yield run
    await held.__aexit__()
# --- app/tasks/runs.py
from app.services.journal import ByHand, Held, Noted, nested, note, noted, stacked, started


async def in_noted(run):
    async with noted(run):
        try:
            run()
        except Exception:
            await note(run, "failed")
            raise


async def in_noted_object(run):
    async with Noted(run):
        try:
            run()
        except Exception:
            await note(run, "failed")
            raise


async def in_nested(run):
    async with nested(run):
        try:
            run()
        except Exception:
            await note(run, "failed")  # TXN107@19
            raise


async def in_stacked(run):
    async with stacked(run):
        try:
            run()
        except Exception:
            await note(run, "failed")  # TXN107@19
            raise


async def in_started(run):
    async with started(run):
        try:
            run()
        except Exception:
            await note(run, "failed")  # TXN107@19
            raise


async def in_held(run):
    async with Held():
        try:
            run()
        except Exception:
            await note(run, "failed")  # TXN107@19
            raise


async def in_by_hand(run):
    async with ByHand():
        try:
            run()
        except Exception:
            await note(run, "failed")  # TXN107@19
            raise
""",
        set(),
    ),
    "objects that open the approved session when they are entered": (
        """
# --- app/ledger/shelf.py
from contextlib import AsyncExitStack

from app.session import get_session


class Entries:
    def __init__(self, session):
        self.session = session

    async def put(self, entry):
        self.session.add(entry)


class Ledger:
    async def __aenter__(self):
        self._opened = get_session()
        self.session = await self._opened.__aenter__()
        self.entries = Entries(self.session)
        return self

    async def __aexit__(self, *failure):
        await self._opened.__aexit__(*failure)

    async def keep(self):
        await self.session.commit()


class Saving(Ledger):
    async def __aexit__(self, failure, *more):
        if failure is None:
            await self.session.commit()
        await super().__aexit__(failure, *more)


class Piled:
    async def __aenter__(self):
        self._pile = AsyncExitStack()
        self.session = await self._pile.enter_async_context(get_session())
        self.entries = Entries(self.session)
        return self

    async def __aexit__(self, *failure):
        await self._pile.aclose()


class Lent:
    def __init__(self, session):
        self.entries = Entries(session)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *failure):
        pass


async def opened_ledger():
    async with Ledger() as ledger:
        yield ledger


async def opened_entries():
    async with get_session() as session:
        yield Entries(session)
# --- app/tasks/book.py
from app.ledger.shelf import Ledger, Lent, Piled, Saving
from app.outside import audit
from app.session import get_session


async def straight(entry):
    async with Ledger() as ledger:
        ledger.session.add(entry)  # TXN209@9


async def one_below(entry):
    async with Ledger() as ledger:
        await ledger.entries.put(entry)  # TXN209@15


async def piled(entry):
    async with Piled() as ledger:
        await ledger.entries.put(entry)  # TXN209@15
    await ledger.session.get(object, 1)  # TXN208@11


async def kept(entry):
    async with Ledger() as ledger:
        await ledger.entries.put(entry)
        await ledger.keep()
    await ledger.entries.put(entry)  # TXN208@11


async def kept_by_itself(entry):
    async with Saving() as ledger:
        await ledger.entries.put(entry)


async def kept_elsewhere(entry):
    async with Ledger() as ledger:
        await ledger.entries.put(entry)
        await audit(ledger)


async def again(entry):
    ledger = Ledger()
    async with ledger:
        await ledger.session.get(object, 1)
    async with ledger:
        await ledger.session.get(object, 2)


async def lent(entry):
    async with get_session() as session:
        async with session.begin():
            async with Lent(session) as ledger:
                await ledger.entries.put(entry)
# --- app/routers/book.py
from fastapi import APIRouter, Depends

from app.ledger.shelf import Entries, Ledger, Lent, Piled, opened_entries, opened_ledger
from app.session import get_session_dependency

router = APIRouter()


def entries_of_request(session=Depends(get_session_dependency)):
    return Entries(session)


@router.get("/one")
async def one():
    async with Ledger() as ledger:  # TXN106@16
        return await ledger.session.get(object, 1)


@router.get("/piled")
async def piled():
    async with Piled() as ledger:  # TXN106@16
        return await ledger.session.get(object, 1)


@router.get("/ledger")
async def injected(ledger=Depends(opened_ledger)):  # TXN106@27
    return await ledger.session.get(object, 1)


@router.get("/entries")
async def entries(entries: Entries = Depends(opened_entries)):  # TXN106@38
    return await entries.session.get(object, 1)


@router.get("/lent")
async def lent(session=Depends(get_session_dependency), own: Entries = Depends(entries_of_request)):
    async with Lent(session) as ledger:
        return await ledger.entries.session.get(object, 1)
""",
        set(),
    ),
    "an object that opens its session in the session module": (
        """
# --- app/session.py
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from app.settings import settings

session_factory = async_sessionmaker(create_async_engine(settings.database_url))


class Notes:
    def __init__(self, session):
        self.session = session

    async def write(self, note):
        self.session.add(note)


class Desk:
    def __init__(self, open_one=session_factory):
        self.open_one = open_one

    async def __aenter__(self):
        self.session = self.open_one()
        self.notes = Notes(self.session)
        return self

    async def __aexit__(self, *failure):
        await self.session.close()

    async def file(self):
        await self.session.commit()
# --- app/tasks/notes.py
from app.session import Desk


async def dropped():
    async with Desk() as desk:
        await desk.notes.write("a")  # TXN209@15


async def filed():
    async with Desk() as desk:
        await desk.notes.write("a")
        await desk.file()


async def through_parameter(desk: Desk):
    await desk.notes.write("a")


async def filed_by_caller():
    async with Desk() as desk:
        await through_parameter(desk)
        await desk.file()
""",
        {"TXN208"},
    ),
    "coroutines of an object that keeps a session": (
        """
import asyncio

from app.session import get_session


class Prices:
    def __init__(self, session, rates):
        self.session = session
        self.rates = rates
        self.factor = 2

    async def stored(self, number):
        return await self.session.get(object, number)

    async def doubled(self, number):
        return number * self.factor

    async def below(self, number):
        return await self.stored(number)

    async def converted(self, number):
        return await self.rates.convert(number)

    async def passed(self, number):
        return await number.visit(self)


async def used():
    async with get_session() as session:
        prices = Prices(session, None)
        await asyncio.gather(prices.below(1), prices.stored(2))  # TXN602@15


async def doubtful(rates):
    async with get_session() as session:
        prices = Prices(session, rates)
        await asyncio.gather(prices.passed(1), prices.converted(2))  # TXN602@15


async def alone():
    async with get_session() as session:
        prices = Prices(session, None)
        await asyncio.gather(prices.doubled(1), prices.doubled(2))
        await asyncio.gather(prices.stored(1), prices.doubled(2))
""",
        set(),
    ),
    "a way out before the block that closes": (
        """
# --- app/session.py
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from app.settings import settings

session_factory = async_sessionmaker(create_async_engine(settings.database_url))


async def found(number):
    session = session_factory()  # TXN108@15
    if not number:
        return None
    try:
        return await session.get(object, number)
    finally:
        await session.close()


async def refused(number):
    session = session_factory()  # TXN108@15
    if not number:
        raise ValueError(number)
    try:
        return await session.get(object, number)
    finally:
        await session.close()


async def asked_before(number):
    if not number:
        return None
    session = session_factory()
    try:
        if number < 0:
            raise ValueError(number)
        return await session.get(object, number)
    finally:
        await session.close()


async def inside(number):
    session = None
    try:
        session = session_factory()
        if not number:
            return None
        return await session.get(object, number)
    finally:
        if session is not None:
            await session.close()


async def closed_on_the_way(number):
    session = session_factory()
    if not number:
        await session.close()
        return None
    try:
        return await session.get(object, number)
    finally:
        await session.close()
""",
        set(),
    ),
    "decorators that open a session or begin for services": (
        """
# --- app/around.py
import functools

from app.session import get_session


def opening(work):
    @functools.wraps(work)
    async def inner(*args):
        async with get_session() as session:
            return await work(session, *args)

    return inner


def beginning(work):
    @functools.wraps(work)
    async def inner(self, *args):
        async with self.session.begin():  # TXN204@20
            return await work(self, *args)

    return inner


def beginning_for_all(work):
    @functools.wraps(work)
    async def inner(session, *args):
        async with session.begin():
            return await work(session, *args)

    return inner


def noting(work):
    @functools.wraps(work)
    async def inner(*args):
        async with get_session() as session, session.begin():
            session.add(object())
        return await work(*args)

    return inner
# --- app/services/parcels.py
from sqlalchemy.ext.asyncio import AsyncSession

from app.around import beginning, noting, opening


@opening  # TXN106@2
async def load(session, number):
    return await session.get(object, number)


class Parcels:
    def __init__(self, session: AsyncSession):
        self.session = session

    @beginning
    async def put(self, row):
        self.session.add(row)


@noting
async def count(numbers):
    return len(numbers)
# --- app/tasks/parcels.py
from app.around import beginning_for_all, opening
from app.session import get_session


@opening
async def nightly(session):
    return await session.get(object, 1)


@beginning_for_all
async def store(session, row):
    session.add(row)


async def run():
    async with get_session() as session:
        await store(session, object())
""",
        set(),
    ),
    "objects that begin by hand when they are entered": (
        """
# --- app/units.py
class Unit:
    def __init__(self, session):
        self.session = session

    async def __aenter__(self):
        self.begun = self.session.begin()
        await self.begun.__aenter__()
        return self

    async def __aexit__(self, *failure):
        return await self.begun.__aexit__(*failure)


class Point(Unit):
    async def __aenter__(self):
        self.begun = self.session.begin_nested()
        await self.begun.__aenter__()
        return self


class Fresh(Unit):
    async def __aenter__(self):
        await self.session.rollback()
        self.begun = self.session.begin()
        await self.begun.__aenter__()
        return self
# --- app/routers/parcels.py
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import get_session_dependency
from app.units import Fresh, Point, Unit

router = APIRouter()


@router.post("/one")
async def one(session: AsyncSession = Depends(get_session_dependency)):
    async with Unit(session):
        try:
            await session.flush()
        except Exception:  # TXN210@9
            print("lost")


@router.post("/two")
async def two(session: AsyncSession = Depends(get_session_dependency)):
    await session.get(object, 1)
    async with Unit(session):  # TXN206@16
        session.add(object())


@router.post("/three")
async def three(session: AsyncSession = Depends(get_session_dependency)):
    await session.get(object, 1)
    async with Fresh(session):
        session.add(object())


@router.post("/four")
async def four(session: AsyncSession = Depends(get_session_dependency)):
    async with Unit(session):
        await session.get(object, 1)
        async with Point(session):
            session.add(object())


@router.post("/five")
async def five(session: AsyncSession = Depends(get_session_dependency)):
    try:
        async with Unit(session):
            await session.flush()
    except ValueError:
        print("told outside")
""",
        set(),
    ),
    "a session that a middleware keeps for the request": (
        """
# --- app/session.py
from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from starlette.middleware.base import BaseHTTPMiddleware

from app.settings import settings

session_factory = async_sessionmaker(create_async_engine(settings.database_url))


class Opening(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        async with session_factory() as session:
            request.state.desk = session
            return await call_next(request)


class Saving(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        async with session_factory() as session:
            request.state.saved = session
            response = await call_next(request)
            await session.commit()
            return response


class Held(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        async with session_factory() as session, session.begin():
            request.state.held = session
            return await call_next(request)


class Opened(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        async with session_factory() as session:
            request.state.late = session
            return await call_next(request)


class Ending(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        response = await call_next(request)
        await request.state.late.commit()
        return response


def get_session_dependency(request: Request) -> AsyncSession:
    return request.state.desk
# --- app/routers/desk.py
from fastapi import APIRouter, Depends, Request

from app.session import get_session_dependency

router = APIRouter()


@router.post("/a")
async def injected(session=Depends(get_session_dependency)):
    session.add(object())  # TXN209@5


@router.post("/b")
async def looked_up(request: Request):
    request.state.desk.add(object())  # TXN209@5


@router.post("/c")
async def in_block(request: Request):
    async with request.state.desk.begin():
        request.state.desk.add(object())


@router.post("/d")
async def by_hand(request: Request):
    request.state.desk.add(object())
    await request.state.desk.commit()


@router.post("/e")
async def by_middlewares(request: Request):
    request.state.saved.add(object())
    request.state.held.add(object())
    request.state.late.add(object())
""",
        set(),
    ),
    "collections of related rows are changed": (
        """
# --- app/models/crate.py
import uuid

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Crate(Base):
    __tablename__ = "crates"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    labels: Mapped[list[str]] = mapped_column(JSON)
    bottles: Mapped[list["Bottle"]] = relationship(back_populates="crate")
    emptied: Mapped[list["Bottle"]] = relationship(viewonly=True)
    notes: Mapped[list["Bottle"]] = relationship()

    def fill(self, bottle):
        self.bottles.append(bottle)


class Bottle(Base):
    __tablename__ = "bottles"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    crate_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("crates.id"))
    crate: Mapped[Crate] = relationship(back_populates="bottles")
    notes: Mapped[list[str]] = mapped_column(JSON)
# --- app/services/crates.py
def pack(crate, bottle):
    crate.bottles.append(bottle)
# --- app/routers/crates.py
from fastapi import APIRouter, Depends
from sqlalchemy import select

from app.models.crate import Bottle, Crate
from app.services.crates import pack
from app.session import get_session_dependency

router = APIRouter()


@router.post("/a")
async def added(session=Depends(get_session_dependency)):
    crate = await session.get(Crate, 1)
    crate.bottles.append(Bottle())  # TXN209@5


@router.post("/b")
async def emptied(session=Depends(get_session_dependency)):
    crate = (await session.scalars(select(Crate))).one()
    crate.bottles.clear()  # TXN209@5


@router.post("/c")
async def packed(session=Depends(get_session_dependency)):
    crate = await session.get(Crate, 1)
    pack(crate, Bottle())  # TXN209@5


@router.post("/d")
async def filled(session=Depends(get_session_dependency)):
    crate = await session.get(Crate, 1)
    crate.fill(Bottle())  # TXN209@5


@router.post("/e")
async def of_the_other(session=Depends(get_session_dependency)):
    bottle = await session.get(Bottle, 1)
    bottle.crate.bottles.remove(bottle)  # TXN209@5


@router.post("/f")
async def in_block(session=Depends(get_session_dependency)):
    async with session.begin():
        crate = await session.get(Crate, 1)
        crate.bottles.append(Bottle())


@router.post("/g")
async def nothing_written(session=Depends(get_session_dependency)):
    crate = await session.get(Crate, 1)
    crate.labels.append("new")
    crate.emptied.append(Bottle())
    crate.notes.append("seen")
    names = []
    names.append(crate.labels)
    return names


@router.get("/h")
async def for_the_answer(session=Depends(get_session_dependency)):
    crate = await session.get(Crate, 1)
    crate.bottles.clear()
    return crate


@router.post("/i")
async def of_new_ones(session=Depends(get_session_dependency)):
    crate = Crate()
    pack(crate, Bottle())
    return crate
""",
        set(),
    ),
    "who completes a statement is asked, though nothing else there matters": (
        """
# --- app/services/partitions.py
from sqlalchemy import text


async def attach(link, part):
    await link.execute(text(f"ALTER TABLE visits ATTACH PARTITION {part['table']} DEFAULT"))


async def detach(link, part):
    await link.execute(text(f"ALTER TABLE visits DETACH PARTITION {part['table']}"))  # TXN801@24
# --- app/services/nightly.py
from app.services.partitions import attach, detach

PARTS = ({"table": "visits_old"}, {"table": "visits_new"})


async def rotate(link):
    for part in PARTS:
        await attach(link, part)
        await detach(link, part)


async def retire(link, names):
    for name in names:
        await detach(link, {"table": name})
""",
        set(),
    ),
    "an event loop keeps nothing of the tasks it makes": (
        """
# --- app/services/feeds.py
import asyncio
import signal


async def drain(feed):
    pass


def watch(loop, feed):
    loop.add_signal_handler(signal.SIGHUP, lambda: asyncio.create_task(drain(feed)))  # TXN605@52
    loop.call_later(5, lambda: asyncio.ensure_future(drain(feed)))  # TXN605@32
    loop.call_soon_threadsafe(asyncio.create_task, drain(feed))  # TXN605@5
    loop.call_soon_threadsafe(loop.create_task, drain(feed))  # TXN605@5


async def later(feed):
    asyncio.get_running_loop().call_later(5, asyncio.ensure_future, drain(feed))  # TXN605@5
""",
        set(),
    ),
    "errors that gather gives back are asked for and recorded": (
        """
# --- app/tasks/parcels.py
import asyncio

from app.session import get_session


async def weigh(parcel):
    async with get_session() as session, session.begin():
        session.add(parcel)


async def noting(parcels):
    outcomes = await asyncio.gather(*(weigh(p) for p in parcels), return_exceptions=True)
    for parcel, outcome in zip(parcels, outcomes):
        if isinstance(outcome, BaseException):
            await weigh(("failed", parcel))


async def picking(parcels):
    weighing = [weigh(p) for p in parcels]
    outcomes = await asyncio.gather(*weighing, return_exceptions=True)
    failed = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    if failed:
        raise ExceptionGroup("parcels", failed)
# --- app/routers/parcels.py
from fastapi import APIRouter, BackgroundTasks

from app.tasks.parcels import noting, picking

router = APIRouter()


@router.post("/parcels")
async def parcels(tasks: BackgroundTasks):
    tasks.add_task(noting, ["a"])
    tasks.add_task(picking, ["a"])
""",
        {"TXN604"},
    ),
    "suppress put on an exit stack swallows what follows": (
        """
# --- app/tasks/readings.py
from contextlib import ExitStack, suppress

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession


async def store(session: AsyncSession, readings):
    async with session.begin():
        with ExitStack() as stack:
            stack.enter_context(suppress(IntegrityError))  # TXN210@33
            for reading in readings:
                session.add(reading)
            await session.flush()
""",
        set(),
    ),
    "what is awaited when its session is closed uses it then": (
        """
# --- app/tasks/totals.py
import asyncio

from app.session import get_session


async def count(session, table):
    return await session.scalar(table)


async def one(table):
    async with get_session() as session:
        counting = asyncio.create_task(count(session, table))
    return await counting  # TXN208@12


async def closing_over(table):
    async with get_session() as session:

        async def counted():
            return await session.scalar(table)

        counting = asyncio.ensure_future(counted())
    return await counting  # TXN208@12


async def prepared(tables):
    async with get_session() as session:
        ready = [session.scalar(table) for table in tables]
    return [await total for total in ready]  # TXN208@13


async def together(tables):
    async with get_session() as session:
        ready = [session.scalar(table) for table in tables]
    return await asyncio.gather(*ready)  # TXN208@18
""",
        set(),
    ),
    "what begins when an object is entered is left by its exit": (
        """
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session


class Attempt:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def __aenter__(self):
        self.part = self.session.begin_nested()
        await self.part.__aenter__()
        return self

    async def __aexit__(self, *error):
        return await self.part.__aexit__(*error)


class Unit:
    def __init__(self, session: Session) -> None:
        self.session = session

    def __enter__(self):
        self._whole = self.session.begin()
        self._whole.__enter__()
        return self

    def __exit__(self, *error):
        self._whole.__exit__(*error)
""",
        {"TXN203"},
    ),
    "a block in two halves has to be left on every path": (
        """
from sqlalchemy.ext.asyncio import AsyncSession


class Attempt:
    def __init__(self, session: AsyncSession, undo: bool) -> None:
        self.session = session
        self.undo = undo

    async def __aenter__(self):
        self.part = self.session.begin_nested()  # TXN203@21
        await self.part.__aenter__()
        return self

    async def __aexit__(self, *error):
        if self.undo:
            await self.part.__aexit__(*error)


class Ended:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def __aenter__(self):
        self.part = await self.session.begin_nested()  # TXN203@27
        return self

    async def __aexit__(self, *error):
        await self.part.commit()
""",
        set(),
    ),
    "a class made in a function dies with the call": (
        """
# --- app/services/shelves.py
import atexit
from functools import lru_cache

from sqlalchemy.ext.asyncio import AsyncSession

from app.session import get_session, session_factory


@lru_cache(maxsize=None)
def label_of(name):
    return name.title()


def cleaned(rows):
    session = session_factory()
    atexit.register(session.close)
    session.add_all(rows)


class Named(type):
    _classes = {}

    def __call__(cls, *args):
        made = super().__call__(*args)
        cls._classes[cls.__name__] = cls
        return made


class Shelf(metaclass=Named):
    def __init__(self, session: AsyncSession):
        self.session = session


async def sort(session: AsyncSession):
    class Box:
        held = session

    async with get_session() as own:

        class Other:
            held = own

        await Other.held.flush()
    return await Box.held.flush()
""",
        {"TXN109"},
    ),
    "pop_all hands on what was entered": (
        """
# --- app/tasks/desk.py
from contextlib import AsyncExitStack

from app.session import get_session


class Desk:
    async def __aenter__(self):
        async with AsyncExitStack() as building:
            self.session = await building.enter_async_context(get_session())
            await building.enter_async_context(self.session.begin())
            self._built = building.pop_all()
        return self

    async def __aexit__(self, *error):
        return await self._built.__aexit__(*error)


async def handed_on():
    async with AsyncExitStack() as building:
        session = await building.enter_async_context(get_session())
        await session.scalar("select 1")
        return session, building.pop_all()
""",
        {"TXN109"},
    ),
    "an awaited task gives what its coroutine returns": (
        """
# --- app/tasks/totals.py
import asyncio

from app.session import get_session


async def count(session, table):
    return await session.scalar(table)


async def started(table):
    async with get_session() as session:
        return await asyncio.create_task(count(session, table))


async def shielded(table):
    async with get_session() as session:
        counting = asyncio.ensure_future(count(session, table))
        total = await asyncio.shield(counting)
        return {"total": total}
""",
        {"TXN109"},
    ),
    "caches, exit handlers and classes with one object keep sessions for good": (
        """
# --- app/services/shelves.py
import atexit
from functools import lru_cache, partial

from sqlalchemy.ext.asyncio import AsyncSession

from app.session import get_session


class Shelf:
    def __init__(self, session: AsyncSession):
        self.session = session


@lru_cache(maxsize=None)
def shelf_of(session: AsyncSession):  # TXN109@1
    return Shelf(session)


async def sort():
    async with get_session() as session:
        atexit.register(partial(print, session))  # TXN109@9
        await session.flush()


class OnlyOne(type):
    _made = {}

    def __call__(cls, *args):
        if cls not in cls._made:
            cls._made[cls] = super().__call__(*args)
        return cls._made[cls]


class Catalogue(metaclass=OnlyOne):
    def __init__(self, session: AsyncSession):
        self.session = session  # TXN109@9


class Register:
    _one = None

    def __new__(cls, session: AsyncSession):
        if cls._one is None:
            cls._one = super().__new__(cls)
        return cls._one

    def __init__(self, session: AsyncSession):
        self.session = session  # TXN109@9


def labels(session: AsyncSession):
    class Label:
        text = ""

    Label.session = session
    return Label


class Reader:
    session = None


def read_later(session: AsyncSession):
    Reader.session = session  # TXN109@5
""",
        set(),
    ),
    "a module keeps functions that close over a session": (
        """
# --- app/services/signals.py
from sqlalchemy.ext.asyncio import AsyncSession

LISTENERS = []
BY_NAME = {}


def listen(session: AsyncSession):
    LISTENERS.append(lambda row: session.add(row))  # TXN109@5


def name(session: AsyncSession):
    def keep(row):
        session.add(row)

    BY_NAME["keep"] = keep  # TXN109@5


def tell(row):
    for listener in LISTENERS:
        listener(row)
    BY_NAME["keep"](row)
""",
        set(),
    ),
    "an exit stack that is left closes the session that is kept": (
        """
# --- app/tasks/desk.py
from contextlib import AsyncExitStack

from app.session import get_session


class Desk:
    async def open(self):
        async with AsyncExitStack() as building:
            self.session = await building.enter_async_context(get_session())  # TXN109@13
        async with AsyncExitStack() as others:
            others.pop_all()
        return self
""",
        set(),
    ),
    "an awaited task gives an object that holds the session": (
        """
# --- app/tasks/kept.py
import asyncio

from app.session import get_session


class Rows:
    def __init__(self, session):
        self.session = session


async def rows_of(session):
    return Rows(session)


async def started():
    async with get_session() as session:
        return await asyncio.create_task(rows_of(session))  # TXN109@16
""",
        set(),
    ),
    "closing ends a generator that closes its session": (
        """
# --- app/tasks/beds.py
from contextlib import closing

from app.session import session_factory


def entered():
    with session_factory() as session:
        yield session


def ended():
    session = session_factory()
    try:
        yield session
    finally:
        session.close()


def count():
    with closing(entered()) as source, closing(ended()) as other:
        return next(source).execute("select 1"), next(other).execute("select 2")
""",
        {"TXN108"},
    ),
    "a generator that nothing ends, or that closes nothing, leaves its session open": (
        """
# --- app/tasks/beds.py
from contextlib import closing

from app.session import session_factory


def entered():
    with session_factory() as session:
        yield session


def handed():
    session = session_factory()  # TXN108@15
    yield session


def count():
    source = entered()
    with closing(handed()) as other:
        first = next(source)  # TXN108@17
        second = next(other)  # TXN108@18
        return first.execute("select 1"), second.execute("select 2")
""",
        set(),
    ),
    "what stands around a block opens a second session when it fails": (
        """
# --- app/tasks/wagons.py
from contextlib import asynccontextmanager
from functools import wraps

from app.session import get_session


async def note(text):
    async with get_session() as session, session.begin():
        session.add(text)


@asynccontextmanager
async def noted():
    try:
        yield
    except Exception:
        await note("failed")
        raise


class Noted:
    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, trace):
        if error is not None:
            await note(str(error))


def noting(work):
    @wraps(work)
    async def around(*args):
        try:
            return await work(*args)
        except Exception:
            await note(work.__name__)
            raise

    return around


@noting
async def couple(session, number):
    await session.get(object, number)


async def by_manager(number):
    async with get_session() as session:
        async with noted():  # TXN107@20
            await session.get(object, number)


async def by_object(number):
    async with get_session() as session, Noted():  # TXN107@42
        await session.get(object, number)


async def by_decorator(number):
    async with get_session() as session:
        await couple(session, number)  # TXN107@15
""",
        set(),
    ),
    "what SQL takes out of a record that callers pass": (
        """
# --- app/services/indexes.py
from somewhere import shortened
from sqlalchemy import text

KNOWN = [{"name": "a", "columns": ("x", "y")}, {"name": "b", "columns": ("z",)}]


async def create(connection, record):
    name = record["name"]
    columns = ", ".join(record["columns"])
    await connection.execute(text(f"CREATE INDEX {name} ON items ({columns})"))


async def drop(connection, record):
    await connection.execute(text("DROP INDEX " + record["name"]))  # TXN801@30


async def rename(connection, record, wanted):
    name = record["name"]
    name = shortened(wanted)
    await connection.execute(text(f"ALTER INDEX old RENAME TO {name}"))  # TXN801@30


async def describe(connection, record):
    await connection.execute(text("COMMENT ON INDEX {} IS 'x'".format(record.get("name"))))


async def cluster(connection, record):
    await connection.execute(text(f"CLUSTER items USING {record['other']}"))  # TXN801@30


async def find(connection, record):
    await connection.execute(text(f"SELECT 1 FROM pg_class WHERE relname = '{record['name']}'"))  # TXN801@30


def vacuum(record):
    return f"VACUUM {record['name']}"


async def run(connection):
    for record in KNOWN:
        await create(connection, record)
        await drop(connection, record)
        await rename(connection, record, record["name"])
        await describe(connection, record)
        await cluster(connection, record)
        await find(connection, record)
    await connection.execute(text(vacuum(KNOWN[0])))
# --- app/routers/indexes.py
from fastapi import APIRouter

from app.services.indexes import drop, vacuum

router = APIRouter()


@router.delete("/indexes")
async def remove(connection, body: dict):
    await drop(connection, body)
""",
        set(),
    ),
    "an engine that is given to AsyncEngine": (
        """
# --- app/session.py
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import create_engine

from app.settings import settings

CACHES = {"statement_cache_size": 0, "prepared_statement_cache_size": 0}


def plain():
    return create_engine(settings.database_url, echo=True)  # TXN501@12


def asynchronous(inner):
    return AsyncEngine(sync_engine=inner)


first = AsyncEngine(plain())
second = asynchronous(create_engine(settings.database_url))  # TXN501@23
third = AsyncEngine(create_engine(settings.database_url, connect_args=CACHES))
reports = create_engine(settings.database_url)
""",
        set(),
    ),
    "a service writes on a session of its own": (
        """
# --- app/services/shelf.py
from contextlib import asynccontextmanager

from app.models.item import Item
from app.session import get_unit_of_work, session_factory


async def forget(item_id):
    async with session_factory() as session:
        item = await session.get(Item, item_id)
        await session.delete(item)  # TXN209@15


async def keep(session, name):
    session.add(Item(name=name))


async def keep_alone(name):
    session = session_factory()
    try:
        await keep(session, name)  # TXN209@15
    finally:
        await session.close()


async def keep_for_good(name):
    async with session_factory() as session, session.begin():
        await keep(session, name)


async def keep_and_commit(name):
    async with session_factory() as session:
        await keep(session, name)
        await session.commit()


async def keep_in_unit(name):
    async with get_unit_of_work() as session:
        await keep(session, name)


async def started(name):
    session = session_factory()
    await keep(session, name)
    return session


@asynccontextmanager
async def around(name):
    async with session_factory() as session:
        await keep(session, name)
        yield session


class Shelf:
    async def open(self, name):
        self.session = session_factory()
        await keep(self.session, name)

    async def close(self):
        await self.session.commit()
        await self.session.close()
# --- app/session.py
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

session_factory = async_sessionmaker(create_async_engine("sqlite+aiosqlite://"))


@asynccontextmanager
async def get_unit_of_work():
    async with session_factory() as session:
        yield session
        await session.commit()
""",
        set(),
    ),
    "a callee commits on one branch and leaves what it writes on the other": (
        """
# --- app/services/shelves.py
async def put(session, box, urgent):
    if urgent:
        session.add(urgent)
        await session.commit()  # TXN201@15
    else:
        session.add(box)


async def put_both(session, box, urgent):
    if urgent:
        session.add(urgent)
    else:
        session.add(box)
    await session.commit()  # TXN201@11


async def put_if(session, box, urgent):
    if urgent:
        session.add(urgent)
    if urgent:
        await session.commit()  # TXN201@15


async def put_now(session, box, later=False):
    if later:
        session.add(box)
        return
    session.add(box)
    await session.commit()  # TXN201@11


async def through(session, box, urgent):
    await put(session, box, urgent)


async def refuse(session, box, urgent):
    if urgent:
        session.add(box)
        raise ValueError(box)
    session.add(box)
    await session.commit()  # TXN201@11


async def shelve(session, boxes):
    for box in boxes:
        await put(session, box, None)
    await session.commit()  # TXN201@11
# --- app/routers/shelves.py
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.services import shelves
from app.session import get_session_dependency

router = APIRouter()
Session = Annotated[AsyncSession, Depends(get_session_dependency)]


@router.post("/put")
async def put(session: Session, box: str, urgent: str | None = None):
    await shelves.put(session, box, urgent)  # TXN209@11


@router.post("/through")
async def through(session: Session, box: str, urgent: str | None = None):
    await shelves.through(session, box, urgent)  # TXN209@11


@router.post("/later")
async def later(session: Session, box: str):
    await shelves.put_now(session, box, later=True)  # TXN209@11


@router.post("/now")
async def now(session: Session, box: str):
    await shelves.put_now(session, box)


@router.post("/both")
async def both(session: Session, box: str, urgent: str | None = None):
    await shelves.put_both(session, box, urgent)
    await shelves.put_if(session, box, urgent)
    await shelves.refuse(session, box, urgent)


@router.post("/shelve")
async def shelve(session: Session, boxes: list[str]):
    await shelves.shelve(session, boxes)
""",
        set(),
    ),
    "a callee commits on every way out, whichever of its branches wrote first": (
        """
import asyncio

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session


async def ring(item_id):
    await asyncio.sleep(item_id)


async def upsert(session: AsyncSession, name):
    item = await session.scalar(select(Item))
    if item:
        item.name = name
        await session.commit()  # TXN201@15
        return item
    item = Item(name=name)
    session.add(item)
    await session.commit()  # TXN201@11
    await session.refresh(item)
    return item


async def halfway(session: AsyncSession, name):
    item = await session.scalar(select(Item))
    if item:
        item.name = name
        await session.commit()  # TXN201@15
        return item
    item = Item(name=name)
    session.add(item)
    return item


async def announce():
    async with get_session() as session:
        item = await upsert(session, "bell")
        kept = asyncio.create_task(ring(item.id))
        session.add(Item(name="rung"))
        await session.commit()  # TXN201@15
        kept.cancel()


async def announce_early():
    async with get_session() as session:
        item = await halfway(session, "bell")
        kept = asyncio.create_task(ring(item.id))  # TXN603@16
        session.add(Item(name="rung"))
        await session.commit()  # TXN201@15
        kept.cancel()


async def ring_or_write(session: AsyncSession, name, background):
    item = await session.scalar(select(Item))
    if item:
        session.add(Item(name=name))
        await session.commit()  # TXN201@15
        background.add_task(ring, item.id)
    else:
        session.add(Item(name=name))


async def announce_inside(background):
    async with get_session() as session:
        await ring_or_write(session, "bell", background)
        await session.commit()  # TXN201@15
""",
        set(),
    ),
    "a dependency that has committed before the endpoint runs saves nothing of it": (
        """
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session_dependency

router = APIRouter()
Session = Annotated[AsyncSession, Depends(get_session_dependency)]


async def visitor(session: Session):
    session.add(Item(name="visit"))
    await session.commit()  # TXN201@11


async def visited(session: Session):
    yield
    await session.commit()  # TXN201@11


async def attach(session, cached):
    return await session.merge(cached)


@router.post("/lost", dependencies=[Depends(visitor)])
async def lost(session: Session):
    session.add(Item(name="lost"))  # TXN209@5


@router.post("/kept", dependencies=[Depends(visited, scope="function")])
async def kept(session: Session):
    session.add(Item(name="kept"))


@router.get("/shown", dependencies=[Depends(visitor)])
async def shown(session: Session, name: str):
    first = await session.merge(Item(name=name))
    second = await attach(session, Item(name=name))
    return first, second


@router.get("/written", dependencies=[Depends(visitor)])
async def written(session: Session, name: str):
    await session.merge(Item(name=name))  # TXN209@11


@router.post("/merged", dependencies=[Depends(visitor)])
async def merged(session: Session, name: str):
    return await attach(session, Item(name=name))  # TXN209@18
""",
        set(),
    ),
    "what only reads outside of a try records nothing of what the clause swallows": (
        """
# --- app/tasks/meters.py
import logging

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy import select

from app.models.item import Item
from app.session import get_session

log = logging.getLogger(__name__)
scheduler = AsyncIOScheduler()


async def measure(session, name):
    await session.scalar(select(Item).where(Item.name == name))


async def note(name):
    async with get_session() as session, session.begin():
        session.add(Item(name=name))


async def between():
    async with get_session() as session:
        await session.get(Item, 1)
        try:
            await measure(session, "water")
        except Exception:  # TXN604@9
            log.error("no water")


async def noted_before():
    await note("started")
    try:
        async with get_session() as session:
            await measure(session, "water")
    except Exception:
        log.error("no water")


async def noted_after():
    try:
        async with get_session() as session:
            await measure(session, "water")
    except Exception:
        log.error("no water")
    await note("done")


async def step_by_step():
    async with get_session() as session:
        try:
            await measure(session, "water")
        except Exception:
            log.error("no water")
        try:
            await measure(session, "steam")
        except Exception:
            log.error("no steam")


for job in (between, noted_before, noted_after, step_by_step):
    scheduler.add_job(job, "interval", seconds=15)
""",
        set(),
    ),
    "a function of the project that raises can fail without any session": (
        """
# --- app/tasks/labels.py
import logging

from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = logging.getLogger(__name__)
scheduler = AsyncIOScheduler()


def check(label):
    if not label:
        raise ValueError(label)


def through(label):
    check(label.strip())


def forgiving(label):
    try:
        check(label)
    except ValueError:
        return ""
    return label


def declared(label):
    raise NotImplementedError


async def swallowed():
    try:
        through("x")
    except Exception as error:  # TXN604@5
        log.error("failed: %s", error)


async def raised():
    try:
        through("x")
    except Exception as error:
        log.error("failed: %s", error)
        raise


async def forgiven():
    try:
        forgiving("x")
        declared("x")
    except Exception as error:
        log.error("failed: %s", error)


for job in (swallowed, raised, forgiven):
    scheduler.add_job(job, "interval", seconds=15)
""",
        set(),
    ),
    "who awaits a task that another function started sees what came of it": (
        """
# --- app/tasks/copies.py
import asyncio
import logging

from app.models.item import Item
from app.session import get_session

log = logging.getLogger(__name__)
running = set()


async def copy(name):
    try:
        async with get_session() as session, session.begin():
            session.add(Item(name=name))
        return True
    except Exception:
        log.exception("no copy")
        return False


async def drop(name):
    try:
        async with get_session() as session, session.begin():
            session.add(Item(name=name))
    except Exception:  # TXN604@5
        log.exception("not dropped")


def begin_copy(name):
    task = asyncio.create_task(copy(name))
    running.add(task)
    return task


def begin_drop(name):
    task = asyncio.create_task(drop(name))
    running.add(task)
    return task
# --- app/services/copies.py
from app.tasks.copies import begin_copy, begin_drop


async def copied(name):
    task = begin_copy(name)
    begin_drop(name)
    return "copied" if await task else "not copied"
""",
        set(),
    ),
    "a savepoint in a callee holds what stands in it, and nothing beside it": (
        """
import logging

from sqlalchemy import text
from sqlalchemy.orm import Session

log = logging.getLogger(__name__)
READ, WRITE = text("SELECT 1"), text("UPDATE stocks SET n = 1")


def inside(session: Session):
    with session.begin_nested():
        session.execute(WRITE)


def beside(session: Session):
    session.execute(READ)
    with session.begin_nested():
        session.execute(WRITE)


def by_hand(session: Session):
    point = session.begin_nested()  # TXN203@13
    try:
        session.execute(WRITE)
        point.commit()
    except ValueError:
        point.rollback()
        raise


def through(session: Session):
    inside(session)


def bare(session: Session):
    session.execute(WRITE)


class Step:
    def __init__(self, run):
        self.run = run

    def take(self, session):
        self.run(session)


def mixed(session: Session):
    for step in (Step(inside), Step(bare)):
        with session.begin():  # TXN204@14
            try:
                step.take(session)
            except Exception:  # TXN210@13
                log.exception("a step failed")


def guarded(session: Session):
    for step in (Step(inside), Step(through), Step(by_hand)):
        with session.begin():  # TXN204@14
            try:
                step.take(session)
            except Exception:
                log.exception("a step failed")


def direct(session: Session):
    with session.begin():  # TXN204@10
        try:
            through(session)
            by_hand(session)
        except Exception:
            log.exception("not done")
        try:
            beside(session)
        except Exception:  # TXN210@9
            log.exception("not done")
""",
        set(),
    ),
    "an object that keeps a session is handed to coroutines that run together": (
        """
import asyncio
from dataclasses import dataclass

from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

READ = text("SELECT 1")


@dataclass
class Desk:
    db: AsyncSession
    name: str


class Tray(BaseModel, arbitrary_types_allowed=True):
    db: AsyncSession


class Drawer:
    def __init__(self, db: AsyncSession, name: str):
        self.db = db
        self.name = name


async def look(desk: Desk):
    await desk.db.execute(READ)


async def called(desk: Desk):
    await asyncio.sleep(len(desk.name))


async def look_in(tray: Tray):
    await tray.db.execute(READ)


async def pull(drawer: Drawer):
    await drawer.db.execute(READ)


async def desks(desk: Desk):
    await asyncio.gather(*[look(desk) for _ in range(3)])  # TXN602@11


async def trays(tray: Tray):
    await asyncio.gather(look_in(tray), look_in(tray))  # TXN602@11


async def drawers(drawer: Drawer):
    async with asyncio.TaskGroup() as group:
        group.create_task(pull(drawer))
        group.create_task(pull(drawer))  # TXN602@9


async def tasks(drawer: Drawer):
    first = asyncio.create_task(pull(drawer))
    second = asyncio.create_task(pull(drawer))  # TXN602@14
    await first
    await second


async def apart(left: Desk, right: Desk, tray: Tray):
    await asyncio.gather(look(left), look(right), look_in(tray))


async def unused(desk: Desk):
    await asyncio.gather(called(desk), called(desk), look(desk))


async def one_by_one(desks: list[Desk]):
    await asyncio.gather(*[look(desk) for desk in desks])


async def office(db: AsyncSession):
    await trays(Tray(db=db))
    await drawers(Drawer(db, "top"))
""",
        set(),
    ),
    "a flush right after the commit finds nothing to send": (
        """
import requests
from sqlalchemy.orm import Session

URL = "https://labels.example.com"


def print_label(session: Session, label):
    session.add(label)
    session.commit()  # TXN201@5
    session.flush()
    requests.get(URL, timeout=5)


def print_changed(session: Session, label):
    session.add(label)
    session.commit()  # TXN201@5
    label.state = "printed"
    session.flush()
    requests.get(URL, timeout=5)  # TXN207@5


def print_both(session: Session, label, other):
    session.add(label)
    session.commit()  # TXN201@5
    session.add(other)
    session.flush()
    requests.get(URL, timeout=5)  # TXN207@5


def print_later(session: Session, label, other):
    session.add(label)
    other.commit()
    session.flush()
    requests.get(URL, timeout=5)  # TXN207@5


def print_some(session: Session, label, now):
    session.add(label)
    if now:
        session.commit()  # TXN201@9
    session.flush()
    requests.get(URL, timeout=5)  # TXN207@5
""",
        set(),
    ),
    "work that rests on a transaction of its own, whatever is open around the call": (
        """
from celery import Celery
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from app.models.item import Item

queue = Celery()
engine = create_engine("sqlite://")  # TXN102@10
Own = sessionmaker(engine)  # TXN103@7


@queue.task
def count(name):
    print(name)


def charge(name):
    with Own() as own:  # TXN101@10
        own.add(Item(name=name))
        own.commit()  # TXN201@9
    count.delay(name)


def charge_in_block(name):
    with Own.begin() as own:  # TXN101@10
        own.add(Item(name=name))
    count.delay(name)


def charge_late(name):
    with Own() as own:  # TXN101@10
        own.add(Item(name=name))
        count.delay(name)  # TXN603@9
        own.commit()  # TXN201@9


def wake():
    count.delay("all")


def told(name):
    charge(name)


def store(db: Session, name):
    db.add(Item(name=name))


def apart(db: Session, path):
    db.add(Item())
    db.flush()
    told("call")
    told(path)
    charge_in_block("call")
    db.commit()  # TXN201@5


def above(db: Session, path):
    db.add(Item())
    apart(db, path)
    db.commit()  # TXN201@5


def with_row(db: Session):
    item = Item()
    db.add(item)
    db.flush()
    told(item.id)  # TXN603@5
    db.commit()  # TXN201@5


def with_name(db: Session, name):
    db.add(Item(name=name))
    told(name)  # TXN603@5
    db.commit()  # TXN201@5


def with_stored(db: Session, name):
    store(db, name)
    told(name)  # TXN603@5
    db.commit()  # TXN201@5


def woken(db: Session):
    db.add(Item())
    wake()  # TXN603@5
    db.commit()  # TXN201@5


def not_committed(db: Session):
    db.add(Item())
    charge_late("call")  # TXN603@5
    db.commit()  # TXN201@5
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
    "a function that gives the session which the approved way keeps in a context variable": (
        """
# --- app/session.py
from contextlib import asynccontextmanager
from contextvars import ContextVar

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://")
factory = async_sessionmaker(engine)
moored: ContextVar[AsyncSession] = ContextVar("moored")


def launch():
    return factory()


@asynccontextmanager
async def get_session():
    async with launch() as session:
        mark = moored.set(session)
        try:
            yield session
        finally:
            moored.reset(mark)


def at_hand() -> AsyncSession:
    return moored.get()


def at_hand_again() -> AsyncSession:
    return at_hand()
# --- app/services/boats.py
from app.session import at_hand, at_hand_again, launch


async def boat(key):
    return await at_hand().get(object, key)


async def other_boat(key):
    return await at_hand_again().get(object, key)


async def own_boat(key):
    async with launch() as session:  # TXN105@16
        return await session.get(object, key)
""",
        set(),
    ),
    "a parameter that a test finds among literals": (
        """
from sqlalchemy import text

ORDERS = ("name", "length")


async def refused(session, order: str):
    if order not in ORDERS:
        raise ValueError(order)
    return await session.execute(text(f"SELECT id FROM boats ORDER BY {order}"))


async def replaced(session, order: str):
    if order not in {"name", "length"}:
        order = "name"
    return await session.execute(text("SELECT id FROM boats ORDER BY " + order))


async def chosen(session, order: str):
    order = order if order in ORDERS else "name"
    return await session.execute(text("SELECT id FROM boats ORDER BY {}".format(order)))


async def inside(session, order: str):
    if order in ORDERS:
        await session.execute(text(f"SELECT id FROM boats ORDER BY {order}"))
    return await session.execute(text(f"SELECT id FROM boats ORDER BY {order} DESC"))  # TXN801@34


async def told(session, order: str, log):
    if order not in ORDERS:
        log.warning("no such order")
    return await session.execute(text(f"SELECT id FROM boats ORDER BY {order}"))  # TXN801@34


async def sometimes(session, order: str, strict: bool):
    if strict:
        if order not in ORDERS:
            raise ValueError(order)
    return await session.execute(text(f"SELECT id FROM boats ORDER BY {order}"))  # TXN801@34


async def tried(session, order: str):
    try:
        if order not in ORDERS:
            raise ValueError(order)
    except ValueError:
        pass
    return await session.execute(text(f"SELECT id FROM boats ORDER BY {order}"))  # TXN801@34


async def either(session, order: str, other: str):
    if order not in ORDERS and other not in ORDERS:
        raise ValueError(order)
    return await session.execute(text(f"SELECT id FROM boats ORDER BY {order}"))  # TXN801@34


async def another(session, order: str, other: str):
    kept = order
    if order not in ORDERS:
        order = other
    return await session.execute(text(f"SELECT id FROM boats ORDER BY {order}, {kept}"))  # TXN801@34


async def among_more(session, order: str, more: list[str]):
    if order not in ("name", *more):
        raise ValueError(order)
    return await session.execute(text(f"SELECT id FROM boats ORDER BY {order}"))  # TXN801@34


async def among_own(session, order: str, more: list[str]):
    names = ["name", *more]
    if order not in names:
        raise ValueError(order)
    return await session.execute(text(f"SELECT id FROM boats ORDER BY {order}"))  # TXN801@34
""",
        set(),
    ),
    "what comes after a kept error tells of it only if it can": (
        """
# --- app/tasks/meters.py
import logging

import httpx

from app.models.item import Item
from app.session import get_session

log = logging.getLogger(__name__)


async def read(meter):
    async with httpx.AsyncClient() as client:
        return (await client.get(meter)).text


async def mark(meter, state):
    async with get_session() as session, session.begin():
        row = await session.get(Item, meter)
        row.status = state


async def only_well(meter):
    try:
        await read(meter)
    except Exception:  # TXN604@5
        log.error("no reading of %s", meter)
    else:
        await mark(meter, "read")


async def only_behind(meter):
    try:
        await read(meter)
    except Exception as error:  # TXN604@5
        log.error("no reading of %s: %s", meter, error)
        return
    await mark(meter, "read")


async def round_and_round(meter):
    while True:
        try:
            await read(meter)
        except Exception:  # TXN604@9
            pass
        await mark("rounds", "alive")


async def passed_over(meters):
    for meter in meters:
        try:
            value = await read(meter)
        except Exception:  # TXN604@9
            continue
        await mark(meter, value)


async def compared(meter):
    value = None
    try:
        value = await read(meter)
    except Exception:
        pass
    await mark("last", "failed" if value is None else "read")


async def asked(meter):
    value = None
    try:
        value = await read(meter)
    except Exception:
        log.error("no reading of %s", meter)
    if value is None:
        await mark("last", "failed")


async def beside(meter):
    values = []

    async def say(text):
        await mark(text, len(values))

    try:
        values.append(await read(meter))
    except Exception:
        pass
    await say("last")


async def by_itself(meter):
    try:
        await read(meter)
    except Exception:
        pass
    await settle()


async def of_the_same(meter):
    try:
        await read(meter)
    except Exception:
        pass
    await mark(meter, "looked at")


async def settle():
    await mark("all", "settled")
# --- app/routers/meters.py
from fastapi import APIRouter, BackgroundTasks

from app.tasks.meters import (
    asked, beside, by_itself, compared, of_the_same, only_behind, only_well, passed_over, round_and_round
)

router = APIRouter()


@router.post("/meters")
async def meters(tasks: BackgroundTasks):
    for work in (asked, beside, by_itself, compared):
        tasks.add_task(work, "m")
    for other in (of_the_same, only_behind, only_well, passed_over, round_and_round):
        tasks.add_task(other, "m")
""",
        set(),
    ),
    "a callee that catches one narrow error lets the others through": (
        """
# --- app/tasks/letters.py
import asyncio
import logging

import httpx
import requests
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from app.errors import PostError
from app.session import get_session

log = logging.getLogger(__name__)


async def send(text):
    try:
        async with httpx.AsyncClient() as client:
            await client.post("letters", json=text)
    except (httpx.ConnectTimeout, asyncio.TimeoutError):
        log.warning("slow")


async def keep(text):
    try:
        async with get_session() as session, session.begin():
            session.add(text)
    except IntegrityError:
        log.warning("known")


async def send_all(text):
    try:
        requests.post("letters", json=text)
    except requests.RequestException:
        log.warning("not sent")


async def keep_all(text):
    try:
        async with get_session() as session, session.begin():
            session.add(text)
    except IntegrityError:
        log.warning("known")
    except SQLAlchemyError:
        log.warning("not kept")


async def by_post(text):
    try:
        requests.post("letters", json=text)
    except PostError:
        log.warning("not sent")


async def sent(text):
    try:
        await send(text)
    except Exception:  # TXN604@5
        pass


async def kept(text):
    try:
        await keep(text)
    except Exception:  # TXN604@5
        log.error("not kept")


async def all_sent(text):
    try:
        await send_all(text)
        await keep_all(text)
        await by_post(text)
    except Exception:
        pass
# --- app/errors.py
class PostError(Exception):
    pass
# --- app/routers/letters.py
from fastapi import APIRouter, BackgroundTasks

from app.tasks.letters import all_sent, kept, sent

router = APIRouter()


@router.post("/letters")
async def letters(tasks: BackgroundTasks):
    for work in (all_sent, kept, sent):
        tasks.add_task(work, "t")
""",
        set(),
    ),
    "a library's function and one of the project that raises can fail": (
        """
# --- app/columns.py
def columns(line):
    if not line:
        raise ValueError("an empty line")
    return line.split(";")


def checked(line):
    try:
        return columns(line)
    except ValueError:
        return []
# --- app/tasks/tables.py
import json
import logging
from datetime import datetime
from pathlib import Path

import polars
import structlog

from app.columns import checked, columns

log = logging.getLogger(__name__)
told = structlog.get_logger()


async def table(path):
    try:
        polars.read_csv(path)
    except Exception:  # TXN604@5
        pass


async def document(path):
    try:
        json.loads(Path(path).read_text())
    except Exception as error:  # TXN604@5
        log.error("no: %s", error)


def opened(path):
    return polars.read_excel(path)


async def below(path):
    try:
        opened(path)
    except Exception:  # TXN604@5
        return


async def bare(line):  # TXN604@1
    columns(line)


async def narrow(path):
    try:
        polars.read_csv(path)
    except polars.exceptions.NoDataError:
        log.info("empty")


async def recorded(path):
    try:
        polars.read_csv(path)
    except Exception:
        log.exception("no")
        raise


async def at_ease(line):
    try:
        told.bind(line=line).info("at %s", datetime.now())
        checked(line)
    except Exception:
        pass


async def tidied(path):
    try:
        Path(path).unlink()
    except Exception:
        log.warning("still there")


async def refusing(line):
    if not line:
        raise ValueError("nothing to do")


async def looked_at(line):
    try:
        columns(line)
    except ValueError:
        log.info("empty")
# --- app/routers/tables.py
from fastapi import APIRouter, BackgroundTasks

from app.tasks.tables import (
    at_ease, bare, below, document, looked_at, narrow, recorded, refusing, table, tidied
)

router = APIRouter()


@router.post("/tables")
async def tables(tasks: BackgroundTasks):
    for work in (at_ease, bare, below, document, looked_at):
        tasks.add_task(work, "p")
    for other in (narrow, recorded, refusing, table, tidied):
        tasks.add_task(other, "p")
""",
        set(),
    ),
    "coroutines that take turns behind one lock": (
        """
# --- app/services/buoys.py
import asyncio

from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item

turn = asyncio.Lock()


async def in_turn(session: AsyncSession, number):
    async with turn:
        return await session.get(Item, number)


async def by_module(session: AsyncSession):
    return await asyncio.gather(in_turn(session, 1), in_turn(session, 2))


async def by_closure(session: AsyncSession, numbers):
    mine = asyncio.Lock()

    async def one(number):
        name = str(number)
        async with mine:
            await session.merge(Item(name=name))

    async with asyncio.TaskGroup() as group:
        for number in numbers:
            group.create_task(one(number))
        group.create_task(one(0))


async def beside_the_lock(session: AsyncSession, numbers):
    mine = asyncio.Lock()

    async def one(number):
        async with mine:
            row = await session.get(Item, number)
        await session.refresh(row)

    return await asyncio.gather(*map(one, numbers))  # TXN602@18


async def own_lock(session: AsyncSession, numbers):
    async def one(number):
        mine = asyncio.Lock()
        async with mine:
            return await session.get(Item, number)

    return await asyncio.gather(*map(one, numbers))  # TXN602@18


async def a_lock_for_each(session: AsyncSession, numbers):
    locks = {number: asyncio.Lock() for number in numbers}

    async def one(number):
        async with locks[number]:
            return await session.get(Item, number)

    return await asyncio.gather(*map(one, numbers))  # TXN602@18


async def two_locks(session: AsyncSession):
    first, second = asyncio.Lock(), asyncio.Lock()

    async def one():
        async with first:
            return await session.get(Item, 1)

    async def other():
        async with second:
            return await session.get(Item, 2)

    return await asyncio.gather(one(), other())  # TXN602@18


async def one_without(session: AsyncSession):
    async def free():
        return await session.get(Item, 1)

    return await asyncio.gather(in_turn(session, 2), free())  # TXN602@18


async def several_at_once(session: AsyncSession, numbers):
    gate = asyncio.Semaphore(4)

    async def one(number):
        async with gate:
            return await session.get(Item, number)

    return await asyncio.gather(*map(one, numbers))  # TXN602@18
""",
        set(),
    ),
    "a finally that leaves the transaction's block keeps the error": (
        """
# --- app/tasks/locks.py
from app.models.item import Item
from app.session import get_session


async def opened(name):
    async with get_session() as session, session.begin():
        try:
            session.add(Item(name=name))
            await session.flush()
        finally:
            return name  # TXN210@13


async def each(names):
    async with get_session() as session, session.begin():
        for name in names:
            try:
                await session.merge(Item(name=name))
            except KeyError:
                print(name)
            finally:
                continue  # TXN210@17


async def before_the_end(name):
    async with get_session() as session, session.begin():
        try:
            session.add(Item(name=name))
        finally:
            print(name)
        return name


async def in_a_savepoint(name):
    async with get_session() as session, session.begin():
        try:
            async with session.begin_nested():
                session.add(Item(name=name))
        finally:
            return name


async def around_the_block(name):
    try:
        async with get_session() as session, session.begin():
            session.add(Item(name=name))
    finally:
        return name


async def without_the_session(name):
    async with get_session() as session, session.begin():
        session.add(Item(name=name))
        try:
            name = name.upper()
        finally:
            return name
""",
        set(),
    ),
    "an engine of unapproved origin is told of where it is used as well": (
        """
# --- app/archive.py
from sqlalchemy import create_engine


def archive_engine():
    return create_engine("sqlite:///archive.db")  # TXN102@12


def through():
    return archive_engine()  # TXN105@12
# --- app/tasks/archive.py
from sqlalchemy.orm import Session, sessionmaker

from app.archive import archive_engine, through
from app.session import engine_of


def copy(rows):
    engine = archive_engine()  # TXN105@14
    make = sessionmaker(engine)  # TXN103@12
    with make.begin() as session:  # TXN101@10
        session.add_all(rows)


def count(table):
    engine = through()  # TXN105@14
    with Session(engine) as session:  # TXN101@10
        return session.scalar(table)


def by_connection(statement):
    engine = archive_engine()
    with engine.begin() as connection:  # TXN104@10
        connection.execute(statement)


def of_the_module(table):
    with Session(engine_of()) as session:  # TXN101@10
        return session.scalar(table)
# --- app/session.py
from contextlib import contextmanager

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

engine = create_engine("sqlite:///items.db")


def engine_of():
    return engine


@contextmanager
def get_session():
    with Session(engine) as session:
        yield session


def get_session_dependency():
    with Session(engine) as session:
        yield session
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
