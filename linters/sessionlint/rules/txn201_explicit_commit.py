"""TXN201: the transaction is committed by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.ended_by_helpers import does_more, left_by
from sessionlint.rules.remedies import instead
from sessionlint.rules.transactions import by_hand, called, down_to

if TYPE_CHECKING:
    from sessionlint.program.api import Program

META = Rule(
    code="TXN201",
    name="explicit-commit",
    summary="The transaction is committed by hand outside the session module.",
    rationale=(
        "A commit in the middle of a unit of work cuts it in two: what came before stays when the rest fails, row "
        "locks are given up early, and nobody can say any more who owns the transaction. Inside `async with "
        "session.begin()` it also breaks the block: the next statement raises `InvalidRequestError: Can't operate on "
        "closed transaction inside context manager`. Every route counts: the session, its connection or transaction "
        "object, SQL text, the method handed to a helper that calls it or to background work, which is told where it "
        "is handed over, and a function of the session module that commits what it is given, which is told where it is "
        "called."
    ),
    remedy=(
        "Endpoints and background functions own the transaction with `async with session.begin():`, which commits when "
        "the block ends well and rolls back when it does not. Services add, execute and flush."
    ),
    not_flagged=(
        "`commit()` of things that are no database session (git repositories, message consumers), words in comments "
        "and log text, session modules, functions the policy names as `session-dependencies` or `session-contexts`, "
        "wherever they stand (TXN211 looks at what a dependency commits after its `yield`), tests and migrations, "
        "context managers that commit on their own, such as `session.begin()` and `factory.begin()`, and functions of "
        "the session module that commit a session of their own, or around what they run, decorate or enclose. The "
        "`commit()` of a savepoint (`savepoint = await session.begin_nested()`) only releases it, nothing is kept by "
        "that: TXN203 reports the `begin_nested()` that is no block."
    ),
    # whether one that a helper is handed is told there depends on who calls it
    program_wide=True,
)

BAD = [
    Bad(
        """
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


async def rename(session: AsyncSession, item: Item, name: str) -> None:
    item.name = name
    await session.commit()  # TXN201@11
"""
    ),
    Bad(
        """
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session_dependency as database

router = APIRouter()
SessionDep = Annotated[AsyncSession, Depends(database)]


@router.post("/items")
async def create(session: SessionDep):
    session.add(Item(name="a"))
    finish = session.commit
    await finish()  # TXN201@11
    if (connection := await session.connection()) is not None:
        await connection.commit()  # TXN201@15
    return {}
""",
        path="app/routers/items.py",
    ),
    Bad(
        """
# --- app/services/base.py
from sqlmodel.ext.asyncio.session import AsyncSession


class Repository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def save(self, row) -> None:
        self._session.add(row)
        await self._session.commit()  # TXN201@15
# --- app/services/items.py
from .base import Repository


class ItemRepository(Repository):
    async def store_all(self, rows) -> None:
        for row in rows:
            self._session.add(row)
        await getattr(self._session, "commit")()  # TXN201@15
"""
    ),
    Bad(
        """
import functools

from sqlalchemy import text
from sqlalchemy.orm import Session


def close_books(db: Session, dry_run: bool) -> None:
    db.execute(text("UPDATE books SET open = false"))
    if not dry_run:
        functools.partial(db.commit)()  # TXN201@9


def by_sql(db: Session) -> None:
    db.execute(text("COMMIT"))  # TXN201@5


def by_transaction(db: Session) -> None:
    with db.begin() as transaction:
        db.execute(text("DELETE FROM books"))
        transaction.commit()  # TXN201@9


def by_tuple(db: Session) -> None:
    add, done = db.add, db.commit
    add(object())
    done()  # TXN201@5


def nested(db: Session) -> None:
    def finish() -> None:
        db.commit()  # TXN201@9

    finish()
"""
    ),
    Bad(
        """
from app.session import get_session, session_factory


async def refresh_prices() -> None:
    async with get_session() as session:
        session.add(object())
        await session.commit()  # TXN201@15


async def refresh_names() -> None:
    async with session_factory() as session, session.begin() as transaction:
        await transaction.commit()  # TXN201@15
""",
        path="app/tasks/prices.py",
    ),
    Bad(
        source="""
from sqlalchemy import inspect
from sqlalchemy.ext.asyncio import AsyncSession


def save(row):
    inspect(row).session.commit()  # TXN201@5


async def finish(unit):
    match unit:
        case AsyncSession() as session:
            await session.commit()  # TXN201@19
        case {"session": AsyncSession() as inner}:
            await inner.commit()  # TXN201@19
"""
    ),
    Bad(
        path="app/services/items.py",
        source="""
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession


async def annotated(holder: Any) -> None:
    session: AsyncSession = holder.session
    await session.commit()  # TXN201@11


async def asserted(holder: Any) -> None:
    session = holder.session
    assert isinstance(session, AsyncSession)
    await session.commit()  # TXN201@11


async def other(holder: Any) -> None:
    repository = holder.repository
    assert isinstance(repository, dict)
    await repository.commit()
""",
    ),
    Bad(
        """
# --- app/services/agents.py
from dataclasses import dataclass

import strawberry
from pydantic_ai import RunContext
from sqlalchemy.ext.asyncio import AsyncSession
from strawberry.types import Info


@dataclass
class Deps:
    session: AsyncSession
    repository: object


async def store(context: RunContext[Deps]):
    await context.deps.session.commit()  # TXN201@11


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def store(self, info: Info[Deps, None]) -> bool:
        await info.context.session.commit()  # TXN201@15
        info.context.repository.commit()
        return True
# --- app/tasks/prune.py
from taskiq import InMemoryBroker, TaskiqDepends

from app.session import get_session_dependency

broker = InMemoryBroker()


@broker.task
async def prune(session=TaskiqDepends(get_session_dependency), limit=TaskiqDepends(int)):
    session.expire_all()
    await session.commit()  # TXN201@11
"""
    ),
    Bad(
        """
# --- app/session.py
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

Local = sessionmaker(create_engine("postgresql://db/app"))


class Unit:
    def __init__(self):
        self.session = Local()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.session.close()

    def commit(self):
        self.session.commit()

    def save(self, row):
        self.session.add(row)
        self.session.commit()


def get_unit():
    with Unit() as unit:
        yield unit
# --- app/outbox.py
class Outbox:
    def commit(self):
        self.sent = True
# --- app/jobs/nightly.py
from fastapi import Depends

from app.outbox import Outbox
from app.session import Unit


def run(rows, outbox: Outbox):
    with Unit() as unit:
        for row in rows:
            unit.session.add(row)
        unit.commit()  # TXN201@9
        unit.save(rows[0])
    outbox.commit()


def get_own_unit():
    with Unit() as unit:
        yield unit
        unit.commit()


def endpoint(unit=Depends(get_own_unit)):
    return unit
""",
    ),
    Bad(
        """
from sqlalchemy.ext.asyncio import AsyncSession


class Actions:
    ways = {"save": lambda db: db.commit(), "check": lambda db: db.flush()}  # TXN201@32
    words = [lambda text: text.commit()]

    def finish(self, session: AsyncSession, how):
        session.add(object())
        self.ways[how](session)
"""
    ),
    Bad(
        """
# --- app/context.py
import registry
from sqlalchemy.ext.asyncio import AsyncSession


class PerRequest(type):
    @property
    def session(cls) -> AsyncSession:
        return registry.current()

    def fresh(cls) -> AsyncSession:
        return cls._made


class db(metaclass=PerRequest):
    pass


class requests_db(db):
    pass


class Holder:
    @property
    def session(self) -> AsyncSession:
        return self._session

    @property
    def writer(self) -> AsyncSession | None:
        return registry.current("writer")


holder = Holder()
# --- app/services/items.py
from app.context import db, holder, requests_db


async def one():
    await db.session.commit()  # TXN201@11


async def two():
    await requests_db.session.commit()  # TXN201@11


async def three():
    session = holder.session
    await session.commit()  # TXN201@11
    await holder.writer.commit()  # TXN201@11
"""
    ),
    Bad(
        """
# --- app/deps.py
from fastapi import Depends

from app.session import get_session_dependency


async def get_unit(session=Depends(get_session_dependency)):
    yield session
    await session.commit()  # TXN201@11
# --- app/routers/crates.py
from fastapi import APIRouter, Depends

from app.deps import get_unit
from app.models.item import Item

router = APIRouter()


@router.post("/crates")
async def add(session=Depends(get_unit, scope="function")):
    session.add(Item(name="crate"))
"""
    ),
    Bad(
        """
# --- app/tasks/broker.py
from taskiq import Context, InMemoryBroker, TaskiqDepends, TaskiqEvents, TaskiqState

from app.session import session_factory

broker = InMemoryBroker()


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def started(state: TaskiqState) -> None:
    state.ledger = session_factory()


@broker.task
async def book(row, context: Context = TaskiqDepends()):
    context.state.ledger.add(row)
    await context.state.ledger.commit()  # TXN201@11


@broker.task
async def confirm(context: Context = TaskiqDepends()):
    await context.state.consumer.commit()
"""
    ),
    Bad(
        """
from sqlalchemy.orm import Query


def keep(query: Query):
    query.session.commit()  # TXN201@5


def look(query: Query, outbox):
    outbox.session.commit()
    return query.session.info, query.count()
""",
        path="app/services/items.py",
    ),
    Bad(
        """
# --- app/again.py
import asyncio


async def again(step, times=3):
    for number in range(times):
        try:
            return await step()
        except OSError:
            await asyncio.sleep(number)
# --- app/services/boats.py
from sqlalchemy.ext.asyncio import AsyncSession

from app.again import again
from app.models.item import Item


async def moor(session: AsyncSession):
    session.add(Item())
    await again(session.flush)
    await again(session.commit)  # TXN201@11


async def counted():
    return await again(one)


async def one():
    return 1
"""
    ),
    Bad(
        """
# --- app/database.py
import functools
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

factory = async_sessionmaker(create_async_engine("postgresql+asyncpg://db/app"))


async def keep(session: AsyncSession):
    await session.commit()


async def keep_if(session: AsyncSession, *, now: bool = False):
    await session.flush()
    if now:
        await session.commit()


async def run(session: AsyncSession, work):
    await work(session)
    await session.commit()


def kept(function):
    @functools.wraps(function)
    async def inner(session, *rest):
        await function(session, *rest)
        await session.commit()

    return inner


@asynccontextmanager
async def keeping(session: AsyncSession):
    yield session
    await session.commit()


async def prune():
    async with factory() as session:
        await keep(session)


class Shelf:
    def __init__(self, session: AsyncSession):
        self._session = session

    async def put(self, row):
        self._session.add(row)
        await self._session.commit()


class Drawer:
    def __init__(self, session):
        self._session = session

    async def put(self, row):
        self._session.add(row)
        await self._session.commit()


class Desk:
    async def __aenter__(self):
        self._session = factory()
        self.drawer = Drawer(self._session)
        return self

    async def __aexit__(self, *error):
        await self._session.close()
# --- app/services/shelves.py
from sqlalchemy.ext.asyncio import AsyncSession

from app.database import Desk, Shelf, keep, keep_if, keeping, kept, prune, run
from app.models.item import Item


async def one(session: AsyncSession):
    session.add(Item())
    await keep(session)  # TXN201@11
    await keep_if(session)
    await keep_if(session, now=True)  # TXN201@11


async def add(session: AsyncSession):
    session.add(Item())


@kept
async def added(session: AsyncSession):
    session.add(Item())


async def owned(session: AsyncSession):
    await run(session, add)
    await added(session)
    async with keeping(session):
        session.add(Item())
    await prune()


async def put(session: AsyncSession):
    await Shelf(session).put(Item())  # TXN201@11


async def filed():
    async with Desk() as desk:
        await desk.drawer.put(Item())
""",
        policy=(("session-modules", ["app/database.py"]), ("session-dependencies", []), ("session-contexts", [])),
    ),
    Bad(
        """
# --- app/wiring.py
from litestar.di import NamedDependency
from sqlalchemy.ext.asyncio import AsyncSession

from app.services.keys import Keys


def keys(db_session: NamedDependency[AsyncSession], outbox: NamedDependency[list]) -> Keys:
    return Keys(db_session, outbox)
# --- app/services/keys.py
class Keys:
    def __init__(self, unit, outbox):
        self._unit = unit
        self._outbox = outbox

    async def keep(self):
        await self._outbox.commit()
        await self._unit.commit()  # TXN201@15
"""
    ),
    Bad(
        """
from sqlalchemy import insert

from app.models.item import Item


class Batch:
    def __init__(self, local, index):
        self._local = local
        self._index = index

    async def write(self, rows):
        async with self._local() as store:
            await store.execute(insert(Item).values(rows))
            await store.commit()  # TXN201@19
        async with self._index() as store:
            await store.put(rows)
            await store.commit()
""",
        path="app/batches.py",
    ),
    Bad(
        """
from app.models.item import Item


def moor_all(harbour, boats):
    harbour.bulk_insert_mappings(Item, boats)
    harbour.commit()  # TXN201@5


async def moor(harbour, boat):
    harbour.add(boat)
    await harbour.flush()
    await harbour.refresh(boat)
    await harbour.commit()  # TXN201@11


async def moor_if_there_is_room(harbour, boat):
    async with harbour.begin_nested():
        harbour.add(boat)
    await harbour.commit()  # TXN201@11


async def count(harbour, boats):
    async for boat in await harbour.stream_scalars(boats):
        print(boat)
    harbour.expire_all()
    await harbour.commit()  # TXN201@11


def shelve(index, paper):
    index.add(paper)
    index.flush()
    index.refresh()
    index.commit()
""",
        path="app/services/harbours.py",
    ),
    Bad(
        source="""
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


async def in_order(session: AsyncSession):
    for statement in ("SELECT 1", "COMMIT"):
        await session.execute(text(statement))  # TXN201@15
    for statement in ("SELECT 1", "SELECT 2"):
        await session.execute(text(statement))
""",
    ),
    Bad(
        """
from advanced_alchemy.extensions.litestar import SQLAlchemyPlugin
from litestar import Litestar


async def seal(app: Litestar, jar) -> None:
    async with app.plugins.get(SQLAlchemyPlugin).config.get_session() as lid:
        lid.add(jar)
        await lid.commit()  # TXN201@15


async def seal_one(app: Litestar, name) -> None:
    await app.plugins.get(name).commit()


async def seal_for_request(app: Litestar, scope) -> None:
    lid = app.plugins.get(SQLAlchemyPlugin).config.provide_session(app.state, scope)
    await lid.commit()  # TXN201@11
""",
        path="app/middleware.py",
    ),
    Bad(
        """
from functools import partial
from threading import Thread

from fastapi import APIRouter, BackgroundTasks, Depends
from sqlalchemy.orm import Session

from app.models.item import Item
from app.session import get_session_dependency
from app.stock import store

router = APIRouter()


@router.post("/later")
def later(tasks: BackgroundTasks, session: Session = Depends(get_session_dependency)):
    session.add(Item())
    tasks.add_task(session.commit)  # TXN201@5
    tasks.add_task(partial(session.get_bind))


@router.post("/beside")
def beside(session: Session = Depends(get_session_dependency)):
    session.add(Item())
    Thread(target=partial(session.commit)).start()  # TXN201@5
    Thread(target=store.commit).start()


@router.post("/part")
def part(tasks: BackgroundTasks, session: Session = Depends(get_session_dependency)):
    savepoint = session.begin_nested()
    tasks.add_task(savepoint.commit)
""",
        path="app/routers/items.py",
    ),
    Bad(
        """
# --- app/session.py
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://db/app")
session_factory = async_sessionmaker(engine)


async def get_session_dependency():
    async with session_factory() as session:
        yield session


async def finish(*sessions):
    for session in sessions:
        await session.commit()


async def finish_all(sessions):
    for session in sessions:
        await session.commit()


async def keep(*names):
    for name in names:
        async with session_factory() as session:
            session.add(name)
            await session.commit()


async def after(work, *sessions):
    await work()
    for session in sessions:
        await session.commit()
# --- app/services/pairs.py
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import after, finish, finish_all, keep


async def both(session: AsyncSession, audit: AsyncSession):
    await finish(session, audit)  # TXN201@11


async def listed(session: AsyncSession, audit: AsyncSession):
    await finish_all([session, audit])  # TXN201@11


async def kept():
    await keep("a", "b")


async def worked(session: AsyncSession):
    async def work():
        session.add(object())

    await after(work, session)
"""
    ),
    Bad(
        # a class below has a property over the session that its base binds to nothing
        """
from sqlalchemy.ext.asyncio import AsyncSession


class Shelf:
    session = None

    async def save(self, row):
        self.session.add(row)
        await self.session.commit()  # TXN201@15


class RequestShelf(Shelf):
    def __init__(self, session: AsyncSession):
        self._session = session

    @property
    def session(self) -> AsyncSession:
        return self._session


class Register:
    session = None

    async def save(self, row):
        self.session.add(row)
        await self.session.flush()


class RequestRegister(Register):
    def __init__(self, session: AsyncSession):
        self._session = session

    @property
    def session(self) -> AsyncSession:
        return self._session
""",
    ),
    Bad(
        """
from sqlalchemy.ext.asyncio import AsyncSession


async def kept(session: AsyncSession, context: dict):
    target = context.setdefault("db", session)
    await target.commit()  # TXN201@11


async def kept_anywhere(session: AsyncSession, context):
    target = context.setdefault("db", session)
    await target.commit()  # TXN201@11


async def flushed(session: AsyncSession, context: dict):
    target = context.setdefault("db", session)
    await target.flush()
""",
        path="app/services/contexts.py",
    ),
    Bad(
        """
# --- app/commands.py
import click
import typer

from app.opening import opened

app = typer.Typer()


@app.callback()
def main(ctx: typer.Context):
    ctx.obj = ctx.with_resource(opened())


@app.command()
def drop(ctx: typer.Context, key: str):
    ctx.obj.delete(ctx.obj.get(object, key))
    ctx.obj.commit()  # TXN201@5


@app.command()
def drop_well(ctx: typer.Context, key: str):
    with ctx.obj.begin():
        ctx.obj.delete(ctx.obj.get(object, key))


@click.command()
@click.pass_context
def purge(context: click.Context):
    session = context.with_resource(opened())
    session.commit()  # TXN201@5
# --- app/opening.py
from contextlib import contextmanager

from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

factory = sessionmaker(create_engine("postgresql://db/app"))


@contextmanager
def opened():
    with factory() as session:
        yield session
"""
    ),
]

GOOD = [
    Good(
        """
import git
import kafka
import sqlalchemy.ext.asyncio


class Ledger:
    def commit(self) -> None:
        \"\"\"Call session.commit() yourself.\"\"\"


async def save(session: sqlalchemy.ext.asyncio.AsyncSession, row) -> None:
    # the caller does session.commit()
    session.add(row)
    await session.flush()
    Ledger().commit()


def publish(path: str) -> None:
    repo = git.Repo(path)
    repo.index.commit("session.commit()")
    kafka.KafkaConsumer("topic").commit()
"""
    ),
    Good(
        """
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session_dependency, session_factory

router = APIRouter()


@router.post("/items")
async def create(session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        session.add(Item(name="a"))
        async with session.begin_nested():
            session.add(Item(name="b"))


async def nightly() -> None:
    async with session_factory.begin() as session:
        session.add(Item(name="a"))
""",
        path="app/routers/items.py",
    ),
    Good(
        """
# --- app/session.py
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

factory = async_sessionmaker(create_async_engine("postgresql+asyncpg://db/app"))


@asynccontextmanager
async def get_session():
    async with factory() as session:
        try:
            yield session
            await session.commit()
        except BaseException:
            await session.rollback()
            raise
# --- tests/test_items.py
from app.session import factory


async def test_items() -> None:
    async with factory() as session:
        await session.commit()
# --- migrations/env.py
from sqlalchemy import create_engine

with create_engine("postgresql://db/app").connect() as connection:
    connection.commit()
"""
    ),
    Good(
        """
# --- app/context.py
import registry
from git import Repo
from sqlalchemy.ext.asyncio import AsyncSession


class Session:
    def commit(self):
        return None


class PerRequest(type):
    @property
    def repo(cls) -> Repo:
        return registry.current()

    @property
    def session(cls) -> Session:
        return cls._made


class db(metaclass=PerRequest):
    pass


class Holder:
    @property
    def session(self) -> AsyncSession:
        return self._session

    @property
    def own(self) -> Session:
        return self._own


class Named(Holder):
    session = Session()
# --- app/services/items.py
from app.context import Holder, Named, db


def work():
    db.repo.commit()
    db.session.commit()
    Holder().own.commit()
    Named.session.commit()
"""
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """One finding per commit."""
    for event in by_hand(program, "commit"):
        what = f"`{called(event)}` commits the transaction by hand"
        if event.text == "sql":
            what = f"`{called(event)}` commits the transaction with SQL text"
        advice = instead(program, event)
        helper = event.callee if event.kind == "effect" else None
        leaving = left_by(program, helper) if helper is not None else None
        if leaving is not None:
            advice = f"let {leaving} commit when its block ends well"
        elif helper is not None and does_more(event):
            advice = f"take the commit out of {helper.name}() and {advice.removeprefix('drop it and ')}"
        trace = down_to(program, event) if helper is not None else ()
        yield program.finding(META, event, f"{what}. Instead {advice}.", trace)
