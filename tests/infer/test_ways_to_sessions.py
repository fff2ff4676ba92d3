"""Engines and factories that reach who opens sessions unseen: through annotations, containers, bases, callables."""

from __future__ import annotations

import pytest

ENGINE = "from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine\n\n"
MAKES = ENGINE + "pool = create_async_engine('postgresql+asyncpg://db/x')\nmaker = async_sessionmaker(pool)\n"
MAIN = "from fastapi import FastAPI\n\n{}\n\napp = FastAPI()\n"
LEDGER = (
    "from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker\n\n\nclass Ledger:\n"
    "    def __init__(self, opens: {}) -> None:\n        self.opens = opens\n\n"
    "    async def rows(self):\n        async with {} as session:\n            return await session.get(object, 1)\n"
)


@pytest.mark.parametrize("passed", ["Ledger(maker)", "Ledger"], ids=["passed", "handed in by a container"])
@pytest.mark.parametrize(
    "ledger",
    [
        LEDGER.format("async_sessionmaker[AsyncSession]", "self.opens()"),
        LEDGER.format("AsyncEngine", "AsyncSession(self.opens)"),
    ],
    ids=["factory", "engine"],
)
def test_an_annotation_does_not_hide_which_factory_or_engine_is_passed(infer, ledger, passed):
    passed = passed.replace("maker", "maker" if "self.opens()" in ledger else "pool")
    main = MAIN.format("from shop.base import maker, pool\nfrom shop.ledger import Ledger") + f"ledger = {passed}\n"
    result = infer({"shop/__init__.py": "", "shop/base.py": MAKES, "shop/ledger.py": ledger, "shop/main.py": main})
    assert result.policy.session_modules == ("shop/base.py",)
    assert "1 function in other files opens sessions from it" in result.notes[0]


def test_of_two_factories_an_annotation_alone_chooses_none(infer):
    more = MAKES.replace("db/x", "db/y")
    ledger = LEDGER.format("async_sessionmaker[AsyncSession]", "self.opens()")
    result = infer({"shop/base.py": MAKES, "shop/other.py": more, "shop/ledger.py": ledger, "shop/main.py": MAIN})
    assert result.policy.session_modules == ()


PROVIDERS = (
    "from collections.abc import AsyncIterable\n\nfrom dishka import Provider, Scope, provide\n"
    "from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker\n\n"
    "from shop.base import connect, open_with\n\n\nclass Storage(Provider):\n"
    "    @provide(scope=Scope.APP)\n    def engine(self) -> AsyncEngine:\n        return connect()\n\n"
    "    @provide(scope=Scope.APP)\n    def maker(self, engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:\n"
    "        return open_with(engine)\n\n    {}\n"
    "    async def unit(self, maker: async_sessionmaker[AsyncSession]) -> AsyncIterable[AsyncSession]:\n"
    "        async with maker() as unit:\n            yield unit\n"
)
BUILDS = (
    ENGINE + "def connect():\n    return create_async_engine('postgresql+asyncpg://db/x')\n\n\n"
    "def open_with(engine):\n    return async_sessionmaker(engine)\n"
)
INJECTED = (
    "from dishka.integrations.fastapi import FromDishka\nfrom fastapi import APIRouter\n"
    "from sqlalchemy.ext.asyncio import AsyncSession\n\nrouter = APIRouter()\n\n\n"
    "class Ledger:\n    def __init__(self, unit: AsyncSession):\n        self.unit = unit\n\n\n"
    "@router.get('/')\nasync def read(unit: FromDishka[AsyncSession], ledger: FromDishka[Ledger]):\n"
    "    return await unit.get(object, 1)\n"
)


def test_what_a_container_calls_for_a_session_is_the_dependency(infer):
    files = {"shop/__init__.py": "", "shop/base.py": BUILDS, "shop/api.py": INJECTED}
    result = infer(files | {"shop/wiring.py": PROVIDERS.format("@provide(scope=Scope.REQUEST)")})
    modules = ("shop/base.py", "shop/wiring.py")
    assert result.sessions == (modules, ("shop.wiring.Storage.unit",), ())
    assert "session dependency shop.wiring.Storage.unit: it injects its sessions into 1 endpoint and 1 dependency." in (
        result.notes
    )


def test_what_no_container_calls_is_no_dependency_though_it_gives_a_session(infer):
    files = {"shop/__init__.py": "", "shop/base.py": BUILDS, "shop/api.py": INJECTED}
    result = infer(files | {"shop/wiring.py": PROVIDERS.format("# nothing provides it")})
    assert result.sessions == (("shop/base.py",), (), ())


DESK = (
    "from collections.abc import AsyncIterable\n\nfrom dishka import Provider, Scope, provide\n"
    "from sqlalchemy.ext.asyncio import AsyncSession\n\nfrom shop.till import Shelf, Till\n\n\n"
    "class Desk(Provider):\n    scope = Scope.REQUEST\n\n    @provide\n"
    "    async def till(self, {}) -> AsyncIterable[Till]:\n        yield Till({})\n\n    @provide\n"
    "    def shelf(self, till: Till) -> Shelf:\n        return Shelf(till)\n\n\n"
)
DRAWER = (
    "class Till:\n    def __init__(self, unit) -> None:\n        self.unit = unit\n\n\n"
    "class Shelf:\n    def __init__(self, till: Till) -> None:\n        self.till = till\n"
)
ANSWERS = (
    "from aiogram import Router\nfrom dishka.integrations.aiogram import FromDishka, inject\n\n"
    "from shop.till import Shelf\n\nrouter = Router()\n\n\n@router.message()\n@inject\n"
    "async def read(message, shelf: FromDishka[Shelf]) -> None:\n    await shelf.till.unit.get(object, 1)\n"
)


@pytest.mark.parametrize(
    ("asked", "given", "dependencies"),
    [("unit: AsyncSession", "unit", ("shop.wiring.Storage.unit",)), ("", "object()", ())],
    ids=["works with the session", "works without one"],
)
def test_whoever_is_given_what_a_provider_beside_it_made_with_the_session_uses_the_dependency(
    infer, asked, given, dependencies
):
    wiring = DESK.format(asked, given) + PROVIDERS.format("@provide(scope=Scope.REQUEST)")
    files = {"shop/__init__.py": "", "shop/base.py": BUILDS, "shop/till.py": DRAWER, "shop/bot.py": ANSWERS}
    assert infer(files | {"shop/wiring.py": wiring}).policy.session_dependencies == dependencies


MADE_WITH = (
    "from fastapi import APIRouter, Depends\n\nfrom shop.{0} import unit\n\n\ndef make(*, given) -> APIRouter:\n"
    "    router = APIRouter()\n\n    @router.get('/')\n    async def read(session=Depends(given)):\n"
    "        return await session.get(object, 1)\n\n    return router\n\n\nrouter = make(given=unit)\n"
)
HANDED_IN = (
    "from shop.base import maker\n\n\nasync def unit():\n    async with maker() as session:\n        yield session\n"
)


def test_what_the_maker_of_a_router_is_handed_is_the_dependency_of_its_endpoints(infer):
    files = {
        "shop/__init__.py": "",
        "shop/base.py": MAKES,
        "shop/deps.py": HANDED_IN,
        "shop/api.py": MADE_WITH.format("deps"),
    }
    assert infer(files | {"shop/main.py": MAIN.format("from shop.api import router")}).sessions == (
        ("shop/base.py", "shop/deps.py"), ("shop.deps.unit",), (),
    )  # fmt: skip


BASE = (
    "from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine\n\n\nclass Store:\n"
    "    async def open(self):\n        self.pool = create_async_engine('postgresql+asyncpg://db/x')\n\n"
    "    async def __aenter__(self):\n        self.line = await self.pool.connect().__aenter__()\n"
    "        return self\n\n    async def __aexit__(self, *error):\n        await self.line.close()\n"
)
ORDERS = (
    "from store.base import {}\n\n\nclass Orders({}):\n    async def one(self):\n"
    "        return await self.line.scalar('select 1')\n"
)


def test_building_on_the_class_that_makes_the_engine_is_use_of_it_in_the_application_that_imports_it(infer):
    files = {"store/__init__.py": "", "store/base.py": BASE, "store/orders.py": ORDERS.format("Store", "Store")}
    result = infer(files | {"desk/main.py": MAIN.format("from store.orders import Orders")})
    assert result.sessions == (("store/base.py",), (), ())
    assert result.notes[0] == (
        "session module store/base.py: the engine is created there (line 6) and 1 other file takes it from there."
    )


def test_an_engine_that_a_package_hands_on_is_taken_by_who_imports_it_from_there(infer):
    files = {"shop/__init__.py": "", "shop/base/__init__.py": "from .pools import pool\n", "shop/base/pools.py": MAKES}
    other = {"shop/old/pools.py": MAKES.replace("db/x", "db/y")}
    result = infer(files | other | {"shop/main.py": MAIN.format("from shop.base import pool")})
    assert result.policy.session_modules == ("shop/base/pools.py",)


def test_a_class_that_makes_an_engine_and_that_no_application_reaches_is_no_session_module(infer):
    files = {"store/base.py": BASE, "store/orders.py": ORDERS.format("Store", "Store"), "desk/main.py": MAIN.format("")}
    result = infer(files)
    assert result.sessions == ((), (), ())
    assert (
        "store/base.py makes an engine or session factory of its own, and hardly any other file uses it"
        in (result.notes[0])
    )
    alone = infer(files | {"store/orders.py": ORDERS.format("other", "other.Thing")})
    assert "and no other file uses it" in alone.notes[0]


OPENERS = (
    "from contextlib import asynccontextmanager\n\n"
    "from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine\n\n"
    "pool = create_async_engine('postgresql+asyncpg://db/x')\n\n\n@asynccontextmanager\nasync def unit():\n"
    "    async with AsyncSession(pool) as opened:\n        yield opened\n\n\nasync def opener():\n"
    "    def start():\n        return AsyncSession(pool)\n\n    yield start\n"
)
CALLS = (
    "from fastapi import APIRouter, Depends\n\nfrom shop.base import {0}\n\nrouter = APIRouter()\n\n\n"
    "@router.get('/')\nasync def read(given=Depends({0})):\n    return given\n"
)
JOB = (
    "from shop.base import unit\n\n\nasync def job():\n    async with unit() as session:\n"
    "        await session.get(object, 1)\n"
)


def test_a_dependency_that_hands_out_what_opens_sessions_will_do_where_none_hands_out_sessions(infer):
    files = {"shop/__init__.py": "", "shop/base.py": OPENERS, "shop/api.py": CALLS.format("opener")}
    files["shop/jobs.py"] = JOB
    assert infer(files).sessions == (("shop/base.py",), ("shop.base.opener",), ("shop.base.unit",))
    files["shop/base.py"] += (
        "\n\nasync def plain():\n    async with AsyncSession(pool) as opened:\n        yield opened\n"
    )
    files["shop/more.py"] = CALLS.format("plain")
    assert infer(files).policy.session_dependencies == ("shop.base.plain",)


def test_such_a_dependency_takes_the_place_of_no_context_in_another_file(infer):
    opener = OPENERS[: OPENERS.index("@async")] + OPENERS[OPENERS.index("async def opener") :]
    unit = OPENERS[: OPENERS.index("async def opener")].replace(OPENERS.splitlines()[4], "from shop.base import pool")
    files = {
        "shop/__init__.py": "",
        "shop/base.py": opener,
        "shop/api.py": CALLS.format("opener"),
        "shop/unit.py": unit,
    }
    result = infer(files | {"shop/jobs.py": JOB.replace("shop.base", "shop.unit")})
    assert result.sessions == (("shop/base.py", "shop/unit.py"), ("shop.base.opener",), ("shop.unit.unit",))


APP = "from fastapi import FastAPI\n\nfrom mill.web import routes\n\napp = FastAPI()\napp.include_router(routes)\n"
ASKS = "from fastapi import APIRouter, Depends\n\nfrom mill.given import unit\n\nroutes = APIRouter()\n\n\n" + (
    "@routes.get('/')\nasync def read(unit=Depends(unit)):\n    return await unit.get(object, 1)\n"
)
KEPT_ON_STATE = (
    "from fastapi import FastAPI\nfrom sqlalchemy.ext.asyncio import create_async_engine\n\n\n"
    "async def fill(app: FastAPI):\n    water = create_async_engine('postgresql+asyncpg://db/mill')\n"
    "    async with water.connect():\n        app.state.water = water\n"
)


@pytest.mark.parametrize(
    "connection",
    [
        "starlette.requests.HTTPConnection",
        "fastapi.requests.HTTPConnection",
        "starlette.websockets.WebSocket",
        "fastapi.WebSocket",
        "fastapi.requests.Request",
    ],
)
def test_the_engine_an_application_keeps_is_what_any_kind_of_connection_finds_there(infer, connection):
    where, _, name = connection.rpartition(".")
    given = (
        f"from {where} import {name}\nfrom sqlalchemy.ext.asyncio import AsyncSession\n\n\n"
        f"async def unit(asked: {name}):\n    async with AsyncSession(asked.app.state.water) as session:\n"
        "        yield session\n"
    )
    files = {"mill/__init__.py": "", "mill/main.py": APP, "mill/web.py": ASKS, "mill/given.py": given}
    result = infer(files | {"mill/sluice.py": KEPT_ON_STATE})
    assert result.sessions == (("mill/given.py", "mill/sluice.py"), ("mill.given.unit",), ())


GIVES = (
    "import contextvars\n\nimport databases\n\n_held = contextvars.ContextVar('held', default=None)\n\n\n"
    "def wheel():\n    turning = _held.get()\n    if turning is None:\n"
    "        turning = databases.Database('postgresql://db/mill')\n        _held.set(turning)\n    return turning\n\n\n"
    "async def start():\n    turning = wheel()\n    await turning.connect()\n"
)
TURNS = "from mill.stream import wheel\n\n\nasync def grind(what):\n    await wheel().execute('delete from ' 'grain')\n"
OF_ITS_OWN = (
    "from contextlib import asynccontextmanager\n\nimport databases\n\nfrom mill.stream import _held\n\n\n"
    "@asynccontextmanager\nasync def spare():\n    turning = databases.Database('postgresql://db/mill')\n"
    "    _held.set(turning)\n    yield turning\n\n\n"
    "async def by_night():\n    async with spare():\n        pass\n\n\nasync def by_day():\n    async with spare():\n"
    "        pass\n"
)


def test_who_asks_a_function_for_what_it_works_with_speaks_for_the_file_of_that_function(infer):
    files = {"mill/__init__.py": "", "mill/stream.py": GIVES, "mill/night.py": OF_ITS_OWN}
    result = infer(files | {"mill/rye.py": TURNS, "mill/oats.py": TURNS})
    assert result.sessions == (("mill/stream.py",), (), ())


def test_a_database_that_other_files_import_is_made_in_the_session_module(infer):
    stream = "import databases\n\nwheel = databases.Database('postgresql://db/mill')\n"
    web = "from fastapi import APIRouter\n\nfrom mill.stream import wheel\n\nroutes = APIRouter()\n\n\n" + (
        "@routes.get('/')\nasync def read():\n    return await wheel.fetch_all('select 1')\n"
    )
    result = infer({"mill/__init__.py": "", "mill/main.py": APP, "mill/web.py": web, "mill/stream.py": stream})
    assert result.sessions == (("mill/stream.py",), (), ())


AMBIENT = (
    "from contextvars import ContextVar\n\nfrom sqlalchemy import create_engine\n"
    "from sqlalchemy.orm import Session, sessionmaker\n\n_opens = None\n_current = ContextVar('current')\n\n\n"
    "def fill(url=None, engine=None):\n    global _opens\n"
    "    _opens = sessionmaker(engine if engine else create_engine(url))\n\n\n"
    "def _another() -> Session:\n    return _opens()\n\n\n"
    "class At(type):\n    @property\n    def work(cls):\n        return _current.get()\n\n\n"
    "class mill(metaclass=At):\n    def __init__(self, opens=_another):\n        self.opens = opens\n\n"
    "    def __enter__(self):\n        self.token = _current.set(self.opens())\n        return type(self)\n\n"
    "    def __exit__(self, kind, error, trace):\n        _current.get().close()\n        _current.reset(self.token)\n"
)


def test_a_class_that_has_a_helper_open_its_session_where_it_is_entered_is_in_the_session_module(infer):
    web = "from fastapi import APIRouter\n\nfrom mill.around import mill\n\nroutes = APIRouter()\n\n\n" + (
        "@routes.get('/')\ndef read():\n    return mill.work.get(object, 1)\n\n\n"
        "def at_night():\n    with mill():\n        return mill.work.get(object, 2)\n"
    )
    fills = (
        f"from sqlalchemy import create_engine\n\nfrom mill.around import fill\n{APP}fill(engine=create_engine(''))\n"
    )
    files = {"mill/__init__.py": "", "mill/main.py": fills, "mill/web.py": web, "mill/around.py": AMBIENT}
    result = infer(files)
    assert result.policy.session_modules == ("mill/around.py", "mill/main.py")


PORTS = (
    "from typing import Annotated\n\nfrom fastapi import Depends\nfrom sqlalchemy.ext.asyncio import AsyncSession\n\n\n"
    "class Wanted:\n    def __init__(self, what):\n        self.what = what\n\n"
    "    def __call__(self):\n        raise NotImplementedError\n\n"
    "    def __eq__(self, other):\n        return self.what == other\n\n"
    "    def __hash__(self):\n        return hash(self.what)\n\n\n"
    "class Mill:\n    def __init__(self, unit: Annotated[AsyncSession, Depends(Wanted(AsyncSession))]):\n"
    "        self.unit = unit\n"
)
BEHIND_PORTS = ENGINE + (
    "from mill.ports import Mill\n\n\n"
    "def opens_with(url):\n    return async_sessionmaker(create_async_engine(url))\n\n\n"
    "def turning(opens):\n    async def turn():\n        async with opens() as unit:\n            yield Mill(unit)\n\n"
    "    return turn\n"
)
ASKS_PORTS = (
    "from fastapi import APIRouter, Depends\n\nfrom mill.ports import Mill, Wanted\n\nroutes = APIRouter()\n\n\n"
    "@routes.get('/')\nasync def read(mill: Mill = Depends(Wanted(Mill))):\n    return await mill.unit.get(object, 1)\n"
)


@pytest.mark.parametrize(
    "wiring",
    ["app.dependency_overrides[Mill] = turning(opens)", "app.dependency_overrides.update({Mill: turning(opens)})"],
    ids=["by key", "all at once"],
)
def test_what_the_application_puts_in_the_place_of_a_port_is_where_sessions_come_from(infer, wiring):
    main = APP.replace(
        "from mill.web", "from mill.behind import opens_with, turning\nfrom mill.ports import Mill\nfrom mill.web"
    )
    main += f"\n\ndef start(url):\n    opens = opens_with(url)\n    {wiring}\n"
    files = {"mill/__init__.py": "", "mill/main.py": main, "mill/web.py": ASKS_PORTS, "mill/ports.py": PORTS}
    result = infer(files | {"mill/behind.py": BEHIND_PORTS})
    assert result.sessions == (("mill/behind.py",), (), ())
    assert "1 function in other files opens sessions from it" in result.notes[0]


WIRED = ENGINE + (
    "from dependency_injector import containers, providers\n\nfrom mill.opening import opened\n"
    "from mill.stones import Stones\n\n\n"
    "class Wheels(containers.DeclarativeContainer):\n    pool = providers.Singleton(create_async_engine, url='')\n"
    "    opens = providers.Singleton(async_sessionmaker, bind=pool)\n"
    "    unit = providers.Resource(opened, opens=opens)\n\n\n"
    "class Works(containers.DeclarativeContainer):\n    wheels = providers.DependenciesContainer()\n"
    "    stones = providers.Factory(Stones, unit=wheels.unit)\n\n\n"
    "class Mill(containers.DeclarativeContainer):\n    wheels = providers.Container(Wheels)\n"
    "    works = providers.Container(Works, wheels=wheels)\n"
)
OPENED = "async def opened(opens):\n    async with opens() as unit:\n        yield unit\n"
STONES = "class Stones:\n    def __init__(self, unit):\n        self.unit = unit\n"
ASKS_WIRED = (
    "from dependency_injector.wiring import Provide, inject\nfrom fastapi import APIRouter, Depends\n\n"
    "from mill.wired import Mill\n\nroutes = APIRouter()\n\n\n"
    "@routes.get('/')\n@inject\nasync def read(stones=Depends(Provide[Mill.works.stones])):\n"
    "    return await stones.unit.get(object, 1)\n\n\n"
    "@routes.get('/flour')\n@inject\nasync def flour(stones=Depends(Provide[Mill.works.stones])):\n"
    "    return await stones.unit.get(object, 2)\n"
)
ASIDE = MAKES + (
    "\n\nasync def aside():\n    async with maker() as unit:\n        yield unit\n\n\n"
    "async def loads(unit=Depends(aside)):\n    yield unit.get(object, 1)\n"
)


def test_a_session_that_a_container_passes_on_counts_for_those_who_are_given_what_works_with_it(infer):
    files = {"mill/__init__.py": "", "mill/main.py": APP, "mill/web.py": ASKS_WIRED, "mill/wired.py": WIRED}
    files |= {"mill/opening.py": OPENED, "mill/stones.py": STONES}
    result = infer(files | {"mill/aside.py": f"from fastapi import Depends\n{ASIDE}"})
    assert result.sessions == (("mill/opening.py", "mill/wired.py"), ("mill.opening.opened",), ())
    assert "session dependency mill.opening.opened: it injects its sessions into 2 endpoints." in result.notes


def test_a_program_beside_the_applications_may_ask_in_one_file_and_take_the_engine_in_another(infer):
    main = (
        "from fastapi import FastAPI\n\nfrom web.routes import routes\n\napp = FastAPI()\napp.include_router(routes)\n"
    )
    routes = "from fastapi import APIRouter, Depends\n\nfrom web.base import unit\n\nroutes = APIRouter()\n\n\n" + (
        "@routes.get('/')\nasync def read(unit=Depends(unit)):\n    return await unit.get(object, 1)\n"
    )
    web = f"{MAKES}\n\nasync def unit():\n    async with maker() as unit:\n        yield unit\n"
    sifter = f"{MAKES.replace('db/x', 'db/y')}\n\ndef another():\n    return maker()\n"
    asks = "from sifter.base import another\n\n\nasync def sift(key):\n    session = another()\n" + (
        "    try:\n        return await session.get(object, key)\n    finally:\n        await session.close()\n"
    )
    takes = "from sifter.base import pool\n\n\nasync def stop():\n    await pool.dispose()\n"
    files = {"web/__init__.py": "", "web/main.py": main, "web/routes.py": routes, "web/base.py": web}
    files |= {"sifter/__init__.py": "", "sifter/base.py": sifter, "sifter/asks.py": asks, "sifter/takes.py": takes}
    assert infer(files).policy.session_modules == ("sifter/base.py", "web/base.py")


def test_a_context_manager_is_no_dependency_because_an_endpoint_asks_for_it(infer):
    units = OPENERS[: OPENERS.index("async def opener")] + (
        "async def given():\n    async with unit() as opened:\n        yield opened\n"
    )
    files = {"shop/__init__.py": "", "shop/base.py": units, "shop/api.py": CALLS.format("unit")}
    assert infer(files).sessions == (("shop/base.py",), (), ("shop.base.unit",))
    files["shop/more.py"] = CALLS.format("given")
    assert infer(files).sessions == (("shop/base.py",), ("shop.base.given",), ("shop.base.unit",))


def test_what_a_property_hands_out_to_be_called_is_approved_by_the_name_of_the_property(infer):
    base = (
        f"{ENGINE}class Base:\n    def __init__(self, url):\n        self.url = url\n\n"
        "    @property\n    def opens(self):\n        def open_one():\n"
        "            return async_sessionmaker(create_async_engine(self.url))()\n\n        return open_one\n"
    )
    takes = (
        "class Ledger:\n    def __init__(self, opens):\n        self.opens = opens\n\n"
        "    async def rows(self):\n        async with self.opens() as unit:\n"
        "            return await unit.get(object, 1)\n"
    )
    wired = "from shop.base import Base\nfrom shop.ledger import Ledger\n\nledger = Ledger(Base('x').opens)\n"
    result = infer({"shop/base.py": base, "shop/ledger.py": takes, "shop/wired.py": wired})
    assert result.sessions == (("shop/base.py",), (), ("shop.base.Base.opens",))


@pytest.mark.parametrize(
    ("closes", "contexts"),
    [("finally:\n        await unit.close()", ("shop.base.opened",)), ("except ValueError:\n        pass", ())],
    ids=["closed as safely", "left open"],
)
def test_a_function_is_a_context_where_what_others_take_from_it_by_hand_is_closed_in_any_case(infer, closes, contexts):
    base = f"{MAKES}\n\ndef opened():\n    return maker()\n"
    first = "from shop.base import opened\n\n\nasync def read():\n    async with opened() as unit:\n" + (
        "        return await unit.get(object, 1)\n"
    )
    second = "from shop.base import opened\n\n\nasync def look():\n    unit = opened()\n    try:\n" + (
        f"        return await unit.get(object, 1)\n    {closes}\n"
    )
    result = infer({"shop/base.py": base, "shop/first.py": first, "shop/second.py": second})
    assert result.policy.session_contexts == contexts
