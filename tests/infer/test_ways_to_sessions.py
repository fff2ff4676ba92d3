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


def test_a_context_manager_is_no_dependency_because_an_endpoint_asks_for_it(infer):
    units = OPENERS[: OPENERS.index("async def opener")] + (
        "async def given():\n    async with unit() as opened:\n        yield opened\n"
    )
    files = {"shop/__init__.py": "", "shop/base.py": units, "shop/api.py": CALLS.format("unit")}
    assert infer(files).sessions == (("shop/base.py",), (), ("shop.base.unit",))
    files["shop/more.py"] = CALLS.format("given")
    assert infer(files).sessions == (("shop/base.py",), ("shop.base.given",), ("shop.base.unit",))
