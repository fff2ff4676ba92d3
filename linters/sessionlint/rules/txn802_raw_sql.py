"""TXN802: SQL text in application code where the ORM serves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program.api import Program
from sessionlint.program.model import Event
from sessionlint.program.query_texts import PART
from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.sqltext import EXECUTED, sql_uses

META = Rule(
    code="TXN802",
    name="raw-sql",
    summary="SQL text in application code where the ORM serves.",
    rationale=(
        "Text is invisible to the models: a renamed column, a type or a new default changes the ORM's queries "
        "and leaves the "
        "text behind, to fail in production. Rows changed by text also leave stale objects in the session."
    ),
    remedy="Write the query with `select()`, `insert()`, `update()` or `delete()` on the model.",
    not_flagged=(
        "Session modules, migrations and tests; health checks (`SELECT 1`); column defaults "
        "(`server_default=text(…)`); statements "
        "the ORM has no words for (`SET`, `EXPLAIN`, `VACUUM`, `CALL`, `MERGE`…); questions to the database's "
        "catalogue (`information_schema`, `to_regclass(…)`)."
    ),
    presets=("scrapersky",),
)

_HERE = ""

BAD = [
    Bad(
        source="""
import sqlalchemy
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import engine

COUNT = "SELECT count(*) FROM items"


async def run(session: AsyncSession, name):
    rows = await session.execute(text("SELECT id FROM items WHERE name = :n"), {"n": name})  # TXN802@34
    await session.execute(sqlalchemy.text(COUNT))  # TXN802@27
    await session.execute("DELETE FROM items")  # TXN802@11
    await session.execute(text("  WITH a AS (SELECT 1) UPDATE items SET name = 'x'"))  # TXN802@27
    connection = await session.connection()
    await connection.exec_driver_sql("INSERT INTO items VALUES (1)")  # TXN802@11
    await session.execute(select(Item).where(text("name = 'x'")))  # TXN802@46
    return rows
"""
    ),
    Bad(
        source="""
import sqlalchemy.sql.expression
from sqlalchemy import select
from sqlalchemy.sql import expression

from app.models.item import Item


async def run(session):
    await session.execute(select(Item).where(expression.text("name = 'x'")))  # TXN802@46
    await session.execute(sqlalchemy.sql.expression.text("SELECT id FROM items"))  # TXN802@27
"""
    ),
    Bad(
        """
import pandas as pd


def totals(connection, rows):
    everything = pd.read_sql("totals", connection)
    some = pd.read_sql("SELECT id FROM totals", connection)  # TXN802@12
    return everything, some, pd.read_sql_table("totals", connection)
"""
    ),
]

GOOD = [
    Good(
        source="""
from sqlalchemy import Column, String, func, literal_column, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import DeclarativeBase

from app.models.item import Item


class Base(DeclarativeBase):
    pass


class Job(Base):
    __tablename__ = "jobs"
    __table_args__ = {"info": text("id IS NOT NULL")}

    name = Column(String, server_default=text("'new'"))


async def run(session, git, name):
    await session.execute(text("SELECT 1"))
    await session.execute(text("select 1;"))
    await session.execute(text("SET LOCAL statement_timeout = '5s'"))
    await session.execute(text("TRUNCATE items"))
    await session.execute(text("CALL settle(:since)"), {"since": name})
    await session.execute(text("MERGE INTO items USING fresh ON items.id = fresh.id WHEN MATCHED THEN DELETE"))
    since = func.now() - text("'30 days'::interval")
    upsert = insert(Item).values(name=name)
    await session.execute(upsert.on_conflict_do_nothing(["name"], index_where=text("deleted IS NULL")))
    await session.execute(text("SELECT count(*) FROM information_schema.tables"))
    await session.execute(text("SELECT pg_advisory_xact_lock(1)"))
    await session.execute(text("EXPLAIN SELECT id FROM items"))
    await session.execute(select(Item).where(Item.name == name))
    await session.execute(select(func.count(), literal_column("1")).select_from(Item))
    await git.execute("SELECTED", since)
    return "SELECT * FROM items"
"""
    ),
    Good(
        source="""
from sqlalchemy import text


async def test_rows(session):
    assert (await session.execute(text("SELECT id FROM items"))).all() == []
""",
        path="tests/test_items.py",
    ),
    Good(
        source="""
from sqlalchemy import text


async def undo(session):
    await session.execute(text("ABORT"))  # TXN202@11
"""
    ),
    Good(
        source="""
from sqlalchemy import text


async def exists(session, name):
    return await session.scalar(text("SELECT to_regclass(:name) IS NOT NULL"), {"name": name})


async def may(session, name):
    return await session.scalar(text("SELECT has_table_privilege(:name, 'insert')"), {"name": name})
""",
    ),
]

_HEALTH = regex(r"\s*select\s+(?:1|true|now\(\)|version\(\)|current_timestamp)(?:\s+as\s+\w+)?\s*;?\s*$", re.I)
_COMMENT = regex(r"--[^\n]*|/\*.*?\*/", re.S)
_CATALOGUE = regex(
    r"\b(?:information_schema|pg_catalog|pg_\w+|sqlite_master)\b|\b(?:to_reg\w+|has_\w+_privilege)\s*\(", re.I
)
_INDEX_CONDITIONS = ("index_where", "postgresql_where", "sqlite_where")
_VALUE = regex(r"\s*(?:'[^']*'(?:\s*::\s*\w+)?|\w+\(\)|null|true|false|-?\d+)\s*$", re.I)
_UNSERVED = regex(
    r"\s*(?:(?:set|reset|show|explain|vacuum|analyze|reindex|cluster|create|alter|drop|comment|grant|revoke|lock|listen|unlisten"
    r"|notify|discard|copy|commit|rollback|abort|begin|start|savepoint|release|end|prepare|execute|deallocate|pragma|do|refresh"
    r"|truncate|call|merge)\b|select\s+(?:pg_\w+|set_config|current_setting)\s*\()",
    re.I,
)


def check(program: Program) -> Iterator[Finding]:
    """SQL statements and fragments in functions of the application."""
    # hints, prefixes and operators are no statements, and the ORM takes them as text
    parts = [program.step(e.site, note) for e in program.events("sql") if e.text == PART for note in (_HERE, EXECUTED)]
    for use in sql_uses(program):
        event = use.event
        if (
            program.is_exempt(event.function)
            or event.name in ("DDL", "literal_column")
            or (use.trace[-1] if use.trace else program.step(event.site, _HERE)) in parts
            or _is_declaration(program, event)
            or _names_an_index(event.function.body, event.span)
        ):
            continue
        text = next((t for t in (_COMMENT.sub(" ", t.text) for t in use.texts) if _orm_serves(t)), None)
        if text is None:
            continue
        flat = " ".join(text.replace("\0", "…").split())
        yield program.finding(
            META,
            event,
            f"SQL text where the ORM serves ({(flat if len(flat) <= 60 else flat[:59] + '…')!r}). Write the query "
            "on the model.",
            use.trace,
        )


def _orm_serves(text: str) -> bool:
    return not (_HEALTH.match(text) or _UNSERVED.match(text) or _CATALOGUE.search(text) or _VALUE.match(text))


def _names_an_index(node: Any, span: ir.Span4) -> bool:
    """The condition of a partial index, as an upsert must repeat it: ``index_where=text("…")``."""
    for child in node:
        if type(child) is not tuple or not child:
            continue
        if len(child) == 5 and child[0] == "c":
            wheres = [value[1] for key, value in child[4] if key in _INDEX_CONDITIONS]
            if any(where[:2] <= span[:2] and span[2:] <= where[2:] for where in wheres):
                return True
        if _names_an_index(child, span):
            return True
    return False


def _is_declaration(program: Program, event: Event) -> bool:
    """In a class body: column defaults, constraints and indexes of a model."""
    span = event.span
    if event.function.name != "<module>":
        return False
    return program.policy.layer_of(event.path) == "model" or any(
        c.path == event.path and c.span[:2] <= span[:2] and span[2:] <= c.span[2:] for c in program.classes
    )
