"""The session map: who opens, carries and ends sessions, and how they pass from function to function."""

from __future__ import annotations

from collections.abc import Mapping

from sessionlint.inventory import SessionMap, build_session_map
from sessionlint.rules.examples import policy_for, program_for

SERVICE = """\
from sqlalchemy.ext.asyncio import AsyncSession


async def save(session: AsyncSession, row):
    session.add(row)


async def store(session: AsyncSession, row):
    await save(session, row)
    await session.commit()


def add(a, b):
    return a + b
"""
ROUTER = """\
from fastapi import APIRouter, BackgroundTasks, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.jobs import nightly
from app.services.rows import save
from app.session import get_session_dependency

router = APIRouter()


@router.post("/rows")
async def create(tasks: BackgroundTasks, session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        await save(session, 1)
    tasks.add_task(nightly, 1)
"""
JOB = """\
from app.services.rows import save
from app.session import get_session


async def nightly(number):
    async with get_session() as session:
        async with session.begin():
            await save(session, number)
"""
FILES = {"app/services/rows.py": SERVICE, "app/routers/rows.py": ROUTER, "app/jobs.py": JOB}


def session_map(files: Mapping[str, str]) -> SessionMap:
    return build_session_map(program_for(files, policy_for({})))


def short(key: str) -> str:
    return key.split(":")[1]


def test_every_function_that_has_to_do_with_sessions_is_there_with_what_it_does() -> None:
    nodes = {node.name: node for node in session_map(FILES).nodes if node.path != "app/session.py"}
    assert {name: (node.kind, node.does) for name, node in nodes.items()} == {
        "nightly": ("job", ("owns transaction",)),
        "create": ("endpoint", ("owns transaction", "receives")),
        "save": ("service", ("receives",)),
        "store": ("service", ("commits", "receives")),
    }
    assert nodes["create"].routes == ("POST /rows",)
    assert (nodes["create"].path, nodes["create"].line) == ("app/routers/rows.py", 12)


def test_where_sessions_come_from_is_a_source_and_approved() -> None:
    sources = {node.name: node.approved for node in session_map(FILES).nodes if node.kind == "source"}
    assert sources["get_session"]
    assert sources["get_session_dependency"]


def test_the_ways_of_a_session_are_edges_with_the_line_they_begin_on() -> None:
    edges = {(short(e.source), e.kind, short(e.target), e.line) for e in session_map(FILES).edges}
    assert edges >= {
        ("create", "injects", "get_session_dependency", 12),
        ("create", "carries", "save", 14),
        ("create", "starts", "nightly", 15),
        ("nightly", "obtains", "get_session", 6),
        ("nightly", "carries", "save", 8),
        ("store", "carries", "save", 9),
    }


def test_an_unapproved_opener_that_hands_out_its_session_is_an_unapproved_source() -> None:
    door = """\
from contextlib import asynccontextmanager

from app.session import session_factory


@asynccontextmanager
async def side_door():
    async with session_factory() as session:
        yield session
"""
    user = """\
from app.door import side_door


async def use():
    async with side_door() as session:
        await session.flush()
"""
    found = {node.name: node for node in session_map({"app/door.py": door, "app/use.py": user}).nodes}
    assert (found["side_door"].kind, found["side_door"].approved) == ("source", False)
    assert found["use"].kind == "service"


def test_tests_and_migrations_are_not_on_the_map() -> None:
    files = {**FILES, "tests/test_rows.py": JOB, "migrations/env.py": JOB}
    assert {node.path for node in session_map(files).nodes} == {node.path for node in session_map(FILES).nodes}


def test_a_map_is_plain_data() -> None:
    plain = session_map(FILES).as_plain()
    assert [set(plain), set(plain["edges"][0])] == [{"nodes", "edges"}, {"source", "target", "kind", "line"}]
    assert plain == session_map(FILES).as_plain()
