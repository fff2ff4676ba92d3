"""TXN109: a session is kept where it outlives its owner."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.program import class_containers, lasting
from sessionlint.program.annotated import FIELD
from sessionlint.program.handles import HELD
from sessionlint.program.stand_ins import stand_ins
from sessionlint.program.values import DRIVER, TASK, Handle, Value, contained
from sessionlint.report import Finding, TraceStep
from sessionlint.rules.background_work import captured_sessions, enclosing
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.caches import is_cached, keeps_arguments
from sessionlint.rules.callers import calls_by_callee
from sessionlint.rules.class_attributes import is_shared
from sessionlint.rules.forgotten_at_end import is_forgotten, is_taken_out
from sessionlint.rules.kept_around import ends_with_call_around, owner_around
from sessionlint.rules.kept_for_good import (
    caching_arguments,
    is_kept_on_object,
    keeps_its_object,
    kept_at_exit,
    kept_by_new,
)
from sessionlint.rules.kept_in_containers import kept_in_containers
from sessionlint.rules.kept_stacks import is_left_on_stack
from sessionlint.rules.kept_while_yielding import stays, takes_out
from sessionlint.rules.kept_with_objects import kept_with_objects
from sessionlint.rules.lifespans import kept_as_state
from sessionlint.rules.ownership import closes, is_closed_by_user
from sessionlint.rules.returned_unfinished import mapped_later
from sessionlint.rules.scripts import runs_once

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import ClassInfo, Event, FunctionInfo

META = Rule(
    code="TXN109",
    name="session-outlives-scope",
    summary="A session is kept on an object, `app.state`, a module or a closure that outlives its owner.",
    rationale=(
        "A session is no thread-safe or task-safe object: two requests that meet on a kept one mix their "
        "transactions, one's rollback discards the other's rows, and with asyncio the second statement raises "
        "`another operation is in progress`. One kept after its `with` block opens a new transaction by itself "
        "that nobody ends, so its connection never goes back to the pool."
    ),
    remedy=(
        "Keep the way to a session (the context manager), not the session. Objects that serve one request take it "
        "in their constructor and die with it; everything that lives longer opens one per piece of work."
    ),
    not_flagged=(
        "Repositories and services built per request that keep the session they were given; unit-of-work classes that "
        "close what they opened; objects whose session their user closes; what a `finally` takes away again from an "
        "object of one request, or out of a container under a key of its own (the one attribute of a module's object, "
        "a class or `app.state` is told of all the same: requests meet there before the `finally` runs); "
        "`request.state`; what a hook puts into the dictionary of one job, where it is closed at the job's end; "
        "engines and factories, which are made to be kept; a list or queue of a driver's connections in the session "
        "module, which is a pool of its own; context variables; one for each thread that no `with` block closes; "
        "tasks, for what they work with goes to the background (TXN601); scripts, which do their work at the top level "
        'of a file that nothing imports or under `if __name__ == "__main__"`; tests and migrations.'
    ),
)

BAD = [
    Bad(
        """
# --- app/main.py
from functools import lru_cache

from fastapi import FastAPI, Request

from app.repository import Repository, Store
from app.session import engine, get_session, session_factory

app = FastAPI()
session = session_factory()  # TXN109@1
store = Store()
STORES = {"open": Store()}
repository = Repository(session_factory())  # TXN109@1
_cache = {}
_all = []
_current = None


class Report:
    connection = engine.connect()  # TXN109@5

    def __init__(self):
        self.session = session_factory()  # TXN109@9

    async def load(self):
        async with get_session() as session:
            self.late = session  # TXN109@13
        return await self.late.get(object, 1)


@app.on_event("startup")
async def startup():
    app.state.session = session_factory()  # TXN109@5


async def remember(request: Request, key, session=session_factory):
    global _current
    async with get_session() as fresh:
        request.app.state.db = fresh  # TXN109@9
        _cache[key] = fresh  # TXN109@9
        _all.append(fresh)  # TXN109@9
        _current = fresh  # TXN109@9
        store.session = fresh  # TXN109@9
        Repository.shared = fresh  # TXN109@9


@lru_cache
def cached():
    return session_factory()  # TXN109@12


@lru_cache(maxsize=1)
def cached_repository():
    return Repository(session_factory())  # TXN109@12


async def loader():
    async with get_session() as session:

        async def load(item_id):
            return await session.get(object, item_id)

        return load  # TXN109@16


async def closed_repository():
    async with get_session() as session:
        return Repository(session)  # TXN109@16


def on_application(request: Request):
    request.app.session = session_factory()  # TXN109@5
    STORES["open"].session = session_factory()  # TXN109@5


def remembering():
    last = None

    async def work():
        nonlocal last
        async with get_session() as session:
            last = session  # TXN109@13

    return work, last
# --- app/repository.py
class Repository:
    def __init__(self, session):
        self.session = session


class Store:
    def use(self, session):
        self.session = session
""",
        path="app/main.py",
    ),
    Bad(
        """
from sqlalchemy.ext.asyncio import AsyncSession


class Exporter:
    def __init__(self):
        self.db = None

    async def run(self, session: AsyncSession):
        self.db = session  # TXN109@9
        await self._step()

    async def _step(self):
        await self.db.get(object, 1)


exporter = Exporter()
"""
    ),
    Bad(
        """
# --- app/kept.py
from app.session import session_factory

session = session_factory()  # TXN109@1
session.execute("select 1")
# --- app/handler.py
from app.session import session_factory

connection = session_factory()  # TXN109@1


def handle(event, context):
    return connection.execute("select 1")
# --- app/main.py
from app.kept import session


def read():
    return session.execute("select 2")
"""
    ),
    Bad(
        """
# --- app/tasks/broker.py
from taskiq import InMemoryBroker, TaskiqEvents, TaskiqState

from app.session import get_session, session_factory

broker = InMemoryBroker()


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def started(state: TaskiqState) -> None:
    async with get_session() as session:
        state.session = session  # TXN109@9
    state.factory = session_factory
"""
    ),
    Bad(
        """
from fastapi import APIRouter, Depends

from app.session import get_session_dependency

router = APIRouter()


class Last:
    session = None


@router.get("/items")
async def items(session=Depends(get_session_dependency)):
    Last.session = session  # TXN109@5
    return await session.get(object, 1)
""",
        path="app/routers/items.py",
    ),
    Bad(
        """
# --- app/consumer.py
from app.broker import subscribe
from app.session import session_factory

session = session_factory()  # TXN109@1


def started():
    session.execute("select 1")


@subscribe("orders")
def handle(order):
    session.execute("select 2")


started()
# --- app/broker.py
HANDLERS = {}


def subscribe(topic):
    def register(function):
        HANDLERS[topic] = function
        return function

    return register
"""
    ),
    Bad(
        """
import threading

from app.session import get_session, session_factory

_mine = threading.local()


async def read():
    return await _mine.session.get(object, 1)


async def remember():
    async with get_session() as session:
        _mine.session = session  # TXN109@9
        return await read()


async def lend():
    async with get_session() as session:
        _mine.session = session
        try:
            return await read()
        finally:
            del _mine.session


def ours():
    if getattr(_mine, "session", None) is None:
        _mine.session = session_factory()
    return _mine.session
""",
        path="app/tasks/drawers.py",
    ),
    Bad(
        """
from aiogram import Dispatcher
from aiohttp import web

from app.session import session_factory

dispatcher = Dispatcher()
dispatcher["session"] = session_factory()  # TXN101@25 TXN109@1
dispatcher["session_factory"] = session_factory
SESSION = web.AppKey("session", object)


async def start(app: web.Application):
    app[SESSION] = session_factory()  # TXN101@20 TXN109@5
    app["session_factory"] = session_factory


@web.middleware
async def opened(request: web.Request, handler):
    async with session_factory() as session:  # TXN101@16
        request["session"] = session
        return await handler(request)
"""
    ),
    Bad(
        source="""
# --- app/session.py
import aiosqlite
from sqlalchemy.ext.asyncio import async_sessionmaker

factory = async_sessionmaker()
_one = None
_held = []


async def start(path):
    global _one
    _one = await aiosqlite.connect(path)  # TXN109@5


async def open_all():
    global _held
    _held = [factory() for _ in range(5)]  # TXN109@5
""",
    ),
    Bad(
        """
from app.session import get_session


class Desk:
    session = None

    def use(self, db):
        self.db = db  # TXN109@9


desk = Desk()
OPEN = {}
ALL = set()


async def lent(key):
    async with get_session() as session:
        desk.session = session  # TXN109@9
        try:
            return await session.get(object, key)
        finally:
            desk.session = None


async def lent_to_method(key):
    async with get_session() as session:
        desk.use(session)
        return await session.get(object, key)


async def listed(key):
    async with get_session() as session:
        OPEN[key] = session
        try:
            return await session.get(object, key)
        finally:
            OPEN.pop(key, None)


async def counted(key):
    async with get_session() as session:
        ALL.add(session)
        try:
            return await session.get(object, key)
        finally:
            ALL.discard(session)


async def listed_under_one_key(key):
    async with get_session() as session:
        OPEN["last"] = session  # TXN109@9
        try:
            return await session.get(object, key)
        finally:
            del OPEN["last"]


async def listed_for_good(key, other):
    async with get_session() as session:
        OPEN[key] = session  # TXN109@9
        try:
            return await session.get(object, key)
        finally:
            OPEN.pop(other, None)


async def with_its_key(key):
    async with get_session() as session:
        return session, key  # TXN109@16
""",
        path="app/tasks/desk.py",
    ),
    Bad(
        path="app/tasks/open_ones.py",
        source="""
from app.session import get_session

seen: list = []


class Box:
    named: dict = {}
    several: list = []


async def keeps(key):
    global seen
    async with get_session() as session:
        Box.named |= {"session": session}  # TXN109@9
        Box.several = Box.several + [session]  # TXN109@9
        seen += [session]  # TXN109@9
        return await session.get(object, key)


async def keeps_names(key):
    global seen
    async with get_session() as session:
        row = await session.get(object, key)
        Box.named |= {"name": str(row.name)}
        Box.several = Box.several + [row.name]
        seen += [row.name]
""",
    ),
    Bad(
        """
# --- app/board.py
class Board:
    def __init__(self):
        self.values = {}


board = Board()
# --- app/tasks/board.py
from app.board import board
from app.session import get_session


async def put_up(key):
    async with get_session() as session:
        board.values.update(db=session)  # TXN109@9
        return await session.get(object, key)


async def described(key):
    async with get_session() as session:
        board.values.update(dialect=str(session.bind), active=session.is_active)
        return await session.get(object, key)
"""
    ),
    Bad(
        """
from app.session import get_session


class Beacon:
    async def light(self):
        self.session = await get_session().__aenter__()  # TXN109@9

    async def flash(self):
        async with get_session() as session, session.begin():
            session.add(object())


class Lantern:
    async def light(self):
        self.session = await get_session().__aenter__()

    async def flash(self):
        async with get_session() as session, session.begin():
            session.add(object())

    async def douse(self):
        await self.session.close()


class Lamp:
    async def light(self):
        self.session = await self.oil()

    async def oil(self):
        return await get_session().__aenter__()

    async def flash(self):
        session = await self.oil()
        await session.close()
""",
        path="app/jobs.py",
    ),
]

GOOD = [
    Good(
        path="scripts/versions.py",
        source="""
import os

import psycopg2

with psycopg2.connect(os.environ["DATABASE_URL"]) as connection:
    cursor = connection.cursor()
    cursor.execute("SELECT version()")
    print(cursor.fetchone())
""",
    ),
    Good(
        """
from contextlib import AsyncExitStack
from contextvars import ContextVar
from dataclasses import dataclass

from fastapi import Depends, FastAPI, Request
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import scoped_session

from app.session import engine, get_session, get_session_dependency, session_factory

app = FastAPI()
app.state.engine = engine
app.state.factory = session_factory
registry = scoped_session(session_factory)
current: ContextVar[AsyncSession] = ContextVar("current")
declared: AsyncSession | None = None


class Repository:
    session: AsyncSession | None = None

    def __init__(self, session: AsyncSession):
        self.session = session


@dataclass
class Context:
    session: AsyncSession


class Unit:
    async def __aenter__(self):
        self.session = session_factory()
        return self

    async def __aexit__(self, *details):
        await self.session.close()


class Stacked:
    async def __aenter__(self):
        self._stack = AsyncExitStack()
        self.session = await self._stack.enter_async_context(get_session())
        return self

    async def __aexit__(self, *details):
        await self._stack.aclose()


class Managed:
    async def __aenter__(self):
        self._manager = get_session()
        self.session = await self._manager.__aenter__()
        return self

    async def __aexit__(self, *details):
        await self._manager.__aexit__(*details)


class Lazy:
    def __init__(self, factory):
        self._factory = factory
        self._session = None

    @property
    def session(self):
        if self._session is None:
            self._session = session_factory()
        return self._session

    async def aclose(self):
        async with self.session:
            pass


def repository(session: AsyncSession = Depends(get_session_dependency)):
    return Repository(session)


@app.middleware("http")
async def middleware(request: Request, call_next):
    async with get_session() as session:
        request.state.db = session
        current.set(session)
        local = Repository(session)
        local.session = session
        held = {"repository": local}
        held["repository"].session = session
        return await call_next(request)


async def inner():
    async with get_session() as session:

        async def load(item_id):
            return await session.get(object, item_id)

        return await load(1), Context(session=session).session is None
""",
        path="app/main.py",
    ),
    Good(
        """
# --- app/script.py
from app.session import session_factory


class Repository:
    def __init__(self, session):
        self.session = session

    def read(self):
        return self.session.execute("select 1")


if __name__ == "__main__":
    session = session_factory()
    try:
        session.execute("select 1")
    finally:
        session.close()
    with session_factory() as other:
        other.execute("select 1")
        repository = Repository(session_factory())
        repository.read()
# --- scripts/seed.py
from app.session import session_factory

session = session_factory()
session.execute("select 1")
# --- tests/conftest.py
from app.session import session_factory

session = session_factory()
"""
    ),
    Good(
        """
from app.session import engine, get_session, session_factory


class Monitor:
    def __init__(self):
        self.last = {}

    async def remember(self):
        async with get_session() as session:
            self.last = {"active": session.is_active, "changed": [session.dirty, session.new]}


async def told():
    async with engine.connect() as connection:
        return {"closed": connection.closed}


async def listed():
    async with engine.connect() as connection:
        return [connection.closed, connection.invalidated]


async def paired():
    async with session_factory() as session:
        return session.is_active, 1


async def named():
    async with session_factory() as session:
        return dict(active=session.is_active)
"""
    ),
    Good(
        """
# --- tools/prune.py
import sys

from app.session import session_factory

session = session_factory()


def prune(days):
    session.execute("delete from visits")
    report(days)


def report(days):
    print(session.execute("select 1"), days)


prune(sys.argv[1])
# --- tools/count.py
from app.session import session_factory

connection = session_factory()


def main():
    print(connection.execute("select 1"))


if __name__ == "__main__":
    main()
"""
    ),
    Good(
        """
from dataclasses import dataclass, field
from functools import cached_property

from sqlalchemy.ext.asyncio import AsyncSession

from app.session import session_factory


@dataclass
class Desk:
    session: AsyncSession = field(default_factory=session_factory)


class Drawer:
    @cached_property
    def session(self):
        return session_factory()


class Shelf:
    def __init__(self):
        self.session = session_factory()


async def at_desk():
    desk = Desk()
    async with desk.session as session:
        return await session.get(object, 1)


async def in_drawer():
    drawer = Drawer()
    try:
        return await drawer.session.get(object, 1)
    finally:
        await drawer.session.close()


async def on_shelf():
    shelf = Shelf()
    try:
        return await shelf.session.get(object, 1)
    finally:
        await shelf.session.close()
""",
        path="app/tasks/desks.py",
    ),
    Good(
        """
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import get_session

LISTENERS = []
BY_NAME = {}


def listen(prefix):
    LISTENERS.append(lambda row: print(prefix, row))


def name():
    async def keep(session: AsyncSession, row):
        session.add(row)

    async def opened(row):
        async with get_session() as session, session.begin():
            session.add(row)

    BY_NAME["keep"] = keep
    BY_NAME["opened"] = opened


def for_a_while(session: AsyncSession, rows):
    def keep(row):
        session.add(row)

    LISTENERS.append(keep)
    try:
        tell(rows)
    finally:
        LISTENERS.remove(keep)


def tell(rows):
    for listener in LISTENERS:
        listener(rows)
""",
        path="app/services/signals.py",
    ),
    Good(
        source="""
# --- app/tasks/jobs.py
from app.session import get_session


async def on_job_start(ctx):
    ctx["manager"] = get_session()
    ctx["session"] = await ctx["manager"].__aenter__()


async def on_job_end(ctx):
    await ctx["manager"].__aexit__(None, None, None)


async def work(ctx, key):
    return await ctx["session"].get(object, key)


class WorkerSettings:
    functions = [work]
    on_job_start = on_job_start
    on_job_end = on_job_end
""",
    ),
    Good(
        source="""
import asyncio

from fastapi import Request

from app.session import get_session

RUNNING = {}


async def load(session, key):
    return await session.get(object, key)


async def all_rows(request: Request, key):
    # a task is kept, which TXN601 tells if it outlives the request
    async with get_session() as session:
        task = asyncio.create_task(load(session, key))
        request.app.state.tasks.add(task)
        RUNNING[key] = task
        return await task
""",
        path="app/routers/rows.py",
    ),
    Good(
        source="""
import asyncio

import aiosqlite

_idle = None
_all = []


async def _connected(path):
    connection = await aiosqlite.connect(path)
    await connection.execute("PRAGMA foreign_keys=ON")
    return connection


async def start(path):
    global _idle, _all
    idle = asyncio.Queue(maxsize=5)
    connections = []
    for _ in range(5):
        connection = await _connected(path)
        connections.append(connection)
        idle.put_nowait(connection)
    _idle, _all = idle, connections


async def replace(path, broken):
    _all.remove(broken)
    _all.append(await _connected(path))


async def stop():
    for connection in _all:
        await connection.close()
""",
        path="app/session.py",
    ),
]

_PLACES = {
    "state": "the application's state",
    "global": "a module",
    "class": "a class",
    "object": "an object of the application",
    lasting.DEFAULT: "the default of a parameter",
}


_TOLD = ("info", "dialect")


def check(program: Program) -> Iterator[Finding]:
    """Sessions stored for longer than they live."""
    closed = {a for e in program.events("txn") if e.name == "close" for a in e.subject}
    for event in program.events("store"):
        if not _counts(program, event.function):
            continue
        kept = _without_tasks(event)
        held = tuple(a for a in kept if a.tag in ("handle", "param", "injected") and program.kind(a) in HELD)
        if held and event.function.name == "<module>":
            held = tuple(a for a in held if a.tag != "handle" or a.site not in program.shared(stand_ins))
        reason = _reason(program, event, held, closed) if held else ""
        if reason:
            trace = _origin(program, event, held)
            kept_kind = _kind(program, held)
            reason = reason.replace("take the session", f"take the {kept_kind}")
            message = f"{event.text} keeps a {kept_kind} {reason}."
            if event.name == lasting.DEFAULT:
                message = (
                    f"The default of {event.text!r} keeps one session for all calls. Take the session as an argument, "
                    "or open one inside."
                )
            yield program.finding(META, event, message, trace)
    yield from _kept_for_good(program)
    yield from _kept_as_state(program)
    yield from _kept_by_new(program)
    for event, info, opened in kept_with_objects(program):
        if _counts(program, event.function):
            message = (
                f"{event.text} keeps {info.name}(…), and with it the {opened.kind} that it opens when it is made, on "
                f"{_PLACES['state']}, where all requests share it. Let it open one per piece of work."
            )
            yield program.finding(
                META, event, message, [program.step(opened.site, f"the {opened.kind} is opened here")]
            )
    for event, session in kept_in_containers(program):
        if _counts(program, event.function):
            message = (
                f"{_short(event)} keeps {program.describe(session)} in what the container makes, as long as it lives. "
                "Let what it makes open its own session, or be given one."
            )
            yield program.finding(META, event, message)
    for event in program.events("keep"):
        if _counts(program, event.function):
            yield from _kept_closure(program, event)
    for event in program.events("setattr"):
        if event.value and _counts(program, event.function):
            yield from _kept_to_call(program, event)
    for event in program.events("return"):
        if event.value and _counts(program, event.function):
            yield from _returned(program, event)
            if is_kept_on_object(event.function):
                yield from _kept_by_property(program, event, closed)


def _origin(program: Program, event: Event, held: Value) -> list[TraceStep]:
    """Where the session comes from, and for one that the function was given, the call that hands it over."""
    made = next((a for a in held if isinstance(a, Handle)), None)
    if made is not None:
        return [program.step(made.site, f"the {made.kind} comes from here")]
    for call in program.shared(calls_by_callee).get(event.function, ()):
        for key, value in call.bindings:
            given = next((a for a in value if isinstance(a, Handle) and a.kind in HELD), None) if key in held else None
            if given is not None:
                step = program.step(call.site, f"{event.function.name}() is given it here")
                return [program.step(given.site, f"the {given.kind} comes from here"), step]
    return []


def _kind(program: Program, held: Value) -> str:
    """What is kept, in a word."""
    kinds = {program.kind(a) for a in held}
    return (kinds.pop() if len(kinds) == 1 else None) or "session"


def _without_tasks(event: Event) -> Value:
    """What is stored, without what a task works with that is kept lest it be lost: that goes to the background."""
    if not any(a.tag == "obj" and a.name == TASK for a in event.value):
        return event.subject
    beside = set(contained(tuple(a for a in event.value if a.tag != "seq")))
    return tuple(a for a in event.subject if a in beside)


def _counts(program: Program, function: FunctionInfo) -> bool:
    """Whether what a function keeps is told of: what tests and migrations keep ends with them."""
    return program.role(function) not in ("test", "migration")


def _kept_for_good(program: Program) -> Iterator[Finding]:
    """Sessions that a cache keeps with the arguments of a call, or that a handler is to get when the process ends."""
    for function in caching_arguments(program):
        if _counts(program, function):
            message = (
                f"{function.name}() is cached, and its cache keeps every session that it is given. "
                "Take the cache away, or cache what takes no session."
            )
            yield program.finding(META, function, message)
    for event, session in kept_at_exit(program):
        if _counts(program, event.function):
            message = (
                f"{ir.text_of(event.expr)} keeps {program.describe(session)} until the process ends, long after it is "
                "closed. Open one there."
            )
            yield program.finding(META, event, message)


def _kept_as_state(program: Program) -> Iterator[Finding]:
    """``yield {"db": session}`` of a lifespan function: like ``app.state``, it is there for all requests."""
    for event, state, held in kept_as_state(program):
        if _counts(program, event.function):
            made = getattr(state, "site", None)
            where = (event.function, made[1]) if made is not None and made[0] == event.path else event
            message = (
                f"{event.function.name}() yields {program.describe(held)} as the application's state, where all "
                "requests share it. Keep the context manager there, and open a session per piece of work."
            )
            yield program.finding(META, where, message)


def _kept_by_new(program: Program) -> Iterator[Finding]:
    """What ``__new__`` puts on the one object of its class."""
    for event, info in kept_by_new(program):
        if _counts(program, event.function):
            message = (
                f"{event.text} keeps a session on {info.name}, of which one instance serves all requests. "
                "Open a session per piece of work."
            )
            yield program.finding(META, event, message)


def _reason(program: Program, event: Event, held: Value, closed: set[Any]) -> str:
    place, function = event.name, event.function
    if place == "class" and function.name == "<module>" and all(a.tag == "injected" for a in held):
        return ""  # a class-based view: each request gets an instance, and what it depends on
    if place == "class" and _dies_with_call(program, event, held):
        return ""
    if place == class_containers.PLACE:
        shared = any(is_shared(program, a.info, event.text.partition(".")[2]) for v in event.args for a in v)
        place = "class" if shared else place
    if place == "global" and ends_with_call_around(event):
        place = "closure"
    if place in _PLACES:
        if function.name == "<module>" and all(a in closed for a in held):
            return ""
        if place == "global" and runs_once(program, event):
            return ""
        if place == "global" and is_taken_out(event):
            return ""
        if place == "state" and takes_out(function, event.text):
            return ""
        around = owner_around(event) if place == "global" else None
        if place == "global" and _is_own_pool(program, event, held):
            return ""
        where = _PLACES[place] if around is None else f"a closure that outlives {around.name}()"
        return (
            f"on {where}, where all requests share it. "
            "Keep the context manager there, and open a session per piece of work"
        )
    if place == FIELD:
        owners = [a.info for v in event.args for a in v]
        left = [a for a in held if a not in closed and not any(closes(program, info, a) for info in owners)]
        left = [a for a in left if not is_closed_by_user(program, a)]
        return "that nothing closes. Close it where the object ends, or take the session as an argument" if left else ""
    if place == "job" and (function in program.background_functions or not _is_in_block(event, held)):
        # a job's dictionary is gone when the job is done
        mine = [a for a in held if isinstance(a, Handle) and _made_by_hand(function, a)]
        by_hand = program.shared(_left)
        over = all(a in closed or a.root in by_hand for a in mine)
        return "" if over else "that nothing closes. Close it where the job ends"
    if place == "thread":
        stale = _is_in_block(event, held) and not function.is_generator and not is_forgotten(event, held)
        return (
            "for its thread, which goes on when the `with` block around it has closed it. Pass it on as an argument, "
            "or take it away in a `finally`"
            if stale
            else ""
        )
    is_kept = place == "attribute" and stays(event, held)
    if place not in ("attribute", "closure", "job") or (function.is_generator and not is_kept):
        return ""
    if _is_in_block(event, held) and (place != "attribute" or not is_forgotten(event, held)):
        return "that the `with` block around it closes. Keep the context manager, and open a session when one is needed"
    info = function.class_info
    if place == "attribute" and info is not None and _serves_all(program, info, function):
        return f"on {info.name}, of which one instance serves all requests. Pass the session on as an argument"
    own = [a for a in held if isinstance(a, Handle) and _stays_open(program, function, a) and a not in closed]
    if own and (info is None or not (closes(program, info, own[0]) or is_closed_by_user(program, own[0]))):
        return "that nothing closes. Close it where the object ends, or take the session as an argument"
    return ""


def _is_own_pool(program: Program, event: Event, held: Value) -> bool:
    """Driver connections that a session module keeps in a list or queue: a pool that it makes by itself."""
    if not program.in_session_module(event.site) or any(program.kind(a) != DRIVER for a in held):
        return False
    kept = program.solver.peek(("name", event.path, event.text))
    return bool(kept) and not any(a in kept for a in held)


def _left(program: Program) -> frozenset[Any]:
    """Where sessions are made whose context manager is left by hand: ``await ctx["manager"].__aexit__(*error)``."""
    ended = (e for e in program.events("txn") if e.name == "close" and e.text in ("__exit__", "__aexit__"))
    return frozenset([a.root for e in ended for a in e.subject if isinstance(a, Handle)])


def _is_in_block(event: Event, held: Value) -> bool:
    return any(a in event.open_sessions for a in held)


def _serves_all(program: Program, info: ClassInfo, function: FunctionInfo) -> bool:
    """Whether a method works on the one object of its class; that is made without a session where a module makes it."""
    if function.name == "__init__":
        return keeps_its_object(program, info)
    return info in program.singletons


def _dies_with_call(program: Program, event: Event, held: Value) -> bool:
    """Whether a class that the function makes has a session which it was given, or which its ``with`` closes."""
    if event.function.name == "<module>":
        return False
    name = event.text.partition(".")[0]
    given = all(a.tag in ("param", "injected") or a in event.open_sessions for a in held)
    return given and any(c.defined_in is event.function and c.name == name for c in program.classes)


def _stays_open(program: Program, function: FunctionInfo, handle: Handle) -> bool:
    """Opened in this function, and ended by nothing that it is opened with."""
    return _made_by_hand(function, handle) or is_left_on_stack(program, function, handle)


def _made_by_hand(function: FunctionInfo, handle: Handle) -> bool:
    """Opened in this function, neither by a ``with`` nor on an exit stack."""
    return any(
        handle in e.subject and "context" not in e.flags for e in function.events if e.kind in ("create", "obtain")
    )


def _returned(program: Program, event: Event) -> Iterator[Finding]:
    """Sessions in what a cache keeps, and in functions that are called after the block is left."""
    if event.expr is None:
        return
    where = (event.function, event.expr[1])
    # ``return connection.info``: what is told of a handle is not the handle
    atoms = tuple(contained(tuple(a for a in event.value if a.tag != "method" or a.name not in _TOLD)))
    if is_cached(event.function) and any(_is_cached_with(program, event.function, a) for a in atoms):
        message = (
            f"{event.function.name}() is cached, so everybody shares the session it returns. "
            "Take the cache away, or return what opens sessions."
        )
        yield program.finding(META, where, message)
    if not event.function.is_generator and any(a in event.open_sessions for a in atoms if isinstance(a, Handle)):
        message = f"{_short(event)} is returned with a session that the `with` block around it closes. Return the rows."
        yield program.finding(META, where, message)
        return
    later = mapped_later(event) if event.open_sessions else None
    if later is not None and not event.function.is_generator:
        message = (
            f"{_short(event)} is returned with {later.name}(), which uses a session that the `with` block around it "
            "closes. Make a list of it inside the block."
        )
        yield program.finding(META, where, message)
    for atom in atoms:
        if _uses_open_session(event, atom):
            message = (
                f"{atom.info.name}() is returned with a session that the `with` block around it closes. "
                "Open the session inside it."
            )
            yield program.finding(META, where, message)
            return


def _is_cached_with(program: Program, function: FunctionInfo, atom: Any) -> bool:
    """Whether a cache keeps a session in what is returned; what it keeps with the arguments is told there."""
    if isinstance(atom, Handle):
        return atom.kind in HELD
    return atom.tag in ("param", "injected") and program.kind(atom) in HELD and not keeps_arguments(function)


def _kept_by_property(program: Program, event: Event, closed: set[Any]) -> Iterator[Finding]:
    """Sessions that a ``cached_property`` makes: it keeps them on the object like an assignment to an attribute."""
    info = event.function.class_info
    made = [a for a in event.value if isinstance(a, Handle) and a.kind in HELD and a not in event.open_sessions]
    own = [a for a in made if _made_by_hand(event.function, a) and a not in closed]
    if info is None or not made:
        return
    where = f"{event.function.name} keeps the session that it returns"
    if info in program.singletons:
        remedy = f"on {info.name}, of which one instance serves all requests. Open a session per piece of work"
    elif own and not closes(program, info, own[0]) and not is_closed_by_user(program, own[0]):
        remedy = "on the object, and nothing closes it. Close it where the object ends, or take it as an argument"
    else:
        return
    yield program.finding(META, event, f"{where} {remedy}.")


def _uses_open_session(event: Event, atom: Any) -> bool:
    """Whether a value is a function made here that uses a session which a ``with`` block around it closes."""
    if atom.tag != "fn" or atom.info.parent is not event.function or event.function.is_generator:
        return False
    return any(a in event.open_sessions for e in atom.info.events for a in e.subject)


def _kept_closure(program: Program, event: Event) -> Iterator[Finding]:
    """Functions that something shared keeps, and that use a session of the call which made them."""
    if event.name == "global" and (runs_once(program, event) or ends_with_call_around(event)):
        return
    for atom in event.value:
        used = [s for s in captured_sessions(program, atom.info, {}) if _is_of_call(event.function, s)]
        if used and not takes_out(event.function, event.text):
            message = (
                f"{event.text} keeps {atom.info.name}(), and with it {program.describe(used[0])}, on "
                f"{_PLACES[event.name]}, where all requests share it. Open the session inside it."
            )
            yield program.finding(META, event, message)
            return


def _is_of_call(function: FunctionInfo, session: Any) -> bool:
    """Whether a session was given to a function, or to one around it, or opened there."""
    for owner in enclosing(function):
        if owner.name != "<module>" and (
            (session.tag == "param" and session.info is owner)
            or any(session in default for _, default in owner.param_values.values())
            or any(session in e.subject for e in owner.events if e.kind in ("create", "obtain"))
        ):
            return True
    return False


def _kept_to_call(program: Program, event: Event) -> Iterator[Finding]:
    """Functions that an object keeps, and that use a session of the block they were made in."""
    info = event.function.class_info
    receiver = event.function.params[0][0] if info is not None and event.function.params else None
    if receiver is None or not event.text.startswith(f"{receiver}."):
        return
    if any(_uses_open_session(event, atom) for atom in contained(event.value)):
        message = f"{event.text} keeps a function with a session that the `with` block around it closes. "
        yield program.finding(META, event, message + "Open the session inside it.")


def _short(event: Event) -> str:
    written = ir.text_of(event.expr)
    return written if written != "…" else "This"
