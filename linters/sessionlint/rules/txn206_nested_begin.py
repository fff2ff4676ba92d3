"""TXN206: a second ``begin()`` on a session whose transaction is open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sessionlint.program.model import Effect
from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.open_since import Since, open_since
from sessionlint.rules.remedies import as_written, let_it_end
from sessionlint.rules.transactions import called, one_per_call

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event

META = Rule(
    code="TXN206",
    name="nested-begin",
    summary="`begin()` is called on a session whose transaction is already open.",
    rationale=(
        "`begin()` raises `InvalidRequestError: A transaction is already begun on this Session`. Not only a first "
        "`begin()` opens one: any earlier `execute`, `get` or `add` does, in the same function, in a callee, or in an "
        "authentication dependency that FastAPI gave the same session. Such an endpoint fails on every request."
    ),
    remedy=(
        "Begin first and do everything inside the block; for a part that may fail on its own, `begin_nested()`. "
        "Authentication reads on a short session of its own."
    ),
    not_flagged=(
        "`begin_nested()`; a `begin()` after the earlier block, commit, rollback or close; an earlier statement on "
        "some paths only; code that asks `session.in_transaction()` first; a dependency that uses another session "
        "(`use_cache=False`, its own `get_session()`, another scope); a begin in a callee, which is TXN205."
    ),
)

BAD = [
    Bad(
        """
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


async def twice(session: AsyncSession) -> None:
    async with session.begin():
        async with session.begin():  # TXN206@20
            session.add(Item(name="a"))


async def after_read(session: AsyncSession) -> None:
    await session.execute(select(Item))
    async with session.begin():  # TXN206@16
        session.add(Item(name="a"))


async def after_add(session: AsyncSession) -> None:
    session.add(Item(name="a"))
    async with session.begin() as transaction:  # TXN206@16
        assert transaction


async def first(session: AsyncSession) -> None:
    await read(session)
    async with session.begin():  # TXN206@16
        session.add(Item(name="a"))


async def read(session: AsyncSession):
    if item := await session.get(Item, 1):
        return item
    return await session.scalar(select(Item))


async def bare(session: AsyncSession) -> None:
    await session.begin()
    begin = session.begin
    await begin()  # TXN206@11
"""
    ),
    Bad(
        """
# --- app/auth/users.py
from fastapi import Depends, Header
from sqlalchemy import select

from app.models.item import Item
from app.session import get_session_dependency as session_of


async def find(session, name):
    return await session.scalar(select(Item).where(Item.name == name))


async def current_user(authorization: str = Header(), db=Depends(session_of)):
    return await find(db, authorization)


async def admin(user=Depends(current_user)):
    return user
# --- app/routers/items.py
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.users import admin, current_user
from app.models.item import Item
from app.session import get_session_dependency

router = APIRouter(prefix="/items", dependencies=[Depends(admin)])
other = APIRouter()
SessionDep = Annotated[AsyncSession, Depends(get_session_dependency)]


@router.post("/")
async def create(session: SessionDep):
    async with session.begin():  # TXN206@16
        session.add(Item(name="a"))


@other.post("/")
async def put(session: SessionDep, user=Depends(current_user)):
    async with session.begin():  # TXN206@16
        session.add(Item(name="a"))


@other.get("/", dependencies=[Depends(admin)])
async def read(session: SessionDep):
    async with session.begin():  # TXN206@16
        return await session.get(Item, 1)
"""
    ),
    Bad(
        """
# --- pyproject.toml
[tool.sessionlint]
session-modules = ["main.py"]
session-dependencies = ["main.session"]
# --- main.py
from fastapi import Depends, FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

app = FastAPI()
make = async_sessionmaker(create_async_engine("postgresql+asyncpg://db/app"))


async def session():
    async with make() as opened:
        yield opened


@app.post("/items")
async def create(session: AsyncSession = Depends(session)):
    await session.get(object, 1)
    async with session.begin():  # TXN206@16
        session.add(object())
"""
    ),
    Bad(
        """
from sqlalchemy import select
from sqlalchemy.exc import MultipleResultsFound, NoResultFound
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from app.models.item import Item


def query(db: Session) -> None:
    if db.query(Item).filter(Item.name == "a").count():
        with db.begin():  # TXN206@14
            db.add(Item(name="a"))


def each(db: Session) -> None:
    for item in db.query(Item):
        with db.begin():  # TXN206@14
            item.name = "a"


async def each_row(session: AsyncSession) -> None:
    for item in await session.scalars(select(Item)):
        async with session.begin():  # TXN206@20
            item.name = "a"


async def one(session: AsyncSession):
    try:
        return (await session.scalars(select(Item))).one()
    except (NoResultFound, MultipleResultsFound):
        return None


async def missing(session: AsyncSession) -> None:
    await one(session)
    async with session.begin():  # TXN206@16
        session.add(Item(name="a"))
""",
        path="app/tasks/items.py",
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


def index():
    return 1


@router.post("/a")
@in_transaction
async def a(session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():  # TXN206@16
        session.add(object())


@with_transaction
async def b(session: AsyncSession, name):
    async with session.begin():  # TXN206@16
        session.add(name)
""",
    ),
    Bad(
        path="app/tasks/stock.py",
        source="""
from app.models.item import Item
from app.session import get_session


async def either_of_two_inside(inner):
    async with get_session() as session:
        async with session.begin():
            start = session.begin_nested if inner else session.begin
            async with start():  # TXN206@24
                session.add(Item(name="x"))
""",
    ),
    Bad(
        path="app/tasks/waiting.py",
        source="""
from sqlalchemy import select

from app.models.item import Item
from app.session import get_session


async def until_none():
    async with get_session() as session:
        while (row := await session.scalar(select(Item).limit(1))) is not None:
            print(row)
        async with session.begin():  # TXN206@20
            session.add(Item(name="x"))


async def until_told(told):
    async with get_session() as session:
        while not told():
            await session.scalar(select(Item).limit(1))
            await session.commit()
        async with session.begin():
            session.add(Item(name="x"))
""",
    ),
    Bad(
        """
# --- app/session.py
import os
from contextvars import ContextVar

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

engine = create_async_engine(os.environ["DATABASE_URL"])
factory = async_sessionmaker(engine)
current: ContextVar[AsyncSession] = ContextVar("current")
reading: ContextVar[AsyncSession] = ContextVar("reading")


class Around:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        async with factory() as session, factory() as reader, session.begin():
            token = current.set(session)
            other = reading.set(reader)
            try:
                await self.app(scope, receive, send)
            finally:
                current.reset(token)
                reading.reset(other)


def get_session_dependency() -> AsyncSession:
    return current.get()


def get_reader() -> AsyncSession:
    return reading.get()
# --- app/routers/seats.py
from fastapi import Depends, FastAPI

from app.session import Around, current, get_reader, get_session_dependency

app = FastAPI()
app.add_middleware(Around)


@app.post("/seats")
async def injected(session=Depends(get_session_dependency)):
    async with session.begin():  # TXN206@16
        session.add(object())


@app.put("/seats")
async def read():
    async with current.get().begin():  # TXN206@16
        current.get().add(object())


@app.patch("/seats")
async def apart(session=Depends(get_session_dependency)):
    async with session.begin_nested():
        session.add(object())


@app.delete("/seats")
async def by_the_reader(session=Depends(get_reader)):
    async with session.begin():
        session.add(object())


@app.get("/seats")
async def asked(session=Depends(get_session_dependency)):
    if not session.in_transaction():
        async with session.begin():
            session.add(object())


async def nightly(row):
    async with current.get().begin():
        current.get().add(row)
"""
    ),
    Bad(
        """
# --- app/services/rooms.py
class Keys:
    def __init__(self, session):
        self.session = session

    async def find(self, number):
        return await self.session.get(object, number)


class Unit:
    def __init__(self, session):
        self.session = session

    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, trace):
        if kind:
            await self.session.rollback()
        else:
            await self.session.commit()


class Letting:
    def __init__(self, keys: Keys, session):
        self.keys = keys
        self.session = session

    async def let(self, room):
        async with self.session.begin():
            room.key = await self.keys.find(1)

    async def look_first(self, room):
        key = await self.keys.find(1)
        async with self.session.begin():  # TXN206@20
            room.key = key


class Leaving:
    def __init__(self, keys: Keys, unit: Unit):
        self.keys = keys
        self.unit = unit

    async def leave(self, room):
        async with self.unit:
            room.key = await self.keys.find(1)
            async with self.unit.session.begin():  # TXN206@24
                room.free = True


class Cleaning:
    def __init__(self, keys: Keys, session):
        self.keys = keys
        self.session = session

    async def clean(self, room):
        async with self.session.begin():
            room.key = await self.keys.find(1)
# --- app/tasks/rooms.py
from app.services.rooms import Cleaning, Keys, Leaving, Letting, Unit
from app.session import get_session


async def let(room):
    async with get_session() as session:
        letting = Letting(Keys(session), session)
        await letting.let(room)
        async with session.begin():
            session.add(room)


async def look_first(room):
    async with get_session() as session:
        await Letting(Keys(session), session).look_first(room)


async def leave(room):
    async with get_session() as session:
        await Leaving(Keys(session), Unit(session)).leave(room)


async def clean(room):
    async with get_session() as session:
        await Cleaning(Keys(session), session).clean(room)
        async with session.begin():
            session.add(room)


async def clean_elsewhere(room):
    async with get_session() as session, get_session() as other:
        await Cleaning(Keys(other), session).clean(room)
"""
    ),
    Bad(
        """
# --- app/tasks/store.py
from app.tasks.units import choosing, leaving, outer, stacking, unit


async def own():
    async with unit(write=False) as session, session.begin():
        await session.flush()
    async with leaving("read") as session, session.begin():
        await session.flush()
    async with choosing(write=False) as session, session.begin():
        await session.flush()
    async with stacking(write=False) as session, session.begin():
        await session.flush()
    async with outer(write=False) as session, session.begin():
        await session.flush()


async def twice():
    async with unit() as session, session.begin():  # TXN206@35
        await session.flush()
    async with choosing() as session, session.begin():  # TXN206@39
        await session.flush()
# --- app/tasks/units.py
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext

from app.session import get_session


@asynccontextmanager
async def unit(write=True):
    async with get_session() as session:
        if write:
            async with session.begin():
                yield session
        else:
            yield session


@asynccontextmanager
async def leaving(mode="write"):
    async with get_session() as session:
        if mode == "read":
            yield session
            return
        async with session.begin():
            yield session


@asynccontextmanager
async def choosing(write=True):
    async with get_session() as session, session.begin() if write else nullcontext():
        yield session


@asynccontextmanager
async def stacking(write=True):
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(get_session())
        if write:
            await stack.enter_async_context(session.begin())
        yield session


@asynccontextmanager
async def outer(write=True):
    async with unit(write) as session:
        yield session
"""
    ),
    Bad(
        """
# --- app/tasks/store.py
from app.models import Row
from app.session import transactional, with_session


@with_session(begin=False)
async def owns(session):
    async with session.begin():
        session.add(Row())


@transactional(mode="read")
async def owns_too(session):
    async with session.begin():
        session.add(Row())


@with_session()
async def twice(session):
    async with session.begin():  # TXN206@16
        session.add(Row())
# --- app/session.py
import functools

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

factory = async_sessionmaker(create_async_engine("postgresql+asyncpg://db"))


def with_session(*, begin=True):
    def decorate(function):
        @functools.wraps(function)
        async def inner(*args):
            async with factory() as session:
                if not begin:
                    return await function(session, *args)
                async with session.begin():
                    return await function(session, *args)

        return inner

    return decorate


def transactional(function=None, *, mode="write"):
    def decorate(function):
        @functools.wraps(function)
        async def inner(*args):
            async with factory() as session:
                if mode == "read":
                    return await function(session, *args)
                else:
                    async with session.begin():
                        return await function(session, *args)

        return inner

    return decorate if function is None else decorate(function)
"""
    ),
    Bad(
        """
from typing import Literal, assert_never

from fastapi import APIRouter, Depends
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session_dependency

router = APIRouter()


@router.post("/items/{kind}")
async def store(kind: Literal["new", "old"], session: AsyncSession = Depends(get_session_dependency)):
    match kind:
        case "new":
            rows = await session.scalars(select(Item))
        case "old":
            rows = await session.scalars(select(Item).where(Item.status == "old"))
        case _:
            assert_never(kind)
    async with session.begin():  # TXN206@16
        session.add(Item(name=str(len(rows.all()))))


@router.post("/all/{kind}")
async def perhaps(kind: str, session: AsyncSession = Depends(get_session_dependency)):
    match kind:
        case "new":
            await session.scalars(select(Item))
        case _:
            print(kind)
    async with session.begin():
        session.add(Item(name=kind))
""",
        path="app/routers/items.py",
    ),
    Bad(
        """
# --- app/bot/repositories.py
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


class Items:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def add(self) -> None:
        self.session.add(Item(name="x"))
        await self.session.flush()


class Orders:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def add(self) -> None:
        self.session.add(Item(name="x"))
        await self.session.flush()
# --- app/bot/middlewares.py
from aiogram import BaseMiddleware

from app.bot.repositories import Items, Orders
from app.session import get_session


class Opening(BaseMiddleware):
    async def __call__(self, handler, event, data):
        async with get_session() as session, get_session() as other:
            data["db"] = session
            data["items"] = Items(session)
            data["orders"] = Orders(other)
            return await handler(event, data)
# --- app/bot/handlers.py
from aiogram import Router
from sqlalchemy.ext.asyncio import AsyncSession

from app.bot.repositories import Items, Orders
from app.models.item import Item

router = Router()


@router.message()
async def too_late(message, db: AsyncSession, items: Items):
    await items.add()
    async with db.begin():  # TXN206@16
        db.add(Item(name="x"))


@router.message()
async def in_time(message, db: AsyncSession, items: Items):
    async with db.begin():
        await items.add()


@router.message()
async def on_another(message, db: AsyncSession, orders: Orders):
    await orders.add()
    async with db.begin():
        db.add(Item(name="x"))


async def late_as_well(query, db: AsyncSession, items: Items):
    await items.add()
    async with db.begin():  # TXN206@16
        db.add(Item(name="x"))


router.callback_query.register(late_as_well)
"""
    ),
    Bad(
        """
from functools import wraps

from app.models.item import Item
from app.session import get_session


async def look(session):
    await session.get(Item, 1)


async def log(session):
    print(session)


def with_look(function):
    @wraps(function)
    async def inner(session, *args):
        await look(session)
        return await function(session, *args)

    return inner


def with_log(function):
    @wraps(function)
    async def inner(session, *args):
        await log(session)
        return await function(session, *args)

    return inner


@with_look
async def looked(session):
    print("looked")


@with_log
async def logged(session):
    print("logged")


async def begun():
    async with get_session() as session:
        await looked(session)
        async with session.begin():  # TXN206@20
            session.add(Item(name="a"))


async def begun_behind_a_log():
    async with get_session() as session:
        await logged(session)
        async with session.begin():
            session.add(Item(name="a"))
""",
        path="app/tasks/options.py",
    ),
    Bad(
        """
# --- app/routers/shelves.py
from typing import Annotated

from dishka.integrations.fastapi import FromDishka
from fastapi import APIRouter, Depends, HTTPException
from sqlalchemy.ext.asyncio import AsyncSession

from app.services.shelves import Shelves
from app.wiring import container

router = APIRouter()


async def current():
    async with container() as scope:
        shelves = await scope.get(Shelves)
        return await shelves.first()


async def own_shelves():
    async with container() as scope:
        yield await scope.get(Shelves)


async def known(shelves: Annotated[Shelves, Depends(own_shelves)]):
    if not await shelves.first():
        raise HTTPException(401)


@router.post("/of-another-scope")
async def of_another(session: FromDishka[AsyncSession], who: Annotated[str, Depends(current)]):
    async with session.begin():
        session.add(who)


@router.post("/of-a-yielded-one", dependencies=[Depends(known)])
async def of_yielded(session: FromDishka[AsyncSession]):
    async with session.begin():
        session.add("x")


@router.post("/of-the-same")
async def of_the_same(session: FromDishka[AsyncSession], shelves: FromDishka[Shelves]):
    await shelves.first()
    async with session.begin():  # TXN206@16
        session.add("x")

# --- app/wiring.py
from dishka import Provider, Scope, make_async_container, provide
from sqlalchemy.ext.asyncio import AsyncSession

from app.services.shelves import Shelves
from app.session import get_session_dependency


class Everything(Provider):
    scope = Scope.REQUEST

    session = provide(get_session_dependency, provides=AsyncSession)
    shelves = provide(Shelves)


container = make_async_container(Everything())

# --- app/services/shelves.py
from sqlalchemy.ext.asyncio import AsyncSession


class Shelves:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def fill(self, name: str) -> None:
        self.session.add(name)

    async def first(self):
        return await self.session.scalar("SELECT 1")
""",
    ),
]

GOOD = [
    Good(
        path="app/tasks/rounds.py",
        source="""
from sqlalchemy import select

from app.models.item import Item
from app.session import get_session


async def rounds():
    async with get_session() as session:
        await session.scalars(select(Item))
        await session.reset()
        async with session.begin():
            session.add(Item(name="next"))
""",
    ),
    Good(
        """
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Query, Session

from app.models.item import Item
from app.session import get_session


def only_asked_for(db: Session) -> list[Item]:
    query = db.query(Item).filter(Item.name == "a")
    with db.begin():
        return query.all()


def each(db: Session, names: list[str]) -> None:
    with db.begin():
        items = db.query(Item).all()
    for item in items:
        with db.begin():
            item.name = "a"
            db.query(Item).get(item.id)


async def each_with_its_own(session: AsyncSession) -> None:
    for item in await session.scalars(select(Item)):
        async with get_session() as own, own.begin():
            await own.merge(item)


async def tried(session: AsyncSession):
    try:
        return (await session.scalars(select(Item))).one()
    except SQLAlchemyError:
        await session.rollback()


async def perhaps(session: AsyncSession):
    try:
        await session.connection()
    except OSError:
        return


async def after(session: AsyncSession) -> None:
    await perhaps(session)
    async with session.begin():
        session.add(Item(name="a"))
""",
        path="app/tasks/items.py",
    ),
    Good(
        """
from contextlib import AsyncExitStack

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session


async def again(session: AsyncSession) -> None:
    async with session.begin():
        await session.execute(select(Item))
    async with session.begin():
        async with session.begin_nested():
            session.add(Item(name="a"))
    await session.execute(select(Item))
    await session.rollback()
    async with session.begin():
        session.add(Item(name="b"))


async def sometimes(session: AsyncSession, look: bool) -> None:
    if look:
        await session.execute(select(Item))
    async with session.begin():
        session.add(Item(name="b"))


async def asks(session: AsyncSession) -> None:
    await session.execute(select(Item))
    if not session.in_transaction():
        async with session.begin():
            session.add(Item(name="b"))


async def others(session: AsyncSession) -> None:
    await session.execute(select(Item))
    async with get_session() as second:
        async with second.begin():
            second.add(Item(name="b"))
    for _ in range(3):
        async with get_session() as each, each.begin():
            await each.execute(select(Item))
    query = select(Item)
    async with AsyncExitStack() as stack:
        other = await stack.enter_async_context(get_session())
        await stack.enter_async_context(other.begin())
        await other.execute(query)
    async with other.begin():
        pass


async def early(session: AsyncSession) -> None:
    await maybe(session, "a")
    async with session.begin():
        session.add(Item(name="b"))


async def maybe(session: AsyncSession, name: str):
    if not name:
        return None
    return await session.scalar(select(Item))
""",
        path="app/tasks/items.py",
    ),
    Good(
        """
# --- app/auth/users.py
from fastapi import Depends, Header
from sqlalchemy import select

from app.models.item import Item
from app.session import get_session, get_session_dependency


async def own_session(authorization: str = Header()):
    async with get_session() as session:
        return await session.scalar(select(Item))


async def fresh(session=Depends(get_session_dependency, use_cache=False)):
    return await session.scalar(select(Item))


async def ended(session=Depends(get_session_dependency)):
    user = await session.scalar(select(Item))
    await session.rollback()
    return user


async def block(session=Depends(get_session_dependency)):
    async with session.begin():
        return await session.scalar(select(Item))


async def held(session=Depends(get_session_dependency)):
    return await session.scalar(select(Item))
# --- app/routers/items.py
from fastapi import APIRouter, Depends

from app.auth.users import block, ended, fresh, held, own_session
from app.session import get_session_dependency

router = APIRouter(dependencies=[Depends(own_session), Depends(fresh)])


@router.post("/")
async def create(session=Depends(get_session_dependency), user=Depends(block)):
    async with session.begin():
        session.add(object())


@router.patch("/", dependencies=[Depends(ended)])
async def patch(session=Depends(get_session_dependency)):
    async with session.begin():
        session.add(object())


@router.put("/")
async def put(session=Depends(get_session_dependency, scope="function"), user=Depends(held)):
    async with session.begin():
        session.add(object())


@router.get("/")
async def read(session=Depends(get_session_dependency), user=Depends(held)):
    return await session.get(object, 1)
"""
    ),
    Good(
        source="""
# --- app/transactions.py
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

from app.decorators import counted, nested, timed
from app.session import get_session, get_session_dependency

router = APIRouter()


def index():
    return 1


@router.post("/a")
@timed
async def a(session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        session.add(object())


@router.post("/b")
@counted
async def b(session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        session.add(object())
# --- app/routers/orders.py
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import get_session, get_session_dependency
from app.transactions import in_transaction

router = APIRouter()


@router.post("/c")
@in_transaction
async def c(session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin_nested():
        session.add(object())


@router.post("/d")
@in_transaction
async def d(session: AsyncSession = Depends(get_session_dependency)):
    if not session.in_transaction():
        async with session.begin():
            session.add(object())


@router.post("/e")
@in_transaction
async def e(session: AsyncSession = Depends(get_session_dependency)):
    async with get_session() as other, other.begin():
        other.add(object())
""",
    ),
    Good(
        path="app/tasks/stock.py",
        source="""
from app.models.item import Item
from app.session import get_session


async def one_or_the_other(inner):
    async with get_session() as session:
        start = session.begin
        if inner:
            start = session.begin_nested
        async with start():
            session.add(Item(name="x"))
""",
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """One finding per ``begin()`` that must raise."""
    begun = (e for e in program.events("txn") if e.name == "begin" and not program.is_exempt(e.function))
    entered = (e for e in program.events("effect") if _enters(e) and not program.is_exempt(e.function))
    for event in one_per_call((*begun, *entered)):
        since = open_since(program, event)
        if since.steps:
            message = (
                f"`{called(event)}` begins a transaction that is already open since {since.when}, and raises. "
                f"{_way_out(since)}"
            )
            yield program.finding(META, event, as_written(program, event, message), since.steps)


def _enters(event: Event) -> bool:
    """Whether a block is entered whose object begins by hand what was begun before; calls are TXN205."""
    method = event.callee
    if "autobegun" not in event.flags or method is None or method.name not in ("__enter__", "__aenter__"):
        return False
    ended = {Effect("txn", name, event.effect.subject) for name in ("commit", "rollback")} if event.effect else set()
    return ended.isdisjoint(method.summary.effects)


def _way_out(since: Since) -> str:
    """An endpoint cannot begin before its dependencies run."""
    if since.by is None:
        part = "a part that may fail on its own belongs in `begin_nested()`"
        return f"Begin first and do everything inside the block; {part}."
    name = f"{since.by.in_full}"
    if since.holds:
        return f"Drop it: what {name} holds open commits by itself; or let {name} only open and close the session."
    return f"An endpoint cannot begin before its dependencies: {let_it_end(name)}."
