"""TXN205: a call inside an owner's transaction ends or begins it further down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sessionlint.program.model import Effect
from sessionlint.program.values import Site
from sessionlint.report import Finding, TraceStep
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.committing_decorators import committed_around
from sessionlint.rules.decorated import begun_around, is_told_inside
from sessionlint.rules.decorated_units import is_decorators_call, units_around
from sessionlint.rules.handed_in import who_hands_in
from sessionlint.rules.open_since import begun_for_request, open_since, read_before, unit_begun_for
from sessionlint.rules.received_units import keeper_of
from sessionlint.rules.transactions import called, commit_trace, down_to, owner_of
from sessionlint.rules.two_halves import joins
from sessionlint.rules.units import ended_unit

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event

_WHAT = {
    "commit": "commits the transaction its caller owns",
    "rollback": "rolls back the transaction its caller owns",
    "begin": "begins a second transaction on a session whose transaction is open",
}

META = Rule(
    code="TXN205",
    name="callee-commits",
    summary="A call inside an owner's transaction reaches a commit, rollback or begin on the same session.",
    rationale=(
        "The owner's block promises all or nothing. A callee that commits takes the promise away: what follows in the "
        "block raises `InvalidRequestError: Can't operate on closed transaction inside context manager`, and what came "
        "before is already in the database. A callee that begins raises at once, also where no block is open but a "
        "read has begun the transaction by itself (the function's own `begin()` behind a read is TXN206). It may be "
        "many calls down; the finding stands at the owner's call, and the trace names each of them."
    ),
    remedy="Take the commit, rollback or begin out of the callee; a part that may fail gets `begin_nested()`.",
    not_flagged=(
        "Savepoints; callees that commit a session of their own; calls after the block; a commit written directly in "
        "the block, which is TXN201; what the object of the block ends by its own methods; a begin "
        "that the callee makes only after asking `session.in_transaction()`."
    ),
)

BAD = [
    Bad(
        """
# --- app/routers/items.py
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.services import Items, save as store
from app.session import get_session_dependency

router = APIRouter()


@router.post("/items")
async def create(session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        await store(session)  # TXN205@15
        await Items(session).undo()  # TXN205@15
        saved = [await store(db) for db in (session,)]  # TXN205@24
    await store(session)
    return saved


@router.put("/items")
async def put(db: AsyncSession = Depends(get_session_dependency)):
    async with db.begin():
        async with db.begin_nested():
            await Items(db).again()  # TXN205@19
# --- app/services/__init__.py
from .items import Items, outer as save
# --- app/services/items.py
from sqlalchemy.ext.asyncio import AsyncSession


async def outer(session: AsyncSession) -> None:
    await middle(db=session)


async def middle(*, db: AsyncSession) -> None:
    await inner(db)


async def inner(db: AsyncSession) -> None:
    db.add(object())
    await db.commit()


class Items:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def undo(self) -> None:
        await self.session.rollback()

    async def again(self) -> None:
        async with self.session.begin():
            self.session.add(object())
"""
    ),
    Bad(
        """
from sqlalchemy.orm import Session

from app.session import engine


def log(db: Session) -> None:
    db.connection().commit()


def work() -> None:
    with Session(engine) as db:
        with db.begin():
            log(db)  # TXN205@13
    with Session.begin() if False else Session(engine) as db, db.begin():
        for step in (log, print):
            step(db)  # TXN205@13
""",
        path="app/tasks/work.py",
    ),
    Bad(
        path="app/routers/books.py",
        source="""
from fastapi import APIRouter, Depends
from sqlmodel import Field, Session, SQLModel

from app.session import get_session_dependency

router = APIRouter()


class BookIn(SQLModel):
    title: str


class Book(BookIn, table=True):
    id: int | None = Field(default=None, primary_key=True)

    def save(self, session: Session) -> None:
        session.add(self)
        session.commit()

    def keep(self, session: Session) -> None:
        session.add(self)


@router.post("/")
def create(body: BookIn, session: Session = Depends(get_session_dependency)):
    with session.begin():
        book = Book.model_validate(body)
        book.keep(session)
        book.save(session)  # TXN205@9
""",
    ),
    Bad(
        """
# --- app/models/order.py
from sqlalchemy.orm import DeclarativeBase, object_session


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"

    def close(self):
        self.state = "closed"

    def archive(self):
        object_session(self).commit()
# --- app/services/closing.py
from dataclasses import dataclass
from typing import Protocol


class Ending(Protocol):
    async def commit(self): ...


class Really:
    def __init__(self, session):
        self.session = session

    async def commit(self):
        await self.session.commit()


class Hardly:
    async def commit(self):
        return None


@dataclass
class Closing:
    ending: Ending

    async def __call__(self, order):
        order.close()
        await self.ending.commit()
# --- app/routers/orders.py
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.order import Order
from app.services.closing import Closing, Hardly, Really
from app.session import get_session_dependency

router = APIRouter()
Db = Annotated[AsyncSession, Depends(get_session_dependency)]


@router.post("/close")
async def close(session: Db):
    async with session.begin():
        order = await session.get(Order, 1)
        order.close()
        order.archive()  # TXN205@9


@router.post("/close-well")
async def close_well(session: Db):
    async with session.begin():
        await Closing(Hardly())(await session.get(Order, 1))


@router.post("/close-badly")
async def close_badly(session: Db):
    async with session.begin():
        await Closing(Really(session))(await session.get(Order, 1))  # TXN205@15
"""
    ),
    Bad(
        source="""
# --- app/services/repositories.py
from sqlalchemy.ext.asyncio import AsyncSession


class Closing:
    async def close(self):
        await self.finish()


class Repository(Closing):
    def __init__(self, session: AsyncSession):
        self.session = session

    @classmethod
    def of(cls, session: AsyncSession):
        return cls(session)

    async def finish(self):
        await self.session.commit()


class Quiet(Repository):
    async def finish(self):
        await self.session.flush()


async def end(session: AsyncSession, method: str = "commit"):
    await getattr(session, method)()
# --- app/routers/items.py
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.services.repositories import Quiet, Repository, end
from app.session import get_session_dependency

router = APIRouter()
Db = Annotated[AsyncSession, Depends(get_session_dependency)]


@router.post("/repository")
async def repository(session: Db):
    async with session.begin():
        await Repository.of(session).close()  # TXN205@15


@router.post("/quiet")
async def quiet(session: Db):
    async with session.begin():
        await Quiet.of(session).close()
        await Quiet(session).close()
        await end(session, "flush")


@router.post("/end")
async def at_end(session: Db):
    async with session.begin():
        await end(session)  # TXN205@15
"""
    ),
    Bad(
        """
# --- app/decorators.py
import functools


def in_transaction(fn):
    @functools.wraps(fn)
    async def wrapper(*args, session, **kwargs):
        async with session.begin():
            return await fn(*args, session=session, **kwargs)

    return wrapper


def timed(fn):
    @functools.wraps(fn)
    async def wrapper(*args, session, **kwargs):
        return await fn(*args, session=session, **kwargs)

    return wrapper
# --- app/services/items.py
async def save(session) -> None:
    session.add(object())
    await session.commit()
# --- app/routers/items.py
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.decorators import in_transaction, timed
from app.services.items import save
from app.session import get_session, get_session_dependency

router = APIRouter()


@router.post("/a")
@in_transaction
async def a(session: AsyncSession = Depends(get_session_dependency)):
    await save(session)  # TXN205@11


@router.post("/b")
@timed
async def b(session: AsyncSession = Depends(get_session_dependency)):
    await save(session)


@router.post("/c")
@in_transaction
async def c(session: AsyncSession = Depends(get_session_dependency)):
    async with get_session() as other:
        await save(other)
"""
    ),
    Bad(
        source="""
# --- app/services/stock.py
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession


@asynccontextmanager
async def unit(session: AsyncSession):
    async with session.begin():
        yield session


async def restock(session: AsyncSession, row):
    async with session.begin():
        session.add(row)
# --- app/routers/stock.py
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.services.stock import restock, unit
from app.session import get_session_dependency

router = APIRouter()


@router.post("/block")
async def read_and_block(session: AsyncSession = Depends(get_session_dependency)):
    row = await session.get(object, 1)
    async with unit(session):  # TXN205@16
        row.count = 1


@router.post("/call")
async def read_and_call(session: AsyncSession = Depends(get_session_dependency)):
    row = await session.get(object, 1)
    await restock(session, row)  # TXN205@11
"""
    ),
    Bad(
        """
# --- app/tasks/shelves.py
import functools

from app.session import get_session


def in_transaction(function):
    @functools.wraps(function)
    async def run(session, *args):
        async with session.begin():
            return await function(session, *args)

    return run


def refreshed(function):
    @functools.wraps(function)
    async def run(session, *args):
        async with session.begin():
            row = await function(session, *args)
        await session.refresh(row)
        return row

    return run


class Begun:
    def __init__(self, function):
        self.function = function

    async def __call__(self, session, *args):
        async with session.begin():
            return await self.function(session, *args)


@in_transaction
async def stack(session, row):
    session.add(row)


@refreshed
async def restack(session, row):
    session.add(row)
    return row


@Begun
async def clear(session, row):
    await session.delete(row)


async def one_after_another(row) -> None:
    async with get_session() as session:
        async with session.begin():
            session.add(row)
        await stack(session, row)
        await clear(session, row)
        await stack(session, row)


async def read_first(key) -> None:
    async with get_session() as session:
        row = await session.get(object, key)
        await stack(session, row)  # TXN205@15


async def left_open(row) -> None:
    async with get_session() as session:
        await restack(session, row)
        await restack(session, row)  # TXN205@15
"""
    ),
    Bad(
        """
# --- app/tasks/shelves.py
from app.session import get_session


class Shelves:
    def __init__(self, session):
        self.session = session

    async def stack(self, row):
        self.session.add(row)

    async def keep(self, row):
        self.session.add(row)
        await self.session.commit()


class Service:
    def __init__(self, session):
        self.session = session

    async def run(self, row):
        async with self.session.begin():
            await self.work(row)  # TXN205@19


class Stocking(Service):
    def __init__(self, session):
        super().__init__(session)
        self.shelves = Shelves(session)

    async def work(self, row):
        await self.shelves.keep(row)

    async def stack(self, row):
        await self.shelves.stack(row)


class Copying(Service):
    def __init__(self, session, other):
        super().__init__(session)
        self.shelves = Shelves(other)

    async def copy(self, row):
        async with self.session.begin():
            await self.shelves.keep(row)


async def stocked(row) -> None:
    async with get_session() as session:
        service = Stocking(session)
        async with service.session.begin():
            await service.stack(row)
            await service.work(row)  # TXN205@19


async def copied(row) -> None:
    async with get_session() as session, get_session() as other:
        await Stocking(session).run(row)
        await Copying(session, other).copy(row)
"""
    ),
    Bad(
        """
# --- app/routers/shelves.py
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import get_session_dependency

Plain = Annotated[AsyncSession, Depends(get_session_dependency)]


async def begun(session: Plain):
    async with session.begin():
        yield session


async def savepoint(session: Plain):
    async with session.begin_nested():
        yield


class Shelves:
    def __init__(self, session: Plain):
        self.session = session

    async def keep(self, row):
        self.session.add(row)
        await self.session.commit()


async def keep(session, row):
    session.add(row)
    await session.commit()


router = APIRouter()
in_block = APIRouter(dependencies=[Depends(begun, scope="function")])
in_savepoint = APIRouter(dependencies=[Depends(savepoint, scope="function")])


@router.post("/a")
async def beside(db: Annotated[AsyncSession, Depends(begun, scope="function")], shelves: Annotated[Shelves, Depends()]):
    await shelves.keep(1)  # TXN205@11


@in_block.post("/b")
async def around(db: Plain):
    await keep(db, 1)  # TXN205@11


@in_savepoint.post("/c")
async def savepoint_only(db: Plain):
    await keep(db, 1)


@router.post("/d")
async def own(db: Plain):
    await keep(db, 1)
"""
    ),
    Bad(
        """
# --- app/shelves.py
from functools import cached_property
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession


class HasSession(Protocol):
    session: AsyncSession


class Ending:
    async def end(self):
        await self.session.commit()  # TXN201@15

    async def tell(self):
        await self.feed.commit()


class Declared:
    session: AsyncSession

    async def end(self):
        await self.session.commit()  # TXN201@15


class OfItself:
    async def end(self: HasSession):
        await self.session.commit()  # TXN201@15


class Kept:
    def __init__(self, session: AsyncSession, feed):
        self._session = session
        self._feed = feed

    @property
    def session(self):
        return self._session

    @property
    def feed(self):
        return self._feed


class Shelf(Ending, Kept):
    pass


class Rack(Declared, Kept):
    pass


class Crate(OfItself, Kept):
    pass


class Template:
    async def run(self):
        await self.db.commit()  # TXN201@15


class Job(Template):
    def __init__(self, session):
        self._session = session

    @cached_property
    def db(self):
        return self._session
# --- app/tasks/shelves.py
from app.session import get_session
from app.shelves import Crate, Job, Rack, Shelf


async def shelve(feed):
    async with get_session() as session, session.begin():
        await Shelf(session, feed).end()  # TXN205@15
        await Shelf(session, feed).tell()


async def rack(feed):
    async with get_session() as session, session.begin():
        await Rack(session, feed).end()  # TXN205@15


async def crate(feed):
    async with get_session() as session, session.begin():
        await Crate(session, feed).end()  # TXN205@15


async def job():
    async with get_session() as session, session.begin():
        await Job(session).run()  # TXN205@15
"""
    ),
    Bad(
        """
# --- app/services/pipelines.py
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


async def draft(session: AsyncSession):
    session.add(Item(name="a"))


async def finish(session: AsyncSession):
    await session.commit()


def compose(*steps):
    async def run(session: AsyncSession):
        for step in steps:
            await step(session)

    return run


FINISHING = [draft, finish]
whole = compose(draft, finish)
listed = compose(*FINISHING)
bound = compose(draft, partial(finish))
drafts = compose(draft, draft)
# --- app/tasks/pipelines.py
from app.services.pipelines import bound, drafts, listed, whole
from app.session import get_session


async def run_whole():
    async with get_session() as session, session.begin():
        await whole(session)  # TXN205@15


async def run_listed():
    async with get_session() as session, session.begin():
        await listed(session)  # TXN205@15


async def run_bound():
    async with get_session() as session, session.begin():
        await bound(session)  # TXN205@15


async def run_drafts():
    async with get_session() as session, session.begin():
        await drafts(session)
"""
    ),
    Bad(
        """
# --- app/parcels.py
from sqlalchemy.ext.asyncio import AsyncSession


class Parcel:
    def __init__(self, url):
        self.url = url

    @classmethod
    def of(cls, session: AsyncSession, feed):
        self = cls.__new__(cls)
        self.session = session
        self.feed = feed
        return self

    async def send(self):
        await self.session.commit()  # TXN201@15

    async def tell(self):
        await self.feed.commit()
# --- app/tasks/parcels.py
from app.parcels import Parcel
from app.session import get_session


async def send(feed):
    async with get_session() as session, session.begin():
        await Parcel.of(session, feed).send()  # TXN205@15


async def tell(feed):
    async with get_session() as session, session.begin():
        await Parcel.of(session, feed).tell()
"""
    ),
    Bad(
        """
# --- app/looms.py
from app.session import session_factory


class Loom:
    async def __aenter__(self):
        self.session = session_factory()
        self.transaction = self.session.begin()
        await self.transaction.__aenter__()
        return self

    async def __aexit__(self, *details):
        await self.transaction.__aexit__(*details)
        await self.session.close()

    async def rest(self):
        await self.session.rollback()


class Bare:
    async def __aenter__(self):
        self.session = session_factory()
        return self

    async def __aexit__(self, *details):
        await self.session.close()


async def get_loom():
    async with Loom() as loom:
        yield loom


async def get_bare():
    async with Bare() as bare:
        yield bare
# --- app/services/threads.py
from app.looms import Bare, Loom


class Threads:
    def __init__(self, loom: Loom):
        self.loom = loom

    async def again(self, row):
        async with self.loom.session.begin():
            self.loom.session.add(row)

    async def keep(self, row):
        self.loom.session.add(row)
        await self.loom.session.commit()

    async def part(self, row):
        async with self.loom.session.begin_nested():
            self.loom.session.add(row)

    async def apart(self, row):
        async with Loom() as loom:
            loom.session.add(row)


class Plain:
    def __init__(self, bare: Bare):
        self.bare = bare

    async def again(self, row):
        async with self.bare.session.begin():
            self.bare.session.add(row)
# --- app/routers/threads.py
from fastapi import APIRouter, Depends

from app.looms import Bare, Loom, get_bare, get_loom
from app.services.threads import Plain, Threads

router = APIRouter()


@router.post("/threads")
async def threads(loom: Loom = Depends(get_loom)):
    await Threads(loom).part(object())
    await Threads(loom).apart(object())
    await Threads(loom).again(object())  # TXN205@11


@router.post("/kept")
async def kept(loom: Loom = Depends(get_loom)):
    await Threads(loom).keep(object())  # TXN205@11


@router.post("/rest")
async def rest(loom: Loom = Depends(get_loom)):
    await loom.rest()


@router.post("/bare")
async def bare(bare: Bare = Depends(get_bare)):
    await Plain(bare).again(object())
"""
    ),
    Bad(
        """
# --- app/services/drafts.py
from sqlalchemy.ext.asyncio import AsyncSession


async def patiently(call, times=3):
    for _ in range(times):
        try:
            return await call()
        except OSError:
            continue


async def onward(call, *args):
    return await call(*args)


class Draft:
    def __init__(self, session: AsyncSession):
        self.session = session

    async def _again(self, call):
        for _ in range(3):
            try:
                return await call()
            except OSError:
                continue

    async def close(self):
        await patiently(self.finish)

    async def close_onward(self):
        await onward(self.finish)

    async def close_again(self):
        await self._again(self.finish)

    async def finish(self):
        raise NotImplementedError


class Kept(Draft):
    async def finish(self):
        await self.session.commit()


class Sketch(Draft):
    async def finish(self):
        await self.session.flush()


class Copy(Kept):
    async def finish(self):
        await self.session.flush()
# --- app/routers/drafts.py
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.services.drafts import Copy, Kept, Sketch
from app.session import get_session_dependency

router = APIRouter()
Db = Annotated[AsyncSession, Depends(get_session_dependency)]


@router.post("/kept")
async def kept(session: Db):
    async with session.begin():
        await Kept(session).close()  # TXN205@15
        await Kept(session).close_onward()  # TXN205@15
        await Kept(session).close_again()  # TXN205@15


@router.post("/sketch")
async def sketch(session: Db):
    async with session.begin():
        await Sketch(session).close()
        await Sketch(session).close_onward()
        await Sketch(session).close_again()
        await Copy(session).close()
        await Copy(session).close_onward()
""",
    ),
    Bad(
        """
# --- app/services/cars.py
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


class Cars:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    @classmethod
    async def add_all(cls, session: AsyncSession, rows):
        cars = cls(session)
        for row in rows:
            await cars.add(row)

    @classmethod
    def of(cls, session: AsyncSession):
        return cls(session)

    def again(self):
        return type(self)(self.session)

    async def add_twice(self, row):
        for _ in range(2):
            await self.__class__(self.session).add(row)

    async def add(self, row):
        self.session.add(Item(name=row))


class Saved(Cars):
    async def add(self, row):
        await super().add(row)
        await self.session.commit()


class Checked(Cars):
    async def add(self, row):
        if row:
            await super().add(row)
# --- app/routers/cars.py
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.services.cars import Cars, Checked, Saved
from app.session import get_session_dependency

router = APIRouter()
Db = Annotated[AsyncSession, Depends(get_session_dependency)]


@router.post("/saved")
async def saved(db: Db, rows: list[str]):
    async with db.begin():
        await Saved.add_all(db, rows)  # TXN205@15


@router.post("/made")
async def made(db: Db):
    async with db.begin():
        await Saved.of(db).add("a")  # TXN205@15


@router.post("/again")
async def again(db: Db):
    async with db.begin():
        await Saved(db).again().add("a")  # TXN205@15


@router.post("/twice")
async def twice(db: Db):
    async with db.begin():
        await Saved(db).again().add_twice("a")  # TXN205@15


@router.post("/others")
async def others(db: Db, rows: list[str]):
    async with db.begin():
        await Cars.add_all(db, rows)
        await Checked.add_all(db, rows)
        await Cars.of(db).add("a")
        await Checked(db).again().add("a")
        await Checked(db).add_twice("a")
"""
    ),
    Bad(
        """
# --- app/services/shipping.py
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession


class Parcels:
    def __init__(self, session: AsyncSession):
        self.session = session

    async def add(self, parcel):
        self.session.add(parcel)
        await self.session.flush()

    async def send(self, parcel):
        self.session.add(parcel)
        await self.session.commit()


class Depot:
    def __init__(self, parcels: Parcels):
        self.parcels = parcels

    async def send(self, parcel):
        await self.parcels.send(parcel)


class Packing:
    def __init__(self, parcels: Parcels, archive: Parcels, session: AsyncSession):
        self.parcels = parcels
        self.archive = archive
        self.session = session

    async def pack(self, parcel):
        async with self.session.begin():
            await self.archive.send(parcel)
            await self.parcels.send(parcel)  # TXN205@19

    async def prepare(self, parcel):
        async with self.session.begin():
            await self.parcels.add(parcel)


class Loading:
    def __init__(self, depot: Depot, session):
        self.depot = depot
        self.session = session

    async def load(self, parcel):
        async with self.session.begin():
            await self.depot.send(parcel)  # TXN205@19


@dataclass
class Desk:
    parcels: Parcels
    session: AsyncSession


async def hand_in(desk: Desk, parcel):
    async with desk.session.begin():
        await desk.parcels.send(parcel)  # TXN205@15


async def hand_out(parcels, session, parcel):
    async with session.begin():
        await parcels.send(parcel)  # TXN205@15


async def hand_on(parcels, session, parcel):
    async with session.begin():
        await parcels.send(parcel)
# --- app/tasks/shipping.py
from app.services.shipping import Depot, Desk, Loading, Packing, Parcels, hand_in, hand_on, hand_out
from app.session import get_session


async def ship(parcel):
    async with get_session() as session, get_session() as other:
        parcels = Parcels(session)
        packing = Packing(parcels, Parcels(other), session)
        await packing.pack(parcel)
        await Loading(Depot(parcels), session).load(parcel)
        await hand_in(Desk(parcels, session), parcel)
        await hand_out(parcels, session, parcel)
        await hand_on(parcels, other, parcel)


async def prepare(parcel):
    async with get_session() as session:
        packing = Packing(Parcels(session), Parcels(session), session)
        await packing.prepare(parcel)
        await packing.prepare(parcel)
"""
    ),
    Bad(
        """
# --- app/tasks/imports.py
from app.services.rows import Rows, rehearse
from app.session import get_session


async def stored(row):
    async with get_session() as session, session.begin():
        await Rows(session).create(row)
        await Rows(session, finishing=True).create(row, finish=False)
        await Rows(session).update(row)
        await Rows(session, finishing=True).remove(row, finish=False)
        await Rows(session).put(row)
        await Rows(session).put(row, finish=False)
        await rehearse(session, row, dry=True)


async def finished(row):
    async with get_session() as session, session.begin():
        await Rows(session).create(row, finish=True)  # TXN205@15
    async with get_session() as session, session.begin():
        await Rows(session, finishing=True).create(row)  # TXN205@15
    async with get_session() as session, session.begin():
        await Rows(session, finishing=True).update(row)  # TXN205@15
    async with get_session() as session, session.begin():
        await Rows(session).update(row, finish=True)  # TXN205@15
    async with get_session() as session, session.begin():
        await Rows(session, finishing=True).remove(row)  # TXN205@15
    async with get_session() as session, session.begin():
        await Rows(session).put(row, finish=True)  # TXN205@15
    async with get_session() as session, session.begin():
        await rehearse(session, row)  # TXN205@15
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
        else:
            await self.session.flush()

    async def update(self, row, finish=False):
        row.seen = True
        if finish or self.finishing:
            await self.session.commit()

    async def remove(self, row, finish=None):
        await self.session.delete(row)
        if finish is None:
            finish = self.finishing
        if not finish:
            return
        await self.session.commit()

    async def put(self, row, **options):
        self.session.add(row)
        finish = options.pop("finish", False)
        if finish or options.get("last"):
            await self.session.commit()


async def rehearse(session, row, dry=False):
    session.add(row)
    lasts = not dry
    if lasts:
        await session.commit()
"""
    ),
    Bad(
        """
# --- app/main.py
from litestar import Litestar, post
from litestar.di import Provide
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import get_session_dependency


class Jars:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def put_up(self) -> None:
        self.session.add(object())

    async def put_up_now(self) -> None:
        self.session.add(object())
        await self.session.commit()


async def provide_jars(session: AsyncSession) -> Jars:
    return Jars(session)


@post("/now")
async def now(session: AsyncSession, jars: Jars) -> None:
    async with session.begin():
        await jars.put_up_now()  # TXN205@15


@post("/later")
async def later(session: AsyncSession, jars: Jars) -> None:
    async with session.begin():
        await jars.put_up()


app = Litestar(
    [now, later], dependencies={"session": Provide(get_session_dependency), "jars": Provide(provide_jars)}
)
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
on_air: ContextVar[AsyncSession] = ContextVar("on_air")


@asynccontextmanager
async def get_session():
    async with factory() as session:
        mark = on_air.set(session)
        try:
            yield session
        finally:
            on_air.reset(mark)


async def get_session_dependency():
    async with factory() as session:
        mark = on_air.set(session)
        yield session
        on_air.reset(mark)


def live() -> AsyncSession:
    return on_air.get()
# --- app/services/shows.py
from functools import wraps

from app.models.item import Item
from app.session import get_session, live


def committing(function):
    @wraps(function)
    async def inner(*args):
        session = live()
        result = await function(*args)
        await session.commit()  # TXN201@15
        return result

    return inner


def in_block(function):
    @wraps(function)
    async def inner(*args):
        async with live().begin():
            return await function(*args)

    return inner


def apart(function):
    @wraps(function)
    async def inner(*args):
        async with get_session() as own, own.begin():
            return await function(*args)

    return inner


async def plain():
    live().add(Item(name="plain"))


@committing
async def committed():
    live().add(Item(name="committed"))


@in_block
async def blocked():
    live().add(Item(name="blocked"))


@apart
async def of_its_own():
    live().add(Item(name="of its own"))
    await live().flush()
# --- app/routers/shows.py
from fastapi import APIRouter, Depends

from app.services.shows import blocked, committed, of_its_own, plain
from app.session import get_session, get_session_dependency

router = APIRouter()


@router.post("/a")
async def kept(session=Depends(get_session_dependency)):
    await committed()


@router.post("/b")
async def kept_too(session=Depends(get_session_dependency)):
    await blocked()


@router.post("/c")
async def kept_apart(session=Depends(get_session_dependency)):
    await of_its_own()
    async with get_session() as own, own.begin():
        await plain()


@router.post("/d")
async def lost(session=Depends(get_session_dependency)):
    await plain()  # TXN209@11


@router.post("/e")
async def early(session=Depends(get_session_dependency)):
    async with session.begin():
        await plain()
        await of_its_own()
        await committed()  # TXN205@15


@router.post("/f")
async def again(session=Depends(get_session_dependency)):
    async with session.begin():
        await plain()
        await blocked()  # TXN205@15
"""
    ),
    Bad(
        """
# --- app/services/orders.py
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession


class Command:
    pass


@dataclass
class Place(Command):
    number: int


@dataclass
class Cancel(Command):
    number: int


class Urgent(Command):
    pass


class UrgentCancel(Urgent, Cancel):
    pass


async def place(session: AsyncSession, number: int):
    session.add(number)


async def cancel(session: AsyncSession, number: int):
    session.add(number)
    await session.commit()  # TXN201@11


async def by_pattern(session: AsyncSession, command: Any):
    match command:
        case Place():
            await place(session, command.number)
        case Cancel(number=number):
            await cancel(session, number)


async def by_class(session: AsyncSession, command):
    if isinstance(command, Cancel):
        await cancel(session, command.number)
    else:
        await place(session, command.number)


async def unless(session: AsyncSession, command):
    if not isinstance(command, (Place, Urgent)):
        await session.rollback()  # TXN202@15


async def by_type(session: AsyncSession, key: int | str):
    if isinstance(key, str):
        await cancel(session, 1)


async def onward(session: AsyncSession, command: Place):
    await by_class(session, command)


async def any_urgent(session: AsyncSession, command: Urgent):
    await by_class(session, command)
# --- app/routers/orders.py
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.services.orders import Cancel, Place, Urgent, any_urgent, by_class, by_pattern, by_type, onward, unless
from app.session import get_session_dependency

router = APIRouter()


@router.post("/orders")
async def orders(command: Cancel, session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        await by_pattern(session, Place(1))
        await by_class(session, Place(1))
        await unless(session, Place(1))
        await by_type(session, 1)
        await onward(session, Place(1))
    async with session.begin():
        await by_pattern(session, Cancel(1))  # TXN205@15
        await by_class(session, Cancel(1))  # TXN205@15
        await unless(session, Cancel(1))  # TXN205@15
        await by_type(session, "1")  # TXN205@15
        await by_class(session, command)  # TXN205@15
        await any_urgent(session, Urgent())  # TXN205@15
"""
    ),
    Bad(
        """
# --- app/services/scales.py
from functools import singledispatchmethod

from sqlalchemy.ext.asyncio import AsyncSession


class Scales:
    def __init__(self, session: AsyncSession):
        self.session = session

    @singledispatchmethod
    async def take(self, thing):
        raise NotImplementedError

    @take.register
    async def _(self, thing: str):
        self.session.add(thing)

    @take.register
    async def _(self, thing: int):
        await self.session.commit()  # TXN201@15

    async def step(self, kind):
        await getattr(self, f"do_{kind}")()

    async def do_weigh(self):
        self.session.add(1)

    async def do_end(self):
        await self.session.rollback()  # TXN202@15
# --- app/routers/scales.py
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.services.scales import Scales
from app.session import get_session_dependency

router = APIRouter()


@router.post("/scales")
async def scales(kind: str, session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        await Scales(session).take("weight")
        await Scales(session).step("weigh")
    async with session.begin():
        await Scales(session).take(True)  # TXN205@15
        await Scales(session).step("end")  # TXN205@15
        await Scales(session).step(kind)  # TXN205@15
"""
    ),
    Bad(
        """
# --- app/services/parcels.py
from sqlalchemy.ext.asyncio import AsyncSession


class Send:
    pass


class Recall:
    pass


class Counter:
    def __init__(self):
        self.clerks = {}

    def served_by(self, request: type):
        def known(clerk: type):
            self.clerks[request] = clerk()
            return clerk

        return known

    async def serve(self, session: AsyncSession, request):
        await self.clerks[type(request)].serve(session, request)


counter = Counter()


@counter.served_by(Send)
class SendClerk:
    async def serve(self, session: AsyncSession, request: Send):
        session.add(request)


@counter.served_by(Recall)
class RecallClerk:
    async def serve(self, session: AsyncSession, request: Recall):
        await session.rollback()  # TXN202@15
# --- app/routers/parcels.py
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.services.parcels import Recall, Send, counter
from app.session import get_session_dependency

router = APIRouter()


@router.post("/parcels")
async def parcels(session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        await counter.serve(session, Send())
        await counter.serve(session, Recall())  # TXN205@15
"""
    ),
    Bad(
        """
# --- app/tasks/cranes.py
from app.services.cranes import finish, keep
from app.session import committed, sessions, unit


async def in_unit(row):
    async with unit() as session:
        session.add(row)
        await finish(session)  # TXN205@15
    async with unit() as session:
        await keep(session, row)


async def gone_through(row):
    async for session in committed():
        await finish(session)  # TXN205@15
        session.add(row)
    async for session in sessions():
        await keep(session, row)


async def left(row):
    async for session in committed():
        await keep(session, row)
        await finish(session)
        break
# --- app/services/cranes.py
async def keep(session, row):
    session.add(row)
    await session.flush()


async def finish(session):
    await session.commit()
# --- app/session.py
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://db/app")
session_factory = async_sessionmaker(engine)


@asynccontextmanager
async def unit():
    async with session_factory() as session:
        try:
            yield session
            await session.commit()
        except Exception:
            await session.rollback()
            raise


async def sessions():
    async with unit() as session:
        yield session


async def committed():
    async with session_factory() as session:
        yield session
        await session.commit()
"""
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

    async def add_now(self) -> None:
        await self.add()
        await self.session.commit()  # TXN201@15
# --- app/bot/middlewares.py
from aiogram import Dispatcher

from app.bot.repositories import Items
from app.session import get_session

dispatcher = Dispatcher()


@dispatcher.update.outer_middleware()
async def opening(handler, event, data):
    async with get_session() as session:
        data["db"], data["items"] = session, Items(session)
        return await handler(event, data)
# --- app/bot/handlers.py
from aiogram import Router
from sqlalchemy.ext.asyncio import AsyncSession

from app.bot.repositories import Items

router = Router()


@router.message()
async def ended_below(message, db: AsyncSession, items: Items):
    async with db.begin():
        await items.add_now()  # TXN205@15


@router.message()
async def joined(message, db: AsyncSession, items: Items):
    async with db.begin():
        await items.add()


async def given_by_others(db: AsyncSession, items: Items):
    await db.flush()
    await items.add_now()
"""
    ),
    Bad(
        """
# --- app/session.py
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://app@localhost/app")
session_factory = async_sessionmaker(engine)


@asynccontextmanager
async def get_session():
    async with session_factory() as session:
        yield session


async def in_transaction(work, *args):
    async with session_factory() as session, session.begin():
        return await work(session, *args)


async def with_session(work, *args):
    async with session_factory() as session:
        return await work(session, *args)
# --- app/tasks/labels.py
from functools import partial

from app.models.item import Item
from app.session import get_session, in_transaction, with_session


async def store(session, name):
    session.add(Item(name=name))


async def begin_and_store(session, name):
    async with session.begin():
        await store(session, name)


async def wrong():
    await in_transaction(begin_and_store, "a")  # TXN205@11


async def wrong_with_arguments():
    await in_transaction(partial(begin_and_store, name="a"))  # TXN205@11


async def right():
    await in_transaction(store, "a")
    await with_session(begin_and_store, "a")
    async with get_session() as session:
        await begin_and_store(session, "a")
"""
    ),
    Bad(
        """
import functools

from app.models.item import Item
from app.session import get_session


def transactional(nested: bool = False):
    def decorate(function):
        @functools.wraps(function)
        async def inner(session, *args):
            if nested:
                async with session.begin_nested():
                    return await function(session, *args)
            async with session.begin():
                return await function(session, *args)

        return inner

    return decorate


def finishing(how: str):
    def decorate(function):
        @functools.wraps(function)
        async def inner(session, name):
            await function(session, name)
            if how == "commit":
                await session.commit()
            else:
                await session.flush()

        return inner

    return decorate


def followed_by(after):
    def decorate(function):
        @functools.wraps(function)
        async def inner(session, name):
            await function(session, name)
            await after(session)

        return inner

    return decorate


async def give_up(session):
    await session.rollback()


async def send(session):
    await session.flush()


@transactional(nested=True)
async def in_savepoint(session):
    session.add(Item(name="a"))


@transactional()
async def alone(session):
    session.add(Item(name="a"))


@finishing("commit")
async def kept(session, name):
    session.add(Item(name=name))


@finishing("flush")
async def sent(session, name):
    session.add(Item(name=name))


@followed_by(give_up)
async def tried(session, name):
    session.add(Item(name=name))


@followed_by(send)
async def followed(session, name):
    session.add(Item(name=name))


async def right():
    async with get_session() as session, session.begin():
        await in_savepoint(session)
        await sent(session, "a")
        await followed(session, "a")


async def by_itself():
    async with get_session() as session:
        await alone(session)


async def begun_twice():
    async with get_session() as session, session.begin():
        await alone(session)  # TXN205@15


async def committed_below():
    async with get_session() as session, session.begin():
        await kept(session, "a")  # TXN205@15


async def given_up_below():
    async with get_session() as session, session.begin():
        await tried(session, "a")  # TXN205@15
""",
        path="app/tasks/options.py",
    ),
    Bad(
        """
# --- app/routers/notes.py
from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from app.services.notes import Notes, Outline
from app.wiring import Everything, parts

router = APIRouter()


@router.post("/saved")
def saved(db: Session = Depends(Everything.session), notes=Depends(Everything.notes)):
    with db.begin():
        notes.save()  # TXN205@9


@router.post("/outlined")
def outlined(db: Session = Depends(Everything.session), outline=Depends(Everything.outline)):
    with db.begin():
        outline.save()


@router.post("/by-type")
def by_type(db=parts.depends(Session)):
    with db.begin():
        Notes(db).save()  # TXN205@9

# --- app/wiring.py
from collections.abc import Iterator

from lagom import Container, context_dependency_definition
from lagom.integrations.fast_api import FastApiIntegration
from sqlalchemy.orm import Session
from that_depends import BaseContainer, providers

from app.services.notes import Notes, Outline
from app.session import session_factory

container = Container()
parts = FastApiIntegration(container)


def opened():
    with session_factory() as session:
        yield session


@context_dependency_definition(container)
def of_request() -> Iterator[Session]:
    with session_factory() as session:
        yield session


class Everything(BaseContainer):
    session = providers.ContextResource(opened)
    notes = providers.Factory(Notes, session=session.cast)
    outline = providers.Factory(Outline)

# --- app/services/notes.py
class Notes:
    def __init__(self, session) -> None:
        self.session = session

    def save(self):
        self.session.commit()


class Outline:
    def save(self):
        return self
""",
    ),
    Bad(
        """
# --- app/services/exports.py
from typing import cast

import extensions

KNOWN = {}


class Export:
    async def close(self, session):
        await session.commit()

    async def note(self, session):
        await session.flush()


class Report:
    async def close(self, session):
        await session.flush()


class Chosen:
    def __init__(self, name):
        self.name = name

    def found(self) -> Export | None:
        if self.name in KNOWN:
            return KNOWN[self.name]
        return None

    @property
    def default(self) -> "Export":
        return extensions.load("default")


def known(name) -> Export:
    return KNOWN[name]


def loaded():
    return extensions.load("export")


def said(name):
    return cast(Export, extensions.load(name))


def report(name) -> Export:
    return Report()


def missing(name) -> Export | None:
    return None
# --- app/routers/exports.py
from fastapi import APIRouter, Depends

from app.services.exports import Chosen, Export, known, loaded, missing, report, said
from app.session import get_session_dependency

router = APIRouter()


@router.post("/exports")
async def close(export: Export = Depends(loaded), session=Depends(get_session_dependency)):
    async with session.begin():
        await known("a").close(session)  # TXN205@15
        await said("a").close(session)  # TXN205@15
        await Chosen("a").found().close(session)  # TXN205@15
        await Chosen("a").default.close(session)  # TXN205@15
        await export.close(session)  # TXN205@15
        await known("a").note(session)
        await report("a").close(session)
        await missing("a").close(session)
"""
    ),
    Bad(
        """
# --- app/models/parcel.py
from sqlalchemy import Column, String
from sqlalchemy.orm import declarative_base

from app.session import current

Base = declarative_base()
Base.query = current.query_property()


class Found:
    @classmethod
    def found(cls, key):
        return cls.query.get(key)


class Parcel(Found, Base):
    __tablename__ = "parcels"
    id = Column(String, primary_key=True)
    label = Column(String)

    @classmethod
    def labelled(cls, label):
        return cls.query.filter_by(label=label).first()

    def save(self):
        current.add(self)
        current.commit()

    def rename(self, label):
        self.label = label
# --- app/session.py
from sqlalchemy import create_engine
from sqlalchemy.orm import scoped_session, sessionmaker

current = scoped_session(sessionmaker(create_engine("postgresql://db/app")))
# --- app/tasks/parcels.py
from app.models.parcel import Parcel
from app.session import current


def keep(key):
    with current.begin():
        current.get(Parcel, key).save()  # TXN205@9
        Parcel.query.get(key).save()  # TXN205@9
        Parcel.labelled("a").save()  # TXN205@9
        Parcel.found(key).save()  # TXN205@9
        for parcel in current.query(Parcel):
            parcel.save()  # TXN205@13


def rename(key):
    with current.begin():
        current.get(Parcel, key).rename("b")
        for parcel in Parcel.query.filter_by(label="a"):
            parcel.rename("b")
    current.get(Parcel, key).save()
"""
    ),
    Bad(
        """
# --- app/services/shelves.py
class Shelf:
    def __init__(self, session):
        self.session = session

    async def close(self, name):
        await self.session.commit()

    async def fill(self, name):
        await self.session.flush()


def closed(shelf: Shelf, name):
    return shelf.close(name)


def filled(shelf: Shelf, name):
    return shelf.fill(name)
# --- app/tasks/shelves.py
from app.services.shelves import Shelf, closed, filled
from app.session import get_session


async def work():
    async with get_session() as session, session.begin():
        await closed(Shelf(session), "a")  # TXN205@15
        await filled(Shelf(session), "a")


async def on_another():
    async with get_session() as session, session.begin():
        async with get_session() as other:
            await closed(Shelf(other), "a")
"""
    ),
    Bad(
        """
# --- app/models/tickets.py
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, object_session


class Base(DeclarativeBase):
    pass


class Ticket(Base):
    __tablename__ = "tickets"
    id: Mapped[str] = mapped_column(primary_key=True)

    def save(self):
        object_session(self).commit()

    def send(self):
        object_session(self).flush()
# --- app/services/tickets.py
from sqlalchemy.orm import Session, sessionmaker

from app.models.tickets import Ticket

Local = sessionmaker()


def issue(key):
    with Local() as session, session.begin():
        ticket = Ticket(id=key)
        session.add(ticket)
        ticket.send()
        ticket.save()  # TXN205@9


def issue_on_another(key):
    with Local() as session, session.begin():
        with Local() as other:
            ticket = Ticket(id=key)
            other.add(ticket)
            ticket.save()


def issue_anew(key, db):
    with Local() as session, session.begin():
        ticket = Ticket(id=key)
        session.add(ticket)
        ticket = Ticket(id=key)
        db.add(ticket)
        ticket.save()
"""
    ),
    Bad(
        """
# --- app/services/desk.py
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


async def keep(session: AsyncSession, name: str):
    async with session.begin():
        session.add(Item(name=name))


async def keep_if_free(session: AsyncSession, name: str):
    if session.in_transaction():
        session.add(Item(name=name))
        return
    async with session.begin():
        session.add(Item(name=name))
# --- app/routers/desk.py
from fastapi import APIRouter, Depends

from app.models.item import Item
from app.services.desk import keep, keep_if_free
from app.session import get_session_dependency

router = APIRouter()


async def current(session=Depends(get_session_dependency)):
    return await session.get(Item, 1)


@router.post("/kept")
async def kept(name: str, session=Depends(get_session_dependency), user=Depends(current)):
    await keep(session, name)  # TXN205@11


@router.post("/named", dependencies=[Depends(current)])
async def named(name: str, session=Depends(get_session_dependency)):
    await keep(session, name)  # TXN205@11


@router.post("/free")
async def free(name: str, session=Depends(get_session_dependency), user=Depends(current)):
    await keep_if_free(session, name)


@router.post("/alone")
async def alone(name: str, session=Depends(get_session_dependency)):
    await keep(session, name)
"""
    ),
]

GOOD = [
    Good(
        """
# --- app/tasks/work.py
from app.services.items import alone, attempt, ensure, save
from app.session import get_session


async def work() -> None:
    async with get_session() as session:
        async with session.begin():
            await save(session)
            await attempt(session)
            await alone(session)
            await ensure(session)
        await commit(session)


async def commit(session) -> None:
    await session.commit()
# --- app/services/items.py
from app.session import get_session


async def save(session) -> None:
    session.add(object())
    await session.flush()


async def attempt(session) -> None:
    async with session.begin_nested():
        session.add(object())


async def alone(session) -> None:
    async with get_session() as other:
        await other.commit()


async def ensure(session) -> None:
    if not session.in_transaction():
        async with session.begin():
            await save(session)
"""
    ),
    Good(
        """
async def work(session, repository) -> None:
    async with session.begin():
        await session.commit()
        repository.commit()
"""
    ),
    Good(
        source="""
# --- app/services/stock.py
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession


@asynccontextmanager
async def unit(session: AsyncSession):
    async with session.begin():
        yield session


async def restock(session: AsyncSession, row):
    async with session.begin():
        session.add(row)


async def restock_anew(session: AsyncSession, row):
    await session.rollback()
    async with session.begin():
        session.add(row)
# --- app/routers/stock.py
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.services.stock import restock, restock_anew, unit
from app.session import get_session_dependency

router = APIRouter()


@router.post("/first")
async def begin_first(session: AsyncSession = Depends(get_session_dependency)):
    async with unit(session):
        session.add(await session.get(object, 1))


@router.post("/ended")
async def end_first(session: AsyncSession = Depends(get_session_dependency)):
    row = await session.get(object, 1)
    await session.rollback()
    await restock(session, row)


@router.post("/anew")
async def end_below(session: AsyncSession = Depends(get_session_dependency)):
    row = await session.get(object, 1)
    await restock_anew(session, row)
"""
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """One finding per call; a commit is told before a rollback, a rollback before a begin."""
    calls: dict[Site, list[Event]] = {}
    for event in program.events("effect"):
        if event.text != "txn" or event.name not in _WHAT or program.is_exempt(event.function):
            continue
        if _opened(program, event) and not _is_told(program, event) and not joins(program, event):
            calls.setdefault(event.site, []).append(event)
    for call, inside in program.shared(_handed_in).values():
        if program.judges(call.path):
            yield _of_handed(program, call, inside)
    for events in calls.values():
        event = min(events, key=lambda e: list(_WHAT).index(e.name))
        trace = [*_opened(program, event), *down_to(program, event)]
        message = (
            f"`{called(event)}` {_WHAT[event.name]}. Take the {event.name} out of the callee; a part that may fail on "
            "its own belongs in `begin_nested()`."
        )
        yield program.finding(META, event, message, trace)


def _handed_in(program: Program) -> dict[Site, tuple[Event, Event]]:
    """Calls that hand something to the session module, and what that does in the module's own block."""
    found: dict[Site, tuple[Event, Event]] = {}
    for event in program.events("effect"):
        if event.text == "txn" and event.name in _WHAT and program.is_exempt(event.function):
            for call in who_hands_in(program, event) if owner_of(event, event.subject) is not None else ():
                found.setdefault(call.site, (call, event))
    return found


def _of_handed(program: Program, call: Event, inside: Event) -> Finding:
    trace = [*_opened(program, inside), *down_to(program, inside)]
    work = inside.callee.qualname if inside.callee is not None else inside.name
    message = (
        f"`{called(call)}` has {work}() run in a transaction, and that {_WHAT[inside.name]}. Take the {inside.name} "
        "out of it; a part that may fail on its own belongs in `begin_nested()`."
    )
    return program.finding(META, call, message, trace)


def _opened(program: Program, event: Event) -> list[TraceStep]:
    """Where the transaction around a call was opened: by a block, a dependency or a decorator; or this ends it."""
    owner = owner_of(event, event.subject)
    if owner is not None:
        return [program.step(owner.site, "the transaction is opened here")]
    sources = (begun_for_request(program, event.function, atom) for atom in event.subject)
    source = next((found for found in sources if found is not None), None)
    if source is not None:
        return commit_trace(program, source)
    source = None if _is_of_unit(program, event) else unit_begun_for(program, event)
    if source is not None:
        return commit_trace(program, source)
    unit = ended_unit(program, event, units_around(program, event))
    if unit is not None:
        return [program.step(unit.site, "the transaction is that of the object entered here")]
    outer = begun_around(program, event)
    if outer is not None:
        return [outer.step(program)]
    commit = committed_around(program, event)
    if commit is not None:
        return [program.step(commit.site, "the decorator commits the transaction here")]
    return list(open_since(program, event).steps) if _begins_again(program, event) else []


def _is_of_unit(program: Program, event: Event) -> bool:
    """Whether the object that opens the session ends, or begins, its transaction by a method of its own."""
    own = event.callee.class_info if event.callee is not None else None
    keepers = {keeper_of(program, a) for a in event.subject if a.tag == "handle"}
    return own is not None and not keepers.isdisjoint(program.solver.mro(own))


def _is_told(program: Program, event: Event) -> bool:
    """Whether a decorator calls what it is put on: that is told in the function which it is put on."""
    return is_told_inside(program, event) or is_decorators_call(program, event)


def _begins_again(program: Program, event: Event) -> bool:
    """Whether a callee begins what a statement has opened by itself, and does not end that first: one of its caller,
    or one of a dependency of the request that gets the same session.

    An object that is entered is told by TXN206, as a ``begin()`` of the caller's own.
    """
    callee = event.callee
    if callee is None or callee.name in ("__enter__", "__aenter__"):
        return False
    if "autobegun" not in event.flags:
        readers = (read_before(program, event.function, atom) for atom in event.subject)
        if event.name != "begin" or all(reader is None for reader in readers):
            return False
    ended = [Effect("txn", name, event.effect.subject) for name in ("commit", "rollback")] if event.effect else []
    return not any(effect in callee.summary.effects for effect in ended)
