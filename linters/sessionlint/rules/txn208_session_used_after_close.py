"""TXN208: a session is used after it was closed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.program.beginning import BEGINS
from sessionlint.program.frame import identity
from sessionlint.program.values import Param
from sessionlint.report import Finding, TraceStep
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.gone_through_later import gone_through_later
from sessionlint.rules.outlived_by_tasks import outlived
from sessionlint.rules.returned_unfinished import used_later
from sessionlint.rules.transactions import called, down_to

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Effect, Event, FunctionInfo
    from sessionlint.program.values import Site, Value

META = Rule(
    code="TXN208",
    name="session-used-after-close",
    summary="A session is used after its `with` block or its `close()`.",
    rationale=(
        "A closed SQLAlchemy session does not refuse: it silently takes a new connection from the pool and begins a "
        "new transaction that nobody commits, rolls back or closes. The rows are lost and the connection is gone until "
        "the garbage collector finds it; a pool of five is empty after five such calls. A block that is begun on a "
        "closed session (`session.close()`, a call to a server, `with session.begin():`) ends its own transaction and "
        "is told all the same: what reads like the end of the session is none, what stands behind the block is as lost "
        "as before, and the block needs no `close()` before it."
    ),
    remedy=(
        "Move the statement into the block, or open a second session for it. Whoever is given a session (an endpoint, "
        "a service) closes none: what reads stands in a block of `session.begin()`, what waits behind it, and what "
        "writes in a second block of the same session."
    ),
    not_flagged=(
        "A session that is opened anew (also in the next round of a loop); a close on some paths only; `close()` "
        "twice; asking a closed session whether it is in a transaction; objects that were read with it; the session of "
        "a scoped registry behind a `close()` that a helper does, for the registry keeps it, gives it out again, and "
        "drops it on `remove()`."
    ),
)

BAD = [
    Bad(
        """
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session, session_factory


async def work() -> None:
    async with get_session() as session:
        items = await session.execute(select(Item))
    await session.execute(select(Item))  # TXN208@11
    await save(session, items)  # TXN208@11
    async with session.begin():  # TXN208@16
        await session.execute(select(Item))
        await save(session, items)


async def save(db: AsyncSession, rows) -> None:
    await store(rows, db=db)


async def store(rows, *, db: AsyncSession) -> None:
    db.add_all(rows)


async def closed_by_hand() -> None:
    session = session_factory()
    alias = session
    await session.close()
    alias.add(Item(name="a"))  # TXN208@5


async def closed_by_callee(session: AsyncSession) -> None:
    await finish(session)
    flush = session.flush
    await flush()  # TXN208@11


async def finish(session: AsyncSession) -> None:
    try:
        await session.flush()
    finally:
        await session.close()
""",
        path="app/tasks/work.py",
    ),
    Bad(
        """
from contextlib import closing

from sqlalchemy.orm import Session

from app.session import engine


def work() -> None:
    with closing(Session(engine)) as db:
        db.add(object())
    with Session(engine) as first, first.begin():
        first.add(object())
    db.flush()  # TXN208@5
    if rows := first.scalars("select 1"):  # TXN208@16
        print(rows)
""",
        path="app/tasks/work.py",
    ),
    Bad(
        """
from sqlalchemy.orm import Query, Session

from app.models.item import Item
from app.session import get_session


def items(db: Session) -> Query:
    return db.query(Item)


def stale() -> list[Item]:
    with get_session() as db:
        query = items(db).filter(Item.name == "a")
    return query.all()  # TXN208@12


def built_early() -> list[Item]:
    with get_session() as db:
        query = items(db)
        return query.filter(Item.name == "a").all()


def kept_as_a_list() -> None:
    with get_session() as db:
        found = list(items(db))
    for item in found:
        print(item)
""",
        path="app/tasks/items.py",
    ),
    Bad(
        path="app/tasks/run.py",
        source="""
from app.session import get_session, session_factory


async def handed_out():
    async with get_session() as session:
        return session


async def open_one():
    return session_factory()


async def late() -> None:
    session = await handed_out()
    await session.get(object, 1)  # TXN208@11


async def in_time() -> None:
    session = await open_one()
    try:
        await session.get(object, 1)
    finally:
        await session.close()
""",
    ),
    Bad(
        """
import psycopg2


def work(dsn) -> None:
    connection = psycopg2.connect(dsn)
    cursor = connection.cursor()
    connection.close()
    cursor.execute("select 1")  # TXN208@5
""",
        path="app/tasks/work.py",
    ),
    Bad(
        """
from dataclasses import dataclass

from sqlalchemy import text

from app.session import get_session


@dataclass
class Page:
    session: object
    name: str


async def show(page: Page):
    return await page.session.scalars(text(page.name))


async def closure():
    async with get_session() as session:

        async def later():
            return await session.scalars(text("SELECT 1"))

        await later()
    return await later()  # TXN208@18


async def small():
    async with get_session() as session:
        fetch = lambda: session.scalars(text("SELECT 1"))
        await fetch()
    return await fetch()  # TXN208@18


async def holder():
    async with get_session() as session:
        page = Page(session, "SELECT 1")
        await show(page)
    page.name = "SELECT 2"
    return await show(page)  # TXN208@18
""",
        path="app/jobs/nightly.py",
    ),
    Bad(
        """
from sqlalchemy import select

from app.models.item import Item
from app.session import get_session


async def listed() -> list:
    async with get_session() as session:
        stream = await session.stream_scalars(select(Item))
    return [item async for item in stream]  # TXN208@36


async def whole() -> list:
    async with get_session() as session:
        stream = await session.stream(select(Item))
        first = await stream.scalars().first()
    print(first.name)
    return await stream.all()  # TXN208@18


async def inside() -> list:
    async with get_session() as session:
        stream = await session.stream_scalars(select(Item))
        found = [item async for item in stream]
        kept = await session.scalars(select(Item))
    names = [item.name for item in found]
    return [*names, *kept.all()]


async def rows():
    async with get_session() as session:
        async for item in await session.stream_scalars(select(Item)):
            yield item


async def each() -> None:
    async for item in rows():
        print(item.name)
""",
        path="app/tasks/work.py",
    ),
    Bad(
        """
# --- app/services/shelves.py
from app.session import session_factory


class Table:
    def __init__(self, session, model):
        self.session = session
        self.model = model


class Shelves(Table):
    def __init__(self, session):
        super().__init__(session, object)

    async def all(self):
        return await self.session.scalars(self.model)


class Unit:
    def __init__(self):
        self.session = None

    async def __aenter__(self):
        self.session = session_factory()
        return self

    async def __aexit__(self, kind, error, trace):
        await self.session.close()


class Boards:
    def __init__(self, unit: Unit):
        self.unit = unit

    async def all(self):
        return await self.unit.session.scalars(object)

    async def by_itself(self):
        async with self.unit:
            return await self.unit.session.scalars(object)
# --- app/tasks/shelves.py
from app.services.shelves import Boards, Shelves, Unit
from app.session import get_session


async def inherited():
    async with get_session() as session:
        shelves = Shelves(session)
        found = await shelves.all()
    return found, await shelves.all()  # TXN208@25


async def through_unit():
    async with Unit() as unit:
        boards = Boards(unit)
        found = await boards.all()
    return found, await boards.all()  # TXN208@25


async def opened_again():
    unit = Unit()
    boards = Boards(unit)
    async with unit:
        found = await boards.all()
    async with unit:
        return found, await boards.all()


async def opened_inside():
    boards = Boards(Unit())
    found = await boards.by_itself()
    return found, await boards.by_itself()
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


async def closed():
    async with get_session() as session:
        pass
    await looked(session)  # TXN208@11


async def closed_behind_a_log():
    async with get_session() as session:
        pass
    await logged(session)
""",
        path="app/tasks/options.py",
    ),
    Bad(
        """
import httpx
from fastapi import APIRouter, Depends
from sqlalchemy.orm import Session

from app.models.item import Item
from app.session import get_session_dependency

router = APIRouter()


@router.post("/lids")
def closed_between(session: Session = Depends(get_session_dependency)) -> None:
    name = session.get(Item, 1).name
    session.close()
    httpx.post("https://lids.example", json=name)
    with session.begin():  # TXN208@10
        session.add(Item(name=name))


@router.post("/jars")
def in_two_blocks(session: Session = Depends(get_session_dependency)) -> None:
    with session.begin():
        name = session.get(Item, 1).name
    httpx.post("https://jars.example", json=name)
    with session.begin():
        session.add(Item(name=name))
""",
        path="app/routers/lids.py",
    ),
    Bad(
        """
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session


class Looms:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def one(self) -> Item | None:
        return await self.session.get(Item, 1)


class Weavery:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._looms: Looms | None = None

    @property
    def looms(self) -> Looms:
        if self._looms is None:
            self._looms = Looms(self._session)
        return self._looms


async def weave() -> Item | None:
    async with get_session() as session:
        weavery = Weavery(session)
        await weavery.looms.one()
    return await weavery.looms.one()  # TXN208@18
""",
        path="app/tasks/weaving.py",
    ),
]

GOOD = [
    Good(
        """
from sqlalchemy import text

from app.session import engine


def told() -> object:
    with engine.sync_engine.begin() as connection:
        return connection.scalar(text("select 1"))
""",
        path="app/tasks/told.py",
    ),
    Good(
        """
import psycopg2


def work(dsn) -> None:
    connection = psycopg2.connect(dsn)
    cursor = connection.cursor()
    cursor.execute("update items set name = 'a'")
    cursor.close()
    connection.commit()
    with connection.cursor() as second:
        second.execute("select 1")
    connection.commit()
    connection.close()
""",
        path="app/tasks/work.py",
    ),
    Good(
        """
import requests
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session, session_factory


async def work(urls) -> None:
    for url in urls:
        async with get_session() as session:
            item = await session.get(Item, url)
        print(item.name, session.in_transaction())
    session = session_factory()
    try:
        session.add(Item(name="a"))
    finally:
        await session.close()
    await session.close()
    session = session_factory()
    await session.execute(select(Item))
    await session.close()


async def sometimes(session: AsyncSession, last: bool) -> None:
    if last:
        await session.close()
    else:
        session.add(Item(name="a"))
    await maybe(session, last)
    session.add(Item(name="b"))


async def maybe(session: AsyncSession, last: bool) -> None:
    if last:
        await session.close()


def browse() -> None:
    with requests.Session() as session:
        session.get("http://localhost")
    session.get("http://localhost")
""",
        path="app/tasks/work.py",
    ),
    Good(
        """
from sqlalchemy.orm import scoped_session, sessionmaker

from app.session import engine

registry = scoped_session(sessionmaker(engine))


def fresh() -> None:
    registry.remove()
    registry.add(object())
    registry.close()
    registry.commit()
""",
        path="app/tasks/work.py",
    ),
    Good(
        """
from app.session import session_factory


async def test_closed() -> None:
    session = session_factory()
    await session.close()
    session.add(object())
""",
        path="tests/test_closed.py",
    ),
    Good(
        """
import asyncio

from app.session import get_session


async def count(session, table):
    return await session.scalar(table)


async def told(lines):
    return await asyncio.sleep(1, lines)


async def inside(table):
    async with get_session() as session:
        counting = asyncio.create_task(count(session, table))
        await asyncio.wait([counting])
        ready = session.scalar(table)
        total = await ready
    return total, await counting


async def another(table, lines):
    telling = asyncio.create_task(told(lines))
    async with get_session() as session:
        total = await session.scalar(table)
    return total, await telling
""",
        path="app/tasks/totals.py",
    ),
]


_USES = ("use", "txn", "call", "return")
_BY_PLACE = (ir.KIND_POSONLY, ir.KIND_NORMAL)


def check(program: Program) -> Iterator[Finding]:
    """One finding per use, or block of uses, and per call that passes a closed session to a callee that uses it."""
    begun = {e.site for e in program.events("txn") if e.name in BEGINS and "closed" in e.flags}
    for event in _uses(program):
        if any(t.site in begun and not set(t.subjects).isdisjoint(event.subject) for t in event.transactions):
            continue  # its block is told
        trace: list[TraceStep] = []
        if event.kind == "call":
            found = _use_in_callee(event)
            if found is None:
                continue
            trace = down_to(program, event._replace(callee=found[0]), found[1])
        elif "closed" not in event.flags or event.name == "close":
            continue
        if event.kind == "return":
            if any(program.kind(a) == "session" for a in event.subject):
                yield _returned(program, event)
            continue
        closing = _closing(program, event)
        message = f"`{called(event)}` uses a session that is closed already. {_remedy(event, bool(closing))}"
        yield program.finding(META, event, message, [*closing, *trace])
    yield from _unfinished(program)
    yield from _gone_through(program)
    for start, item in outlived(program):
        if program.is_exempt(start.function):
            continue
        message = (
            f"The task that `{called(start)}` starts may still use its session when that is closed: the group ends "
            "later than the session's block. Enter the group inside of it, or let the task open its own session."
        )
        yield program.finding(
            META, start, message, [program.step((start.path, item), "the session is closed at the end of this block")]
        )


def _uses(program: Program) -> Iterable[Event]:
    """One event of each call; of a method called on what may be several objects, one that uses a closed session."""
    chosen: dict[Site, Event] = {}
    for event in program.events(*_USES):
        known = chosen.get(event.site)
        # of objects that are entered where they were received, the class alone may be known
        better = known is None or ("received" not in event.flags and _is_in_vain(known, event))
        if better and not program.is_exempt(event.function):
            chosen[event.site] = event
    return chosen.values()


def _is_in_vain(known: Event, event: Event) -> bool:
    """Whether a call is again of the method that was found to use no closed session."""
    return known.kind == event.kind == "call" and known.callee is event.callee and _use_in_callee(known) is None


def _remedy(event: Event, by_call: bool) -> str:
    """Who was given a session has no block to move into, and often may open none: it does without the ``close()``."""
    if not by_call:
        return "Move it into the block that holds the session, or open a second session for it."
    if any(a.tag == "param" or a.tag == "injected" for a in event.subject):
        return (
            "Leave the `close()` to who opened the session: a block of `session.begin()` ends the transaction as well, "
            "and another may follow."
        )
    return "Do it before the `close()`, or open a second session for it."


def _unfinished(program: Program) -> Iterator[Finding]:
    """Uses that begin when the block of the session is left: what has them was returned out of it."""
    told: set[Event] = set()
    for use, returned in used_later(program):
        if use not in told and not program.is_exempt(use.function):
            told.add(use)
            message = (
                f"`{called(use)}` runs when its session is closed already: it is returned unfinished out of the block "
                "that holds the session. Await it, or make a list of it, inside."
            )
            yield program.finding(META, use, message, [program.step(returned.site, "this leaves the block")])


def _gone_through(program: Program) -> Iterator[Finding]:
    """Generators that are made in the block of their session, and gone through behind it."""
    for use, place, item in gone_through_later(program):
        if not program.is_exempt(use.function):
            message = (
                f"The generator runs here, and `{called(use)}` in it uses a session that is closed by then. Make a "
                "list of it inside the block that holds the session."
            )
            trace = [
                program.step(use.site, "the session is used by the generator"),
                program.step((use.path, item), "the session is closed at the end of this block"),
            ]
            yield program.finding(META, (use.function, place), message, trace)


def _returned(program: Program, event: Event) -> Finding:
    message = (
        "This returns a session that is closed already. Yield it inside the block that holds it, or return the rows."
    )
    return program.finding(META, event, message, _closing(program, event))


def _use_in_callee(event: Event) -> tuple[FunctionInfo, Effect] | None:
    """What the callee, or a decorator around it, does to a session that was closed before the call."""
    if event.callee is None or not event.subject:
        return None
    closed = set(event.subject)
    received = {*closed, *_received(event.bindings, closed)}
    for effect in event.callee.summary.effects:
        if effect.subject in received and _is_use(effect):
            return event.callee, effect
    for wrapper in event.callee.wrappers if event.function not in event.callee.wrappers else ():
        handed = {*closed, *_handed_on(event.callee, wrapper, received)}
        for effect in wrapper.summary.around:
            if effect.subject in handed and _is_use(effect):
                return wrapper, effect
    return None


def _is_use(effect: Effect) -> bool:
    return effect.kind == "use" or (effect.kind == "txn" and effect.name != "close")


def _handed_on(function: FunctionInfo, wrapper: FunctionInfo, received: set[Any]) -> Iterator[Param]:
    """The parameters of a decorator's inner function that have what the function receives: of that name, or place."""
    names = {name for name, *_ in wrapper.params}
    for (name, *_), (other, kind, *_) in zip_longest(function.params, wrapper.params, fillvalue=("", None)):
        if name and identity(function, name) in received:
            if name in names:
                yield Param(wrapper, name)
            elif kind in _BY_PLACE:
                yield Param(wrapper, other)


def _received(bindings: Iterable[tuple[Any, Value]], closed: set[Any], depth: int = 0) -> Iterator[Any]:
    """What the callee knows closed sessions by: parameters, and fields of objects that it is given."""
    for key, value in bindings:
        if closed & set(value):
            yield key
        for made in value if depth < 2 else ():
            yield from _received(made.bindings, closed, depth + 1) if made.tag == "inst" else ()


def _closing(program: Program, event: Event) -> list[TraceStep]:
    """Where the session was closed, when that is a call."""
    found: list[TraceStep] = []
    for other in event.function.events:
        if other is event:
            break
        if other.name == "close" and other.kind in ("txn", "effect") and set(other.subject) & set(event.subject):
            found = [program.step(other.site, "the session is closed here")]
    return found
