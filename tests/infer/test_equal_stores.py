"""Classes that each open sessions of a factory of their own, for their own methods alone: none of them is the way."""

from __future__ import annotations

import pytest

HULL = """\
from sqlalchemy.ext.asyncio import create_async_engine

def sea(url):
    return create_async_engine(url)
"""
STORE = """\
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker


class {0}:
    def __init__(self, sea: AsyncEngine):
        self._opened = async_sessionmaker(sea)

    def _fresh(self) -> AsyncSession:
        return self._opened()

    async def read(self):
        async with self._fresh() as session:
            return await session.get(object, 1)

    async def write(self, row):
        async with self._fresh() as session:
            session.add(row)
            await session.commit()
"""
PLAIN = STORE.replace("self._fresh()", "self._opened()")
YARD = """\
from fastapi import FastAPI

from fleet.boats import Boats
from fleet.crews import Crews
from fleet.hull import sea

app = FastAPI()
boats = Boats(sea("postgresql+asyncpg://db/x"))
crews = Crews(sea("postgresql+asyncpg://db/x"))
"""
OUTSIDE = """\
from fleet.yard import boats


async def look():
    async with boats._fresh() as session:
        return await session.get(object, 2)


async def look_again():
    async with boats._fresh() as session:
        return await session.get(object, 3)
"""


def fleet(boats: str, crews: str) -> dict[str, str]:
    files = {"fleet/__init__.py": "", "fleet/hull.py": HULL, "fleet/yard.py": YARD}
    return files | {"fleet/boats.py": boats.format("Boats"), "fleet/crews.py": crews.format("Crews")}


@pytest.mark.parametrize(("boats", "crews"), [(STORE, STORE), (STORE, PLAIN), (PLAIN, STORE), (PLAIN, PLAIN)])
def test_of_several_equal_stores_on_one_engine_the_engine_s_file_alone_is_approved(infer, boats, crews):
    assert infer(fleet(boats, crews)).sessions == (("fleet/hull.py",), (), ())


@pytest.mark.parametrize("crews", [STORE, PLAIN])
def test_of_several_equal_stores_on_engines_out_of_sight_none_is_approved(infer, crews):
    files = fleet(STORE, crews)
    del files["fleet/hull.py"]
    assert infer(files).sessions == ((), (), ())


def test_a_store_that_others_have_open_their_sessions_is_the_way(infer):
    result = infer(fleet(STORE, PLAIN) | {"fleet/look.py": OUTSIDE})
    assert result.sessions == (("fleet/boats.py", "fleet/hull.py"), (), ("fleet.boats.Boats._fresh",))


def test_the_only_store_is_the_second_half_of_its_engine_s_file(infer):
    files = fleet(STORE, "class {0}:\n    def __init__(self, sea):\n        pass\n")
    assert infer(files).sessions == (("fleet/boats.py", "fleet/hull.py"), (), ("fleet.boats.Boats._fresh",))
