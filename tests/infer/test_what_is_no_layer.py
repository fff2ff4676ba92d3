"""Classes that only carry a session do no work with it, and what only names tables is none."""

from __future__ import annotations

import pytest

STORE = (
    "from contextlib import asynccontextmanager\n\n"
    "from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine\n\n"
    "opened = async_sessionmaker(create_async_engine('sqlite+aiosqlite:///bees.db'))\n\n\n"
    "@asynccontextmanager\nasync def unit():\n    async with opened() as session:\n        yield session\n"
)
CARRIES = (
    "from sqlalchemy.ext.asyncio import AsyncSession\n\nfrom bees.store import unit\n\n\n"
    "class Carrier:\n    def __init__(self, session: AsyncSession):\n        self.session = session\n{0}\n\n"
    "async def carried():\n    async with unit() as session:\n        yield Carrier(session)\n"
)
COUNTS = "\n    async def count(self):\n        return await self.session.scalar('select 1')\n"
BELOW = "from bees.carrier import Carrier\n\n\nclass Counter(Carrier):\n" + COUNTS.lstrip("\n")


@pytest.mark.parametrize(
    ("methods", "below", "layer"),
    [("", "", None), (COUNTS, "", "service"), ("", BELOW, "service")],
    ids=["carries", "works with it", "is worked with below"],
)
def test_what_only_carries_a_session_is_no_service(infer, methods, below, layer):
    files = {"bees/__init__.py": "", "bees/store.py": STORE, "bees/carrier.py": CARRIES.format(methods)}
    files |= {"bees/counter.py": below} if below else {}
    assert infer(files).policy.layer_of("bees/carrier.py") == layer


BASE = (
    "from sqlalchemy import Column, Integer\nfrom sqlalchemy.orm import as_declarative, declared_attr\n\n\n"
    "@as_declarative()\nclass {0}:\n    {1}\n\n    @declared_attr\n    def __tablename__(cls):\n"
    "        return cls.__name__.lower()\n"
)


@pytest.mark.parametrize(
    ("body", "layer"),
    [("id: int", None), ("id = Column(Integer, primary_key=True)", "model")],
    ids=["none", "a column"],
)
def test_a_base_that_names_the_tables_of_others_and_has_no_column_is_none(infer, body, layer):
    files = {"bees/__init__.py": "", "bees/store.py": STORE, "bees/base.py": BASE.format("Base", body)}
    assert infer(files).policy.layer_of("bees/base.py") == layer
