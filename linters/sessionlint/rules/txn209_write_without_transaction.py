"""TXN209: rows are written that nothing commits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.program.api import EXEMPT_ROLES
from sessionlint.program.flask_views import is_view
from sessionlint.program.values import CONNECTION, Injected
from sessionlint.report import Finding, TraceStep
from sessionlint.rules.background_work import sessions_in
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.dependency_writes import LostWrite, lost_writes
from sessionlint.rules.handed_to_handlers import commits_after_handler, openers
from sessionlint.rules.left_generators import left_at_yield
from sessionlint.rules.opening import named_openers
from sessionlint.rules.remedies import first_ended, in_colour, is_asynchronous
from sessionlint.rules.request_state import is_overwritten
from sessionlint.rules.saving import (
    changes_row,
    is_lost,
    is_write,
    only_attaches,
    opened_and_kept,
    reads_only,
    wrapped,
)
from sessionlint.rules.stopped_by_begin import stopped_by_begin
from sessionlint.rules.taken_out import are_taken_out
from sessionlint.rules.told_apart import is_for_another_branch
from sessionlint.rules.transactions import called, down_to, injector, owned

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.flask_views import is_view
from sessionlint.program.model import Event, FunctionInfo

META = Rule(
    code="TXN209",
    name="write-without-transaction",
    summary="An endpoint, dependency, background function or opener of a session writes, and nothing commits.",
    rationale=(
        "Closing a session or connection rolls its transaction back. The endpoint answers 200, `flush()` even gave the "
        "row an id, and the row is not there: no error, no log line. The finding stands in who loses the rows, at the "
        "first write on each session: the statement, the change of a loaded row, or the call that comes to one."
    ),
    remedy="Put the statements into `async with session.begin():`, the services they call included.",
    not_flagged=(
        "Writes inside a block; writes that this function, a callee or the session's source commits afterwards (a "
        "generator that is left by `break` or `return`, or taken from by `next()` alone, does not come to that); "
        "`flush()` alone; rows that are added and taken out again (`expunge`) before anything sends them; services and "
        "whatever else is no endpoint and no background work, because a caller may own the transaction, unless they "
        "open the session themselves and nobody else gets it; rows that a GET request merges to read them, or changes "
        "for its answer; sessions of unknown origin, of a class that commits by itself, or handed to code that cannot "
        "be seen; statements sent on an `AUTOCOMMIT` engine or connection, and temporary tables; writes of a "
        "dependency when one of the requests that use it commits; a session in a registry or context variable that "
        "middleware, or whatever else no code in sight calls, commits; the session of Litestar's plugin where its "
        "configuration is not in sight, has a `before_send_handler` (as `autocommit`, or one of the project), or where "
        "code that asks for it by `provide_session()` commits; where another way commits, writes before a "
        "`raise` that does not stand right behind them, and all that a later commit may still follow."
    ),
)

BAD = [
    Bad(
        path="app/routers/labels.py",
        source="""
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified

from app.models.item import Item
from app.session import get_session_dependency

router = APIRouter()


@router.post("/labels/{key}")
async def label(key: str, session: AsyncSession = Depends(get_session_dependency)):
    item = await session.get(Item, key)
    item.labels["new"] = True
    flag_modified(item, "labels")  # TXN209@5


@router.post("/kept/{key}")
async def kept(key: str, session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        item = await session.get(Item, key)
        item.labels["new"] = True
        flag_modified(item, "labels")
""",
    ),
    Bad(
        """
# --- app/routers/items.py
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.services.items import Items, rename as change
from app.session import get_session_dependency

router = APIRouter()
SessionDep = Annotated[AsyncSession, Depends(get_session_dependency)]


@router.post("/items")
async def create(session: SessionDep):
    session.add(item := Item(name="a"))  # TXN209@5
    await session.flush()
    return item.id


@router.put("/items")
async def put(session: SessionDep):
    await session.execute(select(Item))
    await change(session, "b")  # TXN209@11
    await session.execute(update(Item).values(name="a"))


@router.patch("/items")
async def patch(db: SessionDep):
    await Items(db).store()  # TXN209@11


@router.delete("/items")
async def delete(db: AsyncSession = Depends(get_session_dependency, use_cache=False)):
    async with db.begin():
        found = await db.get(Item, 1)
    await db.delete(found)  # TXN209@11
# --- app/services/items.py
async def rename(session, name):
    await _rename(session, name)


async def _rename(session, name):
    from sqlalchemy import text

    await session.execute(text("UPDATE items SET name = :name"), {"name": name})


class Items:
    def __init__(self, session) -> None:
        self.session = session

    async def store(self) -> None:
        self.session.add_all([])
"""
    ),
    Bad(
        """
from sqlalchemy.orm import Session

from app.models.item import Item
from app.session import engine, get_session, session_factory


async def nightly() -> None:
    async with get_session() as session:
        session.add(Item(name="a"))  # TXN209@9
        session.add(Item(name="b"))
        async with session.begin_nested():
            session.add(Item(name="c"))
    async with session_factory() as other:
        await other.merge(Item(name="a"))  # TXN209@15


def sync() -> None:
    with Session(engine) as db:
        db.commit()
        db.delete(object())  # TXN209@9
""",
        path="app/tasks/nightly.py",
    ),
    Bad(
        source="""
# --- app/routers/items.py
from fastapi import APIRouter, Depends
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session_dependency

router = APIRouter()


@router.put("/items/{item_id}")
async def rename(item_id: str, session: AsyncSession = Depends(get_session_dependency)):
    item = await session.get(Item, item_id)
    item.name = "new"  # TXN209@5


@router.post("/items")
async def all_of_them(session: AsyncSession = Depends(get_session_dependency)):
    for item in (await session.scalars(select(Item))).all():
        item.name = "new"  # TXN209@9


@router.patch("/items")
async def saved(session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        item = (await session.execute(select(Item))).scalar_one()
        item.name = "new"


@router.get("/items/{item_id}")
async def shown(item_id: str, session: AsyncSession = Depends(get_session_dependency)):
    item = await session.get(Item, item_id)
    item.name = item.name.title()
    return item


@router.delete("/items")
async def taken_out(session: AsyncSession = Depends(get_session_dependency)):
    item = await session.scalar(select(Item))
    session.expunge(item)
    item.name = "old"
    return item
"""
    ),
    Bad(
        """
# --- app/routers/items.py
from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from app.database import get_db
from app.models.item import Item
from app.services.items import find, fill, rename

router = APIRouter()


@router.put("/one")
def one(db: Session = Depends(get_db)):
    item = db.query(Item).filter(Item.name == "a").first()
    item.name = "b"  # TXN209@5


@router.put("/all")
def each(values: dict, db: Session = Depends(get_db)):
    for item in db.query(Item):
        for key, value in values.items():
            setattr(item, key, value)  # TXN209@13


@router.delete("/all")
def none(db: Session = Depends(get_db)):
    db.query(Item).filter(Item.name == "a").delete()  # TXN209@5


@router.put("/loaded")
def loaded(db: Session = Depends(get_db)):
    item = find(db)
    item.owner.name = "b"  # TXN209@5


class Found:
    def __init__(self, item):
        self.item = item


@router.put("/held")
def held(db: Session = Depends(get_db)):
    found = Found(find(db))
    found.item.name = "b"  # TXN209@5


@router.put("/held-above")
def held_above(db: Session = Depends(get_db)):
    held = {"item": find(db)}
    held["item"].owner.name = "b"  # TXN209@5


@router.get("/held-apart")
def held_apart(db: Session = Depends(get_db)):
    found = Found(find(db))
    found.note = "b"
    return found


@router.put("/passed")
def passed(db: Session = Depends(get_db)):
    rename(find(db))  # TXN209@5


@router.put("/below")
def below(db: Session = Depends(get_db)):
    fill(db)  # TXN209@5


@router.put("/new")
def new(db: Session = Depends(get_db)):
    item = Item(name="a")
    rename(item)
    with db.begin():
        db.add(item)


@router.get("/shown")
def shown(db: Session = Depends(get_db)):
    item = find(db)
    rename(item)
    return item
# --- app/services/items.py
from app.models.item import Item


def find(db):
    return db.query(Item).one()


def rename(item):
    item.name = "b"


def fill(db):
    rename(find(db))
# --- app/database.py
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

Local = sessionmaker(create_engine("postgresql://db/app"))


def get_db():
    with Local() as db:
        yield db
"""
    ),
    Bad(
        """
# --- app/routers/orders.py
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.repositories.orders import Facade, Orders, Shop
from app.session import get_session_dependency

router = APIRouter()
SessionDep = Annotated[AsyncSession, Depends(get_session_dependency)]


def orders(session: SessionDep) -> Orders:
    return Orders(session)


def shop(repository: Annotated[Orders, Depends(orders)]) -> Shop:
    return Shop(repository)


async def facade(inner: Annotated[Shop, Depends(shop)]):
    yield Facade(inner)


ShopDep = Annotated[Shop, Depends(shop)]


@router.post("/")
async def place(service: ShopDep):
    await service.place()  # TXN209@11


@router.post("/all")
async def place_all(service: Annotated[Facade, Depends(facade)]):
    await service.place_all()  # TXN209@11


@router.post("/in-a-block")
async def in_a_block(session: SessionDep, service: ShopDep):
    async with session.begin():
        await service.place()


@router.get("/")
async def read(service: ShopDep):
    return await service.read()
# --- app/repositories/orders.py
from sqlalchemy import select

from app.models.item import Item


class Orders:
    def __init__(self, session) -> None:
        self.session = session

    async def add(self) -> None:
        self.session.add(Item(name="a"))

    async def all(self):
        return await self.session.scalars(select(Item))


class Shop:
    def __init__(self, orders: Orders) -> None:
        self.orders = orders

    async def place(self) -> None:
        await self.orders.add()

    async def read(self):
        return await self.orders.all()


class Facade:
    def __init__(self, shop: Shop) -> None:
        self.shop = shop

    async def place_all(self) -> None:
        await self.shop.place()
"""
    ),
    Bad(
        source="""
# --- app/routers/items.py
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session_dependency

router = APIRouter()


class Timed:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def __aenter__(self):
        return self

    async def __aexit__(self, *error) -> None:
        await self.session.close()


def timed(session: AsyncSession = Depends(get_session_dependency)) -> Timed:
    return Timed(session)


@router.post("/")
async def create(unit: Timed = Depends(timed)):
    async with unit:
        unit.session.add(Item(name="a"))  # TXN209@9
"""
    ),
    Bad(
        """
# --- app/models/order.py
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    pass


class Cancelling:
    def cancel(self, why):
        self.state = why

    def label(self):
        return self.state.upper()


class Order(Cancelling, Base):
    __tablename__ = "orders"
# --- app/routers/orders.py
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.order import Order
from app.session import get_session_dependency

router = APIRouter()
Db = Annotated[AsyncSession, Depends(get_session_dependency)]


@router.post("/cancel")
async def cancel(session: Db):
    order = await session.get(Order, 1)
    order.cancel("asked for")  # TXN209@5


@router.post("/cancel-all")
async def cancel_all(session: Db):
    for order in await session.scalars(select(Order)):
        order.cancel("all")  # TXN209@9
"""
    ),
    Bad(
        """
# --- app/session.py
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

session_factory = async_sessionmaker(create_async_engine("sqlite+aiosqlite://"))


class Scope:
    async def __aenter__(self):
        self._session = session_factory()
        return self._session

    async def __aexit__(self, *error):
        await self._session.close()


class Unit(Scope):
    async def __aexit__(self, kind, *error):
        if kind is None:
            await self._session.commit()
        await self._session.close()


class Reading:
    async def __aenter__(self):
        self._session = session_factory()
        return self._session

    async def __aexit__(self, *error):
        await self._session.close()


async def get_session_dependency():
    async with Reading() as session:
        yield session


async def get_unit():
    async with Unit() as session:
        yield session
# --- app/routers/views.py
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi_utils.cbv import cbv
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import get_session_dependency, get_unit

router = APIRouter()


@cbv(router)
class Views:
    session: Annotated[AsyncSession, Depends(get_session_dependency)]
    unit: Annotated[AsyncSession, Depends(get_unit)]

    @router.post("/lost")
    async def lost(self):
        self.session.add(object())  # TXN209@9

    @router.post("/kept")
    async def kept(self):
        async with self.session.begin():
            self.session.add(object())

    @router.post("/unit")
    async def by_unit(self):
        self.unit.add(object())
"""
    ),
    Bad(
        """
# --- app/routers/shelves.py
from fastapi import APIRouter, Depends
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.services.shelves import give_up_then_put, put, put_fresh
from app.session import get_session_dependency

router = APIRouter()


@router.post("/put")
async def put_one(session: AsyncSession = Depends(get_session_dependency)):
    await put(session, Item(name="a"))


@router.post("/fresh")
async def fresh(session: AsyncSession = Depends(get_session_dependency)):
    await session.scalar(select(Item))
    await put_fresh(session, Item(name="a"))


@router.post("/after-a-read")
async def after_a_read(session: AsyncSession = Depends(get_session_dependency)):
    await session.scalar(select(Item))
    await put(session, Item(name="a"))  # TXN209@11


@router.post("/given-up")
async def given_up(session: AsyncSession = Depends(get_session_dependency)):
    await give_up_then_put(session, Item(name="a"))  # TXN209@11
# --- app/services/shelves.py
async def put(session, item):
    if not session.in_transaction():
        async with session.begin():
            session.add(item)
    else:
        session.add(item)


async def put_fresh(session, item):
    if session.in_transaction():
        await session.rollback()
    async with session.begin():
        session.add(item)


async def give_up_then_put(session, item):
    if session.in_transaction():
        await session.rollback()
    session.add(item)
"""
    ),
    Bad(
        """
# --- app/units.py
from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import get_session_dependency


class Unit:
    async def __call__(self, session=Depends(get_session_dependency)):
        yield session
        await self.finish(session)

    async def finish(self, session: AsyncSession):
        pass


class Looking(Unit):
    async def finish(self, session: AsyncSession):
        await session.rollback()  # TXN202@15


class Filing(Unit):
    async def finish(self, session: AsyncSession):
        await session.commit()  # TXN201@15


class Told(Unit):
    async def finish(self, session: AsyncSession):
        print("done")


class Kept(Told):
    async def finish(self, session: AsyncSession):
        await session.commit()  # TXN201@15


looking, filing, told, kept = Looking(), Filing(), Told(), Kept()
# --- app/main.py
from fastapi import Depends, FastAPI

from app.models import Item
from app.units import filing, kept, looking, told

app = FastAPI()


@app.post("/a")
async def a(session=Depends(looking)):
    session.add(Item())  # TXN209@5


@app.post("/b")
async def b(session=Depends(filing, scope="function")):
    session.add(Item())


@app.post("/c")
async def c(session=Depends(told)):
    session.add(Item())  # TXN209@5


@app.post("/d")
async def d(session=Depends(kept, scope="function")):
    session.add(Item())
# --- app/models.py
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "items"
"""
    ),
    Bad(
        """
# --- app/notes.py
from fastapi import Depends
from sqlalchemy.orm import DeclarativeBase

from app.session import get_session_dependency


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"


class Written:
    def __init__(self, session):
        self.session = session

    async def keep(self):
        self.session.add(Note())


class Spoken(Written):
    async def keep(self):
        print("heard")


class Giver:
    def __init__(self, of):
        self.of = of

    def __call__(self, session=Depends(get_session_dependency)):
        return self.of(session)


def given(of):
    def give(session=Depends(get_session_dependency)):
        return of(session)

    return give
# --- app/givers.py
from app.notes import Giver, Spoken, Written

written, spoken = Giver(Written), Giver(Spoken)
# --- app/main.py
from fastapi import Depends, FastAPI

from app.givers import written
from app.notes import Spoken, Written, given

app = FastAPI()


@app.post("/a")
async def a(notes=Depends(written)):
    await notes.keep()  # TXN209@11


@app.post("/b")
async def b(notes=Depends(given(Written))):
    await notes.keep()  # TXN209@11


@app.post("/c")
async def c(notes=Depends(given(Spoken))):
    await notes.keep()
"""
    ),
    Bad(
        """
# --- app/tasks/tides.py
import functools

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from app.session import get_session

scheduler = AsyncIOScheduler()


def with_session(function):
    @functools.wraps(function)
    async def opened(*args):
        async with get_session() as session:
            return await function(session, *args)

    return opened


@with_session
async def measure(session):
    async with session.begin():
        session.add(object())


@with_session
async def guess(session):
    session.add(object())  # TXN209@5
    await session.flush()


async def note(session):
    session.add(object())


@with_session
async def warn(session):
    await note(session)  # TXN209@11


@with_session
async def read(session):
    return await session.get(object, 1)


for job in (measure, guess, warn, read):
    scheduler.add_job(job, "interval", hours=1)
"""
    ),
    Bad(
        """
# --- app/tasks/jobs.py
from app.session import get_session


async def on_job_start(ctx):
    ctx["manager"] = get_session()
    ctx["session"] = await ctx["manager"].__aenter__()


async def on_job_end(ctx):
    await ctx["manager"].__aexit__(None, None, None)


async def stored(ctx, key):
    async with ctx["session"].begin():
        ctx["session"].add(key)


async def lost(ctx, key):
    ctx["session"].add(key)  # TXN209@5
    await ctx["session"].flush()


class WorkerSettings:
    functions = [stored, lost]
    on_job_start = on_job_start
    on_job_end = on_job_end
"""
    ),
    Bad(
        """
# --- app/session.py
from contextlib import asynccontextmanager

from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from app.settings import settings

engine = create_async_engine(settings.database_url)
plain_engine = create_engine(settings.database_url)


class Counted(AsyncSession):
    counted = 0

    async def flush(self, objects=None):
        self.counted += 1
        await super().flush(objects)


class Saving(Counted):
    async def close(self):
        await self.commit()
        await super().close()


saving_factory = async_sessionmaker(engine, class_=Saving)


async def get_session_dependency():
    async with Counted(engine) as session:
        yield session


async def get_saving():
    async with Saving(engine) as session:
        yield session


async def get_saving_of_factory():
    async with saving_factory() as session:
        yield session


@asynccontextmanager
async def get_session():
    async with Counted(engine) as session:
        yield session


async def get_connection():
    async with engine.connect() as connection:
        yield connection


async def get_begun():
    async with engine.begin() as connection:
        yield connection
# --- app/models/stock.py
from sqlalchemy import Column, Integer, Table
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Shelf(Base):
    __tablename__ = "shelves"
    id: Mapped[int] = mapped_column(primary_key=True)

    def delete(self):
        return self.id


stock = Table("stock", Base.metadata, Column("code", Integer, primary_key=True))
# --- app/routers/stock.py
from fastapi import APIRouter, Depends

from app.models.stock import Shelf, stock
from app.session import get_begun, get_connection, get_saving, get_saving_of_factory, get_session_dependency

router = APIRouter()


@router.post("/counted")
async def counted(session=Depends(get_session_dependency)):
    session.add(Shelf())  # TXN209@5


@router.post("/saving")
async def saving(session=Depends(get_saving)):
    session.add(Shelf())


@router.put("/saving")
async def also_saving(session=Depends(get_saving_of_factory)):
    session.add(Shelf())


@router.post("/connection")
async def connected(connection=Depends(get_connection)):
    await connection.execute(stock.update().values(code=1))  # TXN209@11


@router.put("/connection")
async def connected_and_kept(connection=Depends(get_connection)):
    await connection.execute(stock.update().values(code=1))
    await connection.commit()


@router.post("/begun")
async def begun(connection=Depends(get_begun)):
    await connection.execute(stock.insert().values(code=1))
# --- app/tasks/stock.py
from sqlalchemy import text

from app.models.stock import Base, Shelf, stock
from app.session import get_session, plain_engine


def clear():
    with plain_engine.connect() as connection:
        connection.execute(stock.delete())  # TXN209@9
    with plain_engine.begin() as connection:
        connection.execute(stock.delete())
    with plain_engine.connect() as connection, connection.begin():
        connection.execute(stock.delete())
    with plain_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CREATE DATABASE old"))
    with plain_engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(stock.delete())
    with plain_engine.connect() as connection:
        connection.execute(stock.select())
        connection.execute(text("CREATE TEMPORARY TABLE seen (code int)"))


async def empty():
    async with get_session() as session:
        await session.execute(Shelf.__table__.delete())  # TXN209@15
    async with get_session() as session:
        shelves = Shelf.__table__
        print(shelves.c.id, Shelf().delete())
        await session.execute(shelves.update().values(id=1))  # TXN209@15
    async with get_session() as session:
        for table in Base.metadata.sorted_tables:
            await session.execute(table.delete())  # TXN209@19


async def part(connection):
    await connection.execute(stock.delete())


async def through_sessions():
    async with get_session() as session:
        await part(await session.connection())
        await session.commit()


async def sweep():
    async with get_session() as session:
        await session.execute(text("-- each night\\nDELETE FROM stock"))  # TXN209@15


async def count():
    async with get_session() as session:
        await session.execute(text("/* DELETE FROM stock */ SELECT 1"))
        await session.execute(text("WITH old AS (SELECT 1) SELECT 'with x as (delete from y)'"))


async def move():
    async with get_session() as session:
        await session.execute(text("WITH gone AS (DELETE FROM stock RETURNING code) SELECT * FROM gone"))  # TXN209@15
"""
    ),
    Bad(
        """
# --- app/services/desks.py
from abc import ABC, abstractmethod


class Desks(ABC):
    @abstractmethod
    async def move(self, row): ...


class Chairs(ABC):
    @abstractmethod
    async def move(self, row): ...


class SavedDesks(Desks):
    def __init__(self, session) -> None:
        self.session = session

    async def move(self, row):
        self.session.add(row)
        await self.session.commit()


class FlushedChairs(Chairs):
    def __init__(self, session) -> None:
        self.session = session

    async def move(self, row):
        self.session.add(row)
        await self.session.flush()
# --- app/routers/desks.py
from fastapi import APIRouter, Depends, FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from app.services.desks import Chairs, Desks, FlushedChairs, SavedDesks
from app.session import get_session_dependency

router = APIRouter()


def desks(session: AsyncSession = Depends(get_session_dependency)) -> Desks:
    return SavedDesks(session)


def chairs(session: AsyncSession = Depends(get_session_dependency)) -> Chairs:
    return FlushedChairs(session)


@router.post("/desks")
async def move_desk(service: Desks = Depends()):
    await service.move(object())


@router.post("/chairs")
async def move_chair(service: Chairs = Depends()):
    await service.move(object())  # TXN209@11


app = FastAPI()
for interface, maker in {Desks: desks, Chairs: chairs}.items():
    app.dependency_overrides[interface] = maker
"""
    ),
    Bad(
        """
# --- app/models/parcels.py
from sqlalchemy import ForeignKey
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.mutable import MutableDict, MutableList
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Parcel(Base):
    __tablename__ = "parcels"
    key: Mapped[int] = mapped_column(primary_key=True)
    parcel_key: Mapped[int] = mapped_column(ForeignKey("parcels.key"))
    marks: Mapped[dict] = mapped_column(MutableDict.as_mutable(JSONB))
    stops: Mapped[list] = mapped_column(MutableList.as_mutable(JSONB))
    notes: Mapped[dict] = mapped_column(JSONB)
    inner: Mapped[list["Parcel"]] = relationship()
# --- app/routers/parcels.py
from fastapi import APIRouter, Depends
from sqlalchemy import select

from app.models.parcels import Parcel
from app.session import get_session_dependency

router = APIRouter()


@router.put("/marks")
async def mark(session=Depends(get_session_dependency)):
    parcel = await session.get(Parcel, 1)
    parcel.marks["seen"] = True  # TXN209@5


@router.put("/marks/all")
async def mark_all(session=Depends(get_session_dependency)):
    parcel = await session.get(Parcel, 1)
    parcel.marks.update(seen=True)  # TXN209@5


@router.put("/stops")
async def stop(session=Depends(get_session_dependency)):
    parcel = await session.get(Parcel, 1)
    parcel.stops.append("here")  # TXN209@5


@router.delete("/marks")
async def unmark(session=Depends(get_session_dependency)):
    parcel = await session.get(Parcel, 1)
    del parcel.marks["seen"]  # TXN209@9


@router.delete("/inner")
async def take_out(session=Depends(get_session_dependency)):
    parcel = await session.get(Parcel, 1)
    del parcel.inner[0]  # TXN209@9


@router.put("/pairs")
async def pairs(session=Depends(get_session_dependency)):
    for one, other in (await session.execute(select(Parcel, Parcel))).tuples():
        one.notes = other.notes  # TXN209@9


@router.put("/kept")
async def kept(session=Depends(get_session_dependency)):
    async with session.begin():
        parcel = await session.get(Parcel, 1)
        parcel.marks["seen"] = True
        parcel.stops.append("here")
        del parcel.inner[0]


@router.put("/untracked")
async def untracked(session=Depends(get_session_dependency)):
    parcel = await session.get(Parcel, 1)
    parcel.notes["seen"] = True
    marks = dict(parcel.marks)
    marks["seen"] = True
    del marks["old"]
    return marks


@router.get("/shown")
async def shown(session=Depends(get_session_dependency)):
    parcel = await session.get(Parcel, 1)
    parcel.marks["shown"] = True
    return parcel
"""
    ),
    Bad(
        """
# --- app/models/parcel.py
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Parcel(Base):
    __tablename__ = "parcels"
    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str]

    def seal(self):
        self.state = "sealed"

    def label(self):
        return self.state.upper()
# --- app/repositories/parcels.py
from typing import Generic, TypeVar

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.parcel import Parcel

T = TypeVar("T")


class Rows(Generic[T]):
    def __init__(self, session: AsyncSession, model: type[T]) -> None:
        self.session = session
        self.model = model

    async def one(self, key: int) -> T | None:
        return await self.session.get(self.model, key)

    async def all(self) -> list[T]:
        return list(await self.session.scalars(select(self.model)))

    def finder(self):
        return self.session.get


class Parcels(Rows[Parcel]):
    def __init__(self, session: AsyncSession) -> None:
        super().__init__(session, Parcel)


class Named(Rows[Parcel]):
    def __init__(self, db: AsyncSession) -> None:
        super().__init__(model=Parcel, session=db)


class Direct(Rows[Parcel]):
    def __init__(self, session: AsyncSession) -> None:
        Rows.__init__(self, session, Parcel)
# --- app/routers/parcels.py
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.parcel import Parcel
from app.repositories.parcels import Direct, Named, Parcels
from app.session import get_session_dependency

router = APIRouter()
Db = Annotated[AsyncSession, Depends(get_session_dependency)]


@router.post("/assigned/{key}")
async def assigned(key: int, db: Db):
    parcel = await Parcels(db).one(key)
    parcel.state = "sealed"  # TXN209@5


@router.post("/named/{key}")
async def named(key: int, db: Db):
    parcel = await Named(db).one(key)
    parcel.seal()  # TXN209@5


@router.post("/direct")
async def direct(db: Db):
    for parcel in await Direct(db).all():
        parcel.seal()  # TXN209@9


@router.post("/found/{key}")
async def found(key: int, db: Db):
    parcel = await Parcels(db).finder()(Parcel, key)
    parcel.seal()  # TXN209@5


@router.post("/kept/{key}")
async def kept(key: int, db: Db):
    async with db.begin():
        parcel = await Parcels(db).one(key)
        parcel.seal()


@router.post("/labels/{key}")
async def label(key: int, db: Db):
    parcel = await Parcels(db).one(key)
    return parcel.label()
"""
    ),
    Bad(
        """
# --- app/tasks/imports.py
from app.services.rows import Rows
from app.session import get_session


async def lost(row):
    async with get_session() as session:
        await Rows(session).create(row)  # TXN209@15


async def lost_by_call(row):
    async with get_session() as session:
        await Rows(session, finishing=True).create(row, finish=False)  # TXN209@15


async def stored(row):
    async with get_session() as session:
        await Rows(session, finishing=True).create(row)


async def stored_by_call(row):
    async with get_session() as session:
        await Rows(session).create(row, finish=True)
# --- app/services/rows.py
class Rows:
    def __init__(self, session, *, finishing=False):
        self.session = session
        self.finishing = finishing

    async def create(self, row, finish=None):
        self.session.add(row)
        now = self.finishing if finish is None else finish
        if now:
            await self.session.commit()
"""
    ),
    Bad(
        """
# --- app/tasks/store.py
from app.models import Row
from app.tasks.units import choosing, finishing, leaving, outer, stacking, unit


async def lost_1():
    async with unit(write=False) as session:
        session.add(Row())  # TXN209@9


async def lost_2():
    async with leaving("read") as session:
        session.add(Row())  # TXN209@9


async def lost_3():
    async with choosing(write=False) as session:
        session.add(Row())  # TXN209@9


async def lost_4():
    async with stacking(write=False) as session:
        session.add(Row())  # TXN209@9


async def lost_5():
    async with outer(write=False) as session:
        session.add(Row())  # TXN209@9


async def lost_6():
    async with finishing(write=False) as session:
        session.add(Row())  # TXN209@9


async def stored(write: bool):
    async with unit() as session:
        session.add(Row())
    async with leaving() as session:
        session.add(Row())
    async with choosing(True) as session:
        session.add(Row())
    async with stacking() as session:
        session.add(Row())
    async with outer(write) as session:
        session.add(Row())
    async with finishing() as session:
        session.add(Row())
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


@asynccontextmanager
async def finishing(write=True):
    async with get_session() as session:
        yield session
        if write:
            await session.commit()
"""
    ),
    Bad(
        """
# --- app/tasks/store.py
from app.models import Row
from app.session import Looking, Reading, Saving, Switched


async def lost_1():
    async with Reading() as unit:
        unit.session.add(Row())  # TXN209@9


async def lost_2():
    looking = Looking()
    async with looking:
        looking.session.add(Row())  # TXN209@9


async def lost_3():
    async with Switched(save=False) as unit:
        unit.session.add(Row())  # TXN209@9


async def stored(given: Saving):
    async with Saving() as unit:
        unit.session.add(Row())
    async with Switched() as unit:
        unit.session.add(Row())
    async with given:
        given.session.add(Row())
# --- app/session.py
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

factory = async_sessionmaker(create_async_engine("postgresql+asyncpg://db"))


class Saving:
    async def __aenter__(self):
        self.session = factory()
        return self

    async def __aexit__(self, kind, error, trace):
        if kind is None:
            await self.finish()
        await self.session.close()

    async def finish(self):
        await self.session.commit()


class Reading(Saving):
    async def finish(self):
        await self.session.rollback()


class Looking(Saving):
    async def __aexit__(self, kind, error, trace):
        await self.session.close()


class Switched(Saving):
    def __init__(self, save=True):
        self.save = save

    async def finish(self):
        if self.save:
            await self.session.commit()
"""
    ),
    Bad(
        """
# --- app/tasks/store.py
from app.models import Row
from app.services.rows import store
from app.session import get_session


async def late():
    async with get_session() as session:
        await store(session, Row())  # TXN209@15
    async with get_session() as session:
        await session.execute("SELECT 1")
    await store(session, Row())  # TXN208@11
# --- app/services/rows.py
async def store(session, row):
    session.add(row)
    await session.flush()
"""
    ),
    Bad(
        """
# --- app/tasks/store.py
from app.config import settings
from app.models import Row
from app.session import finishing, handing, transactional, with_session


@with_session(begin=False)
async def loses(session):
    session.add(Row())  # TXN209@5


@transactional(mode="read")
async def only_reads(session):
    session.add(Row())  # TXN209@5


@finishing(finish=False)
async def unfinished(session):
    session.add(Row())  # TXN209@5


@handing
async def handed(session):
    session.add(Row())  # TXN209@5


@with_session()
async def stores(session):
    session.add(Row())


@with_session(begin=settings.begins)
async def nobody_knows(session):
    session.add(Row())


@transactional
async def writes(session):
    session.add(Row())


@finishing()
async def finished(session):
    session.add(Row())


@handing
async def owns(session):
    async with session.begin():
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


def finishing(finish=True):
    def decorate(function):
        @functools.wraps(function)
        async def inner(*args):
            async with factory() as session:
                result = await function(session, *args)
                if finish:
                    await session.commit()
                return result

        return inner

    return decorate


def handing(function):
    @functools.wraps(function)
    async def inner(*args):
        async with factory() as session:
            return await function(session, *args)

    return inner
"""
    ),
    Bad(
        """
# --- app/tasks/stock.py
from sqlalchemy import func, select, text

from app.session import get_session


async def refreshed():
    async with get_session() as session:
        await session.execute(text("REFRESH MATERIALIZED VIEW CONCURRENTLY stock"))  # TXN209@15


async def loaded():
    async with get_session() as session:
        await session.execute(text("COPY app.stock (id, name) FROM '/data/stock.csv'"))  # TXN209@15


async def archived():
    async with get_session() as session:
        await session.execute(text("SELECT id, (now()) AS at INTO old_stock FROM stock"))  # TXN209@15


async def in_block():
    async with get_session() as session:
        await session.execute(text("-- old\\nDO $body$ BEGIN DELETE FROM stock; END $body$"))  # TXN209@15


async def told():
    async with get_session() as session:
        await session.execute(select(func.pg_notify("stock", "new")))  # TXN209@15


async def told_by_text():
    async with get_session() as session:
        await session.execute(text("NOTIFY stock, 'new'"))  # TXN209@15


async def only_asked():
    async with get_session() as session:
        await session.execute(text("COPY (SELECT name FROM stock) TO '/data/stock.csv'"))
        await session.execute(text("SELECT 'goes into', name FROM stock"))
        await session.execute(text("SELECT * INTO TEMP few FROM stock"))
        await session.execute(text("DO $$ BEGIN RAISE NOTICE 'delete from stock'; END $$"))
        await session.execute(select(func.pg_backend_pid()))


async def kept():
    async with get_session() as session, session.begin():
        await session.execute(text("REFRESH MATERIALIZED VIEW stock"))
        await session.execute(select(func.pg_notify("stock", "new")))
"""
    ),
    Bad(
        path="app/tasks/pairs.py",
        source="""
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session


class Pair(NamedTuple):
    session: AsyncSession
    name: str


async def taken_apart(pair: Pair):
    session, name = pair
    session.add(Item(name=name))


async def matched(pair: Pair):
    match pair:
        case Pair(session=session, name=name):
            session.add(Item(name=name))


async def one(name):
    async with get_session() as session:
        await taken_apart(Pair(session, name))  # TXN209@15


async def other(name):
    async with get_session() as session:
        await matched(Pair(session, name))  # TXN209@15


async def saved(name):
    async with get_session() as session, session.begin():
        await taken_apart(Pair(session, name))
        await matched(Pair(session, name))
""",
    ),
    Bad(
        """
# --- app/plugins.py
import os

from advanced_alchemy.extensions.litestar import SQLAlchemyAsyncConfig, SQLAlchemyPlugin


def finish(message, scope):
    print(message)


plain = SQLAlchemyAsyncConfig(connection_string=os.environ["DB"])
saving = SQLAlchemyAsyncConfig(
    connection_string=os.environ["DB"], session_dependency_key="saved", before_send_handler="autocommit"
)
own = SQLAlchemyAsyncConfig(
    connection_string=os.environ["DB"], session_dependency_key="own", before_send_handler=finish
)
unused = SQLAlchemyAsyncConfig(connection_string=os.environ["DB"], session_dependency_key="unused")
plugins = [SQLAlchemyPlugin(config=[plain, saving]), SQLAlchemyPlugin(config=own)]
# --- app/shelves.py
from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from advanced_alchemy.service import SQLAlchemyAsyncRepositoryService
from litestar import Controller, delete, get, post, put
from litestar.di import Provide
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Jar


class Jars(SQLAlchemyAsyncRepository[Jar]):
    model_type = Jar


class Shelf(SQLAlchemyAsyncRepositoryService[Jar]):
    repository_type = Jars


async def shelf_of_request(db_session: AsyncSession) -> Shelf:
    return Shelf(session=db_session)


async def saved_shelf(saved: AsyncSession) -> Shelf:
    return Shelf(session=saved)


@post("/lost")
async def lost(db_session: AsyncSession) -> None:
    db_session.add(Jar())  # TXN209@5


@post("/kept")
async def kept(saved: AsyncSession, own: AsyncSession, unused: AsyncSession) -> None:
    saved.add(Jar())
    own.add(Jar())
    unused.add(Jar())


class ShelfController(Controller):
    dependencies = {"shelf": Provide(shelf_of_request), "saved_shelf": Provide(saved_shelf)}

    @post()
    async def put_up(self, shelf: Shelf) -> None:
        await shelf.create({})  # TXN209@15

    @put()
    async def put_up_and_saved(self, saved_shelf: Shelf) -> None:
        await saved_shelf.create({})

    @delete("/{key:int}")
    async def take_down(self, db_session: AsyncSession, shelf: Shelf, key: int) -> None:
        async with db_session.begin():
            await shelf.delete(key)

    @get()
    async def shown(self, shelf: Shelf) -> int:
        return await shelf.count()

# --- app/models.py
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    pass


class Jar(Base):
    __tablename__ = "jars"
""",
    ),
    Bad(
        """
# --- app/main.py
from litestar import Litestar, Router, post
from sqlalchemy.ext.asyncio import AsyncSession
from litestar.di import Provide

from app.models import Jar
from app.session import get_session, get_session_dependency


async def saving():
    async with get_session() as session, session.begin():
        yield session


@post("/of-the-application")
async def of_the_application(db: AsyncSession) -> None:
    db.add(Jar())  # TXN209@5


@post("/of-both-layers")
async def of_both_layers(session: AsyncSession) -> None:
    session.add(Jar())  # TXN209@5


@post("/of-its-own", dependencies={"session": saving})
async def of_its_own(session: AsyncSession) -> None:
    session.add(Jar())


@post("/of-two-that-differ")
async def of_two_that_differ(either: AsyncSession) -> None:
    either.add(Jar())


jars = Router(
    "/jars",
    route_handlers=[of_both_layers, of_its_own, of_two_that_differ],
    dependencies={"session": Provide(get_session_dependency), "either": Provide(saving)},
)
app = Litestar(
    [of_the_application, jars],
    dependencies={
        "db": get_session_dependency,
        "session": Provide(get_session_dependency),
        "either": Provide(get_session_dependency),
    },
)

# --- app/models.py
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    pass


class Jar(Base):
    __tablename__ = "jars"
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
in_hand: ContextVar[AsyncSession] = ContextVar("in_hand")


@asynccontextmanager
async def get_session():
    async with factory() as session:
        held = in_hand.set(session)
        yield session
        in_hand.reset(held)


async def get_session_dependency():
    async with get_session() as session:
        yield session


def hand() -> AsyncSession:
    return in_hand.get()
# --- app/services/cards.py
from app.models.item import Item
from app.session import hand


async def draw():
    hand().add(Item(name="card"))


async def shuffle():
    await hand().begin()  # TXN203@11
    await draw()
# --- app/routers/cards.py
from fastapi import APIRouter, Depends

from app.services.cards import draw
from app.session import get_session_dependency

router = APIRouter()


@router.post("/lost")
async def lost(session=Depends(get_session_dependency)):
    await draw()  # TXN209@11


@router.post("/kept")
async def kept(session=Depends(get_session_dependency)):
    async with session.begin():
        await draw()
"""
    ),
    Bad(
        """
# --- app/services/pages.py
from contextlib import asynccontextmanager
from functools import wraps

from app.models.item import Item


def transactional(function):
    @wraps(function)
    async def inner(self, *args):
        if self.session.in_transaction():
            return await function(self, *args)
        async with self.session.begin():
            return await function(self, *args)

    return inner


@asynccontextmanager
async def ensured(session):
    if session.in_transaction():
        yield session
    else:
        async with session.begin():
            yield session


def within(required=False):
    def decorate(function):
        @wraps(function)
        async def inner(session, *args):
            if required and not session.in_transaction():
                raise RuntimeError("no transaction")
            async with ensured(session):
                return await function(session, *args)

        return inner

    return decorate


class Pages:
    def __init__(self, session):
        self.session = session

    async def write(self, name):
        self.session.add(Item(name=name))
        await self.session.flush()

    @transactional
    async def turn(self, name):
        await self.write(name)


@within()
async def tear(session, name):
    session.add(Item(name=name))
    await session.flush()
# --- app/routers/pages.py
from fastapi import APIRouter, Depends
from sqlalchemy import select

from app.models.item import Item
from app.services.pages import Pages, tear
from app.session import get_session_dependency

router = APIRouter()


@router.post("/turned")
async def turned(session=Depends(get_session_dependency)):
    await Pages(session).turn("one")
    await Pages(session).turn("two")


@router.post("/torn")
async def torn(session=Depends(get_session_dependency)):
    await tear(session, "one")
    await Pages(session).turn("two")


@router.post("/inside")
async def inside(session=Depends(get_session_dependency)):
    async with session.begin():
        await tear(session, "one")
        await Pages(session).turn("two")


@router.post("/asked-before")
async def asked_before(session=Depends(get_session_dependency)):
    await session.scalar(select(Item))
    await Pages(session).turn("one")  # TXN209@11


@router.post("/written-after")
async def written_after(session=Depends(get_session_dependency)):
    await tear(session, "one")
    await Pages(session).write("two")  # TXN209@11
"""
    ),
    Bad(
        source="""
# --- app/tasks/boats.py
from app.models.item import Item
from app.session import begun, committed, committed_at_last


def keep(session, name):
    session.add(Item(name=name))


async def broken_off(names):
    async for session in committed():
        for name in names:
            session.add(Item(name=name))  # TXN209@13
        break


async def returned(name):
    async for session in begun():
        if name:
            return keep(session, name)  # TXN209@20


async def shut(name):
    async for session in committed():
        try:
            session.add(Item(name=name))  # TXN209@13
        finally:
            await session.close()


async def taken(name):
    session = await anext(committed())
    try:
        session.add(Item(name=name))  # TXN209@9
    finally:
        await session.close()


async def taken_of_name(name):
    source = committed()
    try:
        session = await anext(source)
        session.add(Item(name=name))  # TXN209@9
    finally:
        await source.aclose()


async def run_out(names):
    async for session in committed():
        session.add(Item(name=names[0]))
        for name in names:
            session.add(Item(name=name))
            break
    async for session in begun():
        session.add(Item(name="a"))


async def maybe_run_out(name):
    async for session in committed():
        session.add(Item(name=name))
        if name:
            break


async def skipped(name):
    async for session in committed():
        try:
            session.add(Item(name=name))
        except ValueError:
            continue
        break


async def resumed(name):
    source = committed()
    session = await anext(source)
    session.add(Item(name=name))
    await anext(source, None)


async def in_finally(name):
    async for session in committed_at_last():
        session.add(Item(name=name))
        break
# --- app/session.py
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://db/app")
session_factory = async_sessionmaker(engine)


async def committed():
    async with session_factory() as session:
        try:
            yield session
            await session.commit()
        except Exception:
            await session.rollback()
            raise


async def begun():
    async with session_factory() as session, session.begin():
        yield session


async def committed_at_last():
    async with session_factory() as session:
        try:
            yield session
        finally:
            await session.commit()
"""
    ),
    Bad(
        """
# --- app/tasks/steps.py
from abc import ABC, abstractmethod

from app.session import get_session


class Step(ABC):
    async def run(self):
        async with get_session() as session:
            await self.work(session)  # TXN209@19

    @abstractmethod
    async def work(self, session): ...


class Closing(Step):
    async def work(self, session):
        session.add(object())


class Promoting(Step):
    async def work(self, session):
        async with session.begin():
            session.add(object())


class Finishing(Step):
    async def work(self, session):
        session.add(object())
        await session.commit()
# --- app/tasks/nightly.py
from app.session import get_session
from app.tasks.steps import Closing, Finishing, Promoting


async def nightly():
    await Closing().run()
    await Promoting().run()


async def chosen(kind):
    step = Closing() if kind else Finishing()
    async with get_session() as session:
        await step.work(session)  # TXN209@15


async def each_its_own():
    for step in (Closing(), Finishing()):
        async with get_session() as session:
            await step.work(session)  # TXN209@19


async def together():
    async with get_session() as session:
        for step in (Closing(), Finishing()):
            await step.work(session)


async def finished(kind):
    step = Promoting() if kind else Finishing()
    async with get_session() as session:
        await step.work(session)
"""
    ),
    Bad(
        # what a factory's dependency makes is of the class that this call hands it
        source="""
from fastapi import APIRouter, Depends

from app.models import Item
from app.session import get_session_dependency

router = APIRouter()


class Shelf:
    def __init__(self, session):
        self.session = session

    async def put(self, name):
        self.session.add(Item(name=name))


class ClosingShelf(Shelf):
    async def put(self, name):
        await super().put(name)
        await self.session.commit()


def shelf_of(kind):
    def build(session=Depends(get_session_dependency)):
        return kind(session)

    return Depends(build)


@router.post("/lost")
async def lost(name: str, shelf: Shelf = shelf_of(Shelf)):
    await shelf.put(name)  # TXN209@11


@router.post("/kept")
async def kept(name: str, shelf: ClosingShelf = shelf_of(ClosingShelf)):
    await shelf.put(name)
""",
    ),
    Bad(
        """
from sqlalchemy import select, text, update

from app.models.item import Item
from app.session import get_session


async def by_text():
    async with get_session() as session:
        written = text("UPDATE items SET name = 'a' RETURNING *")
        await session.scalars(select(Item).from_statement(written))  # TXN209@15


async def by_query():
    async with get_session() as session:
        changed = update(Item).values(name="a").returning(Item)
        await session.scalars(select(Item).from_statement(changed))  # TXN209@15


async def only_read():
    async with get_session() as session:
        await session.scalars(select(Item).from_statement(text("SELECT * FROM items")))
""",
        path="app/tasks/items.py",
    ),
    Bad(
        """
# --- app/timed.py
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession

from app.session import get_session


class Timed:
    def __init__(self, manager: AbstractAsyncContextManager[AsyncSession]) -> None:
        self.manager = manager

    async def __aenter__(self) -> AsyncSession:
        return await self.manager.__aenter__()

    async def __aexit__(self, *error):
        return await self.manager.__aexit__(*error)


@asynccontextmanager
async def transaction():
    async with get_session() as session, session.begin():
        yield session
# --- app/tasks/items.py
from sqlalchemy import update

from app.models.item import Item
from app.session import get_session
from app.timed import Timed, transaction


async def lost():
    async with Timed(get_session()) as session:
        await session.execute(update(Item).values(name="a"))  # TXN209@15


async def kept():
    async with Timed(get_session()) as session, session.begin():
        await session.execute(update(Item).values(name="a"))
    async with Timed(transaction()) as session:
        await session.execute(update(Item).values(name="a"))
"""
    ),
    Bad(
        """
from functools import wraps

from app.models.item import Item
from app.session import get_session


async def note(session):
    session.add(Item(name="note"))


async def log(session):
    print(session)


def with_note(function):
    @wraps(function)
    async def inner(session, *args):
        await note(session)
        return await function(session, *args)

    return inner


def with_log(function):
    @wraps(function)
    async def inner(session, *args):
        await log(session)
        return await function(session, *args)

    return inner


@with_note
async def noted(session):
    print("noted")


@with_log
async def logged(session):
    print("logged")


async def lost():
    async with get_session() as session:
        await noted(session)  # TXN209@15


async def nothing_to_lose():
    async with get_session() as session:
        await logged(session)
""",
        path="app/tasks/options.py",
    ),
    Bad(
        """
# --- app/tasks/shelves.py
import asyncio

from dishka import AsyncContainer
from sqlalchemy.ext.asyncio import AsyncSession

from app.services.shelves import Shelves
from app.wiring import container


async def lost(name: str) -> None:
    async with container() as scope:
        session = await scope.get(AsyncSession)
        session.add(name)  # TXN209@9
        await session.flush()


async def lost_below(given: AsyncContainer) -> None:
    async with given() as scope:
        shelves = await scope.get(Shelves)
        await shelves.fill("atlas")  # TXN209@15


async def of_another_scope() -> None:
    async with container() as one, container() as two:
        session = await one.get(AsyncSession)
        shelves = await two.get(Shelves)
        async with session.begin():
            await shelves.fill("atlas")  # TXN209@19


async def of_one_scope() -> None:
    async with container() as scope:
        shelves = await scope.get(Shelves)
        session = await scope.get(AsyncSession)
        async with session.begin():
            await shelves.fill("atlas")
    await asyncio.sleep(60)


async def by_hand() -> None:
    async with container() as scope:
        shelves = await scope.get(Shelves)
        await shelves.fill("atlas")
        await (await scope.get(AsyncSession)).commit()

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
        await self.session.flush()
""",
    ),
    Bad(
        """
# --- app/routers/notes.py
from fastapi import APIRouter
from sqlalchemy.orm import Session

from app.wiring import container, parts

router = APIRouter()


@router.post("/lost")
def lost(body: dict, db=parts.depends(Session)):
    db.add(body)  # TXN209@5


@router.post("/lost/by-hand")
def lost_by_hand(body: dict):
    db = container[Session]
    db.add(body)  # TXN209@5


@router.post("/kept")
def kept(body: dict, db=parts.depends(Session)):
    with db.begin():
        db.add(body)

# --- app/wiring.py
from lagom import Container
from lagom.integrations.fast_api import FastApiIntegration
from sqlalchemy.orm import Session

from app.session import session_factory

container = Container()
container[Session] = lambda: session_factory()
parts = FastApiIntegration(container, request_singletons=[Session])
""",
    ),
    Bad(
        """
# --- app/session.py
from sqlalchemy import create_engine
from sqlalchemy.orm import scoped_session, sessionmaker

current = scoped_session(sessionmaker(create_engine("postgresql://db/app")))
# --- app/models/parcel.py
from sqlalchemy import Column, String
from sqlalchemy.orm import declarative_base

from app.session import current

Base = declarative_base()
Base.query = current.query_property()


class Parcel(Base):
    __tablename__ = "parcels"
    id = Column(String, primary_key=True)
    label = Column(String)

    @classmethod
    def labelled(cls, label):
        return cls.query.filter_by(label=label).first()

    def rename(self, label):
        self.label = label
# --- app/tasks/parcels.py
from app.models.parcel import Parcel
from app.session import current


def lost(key):
    current.get(Parcel, key).rename("b")  # TXN209@5


def lost_by_class(label):
    parcel = Parcel.labelled(label)
    parcel.label = "b"  # TXN209@5
    current.flush()


def lost_each():
    for parcel in current.query(Parcel):
        parcel.label = "b"  # TXN209@9


def kept(key, label):
    current.get(Parcel, key).rename("b")
    Parcel.labelled(label).label = "b"
    current.commit()


def read(key):
    for parcel in Parcel.query.filter_by(label="b"):
        print(parcel.label, current.get(Parcel, key).label)
"""
    ),
    Bad(
        """
# --- app/services/prices.py
async def raise_each(session, rows, by):
    for row in rows:
        row.price = row.price + by


async def show_each(session, rows):
    for row in rows:
        print(row.price)


async def fill_each(session, entries):
    for entry in entries:
        entry.price = 1
# --- app/models/ware.py
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Ware(Base):
    __tablename__ = "wares"
    id: Mapped[str] = mapped_column(primary_key=True)
    price: Mapped[int]
# --- app/routers/prices.py
from fastapi import APIRouter, Depends
from sqlalchemy import select

from app.models.ware import Ware
from app.services.prices import fill_each, raise_each, show_each
from app.session import get_session_dependency

router = APIRouter()


@router.post("/lost")
async def lost(session=Depends(get_session_dependency)):
    rows = (await session.scalars(select(Ware))).all()
    await raise_each(session, rows, 1)  # TXN209@11


@router.post("/one")
async def lost_one(key: str, session=Depends(get_session_dependency)):
    row = await session.get(Ware, key)
    await raise_each(session, [row], 1)  # TXN209@11


@router.post("/kept")
async def kept(session=Depends(get_session_dependency)):
    async with session.begin():
        rows = (await session.scalars(select(Ware))).all()
        await raise_each(session, rows, 1)


@router.get("/shown")
async def shown(session=Depends(get_session_dependency)):
    rows = (await session.scalars(select(Ware))).all()
    await show_each(session, rows)
    await fill_each(session, [object()])
"""
    ),
    Bad(
        """
# --- app/models/crates.py
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.mutable import MutableDict
from sqlmodel import Field, SQLModel


class Crate(SQLModel, table=True):
    key: int = Field(primary_key=True)
    marks: dict = Field(default_factory=dict, sa_column=sa.Column(MutableDict.as_mutable(JSONB)))
    notes: dict = Field(default_factory=dict, sa_column=sa.Column(JSONB))
# --- app/routers/crates.py
from fastapi import APIRouter, Depends

from app.models.crates import Crate
from app.session import get_session_dependency

router = APIRouter()


@router.put("/marks")
async def mark(session=Depends(get_session_dependency)):
    crate = await session.get(Crate, 1)
    crate.marks["seen"] = True  # TXN209@5


@router.put("/notes")
async def note(session=Depends(get_session_dependency)):
    crate = await session.get(Crate, 1)
    crate.notes["seen"] = True
"""
    ),
    Bad(
        """
# --- app/session.py
from contextlib import asynccontextmanager
from contextvars import ContextVar

from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://")
factory = async_sessionmaker(engine)
request_id: ContextVar[str] = ContextVar("request_id")
session = async_scoped_session(factory, scopefunc=request_id.get)
# --- app/services/invoices.py
from app.models.item import Item
from app.session import session


class Invoices:
    async def reissue_all(self):
        async with session.begin():
            session.add(Item(name="invoice"))
# --- app/routers/cards.py
from fastapi import APIRouter

from app.models.item import Item
from app.session import session

router = APIRouter()


@router.post("/lost")
async def lost(name: str):
    session.add(Item(name=name))  # TXN209@5
# --- app/tasks/bills.py
import asyncio

from celery import shared_task

from app.models.item import Item
from app.session import request_id, session


@shared_task
def bill(name):
    asyncio.run(_bill(name))


async def _bill(name):
    request_id.set(name)
    session.add(Item(name=name))  # TXN209@5
    await session.remove()
"""
    ),
    Bad(
        """
# --- app/models/boxes.py
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    @classmethod
    def of(cls, db, key):
        return db.get(cls, key)


class Box(Base):
    __tablename__ = "boxes"
    id: Mapped[str] = mapped_column(primary_key=True)
    closed: Mapped[bool]

    def close(self):
        self.closed = True
# --- app/services/boxes.py
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models.boxes import Box


def by_key(db: Session, key: str) -> Box | None:
    return db.get(Box, key)


def newest(db: Session) -> Box:
    return db.scalar(select(Box))


def open_ones(db: Session) -> list[Box]:
    return list(db.scalars(select(Box)))
# --- app/routers/boxes.py
from fastapi import APIRouter, Depends
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker

from app.models.boxes import Box
from app.services.boxes import by_key, newest, open_ones

router = APIRouter()
Local = sessionmaker(create_engine("postgresql://"))


def get_db():
    with Local() as db:
        yield db


@router.post("/got")
def got(key: str, db: Session = Depends(get_db)):
    by_key(db, key).closed = True  # TXN209@5


@router.post("/newest")
def selected(db: Session = Depends(get_db)):
    box = newest(db)
    box.closed = True  # TXN209@5


@router.post("/each")
def each(db: Session = Depends(get_db)):
    for box in open_ones(db):
        box.close()  # TXN209@9


@router.post("/own")
def by_its_class(key: str, db: Session = Depends(get_db)):
    Box.of(db, key).close()  # TXN209@5


@router.post("/kept")
def kept(key: str, db: Session = Depends(get_db)):
    with db.begin():
        by_key(db, key).closed = True
        Box.of(db, key).close()


@router.get("/read")
def read(key: str, db: Session = Depends(get_db)):
    return [Box.of(db, key).closed, *open_ones(db)]
"""
    ),
    Bad(
        """
# --- app/bot/notes.py
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


class Notes:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def add(self) -> None:
        self.session.add(Item(name="note"))
        await self.session.flush()


class Pinned(Notes):
    def __init__(self, session: AsyncSession) -> None:
        self.session = session
# --- app/bot/middlewares.py
from aiogram import BaseMiddleware

from app.bot.notes import Notes, Pinned
from app.session import get_session, session_factory


class Opening(BaseMiddleware):
    async def __call__(self, handler, event, data):
        async with get_session() as session, session_factory.begin() as begun:
            data["notes"], data["pinned"] = Notes(session), Pinned(begun)
            return await handler(event, data)
# --- app/bot/handlers.py
from aiogram import Router

from app.bot.notes import Notes, Pinned

router = Router()


@router.message()
async def lost(message, notes: Notes):
    await notes.add()  # TXN209@11


@router.message()
async def kept(message, notes: Notes):
    async with notes.session.begin():
        await notes.add()


@router.message()
async def begun_around(message, pinned: Pinned):
    await pinned.add()


async def of_others(message, notes: Notes):
    await notes.add()
# --- app/session.py
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://app@localhost/app")
session_factory = async_sessionmaker(engine)


@asynccontextmanager
async def get_session():
    async with session_factory() as session:
        yield session
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
_at_hand: ContextVar[AsyncSession] = ContextVar("at_hand")


def at_hand() -> AsyncSession:
    return _at_hand.get()


@asynccontextmanager
async def opened():
    async with factory() as session:
        token = _at_hand.set(session)
        try:
            yield session
        finally:
            _at_hand.reset(token)
# --- app/services/cards.py
from app.models.item import Item
from app.session import at_hand


async def save():
    at_hand().add(Item(name="card"))
    await at_hand().flush()


async def save_at_once():
    async with at_hand().begin():
        await save()
# --- app/main.py
from fastapi import FastAPI
from sqlalchemy import text

from app.services.cards import save, save_at_once
from app.session import at_hand, opened

app = FastAPI()


@app.middleware("http")
async def with_session(request, call_next):
    async with opened():
        return await call_next(request)


@app.post("/lost")
async def lost():
    await save()  # TXN209@11


@app.post("/lost-here")
async def lost_here():
    await at_hand().execute(text("DELETE FROM cards"))  # TXN209@11


@app.post("/kept")
async def kept():
    async with at_hand().begin():
        await save()


@app.on_event("startup")
async def first():
    async with opened():
        await save()  # TXN209@15
"""
    ),
    Bad(
        """
# --- app/containers.py
from dependency_injector import containers, providers
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import engine, session_factory


class Container(containers.DeclarativeContainer):
    session = providers.Factory(AsyncSession, engine)
    made = providers.Factory(session_factory)
    kept = providers.Singleton(AsyncSession, engine, expire_on_commit=False)
# --- app/routers/cards.py
from dependency_injector.wiring import Provide, inject
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.containers import Container
from app.models.item import Item

router = APIRouter()


@router.post("/lost")
@inject
async def lost(session: AsyncSession = Depends(Provide[Container.session])):
    session.add(Item(name="card"))  # TXN209@5


@router.post("/lost-too")
@inject
async def lost_too(session: AsyncSession = Depends(Provide[Container.made])):
    session.add(Item(name="card"))  # TXN209@5


@router.post("/saved")
@inject
async def saved(session: AsyncSession = Depends(Provide[Container.session])):
    async with session.begin():
        session.add(Item(name="card"))


@router.post("/of-all")
@inject
async def of_all(session: AsyncSession = Depends(Provide[Container.kept])):
    session.add(Item(name="card"))
# --- app/session.py
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://app@localhost/app")
session_factory = async_sessionmaker(engine)
"""
    ),
]

GOOD = [
    Good(
        """
# --- app/models/order.py
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    pass


class Cancelling:
    def cancel(self, why):
        self.state = why

    def label(self):
        return self.state.upper()


class Order(Cancelling, Base):
    __tablename__ = "orders"


class Drafts:
    def __init__(self):
        self.state = ""

    def discard(self):
        self.state = "gone"
# --- app/routers/orders.py
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.order import Drafts, Order
from app.session import get_session_dependency

router = APIRouter()
Db = Annotated[AsyncSession, Depends(get_session_dependency)]


@router.get("/label")
async def label(session: Db):
    order = await session.get(Order, 1)
    Drafts().discard()
    return order.label(), order.discard()


@router.post("/cancel")
async def cancel(session: Db):
    async with session.begin():
        order = await session.get(Order, 1)
        order.cancel("asked for")


@router.get("/preview")
async def preview(session: Db):
    order = Order()
    order.cancel("not stored")
    return order.label()
"""
    ),
    Good(
        """
# --- app/routers/items.py
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.services.items import commit_all, own_block, rename
from app.session import get_session_dependency, get_unit
from somewhere import unseen

router = APIRouter()


@router.post("/items")
async def create(session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        session.add(Item(name="a"))
        await rename(session)


@router.put("/items")
async def put(session: AsyncSession = Depends(get_session_dependency)):
    await rename(session)
    await commit_all(session)


@router.options("/items")
async def options(session: AsyncSession = Depends(get_session_dependency)):
    await own_block(session)


@router.patch("/items")
async def patch(session: AsyncSession = Depends(get_unit)):
    session.add(Item(name="a"))


@router.delete("/items")
async def delete(session: AsyncSession = Depends(get_session_dependency)):
    await session.delete(Item(name="a"))
    await unseen(session)


@router.get("/items")
async def read(session: AsyncSession = Depends(get_session_dependency)):
    await session.flush()
    names = set()
    names.add("a")
    return await session.get(Item, 1)


@router.head("/items")
async def other(session: AsyncSession = Depends(unseen)):
    session.add(Item(name="a"))
# --- app/services/items.py
async def rename(session):
    session.add(object())


async def commit_all(session):
    await session.commit()


async def own_block(session):
    async with session.begin():
        session.add(object())
# --- app/session.py
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://db/app")
session_factory = async_sessionmaker(engine)


@asynccontextmanager
async def get_session():
    async with session_factory() as session:
        yield session
        await session.commit()


async def get_session_dependency():
    async with session_factory() as session:
        yield session


async def get_unit():
    async with get_session() as session:
        yield session
# --- app/tasks/nightly.py
from app.models.item import Item
from app.session import get_session, session_factory


async def nightly(session) -> None:
    async with get_session() as own:
        own.add(Item(name="a"))
    async with session_factory.begin() as other:
        other.add(Item(name="a"))
    session.add(Item(name="a"))


def loop() -> None:
    from sqlalchemy.orm import Session

    with Session() as db:
        for _ in range(3):
            if _:
                db.commit()
            db.add(object())
"""
    ),
    Good(
        """
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import session_factory


async def save(session: AsyncSession, row) -> None:
    session.add(row)


class Unit:
    async def __aenter__(self):
        self.session = session_factory()
        return self

    async def __aexit__(self, *error) -> None:
        await self.session.commit()
        await self.session.close()


async def use() -> None:
    async with Unit() as unit:
        unit.session.add(object())
"""
    ),
    Good(
        source="""
# --- app/units.py
from contextlib import AsyncExitStack

from sqlalchemy.ext.asyncio import AsyncSession


class Unit:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def __aenter__(self):
        self.transaction = await self.session.begin()
        return self

    async def __aexit__(self, kind, error, trace) -> None:
        if kind:
            await self.transaction.rollback()
        else:
            await self.transaction.commit()


class Stacked:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session
        self.stack = AsyncExitStack()

    async def __aenter__(self):
        await self.stack.enter_async_context(self.session.begin())
        return self.session

    async def __aexit__(self, *error):
        return await self.stack.__aexit__(*error)
# --- app/routers/items.py
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session_dependency
from app.units import Stacked, Unit

router = APIRouter()


def unit_of(session: AsyncSession = Depends(get_session_dependency)) -> Unit:
    return Unit(session)


@router.post("/injected")
async def injected(unit: Unit = Depends(unit_of)):
    async with unit:
        unit.session.add(Item(name="a"))


@router.post("/stacked")
async def stacked(session: AsyncSession = Depends(get_session_dependency)):
    async with Stacked(session) as own:
        own.add(Item(name="a"))
"""
    ),
    Good(
        """
# --- app/notes.py
from fastapi import Depends
from sqlalchemy.orm import DeclarativeBase

from app.session import get_session_dependency


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"


class Written:
    def __init__(self, session):
        self.session = session

    async def keep(self):
        self.session.add(Note())


class Spoken(Written):
    async def keep(self):
        print("heard")


class Giver:
    def __init__(self, of):
        self.of = of

    def __call__(self, session=Depends(get_session_dependency)):
        return self.of(session)


def given(of):
    def give(session=Depends(get_session_dependency)):
        return of(session)

    return give
# --- app/givers.py
from app.notes import Giver, Spoken, Written

written, spoken = Giver(Written), Giver(Spoken)
# --- app/main.py
from fastapi import Depends, FastAPI

from app.givers import spoken, written
from app.notes import Spoken, Written, given

app = FastAPI()


@app.post("/a")
async def a(notes=Depends(spoken)):
    await notes.keep()


@app.post("/b")
async def b(notes=Depends(given(Spoken))):
    await notes.keep()


@app.post("/c")
async def c(notes=Depends(written)):
    async with notes.session.begin():
        await notes.keep()


@app.post("/d")
async def d(notes=Depends(given(Written))):
    async with notes.session.begin():
        await notes.keep()
"""
    ),
    Good(
        source="""
# --- pyproject.toml
[tool.sessionlint]
preset = "unit-of-work"
session-modules = ["app/session.py"]
session-contexts = ["ledgerkit.open_ledger"]
[tool.sessionlint.layers]
background = ["app/jobs.py"]
# --- app/session.py
VERSION = 1
# --- app/jobs.py
import asyncio

from ledgerkit import open_ledger


async def book(number):
    async with open_ledger() as session:
        session.add(number)
        await session.flush()


async def main():
    task = asyncio.create_task(book(1))
    await task
""",
    ),
    Good(
        source="""
# --- app/tasks/jobs.py
from app.session import get_session


async def on_job_start(ctx):
    ctx["manager"] = get_session()
    ctx["session"] = await ctx["manager"].__aenter__()


async def on_job_end(ctx):
    await ctx["session"].commit()
    await ctx["manager"].__aexit__(None, None, None)


async def saved(ctx, key):
    ctx["session"].add(key)


class WorkerSettings:
    functions = [saved]
    on_job_start = on_job_start
    on_job_end = on_job_end
""",
    ),
    Good(
        """
# --- app/services/labels.py
from abc import ABC, abstractmethod


class Finishing(ABC):
    @abstractmethod
    async def commit(self): ...


class Unit(Finishing):
    def __init__(self, session) -> None:
        self.session = session

    async def commit(self):
        await self.session.commit()


class Saving(ABC):
    @abstractmethod
    async def save(self, row): ...


class Labels(Saving):
    def __init__(self, session) -> None:
        self.session = session

    async def save(self, row):
        self.session.add(row)

    async def wait_briefly(self):
        connection = await self.session.connection()
        await connection.exec_driver_sql("SET LOCAL lock_timeout = '2s'")


class Labelling(ABC):
    @abstractmethod
    async def stick(self, row): ...


class Printing(ABC):
    @abstractmethod
    async def stick(self, row): ...


class Printer(Printing):
    def __init__(self, labels: Saving, unit: Finishing) -> None:
        self.labels, self.unit = labels, unit

    async def stick(self, row):
        await self.labels.save(row)
        await self.unit.commit()


class Labeller(Labelling):
    def __init__(self, labels: Saving, unit: Finishing) -> None:
        self.labels, self.unit = labels, unit

    async def stick(self, row):
        await self.labels.save(row)
        await self.unit.commit()
# --- app/routers/labels.py
from fastapi import APIRouter, Depends, FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from app.routers.wiring import wire
from app.services.labels import Labeller, Labelling, Labels, Printer, Printing, Unit
from app.session import get_session_dependency

router = APIRouter()


def labeller(session: AsyncSession = Depends(get_session_dependency)) -> Labelling:
    return Labeller(Labels(session), Unit(session))


def printer(session: AsyncSession = Depends(get_session_dependency)) -> Printing:
    return Printer(Labels(session), Unit(session))


@router.post("/labels")
async def stick(service: Labelling = Depends()):
    await service.stick(object())


@router.post("/prints")
async def print_one(service: Printing = Depends()):
    await service.stick(object())


app = FastAPI()
for interface, maker in {Labelling: labeller}.items():
    app.dependency_overrides[interface] = maker
wire(app, [[Printing, printer]])
# --- app/routers/wiring.py
def wire(app, table):
    for row in table:
        put(app.dependency_overrides, *row)


def put(target, interface, maker):
    target[interface] = maker
# --- app/tasks/labels.py
from app.services.labels import Labeller, Labels, Printer, Unit
from app.session import get_session


async def nightly(row):
    async with get_session() as session:
        await Labeller(Labels(session), Unit(session)).stick(row)
        await Printer(Labels(session), Unit(session)).stick(row)
"""
    ),
    Good(
        """
import asyncio
from contextlib import AsyncExitStack

from app.models.item import Item
from app.session import get_session


async def work(session, name):
    session.add(Item(name=name))


async def one_for_each(names):
    async with AsyncExitStack() as stack:
        sessions = [await stack.enter_async_context(get_session()) for _ in names]
        for session in sessions:
            await stack.enter_async_context(session.begin())
        await asyncio.gather(*(work(session, name) for session, name in zip(sessions, names)))
""",
        path="app/tasks/items.py",
    ),
    Good(
        """
# --- app/plugins.py
import os

from advanced_alchemy.extensions.litestar import SQLAlchemyAsyncConfig, SQLAlchemyPlugin

config = SQLAlchemyAsyncConfig(connection_string=os.environ["DB"])
plugin = SQLAlchemyPlugin(config=config)
# --- app/around.py
from app.plugins import config


async def finish(message, scope):
    session = config.provide_session(scope["app"].state, scope)
    if message["type"] == "http.response.start":
        await session.commit()
# --- app/shelves.py
from litestar import post
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Jar


@post("/kept")
async def kept(db_session: AsyncSession) -> None:
    db_session.add(Jar())

# --- app/models.py
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    pass


class Jar(Base):
    __tablename__ = "jars"
""",
    ),
    Good(
        """
# --- app/session.py
from contextlib import asynccontextmanager
from contextvars import ContextVar

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://")
factory = async_sessionmaker(engine)
in_hand: ContextVar[AsyncSession] = ContextVar("in_hand")


@asynccontextmanager
async def get_session():
    async with factory() as session:
        held = in_hand.set(session)
        yield session
        in_hand.reset(held)


async def get_session_dependency():
    async with get_session() as session:
        yield session


def hand() -> AsyncSession:
    return in_hand.get()
# --- app/around.py
from starlette.middleware.base import BaseHTTPMiddleware

from app.session import hand


class Begun(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        async with hand().begin():
            return await call_next(request)
# --- app/routers/cards.py
from fastapi import APIRouter, Depends

from app.models.item import Item
from app.session import get_session_dependency, hand

router = APIRouter()


@router.post("/kept")
async def kept(session=Depends(get_session_dependency)):
    hand().add(Item(name="card"))
"""
    ),
    Good(
        """
# --- app/session.py
from contextvars import ContextVar

from sqlalchemy.ext.asyncio import async_scoped_session, async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://")
factory = async_sessionmaker(engine)
request_id: ContextVar[str] = ContextVar("request_id")
session = async_scoped_session(factory, scopefunc=request_id.get)
# --- app/around.py
from app.session import session


class Saved:
    def __init__(self, app):
        self.app = app

    async def run_saved(self, scope, receive, send):
        async with session.begin():
            await self.app(scope, receive, send)


def saved(app):
    return Saved(app).run_saved
# --- app/routers/cards.py
from fastapi import APIRouter

from app.models.item import Item
from app.session import session

router = APIRouter()


@router.post("/kept")
async def kept(name: str):
    session.add(Item(name=name))
"""
    ),
    Good(
        """
# --- app/session.py
from asyncio import current_task

from sqlalchemy.ext.asyncio import async_scoped_session, async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://")
registry = async_scoped_session(async_sessionmaker(engine), scopefunc=current_task)
# --- app/tasks/items.py
from app.models.item import Item
from app.session import registry


async def kept(name):
    async with registry().begin():
        registry.add(Item(name=name))


async def kept_by_name(name):
    session = registry()
    session.add(Item(name=name))
    await registry.commit()
"""
    ),
    Good(
        """
# --- app/session.py
from contextlib import asynccontextmanager
from contextvars import ContextVar

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://")
factory = async_sessionmaker(engine)
_at_hand: ContextVar[AsyncSession] = ContextVar("at_hand")


def at_hand() -> AsyncSession:
    return _at_hand.get()


@asynccontextmanager
async def opened():
    async with factory() as session:
        token = _at_hand.set(session)
        try:
            yield session
        finally:
            _at_hand.reset(token)


async def finish():
    await at_hand().commit()
# --- app/around.py
from starlette.middleware.base import BaseHTTPMiddleware

from app.session import finish, opened


class Finished(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        async with opened():
            response = await call_next(request)
            await finish()
            return response
# --- app/main.py
from fastapi import FastAPI

from app.around import Finished
from app.models.item import Item
from app.session import at_hand

app = FastAPI()
app.add_middleware(Finished)


@app.post("/kept")
async def kept():
    at_hand().add(Item(name="card"))
"""
    ),
    Good(
        """
# --- app/session.py
from contextlib import asynccontextmanager
from contextvars import ContextVar

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://")
factory = async_sessionmaker(engine)
_at_hand: ContextVar[AsyncSession] = ContextVar("at_hand")


def at_hand() -> AsyncSession:
    return _at_hand.get()


@asynccontextmanager
async def opened():
    async with factory() as session, session.begin():
        _at_hand.set(session)
        yield
# --- app/main.py
from fastapi import FastAPI

from app.models.item import Item
from app.session import at_hand, opened

app = FastAPI()


@app.middleware("http")
async def with_session(request, call_next):
    async with opened():
        return await call_next(request)


@app.post("/kept")
async def kept():
    at_hand().add(Item(name="card"))
"""
    ),
]

#: What somebody runs, whoever opened the session; all others lose only what they write on a session of their own.
_RUN = ("endpoint", "background", "handler")


def check(program: Program) -> Iterator[Finding]:
    """The first lost write of each function and session, and the first on a way out before the commit."""
    told: set[tuple[str, int, int]] = set()
    run: list[FunctionInfo] = []
    for event, session in program.shared(_lost_by_decorators):
        told.add((event.path, *event.span[:2]))
        if program.judges(_in_wrapped(event).path):
            yield _finding(program, event, session)
    for function in program.functions:
        role = program.role(function)
        if role in _RUN or (role not in EXEMPT_ROLES and is_view(program.solver, function)):
            run.append(function)
        elif role not in EXEMPT_ROLES and (own := opened_and_kept(program, function)):
            for event, session in _lost_in(program, function, own):
                if wrapped(event) is None:
                    told.add((function.path, *event.span[:2]))
                    yield _finding(program, event, session)
    for function in run:
        for event, session in _lost_in(program, function, None):
            last = down_to(program, event)[-1:]
            # who opens a session and keeps it is told what it loses
            if any((step.path, step.line, step.column) in told for step in last):
                continue
            if event.callee is None or not any(_is_told_of_helper(program, event, step) for step in last):
                yield _finding(program, event, session)
    for lost in lost_writes(program):
        yield _of_dependency(program, lost)


def _is_told_of_helper(program: Program, event: Event, step: TraceStep) -> bool:
    """Whether the write at a step is told of a function that only helps background work, too."""
    for helper in program.background_helpers:
        if helper is event.function or helper.path != step.path or not _holds_step(helper, step):
            continue
        lost = (e for e, _ in _lost_in(program, helper, None))
        if any((e.path, *e.span[:2]) == (step.path, step.line, step.column) for e in lost):
            return True
    return False


def _holds_step(function: FunctionInfo, step: TraceStep) -> bool:
    return function.span[0] <= step.line <= function.span[2]


def _lost_by_decorators(program: Program) -> list[tuple[Event, Any]]:
    """What inner functions of decorators lose of what the functions write that they are put around.

    Those of the session module may do what they need, but not the functions that they run.
    """
    found: list[tuple[Event, Any]] = []
    for inner in dict.fromkeys(inner for function in program.functions for inner in function.wrappers):
        role = program.role(inner)
        if role in _RUN or (role in EXEMPT_ROLES and role != "session") or is_view(program.solver, inner):
            continue
        own = opened_and_kept(program, inner)
        for event, session in _lost_in(program, inner, own) if own else ():
            if wrapped(event) is None or program.is_exempt(_in_wrapped(event).function):
                continue
            found.append((event, session))
    return found


def _is_stored_elsewhere(event: Event) -> bool:
    """Whether a decorator calls the same function in a transaction, too: nobody knows which way it goes."""
    function = wrapped(event)
    calls = [e for e in event.function.events if e.callee is function and e.kind == "call"] if function else []
    return any(owned(call) for call in calls)


def _lost_in(program: Program, function: FunctionInfo, own: frozenset[Any] | None) -> Iterator[tuple[Event, Any]]:
    """Lost writes of a function, with their sessions: on these of its ``own`` only, or on all."""
    reported: set[tuple[Any, bool, FunctionInfo | None]] = set()
    for index, event in enumerate(function.events):
        for atom in event.subject if _writes(function, event) else ():
            if (
                (atom, _is_way(event, atom), wrapped(event)) not in reported
                and (own is None or atom in own)
                and _is_own(program, function, atom)
                and is_lost(program, function, index, atom)
                and not _is_stored_elsewhere(event)
                and not are_taken_out(event)
                and not stopped_by_begin(event, atom)
                and not is_overwritten(program, event, atom)
                and not is_for_another_branch(program, event)
            ):
                reported.add((atom, _is_way(event, atom), wrapped(event)))
                yield event, atom


def _of_dependency(program: Program, lost: LostWrite) -> Finding:
    """A finding at the write, however many endpoints have the dependency."""
    event, dependency, of = lost.event, lost.event.function, _noun(program, lost.session)
    source = injector(program, lost.session)
    trace = [program.step(dependency.site, f"requests depend on {dependency.in_full}"), *down_to(program, event)]
    if source is not None:
        trace.append(program.step(source.site, f"{source.in_full} hands out the {of} and does not commit"))
    message = (
        f"This writes rows for the dependency {dependency.in_full} that neither it nor any request commits: they "
        f"are lost when the {of} is closed. Put what it writes into `async with {of}.begin():`."
    )
    asynchronous = is_asynchronous(program, dependency, (lost.session,))
    return program.finding(META, lost.place, in_colour(message, asynchronous), trace)


def _noun(program: Program, session: Any) -> str:
    return "connection" if program.kind(session) == CONNECTION else "session"


def _is_own(program: Program, function: FunctionInfo, session: Any) -> bool:
    """Whether the function itself got or opened the session: a function in another may use the other's.

    What only helps background work has what a request was given from those that it helps: they may commit it.
    """
    if session.tag == "handle" and session.root in program.shared(named_openers):
        return False
    helps = function in program.background_helpers and function not in program.background_functions
    if (function.parent is None or session.tag == "handle") and not (helps and isinstance(session, Injected)):
        return bool(session.tag != "param") or commits_after_handler(program, function, session) is False
    return any(session in sessions_in(program, given) for _, given in function.param_values.values())


def _writes(function: FunctionInfo, event: Event) -> bool:
    if "change" in (event.kind, event.text):
        return changes_row(event) and not reads_only(function)
    return is_write(event) and not (reads_only(function) and only_attaches(event))


def _is_way(event: Event, session: Any) -> bool:
    """Whether the function commits further down, on another way than that of a lost write."""
    return any(e.name == "commit" and session in e.subject and e.span > event.span for e in event.function.events)


def _finding(program: Program, event: Event, session: Any) -> Finding:
    trace, of = down_to(program, event), _noun(program, session)
    source = injector(program, session) if isinstance(session, Injected) else None
    if source is not None:
        trace.append(program.step(source.site, f"{source.in_full} hands out the {of} and does not commit"))
    elif session.tag == "param":
        passing = openers(program, event.function, session)
        trace += [program.step(m.site, f"{m.in_full} passes the session on") for m in passing]
    elif session.tag == "handle":
        trace += program.source_trace(event.function, session)
        taken = left_at_yield(event, session)
        if taken is not None:
            trace.append(program.step(taken.site, f"{taken.name}() is left at its yield, before its commit"))
    place = _in_wrapped(event)
    what = called(place) if place.expr and place.expr[0] != "a" else f"{ir.text_of(place.expr)} = …"
    where = " on this way" if _is_way(event, session) else ""
    message = (
        f"`{what}` writes rows that nothing commits{where}: they are lost when the {of} is closed. Put it into "
        f"`async with {of}.begin():`{first_ended(program, event.function, session)}."
    )
    return program.finding(META, place, in_colour(message, is_asynchronous(program, event.function, (session,))), trace)


def _in_wrapped(event: Event) -> Event:
    """The write in the function that a decorator is put around: the decorator opens the session for several."""
    function = wrapped(event)
    hop = function.summary.hop(event.effect) if function is not None and event.effect is not None else None
    inside = function.events if function is not None and hop is not None else ()
    return next((e for e in inside if e.site == hop.site and (is_write(e) or changes_row(e))), event) if hop else event
