"""TXN211: a dependency commits after its ``yield``, when the response is already out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sessionlint.program.values import Dependency, Site
from sessionlint.report import Finding, TraceStep
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.called_objects import called, commits_late, may_commit_late
from sessionlint.rules.late_blocks import written_late
from sessionlint.rules.remedies import colour, in_colour
from sessionlint.rules.transactions import commit_trace, is_web_request, request_dependencies

if TYPE_CHECKING:
    from sessionlint.facts import ir
    from sessionlint.program.api import Program
    from sessionlint.program.listing import FileListing
from sessionlint.program.model import FunctionInfo

#: How many uses a trace names.
_SHOWN = 3

META = Rule(
    code="TXN211",
    name="commit-after-response",
    summary='A dependency commits after its `yield` and is asked for without `scope="function"`.',
    rationale=(
        "Current FastAPI runs what follows a dependency's `yield` after the response was sent. The client has its 200 "
        "before the commit can fail: a deferred constraint, a serialisation error or a lost connection then loses the "
        "rows of a request that reported success. A client that reads at once may not see its own write. The finding "
        "stands in the dependency, once for all who ask for it: at its commit, or at the block around its `yield` or "
        "behind it; the trace names who asks."
    ),
    remedy=(
        "Commit before the response: `async with session.begin():` in the endpoint, with a dependency that only opens "
        'and closes. Where the dependency has to commit, `Depends(…, scope="function")` (FastAPI 0.121 or newer) runs '
        "its end before the response."
    ),
    not_flagged=(
        'Dependencies that only close or roll back after the `yield`; `scope="function"`; commits before the `yield`; '
        "blocks after the `yield` in which nothing is written, or that handle the request's error; the same generator "
        "used with `async with`; a generator decorated with `@contextmanager`, whose end FastAPI never runs (it cannot "
        "enter what that gives); websocket endpoints; tests."
    ),
    program_wide=True,
)

BAD = [
    Bad(
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
        except Exception:
            await session.rollback()
            raise


async def get_session_dependency():
    async with get_session() as session:  # TXN211@16
        yield session


async def begun():
    async with factory.begin() as session:  # TXN211@16
        yield session


async def chained():
    async for session in get_session_dependency():  # TXN211@26
        yield session


async def plain():
    async with factory() as session:
        yield session


def sync(db):
    yield db
    db.commit()


def sync_source():
    from sqlalchemy.orm import Session

    with Session() as db:
        yield from sync(db)  # TXN211@9


class Database:
    async def __call__(self):
        async with factory() as session, session.begin():  # TXN211@42
            yield session


database = Database()
# --- app/deps.py
from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app import session as source

SessionDep = Annotated[AsyncSession, Depends(source.get_session_dependency)]
Fine = Annotated[AsyncSession, Depends(source.get_session_dependency, scope="function")]


async def unit(session: AsyncSession = Depends(source.plain)):
    async with session.begin():  # TXN211@16
        yield session


async def saves(session: AsyncSession = Depends(source.plain)):
    yield
    await finish(session)  # TXN211@11


async def finish(session):
    await session.commit()
# --- app/routers/items.py
from fastapi import APIRouter, Depends, Security
from sqlalchemy.ext.asyncio import AsyncSession

from app import session as source
from app.deps import Fine, SessionDep, saves, unit
from app.session import begun, chained as database, plain

router = APIRouter(dependencies=[Depends(saves)])


@router.post("/items")
async def create(session: SessionDep):
    session.add(object())


@router.head("/items")
def head(db=Depends(source.sync_source), session=Depends(source.database)):
    return db


@router.put("/items")
async def put(session: SessionDep, other: AsyncSession = Depends(begun)):
    session.add(object())


@router.patch("/items", dependencies=[Security(unit)])
async def patch(session: Fine, other=Depends(database), third=Depends(plain)):
    session.add(object())
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
        print("done")
        await self.finish(session)  # TXN211@15

    async def finish(self, session: AsyncSession):
        print("nothing to do")


class Looking(Unit):
    async def finish(self, session: AsyncSession):
        await session.rollback()


class Filing(Unit):
    async def finish(self, session: AsyncSession):
        await session.commit()


looking, filing = Looking(), Filing()
# --- app/main.py
from fastapi import Depends, FastAPI

from app.units import filing, looking

app = FastAPI()


@app.get("/a")
async def a(session=Depends(looking)):
    return await session.get(object, 1)


@app.get("/b")
async def b(session=Depends(filing)):
    return await session.get(object, 1)
"""
    ),
    Bad(
        """
# --- app/session.py
from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from app.ferries import Ferries

engine = create_async_engine("postgresql+asyncpg://db/app")


async def crossing():
    async with AsyncSession(engine) as session:
        yield session
        await session.commit()  # TXN211@15


async def nobody_asks():
    async with AsyncSession(engine) as session:
        yield session
        await session.commit()


def get_ferries(session: AsyncSession = Depends(crossing)) -> Ferries:
    return Ferries(session)


def get_nothing(session: AsyncSession = Depends(nobody_asks)) -> Ferries:
    return Ferries(session)
# --- app/ferries.py
class Ferries:
    def __init__(self, session):
        self.session = session
# --- app/main.py
from fastapi import Depends, FastAPI

from app.session import get_ferries

app = FastAPI()


@app.post("/ferries")
async def board(ferries=Depends(get_ferries)):
    ferries.session.add(object())
""",
        policy=(("session-dependencies", ["app.session.crossing"]), ("session-contexts", [])),
    ),
    Bad(
        """
# --- app/stored.py
from collections.abc import AsyncIterator

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import HTTPConnection


async def stored(connection: HTTPConnection) -> AsyncIterator[AsyncSession]:
    maker = connection.app.state.maker
    async with maker() as session:
        yield session
        await session.commit()  # TXN211@15


async def numbers(connection: HTTPConnection) -> AsyncIterator[int]:
    async with connection.app.state.counter() as counter:
        yield counter
        await counter.commit()
# --- app/routers/items.py
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.stored import numbers, stored

router = APIRouter()


@router.post("/items")
async def add(session: AsyncSession = Depends(stored), number=Depends(numbers)):
    session.add(Item())
""",
        policy=(("session-dependencies", ["app.stored.stored"]),),
    ),
    Bad(
        """
# --- app/deps.py
from fastapi import Depends

from app.session import get_session, get_session_dependency


async def counted(db=Depends(get_session_dependency)):
    yield
    async with db.begin():  # TXN211@16
        db.add(object())


async def noted(db=Depends(get_session_dependency)):
    try:
        yield db
    finally:
        async with db.begin():  # TXN211@20
            await put_down(db)


async def put_down(db):
    db.add(object())


async def apart():
    yield
    async with get_session() as session, session.begin():  # TXN211@42
        session.add(object())


async def before(db=Depends(get_session_dependency)):
    async with db.begin():
        db.add(object())
    yield


async def looked_at(db=Depends(get_session_dependency)):
    yield
    async with db.begin():
        await db.get(object, 1)


async def on_error(db=Depends(get_session_dependency)):
    try:
        yield
    except ValueError:
        async with db.begin():
            db.add(object())
        raise


async def in_time(db=Depends(get_session_dependency)):
    yield
    async with db.begin():
        db.add(object())
# --- app/main.py
from fastapi import Depends, FastAPI

from app import deps

app = FastAPI()


@app.post("/counted", dependencies=[Depends(deps.counted), Depends(deps.in_time, scope="function")])
async def counted(): ...


@app.post("/noted", dependencies=[Depends(deps.noted), Depends(deps.apart), Depends(deps.before)])
async def noted(): ...


@app.post("/on-error", dependencies=[Depends(deps.on_error), Depends(deps.looked_at)])
async def on_error(): ...
"""
    ),
    Bad(
        """
# --- app/services/shelf.py
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from sqlalchemy.orm import Session

from app.deps import kept, plain, told


@dataclass
class Shelf:
    db: Session = Depends(kept)
    other: Annotated[Session, Depends(told)] = None

    def put(self, row):
        self.db.add(row)
        self.other.add(row)


@dataclass
class Loose:
    db: Session = Depends(plain)
# --- app/deps.py
from app.session import Session


def kept():
    with Session() as db:
        yield db
        db.commit()  # TXN211@9


def told():
    with Session() as db:
        yield db
        db.commit()  # TXN211@9


def plain():
    with Session() as db:
        yield db
        db.commit()
# --- app/session.py
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

Session = sessionmaker(create_engine("postgresql://db/app"))
# --- app/routers/shelves.py
from fastapi import APIRouter, Depends

from app.services.shelf import Shelf

router = APIRouter()


@router.post("/shelves")
def put(name: str, shelf: Shelf = Depends(Shelf)):
    shelf.put(name)
"""
    ),
    Bad(
        """
# --- app/core/deps.py
from contextlib import AsyncExitStack

from fastapi import Depends

from app.session import get_session_dependency


async def kept(session=Depends(get_session_dependency)):
    stack = AsyncExitStack()
    stack.push_async_callback(session.commit)  # TXN211@5
    async with stack:
        yield


async def flushed(session=Depends(get_session_dependency)):
    stack = AsyncExitStack()
    stack.push_async_callback(session.flush)
    async with stack:
        yield


async def another(session=Depends(get_session_dependency)):
    stack, other = AsyncExitStack(), AsyncExitStack()
    stack.push_async_callback(session.commit)
    async with other:
        yield
# --- app/routers/items.py
from fastapi import APIRouter, Depends

from app.core.deps import another, flushed, kept

router = APIRouter()


@router.post("/kept", dependencies=[Depends(kept)])
async def in_kept():
    return 1


@router.post("/flushed", dependencies=[Depends(flushed), Depends(another)])
async def in_flushed():
    return 1
"""
    ),
]

GOOD = [
    Good(
        """
# --- app/routers/items.py
from fastapi import APIRouter, Depends, WebSocket
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import get_session, get_session_dependency

router = APIRouter()


async def committing():
    async with get_session() as session:
        yield session
        await session.commit()


async def before():
    async with get_session() as session:
        await session.commit()
        yield session


async def undoing():
    async with get_session() as session:
        yield session
        await session.rollback()


@router.post("/items")
async def create(
    session: AsyncSession = Depends(get_session_dependency),
    other: AsyncSession = Depends(committing, scope="function"),
    third: AsyncSession = Depends(before),
    fourth: AsyncSession = Depends(undoing),
):
    async with session.begin():
        session.add(object())


@router.websocket("/live")
async def live(socket: WebSocket, session: AsyncSession = Depends(committing)):
    await socket.accept()


async def job() -> None:
    async for session in committing():
        session.add(object())
"""
    ),
    Good(
        """
from fastapi import Depends


async def committing(session):
    yield session
    await session.commit()


async def override(session=Depends(committing)):
    return session
""",
        path="tests/conftest.py",
    ),
    Good(
        """
# --- app/units.py
from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import get_session_dependency


class Unit:
    async def __call__(self, session=Depends(get_session_dependency)):
        yield session
        print("done")
        await self.finish(session)

    async def finish(self, session: AsyncSession):
        print("nothing to do")


class Looking(Unit):
    async def finish(self, session: AsyncSession):
        await session.rollback()


class Filing(Unit):
    async def finish(self, session: AsyncSession):
        await session.commit()


looking, filing = Looking(), Filing()
# --- app/main.py
from fastapi import Depends, FastAPI

from app.units import filing, looking

app = FastAPI()


@app.get("/a")
async def a(session=Depends(looking)):
    return await session.get(object, 1)


@app.get("/b")
async def b(session=Depends(filing, scope="function")):
    return await session.get(object, 1)
"""
    ),
    Good(
        """
# --- app/session.py
from contextlib import contextmanager

from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

Session = sessionmaker(create_engine("postgresql://db/app"))


@contextmanager
def session_scope():
    with Session() as session:
        yield session
        session.commit()
# --- app/routers/pods.py
from fastapi import APIRouter, Depends

from app.session import session_scope

router = APIRouter()


@router.post("/pods")
def play(name: str, session=Depends(session_scope)):
    session.add(name)
"""
    ),
]


@dataclass(frozen=True, slots=True)
class LateCommit:
    """A dependency that commits after its ``yield``: where it does, and each ``Depends(…)`` that lets it.

    No scope helps where it is a container that calls it.
    """

    dependency: FunctionInfo
    span: ir.Span4
    uses: tuple[Site, ...]
    by_container: bool = False


def check(program: Program) -> Iterator[Finding]:
    """One finding per dependency, where it commits; its uses are in the trace."""
    for late in late_commits(program):
        trace = [*commit_trace(program, late.dependency), *_of_block(program, late), *_asked(program, late.uses)]
        yield program.finding(META, (late.dependency, late.span), _message(program, late), trace)


def late_commits(program: Program) -> list[LateCommit]:
    """The dependencies that commit after the response of an HTTP request, in the order they are first asked for."""
    uses: dict[tuple[FunctionInfo, ir.Span4], list[Site]] = {}
    provided: set[FunctionInfo] = set()
    committing = set(program.by_file(_committing))
    for user, dependency in _used(program).values() if committing else ():
        if dependency.scope != "function" and _is_for_requests(program, user):
            for source, target in called(program, dependency):
                # what a decorated generator gives, FastAPI cannot enter
                run = target in committing and (dependency.provided or not target.is_context_manager)
                span = _place(program, target, source) if run else None
                if span is not None:
                    uses.setdefault((target, span), []).append(dependency.site)
                    provided.update((target,) if dependency.provided else ())
    return [
        LateCommit(target, span, tuple(sorted(sites)), target in provided) for (target, span), sites in uses.items()
    ]


def _is_for_requests(program: Program, user: FunctionInfo) -> bool:
    """Whether requests need what asks for a dependency: of what a session module holds, what they are given."""
    if program.role(user) == "session":
        return bool(user.routes) or user in program.dependency_functions
    return not program.is_exempt(user)


def _committing(listing: FileListing) -> Iterator[FunctionInfo]:
    for function in listing.functions:
        own = function.summary.commits_after_yield or any(not t.savepoint for t in function.summary.yield_transactions)
        if own or may_commit_late(function) or written_late(function) is not None:
            yield function


def _place(program: Program, function: FunctionInfo, source: Any) -> ir.Span4 | None:
    """Where a function (as a method of ``source``) commits after its ``yield``, or the block there that does."""
    sites = [hop.site for _, hop in commits_late(program, function, source)]
    sites += [t.site for t in function.summary.yield_transactions if not t.savepoint]
    block = None if sites else written_late(function)
    if block is not None:
        return block.site[1]
    return next((span for path, span in sites if path == function.path), function.header if sites else None)


def _of_block(program: Program, late: LateCommit) -> Iterator[TraceStep]:
    """The step of a block that begins behind the ``yield``."""
    block = written_late(late.dependency)
    if block is not None and block.site[1] == late.span:
        yield program.step(block.site, "this block begins after the yield, and commits when it is left")


def _asked(program: Program, uses: tuple[Site, ...]) -> Iterator[TraceStep]:
    """The first uses, the last of them with the number of those that are left out."""
    more = len(uses) - _SHOWN
    for number, site in enumerate(uses[:_SHOWN], 1):
        rest = f" (and in {more} more place{'s' if more > 1 else ''})" if number == _SHOWN and more > 0 else ""
        yield program.step(site, f"asked for here, to end after the response{rest}")


def _message(program: Program, late: LateCommit) -> str:
    target = late.dependency
    scoped = "" if late.by_container else '; or ask for it with `Depends(…, scope="function")`'
    text = (
        f"{target.in_full} commits after its yield, when the client already has the response. Take the commit out "
        f"and let endpoints that write commit with `async with session.begin():`{scoped}."
    )
    kind = colour(program, (*target.summary.yields, *(a for a, _ in target.summary.commits_after_yield)))
    return in_colour(text, target.is_async if kind is None else kind)


def _used(program: Program) -> dict[Site, tuple[FunctionInfo, Dependency]]:
    """Every ``Depends(…)`` FastAPI resolves for an HTTP request, by place, with a function that is served by it."""
    found: dict[Site, tuple[FunctionInfo, Dependency]] = {}
    # what data classes that are asked for have in the place of a constructor
    makers = [f for f in program.dependency_functions if f.class_info is not None and f is f.class_info.maker]
    for function in (*program.functions, *makers):
        if function.routes and not is_web_request(function):
            continue
        direct = request_dependencies(program, function) if function.routes else function.dependencies.values()
        for dependency in direct:
            found.setdefault(dependency.site, (function, dependency))
    return found
