"""Sessions that background work finds by itself: in a context variable, on the request, in an injected object."""

from __future__ import annotations

from tests.program.support import marked

SOURCE = """
# --- app/context.py
from contextvars import ContextVar
from sqlalchemy.ext.asyncio import AsyncSession
current: ContextVar[AsyncSession] = ContextVar("current")
who: ContextVar[str] = ContextVar("who")

def bind_session(session: AsyncSession):
    current.set(session)
# --- app/tasks/audit.py
from app.context import current, who
from app.models.item import Item
from app.session import get_session

async def ambient(key):
    current.get().add(Item(name=key))

async def deep(key):
    await ambient(key)

async def own(key):
    async with get_session() as session, session.begin():
        current.set(session)
        await ambient(key)

async def named(key):
    async with get_session() as session, session.begin():
        session.add(Item(name=who.get()))

async def of_state(state, key):
    state.session.add(Item(name=key))

async def of_request(request, key):
    request.state.session.add(Item(name=key))

async def path_of(request, key):
    async with get_session() as session, session.begin():
        session.add(Item(name=request.state.key))
# --- app/routers/items.py
from typing import Annotated
from fastapi import APIRouter, BackgroundTasks, Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession
from app.context import bind_session, current, who
from app.session import get_session_dependency
from app.tasks import audit

router = APIRouter()
Db = Annotated[AsyncSession, Depends(get_session_dependency)]

class Page:
    def __init__(self, db: Db, limit: int = 20):
        self.db = db
        self.limit = limit

class Counted:
    def __init__(self, limit: int = 20):
        self.limit = limit

@router.post("/a")
async def a(key: str, tasks: BackgroundTasks, session: Db):
    current.set(session)
    tasks.add_task(audit.ambient, key)  # TXN601
    tasks.add_task(audit.deep, key)  # TXN601
    tasks.add_task(audit.own, key)
    who.set(key)
    tasks.add_task(audit.named, key)

@router.post("/b")
async def b(key: str, tasks: BackgroundTasks, request: Request, session: Db):
    request.state.session = session
    request.state.key = key
    tasks.add_task(audit.of_state, request.state, key)  # TXN601
    tasks.add_task(audit.of_request, request, key)  # TXN601
    tasks.add_task(audit.path_of, request, key)
    tasks.add_task(audit.named, request.state.key)

@router.post("/c")
async def c(key: str, tasks: BackgroundTasks, session: Db):
    bind_session(session)
    tasks.add_task(audit.ambient, key)  # TXN601

@router.post("/d")
async def d(tasks: BackgroundTasks, page: Annotated[Page, Depends()], counted: Annotated[Counted, Depends()]):
    tasks.add_task(listed, page)  # TXN601
    tasks.add_task(listed, page.limit)
    tasks.add_task(listed, counted)

@router.post("/e")
async def e(key: str, tasks: BackgroundTasks, session: Db):
    tasks.add_task(audit.named, key)

async def listed(page):
    return page.limit
"""
MIDDLEWARE = """
# --- app/middleware.py
from starlette.middleware.base import BaseHTTPMiddleware

from app.session import session_factory


class Sessions(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        async with session_factory() as session:
            request.state.session = session
            return await call_next(request)
# --- app/tasks/audit.py
async def write(request, key):
    await request.state.session.execute(key)


async def shown(request, key):
    return request.url.path, key
# --- app/routers/items.py
from fastapi import APIRouter, BackgroundTasks, Request

from app.tasks.audit import shown, write

router = APIRouter()


@router.post("/a")
async def a(key: str, tasks: BackgroundTasks, request: Request):
    tasks.add_task(write, request, key)  # TXN601
    tasks.add_task(shown, request, key)
"""


def _told(source: str) -> tuple[list[str], list[str]]:
    found, expected = marked(source, "6")
    return [line for line in found if line.endswith("TXN601")], expected


def test_background_work_that_reads_the_sessions_of_a_request_is_told_where_it_is_scheduled() -> None:
    found, expected = _told(SOURCE)
    assert found == expected
    assert len(expected) == 6


def test_a_session_that_middleware_puts_on_the_request_goes_along_with_the_request() -> None:
    found, expected = _told(MIDDLEWARE)
    assert found == expected
    assert len(expected) == 1


def test_nothing_is_told_of_a_variable_that_only_background_work_sets() -> None:
    other = SOURCE.replace("    current.set(session)\n    tasks", "    tasks").replace(
        "    bind_session(session)\n", ""
    )
    for call in ("audit.ambient, key)", "audit.deep, key)"):
        other = other.replace(f"{call}  # TXN601", call)
    found, expected = _told(other)
    assert found == expected
    assert len(expected) == 3
