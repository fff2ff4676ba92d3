"""TXN302: SQL text with a condition on a tenant column."""

from __future__ import annotations

from collections.abc import Iterator

from sessionlint.program.api import Program
from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.setting_calls import uses_found
from sessionlint.rules.sqltext import SqlUse
from sessionlint.rules.tenancy import in_table_definition, keeps_out, sql_predicate

META = Rule(
    code="TXN302",
    name="sql-tenant-filter",
    summary="SQL text chooses rows by a tenant column.",
    rationale=(
        "The ORM's filters are easy to see; those in SQL text survive a clean-up and go on hiding rows from everyone "
        "whose tenant id is the default one. Row level security in the database that compares tenants does the same "
        "for every query at once."
    ),
    remedy="Delete the condition from the text and its bind parameter; decide access in the router.",
    not_flagged=(
        "Tenant columns in SELECT and INSERT lists, in `UPDATE … SET`, in table definitions, in joins of two tenant "
        "columns, and in a `CASE` in one of these places; SQL in literals, comments and log text; questions to "
        "`information_schema`. Tests and migrations."
    ),
    presets=("scrapersky",),
    program_wide=True,
)

BAD = [
    Bad(
        source='''
from sqlalchemy import text
import sqlalchemy as sa

COLUMN = "tenant_id"
BASE = "SELECT id FROM jobs "


async def run(session, tenant, status):
    await session.execute(text("SELECT * FROM jobs WHERE tenant_id = :t"), {"t": tenant})  # TXN302@27
    await session.execute(sa.text(f"SELECT * FROM jobs j WHERE j.{COLUMN} IN :ids"))  # TXN302@27
    await session.execute(text(BASE + "WHERE status = 'new' AND jobs.tenant_id IS NOT NULL"))  # TXN302@27
    query = """
        SELECT j.id, j.tenant_id
        FROM jobs j -- WHERE tenant_id
        LEFT JOIN pages p ON p.job_id = j.id AND p."tenant_id" = CAST(:t AS uuid)
    """
    await session.execute(text(query))  # TXN302@27
    parts = ["status = :s"]
    if tenant:
        parts.append("tenant_id = :t")
    await session.execute(text("DELETE FROM jobs WHERE " + " AND ".join(parts)))  # TXN302@27
    statement = "SELECT 1 FROM jobs"
    if status:
        statement += " WHERE status = :s"
    if tenant:
        statement += " AND tenant_id::text LIKE :t"
    await session.execute(text(statement))  # TXN302@27
    await session.execute(text("SELECT 1 FROM jobs WHERE {} = :t".format(COLUMN)))  # TXN302@27
    filters = {"tenant_id": tenant}
    where = " AND ".join(f"{key} = :{key}" for key in filters)
    await session.execute(text("SELECT 1 FROM jobs WHERE " + where), filters)  # TXN302@27
    await session.execute(statement=text("SELECT 1 FROM jobs WHERE %s = :t" % COLUMN))  # TXN302@37
    return text("tenant_id <> :t").bindparams(t=tenant)  # TXN302@12


class Jobs:
    BASE = "SELECT id FROM jobs"
    MINE = BASE + " WHERE tenant_id = :t"

    def rows(self, cursor):
        return cursor.execute(self.MINE)  # TXN302@16
'''
    ),
    Bad(
        source="""
# --- app/services/db.py
from sqlalchemy import text


async def fetch(session, sql, **values):
    return (await session.execute(text(sql), values)).all()


async def fetch_one(session, sql):
    rows = await fetch(session, sql)
    return rows[0]
# --- app/services/jobs.py
from .db import fetch, fetch_one
from app.session import engine


async def jobs(session, tenant):
    rows = await fetch(session, "SELECT id FROM jobs WHERE tenant_id = :t", t=tenant)  # TXN302@18
    row = await fetch_one(session, "SELECT id FROM jobs HAVING max(tenant_id) = 1 AND :t = tenant_id")  # TXN302@17
    return rows, row


async def policy(session, pool):
    await session.execute(f"CREATE POLICY p ON jobs USING (tenant_id = current_setting('app.t')::uuid)")  # TXN302@11
    async with pool.acquire() as conn:
        return await conn.fetch("SELECT id FROM jobs WHERE tenant_id = ANY($1)", [1])  # TXN302@22
"""
    ),
    Bad(
        source="""
from string import Template

from sqlalchemy import text

OWNED = "tenant_id = :t"


def where(parts):
    return " WHERE " + " AND ".join(parts)


def statement(parts):
    return f"SELECT id FROM items{where(parts)}"


async def chosen(session, condition):
    return await session.execute(text("SELECT id FROM items WHERE " + condition))


async def run(session):
    await session.execute(text(statement(["name = :n", OWNED])))  # TXN302@27
    await session.execute(text(Template("SELECT id FROM items WHERE $w").substitute(w=OWNED)))  # TXN302@27
    await session.execute(text("SELECT id FROM items WHERE COALESCE(tenant_id, :t) = :t"))  # TXN302@27
    await session.execute(text("SELECT id FROM items WHERE lower(tenant_id::text) = :t"))  # TXN302@27
    return await chosen(session, OWNED)  # TXN302@18
"""
    ),
    Bad(
        source="""
from sqlalchemy import text


class Report:
    statement: str

    async def rows(self, session):
        return await session.execute(text(self.statement))  # TXN302@38


class TenantReport(Report):
    statement = "SELECT id FROM jobs WHERE tenant_id = :t"
"""
    ),
    Bad(
        source="""
# --- app/services/queries.py
from sqlalchemy import text


class Query:
    def __init__(self, base):
        self.base = base
        self.parts = []
        self.values = {}

    def where(self, clause, **values):
        self.parts.append(clause)
        self.values.update(values)
        return self

    def __str__(self):
        return self.base + (" WHERE " + " AND ".join(self.parts) if self.parts else "")

    async def run(self, session):
        return await session.execute(text(str(self)), self.values)


class Labels:
    def __init__(self):
        self.parts = []

    def where(self, clause):
        self.parts.append(clause)
        return self

    def shown(self):
        return ", ".join(self.parts)
# --- app/services/items.py
from app.services.queries import Labels, Query


async def owned(session, who):
    query = Query("SELECT * FROM items").where("tenant_id = :who", who=who)  # TXN302@13
    return await query.run(session)


async def named(session, name):
    Labels().where("tenant_id = :who").shown()
    return await Query("SELECT tenant_id FROM items").where("name = :name", name=name).run(session)
"""
    ),
    Bad(
        path="app/services/board.py",
        source="""
from sqlalchemy import text

ONLY = "SELECT id FROM items WHERE CASE WHEN shared THEN true ELSE name = 'x' END AND tenant_id = :t"
BY_CASE = "SELECT id FROM items WHERE CASE WHEN tenant_id = :t THEN 1 ELSE 0 END = 1"
INSIDE = "SELECT CASE WHEN EXISTS (SELECT 1 FROM items WHERE tenant_id = :t) THEN 1 ELSE 0 END"


async def board(session, owner):
    await session.execute(text(ONLY), {"t": owner})  # TXN302@27
    await session.execute(text(BY_CASE), {"t": owner})  # TXN302@27
    await session.execute(text(INSIDE), {"t": owner})  # TXN302@27
""",
    ),
    Bad(
        path="app/services/board.py",
        source="""
from sqlalchemy import text


async def board(session, cursor, owner):
    await session.execute(text("SELECT id FROM items WHERE :t IN (owner_id, items.tenant_id)"))  # TXN302@27
    await session.execute(text("SELECT id FROM items WHERE name = 'x' AND NOT starts_with(tenant_id, :t)"))  # TXN302@27
    cursor.execute("SELECT id FROM items WHERE name = 'where' AND may_see(tenant_id::text, %s)", (owner,))  # TXN302@5
    await session.execute(text("DO $$ BEGIN EXECUTE 'DELETE FROM items WHERE tenant_id = 1'; END $$"))  # TXN302@27
""",
    ),
    Bad(
        source="""
from sqlalchemy import text


class Search:
    def __init__(self, session):
        self.session = session
        self.clauses = []
        self.values = {}

    def of(self, owner):
        self.clauses.append("tenant_id = :owner")
        self.values["owner"] = owner

    async def run(self):
        sql = "SELECT id FROM items"
        if self.clauses:
            sql += " WHERE " + " AND ".join(self.clauses)
        return await self.session.execute(text(sql), self.values)  # TXN302@43
""",
    ),
    Bad(
        source="""
# --- app/kit/parts.py
from dataclasses import dataclass
from typing import NamedTuple


class Part(NamedTuple):
    clause: str
    label: str


@dataclass(frozen=True)
class Clause:
    text: str


OWNER = Part("tenant_id = :owner", "owner")
STATE = Part("status = :status", "state")
OWN = Clause("tenant_id = :owner")
# --- app/services/rows.py
from sqlalchemy import text

from app.kit.parts import OWN, OWNER, STATE


async def run(session, owner, status):
    await session.execute(text(f"SELECT id FROM items WHERE {OWNER.clause}"), {"owner": owner})  # TXN302@27
    await session.execute(text("SELECT id FROM items WHERE " + OWN.text), {"owner": owner})  # TXN302@27
    await session.execute(text(f"SELECT id FROM items WHERE {STATE.clause}"), {"status": status})
"""
    ),
]

GOOD = [
    Good(
        source="""
from sqlalchemy import text


async def run(session, tenant, log):
    await session.execute(text("INSERT INTO jobs (id, tenant_id) VALUES (:i, :t)"))
    await session.execute(text("UPDATE jobs SET tenant_id = :t, status = 'new' WHERE id = :i"))
    await session.execute(text("SELECT tenant_id, count(*) FROM jobs GROUP BY tenant_id ORDER BY tenant_id"))
    await session.execute(text("SELECT 1 FROM a JOIN b ON b.a_id = a.id AND b.tenant_id = a.tenant_id"))
    await session.execute(text("SELECT 1 FROM jobs WHERE id = :i -- AND tenant_id = :t"))
    await session.execute(text("CREATE TABLE x (tenant_id uuid CHECK (tenant_id IS NOT NULL))"))
    await session.execute(text("SELECT 1 FROM information_schema.columns WHERE column_name = 'tenant_id'"))
    await session.execute(text("SELECT 1 FROM jobs WHERE old_tenant_id = 1 AND id = :tenant_id"))
    await session.execute(text("INSERT INTO a (tenant_id) VALUES (1) ON CONFLICT (id) DO UPDATE SET tenant_id = :t"))
    log.info("SELECT * FROM jobs WHERE tenant_id = %s", tenant)
    return f"WHERE tenant_id = {tenant}"
"""
    ),
    Good(
        source="""
from alembic import op


def upgrade():
    op.execute("CREATE POLICY p ON jobs USING (tenant_id = current_setting('app.tenant')::uuid)")
    op.execute("UPDATE jobs SET status = 'x' WHERE tenant_id IS NULL")
""",
        path="migrations/versions/0001_policy.py",
    ),
    Good(
        source="""
from sqlalchemy import text


async def run(session):
    await session.execute(text("SELECT 1 FROM jobs GROUP BY name HAVING count(DISTINCT tenant_id) > 1"))
"""
    ),
    Good(
        source="""
from sqlalchemy import text


async def run(session):
    await session.execute(text("SELECT 1 FROM jobs j JOIN tenants t ON j.tenant_id = t.id WHERE j.id = :i"))
    await session.execute(text("SELECT 1 FROM tenants t JOIN jobs j ON t.id = j.tenant_id WHERE j.id = :i"))
"""
    ),
    Good(
        path="app/services/board.py",
        source="""
from sqlalchemy import text

RANKED = "SELECT id, CASE WHEN shared AND tenant_id = :t THEN 1 ELSE 0 END AS mine FROM items WHERE name = 'x'"
SORTED = "SELECT id FROM items WHERE name = 'x' ORDER BY CASE WHEN NOT shared THEN 0 WHEN tenant_id = :t THEN 1 END"


async def board(session, owner):
    await session.execute(text(RANKED), {"t": owner})
    await session.execute(text(SORTED), {"t": owner})
""",
    ),
    Good(
        path="app/services/board.py",
        source="""
from sqlalchemy import text


async def board(session, cursor, owner):
    await session.execute(text("SELECT id FROM items WHERE :t IN (owner_id, name)"))
    await session.execute(text("SELECT id FROM items WHERE id IN (SELECT tenant_id FROM items)"))
    await session.execute(text("INSERT INTO a (tenant_id) VALUES (1) ON CONFLICT(tenant_id) DO NOTHING"))
    await session.execute(text("SELECT 1 FROM a JOIN b ON same_day(a.day, :day) ORDER BY upper(b.tenant_id)"))
    cursor.execute("SELECT 'WHERE tenant_id = 1' AS help FROM items WHERE name = %s", (owner,))
    cursor.execute("UPDATE items SET note = 'it''s where tenant_id = 1' WHERE id = %s", (owner,))
""",
    ),
    Good(
        """
from sqlalchemy import Index, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint

from app.models.item import Base, Item


class Page(Base):
    __tablename__ = "pages"
    __table_args__ = (
        Index("whole", "url", unique=True, postgresql_where=text("tenant_id IS NULL")),
        ExcludeConstraint(("url", "="), where=text("tenant_id IS NULL")),
    )
""",
        path="app/models/page.py",
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """SQL texts with a tenant predicate, at the call that supplies them."""
    for use, found in uses_found(program, lambda use: _predicate(program, use)):
        yield program.finding(
            META,
            use.event,
            f"The SQL text chooses rows by tenant ({found!r}). Delete the condition and its parameter: access is "
            "decided in the router.",
            use.trace,
        )


def _predicate(program: Program, use: SqlUse) -> str | None:
    if keeps_out(program, use.event.function) or in_table_definition(use.event):
        return None
    return next((p for p in (sql_predicate(program, t.text) for t in use.texts) if p), None)
