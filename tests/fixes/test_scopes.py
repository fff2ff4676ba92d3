"""TXN211: a dependency that commits ends before the response."""

from __future__ import annotations

from pathlib import Path

from tests.fixes.support import fixed

PATH = "app/routers/items.py"
DEPS = "app/deps.py"
UNIT = """\
from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import get_session


async def unit():
    async with get_session() as session, session.begin():
        yield session


SessionDep = Annotated[AsyncSession, Depends(unit{scope})]
"""
SOURCE = """\
from fastapi import APIRouter, Depends, Security
from sqlalchemy.ext.asyncio import AsyncSession

from app.deps import SessionDep, unit

router = APIRouter()


async def outer(session: AsyncSession = {outer}):
    yield session


@router.post("/items")
async def create(
    one: SessionDep,
    two: AsyncSession = Depends(unit{scope}),  # the second
    three: AsyncSession = {third},
    four: AsyncSession = Depends(outer),
):
    one.add(object())
"""


def _project(scope: str = "", outer: str = "None", third: str = "Depends(outer)") -> dict[str, str]:
    return {DEPS: UNIT.format(scope=scope), PATH: SOURCE.format(scope=scope, outer=outer, third=third)}


def test_every_depends_on_the_dependency_gets_a_scope_in_all_files():
    result = fixed(_project(), select=("TXN211",))
    assert result.files == _project(scope=', scope="function"')
    assert (len(result.applied), result.reasons) == (1, [])


def test_a_dependency_that_security_asks_for_is_refused_as_a_whole():
    project = _project(third="Security(unit)")
    result = fixed(project, select=("TXN211",))
    assert result.files == project
    assert result.reasons == [f"TXN211 {PATH}:17: only Depends(…) takes a scope; FastAPI's Security(…) does not"]


def test_a_dependency_of_a_generator_that_lives_longer_is_refused():
    project = _project(outer="Depends(unit)")
    result = fixed(project, select=("TXN211",))
    assert result.files == project
    longer = "outer() asks for it and itself ends after the response; give that a scope first"
    assert result.reasons == [f"TXN211 {PATH}:9: {longer}"]


def test_a_project_that_asks_for_a_fastapi_without_scopes_keeps_its_depends(tmp_path: Path):
    (tmp_path / "requirements.txt").write_text("# core\nfastapi==0.115.8\n")
    result = fixed(_project(), select=("TXN211",), root=tmp_path)
    assert result.files == _project()
    asks = "the project asks for fastapi==0.115.8, and scope= came with FastAPI 0.121"
    assert result.reasons == [f"TXN211 requirements.txt:2: {asks}"]


def test_an_endpoint_gets_no_session_that_commits_on_exit_from_a_fastapi_without_scopes(tmp_path: Path):
    (tmp_path / "pyproject.toml").write_text('[tool.poetry.dependencies]\nfastapi = "^0.115"\n')
    source = """\
from fastapi import APIRouter

from app.session import get_session

router = APIRouter()


@router.post("/items")
async def create():
    async with get_session() as session:
        session.add(object())
"""
    committing = """\
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

factory = async_sessionmaker(create_async_engine("postgresql+asyncpg://db/app"), expire_on_commit=False)


@asynccontextmanager
async def get_session():
    async with factory() as session:
        yield session
        await session.commit()


async def get_session_dependency():
    async with get_session() as session:
        yield session
"""
    files = {PATH: source, "app/session.py": committing}
    result = fixed(files, select=("TXN106",), root=tmp_path)
    asks = "the project asks for fastapi>=0.115,<0.116, and scope= came with FastAPI 0.121"
    assert result.reasons == [f"TXN106 pyproject.toml:2: {asks}"]
    assert 'Depends(get_session_dependency, scope="function")' in fixed(files, select=("TXN106",)).files[PATH]
