"""Sessions that objects hold and containers give out: what reaches background work, and what is nobody's session."""

from __future__ import annotations

import pytest

from tests.support.marked import check_marked

_APP = """
# --- app/services/scanning.py
from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session, get_session_dependency


class Store:
    def __init__(self, session: AsyncSession):
        self.session = session

    @property
    def items(self):
        return self.session.query(Item)

    async def read(self):
        await self.session.get(Item, 1)

    def count(self, at_least=0):
        return self.items.count()


class Facade:
    def __init__(self, session: Annotated[AsyncSession, Depends(get_session_dependency)]):
        self.store = Store(session)
        self.limit = 10

    async def read(self):
        await self.store.read()

    async def own(self):
        async with get_session() as session:
            await Store(session).read()


class Settings:
    def __init__(self, limit: int = 10):
        self.limit = limit

    async def work(self):
        async with get_session() as session:
            await Store(session).read()


def make_store(session: AsyncSession = Depends(get_session_dependency)):
    return Store(session)


async def read_with(session, number):
    await session.get(Item, number)


async def read(number):
    async with get_session() as session:
        await session.get(Item, number)
# --- app/starting.py
import asyncio

tasks = set()


def dispatch(function, *args):
    task = asyncio.create_task(function(*args))
    tasks.add(task)


async def run(function, *args):
    return await function(*args)
# --- app/middleware.py
from starlette.middleware.base import BaseHTTPMiddleware

from app.session import get_session


class SessionMiddleware(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        async with get_session() as session:
            request.state.db = session
            request.state.user = "someone"
            return await call_next(request)
# --- app/routers/items.py
import asyncio
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.services.scanning import Facade, Settings, Store, make_store, read, read_with
from app.session import get_session, get_session_dependency
from app.starting import dispatch, run

router = APIRouter()


"""

CASES: dict[str, tuple[str, set[str]]] = {
    "an object in an object that FastAPI makes": (
        """
@router.post("/a")
async def later(background: BackgroundTasks, facade: Annotated[Facade, Depends()]):
    background.add_task(facade.read)  # TXN601@5
    background.add_task(read, facade.limit)
    await asyncio.gather(facade.read(), facade.read())  # TXN602@11


@router.post("/b")
async def harmless(background: BackgroundTasks, settings: Annotated[Settings, Depends()], facade: Facade = Depends()):
    background.add_task(settings.work)
    await asyncio.gather(settings.work(), settings.work(), facade.read())
""",
        set(),
    ),
    "a closure over an injected object": (
        """
@router.post("/a")
async def later(background: BackgroundTasks, store: Annotated[Store, Depends(make_store)]):
    async def job():
        await store.read()

    async def own():
        async with get_session() as session:
            await Store(session).read()

    background.add_task(job)  # TXN601@5
    background.add_task(lambda: store.count(5))  # TXN601@5
    background.add_task(own)
    background.add_task(lambda: own())
    await store.read()
""",
        set(),
    ),
    "a helper that calls what it is given, and starts the coroutine": (
        """
@router.post("/a")
async def later(session: Annotated[AsyncSession, Depends(get_session_dependency)]):
    dispatch(read_with, session, 1)  # TXN601@5
    dispatch(read, 1)
    await run(read_with, session, 1)
    await run(read, 1)
""",
        set(),
    ),
    "the session that a middleware puts on the request": (
        """
@router.post("/a")
async def later(request: Request, background: BackgroundTasks):
    session = request.state.db
    background.add_task(read_with, session, 1)  # TXN601@5
    background.add_task(read_with, request.state.db, 1)  # TXN601@5
    background.add_task(read, request.state.user)
    await read_with(session, 1)
""",
        set(),
    ),
    "a session on the request that nobody in sight puts there": (
        """
async def read_typed(session: AsyncSession, number: int):
    await session.get(Item, number)


@router.post("/a")
async def later(request: Request, background: BackgroundTasks):
    background.add_task(read_typed, request.state.database, 1)  # TXN601@5
    background.add_task(read, request.state.number)
""",
        set(),
    ),
    "the background tasks that Strawberry puts on its context": (
        """
import strawberry
from strawberry.fastapi import BaseContext
from strawberry.types import Info


class Context(BaseContext):
    def __init__(self, session: AsyncSession):
        super().__init__()
        self.session = session
        self.store = Store(session)


async def make_context(session: Annotated[AsyncSession, Depends(get_session_dependency)]) -> Context:
    return Context(session)


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def add(self, info: Info[Context, None]) -> int:
        async with info.context.session.begin():
            await info.context.store.read()
            info.context.background_tasks.add_task(read, 1)  # TXN603@13
        info.context.background_tasks.add_task(info.context.store.read)  # TXN601@9
        info.context.background_tasks.add_task(read, 2)
        return 1
""",
        set(),
    ),
}

CASES |= {
    "endpoints that a function makes for a class it is given": (
        """
# --- app/services/store.py
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


class Store:
    def __init__(self, session: AsyncSession):
        self.session = session

    async def save(self):
        self.session.add(Item(name="a"))

    async def read(self):
        return await self.session.get(Item, 1)


class ItemStore(Store):
    pass
# --- app/routers/made.py
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.services.store import ItemStore, Store
from app.session import get_session_dependency

SessionDep = Annotated[AsyncSession, Depends(get_session_dependency)]


def router_for(prefix: str, store_type: type[Store]) -> APIRouter:
    router = APIRouter(prefix=prefix)

    def store_of(session: SessionDep) -> Store:
        return store_type(session)

    StoreDep = Annotated[Store, Depends(store_of)]

    @router.post("/lost")
    async def lost(store: StoreDep):
        await store.save()  # TXN209@15

    @router.get("/read")
    async def read(store: StoreDep):
        return await store.read()

    @router.post("/kept")
    async def kept(store: StoreDep, session: SessionDep):
        async with session.begin():
            await store.save()

    @router.post("/committed")
    async def committed(session: SessionDep, store: StoreDep):
        await store.save()
        await session.commit()  # TXN201@15

    return router


router = router_for("/items", ItemStore)
""",
        set(),
    ),
    "a container that gives what it keeps for a type": (
        """
# --- app/registry.py
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Registry:
    def __init__(self) -> None:
        self._factories: dict[type, Callable[[], Any]] = {}

    def register(self, key: type[T], factory: Callable[[], T]) -> None:
        self._factories[key] = factory

    def resolve(self, key: type[T]) -> T:
        return self._factories[key]()

    def find(self, key: type[T]) -> T | None:
        factory = self._factories.get(key)
        return factory() if factory else None
# --- app/sessions.py
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import session_factory


def detached() -> AsyncSession:
    return session_factory()  # TXN101@12
# --- app/wiring.py
import httpx
from sqlalchemy.ext.asyncio import AsyncSession

from app.registry import Registry
from app.sessions import detached


class Ledger:
    async def note(self, number):
        return number

    async def commit(self):
        return None


class Reports:
    async def note(self, number):
        async with httpx.AsyncClient() as client:
            await client.get("https://reports.example")


registry = Registry()
registry.register(AsyncSession, detached)
registry.register(Ledger, Ledger)
registry.register(Reports, lambda: Reports())
# --- app/routers/items.py
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import get_session_dependency
from app.wiring import Ledger, Reports, registry

router = APIRouter()


@router.post("/a")
async def asked(session: Annotated[AsyncSession, Depends(get_session_dependency)]):
    ledger = registry.resolve(Ledger)
    await ledger.commit()
    async with session.begin():
        await registry.resolve(Ledger).note(1)
        await registry.resolve(Reports).note(1)  # TXN207@15
    found = registry.find(Ledger)
    await found.commit()
    other = registry.resolve(AsyncSession)  # TXN105@13, TXN108@13
    await other.commit()  # TXN201@11
""",
        {"TXN106"},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_session_is_followed_through_what_holds_it(case):
    source, more = CASES[case]
    checked = check_marked(_APP + source if "# --- " not in source else source, more)
    assert checked.found == checked.wanted
