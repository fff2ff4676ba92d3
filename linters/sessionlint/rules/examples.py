"""The examples of the rule files: split into files, markers read, run as a small project.

One example project serves all rules: ``app/session.py`` is its session module, and the folders are its layers.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from sessionlint.facts.lower import lower_module
from sessionlint.facts.packing import pack
from sessionlint.patterns import regex
from sessionlint.policy import Policy, policy_from_mapping
from sessionlint.policy_file import key_lines
from sessionlint.program.api import Program
from sessionlint.program.build import solve
from sessionlint.report import CheckError
from sessionlint.rules.markers import MARKER, without_markers

_POLICY_FILE = "pyproject.toml"
_FILE = regex(r"^# --- (\S+)\s*$", re.M)
_CODE = regex(r"(TXN\d{3})@(\d+)")

SESSION_MODULE = """\
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from app.settings import settings

engine = create_async_engine(
    settings.database_url,
    pool_size=5,
    max_overflow=5,
    connect_args={"statement_cache_size": 0, "prepared_statement_cache_size": 0, "ssl": settings.ssl_context},
)
session_factory = async_sessionmaker(engine, expire_on_commit=False)


@asynccontextmanager
async def get_session():
    async with session_factory() as session:
        yield session


async def get_session_dependency():
    async with session_factory() as session:
        yield session
"""

#: Files every example project has unless the example brings its own.
SUPPORT = {
    "app/__init__.py": "",
    "app/session.py": SESSION_MODULE,
    "app/settings.py": """\
from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    database_url: str
    ssl_context: object = None


settings = Settings()
""",
    "app/auth/security.py": """\
from fastapi import Header


async def get_current_user(authorization: str = Header()):
    return {'id': authorization}
""",
    "app/models/item.py": """\
import uuid

from sqlalchemy.dialects.postgresql import UUID as PGUUID
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = 'items'

    id: Mapped[uuid.UUID] = mapped_column(PGUUID(as_uuid=True), primary_key=True, default=uuid.uuid4)
    name: Mapped[str]
    status: Mapped[str]
    tenant_id: Mapped[uuid.UUID]
""",
}

EXAMPLE_POLICY: dict[str, object] = {
    "preset": "scrapersky",
    "src": ["."],
    "session-modules": ["app/session.py"],
    "session-dependencies": ["app.session.get_session_dependency"],
    "session-contexts": ["app.session.get_session"],
    "tenant-names": ["tenant_id"],
    "layers": {
        "router": ["app/routers/**"],
        "service": ["app/services/**"],
        "background": ["app/tasks/**"],
        "auth": ["app/auth/**"],
        "model": ["app/models/**"],
        "migration": ["migrations/**"],
        "test": ["tests/**"],
    },
}


def split(source: str, path: str) -> dict[str, str]:
    """The files of an example: its own path, or the parts after ``# --- path`` lines."""
    marks = list(_FILE.finditer(source))
    if not marks:
        return {path: source.lstrip("\n")}
    if source[: marks[0].start()].strip():
        raise ValueError("an example of several files has text before its first '# --- path' line")
    ends = [m.start() for m in marks[1:]] + [len(source)]
    return {m.group(1): source[m.end() : end].lstrip("\n") for m, end in zip(marks, ends, strict=True)}


def expected(files: Mapping[str, str]) -> list[tuple[str, int, int, str]]:
    """Where the markers say findings are: path, line, column, code; sorted."""
    found: list[tuple[str, int, int, str]] = []
    for path, text in files.items():
        for number, line in enumerate(text.splitlines(), 1):
            marker = MARKER.search(line)
            if marker:
                found += [(path, number, int(column), code) for code, column in _CODE.findall(marker.group(1))]
    return sorted(found)


def policy_for(overrides: Mapping[str, object], files: Mapping[str, str] | None = None) -> Policy:
    """The example policy with some keys replaced, or the one in the example's own ``pyproject.toml``."""
    text = (files or {}).get(_POLICY_FILE)
    if text is None:
        return policy_from_mapping({**EXAMPLE_POLICY, **overrides}, Path("/example"), "example")
    table = tomllib.loads(text)["tool"]["sessionlint"]
    return policy_from_mapping(table, Path("/example"), _POLICY_FILE, key_lines(text, "tool.sessionlint"))


def program_for(files: Mapping[str, str], policy: Policy) -> Program:
    """Solves a project held in memory, with the support files that ``files`` does not bring itself."""
    texts = {path: without_markers(text) for path, text in {**SUPPORT, **files}.items()}
    blobs: dict[str, bytes] = {}
    errors: list[CheckError] = []
    for path, text in texts.items():
        if path == _POLICY_FILE:
            continue
        try:
            blobs[path] = pack(lower_module(ast.parse(text), text))
        except SyntaxError as error:
            errors.append(CheckError(path, error.lineno or 1, error.msg, error.offset or 1))

    @cache
    def lines_of(path: str) -> list[str]:
        return texts.get(path, "").splitlines()

    def read_line(path: str, line: int) -> str:
        lines = lines_of(path)
        return lines[line - 1] if 0 < line <= len(lines) else ""

    return Program(policy, solve(blobs, policy), tuple(errors), read_line)
