"""TXN212: a streaming endpoint keeps its injected session for the length of the stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.program.buffers import is_buffer
from sessionlint.program.knowledge import STREAMING
from sessionlint.program.model import Effect
from sessionlint.program.values import Dependency, Injected
from sessionlint.report import Finding
from sessionlint.rules.background_work import sessions_in
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.core_connections import is_worked_with
from sessionlint.rules.opened_inside import opened_in
from sessionlint.rules.streamed import body_of, makes_stream
from sessionlint.rules.transactions import behind, is_web_request, place_of, request_dependencies

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo

META = Rule(
    code="TXN212",
    name="session-held-while-streaming",
    summary="A streaming or server-sent-events endpoint keeps its injected session until the stream ends.",
    rationale=(
        "A dependency with a `yield` is closed only after the last byte was sent. A stream of minutes keeps its "
        "session that long, and with a transaction begun (one SELECT is enough, also in the authentication dependency) "
        "its connection too: as many open streams as the pool has places, and the service answers nobody. The finding "
        "stands at the endpoint's parameter that asks for the session, or for the dependency that took one (in a `def` "
        "of one line on that line), or at the `Depends(…)` of the route or router where no parameter brings it; not "
        "where the stream starts."
    ),
    remedy=(
        'Ask for the session with `Depends(…, scope="function")`, which closes it before the stream starts, in the '
        "authentication dependency too; let the generator open short sessions of its own for what it reads later."
    ),
    not_flagged=(
        'Sessions with `scope="function"`; endpoints that close the session before they answer; a generator that opens '
        "its own; endpoints that answer in one piece; websocket endpoints."
    ),
    program_wide=True,
)

BAD = [
    Bad(
        """
# --- app/auth/users.py
from fastapi import Depends, Header

from app.session import get_session_dependency


async def current_user(authorization: str = Header(), db=Depends(get_session_dependency)):
    return await db.get(object, authorization)


async def admin(user=Depends(current_user)):
    return user
# --- app/routers/streams.py
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession
from sse_starlette.sse import EventSourceResponse as Events
from starlette import responses

from app.auth.users import admin, current_user
from app.session import get_session_dependency

router = APIRouter()
SessionDep = Annotated[AsyncSession, Depends(get_session_dependency)]
Fine = Annotated[AsyncSession, Depends(get_session_dependency, scope="function")]


class Csv(StreamingResponse):
    media_type = "text/csv"


async def rows():
    yield "a"


@router.get("/export")
async def export(session: AsyncSession = Depends(get_session_dependency), user=Depends(current_user)):  # TXN212@18
    return StreamingResponse(rows())


@router.get("/events")
async def events(name: str, user: dict = Depends(admin)):  # TXN212@29
    if name:
        return {}
    return Events(rows())


@router.get("/live")
async def live(session: SessionDep):  # TXN212@16
    yield "a"


@router.get("/csv")
def csv(session: SessionDep):  # TXN212@9
    response = Csv(rows())
    response.headers["a"] = "b"
    return response


@router.get("/wrapped")
async def wrapped(fine: Fine, user=Depends(current_user)):  # TXN212@31
    return stream()


@router.get("/guarded", dependencies=[Depends(admin)])  # TXN212@39
async def guarded(fine: Fine):
    return responses.StreamingResponse(rows())


def stream():
    return responses.StreamingResponse(rows())


async def pages(db):
    yield await db.get(object, 1)


@router.get("/goes-on")
async def goes_on(session: SessionDep):  # TXN212@19
    await session.get(object, 1)
    await session.commit()
    return StreamingResponse(pages(session))


@router.get("/sometimes")
async def sometimes(name: str, session: SessionDep):  # TXN212@32
    if name:
        await session.commit()
    return StreamingResponse(rows())


@router.get("/again")
async def again(name: str, session: SessionDep):  # TXN212@28
    await session.commit()
    await session.get(object, 1)
    return StreamingResponse(content=rows())
"""
    ),
    Bad(
        """
# --- app/session.py
import os

from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine(os.environ["DATABASE_URL"], pool_size=10)


async def get_session_dependency():
    async with engine.connect() as connection:
        yield connection
# --- app/routers/ledgers.py
from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse
from sqlalchemy import text

from app.session import get_session_dependency

router = APIRouter()


@router.get("/ledgers")
async def ledgers(connection=Depends(get_session_dependency)):  # TXN212@19
    async def lines():
        for row in await connection.execute(text("SELECT 1")):
            yield str(row)

    return StreamingResponse(lines())


@router.get("/ledgers/short")
async def short(connection=Depends(get_session_dependency, scope="function")):
    return StreamingResponse(iter((await connection.execute(text("SELECT 1"))).scalars().all()))
"""
    ),
    Bad(
        """
from fastapi import APIRouter, Depends, Header
from fastapi.responses import StreamingResponse

from app.session import get_session_dependency


async def current_user(authorization: str = Header(), db=Depends(get_session_dependency)):
    return await db.get(object, authorization)


class Pages:
    def __init__(self, db=Depends(get_session_dependency)):
        self.db = db

    async def lines(self):
        yield str(await self.db.get(object, 1))


router = APIRouter(dependencies=[Depends(current_user)])


@router.get("/pages")
async def export(pages: Pages = Depends()):  # TXN212@18
    return StreamingResponse(pages.lines())
"""
    ),
    Bad(
        """
# --- app/routers/shelves.py
from dishka.integrations.fastapi import FromDishka
from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from app.services.shelves import Shelves

router = APIRouter()


@router.get("/shelves/lines")
async def lines_of(shelves: FromDishka[Shelves]):  # TXN212@20
    async def lines():
        yield str(await shelves.first())

    return StreamingResponse(lines())


@router.get("/shelves/first")
async def first(shelves: FromDishka[Shelves]):
    return {"first": await shelves.first()}

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
        """
# --- app/auth/users.py
from fastapi import Depends, Header

from app.session import get_session, get_session_dependency


async def current_user(authorization: str = Header(), db=Depends(get_session_dependency, scope="function")):
    return await db.get(object, authorization)


async def own_session(authorization: str = Header()):
    async with get_session() as session:
        return await session.get(object, authorization)
# --- app/routers/streams.py
from io import BytesIO

from fastapi import APIRouter, Depends, WebSocket
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.users import current_user, own_session
from app.session import get_session, get_session_dependency

router = APIRouter(dependencies=[Depends(own_session)])


async def rows():
    async with get_session() as session:
        yield await session.get(object, 1)


@router.get("/export")
async def export(
    session: AsyncSession = Depends(get_session_dependency, scope="function"), user=Depends(current_user)
):
    return StreamingResponse(rows())


@router.get("/closed")
async def closed(session: AsyncSession = Depends(get_session_dependency)):
    await session.get(object, 1)
    await session.close()
    return StreamingResponse(rows())


async def finish(session):
    await session.commit()


@router.get("/ended")
async def ended(name: str, session: AsyncSession = Depends(get_session_dependency)):
    if not name:
        return JSONResponse({})
    await session.get(object, 1)
    await finish(session)
    return StreamingResponse(rows())


@router.get("/pieces")
async def pieces(session: AsyncSession = Depends(get_session_dependency)):
    buffer = BytesIO(b"x")
    if session:
        return StreamingResponse(iter([b"x"]))
    return StreamingResponse(buffer, media_type="text/plain")


@router.get("/one")
async def one(session: AsyncSession = Depends(get_session_dependency)):
    assert StreamingResponse
    return JSONResponse({})


@router.get("/file")
async def file(session: AsyncSession = Depends(get_session_dependency)):
    return FileResponse("a")


@router.websocket("/socket")
async def socket(websocket: WebSocket, session: AsyncSession = Depends(get_session_dependency)):
    await websocket.accept()
"""
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """One finding per endpoint and held session, at the parameter that brings it in."""
    places: set[Any] = set()
    for function in program.functions:
        if not is_web_request(function):
            continue
        start = _stream(program, function)
        if start is None:
            continue
        reported: set[Any] = set()
        for where, name, session in _held(program, function):
            if session in reported or where in places or _lets_go(program, function, start, session):
                continue
            reported.add(session)
            places.add(where)  # a router's dependency is told once, not once per endpoint
            message = (
                f"{name} is held until the stream of {function.called} ends, with a database connection. Ask for "
                'it with `Depends(…, scope="function")`, and let the generator open its own for what it reads later.'
            )
            yield program.finding(META, where, message, [program.step(start.site, _NOTES[start.kind])])


_NOTES = {"yield": "the endpoint streams from here on", "return": "the stream is returned here"}
_IN_MEMORY = ("io.BytesIO()", "io.StringIO()")


def _stream(program: Program, function: FunctionInfo) -> Event | None:
    """Where the endpoint starts to stream, or ``None``."""
    for event in function.events:
        if function.is_generator and event.kind == "yield":
            return event
        if event.kind == "return" and any(_is_stream(program, atom) for atom in event.value):
            bodies = [body for made in _responses(program, function) for body in body_of(made)]
            if not bodies or not all(_is_one_piece(atom) for atom in bodies):
                return event
    return None


def _responses(program: Program, function: FunctionInfo) -> list[Event]:
    """The streaming responses that a function makes."""
    return [e for e in function.events if e.kind in ("external", "construct") and makes_stream(program, e)]


def _is_one_piece(atom: Any) -> bool:
    """Bytes that are all there before the first is sent."""
    return (atom.tag == "seq" and not atom.many) or (atom.tag == "ext" and atom.name in _IN_MEMORY) or is_buffer(atom)


def _is_stream(program: Program, atom: Any) -> bool:
    if atom.tag == "ext":
        return atom.name.endswith("()") and atom.name[:-2] in STREAMING
    return atom.tag == "inst" and bool(program.solver.external_bases(atom.info) & STREAMING)


def _held(program: Program, function: FunctionInfo) -> Iterator[tuple[tuple[FunctionInfo, ir.Span4], str, Any]]:
    """Sessions the request holds: the endpoint's own parameters first, then what its other dependencies took."""
    injects = [e for e in function.events if e.kind == "inject"]
    for event in injects:
        for session in _sessions(program, event):
            yield (function, event.span), f"The session of parameter {event.name!r}", session
    spans = {d: e.span for e in injects for d in e.value}
    # what a router's dependency took, too, the endpoint's own parameter keeps all the same
    for dependency in sorted(request_dependencies(program, function), key=lambda d: d not in spans):
        where = (function, spans[dependency]) if dependency in spans else place_of(program, dependency.site, function)
        for target in behind(program, dependency):
            for event in target.events:
                for session in _sessions(program, event) if event.kind == "inject" else ():
                    yield where, f"The session that {target.in_full} took", session


def _sessions(program: Program, inject: Event) -> list[Any]:
    if not any(isinstance(d, Dependency) and d.scope != "function" for d in inject.value):
        return []
    injected = [a for a in inject.subject if isinstance(a, Injected)]
    if any(isinstance(d, Dependency) and d.provided for d in inject.value):
        # a container closes all that it has made for a request with the request
        return list(dict.fromkeys(sessions_in(program, tuple(injected))))
    # the session itself, or the one that a unit of work holds which the dependency has entered
    return [held for a in injected for held in ([a] if is_worked_with(program, a) else opened_in(program, a))]


def _lets_go(program: Program, function: FunctionInfo, start: Event, session: Any) -> bool:
    """Whether the endpoint closes the session itself, or ends its last transaction before the stream, done with it."""
    if Effect("txn", "close", session) in function.summary.effects:
        return True
    if start.kind != "return" or session not in start.args[0]:
        return False
    return session not in sessions_in(
        program, tuple(a for made in _responses(program, function) for a in body_of(made))
    )
