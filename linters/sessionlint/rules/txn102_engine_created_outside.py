"""TXN102: an engine is created outside the session module and migrations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.opening import text

if TYPE_CHECKING:
    from sessionlint.program.api import Program

META = Rule(
    code="TXN102",
    name="engine-created-outside",
    summary="An engine is created outside the session module and migrations.",
    rationale=(
        "Each engine is a connection pool of its own and carries its own settings. A second one doubles the "
        "connections the pooler has to serve, and rarely has the caches off: behind a transaction pooler, an "
        "asyncpg engine with default settings lost 1,571 of 2,000 transactions, one with NullPool ran at a third "
        "to a fifth of the speed."
    ),
    remedy="Create the one engine in the session module; everybody else receives sessions made from it.",
    not_flagged=(
        "The session module, migrations and tests; `create_engine` of other libraries and of the project itself; "
        "engines that are passed in or imported."
    ),
)

BAD = [
    Bad(
        """
from sqlalchemy import create_engine, engine_from_config
from sqlalchemy.ext.asyncio import create_async_engine as make

engine = create_engine("sqlite://")  # TXN102@10


class Store:
    engine = make("postgresql+asyncpg://db/app")  # TXN102@14

    def __init__(self, url):
        self.other = make(url)  # TXN102@22


def configured(config):
    return engine_from_config(config, prefix="sqlalchemy.")  # TXN102@12


fallback = lambda url: create_engine(url)  # TXN102@24
""",
        path="app/main.py",
    ),
    Bad(
        """
# --- app/compat.py
from sqlmodel import create_engine as build_engine

__all__ = ["build_engine"]
# --- app/tasks/report.py
from functools import partial
import importlib

import sqlalchemy
from app.compat import build_engine
from sqlalchemy.ext import asyncio as sa

quick = partial(build_engine, echo=True)
one, two = quick("sqlite://a"), build_engine("sqlite://b")  # TXN102@12 TXN102@33


async def run(url):
    if (engine := sa.create_async_engine(url)) is None:  # TXN102@19
        return importlib.import_module("sqlalchemy").create_engine(url)  # TXN102@16
    return getattr(sqlalchemy, "create_engine")(url)  # TXN102@12
"""
    ),
    Bad(
        source="""
# --- app/container.py
from dependency_injector import containers, providers
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine


class Container(containers.DeclarativeContainer):
    config = providers.Configuration()
    engine = providers.Singleton(create_async_engine, config.url)  # TXN102@14
    factory = providers.Factory(async_sessionmaker, engine)
"""
    ),
    Bad(
        source="""
# --- app/container.py
from modern_di import Group, Scope, providers
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine


def stop(engine: AsyncEngine):
    return engine.dispose()


class Made(Group):
    engine = providers.Factory(  # TXN102@14
        creator=create_async_engine, kwargs={"url": "x"}, cache_settings=providers.CacheSettings(finalizer=stop)
    )
    factory = providers.Factory(creator=async_sessionmaker, kwargs={"bind": engine})  # TXN103@15
    other = providers.Singleton(Scope.APP, create_async_engine, "y")  # TXN102@13
    plain = providers.Factory(scope=Scope.APP, creator=dict, kwargs={"url": "z"})
"""
    ),
    Bad(
        """
try:
    from sqlalchemy import create_engine
except ImportError:
    create_engine = None

make_engine = None
try:
    from sqlalchemy.ext.asyncio import create_async_engine as make_engine
except ImportError:
    pass

store = create_engine("sqlite://")  # TXN102@9
other = make_engine("sqlite+aiosqlite://")  # TXN102@9
""",
        path="app/services/stores.py",
    ),
    Bad(
        source="""
# --- app/kit/holders.py
import psycopg2
from sqlalchemy import create_engine

from app.kit.shapes import circle


class Tools:
    def __init__(self, item):
        self._item = item

    def get(self):
        return self._item


class Drivers(Tools):
    pass


TOOL, DRIVER, OTHER = Tools(create_engine), Drivers(psycopg2.connect), Tools(circle)
# --- app/kit/shapes.py
def circle(size):
    return size
# --- app/services/rows.py
from app.kit.holders import OTHER, TOOL


def made(url):
    return TOOL.get()(url)  # TXN102@12


def other(url):
    return OTHER.get()(url)
"""
    ),
]

GOOD = [
    Good(
        """
# --- app/main.py
import pyarrow
from sqlalchemy import Engine

from app.session import engine
from app.search import create_engine


def stop(engine: Engine):
    # create_engine("sqlite://") would be wrong here
    engine.dispose()


search = create_engine("index")
tables = pyarrow.create_engine("x")
print("create_async_engine(", engine)
# --- app/search.py
def create_engine(name):
    return {"name": name}
""",
        path="app/main.py",
    ),
    Good(
        """
# --- app/session.py
from sqlalchemy.ext.asyncio import create_async_engine


def make_engine(url):
    return create_async_engine(url)
# --- migrations/env.py
from sqlalchemy import engine_from_config, pool

connectable = engine_from_config({}, prefix="sqlalchemy.", poolclass=pool.NullPool)
# --- tests/conftest.py
from sqlalchemy import create_engine

engine = create_engine("sqlite://")
"""
    ),
    Good(
        source="""
from sqlalchemy import create_mock_engine


def written_out(metadata, into):
    metadata.create_all(create_mock_engine("postgresql://", into.append), checkfirst=False)
""",
        path="app/services/schemas.py",
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """Engines made outside the session module."""
    for event in program.events("create"):
        if event.name == "engine" and not program.is_exempt(event.function):
            message = (
                f"{text(event)} creates an engine, and with it a second connection pool, outside the session module. "
                "Create the one engine there and receive sessions from it."
            )
            yield program.finding(META, event, message)
