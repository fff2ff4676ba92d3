"""What the first sentence of a message names stands in the line, or is what the user knows it by."""

from __future__ import annotations

import dataclasses

import pytest

from sessionlint.rules import examples
from sessionlint.rules.catalogue import all_rules


def messages(source: str, code: str, **policy: object) -> list[str]:
    """The messages of one rule, in order of place."""
    files = examples.split(source, "app/services/items.py")
    program = examples.program_for(files, examples.policy_for(policy, files))
    rule = next(rule for rule in all_rules() if code == rule.META.code)
    found = sorted(rule.check(program), key=lambda f: (f.path, f.span.line, f.span.column))
    return [f.message for f in found]


def test_unit_that_an_object_keeps_is_named_as_it_is_entered():
    source = """
from app.session import get_session


class Unit:
    async def __aenter__(self):
        self.opened = get_session()
        self.session = await self.opened.__aenter__()
        return self

    async def __aexit__(self, *error):
        await self.opened.__aexit__(*error)


class Items:
    def __init__(self, unit: Unit):
        self.unit = unit

    async def keep(self):
        self.unit = Unit()
        async with self.unit:
            return await self.unit.session.get(object, 1)

    async def look(self):
        async with Unit() as own:
            return await own.session.get(object, 1)
"""
    told = messages(source, "TXN106")
    assert any(m.startswith("`self.unit`, a Unit, opens a session of its own in a service.") for m in told)
    assert any(m.startswith("Unit(…) opens a session of its own in a service.") for m in told)


def test_lost_write_on_a_connection_is_told_of_the_connection():
    source = """
from sqlalchemy import delete

from app.models.item import Item
from app.session import engine


async def clear():
    async with engine.connect() as connection:
        await connection.execute(delete(Item))
"""
    assert messages(source, "TXN209") == [
        "`connection.execute(…)` writes rows that nothing commits: they are lost when the connection is closed. "
        "Put it into `async with connection.begin():`."
    ]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("app/shelves.py", "in a service (the layer inferred for its file; `layers` in a policy says otherwise)."),
        ("app/services/shelves.py", "in a service."),
    ],
    ids=["by what it does", "by its name"],
)
def test_a_layer_that_only_inference_knows_is_said_to_be_inferred(path, said):
    source = """
from app.session import get_session


async def look():
    async with get_session() as session:
        return await session.get(object, 1)
"""
    files = examples.split(source, path)
    written = examples.policy_for({"layers": {"service": [path]}}, files)
    rule = next(rule for rule in all_rules() if rule.META.code == "TXN106")
    told = {}
    for name in ("inferred", "sessionlint.toml"):
        program = examples.program_for(files, dataclasses.replace(written, source=name))
        (told[name],) = [f.message for f in rule.check(program)]
    assert said in told["inferred"]
    assert "in a service. " in told["sessionlint.toml"]


def test_the_reason_why_a_layer_was_inferred_is_told_with_it():
    source = """
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import get_session


async def put(session: AsyncSession, shelf):
    session.add(shelf)


async def look():
    async with get_session() as session:
        return await session.get(object, 1)
"""
    files = examples.split(source, "app/shelves.py")
    policy = examples.policy_for({"layers": {"service": ["app/shelves.py"]}}, files)
    rule = next(rule for rule in all_rules() if rule.META.code == "TXN106")
    program = examples.program_for(files, dataclasses.replace(policy, source="inferred"))
    (told,) = [f.message for f in rule.check(program)]
    assert "(the layer inferred for its file, where put() takes a session; `layers` in a policy says otherwise)" in told


def test_a_unit_of_work_by_another_dependency_names_the_key_that_settles_it():
    source = """
# --- app/units.py
from app.session import get_session


class Unit:
    async def __aenter__(self):
        self.opened = get_session()
        self.session = await self.opened.__aenter__()
        return self

    async def __aexit__(self, *details):
        await self.opened.__aexit__(*details)


def get_unit():
    return Unit()
# --- app/routers/units.py
from fastapi import APIRouter, Depends

from app.units import get_unit

router = APIRouter()


@router.get("/a")
async def a(unit=Depends(get_unit)):
    async with unit:
        return await unit.session.get(object, 1)
"""
    told = messages(source, "TXN106")
    assert any(m.endswith("If get_unit is the way to sessions, name it in `session-dependencies`.") for m in told)
