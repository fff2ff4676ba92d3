"""What containers that make by type hand to endpoints: the same session for all that a request is given."""

from __future__ import annotations

import pytest

from sessionlint.rules import examples, txn211_commit_after_response
from tests.program.support import marked

WORK = """
# --- app/boats/work.py
from dataclasses import dataclass
from typing import Protocol

import httpx
from sqlalchemy.ext.asyncio import AsyncSession


class Boats(Protocol):
    async def launch(self, boat) -> None: ...


class StoredBoats(Boats):
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def launch(self, boat) -> None:
        self._session.add(boat)


class HastyBoats:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def launch(self, boat) -> None:
        self._session.add(boat)
        await self._session.commit()  # TXN201


@dataclass
class Launch:
    boats: Boats

    async def run(self, boat) -> None:
        await self.boats.launch(boat)


@dataclass
class Hurry:
    boats: HastyBoats

    async def run(self, boat) -> None:
        await self.boats.launch(boat)


class Weather:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def ask(self) -> None:
        async with httpx.AsyncClient() as client:
            await client.get("https://weather")
"""

PROVIDERS = {
    "methods": """
# --- app/boats/wiring.py
from collections.abc import AsyncIterable

from dishka import Provider, Scope, make_async_container, provide
from sqlalchemy.ext.asyncio import AsyncSession

from app.boats.work import Boats, HastyBoats, Hurry, Launch, StoredBoats, Weather
from app.session import get_session_dependency


class Storage(Provider):
    @provide(scope=Scope.REQUEST)
    def boats(self, session: AsyncSession) -> Boats:
        return StoredBoats(session)

    session = provide(get_session_dependency, provides=AsyncSession, scope=Scope.REQUEST)


class Work(Provider):
    scope = Scope.REQUEST
    hasty = provide(HastyBoats)
    launch = provide(Launch)
    hurry = provide(Hurry)
    weather = provide(Weather)


container = make_async_container(Work(), Storage())
""",
    "one object": """
# --- app/boats/wiring.py
from dishka import Provider, Scope, make_async_container
from sqlalchemy.ext.asyncio import AsyncSession

from app.boats.work import Boats, HastyBoats, Hurry, Launch, StoredBoats, Weather
from app.session import get_session_dependency

work = Provider(scope=Scope.REQUEST)
work.provide_all(Hurry, HastyBoats, Launch, Weather)
work.provide(source=StoredBoats)
work.alias(source=StoredBoats, provides=Boats)
work.provide(get_session_dependency, provides=AsyncSession)
container = make_async_container(work)
""",
    "what a method makes, for all its bases": """
# --- app/boats/wiring.py
from dishka import AnyOf, Provider, Scope, WithParents, provide
from sqlalchemy.ext.asyncio import AsyncSession

from app.boats.work import HastyBoats, Hurry, Launch, StoredBoats, Weather
from app.session import get_session_dependency


class Work(Provider):
    scope = Scope.REQUEST
    session = provide(get_session_dependency, provides=AsyncSession)
    hasty = provide(HastyBoats)
    hurry = provide(Hurry)

    @provide
    def boats(self, session: AsyncSession) -> WithParents[StoredBoats]:
        return StoredBoats(session)

    @provide
    def launch(self, boats: StoredBoats) -> AnyOf[Launch, object]:
        return Launch(boats)

    @provide
    def weather(self, session: AsyncSession) -> Weather:
        return Weather(session=session)
""",
}

ENDPOINTS = """
# --- app/routers/boats.py
from typing import Annotated

from dishka import FromComponent, FromDishka
from dishka.integrations.fastapi import DishkaRoute, inject
from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession

from app.boats.work import Boats, Hurry, Launch, Weather

router = APIRouter(route_class=DishkaRoute)


@router.post("/lost")
async def lost(boat: str, work: FromDishka[Launch]):
    await work.run(boat)  # TXN209


@router.post("/lost-too")
@inject
async def lost_too(boat: str, boats: Annotated[Boats, FromComponent()]):
    await boats.launch(boat)  # TXN209


@router.post("/kept")
async def kept(boat: str, work: FromDishka[Launch], session: FromDishka[AsyncSession]):
    async with session.begin():
        await work.run(boat)


@router.post("/early")
async def early(boat: str, work: FromDishka[Hurry], session: FromDishka[AsyncSession]):
    async with session.begin():
        await work.run(boat)  # TXN205


@router.post("/slow")
async def slow(weather: FromDishka[Weather], session: FromDishka[AsyncSession]):
    async with session.begin():
        await weather.ask()  # TXN207


@router.get("/weather")
async def asked_before(weather: FromDishka[Weather], session: FromDishka[AsyncSession]):
    await weather.ask()
    async with session.begin():
        session.add(object())
"""


@pytest.mark.parametrize("providers", PROVIDERS)
def test_what_a_provider_makes_has_the_session_that_the_endpoint_is_given(providers: str) -> None:
    found, expected = marked(WORK + PROVIDERS[providers] + ENDPOINTS)
    assert found == expected


def test_a_parameter_for_which_no_provider_is_in_sight_is_what_it_is_declared() -> None:
    found, expected = marked(WORK + ENDPOINTS.replace("  # TXN209", "").replace("  # TXN205", ""))
    assert found == expected


UNAPPROVED = """
# --- app/boats/wiring.py
from collections.abc import AsyncIterator

from dishka import Provider, Scope, provide
from sqlalchemy.ext.asyncio import AsyncSession

from app.boats.work import StoredBoats
from app.session import get_session, session_factory


class Storage(Provider):
    scope = Scope.REQUEST

    @provide
    async def session(self) -> AsyncIterator[AsyncSession]:
        async with session_factory() as session:  # TXN101
            yield session
            await session.commit()  # TXN201, TXN211

    @provide
    async def boats(self) -> AsyncIterator[StoredBoats]:
        async with get_session() as session:
            yield StoredBoats(session)
# --- app/routers/boats.py
from dishka import FromDishka
from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession

from app.boats.work import StoredBoats

router = APIRouter()


@router.post("/a")
async def add(boat: str, session: FromDishka[AsyncSession]):  # TXN105
    session.add(boat)


@router.post("/b")
async def launch(boat: str, boats: FromDishka[StoredBoats]):  # TXN106
    await boats.launch(boat)
"""


def test_a_provider_that_opens_a_session_of_its_own_is_no_approved_dependency() -> None:
    found, expected = marked(WORK + UNAPPROVED)
    assert [line for line in found if "TXN209" not in line] == expected


def test_no_scope_is_recommended_for_what_a_container_calls() -> None:
    files = examples.split(WORK + UNAPPROVED, "app/services/x.py")
    program = examples.program_for(files, examples.policy_for({}, files))
    found = [f.message for f in txn211_commit_after_response.check(program)]
    assert [message.endswith("commit with `async with session.begin():`.") for message in found] == [True]


INJECTOR = """
# --- app/boats/wiring.py
from fastapi import FastAPI
from fastapi_injector import attach_injector
from injector import Binder, Injector, Module, provider
from sqlalchemy.ext.asyncio import AsyncSession

from app.boats.work import Boats, StoredBoats
from app.session import get_session_dependency


class Work(Module):
    def configure(self, binder: Binder) -> None:
        binder.bind(Boats, to=StoredBoats)
        binder.bind(AsyncSession, to=get_session_dependency)


attach_injector(FastAPI(), Injector([Work()]))
# --- app/routers/boats.py
from fastapi import APIRouter
from fastapi_injector import Injected
from sqlalchemy.ext.asyncio import AsyncSession

from app.boats.work import Boats, Hurry, Launch

router = APIRouter()


@router.post("/lost")
async def lost(boat: str, work: Launch = Injected(Launch)):
    await work.run(boat)  # TXN209


@router.post("/kept")
async def kept(boat: str, boats: Boats = Injected(Boats), session: AsyncSession = Injected(AsyncSession)):
    async with session.begin():
        await boats.launch(boat)


@router.post("/early")
async def early(boat: str, work: Hurry = Injected(Hurry), session: AsyncSession = Injected(AsyncSession)):
    async with session.begin():
        await work.run(boat)  # TXN205
"""


def test_an_injector_makes_what_nobody_provides_with_what_is_bound() -> None:
    found, expected = marked(WORK + INJECTOR)
    assert found == expected


OBJECTS = """
# --- app/boats/wiring.py
from dependency_injector import containers, providers

from app.boats.work import HastyBoats, Hurry, Launch, StoredBoats
from app.session import get_session_dependency


class Parts(containers.DeclarativeContainer):
    session = providers.{}(get_session_dependency)
    boats = providers.Factory(StoredBoats, session=session)
    hasty = providers.Factory(HastyBoats, session)
    launch = providers.Factory(Launch, boats)
    hurry = providers.Factory(Hurry, boats=hasty)
# --- app/routers/boats.py
from dependency_injector.wiring import Provide, inject
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.boats.wiring import Parts
from app.boats.work import Hurry, Launch

router = APIRouter()


@router.post("/lost")
@inject
async def lost(boat: str, work: Launch = Depends(Provide[Parts.launch])):
    await work.run(boat)  # TXN209


@router.post("/kept")
@inject
async def kept(
    boat: str,
    work: Launch = Depends(Provide[Parts.launch]),
    session: AsyncSession = Depends(Provide[Parts.session]),
):
    async with session.begin():
        await work.run(boat){}


@router.post("/early")
@inject
async def early(
    boat: str,
    work: Hurry = Depends(Provide[Parts.hurry]),
    session: AsyncSession = Depends(Provide[Parts.session]),
):
    async with session.begin():
        await work.run(boat){}
"""


def test_a_provider_that_keeps_its_object_gives_all_who_ask_the_same() -> None:
    found, expected = marked(WORK + OBJECTS.format("Resource", "", "  # TXN205"))
    assert found == expected


def test_a_provider_that_makes_one_each_time_gives_all_who_ask_another() -> None:
    found, expected = marked(WORK + OBJECTS.format("Factory", "", "").replace("  # TXN209", ""))
    assert found == expected
