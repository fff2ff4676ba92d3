"""TXN211: a dependency that commits ends before the response."""

from __future__ import annotations

from pathlib import Path

from tests.fixes.support import fixed

PATH = "app/routers/items.py"
SOURCE = """\
from typing import Annotated

from fastapi import APIRouter, Depends, Security
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import get_session

router = APIRouter()


async def unit():
    async with get_session() as session, session.begin():
        yield session


async def outer(session: AsyncSession = Depends({outer})):
    yield session


SessionDep = Annotated[AsyncSession, Depends(unit{scope})]


@router.post("/items")
async def create(
    one: SessionDep,
    two: AsyncSession = Depends(unit{scope}),  # the second
    three: AsyncSession = Security(unit),
    four: AsyncSession = Depends(outer),
):
    one.add(object())
"""


def test_every_depends_gets_a_scope_and_security_is_refused():
    result = fixed({PATH: SOURCE.format(scope="", outer="get_user")}, select=("TXN211",))
    assert result.files[PATH] == SOURCE.format(scope=', scope="function"', outer="get_user")
    assert result.reasons == [
        "TXN211 app/routers/items.py:27: only Depends(…) takes a scope; FastAPI's Security(…) does not"
    ]


def test_a_dependency_of_a_generator_that_lives_longer_is_refused():
    result = fixed({PATH: SOURCE.format(scope=', scope="function"', outer="unit")}, select=("TXN211",))
    longer = "outer() asks for it and itself ends after the response; give that a scope first"
    assert f"TXN211 {PATH}:16: {longer}" in result.reasons
    assert result.files[PATH].count("Depends(unit)") == 1


def test_a_project_that_asks_for_a_fastapi_without_scopes_keeps_its_depends(tmp_path: Path):
    (tmp_path / "requirements.txt").write_text("# core\nfastapi==0.115.8\n")
    source = SOURCE.format(scope="", outer="get_user")
    result = fixed({PATH: source}, select=("TXN211",), root=tmp_path)
    assert result.files[PATH] == source
    asks = "the project asks for fastapi==0.115.8, and scope= came with FastAPI 0.121"
    assert result.reasons == [f"TXN211 requirements.txt:2: {asks}"] * 3


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
