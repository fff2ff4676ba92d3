"""A backend of five files that keeps the rules, and changes that break them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

POLICY = """\
preset = "unit-of-work"
session-modules = ["app/session.py"]
session-dependencies = ["app.session.get_session"]
session-contexts = ["app.session.session_scope"]
[layers]
router = ["app/routers/**"]
service = ["app/services/**"]
"""

_SESSION = """\
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://localhost/app")
factory = async_sessionmaker(engine)


@asynccontextmanager
async def session_scope() -> AsyncIterator[AsyncSession]:
    async with factory() as session:
        yield session


async def get_session() -> AsyncIterator[AsyncSession]:
    async with factory() as session:
        yield session
"""

ROUTER = """\
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.services import items
from app.session import get_session

router = APIRouter()


@router.post("/items")
async def create(name: str, session: Annotated[AsyncSession, Depends(get_session)]) -> None:
    async with session.begin():
        await items.add(session, name)
"""

SERVICE = """\
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


async def add(session: AsyncSession, name: str) -> None:
    await session.execute(text("INSERT INTO items (name) VALUES (:name)"), {"name": name})
"""

COMMITTING_SERVICE = SERVICE + "    await session.commit()\n"
"""Breaks TXN201 on line 7, and TXN205 in the router that calls it."""

CLEAN: Mapping[str, str] = MappingProxyType(
    {
        "sessionlint.toml": POLICY,
        ".gitignore": ".sessionlint_cache/\n",
        "app/__init__.py": "",
        "app/session.py": _SESSION,
        "app/routers/items.py": ROUTER,
        "app/services/items.py": SERVICE,
    }
)
