"""TXN101: a session class, factory or registry is called outside the session module."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.opening import is_approved, made_at, opens_directly, text
from sessionlint.rules.remedies import opening

if TYPE_CHECKING:
    from sessionlint.program.api import Program

META = Rule(
    code="TXN101",
    name="session-created-directly",
    summary="A session class, session factory or scoped registry is called outside the session module.",
    rationale=(
        "Every extra place that opens sessions is a place that decides by itself how they are closed, rolled back "
        "and bounded, and one that tests cannot replace through `dependency_overrides`. An engine reached that "
        "way need not carry the pooler settings: with asyncpg's default statement cache behind a transaction "
        "pooler, 429 of 2,000 transactions came through, and some of the failures ran another client's statement."
    ),
    remedy=(
        "Endpoints receive the session through the one dependency, services take it as a parameter, background "
        "work opens it with the one context manager of the session module. Only that module calls the factory."
    ),
    not_flagged=(
        "The session module, tests and migrations; functions the policy names as `session-dependencies` or "
        "`session-contexts`; sessions that are no database sessions (`requests.Session`, `aiohttp.ClientSession`, "
        "`boto3.Session`); project classes that are merely called `Session`; annotations."
    ),
)

BAD = [
    Bad(
        """
from app.session import session_factory


async def load(item_id):
    async with session_factory() as session:  # TXN101@16
        return await session.get(object, item_id)


async def save(row):
    async with session_factory.begin() as session:  # TXN101@16
        session.add(row)
"""
    ),
    Bad(
        """
import sqlalchemy.ext.asyncio as sa
from sqlalchemy.orm import Session as Db
from sqlmodel import Session

from app.session import engine


async def first():
    async with sa.AsyncSession(engine, expire_on_commit=False) as session:  # TXN101@16
        return session


def second(bind):
    with Db(bind) as one, Session(bind) as two:  # TXN101@10 TXN101@27
        return one.is_active and two.is_active
"""
    ),
    Bad(
        """
# --- app/db/__init__.py
from .core import make as open_session
# --- app/db/core.py
from ..session import session_factory as make
# --- app/tasks/nightly.py
import functools
from app import db
from app.db import open_session
from app.session import session_factory

FACTORIES = {"main": session_factory, "other": open_session}
bound = functools.partial(open_session, info={"job": "nightly"})


async def run(name):
    async with db.open_session() as one:  # TXN101@16
        await one.get(object, 1)
    async with FACTORIES[name]() as two:  # TXN101@16
        await two.get(object, 1)
    async with bound() as three:  # TXN101@16
        await three.get(object, 1)
    if (four := getattr(db, "open_session")()):  # TXN101@17
        await four.close()
"""
    ),
    Bad(
        """
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import Session, scoped_session

from app.session import session_factory

registry = scoped_session(session_factory)


class ReportSession(Session):
    pass


class Worker:
    def __init__(self, factory: async_sessionmaker[AsyncSession]):
        self.factory = factory

    async def run(self):
        async with self.factory() as session:  # TXN101@20
            return session

    def legacy(self, engine):
        def inner():
            with ReportSession(engine) as session:  # TXN101@18
                return session

        old = registry()  # TXN101@15
        try:
            return inner(), old.is_active
        finally:
            old.close()
"""
    ),
    Bad(
        """
from dependency_injector import containers, providers
from sqlalchemy.ext.asyncio import AsyncSession


class Container(containers.DeclarativeContainer):
    session = providers.Factory(AsyncSession, expire_on_commit=False)  # TXN101@15
    clock = providers.Factory(dict)
    kind = providers.Object(AsyncSession)
"""
    ),
    Bad(
        """
from dependency_injector import containers, providers

from app.session import session_factory


class Box(containers.DeclarativeContainer):
    fresh = providers.Factory(session_factory)  # TXN101@13
    one = providers.Singleton(session_factory, expire_on_commit=False)  # TXN101@11
""",
        path="app/services/box.py",
    ),
    Bad(
        """
# --- app/session.py
from advanced_alchemy.extensions.litestar import SQLAlchemyAsyncConfig

from app.settings import settings

config = SQLAlchemyAsyncConfig(connection_string=settings.database_url)
# --- app/jobs/prune.py
from litestar import Litestar
from sqlalchemy import delete

from app.models.item import Item
from app.session import config


async def prune(app: Litestar):
    maker = app.state[config.session_maker_app_state_key]
    async with maker() as session, session.begin():  # TXN101@16
        await session.execute(delete(Item))


async def told(app: Litestar):
    maker = app.state[config.other_key]
    async with maker() as client:
        await client.commit()
""",
        policy=(("session-dependencies", []), ("session-contexts", [])),
    ),
    Bad(
        # a class below opens by another way than its base
        """
from app.session import get_session, session_factory


class Work:
    open = staticmethod(get_session)

    async def load(self, key):
        async with self.open() as session:  # TXN101@20
            return (await session.get(object, key)).name


class RawWork(Work):
    open = staticmethod(session_factory)


class Plain:
    open = staticmethod(get_session)

    async def load(self, key):
        async with self.open() as session:
            return (await session.get(object, key)).name


class OtherPlain(Plain):
    open = staticmethod(get_session)
""",
        path="app/tasks/example.py",
    ),
]

GOOD = [
    Good(
        """
import aiohttp
import boto3
import requests
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import get_session


class Session:
    def __init__(self, token):
        self.token = token


async def fetch(session: AsyncSession, url):
    # session_factory() in a comment, AsyncSession(engine) in a "docstring"
    requests.Session().get(url)
    boto3.Session(profile_name="x")
    async with aiohttp.ClientSession() as client:
        await client.get(url)
    return Session("token")


async def job():
    async with get_session() as session:
        await session.get(object, 1)
"""
    ),
    Good(
        """
# --- tests/test_items.py
from app.session import session_factory


async def test_items():
    async with session_factory() as session:
        assert session
# --- migrations/env.py
from sqlalchemy.orm import Session


def run(connection):
    with Session(connection) as session:
        session.execute("select 1")
"""
    ),
    Good(
        """
# --- app/session.py
from sqlmodel import create_engine

engine = create_engine("sqlite://")
# --- app/deps.py
from sqlmodel import Session

from app.session import engine


def get_db():
    with Session(engine) as session:
        yield session
""",
        policy=(("session-dependencies", ["app.deps.get_db"]), ("session-contexts", [])),
    ),
    Good(
        """
# --- app/registry.py
from sqlalchemy.ext.asyncio import async_scoped_session

from app.session import session_factory

session = async_scoped_session(session_factory, scopefunc=id)
# --- app/services/units.py
from sqlalchemy.ext.asyncio import async_scoped_session

from app.registry import session


async def begun(function):
    session.begin()
    return await function()


async def given(registry: async_scoped_session, rows):
    async with registry.begin():
        registry.add_all(rows)
"""
    ),
    Good(
        """
from dependency_injector import containers, providers

from app.session import get_session, session_factory


class Box(containers.DeclarativeContainer):
    opening = providers.Factory(get_session)
    factory = providers.Object(session_factory)
    names = providers.Factory(dict, name="x")
""",
        path="app/services/box.py",
    ),
    Good(
        """
# --- app/session.py
from sqlalchemy.ext.asyncio import async_sessionmaker

from app.settings import settings

async_sessionmaker: async_sessionmaker = async_sessionmaker(expire_on_commit=settings.expires)
# --- app/core/start.py
from sqlalchemy.orm import sessionmaker

from app.session import engine

sessionmaker = sessionmaker(engine)
"""
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """Sessions made where no session may be made."""
    for event in program.events("create"):
        if event.name != "session" or program.is_exempt(event.function) or is_approved(program, event.function):
            continue
        if not opens_directly(program, event):
            continue
        advice = opening(program, event.function, event.subject)
        message = f"{text(event)} opens a session outside the session module. {advice}"
        yield program.finding(META, event, message, made_at(program, event.value))
