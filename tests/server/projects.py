"""A small project to edit."""

from __future__ import annotations

from pathlib import Path

POLICY = """\
preset = "scrapersky"
session-modules = ["app/session.py"]
session-dependencies = ["app.session.get_session"]
session-contexts = ["app.session.open_session"]
auth-dependencies = ["app.auth.current_user"]
{more}
[layers]
router = ["app/routers/**"]
service = ["app/services/**"]
background = ["app/jobs/**"]
auth = ["app/auth.py"]
"""

SESSION = """\
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from app.settings import settings

engine = create_async_engine(
    settings.url,
    pool_size=10,
    max_overflow=5,
    connect_args={"statement_cache_size": 0, "prepared_statement_cache_size": 0, "ssl": settings.tls},
)
factory = async_sessionmaker(engine)


@asynccontextmanager
async def open_session():
    async with factory() as session:
        yield session


async def get_session():
    async with factory() as session:
        yield session
"""

AUTH = """\
async def current_user(): ...
"""

SERVICE = """\
from sqlalchemy.ext.asyncio import AsyncSession


async def rename(session: AsyncSession, id, name):
    session.add(name)
    await session.flush()
"""

ROUTER = """\
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth import current_user
from app.services import names
from app.session import get_session

router = APIRouter(dependencies=[Depends(current_user)])


@router.put("/{id}")
async def put_name(id, name: str, session: AsyncSession = Depends(get_session)):
    async with session.begin():
        await names.rename(session, id, name)
"""

JOBS = """\
import asyncio


async def sweep():
    asyncio.create_task(asyncio.to_thread(print))
"""

FILES = {
    "app/__init__.py": "",
    "app/session.py": SESSION,
    "app/settings.py": "settings = object()\n",
    "app/auth.py": AUTH,
    "app/services/__init__.py": "",
    "app/services/names.py": SERVICE,
    "app/routers/__init__.py": "",
    "app/routers/names.py": ROUTER,
    "app/jobs/__init__.py": "",
}


def write(root: Path, files: dict[str, str]) -> None:
    """Writes files below ``root``."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(text.encode())


def project(root: Path, more: str = "", **changes: str) -> Path:
    """A project in ``root`` without findings; ``more`` goes into its policy."""
    write(root, {**FILES, "sessionlint.toml": POLICY.format(more=more)})
    return root
