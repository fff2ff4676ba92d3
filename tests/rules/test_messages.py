"""What the first sentence of a message names stands in the line, or is what the user knows it by."""

from __future__ import annotations

import dataclasses

import pytest

from sessionlint.rules import examples
from sessionlint.rules.catalogue import all_rules


def messages(source: str, code: str, **policy: object) -> list[str]:
    """The messages of one rule, in order of place."""
    files = examples.split(source, "app/services/items.py")
    program = examples.program_for(files, examples.policy_for(policy, files))
    rule = next(rule for rule in all_rules() if code == rule.META.code)
    found = sorted(rule.check(program), key=lambda f: (f.path, f.span.line, f.span.column))
    return [f.message for f in found]


def test_unit_that_an_object_keeps_is_named_as_it_is_entered():
    source = """
from app.session import get_session


class Unit:
    async def __aenter__(self):
        self.opened = get_session()
        self.session = await self.opened.__aenter__()
        return self

    async def __aexit__(self, *error):
        await self.opened.__aexit__(*error)


class Items:
    def __init__(self, unit: Unit):
        self.unit = unit

    async def keep(self):
        self.unit = Unit()
        async with self.unit:
            return await self.unit.session.get(object, 1)

    async def look(self):
        async with Unit() as own:
            return await own.session.get(object, 1)
"""
    told = messages(source, "TXN106")
    assert any(m.startswith("`self.unit`, a Unit, opens a session of its own in a service.") for m in told)
    assert any(m.startswith("Unit(…) opens a session of its own in a service.") for m in told)


def test_lost_write_on_a_connection_is_told_of_the_connection():
    source = """
from sqlalchemy import delete

from app.models.item import Item
from app.session import engine


async def clear():
    async with engine.connect() as connection:
        await connection.execute(delete(Item))
"""
    assert messages(source, "TXN209") == [
        "`connection.execute(…)` writes rows that nothing commits: they are lost when the connection is closed. "
        "Put it into `async with connection.begin():`."
    ]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("app/shelves.py", "in a service (the layer inferred for its file; `layers` in a policy says otherwise)."),
        ("app/services/shelves.py", "in a service."),
    ],
    ids=["by what it does", "by its name"],
)
def test_a_layer_that_only_inference_knows_is_said_to_be_inferred(path, said):
    source = """
from app.session import get_session


async def look():
    async with get_session() as session:
        return await session.get(object, 1)
"""
    files = examples.split(source, path)
    written = examples.policy_for({"layers": {"service": [path]}}, files)
    rule = next(rule for rule in all_rules() if rule.META.code == "TXN106")
    told = {}
    for name in ("inferred", "sessionlint.toml"):
        program = examples.program_for(files, dataclasses.replace(written, source=name))
        (told[name],) = [f.message for f in rule.check(program)]
    assert said in told["inferred"]
    assert "in a service. " in told["sessionlint.toml"]


def test_what_resolves_a_tenant_is_named_by_its_class_or_by_what_makes_it():
    source = """
# --- app/routers/items.py
from fastapi import APIRouter, Depends

from app.auth.tenants import Resolver, resolving
from app.session import get_session

router = APIRouter()


@router.get("/items")
async def listed(who: str = Depends(Resolver("x"))):
    return who


@router.get("/others")
async def others(who: str = Depends(resolving("x"))):
    return who


def opening(label):
    async def opened():
        async with get_session() as session:
            yield session

    return opened


@router.get("/rows")
async def rows(session=Depends(opening("rows"))):
    return session
# --- app/auth/tenants.py
from fastapi import Header


class Resolver:
    def __init__(self, label):
        self.label = label

    def __call__(self, tenant_id: str = Header()):
        return tenant_id


def resolving(label):
    def resolver(tenant_id: str = Header()):
        return tenant_id

    return resolver
"""
    first, second = messages(source, "TXN304")
    assert first.startswith("The endpoint listed() depends on the tenant resolver Resolver().")
    assert second.startswith("The endpoint others() depends on the tenant resolver resolver() of resolving().")
    (other,) = [m for m in messages(source, "TXN106") if m.startswith("Depends on")]
    assert other.startswith("Depends on opened() of opening(), not on the approved dependency.")


def test_part_of_a_query_that_an_object_collects_is_shown():
    source = """
from sqlalchemy import text


class Statement:
    def __init__(self, start):
        self.parts = [start]

    def add(self, part):
        self.parts.append(part)

    @property
    def sql(self):
        return " ".join(self.parts)


async def named(session, name):
    statement = Statement("SELECT id FROM items")
    statement.add(f"WHERE name = '{name}'")
    return await session.execute(text(statement.sql))
"""
    (told,) = messages(source, "TXN801")
    assert told.startswith(
        "SQL is built with an f-string from values that are not literals: name (\"WHERE name = '…'\")."
    )


def test_sql_built_from_strings_names_the_values_that_are_no_literals():
    source = """
from sqlalchemy import text

TABLE = "items"


async def ordered(session, order, way, other):
    if way not in ("asc", "desc"):
        raise ValueError(way)
    await session.execute(text(f"SELECT {other} FROM {TABLE} ORDER BY {order} {way}"))
    by = other.column
    await session.execute(text(f"SELECT id FROM items ORDER BY {by}"))
"""
    first, second = messages(source, "TXN801")
    assert first.startswith("SQL is built with an f-string from values that are not literals: other and order (")
    assert second.startswith("SQL is built with an f-string from values that are not literals: by (")


def test_sql_built_from_strings_names_what_it_was_put_together_from_elsewhere():
    source = """
import os

from sqlalchemy import text


class Search:
    def __init__(self, session, language):
        self.session = session
        self.language = language

    def where(self, wanted):
        return f"{wanted.field} = '{wanted.value}'"

    async def run(self, all_wanted):
        clauses = [self.where(wanted) for wanted in all_wanted]
        await self.session.execute(text("SELECT id FROM items WHERE " + " AND ".join(clauses)))
        query = f"SELECT to_tsvector('{self.language}', name) FROM items"
        await self.session.execute(text(query))


async def run(session, shop, rows):
    await Search(session, shop.language).run(rows)
    query = "SELECT id FROM " + os.environ["TABLE"]
    query += " WHERE shop = '%s'" % shop.name
    await session.execute(text(query))
    parts = [shop.columns()]
    await session.execute(text("SELECT {} FROM {table}".format(", ".join(parts), table=shop.table)))
"""
    named = [told.partition("literals: ")[2].partition(" (")[0] for told in messages(source, "TXN801")]
    assert named == [
        "wanted.field and wanted.value",
        "language",
        "os.environ['TABLE'] and shop.name",
        "parts and shop.table",
    ]


def test_the_reason_why_a_layer_was_inferred_is_told_with_it():
    source = """
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import get_session


async def put(session: AsyncSession, shelf):
    session.add(shelf)


async def look():
    async with get_session() as session:
        return await session.get(object, 1)
"""
    files = examples.split(source, "app/shelves.py")
    policy = examples.policy_for({"layers": {"service": ["app/shelves.py"]}}, files)
    rule = next(rule for rule in all_rules() if rule.META.code == "TXN106")
    program = examples.program_for(files, dataclasses.replace(policy, source="inferred"))
    (told,) = [f.message for f in rule.check(program)]
    assert "(the layer inferred for its file, where put() takes a session; `layers` in a policy says otherwise)" in told


def test_a_unit_of_work_by_another_dependency_names_the_key_that_settles_it():
    source = """
# --- app/units.py
from app.session import get_session


class Unit:
    async def __aenter__(self):
        self.opened = get_session()
        self.session = await self.opened.__aenter__()
        return self

    async def __aexit__(self, *details):
        await self.opened.__aexit__(*details)


def get_unit():
    return Unit()
# --- app/routers/units.py
from fastapi import APIRouter, Depends

from app.units import get_unit

router = APIRouter()


@router.get("/a")
async def a(unit=Depends(get_unit)):
    async with unit:
        return await unit.session.get(object, 1)
"""
    told = messages(source, "TXN106")
    assert any(m.endswith("If get_unit is the way to sessions, name it in `session-dependencies`.") for m in told)


def test_a_path_that_is_not_known_is_not_called_the_root():
    source = """
from fastapi import FastAPI
from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    token: str


settings = Settings()
app = FastAPI()


@app.post(settings.token)
async def hook(): ...


@app.post(f"/hooks/{settings.token}")
async def other(): ...


@app.post("/")
async def root(): ...
"""
    first, second, third = messages(source, "TXN405")
    assert first.startswith("hook() serves a path that is not known in the source without authentication.")
    assert second.startswith("other() serves /hooks/… (… is not known in the source) without authentication.")
    assert third.startswith("root() serves / without authentication.")


def test_a_function_of_the_session_module_is_not_called_foreign():
    source = """
# --- app/session.py
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://localhost/app")
factory = async_sessionmaker(engine)


def get_engine():
    return engine


@asynccontextmanager
async def get_session():
    async with factory() as session:
        yield session
# --- app/tasks/jobs.py
from app.session import get_engine


def run():
    return get_engine()
"""
    (told,) = messages(source, "TXN105", **{"session-contexts": ["app.session.get_session"]})
    assert told == (
        "get_engine() hands out an engine of the session module, but the policy does not name it. "
        "Use a way to a session that it names."
    )


def test_a_block_of_the_session_module_is_told_where_the_policy_would_name_it():
    source = """
# --- app/session.py
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

factory = async_sessionmaker(create_async_engine("postgresql+asyncpg://localhost/app"))


@asynccontextmanager
async def serializable():
    async with factory() as session, session.begin():
        yield session


async def second():
    async with factory() as session:
        yield session
# --- app/routers/jobs.py
from fastapi import APIRouter, Depends
from app.session import second, serializable

router = APIRouter()


@router.post("/jobs")
async def run(session=Depends(second)):
    async with serializable() as other:
        await other.execute("SELECT 1")
"""
    injected, entered = messages(source, "TXN105", **{"session-dependencies": ["app.session.get_session"]})
    assert injected.startswith(
        "Depends on second(), which hands out a session of the session module, "
        "but `session-dependencies` of the policy does not name it. "
    )
    assert entered.startswith(
        "serializable() hands out a session of the session module, "
        "but `session-contexts` of the policy does not name it. "
    )


def test_trace_names_the_decorator_that_waits():
    source = """
from functools import wraps

import httpx

from app.session import get_session


def told(function):
    @wraps(function)
    async def inner(session):
        await httpx.AsyncClient().post("https://api.example.com")
        return await function(session)

    return inner


@told
async def store(session):
    session.add(object())


async def job():
    async with get_session() as session, session.begin():
        await store(session)
"""
    files = examples.split(source, "app/tasks/items.py")
    program = examples.program_for(files, examples.policy_for({}, files))
    rule = next(rule for rule in all_rules() if rule.META.code == "TXN207")
    [finding] = rule.check(program)
    notes = [step.note for step in finding.trace]
    assert notes[1:3] == ["store(…) is called", "@told is put around store()"]


def test_who_is_given_a_session_is_told_to_do_without_closing_it():
    source = """
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import session_factory


async def given(session: AsyncSession, order):
    await session.close()
    async with session.begin():
        session.add(order)


async def made(order):
    session = session_factory()
    await session.close()
    session.add(order)


async def held(order):
    async with session_factory() as session:
        await session.flush()
    session.add(order)
"""
    given, made, held = messages(source, "TXN208")
    assert given.endswith(
        "Leave the `close()` to who opened the session: a block of `session.begin()` ends the "
        "transaction as well, and another may follow."
    )
    assert made.endswith("Do it before the `close()`, or open a second session for it.")
    assert held.endswith("Move it into the block that holds the session, or open a second session for it.")
