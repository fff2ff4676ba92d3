"""SQL text that an object puts together from clauses which its methods collect."""

from __future__ import annotations

from tests.program.support import marked

BUILT = """
# --- app/services/queries.py
from sqlalchemy import text


class Matches:
    def __init__(self):
        self.parts = []

    def where(self, column, value):
        self.parts.append(f"{column} = '{value}'")
        return self

    def sql(self):
        return "SELECT * FROM items WHERE " + " AND ".join(self.parts)


class Clauses:
    def __init__(self, table):
        self.table = table
        self.parts = []

    def where(self, clause):
        self.parts.append(clause)
        return self

    def __str__(self):
        return f"SELECT * FROM {self.table} WHERE " + " AND ".join(self.parts)

    async def run(self, session, **values):
        return await session.execute(text(str(self)), values)  # TXN801
# --- app/services/items.py
from sqlalchemy import text

from app.services.queries import Clauses, Matches


async def named(session, name):
    return await session.execute(text(Matches().where("name", name).sql()))  # TXN801


async def either(session, name):
    await Clauses("items").where("name = :name").run(session, name=name)
    return await Clauses("items").where(f"name = '{name}'").run(session)
"""
BOUND = """
# --- app/services/queries.py
from sqlalchemy import text


class Query:
    def __init__(self, table):
        self.table = table
        self.parts = []
        self.values = {}

    def where(self, column, value):
        self.parts.append(f"{column} = :{column}")
        self.values[column] = value
        return self

    def clause(self, clause):
        self.parts.append(clause)
        return self

    def __str__(self):
        return f"SELECT * FROM {self.table} WHERE " + " AND ".join(self.parts)

    async def run(self, session):
        return await session.execute(text(str(self)), self.values)


class Lines:
    def __init__(self):
        self.lines = []

    def add(self, name, value):
        self.lines.append(f"{name} = '{value}'")
        return self

    def shown(self):
        return ", ".join(self.lines)
# --- app/services/items.py
from app.services.queries import Lines, Query


async def named(session, name):
    await Query("items").where("name", name).clause("deleted_at IS NULL").run(session)
    return Lines().add("name", name).shown()
"""


def test_values_that_methods_put_into_clauses_are_told_where_the_text_is_executed() -> None:
    found, expected = marked(BUILT, "8")
    assert [line for line in found if line.endswith("TXN801")] == expected
    assert len(expected) == 2


def test_clauses_that_all_calls_complete_with_literals_are_silent() -> None:
    found, _ = marked(BOUND, "8")
    assert [line for line in found if line.endswith("TXN801")] == []


def test_one_call_that_passes_something_else_is_enough() -> None:
    other = BOUND.replace('.where("name", name)', ".where(name, name)")
    assert other != BOUND
    found, _ = marked(other, "8")
    assert [line for line in found if line.endswith("TXN801")] == ["app/services/queries.py:23 TXN801"]
