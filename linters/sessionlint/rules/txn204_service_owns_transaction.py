"""TXN204: a service begins a transaction on a session it received."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.program.values import Site
from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.declared_sessions import is_declared_and_given
from sessionlint.rules.received_units import is_handed_down, is_of_received_unit
from sessionlint.rules.sessions_inside import held_at_yield
from sessionlint.rules.transactions import called, down_to, one_per_call, owner_of, received
from sessionlint.rules.two_halves import is_half_of_block
from sessionlint.rules.watching import is_within

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo

_MAX_HOPS = 12

META = Rule(
    code="TXN204",
    name="service-owns-transaction",
    summary="A service begins a transaction on a session it received.",
    rationale=(
        "Two services that each own a transaction cannot be put into one: the second failure leaves the first one's "
        "rows behind. And called by an owner, or after any earlier statement on that session, `begin()` raises "
        "`InvalidRequestError: A transaction is already begun on this Session`. A block that a helper of no layer "
        "begins on what it is given (`async with transaction(self.session):`) is told where the service uses it. What "
        "stands in a dictionary or record that the caller has filled with its session is received, too."
    ),
    remedy=(
        "The endpoint or background function wraps the call: `async with session.begin(): await service(session, …)`. "
        "A part of the service that may fail on its own gets `async with session.begin_nested():`."
    ),
    not_flagged=(
        "Savepoints; endpoints, background functions and handlers of a bot's messages, which own their transactions; "
        "a block in which a dependency of requests yields, which is the request's: TXN211 tells when that commits; "
        "`begin()` that no block ends, which is TXN203; sessions the function opened itself, which is TXN106; sessions "
        "that a call makes of which only the type is declared; helpers of the session module and approved contexts; "
        "helpers of no layer that begin only after asking `session.in_transaction()` (a service leaves the block to "
        "its caller whatever the answer is); objects that a service is given to enter."
    ),
)

BAD = [
    Bad(
        """
from sqlalchemy.ext.asyncio import AsyncSession


async def create(session: AsyncSession, row) -> None:
    async with session.begin():  # TXN204@16
        session.add(row)


class Items:
    def __init__(self, db: AsyncSession) -> None:
        self.db = db

    async def create(self, row) -> None:
        async with self.db.begin() as transaction:  # TXN204@20
            self.db.add(row)
            assert transaction.is_active


def sync(session) -> None:
    from sqlalchemy.orm import Session

    def inner(db: Session) -> None:
        begin = db.begin
        with begin():  # TXN204@14
            db.add(object())

    inner(session)
"""
    ),
    Bad(
        """
# --- app/services/batch.py
from contextlib import AsyncExitStack


async def run(session, rows) -> None:
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(session.begin())  # TXN204@41
        session.add_all(rows)
# --- app/tasks/nightly.py
from app.services import batch
from app.session import get_session


async def nightly() -> None:
    async with get_session() as session:
        await batch.run(session, [])
"""
    ),
    Bad(
        """
from sqlalchemy.ext.asyncio import AsyncSession


class Unit:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def __aenter__(self):
        self.transaction = await self.session.begin()  # TXN204@34
        return self

    async def __aexit__(self, kind, error, trace):
        await self.transaction.__aexit__(kind, error, trace)


class Block:
    def __init__(self, session: AsyncSession) -> None:
        self.block = session.begin()

    async def __aenter__(self):
        return await self.block.__aenter__()

    async def __aexit__(self, kind, error, trace):
        return await self.block.__aexit__(kind, error, trace)


class Guarded:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def __aenter__(self):
        self.block = self.session.begin()  # TXN204@22
        return await self.block.__aenter__()

    async def __aexit__(self, kind, error, trace):
        return await self.block.__aexit__(kind, error, trace)
"""
    ),
    Bad(
        """
# --- app/session.py
from contextlib import asynccontextmanager
from contextvars import ContextVar

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://db/app")
session_factory = async_sessionmaker(engine)
present: ContextVar[AsyncSession] = ContextVar("present")


@asynccontextmanager
async def get_session():
    async with session_factory() as session:
        token = present.set(session)
        try:
            yield session
        finally:
            present.reset(token)


def at_hand():
    return present.get()
# --- app/services/items.py
from app.session import at_hand, get_session, present


async def create(row):
    session = present.get()
    async with session.begin():  # TXN204@16
        session.add(row)


async def rename(row):
    async with at_hand().begin():  # TXN204@16
        row.name = "b"


async def part(row):
    async with at_hand().begin_nested():
        at_hand().add(row)


async def alone(row):
    async with get_session():
        async with at_hand().begin():
            at_hand().add(row)
# --- app/tasks/items.py
from app.session import at_hand, get_session


async def nightly(row):
    async with get_session():
        async with at_hand().begin():
            at_hand().add(row)
"""
    ),
    Bad(
        """
import abc
from contextvars import ContextVar
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypedDict, cast

from sqlalchemy.ext.asyncio import AsyncSession, async_object_session

present: ContextVar[AsyncSession] = ContextVar("present")


@dataclass
class Orders:
    session: AsyncSession

    async def save(self, row) -> None:
        async with self.session.begin():  # TXN204@20
            self.session.add(row)

    async def part(self, row) -> None:
        async with self.session.begin_nested():
            self.session.add(row)


class Base:
    _session: AsyncSession

    @property
    def session(self) -> AsyncSession:
        return self._session


class Items(Base):
    async def save(self, row) -> None:
        async with self.session.begin():  # TXN204@20
            self.session.add(row)


class Abstract(abc.ABC):
    @property
    @abc.abstractmethod
    def session(self) -> AsyncSession: ...

    async def save(self, row) -> None:
        session = self.session
        async with session.begin():  # TXN204@20
            session.add(row)


class HasSession(Protocol):
    db: AsyncSession


class Given(TypedDict):
    db: AsyncSession


class Pair(NamedTuple):
    db: AsyncSession
    user: str


async def save(context: HasSession, row) -> None:
    async with context.db.begin():  # TXN204@16
        context.db.add(row)


async def keyed(given: Given, pair: Pair, sessions: dict[str, AsyncSession], row) -> None:
    async with given["db"].begin():  # TXN204@16
        given["db"].add(row)
    async with pair.db.begin():  # TXN204@16
        pair.db.add(row)
    async with sessions["main"].begin():  # TXN204@16
        sessions["main"].add(row)


async def each(sessions: list[AsyncSession], row) -> None:
    for session in sessions:
        async with session.begin():  # TXN204@20
            session.add(row)


def current() -> AsyncSession:
    return present.get()


async def ambient(row) -> None:
    session = current()
    async with session.begin():  # TXN204@16
        session.add(row)


async def said(thing, other, row) -> None:
    async with cast(AsyncSession, thing).begin():  # TXN204@16
        thing.add(row)
    assert isinstance(other, AsyncSession)
    async with other.begin():  # TXN204@16
        other.add(row)


async def of_row(row) -> None:
    session = async_object_session(row)
    async with session.begin():  # TXN204@16
        row.name = "b"
"""
    ),
    Bad(
        """
# --- app/session.py
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://db/app")
session_factory = async_sessionmaker(engine)


class Desk:
    async def __aenter__(self):
        self.session = session_factory()
        return self

    async def __aexit__(self, *details):
        await self.session.close()
# --- app/services/letters.py
from app.session import Desk


class Letters:
    def __init__(self, desk: Desk):
        self.desk = desk

    async def put(self, row):
        async with self.desk.session.begin():  # TXN204@20
            self.desk.session.add(row)

    async def part(self, row):
        async with self.desk.session.begin_nested():
            self.desk.session.add(row)

    async def apart(self, row):
        async with Desk() as desk:
            async with desk.session.begin():
                desk.session.add(row)


class Opening:
    def __init__(self, desk: Desk):
        self.desk = desk

    async def open(self):
        await self.desk.__aenter__()

    async def put(self, row):
        async with self.desk.session.begin():
            self.desk.session.add(row)


class Making:
    def __init__(self):
        self.desk = Desk()

    async def put(self, row):
        async with self.desk:
            async with self.desk.session.begin():
                self.desk.session.add(row)
"""
    ),
    Bad(
        """
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app import unseen


@dataclass
class Quay:
    session: AsyncSession

    def _unit(self):
        return self.session.begin()

    async def moor(self, boat) -> None:
        async with self._unit():  # TXN204@20
            self.session.add(boat)

    async def moor_in(self, boat, inner: bool) -> None:
        begin = self.session.begin_nested if inner else self.session.begin
        async with begin():  # TXN204@20
            self.session.add(boat)


class Slip:
    session: AsyncSession

    async def __aenter__(self):
        self.session = unseen.make()
        return self

    def _unit(self):
        return self.session.begin()

    async def launch(self, boat) -> None:
        async with self._unit():
            self.session.add(boat)


@dataclass
class Yard:
    slip: Slip

    async def launch(self, boat) -> None:
        async with self.slip, unit_of(self.slip):
            self.slip.session.add(boat)


def unit_of(slip: Slip):
    return slip.session.begin()


async def build(given: dict[str, Slip], boat) -> None:
    async with unit_of(given["first"]):  # TXN204@16
        given["first"].session.add(boat)
""",
        path="app/services/quays.py",
    ),
    Bad(
        path="app/services/rows.py",
        source="""
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from app.session import session_factory


@dataclass
class Context:
    session: AsyncSession


class Pair(NamedTuple):
    session: AsyncSession
    label: str


async def matched(context: Context):
    match context:
        case Context(session=db):
            async with db.begin():  # TXN204@24
                return 1


async def unpacked(pair: Pair):
    db, label = pair
    async with db.begin():  # TXN204@16
        return label


async def beside(pair: Pair):
    (db, _), count = pair, 1
    async with db.begin():  # TXN204@16
        return count


async def own():
    db, label = session_factory(), "own"
    async with db, db.begin():
        return label
""",
    ),
    Bad(
        """
# --- app/services/clerks.py
from fastapi import Depends

from app.session import get_session_dependency


async def clerk(session=Depends(get_session_dependency)):
    async with session.begin():  # TXN204@16
        session.add(seen := object())
    yield seen
# --- app/routers/clerks.py
from fastapi import APIRouter, Depends

from app.services.clerks import clerk

router = APIRouter()


@router.post("/clerks")
async def greet(of=Depends(clerk)):
    return of
"""
    ),
    Bad(
        """
# --- app/kit/blocks.py
from contextlib import asynccontextmanager
from functools import wraps


@asynccontextmanager
async def block(session):
    async with session.begin():
        yield session


@asynccontextmanager
async def outer(session):
    async with block(session) as inner:
        yield inner


@asynccontextmanager
async def part(session):
    async with session.begin_nested():
        yield session


@asynccontextmanager
async def joining(session):
    if session.in_transaction():
        yield session
    else:
        async with session.begin():
            yield session


async def run_in_block(session, work):
    async with session.begin():
        return await work(session)


async def start(session):
    await session.begin()


class Atomic:
    def __init__(self, session):
        self.session = session

    async def __aenter__(self):
        self.block = self.session.begin()
        await self.block.__aenter__()
        return self.session

    async def __aexit__(self, *details):
        return await self.block.__aexit__(*details)


class Unit:
    def __init__(self, factory):
        self.factory = factory

    async def __aenter__(self):
        self.session = self.factory()
        await self.session.begin()
        return self

    async def __aexit__(self, *details):
        await self.session.commit()
        await self.session.close()


def in_block(function):
    @wraps(function)
    async def inner(session, *args):
        async with session.begin():  # TXN204@20
            return await function(session, *args)

    return inner
# --- app/services/berths.py
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.blocks import Atomic, Unit, block, in_block, joining, outer, part, run_in_block, start
from app.session import get_session


class Berths:
    def __init__(self, session: AsyncSession, given: Atomic, unit: Unit):
        self.session = session
        self.given = given
        self.unit = unit

    async def let(self, boat):
        async with block(self.session):  # TXN204@20
            self.session.add(boat)

    async def let_below(self, boat):
        async with outer(self.session) as session:  # TXN204@20
            session.add(boat)

    async def let_atomically(self, boat):
        async with Atomic(self.session) as session:  # TXN204@20
            session.add(boat)

    async def let_by_work(self):
        await run_in_block(self.session, self.put)  # TXN204@15

    async def put(self, session):
        session.add(object())

    async def in_part(self, boat):
        async with part(self.session) as session:
            session.add(boat)

    async def where_none_is_open(self, boat):
        async with joining(self.session) as session:
            session.add(boat)

    async def by_hand(self):
        await start(self.session)

    async def of_what_is_given(self, boat):
        async with self.given as session:
            session.add(boat)
        async with self.unit:
            self.unit.session.add(boat)

    async def own(self, boat):
        async with get_session() as session, block(session):
            session.add(boat)

    async def above(self, boat):
        await self.let(boat)
        await wrapped(self.session)


@in_block
async def wrapped(session):
    session.add(object())
# --- app/routers/berths.py
from fastapi import APIRouter, Depends

from app.kit.blocks import Atomic, Unit, block
from app.services.berths import Berths
from app.session import get_session_dependency, session_factory

router = APIRouter()


@router.post("/berths")
async def let(session=Depends(get_session_dependency)):
    berths = Berths(session, Atomic(session), Unit(session_factory))
    await berths.of_what_is_given(object())
    await berths.above(object())


@router.post("/boats")
async def boats(session=Depends(get_session_dependency)):
    async with block(session):
        session.add(object())
"""
    ),
    Bad(
        """
import logging
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession

logger = logging.getLogger(__name__)


async def joined(session: AsyncSession, row) -> None:
    if session.in_transaction():
        session.add(row)
        return
    async with session.begin():  # TXN204@16
        session.add(row)


@asynccontextmanager
async def joining(session: AsyncSession):
    if not session.in_transaction():
        async with session.begin():  # TXN204@20
            yield session
    else:
        yield session


async def part_or_whole(session: AsyncSession, row) -> None:
    async with session.begin_nested() if session.in_transaction() else session.begin():  # TXN204@72
        session.add(row)


async def only_told(session: AsyncSession, row) -> None:
    logger.debug("open: %s", session.in_transaction())
    async with session.begin():  # TXN204@16
        session.add(row)


async def anew(session: AsyncSession, row) -> None:
    if session.in_transaction():
        await session.rollback()
    async with session.begin():  # TXN204@16
        session.add(row)
"""
    ),
    Bad(
        """
# --- app/deciding.py
def begun(session):
    return session.begin()
# --- app/services/tides.py
from typing import NamedTuple

from app.deciding import begun
from app.session import get_session

KEY = "session"


class Tide(NamedTuple):
    session: object
    name: str


def tide(session, name):
    return Tide(session, name)


class Ebb:
    def __init__(self, **given):
        self.given = given

    async def run(self, row):
        session = self.given[KEY]
        async with session.begin():  # TXN204@20
            session.add(row)

    async def part(self, row):
        session = self.given[KEY]
        async with session.begin_nested():
            session.add(row)

    async def helped(self, row):
        async with begun(self.given[KEY]):  # TXN204@20
            self.given[KEY].add(row)


async def flow(given, row):
    session, _ = given
    async with session.begin():  # TXN204@16
        session.add(row)


class Spring:
    def __init__(self):
        self.kept = {}

    async def run(self, row):
        async with get_session() as session:
            self.kept[KEY] = session
            await self._put(row)

    async def _put(self, row):
        async with self.kept[KEY].begin():
            self.kept[KEY].add(row)


async def neap(row):
    kept = {}

    async def put():
        async with kept[KEY].begin():
            kept[KEY].add(row)

    async with get_session() as session:
        kept[KEY] = session
        await put()


class Basin:
    async def __aenter__(self):
        self.manager = get_session()
        self.held = {KEY: await self.manager.__aenter__()}
        return self

    async def __aexit__(self, *error):
        await self.manager.__aexit__(*error)


async def fill(row):
    async with Basin() as basin:
        async with basin.held[KEY].begin():
            basin.held[KEY].add(row)
# --- app/tasks/tides.py
from app.services.tides import Ebb, flow, tide
from app.session import get_session


async def nightly(row):
    async with get_session() as session:
        ebb = Ebb(session=session, retries=3)
        await ebb.run(row)
        await ebb.part(row)
        await ebb.helped(row)


async def hourly(row):
    async with get_session() as session:
        await flow(tide(session, "low"), row)
"""
    ),
]

GOOD = [
    Good(
        """
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import get_session


async def create(session: AsyncSession, row) -> None:
    async with session.begin_nested():
        session.add(row)


async def own() -> None:
    async with get_session() as session, session.begin():
        session.add(object())


async def bare(session: AsyncSession) -> None:
    await session.begin()
"""
    ),
    Good(
        """
# --- app/routers/items.py
from fastapi import APIRouter, BackgroundTasks, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.services.reports import build
from app.session import get_session_dependency

router = APIRouter()


@router.post("/items")
async def create(tasks: BackgroundTasks, session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        session.add(object())
    tasks.add_task(build)
# --- app/services/reports.py
from app.session import get_session


async def build() -> None:
    async with get_session() as session:
        async with session.begin():
            session.add(object())
"""
    ),
    Good(
        """
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, cast

from sqlalchemy.ext.asyncio import AsyncSession

from app import unseen


class Database(Protocol):
    def open(self) -> AbstractAsyncContextManager[AsyncSession]: ...

    def make(self) -> AsyncSession: ...


class Unit(Protocol):
    session: AsyncSession

    async def __aenter__(self) -> "Unit": ...

    async def __aexit__(self, *error) -> None: ...


@dataclass
class Orders:
    database: Database
    unit: Unit
    factory: Callable[[], AsyncSession]

    async def save(self, row) -> None:
        async with self.database.open() as session:
            async with session.begin():
                session.add(row)

    async def made(self, row) -> None:
        session = self.database.make()
        async with session.begin():
            session.add(row)
        await session.close()

    async def called(self, row) -> None:
        async with self.factory() as session, session.begin():
            session.add(row)

    async def united(self, row) -> None:
        async with self.unit:
            async with self.unit.session.begin():
                self.unit.session.add(row)


class Keeps:
    session: AsyncSession

    async def __aenter__(self):
        self.session = unseen.make()
        return self

    async def __aexit__(self, *error) -> None:
        await self.session.close()

    async def save(self, row) -> None:
        async with self.session.begin():
            self.session.add(row)


def unknown() -> AsyncSession:
    return unseen.make()


async def own(row) -> None:
    session = unknown()
    async with session.begin():
        session.add(row)
    told: AsyncSession = unseen.make()
    async with told.begin():
        told.add(row)
    async with cast(AsyncSession, unseen.make()).begin():
        told.add(row)
"""
    ),
    Good(
        """
# --- app/services/contexts.py
from collections.abc import AsyncIterator
from dataclasses import dataclass

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import get_session_dependency


@dataclass
class Desk:
    session: AsyncSession
    clerk: str


async def desk(session: AsyncSession = Depends(get_session_dependency)) -> AsyncIterator[Desk]:
    async with session.begin():
        yield Desk(session, "a")
# --- app/routers/desks.py
from typing import Annotated

from fastapi import APIRouter, Depends

from app.services.contexts import Desk, desk

router = APIRouter()


@router.post("/desks")
async def open_desk(at: Annotated[Desk, Depends(desk, scope="function")]):
    at.session.add(at.clerk)
"""
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """One finding per block; silent when the session may also be the function's own."""
    blocks: dict[Site, list[Event]] = {}
    for event in program.events("txn"):
        if event.name != "begin" or not _is_block(program, event) or not _is_for_service(program, event.function):
            continue
        if not _is_for_request(program, event):
            blocks.setdefault(event.site, []).append(event)
    for events in blocks.values():
        if all(_is_received(program, event, atom) for event in events for atom in event.subject):
            event = events[0]
            message = (
                f"`{called(event)}` makes the service own the transaction of {program.describe(event.subject[0])}. "
                "Begin it in the endpoint or background function that calls the service, and only add, execute and "
                "flush here."
            )
            yield program.finding(META, event, message)
    for event in one_per_call(_by_helpers(program)):
        message = (
            f"`{called(event)}` begins a transaction of {program.describe(event.subject[0])}, and so makes the service "
            "own it. Begin it in the endpoint or background function that calls the service; a part that may fail on "
            "its own belongs in `begin_nested()`."
        )
        yield program.finding(META, event, message, down_to(program, event))


def _by_helpers(program: Program) -> Iterator[Event]:
    """A service's calls of helpers, which are no service themselves, that begin a block on what it has received."""
    for event in program.events("effect"):
        if event.text != "txn" or event.name != "begin" or not _is_for_service(program, event.function):
            continue
        # what a service is handed to be entered is a unit of work; inside the block of an owner it is TXN205
        if "received" in event.flags or owner_of(event, event.subject) is not None:
            continue
        given = bool(event.subject) and all(_is_given(program, event.function, a) for a in event.subject)
        if given and _is_begun_below(program, event):
            yield event


def _is_given(program: Program, function: FunctionInfo, session: Any) -> bool:
    """Whether it was received, read out of a context variable, or stood in what the function was given."""
    return received(session) or session in function.summary.ambient or is_handed_down(program, function, session)


def _is_begun_below(program: Program, event: Event) -> bool:
    """Whether what is called begins the block, or what that calls, and nothing on the way is told or approved."""
    callee, effect = event.callee, event.effect
    for _ in range(_MAX_HOPS):
        if callee is None or effect is None or program.role(callee) is not None:
            break
        hop = None if callee in program.shared(_wrapped) else callee.summary.hop(effect)
        if hop is None:
            break
        if hop.callee is None:
            begun = (e for e in callee.events if e.kind == "txn" and e.name == "begin" and e.site == hop.site)
            return any(_is_block(program, e) for e in begun)
        callee, effect = hop.callee, hop.inner
    return False


def _is_received(program: Program, event: Event, session: Any) -> bool:
    # what it reads out of a context variable is its callers', too
    if _is_given(program, event.function, session) or is_of_received_unit(program, event.function, session):
        return True
    return is_declared_and_given(program, event, session)


def _is_for_request(program: Program, event: Event) -> bool:
    """Whether a dependency of requests gives something inside the block: that is the request's, wherever it stands."""
    function = event.function
    if not function.is_generator or function not in program.dependency_functions:
        return False
    return any(t.site[0] == event.path and is_within(event.span, t.site[1]) for t in held_at_yield(function))


def _is_block(program: Program, event: Event) -> bool:
    return "context" in event.flags or ("returned" not in event.flags and is_half_of_block(program, event))


def _is_for_service(program: Program, function: FunctionInfo) -> bool:
    """Whether a function is a service, or what a decorator of no layer puts around services alone."""
    role = program.role(function)
    if role is not None:
        return role == "service"
    return program.shared(_wrapped).get(function) == {"service"}


def _wrapped(program: Program) -> dict[FunctionInfo, set[str | None]]:
    """The roles of the functions that decorators' inner functions are put around."""
    found: dict[FunctionInfo, set[str | None]] = {}
    for function in program.functions:
        for wrapper in function.wrappers:
            found.setdefault(wrapper, set()).add(program.role(function))
    return found
