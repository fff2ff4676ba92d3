"""The connections that a session module hands out for making the tables when the application starts."""

from __future__ import annotations

import pytest

BARN = """
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    pass


class Barn:
    def __init__(self):
        self.engine = create_async_engine("postgresql+asyncpg://db/x")
        self.opens = async_sessionmaker(self.engine)

    @asynccontextmanager
    async def wire(self):
        async with self.engine.begin() as wire:
            yield wire

    @asynccontextmanager
    async def session(self):
        async with self.opens() as session:
            yield session

    async def raise_walls(self, wire):
        await wire.run_sync(Base.metadata.create_all)


barn = Barn()


async def given():
    async with barn.session() as session:
        yield session
"""
MAIN = """
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from sqlalchemy import text

from farm.barn import Base, barn, given


@asynccontextmanager
async def lifespan(app):
    async with barn.wire() as wire:
        {}
    yield


app = FastAPI(lifespan=lifespan)


@app.get("/")
async def read(session=Depends(given)):
    return await session.get(object, 1)
"""
MAKES, SESSION = "await wire.run_sync(Base.metadata.create_all)", "farm.barn.Barn.session"
WIRE = (SESSION, "farm.barn.Barn.wire")


@pytest.mark.parametrize(
    ("does", "contexts"),
    [
        (MAKES, WIRE),
        (MAKES.replace("create", "drop") + f"\n        {MAKES}", WIRE),
        ("await barn.raise_walls(wire)", WIRE),
        ("Base.metadata.create_all(wire)", WIRE),
        ("await wire.execute(text('SELECT 1'))", (SESSION,)),
        (f"{MAKES}\n        await wire.execute(text('DELETE FROM cows'))", (SESSION,)),
        (f"{MAKES}\n        app.state.wire = wire", (SESSION,)),
        ("pass", (SESSION,)),
    ],
)
def test_what_hands_out_connections_to_make_the_tables_is_approved_and_nothing_else(infer, does, contexts):
    files = {"farm/__init__.py": "", "farm/barn.py": BARN, "farm/main.py": MAIN.format(does)}
    result = infer(files)
    assert result.sessions == (("farm/barn.py",), ("farm.barn.given",), contexts)


def test_one_more_who_works_on_such_a_connection_closes_it_for_nobody(infer):
    works = "from farm.barn import barn\nfrom sqlalchemy import text\n\n\nasync def milk():\n" + (
        "    async with barn.wire() as wire:\n        await wire.execute(text('UPDATE cows SET milked = true'))\n"
    )
    files = {"farm/__init__.py": "", "farm/barn.py": BARN, "farm/main.py": MAIN.format(MAKES), "farm/dairy.py": works}
    assert infer(files).policy.session_contexts == WIRE
    files["farm/main.py"] = MAIN.format("await wire.execute(text('SELECT 1'))")
    assert infer(files).policy.session_contexts == (SESSION,)
