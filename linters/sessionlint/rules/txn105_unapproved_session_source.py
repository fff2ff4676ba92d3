"""TXN105: project code that hands out sessions of unapproved origin is used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.program.entries import starters
from sessionlint.program.type_keys import key_of
from sessionlint.program.values import SESSION, Handle, Inst, Param, contained
from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.for_approved import is_dropped, is_for_approved
from sessionlint.rules.given_back import is_given_back
from sessionlint.rules.made_for_fields import made_for_fields
from sessionlint.rules.opening import (
    Source,
    held_in,
    held_sessions,
    hops,
    injections,
    is_approved,
    main_handle,
    named,
    once,
    opens_directly,
    origin_of,
    reads_kept,
    shown,
    sources,
    text,
    way,
)
from sessionlint.rules.ownership import kept_by_source
from sessionlint.rules.remedies import THROUGH_MODULE, opening
from sessionlint.rules.units_from_approved import is_from_approved
from sessionlint.rules.wired_factories import is_wired

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import ClassInfo, Event, FunctionInfo
    from sessionlint.program.values import Dependency, Value

META = Rule(
    code="TXN105",
    name="unapproved-session-source",
    summary="Project code that hands out a session, engine or connection of unapproved origin is called or injected.",
    rationale=(
        "A helper that opens sessions its own way spreads: every caller gets another pool, other settings and "
        "another idea of who closes and commits. Replacing the approved dependency in tests, or fixing its pooler "
        "settings (with asyncpg's defaults 429 of 2,000 transactions came through), then misses all of them."
    ),
    remedy=(
        "Replace the call by the approved dependency (endpoints), a session parameter (services) or the approved "
        "context manager (background), and delete the helper. A helper that is meant to stay opens the approved "
        "one inside, or is named in the policy."
    ),
    not_flagged=(
        "The functions the policy names, and wrappers that get their session from one of these (TXN106 may apply "
        "to who calls them); what reads such a session out of a context variable, or off the object that keeps it (of "
        "what others put into a variable of the session module, TXN101 tells where they open it); "
        "sessions, and objects that open one when they are entered, passed as arguments; objects whose constructor "
        "keeps one under a private name that no method works with (TXN101 tells the constructor); the "
        "engine or factory that a lifespan, what a worker runs when it starts, a constructor or code of no layer gets "
        "from the session module's own functions and keeps (calling the factory is TXN101), and the one that is "
        "dropped, or goes nowhere but to the approved function that asks for it, alone or in an object; its factory "
        "by itself, put into objects that open their sessions from it (TXN101 tells each); a call that TXN101 "
        "tells, for it may be the factory's; tests, migrations and the session module itself; what a session module "
        "hands out while the policy names no approved function."
    ),
)

BAD = [
    Bad(
        """
# --- app/db/core.py
from contextlib import asynccontextmanager

from app.session import engine, session_factory


async def get_db():
    async with session_factory() as session:
        yield session


@asynccontextmanager
async def unit():
    async with session_factory() as session, session.begin():
        yield session


def connect():
    return engine.connect()
# --- app/db/__init__.py
from .core import get_db as database
from .core import *
# --- app/helpers.py
from contextlib import asynccontextmanager
from app import db


@asynccontextmanager
async def work():
    async with db.unit() as session:  # TXN105@16
        yield session
# --- app/routers/items.py
from typing import Annotated

from fastapi import APIRouter, Depends, Security
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import database
from app.deps import SessionDep

router = APIRouter()


@router.get("/")
async def read(session: AsyncSession = Depends(database)):  # TXN105@40
    return session


@router.get("/one")
async def one(session: Annotated[AsyncSession, Security(database)], q: int = 0):  # TXN105@48
    return session, q


@router.get("/two", dependencies=[Depends(database)])  # TXN105@35
async def two(other: SessionDep):  # TXN105@15
    return other
# --- app/deps.py
from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app import db

SessionDep = Annotated[AsyncSession, Depends(db.database)]
# --- app/tasks/nightly.py
import app.helpers as h
from app.db import database, connect


async def run(row):
    async with h.work() as session:  # TXN105@16
        session.add(row)
    async for other in database():  # TXN105@24
        other.add(row)
    async with connect() as connection:  # TXN105@16
        await connection.exec_driver_sql("select 1")
    third = await anext(database())  # TXN105@19
    await third.close()
"""
    ),
    Bad(
        """
# --- app/session.py
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://db/app")
session_factory = async_sessionmaker(engine)


@asynccontextmanager
async def get_session():
    async with session_factory() as session:
        yield session


async def get_session_dependency():
    async with get_session() as session:
        yield session


@asynccontextmanager
async def get_background_session():
    async with session_factory() as session:
        yield session


def get_engine():
    return engine
# --- app/tasks/nightly.py
from app.session import get_background_session, get_engine, get_session


async def run(row):
    async with get_background_session() as session:  # TXN105@16
        session.add(row)
    async with get_session() as session:
        session.add(row)
    return get_engine()  # TXN105@12
"""
    ),
    Bad(
        """
# --- app/store.py
from sqlalchemy.orm import Session
from app.session import session_factory


class Database:
    @property
    def session(self):
        return session_factory()

    async def __aenter__(self):
        self.current = session_factory()
        return self.current

    async def __aexit__(self, *details):
        await self.current.close()


def pair():
    return session_factory(), "primary"


database = Database()
# --- app/services/report.py
from fastapi import Depends

from app.session import session_factory
from app.store import Database, database, pair


async def report(make=pair):
    async with database.session as one:  # TXN105@16
        print(one)
    async with Database() as two:  # TXN105@16
        print(two)
    three, name = pair()  # TXN105@19
    await three.close()
    four, _ = make()  # TXN105@15
    await four.close()


class Reporter:
    def __init__(self, session=Depends(session_factory)):  # TXN105@32
        self.session = session
"""
    ),
    Bad(
        """
# --- app/other.py
from sqlalchemy.ext.asyncio import create_async_engine


def make_engine():
    return create_async_engine("postgresql+asyncpg://db/app")
# --- app/main.py
from contextlib import asynccontextmanager

from app.other import make_engine


@asynccontextmanager
async def lifespan(app):
    yield {"engine": make_engine()}  # TXN105@22
# --- app/services/report.py
from app.session import make_engine


def report(read_sql):
    return read_sql("select 1", make_engine())  # TXN105@33
# --- app/session.py
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import create_async_engine


def make_engine():
    return create_async_engine("postgresql+asyncpg://db/app")


@asynccontextmanager
async def get_session():
    async with AsyncSession(make_engine()) as session:
        yield session
"""
    ),
    Bad(
        source="""
# --- app/legacy.py
from app.session import engine
from sqlalchemy.orm import Session


def open_session():
    return Session(engine)
# --- app/services/items.py
from app.legacy import open_session


class Items:
    def __init__(self, tenant, db=None):
        self.tenant = tenant
        self.db = db or open_session()  # TXN105@25
# --- app/routers/items.py
from fastapi import APIRouter, Depends

from app.services.items import Items
from app.session import get_session_dependency

router = APIRouter()


@router.get("/items")
async def items(session=Depends(get_session_dependency)):
    return Items("a", session), Items("a", db=session), Items("a")  # TXN105@57
""",
    ),
    Bad(
        """
# --- app/units.py
from abc import ABC, abstractmethod

from app.session import session_factory


class Unit(ABC):
    async def __aenter__(self):
        await self.start()
        return self

    async def __aexit__(self, *error):
        await self.stop()

    @abstractmethod
    async def start(self): ...

    @abstractmethod
    async def stop(self): ...


class SqlUnit(Unit):
    async def start(self):
        self.session = session_factory()

    async def stop(self):
        await self.session.close()


class MemoryUnit(Unit):
    async def start(self):
        self.rows = []

    async def stop(self):
        self.rows.clear()


class LentUnit(Unit):
    def __init__(self, session):
        self.session = session

    async def start(self):
        self.rows = []

    async def stop(self):
        self.rows.clear()
# --- app/services/items.py
from app.units import LentUnit, MemoryUnit, SqlUnit


async def store(row):
    async with SqlUnit() as unit:  # TXN105@16
        unit.session.add(row)


async def remember(row, session):
    async with MemoryUnit() as unit, LentUnit(session) as lent:
        unit.rows.append(row)
        lent.session.add(row)
"""
    ),
    Bad(
        """
# --- app/containers.py
from dependency_injector import containers, providers
from sqlalchemy.ext.asyncio import AsyncSession


class Container(containers.DeclarativeContainer):
    session = providers.Factory(AsyncSession)
    clock = providers.Factory(dict)
# --- app/routers/items.py
from functools import partial

from dependency_injector.wiring import Provide, inject
from fastapi import APIRouter, Depends

from app.containers import Container
from app.session import session_factory

router = APIRouter()


@router.get("/a")
@inject
async def provided(session=Depends(Provide[Container.session]), clock=Depends(Provide[Container.clock])):  # TXN105@28
    return session, clock


@router.get("/b")
async def bound(session=Depends(partial(session_factory, autoflush=False))):  # TXN105@25
    return session
"""
    ),
    Bad(
        """
# --- app/context.py
from contextvars import ContextVar

from app.session import session_factory

current = ContextVar("session")


class PerRequest(type):
    @property
    def session(cls):
        return current.get()


class db(metaclass=PerRequest):
    pass


def start():
    current.set(session_factory())
# --- app/services/items.py
from app.context import db


async def save(row):
    db.session.add(row)  # TXN105@5
    await db.session.flush()


async def find(row_id):
    return await db.session.get(object, row_id)  # TXN105@18
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


@router.get("/lids")
async def lids(start=Depends(starter)):
    async with start() as session:  # TXN105@16
        return await session.get(object, 1)
"""
    ),
    Bad(
        """
# --- app/desks.py
from contextlib import asynccontextmanager

from app.session import session_factory


class Desk:
    def __init__(self, session, clerk="anyone"):
        self.session = session
        self.clerk = clerk

    async def files(self):
        return await self.session.get(object, 1)


class Office:
    def __init__(self, desk):
        self.desk = desk


async def open_desk():
    async with session_factory() as session:  # TXN101@16
        yield Desk(session)


async def named_desk():
    session = session_factory()  # TXN101@15
    try:
        yield Office(Desk(session, "Ada"))
    finally:
        await session.close()


@asynccontextmanager
async def at_desk():
    async with session_factory() as session:  # TXN101@16
        yield Desk(session)
# --- app/tasks/files.py
from app.desks import at_desk


async def sort_files():
    async with at_desk() as desk:  # TXN105@16
        await desk.files()
# --- app/routers/files.py
from fastapi import APIRouter, Depends

from app.desks import named_desk, open_desk

router = APIRouter()


@router.get("/files")
async def files(desk=Depends(open_desk)):  # TXN105@22
    return await desk.files()


@router.get("/office")
async def office(office=Depends(named_desk)):  # TXN105@25
    return await office.desk.files()
"""
    ),
    Bad(
        """
# --- app/session.py
from contextlib import asynccontextmanager
from contextvars import ContextVar

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://")
factory = async_sessionmaker(engine)
seated: ContextVar[AsyncSession | None] = ContextVar("seated", default=None)


@asynccontextmanager
async def get_session():
    async with factory() as session:
        place = seated.set(session)
        try:
            yield session
        finally:
            seated.reset(place)


def at_table() -> AsyncSession:
    session = seated.get()
    if session is None:
        raise RuntimeError("nobody has a session here")
    return session


def at_some_table() -> AsyncSession:
    return seated.get() or factory()
# --- app/main.py
from functools import wraps

from fastapi import FastAPI

from app.session import factory, seated

app = FastAPI()


@app.middleware("http")
async def seats(request, call_next):
    async with factory() as session:  # TXN101@16
        place = seated.set(session)
        try:
            return await call_next(request)
        finally:
            seated.reset(place)


def seated_anew(function):
    @wraps(function)
    async def inner(*args):
        async with factory() as session:  # TXN101@20
            seated.set(session)
            return await function(*args)

    return inner
# --- app/services/menus.py
from app.main import seated_anew
from app.session import at_some_table, at_table


async def dish(key):
    return await at_table().get(object, key)


@seated_anew
async def course(key):
    return await dish(key)


async def dessert(key):
    return await at_some_table().get(object, key)  # TXN105@18
"""
    ),
    Bad(
        # a helper asks for what each call hands it, and the call is the place
        """
# --- app/stores.py
from app.session import session_factory


async def store():
    async with session_factory() as session:
        yield session
# --- app/asking.py
from typing import Annotated, Any

from fastapi import Depends


def wanted(function):
    return Annotated[Any, Depends(function)]


def asked(function):
    return Depends(function)
# --- app/routers/notes.py
from fastapi import APIRouter

from app.asking import asked, wanted
from app.session import get_session_dependency
from app.stores import store

router = APIRouter()
Session = wanted(get_session_dependency)
Store = wanted(store)


@router.get("/a")
async def a(session: Store):  # TXN105@13
    return await session.get(object, 1)


@router.get("/b")
async def b(session: Session):
    return await session.get(object, 1)


@router.get("/c")
async def c(session=asked(store)):  # TXN105@21
    return await session.get(object, 1)


@router.get("/d")
async def d(session=asked(get_session_dependency)):
    return await session.get(object, 1)


@router.get("/e", dependencies=[asked(store)])  # TXN105@33
async def e(session=asked(get_session_dependency)):
    return await session.get(object, 1)
"""
    ),
    Bad(
        """
# --- app/polls.py
from app.session import session_factory


class Poll:
    def __init__(self):
        self._session = session_factory()

    def run(self):
        print("nothing to ask")


class Asking:
    def __init__(self):
        self._session = session_factory()

    async def run(self, key):
        return await self._session.get(object, key)


class Shown:
    def __init__(self):
        self.session = session_factory()
# --- app/tasks/polls.py
from app.polls import Asking, Poll, Shown


async def work():
    Poll().run()
    await Asking().run(1)  # TXN105@11
    return Shown()  # TXN105@12
"""
    ),
]

GOOD = [
    Good(
        """
# --- app/session.py
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine


def make_engine():
    return create_async_engine("postgresql+asyncpg://db/app")


def make_factory(engine):
    return async_sessionmaker(engine)


@asynccontextmanager
async def get_session(factory):
    async with factory() as session:
        yield session
# --- app/main.py
from contextlib import asynccontextmanager

from fastapi import FastAPI

from app.session import make_engine, make_factory


@asynccontextmanager
async def lifespan(app):
    engine = make_engine()
    yield {"engine": engine, "factory": make_factory(engine)}
    await engine.dispose()


app = FastAPI(lifespan=lifespan)
# --- app/tasks/scheduler.py
from app.session import make_engine


class Store:
    def __init__(self):
        self.engine = make_engine()
"""
    ),
    Good(
        """
# --- app/wrappers.py
from contextlib import asynccontextmanager

from app.session import get_session as open_session


@asynccontextmanager
async def audited():
    async with open_session() as session:
        yield session


def later():
    return open_session()
# --- app/tasks/nightly.py
from app.wrappers import audited, later


async def run(row):
    async with audited() as session, session.begin():
        session.add(row)
    async with later() as session:
        session.add(row)
"""
    ),
    Good(
        """
# --- app/cache.py
def get_session():
    return {"user": 1}


def same(session):
    return session
# --- app/routers/items.py
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.cache import get_session, same
from app.session import get_session_dependency

router = APIRouter()


@router.get("/")
async def read(session: AsyncSession = Depends(get_session_dependency), cached=Depends(get_session)):
    return same(session), cached
# --- tests/test_items.py
from app.helpers import raw


async def test_items():
    async with raw() as session:
        assert session
# --- app/helpers.py
from app.session import session_factory


def raw():
    return session_factory()
"""
    ),
    Good(
        """
# --- app/session.py
from contextlib import contextmanager

from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker(create_engine("sqlite://"))


@contextmanager
def scope():
    with SessionLocal() as session:
        yield session
# --- app/tasks/job.py
from app.session import scope


def run():
    with scope() as session:
        session.execute("select 1")
""",
        policy=(("preset", "unit-of-work"), ("session-dependencies", []), ("session-contexts", [])),
    ),
    Good(
        """
# --- app/session.py
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker(create_engine("postgresql://db/app"))


class Database:
    def __init__(self):
        self.session = SessionLocal()

    def __enter__(self):
        return self.session

    def __exit__(self, *error):
        self.session.close()
# --- app/tasks/job.py
from app.session import Database


def run():
    with Database() as session:
        session.execute("select 1")
""",
        policy=(("preset", "unit-of-work"), ("session-contexts", ["app.session.Database"])),
    ),
    Good(
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
    async with start() as session:
        return await session.get(object, 1)
"""
    ),
    Good(
        """
# --- app/desks.py
from contextlib import asynccontextmanager

from fastapi import Depends

from app.session import get_session, get_session_dependency


class Desk:
    def __init__(self, session):
        self.session = session


async def open_desk(session=Depends(get_session_dependency)):
    yield Desk(session)


@asynccontextmanager
async def at_desk():
    async with get_session() as session:
        yield Desk(session)


@asynccontextmanager
async def desk_for(session):
    yield Desk(session)
# --- app/tasks/files.py
from app.desks import at_desk, desk_for
from app.session import get_session


async def sort_files():
    async with at_desk() as desk:
        await desk.session.get(object, 1)


async def count_files():
    async with get_session() as session, desk_for(session) as desk:
        await desk.session.get(object, 1)
# --- app/routers/files.py
from fastapi import APIRouter, Depends

from app.desks import open_desk

router = APIRouter()


@router.get("/files")
async def files(desk=Depends(open_desk)):
    return await desk.session.get(object, 1)
"""
    ),
    Good(
        """
# --- app/units.py
from contextlib import AsyncExitStack

from app.session import get_session


class Drawer:
    def __init__(self, unit):
        self._unit = unit

    @property
    def session(self):
        return self._unit.session

    async def look(self, key):
        return await self.session.get(object, key)


class ByHand:
    async def __aenter__(self):
        self._opened = get_session()
        self._session = await self._opened.__aenter__()
        self.drawer = Drawer(self)
        return self

    async def __aexit__(self, *details):
        await self._opened.__aexit__(*details)

    @property
    def session(self):
        return self._session

    async def look(self, key):
        return await self.session.get(object, key)


class OnStack(ByHand):
    async def __aenter__(self):
        self._stack = AsyncExitStack()
        self._session = await self._stack.enter_async_context(get_session())
        return self

    async def __aexit__(self, *details):
        await self._stack.aclose()
# --- app/around.py
from contextlib import asynccontextmanager
from contextvars import ContextVar

from app.session import get_session

_at_hand = ContextVar("session")


@asynccontextmanager
async def begun():
    async with get_session() as session, session.begin():
        token = _at_hand.set(session)
        try:
            yield session
        finally:
            _at_hand.reset(token)


def at_hand():
    return _at_hand.get()
# --- app/tasks/drawers.py
from app.around import at_hand, begun
from app.units import ByHand, OnStack


async def by_hand():
    async with ByHand() as unit:
        await unit.drawer.look(1)
        return await unit.session.get(object, 1)


async def on_stack():
    async with OnStack() as unit:
        return await unit.session.get(object, 1)


async def within(key):
    async with begun():
        return await at_hand().get(object, key)
"""
    ),
    Good(
        """
from contextlib import contextmanager

from app.session import session_factory


class Orders:
    def __init__(self, opened):
        self.opened = opened

    def get(self, key):
        with self.opened() as session:
            return session.get(object, key)

    @contextmanager
    def together(self):
        with self.opened() as session:
            kept = self.opened
            self.opened = lambda: session
            try:
                yield session
            finally:
                self.opened = kept


orders = Orders(session_factory)
"""
    ),
    Good(
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
# --- app/tasks/rates.py
from app.ledgers import get_ledger


async def in_one(row):
    async with await get_ledger() as ledger:
        ledger.session.add(row)


async def in_two(row):
    ledger = await get_ledger()
    async with ledger:
        ledger.session.add(row)
""",
        policy=(
            ("session-modules", ["app/session.py", "app/ledgers.py"]),
            ("session-dependencies", ["app.ledgers.get_ledger"]),
            ("session-contexts", ["app.ledgers.get_ledger"]),
        ),
    ),
]


#: What runs when an object is made, and when it is entered.
_OPENS = ("__init__", "__aenter__", "__enter__")


def check(program: Program) -> Iterator[Finding]:
    """Calls and injections of unapproved sources."""
    yield from once(_found(program))


def _found(program: Program) -> Iterator[Finding]:
    read: set[tuple[FunctionInfo, str]] = set()
    for event in program.events("obtain"):
        handle = main_handle(event.subject)
        if handle is None or event.callee is None:
            continue
        if program.is_exempt(event.function) or is_approved(program, event.function):
            continue
        if reads_kept(program, event.callee, handle):
            # what else is put into the variable counts as well
            handle = next((a for a in event.subject if origin_of(program, event.callee, a) == "unapproved"), handle)
        if origin_of(program, event.callee, handle) != "unapproved" or _reported_where_used(program, event):
            continue
        if _is_written_there(event) or _is_told_as_opening(program, event):
            continue
        if _is_set_up(program, event, handle) or _reads_its_own(event, handle) or _gives_what_is_asked(event):
            continue
        if is_given_back(program, event, handle) or (event.name in _OPENS and is_from_approved(program, event)):
            continue
        if _is_the_modules_own(program, event, handle) and (
            is_dropped(event) or is_for_approved(program, event, handle) or is_wired(program, event, handle)
        ):
            continue
        if event.callee.is_property:
            # ``db.session`` is said once, however often a function reads it
            if (event.function, text(event)) in read:
                continue
            read.add((event.function, text(event)))
        message = f"{text(event)} hands out {_unapproved(program, event.callee, handle.kind)} "
        advice = _advice(program, event.function, event.subject, event.callee)
        yield program.finding(META, event, message + advice, hops(program, event, handle))
    yield from _kept(program)
    yield from _holding(program)
    yield from _injected(program)


def _unapproved(program: Program, source: FunctionInfo | None, kind: str, injected: bool = False) -> str:
    """What is handed out, and why that is not approved: for a session module's own function only the policy tells.

    For sessions it says in which list of the policy the name would stand.
    """
    if source is not None and program.in_session_module(source.site):
        named_by = "session-dependencies" if injected else "session-contexts" if source.is_context_manager else ""
        by = f"`{named_by}` of the policy" if named_by and kind == SESSION else "the policy"
        return f"{named(kind)} of the session module, but {by} does not name it."
    return f"{named(kind)} of unapproved origin."


def _advice(program: Program, function: FunctionInfo, opened: Value, source: FunctionInfo | None) -> str:
    """What to write instead; who calls the session module need not be sent there."""
    told = opening(program, function, opened)
    own = source is not None and program.in_session_module(source.site)
    return "Use a way to a session that it names." if own and told == THROUGH_MODULE else told


def _kept(program: Program) -> Iterator[Finding]:
    """Objects of the project that open a session when they are made or entered, and keep it for who uses them."""
    for event in program.events("call"):
        opener = event.callee
        if opener is None or opener.name not in _OPENS or opener.class_info is None or "received" in event.flags:
            continue
        if program.is_exempt(event.function) or is_approved(program, event.function):
            continue
        handle = _keeps(program, opener, _receiver(event), dict(event.bindings))
        if handle is None or event.function.class_info is opener.class_info:
            continue
        if opener.name == "__init__" and _is_left_alone(program, opener, handle):
            continue
        if origin_of(program, opener, handle) == "unapproved" and not is_from_approved(program, event):
            message = f"{text(event)} opens and keeps {named(handle.kind)} of unapproved origin. "
            trace = program.source_trace(opener, handle)
            yield program.finding(META, event, message + opening(program, event.function, (handle,)), trace)
    for event, store, handle in made_for_fields(program):
        if program.is_exempt(event.function) or is_approved(program, event.function):
            continue
        if origin_of(program, store.function, handle) == "unapproved":
            message = f"{text(event)} opens and keeps {named(handle.kind)} of unapproved origin. "
            trace = [program.step(store.site, f"{store.text} has one of its own by default")]
            yield program.finding(META, event, message + opening(program, event.function, (handle,)), trace)


def _holding(program: Program) -> Iterator[Finding]:
    """Functions and context managers of the project that open a session and hand out an object that holds it."""
    for event in program.events("call"):
        source = event.callee
        if source is None or "spared" in event.flags:
            continue
        value = _handed_here(source, event)
        if not value or program.is_exempt(event.function) or is_approved(program, event.function):
            continue
        if is_approved(program, source) or _reads_own(event):
            continue
        for handle in held_in(source, value):
            if origin_of(program, source, handle) == "unapproved":
                message = f"{text(event)} hands out an object with a session of unapproved origin. "
                trace = program.source_trace(source, handle)
                yield program.finding(META, event, message + opening(program, event.function, (handle,)), trace)
                break


def _handed_here(source: FunctionInfo, event: Event) -> Value:
    """What a call hands out for good: what a context manager gives where it is entered, what a function returns."""
    if source.is_generator or source.is_context_manager:
        return source.summary.yields if {"context", "cm"} <= event.flags else ()
    return source.summary.returns if source.summary.sources and source.name not in _OPENS else ()


def _receiver(event: Event) -> ClassInfo | None:
    """The class of the object whose method is called."""
    values = (value for _, value in event.bindings[:1])
    return next((a.info for value in values for a in value if isinstance(a, Inst)), None)


def _keeps(
    program: Program, opener: FunctionInfo, owner: ClassInfo | None, bound: dict[Any, Value], depth: int = 0
) -> Handle | None:
    """The session that a constructor, or entering an object, opens and stores on the object.

    ``bound`` are its arguments.
    What a base class's ``__aenter__`` leaves to a method of the object's own class counts as done there.
    """
    found = _kept_here(opener, bound)
    if found is not None or owner is None or depth > 2:
        return found
    for event in opener.events:
        callee = event.callee if event.kind == "call" else None
        own = _of_its_own(program, owner, opener, callee) if callee is not None else None
        found = _keeps(program, own, owner, dict(event.bindings), depth + 1) if own is not None else None
        if found is not None:
            return found
    return None


def _kept_here(opener: FunctionInfo, bound: dict[Any, Value]) -> Handle | None:
    """The session that a method opens and stores on its object when it is called with these arguments."""
    opened = {a for e in opener.events if e.kind in ("create", "obtain") for a in e.subject if isinstance(a, Handle)}
    for event in opener.events:
        if event.kind != "store" or event.name != "attribute":
            continue
        # ``db or open_session()``: what the caller hands over is kept instead
        others = (v for a in event.value if a.tag == "param" for v in bound.get(a, ()))
        if any(a.tag != "const" for a in others) or any(a.tag == "injected" for a in event.value):
            continue
        for atom in event.value:
            if isinstance(atom, Handle) and atom in opened and atom.kind in ("session", "connection"):
                return atom
    return None


def _is_left_alone(program: Program, constructor: FunctionInfo, handle: Handle) -> bool:
    """Whether no method works with what a constructor keeps under a private name: nobody is handed anything."""
    owner = constructor.class_info
    kept = [e for e in constructor.events if e.kind == "store" and e.name == "attribute" and handle in e.value]
    if owner is None or not kept or not all(e.text.rpartition(".")[2].startswith("_") for e in kept):
        return False
    around = (owner, *program.solver.subclasses(owner))
    methods = [m for info in around for cls in program.solver.mro(info) for m in cls.methods.values()]
    return not any(_touches(m, handle) for m in methods if m is not constructor)


def _touches(method: FunctionInfo, handle: Handle) -> bool:
    """Whether a method does something with a session, or gives it."""
    found = (
        *method.summary.returns,
        *method.summary.yields,
        *(e.subject for e in method.summary.effects if e.subject is not None),
    )
    return any(isinstance(a, Handle) and a.root == handle.root for a in contained(found))


def _of_its_own(program: Program, owner: ClassInfo, caller: FunctionInfo, callee: FunctionInfo) -> FunctionInfo | None:
    """The method of ``owner`` that runs where ``caller``, a method of it, calls one of a related class."""
    if callee.class_info is None or caller.class_info is None:
        return None
    related = callee.class_info in program.solver.mro(owner) or caller.class_info in program.solver.mro(
        callee.class_info
    )
    return program.solver.method(owner, callee.name) if related else None


def _injected(program: Program) -> Iterator[Finding]:
    for function, span, dependency in injections(program):
        if program.is_exempt(function) or is_approved(program, function):
            continue
        for source in sources(program, dependency):
            if source.origin != "unapproved":
                continue
            name = shown(source.function) if source.function is not None else "a session class or factory"
            handed = _unapproved(program, source.function, source.kind, injected=True)
            message = f"Depends on {name}, which hands out {handed} "
            trace = [program.step(dependency.site, "it is injected here")]
            if source.function is not None and source.handle is not None:
                trace += program.source_trace(source.function, source.handle)
            advice = _advice(program, function, _handed(source), source.function)
            yield program.finding(META, (function, span), message + advice, trace)
            break
        else:
            yield from _held(program, function, span, dependency)


def _held(program: Program, function: FunctionInfo, span: ir.Span4, dependency: Dependency) -> Iterator[Finding]:
    """A dependency that opens a session and hands out an object that holds it."""
    for source, handle in (*held_sessions(program, dependency), *_kept_by_made(program, dependency)):
        if origin_of(program, source, handle, contexts=False) == "unapproved":
            message = f"Depends on {shown(source)}, which hands out an object with a session of unapproved origin. "
            trace = [program.step(dependency.site, "it is injected here"), *program.source_trace(source, handle)]
            yield program.finding(META, (function, span), message + opening(program, function, (handle,)), trace)
            return


def _kept_by_made(program: Program, dependency: Dependency) -> Iterator[tuple[FunctionInfo, Handle]]:
    """The sessions that a class opens for each object which FastAPI makes of it, with its constructor."""
    for info in (a.info for a in dependency.target if a.tag == "cls"):
        constructor = program.solver.method(info, "__init__")
        if constructor is None:
            continue
        given = {Param(constructor, name): value for name, (_, value) in constructor.param_values.items()}
        handle = _keeps(program, constructor, info, given)
        if handle is not None:
            yield constructor, handle


def _reads_its_own(event: Event, handle: Handle) -> bool:
    """``self.session``, which the object whose method (or bound task) this is keeps: TXN101 names the opening."""
    return _reads_own(event) and kept_by_source(event, handle)


def _reads_own(event: Event) -> bool:
    """``self.session``: a property of the object whose method (or bound task) this is."""
    read, params = event.expr, event.function.params
    if event.callee is None or not event.callee.is_property or read is None or read[0] != "a" or not params:
        return False
    return bool(read[2][0] == "n" and read[2][2] == params[0][0])


def _is_written_there(event: Event) -> bool:
    """``field(factory=lambda: Session())``: the lambda is told for what it opens or obtains itself."""
    source = event.callee
    if source is None or source.name != "<lambda>" or source.path != event.path:
        return False
    return event.span[:2] <= source.span[:2] and source.span[2:] <= event.span[2:]


def _is_told_as_opening(program: Program, event: Event) -> bool:
    """``self.make()`` of a factory, or of a function in its place: TXN101 says that it opens a session."""
    made = (e for e in event.function.events if e.kind == "create" and e.span == event.span)
    return any(opens_directly(program, e) for e in made)


def _handed(source: Source) -> tuple[Handle, ...]:
    return () if source.handle is None else (source.handle,)


_KEPT = ("engine", "factory", "driver pool")
_CONNECTIONS = ("connection", "driver connection", "transaction")


def _is_the_modules_own(program: Program, event: Event, handle: Handle) -> bool:
    """Whether a session module's function hands out an engine or factory that is made in one, by however many hops."""
    if handle.kind not in _KEPT or event.callee is None:
        return False
    return program.in_session_module(handle.root) and program.in_session_module(way(event.callee, handle)[-1].site)


def _is_set_up(program: Program, event: Event, handle: Handle) -> bool:
    """An application that starts gets its engine or factory from the session module's own functions, and keeps it."""
    if not _is_the_modules_own(program, event, handle):
        return False
    function = event.function
    starts = function.name in ("<module>", "__init__") or (function.is_generator and function.is_context_manager)
    return starts or program.role(function) is None or function in program.shared(starters)


def _reported_where_used(program: Program, event: Event) -> bool:
    """A factory or engine that is used in the same function, where TXN101 to TXN104 report the use.

    Of another engine than the session module's only the connections tell: what is made of it is one more fault.
    """
    found = {a for a in event.subject if a.kind in _KEPT}
    if len(found) != len(event.subject):
        return False
    foreign = any(a.kind == "engine" and not program.in_session_module(a.root) for a in found)
    made = (e for e in event.function.events if e.kind == "create" and not (foreign and e.name not in _CONNECTIONS))
    used = {a for e in made for a in _inputs(e)}
    return not found.isdisjoint(used)


def _gives_what_is_asked(event: Event) -> bool:
    """A container that calls what it keeps for a type: who names the type is told."""
    named_here = event.expr is None or event.expr[0] != "c" or (ir.dotted(event.expr[2]) or "").endswith(event.name)
    return not named_here and key_of(event.function) is not None


def _inputs(event: Event) -> Iterator[Any]:
    for value in (event.value, *event.args, *(v for _, v in event.keywords)):
        yield from contained(value)
