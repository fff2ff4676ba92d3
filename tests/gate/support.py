"""A small backend in a real git repository, and what a call of the command line leaves behind."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

POLICY = """\
[tool.sessionlint]
preset = "unit-of-work"
session-modules = ["app/session.py"]
session-dependencies = ["app.session.get_session_dependency"]
session-contexts = ["app.session.get_session"]
[tool.sessionlint.layers]
router = ["app/routers/**"]
service = ["app/services/**"]
"""

SESSION = """\
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from app.settings import settings

engine = create_async_engine(settings.url, pool_size=5, connect_args={"ssl": settings.ssl_context})
factory = async_sessionmaker(engine)


@asynccontextmanager
async def get_session():
    async with factory() as session:
        yield session


async def get_session_dependency():
    async with factory() as session:
        yield session
"""

ITEMS = """\
from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.services.items import save
from app.session import get_session_dependency

router = APIRouter(dependencies=[Depends(object)])


@router.post("/items")
async def create(session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        await save(session)
"""

CLEAN_SERVICE = """\
from sqlalchemy.ext.asyncio import AsyncSession


async def save(session: AsyncSession):
    session.add(object())
    await session.flush()
"""

COMMIT = "    await session.commit()\n"

LEDGER = f"""\
from sqlalchemy.ext.asyncio import AsyncSession


async def post(session: AsyncSession):
    session.add(object())
{COMMIT}{COMMIT}

async def undo(session: AsyncSession):
    await session.rollback()
"""

FILES = {
    "pyproject.toml": POLICY,
    "app/__init__.py": "",
    "app/session.py": SESSION,
    "app/settings.py": "settings = object()\n",
    "app/routers/__init__.py": "",
    "app/routers/items.py": ITEMS,
    "app/services/__init__.py": "",
    "app/services/items.py": CLEAN_SERVICE,
    "app/services/ledger.py": LEDGER,
}
"""A project with three findings, all in ``app/services/ledger.py``: 201 on lines 6 and 7, 202 on line 11."""


@dataclass(frozen=True)
class Repo:
    """A work tree and its git."""

    root: Path

    def git(self, *arguments: str, status: int = 0) -> str:
        """What git prints; fails when it does not exit with ``status``."""
        done = subprocess.run(["git", *arguments], cwd=self.root, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    def write(self, files: Mapping[str, str]) -> None:
        """Writes files, relative path to text."""
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())

    def edit(self, name: str, old: str, new: str, count: int = 1) -> None:
        """Replaces ``old`` in a file, which must be there."""
        path = self.root / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, count))

    def commit(self, message: str = "change") -> str:
        """Commits everything; the commit's name."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD").strip()


@dataclass(frozen=True)
class Outcome:
    """What a call of the command line left behind."""

    status: int
    out: str
    err: str


Call = Callable[..., Outcome]


def places(outcome: Outcome) -> list[str]:
    """``path:line: code`` of every finding in a text report."""
    found = []
    for line in outcome.out.splitlines():
        head, _, rest = line.partition(": TXN")
        if rest and not line.startswith(" "):
            path, number, _ = head.rsplit(":", 2)
            found.append(f"{path}:{number}: TXN{rest[:3]}")
    return found
