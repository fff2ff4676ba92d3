"""TXN801: SQL text put together from values that are not literals."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program import mixed_names
from sessionlint.program.api import Program
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.strings import HOLE, texts_of
from sessionlint.program.values import Site, Text
from sessionlint.report import Finding, TraceStep
from sessionlint.rules.asked_sql import asked_sql
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.sqltext import completed_with_literals, given_elsewhere, sql_uses, unwritten

META = Rule(
    code="TXN801",
    name="sql-built-from-strings",
    summary="SQL is put together from values that are not literals.",
    rationale=(
        "Whatever ends up in the text is executed: a quote in a name breaks the statement, and a value from a request "
        'rewrites it; so does one that is all of the SQL (`text(request.query_params["order"])`). Texts that '
        "differ per value also defeat every statement cache."
    ),
    remedy=(
        "Bind values (`:name` with a dictionary); choose identifiers from literals, or build the query with the ORM. "
        "Nothing can be bound in `CREATE DATABASE`, `DROP ROLE` and the like: quote a name that must come from outside "
        "with `psycopg.sql.Identifier` or `engine.dialect.identifier_preparer.quote`."
    ),
    not_flagged=(
        "Texts made of literals and constants only (also in the fields of records), generated bind placeholders "
        "(`:id_0, :id_1`), numbers (`int()`, "
        "`len()`, `math.ceil()`, `max()` of numbers, what is declared an `int`, `age.days`, fields formatted as "
        "numbers: `{n:d}`), keys of dictionaries that are written out or numbered, members of "
        "enumerations, class variables that every class below writes out, digests in hexadecimal, UUIDs "
        "(also what is declared one, or a list or dictionary of numbers or of these), "
        "names of mapped tables and their columns, and of a `Table(…)` that the source names and describes (not "
        "`autoload_with`), names quoted by the dialect or the driver; "
        "names and clauses that every call of the function, or of an object's methods, "
        "completes with literals, numbers, or what a test before the call has found among literals, itself or through "
        "functions above it (what is decorated is called by its name, `partial()` is a call); "
        "names, and lists of names, that a test finds among literals or the columns of a "
        "model, here, in a function that raises for others, or in the constructor of the object that keeps them; "
        "what a test, or a pattern that the parameter is declared with, lets through only as a plain word "
        '(`re.fullmatch(r"[a-z_]+", name)`, `name.isidentifier()`), and what is left where all else is taken out '
        '(`re.sub(r"[^a-z_]", "", name)`); SQL that comes as a whole from elsewhere than a '
        "request; f-strings that are no SQL. "
        "Migrations and tests."
    ),
    program_wide=True,
)

#: Statements that take no bound values; ``CREATE TABLE … AS SELECT`` is one of them, too.
_DEFINES = regex(
    r"\s*(create|drop|alter|grant|revoke|truncate|comment on|reindex|vacuum|refresh|listen|unlisten|notify|set)\b", re.I
)
#: One setting of the session or of the role is what ``set_config`` takes bound.
_SETS = regex(r"\s*set\s+(?:session\s+|local\s+)?(?!role\b|transaction\b|constraints\b)[\w.\0\"]+\s*(?:=|\bto\b)", re.I)
_IN_QUOTES = regex(rf"'[^']*{HOLE}")

BAD = [
    Bad(
        source="""
from sqlalchemy import DDL, select, text

from app.models.item import Item


async def run(session, name, names, table, request):
    await session.execute(text(f"SELECT id FROM items WHERE name = '{name}'"))  # TXN801@27
    await session.execute("SELECT id FROM " + table)  # TXN801@11
    await session.execute(text("SELECT id FROM items WHERE name = '%s'" % name))  # TXN801@27
    await session.execute(text("SELECT id FROM {}".format(table)))  # TXN801@27
    await session.execute(text("SELECT id FROM items WHERE name IN (" + ",".join(names) + ")"))  # TXN801@27
    order = request.query_params["order"]
    query = "SELECT id FROM items"
    if order:
        query += f" ORDER BY {order}"
    rows = await session.execute(text(query))  # TXN801@34
    conditions = [f"name = '{n}'" for n in names]
    where = " OR ".join(conditions)
    await session.scalars(select(Item).where(text(where)))  # TXN801@46
    await session.execute(DDL(f"DROP TABLE {table}"))  # TXN801@27
    template = "SELECT id FROM items WHERE name = NAME"
    await session.execute(text(template.replace("NAME", name)))  # TXN801@27
    if (statement := f"DELETE FROM {table}"):
        await session.execute(text(statement))  # TXN801@31
    return rows
"""
    ),
    Bad(
        source="""
# --- app/services/db.py
from sqlalchemy import text


class Queries:
    def __init__(self, session):
        self.session = session

    async def fetch(self, sql: str, values=None):
        return await self.session.execute(text(sql), values)


def build(table):
    return f"SELECT id FROM {table}"
# --- app/routers/items.py
from fastapi import APIRouter, Depends

from app.services.db import Queries, build
from app.session import engine, get_session_dependency

router = APIRouter()


@router.get("/items")
async def listed(name: str, session=Depends(get_session_dependency)):
    queries = Queries(session)
    await queries.fetch("SELECT id FROM items WHERE name = '" + name + "'")  # TXN801@11
    await session.execute(build(name))  # TXN801@11
    return await queries.fetch(sql=f"SELECT {name}")  # TXN801@18


async def worker(pool, name):
    async with pool.acquire() as connection:
        await connection.execute(f"DELETE FROM items WHERE name = '{name}'")  # TXN801@15
""",
        policy=(("preset", "unit-of-work"),),
    ),
    Bad(
        source="""
from string import Template

from sqlalchemy import text


async def run(session, table):
    return await session.execute(text(Template("SELECT id FROM $t").substitute(t=table)))  # TXN801@34
"""
    ),
    Bad(
        source="""
# --- app/services/queries.py
from sqlalchemy import text


async def ordered(session, order):
    return await session.execute(text(f"SELECT id FROM items ORDER BY {order}"))  # TXN801@34


async def limited(session, limit):
    return await session.execute(text("SELECT id FROM items LIMIT " + limit))  # TXN801@34


async def hooked(session, column):
    return await session.execute(text(f"SELECT {column} FROM items"))  # TXN801@34


async def named(session, name):
    return await session.execute(text(f"SELECT id FROM items WHERE name = '{name}'"))  # TXN801@34


async def numbered(session, number):
    return await session.execute(text("SELECT id FROM items WHERE number > " + number))  # TXN801@34
# --- app/services/lists.py
from app.services.queries import hooked, limited, named, numbered, ordered


async def by_name(session):
    session.info["hook"] = hooked
    await named(session, "first")
    await numbered(session, "3")
    await hooked(session, "name")
    return await ordered(session, "name")


async def by(session, column):
    return await ordered(session, column)


def pages(limits):
    return [limited(None, limit) for limit in limits]
""",
    ),
    Bad(
        source="""
# --- app/session.py
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://")


class SqlSession(AsyncSession):
    async def run(self, sql, **values):
        return await self.execute(text(sql), values)

    async def note(self, words):
        self.info["note"] = words


factory = async_sessionmaker(engine, class_=SqlSession)


@asynccontextmanager
async def get_session():
    async with factory() as session:
        yield session
# --- app/services/items.py
from functools import wraps

from app.session import SqlSession, get_session


def sql(function):
    @wraps(function)
    async def run(session: SqlSession, *args, **values):
        return await session.run(function(*args), **values)

    return run


@sql
def by_name(name):
    return f"SELECT id FROM items WHERE name = '{name}'"  # TXN801@5


@sql
def bound():
    return "SELECT id FROM items WHERE name = :name"


async def gone(session: SqlSession, key):
    await session.note(f"SELECTED {key} FROM the list")
    await session.run("DELETE FROM items WHERE id = :key", key=key)
    return await session.run("DELETE FROM items WHERE id = '" + key + "'")  # TXN801@18


async def nightly(key):
    async with get_session() as session:
        await session.run(f"DELETE FROM items WHERE id = '{key}'")  # TXN801@15
"""
    ),
    Bad(
        source="""
import aiosqlite
import asyncpg
import psycopg
from psycopg import sql
from psycopg2.extras import RealDictCursor, execute_batch, execute_values


def copy(cursor: psycopg.Cursor, rows: RealDictCursor, table, name):
    cursor.execute("INSERT INTO items (name) VALUES ('%s')" % name)  # TXN801@5
    cursor.execute("INSERT INTO items (name) VALUES (%s)", (name,))
    cursor.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table)))
    rows.execute("SELECT * FROM {}".format(table))  # TXN801@5
    query = sql.SQL(f"SELECT * FROM {{}} WHERE name = '{name}'").format(sql.Identifier(table))  # TXN801@13
    cursor.execute(query)
    cursor.execute(sql.SQL("SELECT * FROM " + table))  # TXN801@20


def write(cursor, rows, table):
    cursor.copy_expert(f"COPY {table} FROM STDIN", rows)  # TXN801@5
    cursor.copy_expert("COPY items FROM STDIN", rows)
    with cursor.copy(f"COPY {table} (id) FROM STDIN") as copy:  # TXN801@10
        copy.write_row(rows)
    execute_values(cursor, f"INSERT INTO {table} (id) VALUES %s", rows)  # TXN801@5
    execute_values(cursor, "INSERT INTO items (id) VALUES %s", rows)
    execute_batch(cursor, sql="UPDATE " + table + " SET id = %s", argslist=rows)  # TXN801@5


async def read(connection: asyncpg.Connection, table, name):
    statement = await connection.prepare("SELECT * FROM " + table)  # TXN801@23
    async for row in connection.cursor(f"SELECT id FROM items WHERE name = '{name}'"):  # TXN801@22
        await statement.fetch(row)
    await connection.copy_from_query(query=f"SELECT * FROM {table}", output="out")  # TXN801@11
    return await connection.prepare("SELECT id FROM items WHERE name = $1")


async def keep(connection: aiosqlite.Connection, other: psycopg.AsyncConnection, table):
    await connection.executescript(f"DELETE FROM {table}")  # TXN801@11
    async with other.cursor(f"rows_of_{table}") as cursor:
        await cursor.execute("SELECT id FROM items")


async def fetched(connection: asyncpg.Connection, query, *values):
    return await connection.fetch(query, *values)


async def named(connection, name):
    await fetched(connection, "SELECT id FROM items WHERE name = $1", name)
    return await fetched(connection, f"SELECT id FROM items WHERE name = '{name}'")  # TXN801@18
"""
    ),
    Bad(
        path="app/services/items.py",
        source="""
from dataclasses import dataclass

from sqlalchemy import text


@dataclass
class Raw:
    sql: str
    note: str = ""

    def clause(self):
        return text(self.sql)


async def find(session, name):
    await session.execute(Raw(f"select id from items where name = '{name}'").clause())  # TXN801@27
    await session.execute(Raw("select id from items", f"asked for {name}").clause())
    raw = Raw(sql="select id from items where name = '" + name + "'")  # TXN801@11
    return await session.execute(text(raw.sql))
""",
    ),
    Bad(
        source="""
# --- app/config.py
from pydantic import BaseSettings


class Server(BaseSettings):
    host: str = "localhost"
    port: int = 5432
    database: str = "app"


server = Server()
# --- app/services/items.py
from sqlalchemy import text

from app.config import server


async def create(session):
    await session.execute(text(f"create database {server.database}"))  # TXN801@27
""",
    ),
    Bad(
        source="""
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.sql import quoted_name


async def create(session, name, password, quote, preparer):
    await session.execute(text(f"CREATE DATABASE {name}"))  # TXN801@27
    await session.execute(text(f"CREATE ROLE app PASSWORD '{password}'"))  # TXN801@27
    await session.execute(text(f"CREATE SCHEMA {quoted_name(name, True)}"))  # TXN801@27
    await session.execute(text(f"CREATE SCHEMA {quote(name)}"))  # TXN801@27
    await session.execute(text(f"DROP SCHEMA {preparer.quote(name)}"))  # TXN801@27
""",
    ),
    Bad(
        source="""
# --- app/services/wiping.py
from sqlalchemy import text

from app.models.item import Item


async def comment(session):
    for table in Item.metadata.sorted_tables:
        await session.execute(text(f"COMMENT ON TABLE {table.name} IS '{table.comment}'"))  # TXN801@31
# --- app/services/copying.py
from sqlalchemy import MetaData, text


async def wipe(session, engine):
    found = MetaData()
    found.reflect(engine)
    for table in found.sorted_tables:
        await session.execute(text(f"TRUNCATE {table.name}"))  # TXN801@31
""",
    ),
    Bad(
        source="""
import base64
import hashlib

from sqlalchemy import text


async def labelled(session, label, key):
    made = base64.b64encode(key).decode()
    await session.execute(text(f"SELECT id FROM items WHERE name = :{label}").bindparams(**{label: key}))  # TXN801@27
    await session.execute(text(f"SELECT id FROM items WHERE name = '{hashlib.md5(key).digest()}'"))  # TXN801@27
    await session.execute(text(f"SELECT id FROM items WHERE code = '{made}'"))  # TXN801@27
""",
    ),
    Bad(
        path="app/services/boats.py",
        source="""
from dataclasses import dataclass
from typing import ClassVar, Final

from sqlalchemy import text


@dataclass
class Boats:
    harbour: Final[str] = "north"
    berth: ClassVar[str | None] = None

    async def moored(self, session):
        return await session.execute(text(f"SELECT id FROM boats WHERE harbour = '{self.harbour}'"))  # TXN801@38


async def berthed(session, berth):
    return await session.execute(text(f"SELECT id FROM boats WHERE berth = '{Boats.berth or berth}'"))  # TXN801@34
""",
    ),
    Bad(
        path="app/services/ports.py",
        source="""
import io
from io import StringIO

from sqlalchemy import text


async def moored(session, berths):
    with io.StringIO() as written:
        written.write("SELECT id FROM boats WHERE ")
        for berth in berths:
            written.write(f"berth = '{berth}' OR ")
        written.write("false")
        await session.execute(text(written.getvalue()))  # TXN801@31


def begun(harbour):
    written = StringIO()
    other = written
    other.writelines(["SELECT id FROM boats", " WHERE harbour = '", harbour, "'"])
    return written


async def of_harbour(session, harbour):
    query = begun(harbour)
    query.write(" ORDER BY length")
    await session.execute(text(query.getvalue()))  # TXN801@27
""",
    ),
    Bad(
        path="app/models/base.py",
        source="""
from sqlalchemy import inspect, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    @classmethod
    async def of(cls, session, value):
        first = inspect(cls).primary_key[0]
        query = f"SELECT * FROM {cls.__tablename__} WHERE {first.name} = '{value}'"
        await session.execute(text(query))  # TXN801@31


class Boat(Base):
    __tablename__ = "boats"

    id: Mapped[int] = mapped_column(primary_key=True)


async def remarks(session):
    for column in Boat.__table__.columns:
        await session.execute(text(f"COMMENT ON COLUMN boats.{column.name} IS '{column.comment}'"))  # TXN801@31


async def found(session, engine, frame):
    for name in inspect(engine).get_table_names():
        await session.execute(text(f"SELECT count(*) FROM {name}"))  # TXN801@31
    for column in frame.columns:
        await session.execute(text(f"SELECT {column.name} FROM boats"))  # TXN801@31
    for row in await session.scalars(text("SELECT * FROM boats")):
        await session.execute(text(f"SELECT * FROM {row.name}"))  # TXN801@31
""",
    ),
    Bad(
        source="""
from uuid import UUID

from sqlalchemy import text


async def of_shelf(session, shelf: UUID, word: str):
    await session.execute(text(f"SELECT id FROM books WHERE shelf = '{shelf}' AND title = '{word}'"))  # TXN801@27
    await session.execute(text(f"SELECT id FROM books WHERE shelf = '{word.hex}'"))  # TXN801@27


async def of_any(session, shelf: UUID | str):
    await session.execute(text(f"SELECT id FROM books WHERE shelf = '{shelf}'"))  # TXN801@27
""",
    ),
    Bad(
        source="""
import operator
import re
import textwrap
from functools import reduce
from itertools import chain

import sqlparse
from sqlalchemy import text

PLACE = re.compile("<shelf>")
BOOKS = "SELECT id FROM books WHERE shelf = '<shelf>'"


async def written_in(session, shelf):
    await session.execute(text(re.sub("<shelf>", shelf, BOOKS)))  # TXN801@27
    await session.execute(text(PLACE.sub(repl=shelf, string=BOOKS)))  # TXN801@27
    await session.execute(text(re.sub(r" +", " ", f"SELECT id  FROM books WHERE shelf = '{shelf}'")))  # TXN801@27
    await session.execute(text(re.sub(":(x)", lambda m: m[1], "SELECT " + shelf)))  # TXN801@27


async def put_together(session, shelf, shelves):
    await session.execute(text(str.format("SELECT id FROM books WHERE shelf = '{}'", shelf)))  # TXN801@27
    await session.execute(text(operator.mod("SELECT id FROM books WHERE shelf = '%s'", shelf)))  # TXN801@27
    await session.execute(text(reduce(operator.concat, [shelf, "; ", "COMMENT"], "LISTEN ")))  # TXN801@27
    await session.execute(text(" ".join(chain(["SELECT id FROM books WHERE shelf IN"], shelves))))  # TXN801@27


async def laid_out(session, shelf):
    await session.execute(text(sqlparse.format("SELECT id FROM books WHERE shelf = " + shelf)))  # TXN801@27
    await session.execute(text(textwrap.indent(f"SELECT {shelf} FROM books", "  ")))  # TXN801@27


def tidy(words):
    return re.sub(r"\\s+", " ", words)


async def tidied(session, shelf):
    await session.execute(text(tidy(f"SELECT id FROM books WHERE shelf = '{shelf}'")))  # TXN801@27
""",
    ),
    Bad(
        source="""
from typing import get_args

from sqlalchemy import text


async def matched(session, order: str, row):
    match order:
        case "title" | "shelf":
            pass
        case str() as column:
            await session.execute(text(f"SELECT id FROM books ORDER BY {column}"))  # TXN801@35
        case _:
            await session.execute(text(f"SELECT id FROM books ORDER BY {order}"))  # TXN801@35
    match row:
        case {"order": "title" | "shelf", "by": column}:
            await session.execute(text(f"SELECT id FROM books ORDER BY {column}"))  # TXN801@35
    await session.execute(text(f"SELECT id FROM books ORDER BY {order}"))  # TXN801@27


async def among(session, order: str, shelves):
    if order in get_args(shelves):
        await session.execute(text(f"SELECT id FROM books ORDER BY {order}"))  # TXN801@31
""",
    ),
    Bad(
        path="app/services/boxes.py",
        source="""
from dataclasses import dataclass

from sqlalchemy import text


class Boxes:
    table: str

    async def all(self, session):
        return await session.execute(text(f"SELECT id FROM {self.table}"))  # TXN801@38


@dataclass
class Crates:
    table: str

    async def all(self, session):
        return await session.execute(text(f"SELECT id FROM {self.table}"))  # TXN801@38


async def all_of(session, name):
    boxes = Boxes()
    boxes.table = name
    await boxes.all(session)


def where(*clauses):
    return " WHERE " + " AND ".join(clauses) if clauses else ""


async def run(session, name, clauses):
    await session.execute(text("SELECT id FROM items" + where(f"name = '{name}'")))  # TXN801@27
    await session.execute(text("SELECT id FROM items" + where(*clauses)))  # TXN801@27
""",
    ),
    Bad(
        path="app/services/shelves.py",
        source="""
from fastapi import Request
from sqlalchemy import select, text

from app.models.item import Item

SORTABLE = {"name", "size"}


def warn(column):
    if column not in SORTABLE:
        print(column)


def settle(column):
    if column not in SORTABLE:
        column = "name"
    print(column)


async def sorted_by(session, column, other, names):
    warn(column)
    await session.execute(text(f"SELECT id FROM items ORDER BY {column}"))  # TXN801@27
    settle(other)
    await session.execute(text(f"SELECT id FROM items ORDER BY {other}"))  # TXN801@27
    if column not in names:
        raise ValueError(column)
    await session.execute(text(f"SELECT id FROM items ORDER BY {column}"))  # TXN801@27


async def by_column(session, column):
    names = [c.name for c in Item.__table__.columns]
    names.append(column)
    if column not in names:
        raise ValueError(column)
    await session.execute(text(f"SELECT id FROM items ORDER BY {column}"))  # TXN801@27


async def some_of(session, columns, strict):
    if strict and not set(columns) <= SORTABLE:
        raise ValueError(columns)
    await session.execute(text(f"SELECT {', '.join(columns)} FROM items"))  # TXN801@27


async def each_of(session, columns, values, request):
    for column in columns:
        if column not in SORTABLE:
            raise ValueError(column)
        if column == "name":
            break
    await session.execute(text(f"SELECT {', '.join(columns)} FROM items"))  # TXN801@27
    unknown = set(values) - SORTABLE
    values = request.query_params
    if unknown:
        raise ValueError(unknown)
    await session.execute(text(f"SELECT {', '.join(values)} FROM items"))  # TXN801@27


async def ordered(session, request: Request):
    order = request.query_params["order"]
    await session.execute(select(Item).order_by(text(order)))  # TXN801@49
    if order in SORTABLE:
        await session.execute(select(Item).order_by(text(order)))


async def put(session, given, name):
    values = {f"p{i}": value for i, value in enumerate(given)}
    values[name] = 1
    binds = ", ".join(f":{key}" for key in values)
    await session.execute(text(f"INSERT INTO items VALUES ({binds})"), values)  # TXN801@27
""",
    ),
    Bad(
        source="""
from collections.abc import Sequence
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import text


class Picked(BaseModel):
    shelves: list[UUID]
    pages: set[int]
    words: list[str]


async def of_lists(session, pages: Sequence[int], rows: tuple[int, ...], words: list[str], mixed: list[int | str]):
    await session.execute(text(f"SELECT id FROM books WHERE page IN ({', '.join(str(p) for p in pages)})"))
    await session.execute(text("SELECT id FROM books WHERE row IN (%s)" % ",".join(map(str, rows))))
    for page in sorted(pages):
        await session.execute(text(f"SELECT id FROM books WHERE page = {page} OR page = {pages[0]}"))
    await session.execute(text(f"SELECT id FROM books WHERE word IN ({', '.join(words)})"))  # TXN801@27
    await session.execute(text(f"SELECT id FROM books WHERE page IN ({', '.join(str(m) for m in mixed)})"))  # TXN801@27


async def of_fields(session, picked: Picked):
    shelves = ", ".join(f"'{shelf}'" for shelf in picked.shelves)
    await session.execute(text(f"SELECT id FROM books WHERE shelf IN ({shelves})"))
    for page in picked.pages:
        await session.execute(text(f"SELECT id FROM books WHERE page = {page}"))
    for word in picked.words:
        await session.execute(text(f"SELECT id FROM books WHERE word = '{word}'"))  # TXN801@31
"""
    ),
    Bad(
        path="app/routers/shelves.py",
        source="""
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Header, Query, Request
from pydantic import BaseModel
from sqlalchemy import literal_column, select, text

from app.models.item import Item
from app.session import get_session_dependency

router = APIRouter()


class Search(BaseModel):
    condition: str
    order: str = "name"


@router.get("/shelves")
async def shelves(order: str, column: str | None = None, session=Depends(get_session_dependency)):
    await session.execute(select(literal_column(column or "name")))  # TXN801@34
    return (await session.scalars(select(Item).order_by(text(order)))).all()  # TXN801@57


@router.get("/told")
async def told(
    condition: Annotated[str, Query()], order=Header(), more: str = Form("id"), session=Depends(get_session_dependency)
):
    await session.scalars(select(Item).where(text(condition.strip())))  # TXN801@46
    await session.scalars(select(Item).where(text(str(more))))  # TXN801@46
    return await session.scalars(select(Item).order_by(text(order)))  # TXN801@56


@router.post("/search")
async def search(wanted: Search, session=Depends(get_session_dependency)):
    condition = wanted.condition
    await session.scalars(select(Item).where(text(condition)))  # TXN801@46
    await sorted_by(session, wanted.order)
    await run(session, "SELECT count(*) FROM items")
    await run(session, wanted.condition)  # TXN801@11
    return await found(session, wanted)


@router.post("/free")
async def free(request: Request, body: dict, session=Depends(get_session_dependency)):
    given = await request.json()
    await session.scalars(select(Item).where(text(given["condition"])))  # TXN801@46
    await session.scalars(select(Item).where(text(body.get("condition"))))  # TXN801@46
    connection = await session.connection()
    return await connection.exec_driver_sql(request.query_params["sql"])  # TXN801@18


async def sorted_by(session, order):
    return await session.scalars(select(Item).order_by(text(order)))  # TXN801@56


async def found(session, wanted: Search):
    return await session.scalars(select(Item).where(text(wanted.condition)))  # TXN801@53


async def run(session, sql):
    return await session.execute(text(sql))
""",
    ),
    Bad(
        path="app/services/lists.py",
        source="""
import re

from sqlalchemy import text

BEGINS = re.compile(r"^name|size")
NAME = re.compile(r"[a-z]+")


async def sorted_by(session, first, second, third):
    if not BEGINS.match(first) or not NAME.match(second) or not re.fullmatch(r"[a-z ;]+", third):
        raise ValueError
    await session.execute(text(f"SELECT id FROM items ORDER BY {first}"))  # TXN801@27
    await session.execute(text(f"SELECT id FROM items ORDER BY {second}"))  # TXN801@27
    await session.execute(text(f"SELECT id FROM items ORDER BY {third}"))  # TXN801@27
""",
    ),
    Bad(
        path="app/services/lists.py",
        source="""
from sqlalchemy import text


class Search:
    def __init__(self, session):
        self.session = session
        self.clauses = []

    def named(self, name):
        self.clauses.append(f"name = '{name}'")

    async def run(self):
        return await self.session.execute(text("SELECT id FROM items WHERE " + " AND ".join(self.clauses)))  # TXN801@43


class Bound:
    def __init__(self, session):
        self.session = session
        self.clauses = []

    def named(self):
        self.clauses.append("name = :name")

    async def run(self, name):
        sql = "SELECT id FROM items WHERE " + " AND ".join(self.clauses)
        return await self.session.execute(text(sql), {"name": name})
""",
    ),
    Bad(
        path="app/services/pens.py",
        source="""
from functools import partial, wraps

from sqlalchemy import text

KINDS = ("gel", "ink")
KEPT = {}


def kept(function):
    KEPT[function.__name__] = function
    return function


def timed(function):
    @wraps(function)
    async def run(*args, **kwargs):
        return await function(*args, **kwargs)

    return run


@kept
async def counted(session, table):
    return await session.execute(text(f"SELECT count(*) FROM {table}"))  # TXN801@34


@timed
async def sorted_by(session, column):
    return await session.execute(text(f"SELECT id FROM pens ORDER BY {column}"))  # TXN801@34


async def of_kind(session, kind):
    return await session.execute(text(f"SELECT id FROM pens WHERE kind = '{kind}'"))  # TXN801@34


async def prepared(session, table):
    return await session.execute(text(f"SELECT id FROM {table}"))  # TXN801@34


async def asked(session, pool, column, kind, table):
    async def inner():
        return await session.execute(text(f"SELECT {column} FROM pens"))  # TXN801@38

    await inner()
    await counted(session, "pens")
    await sorted_by(session, "name")
    await sorted_by(session, column)
    await of_kind(session, "gel")
    pool.submit(partial(prepared, session, table))
    await prepared(session, "pens")
    if kind in KINDS:
        await sorted_by(session, kind)
    return await session.execute(text(" ".join(["SELECT id FROM pens ORDER BY", kind])))  # TXN801@34
""",
    ),
    Bad(
        path="app/services/inks.py",
        source="""
from typing import NamedTuple

from sqlalchemy import text


class Query(NamedTuple):
    sql: str
    values: dict


def by_name(name):
    return Query(f"SELECT id FROM inks WHERE name = '{name}'", {})  # TXN801@12


async def run(session, name):
    query = by_name(name)
    return await session.execute(text(query.sql), query.values)
""",
    ),
    Bad(
        source="""
# --- app/kit/statements.py
from dataclasses import dataclass
from typing import NamedTuple


class Statement:
    def __init__(self, start):
        self.parts = [start]

    def add(self, part):
        self.parts.append(part)
        return self

    @property
    def sql(self):
        return " ".join(self.parts)


class Column(NamedTuple):
    name: str
    label: str


@dataclass(frozen=True)
class Sorting:
    column: str


class Shown(NamedTuple):
    name: str


NAMED = Sorting("name")
# --- app/services/rows.py
from dataclasses import replace

from sqlalchemy import text

from app.kit.statements import NAMED, Column, Shown, Statement


async def named(session, name):
    statement = Statement("SELECT id FROM items")
    statement.add(f"WHERE name = '{name}'")
    return await session.execute(text(statement.sql))  # TXN801@34


async def bound(session, name):
    statement = Statement("SELECT id FROM items")
    statement.add("WHERE name = :name")
    await session.execute(text(statement.sql), {"name": name})
    other = Statement("SELECT id FROM items").add("WHERE size = 1")
    return await session.execute(text(other.sql))


async def shown(session, rows):
    for column in [Column(*row) for row in rows]:
        await session.execute(text(f"SELECT {column.name} FROM items"))  # TXN801@31
    await session.execute(text(f"SELECT {Shown('name')._replace(name=rows).name} FROM items"))  # TXN801@27
    order = replace(NAMED, column=rows)
    await session.execute(text(f"SELECT id FROM items ORDER BY {order.column}"))  # TXN801@27
"""
    ),
    Bad(
        """
from itertools import filterfalse
from typing import Literal, get_args

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

COLUMNS = frozenset(get_args(Literal["name", "status"]))


async def shown(session: AsyncSession, names: list[str]):
    kept = sorted(COLUMNS | set(names))
    await session.execute(text(f"SELECT {', '.join(kept)} FROM items"))  # TXN801@27
    kept = list(filterfalse(COLUMNS.__contains__, names))
    await session.execute(text(f"SELECT {', '.join(kept)} FROM items"))  # TXN801@27
""",
        path="app/services/columns.py",
    ),
    Bad(
        source="""
from sqlalchemy import Column, Integer, Table, text


async def counted(connection, name, metadata):
    made = Table(name, metadata, Column("id", Integer))
    return await connection.scalar(text(f"SELECT count(*) FROM {made.name}"))  # TXN801@36


async def shown(connection, metadata, engine):
    seen = Table("accounts", metadata, autoload_with=engine)
    for column in seen.c:
        await connection.scalar(text(f"SELECT {column.name} FROM accounts"))  # TXN801@33


async def ordered(connection, column):
    accounts = Table("accounts", metadata, Column("id", Integer))
    if column in accounts.c:
        column = "id"
    return await connection.execute(text(f"SELECT id FROM accounts ORDER BY {column}"))  # TXN801@37
""",
    ),
    Bad(
        path="app/services/crates.py",
        source="""
from sqlalchemy import text

COLUMNS = ("name", "size")


async def sorted_by(session, order, other):
    by = "name"
    if order:
        by = order
    await session.execute(text(f"SELECT id FROM crates ORDER BY {by}"))  # TXN801@27
    by = other.name
    if order in COLUMNS:
        by = order
    await session.execute(text(f"SELECT id FROM crates ORDER BY {by}"))  # TXN801@27
    if order in COLUMNS:
        by = "name"
    else:
        by = order
    return await session.execute(text(f"SELECT id FROM crates ORDER BY {by}"))  # TXN801@34


async def asked(session, orders, tired):
    order = orders.pop()
    while order not in COLUMNS:
        if tired:
            break
        order = orders.pop()
    await session.execute(text(f"SELECT id FROM crates ORDER BY {order}"))  # TXN801@27
    if (way := orders.pop().lower()) in COLUMNS:
        raise ValueError(way)
    return await session.execute(text(f"SELECT id FROM crates ORDER BY {way}"))  # TXN801@34


async def matched(session, order, way):
    match order:
        case name if name not in COLUMNS:
            await session.execute(text(f"SELECT id FROM crates ORDER BY {name}"))  # TXN801@35
    match (order, way):
        case (_, "asc" | "desc"):
            await session.execute(text(f"SELECT id FROM crates ORDER BY {order} {way}"))  # TXN801@35
""",
    ),
    Bad(
        source="""
from uuid import UUID

from sqlalchemy import text


async def of_words(session, counts: dict[str, int], words: dict[UUID, str], pairs: list[tuple[int, str]]):
    values = ", ".join(f"('{word}', {count})" for word, count in counts.items())
    await session.execute(text("INSERT INTO seen VALUES " + values))  # TXN801@27
    values = ", ".join(f"('{book}', '{word}')" for book, word in words.items())
    await session.execute(text("INSERT INTO seen VALUES " + values))  # TXN801@27
    for number, word in pairs:
        await session.execute(text(f"UPDATE seen SET word = '{word}' WHERE number = {number}"))  # TXN801@31
"""
    ),
    Bad(
        path="app/services/searching.py",
        source="""
from sqlalchemy import text

LANGUAGES = {"english", "french"}


class Warned:
    def __init__(self, session, language):
        if language not in LANGUAGES:
            print(language)
        self.session = session
        self.language = language

    async def run(self):
        sql = f"SELECT to_tsvector('{self.language}', name) FROM items"
        return await self.session.execute(text(sql))  # TXN801@43


class Other:
    def __init__(self, session, language, config):
        if language not in LANGUAGES:
            raise ValueError(language)
        self.session = session
        self.config = config

    async def run(self):
        sql = f"SELECT to_tsvector('{self.config}', name) FROM items"
        return await self.session.execute(text(sql))  # TXN801@43


async def run(session, language, config):
    await Warned(session, language).run()
    return await Other(session, language, config).run()
""",
    ),
    Bad(
        path="app/services/lids.py",
        source="""
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import text

KEPT: dict = {}


def keep(name, clause):
    KEPT[name] = clause


@dataclass
class Lids:
    size: Final = "size > 3"
    sorts: dict = field(default_factory=dict)

    async def all(self, session, order):
        await session.execute(text(f"SELECT id FROM lids WHERE {self.size}"))  # TXN801@31
        await session.execute(text(f"SELECT id FROM lids ORDER BY {self.sorts.get(order)}"))  # TXN801@31


async def kept(session, name):
    await session.execute(text(f"SELECT id FROM lids WHERE {KEPT.get(name)}"))  # TXN801@27
""",
    ),
    Bad(
        path="app/services/cans.py",
        source="""
from sqlalchemy import text

COLUMNS = frozenset({"name", "size"})


async def sorted_by(session, order: str, other: str, names, strict):
    if not {order, "name"} & COLUMNS:
        raise ValueError(order)
    await session.execute(text(f"SELECT id FROM tins ORDER BY {order}"))  # TXN801@27
    if COLUMNS - {order}:
        raise ValueError(order)
    await session.execute(text(f"SELECT id FROM tins ORDER BY {order}"))  # TXN801@27
    if {order} - names or (strict and {order} - COLUMNS):
        raise ValueError(order)
    await session.execute(text(f"SELECT id FROM tins ORDER BY {order}"))  # TXN801@27
    unknown = {order, other} - COLUMNS
    other = names.pop()
    if unknown:
        raise ValueError(unknown)
    await session.execute(text(f"SELECT id FROM tins ORDER BY {other}"))  # TXN801@27
""",
    ),
    Bad(
        path="app/services/corks.py",
        source="""
import re

from sqlalchemy import text

SPACED = re.compile(r"[^\\w ]")


async def run(session, order, by):
    await session.execute(text(f"SELECT id FROM corks ORDER BY {SPACED.sub('', order)}"))  # TXN801@27
    await session.execute(text(f"SELECT id FROM corks ORDER BY {re.sub('[a-z]', '', order)}"))  # TXN801@27
    await session.execute(text(f"SELECT id FROM corks ORDER BY {re.sub('[^a-z]', by, order)}"))  # TXN801@27
    await session.execute(text(f"SELECT id FROM corks ORDER BY {re.sub('[^a-z]', '', order, 1)}"))  # TXN801@27
    await session.execute(text(f"SELECT id FROM corks ORDER BY {re.sub('[^a-z]', '--', order)}"))  # TXN801@27
""",
    ),
    Bad(
        """
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


async def ordered(session: AsyncSession, column: str, own: str):
    columns = {"title": "items.title"}
    columns["own"] = own
    if column not in columns.values():
        raise ValueError(column)
    return await session.execute(text(f"SELECT id FROM items ORDER BY {column}"))  # TXN801@34


async def counted(session: AsyncSession, table: str, named: bool):
    config = {"schema": "shop"}
    if named:
        config["table"] = "items"
    return await session.scalar(text(f"SELECT count(*) FROM {config.get('table', table)}"))  # TXN801@33
"""
    ),
    Bad(
        """
from sqlalchemy import text
from sqlalchemy.orm import Session
from tqdm import tqdm


def empty(session: Session, names: list[str]):
    for name in tqdm(names):
        session.execute(text(f"TRUNCATE {name}"))  # TXN801@25
"""
    ),
]

GOOD = [
    Good(
        source='''
# --- app/constants.py
TABLE = "items"
SCHEMA = "public"
# --- app/services/example.py
from enum import Enum
from textwrap import dedent
from typing import Literal

from sqlalchemy import select, text

from app import constants
from app.constants import TABLE
from app.models.item import Item

COLUMNS = ("id", "name")
ORDERS = {"new": "created_at DESC", "old": "created_at"}


class Status(str, Enum):
    NEW = "new"


class Direction(Enum):
    UP = "ASC"
    DOWN = "DESC"


async def sorted_by(session, column: Literal["name", "id"], direction: Literal["ASC", "DESC"] | None = None):
    await session.execute(text(f"SELECT id FROM items ORDER BY {column} {direction}"))
    await session.execute(text("SELECT id FROM items ORDER BY " + column))
    await session.execute(text("SELECT id FROM items ORDER BY {}".format(column)))
    await session.execute(text("SELECT id FROM items ORDER BY {column}".format(column=column)))


async def page(session, ids, size: int, number: int):
    await session.execute(text(f"SELECT id FROM items LIMIT {size} OFFSET {size * number}"))
    await session.execute(text("SELECT id FROM items WHERE id IN (%s)" % ",".join("?" * len(ids))))


async def run(session, ids, name, newest, limit, log, direction: Direction):
    await session.execute(text(f"SELECT id FROM {TABLE} WHERE name = :name"), {"name": name})
    await session.execute(text("SELECT " + ", ".join(COLUMNS) + f" FROM {constants.SCHEMA}.{TABLE}"))
    placeholders = ", ".join(f":id_{i}" for i in range(len(ids)))
    await session.execute(text(f"SELECT id FROM items WHERE id IN ({placeholders})"))
    keys = [f":k{i}" for i, _ in enumerate(ids)]
    await session.execute(text("SELECT id FROM items WHERE id IN (%s)" % ", ".join(keys)))
    order = ORDERS["new"] if newest else ORDERS["old"]
    await session.execute(text(f"SELECT id FROM items ORDER BY {order} LIMIT {int(limit)}"))
    conditions = ["status = 'new'"]
    values = {}
    if name:
        conditions.append("name = :name")
        values["name"] = name
    await session.execute(text("SELECT id FROM items WHERE " + " AND ".join(conditions)), values)
    query = "SELECT id FROM items"
    if name:
        query += " WHERE name = :name"
    await session.execute(text(query), values)
    await session.execute(text(f"TRUNCATE {Item.__tablename__}"))
    await session.execute(text(f"SELECT id FROM items WHERE status = '{Status.NEW.value}' ORDER BY {ORDERS[name]}"))
    await session.execute(text(f"SELECT id FROM items ORDER BY {ORDERS.get(name, 'id')} {direction.value}"))
    await session.execute(text(dedent("""
        SELECT 1
    """)))
    await session.execute(text("SELECT id FROM items WHERE id IN (" + ",".join(["?"] * len(ids)) + ")"))
    await session.execute(select(Item).where(Item.name == f"item {name}"))
    log.info(f"SELECT {name}")
    return f"SELECT {name}"


class Repository:
    def __init__(self, session, model):
        self.session = session
        self.model = model

    async def clear(self):
        await self.session.execute(text(f"DELETE FROM {self.model.__tablename__}"))
'''
    ),
    Good(
        source="""
from alembic import op
from sqlalchemy import text


def upgrade(table="items"):
    op.execute(text(f"DROP TABLE {table}"))
    op.get_bind().execute(f"DROP TABLE {table}")
""",
        path="migrations/versions/0001_drop.py",
    ),
    Good(
        source="""
from string import Template

from sqlalchemy import text

from app.models.item import Item


def chosen(condition):
    return f"SELECT id FROM items WHERE {condition}"


async def run(session):
    await session.execute(text(chosen("name = :n")))
    await session.execute(text(f"SELECT {Item.name.key} FROM items"))
    await session.execute(text(Template("SELECT id FROM $t").substitute(t="items")))
"""
    ),
    Good(
        source="""
# --- app/services/queries.py
from sqlalchemy import text


async def ordered(session, order, limit):
    return await session.execute(text(f"SELECT id FROM items ORDER BY {order} LIMIT {int(limit)}"))


async def matching(session, conditions, values):
    return await session.execute(text("SELECT id FROM items WHERE " + " AND ".join(conditions)), values)
# --- app/services/lists.py
from app.services.queries import matching, ordered

ORDERS = {"new": "created_at DESC", "old": "created_at"}


async def newest(session, limit):
    return await ordered(session, ORDERS["new"], limit)


async def sorted_by(session, key, limit):
    return await ordered(session, ORDERS.get(key, "id"), limit)


async def named(session, name, kind):
    conditions = ["kind = :kind"]
    if name:
        conditions.append("name = :name")
    return await matching(session, conditions, {"kind": kind, "name": name})
""",
    ),
    Good(
        source="""
from psycopg import sql
from sqlalchemy import text

from app.session import engine


async def create(session, name, driver):
    quote = engine.dialect.identifier_preparer.quote
    await session.execute(text(f"CREATE DATABASE {quote(name)}"))
    await session.execute(text("DROP ROLE " + session.bind.dialect.identifier_preparer.quote_identifier(name)))
    await session.execute(text(f"CREATE SCHEMA {sql.Identifier(name).as_string(driver)}"))
""",
    ),
    Good(
        source="""
from sqlalchemy import MetaData, Table, text
from sqlalchemy.orm import declarative_base

from app.models.item import Item

metadata = MetaData()
visits = Table("visits", metadata)
Base = declarative_base()


async def wipe(session):
    for table in reversed(Item.metadata.sorted_tables):
        await session.execute(text(f"TRUNCATE {table.name}"))
    for name in [table.fullname for table in metadata.sorted_tables]:
        await session.execute(text(f'TRUNCATE "{name}" CASCADE'))
    names = ", ".join(table.name for table in Base.metadata.sorted_tables)
    await session.execute(text("TRUNCATE " + names))
""",
    ),
    Good(
        source="""
import hashlib
import hmac
import uuid

from sqlalchemy import text


def named(word):
    return f"w_{hashlib.sha1(word.encode()).hexdigest()[:10]}"


async def matching(session, words, key):
    for word in words:
        name = named(word)
        await session.execute(text(f"SELECT id FROM items WHERE name = :{name}"), {name: word})
    mark = hmac.new(key, b"mark", "sha256").hexdigest()
    await session.execute(text(f"SELECT id FROM items WHERE mark = :m_{mark}"), {f"m_{mark}": key})
    await session.execute(text(f"CREATE TEMPORARY TABLE t_{uuid.uuid4().hex} AS SELECT id FROM items"))
""",
    ),
    Good(
        path="app/services/boats.py",
        source="""
import typing
from typing import ClassVar as Shared, Final

from sqlalchemy import text

FLEET: Final[str] = "boats"


class Boats:
    order: Shared[str] = "length"
    view: Final = "boats_in_port"

    async def longest(self, session):
        return await session.execute(text(f"SELECT id FROM {FLEET} ORDER BY {self.order}"))

    async def moored(self, session):
        return await session.execute(text(f"SELECT id FROM {self.view} ORDER BY {Ferries.line}"))


class Ferries(Boats):
    order: typing.ClassVar[str] = "name"
    line: typing.ClassVar = "line"
""",
    ),
    Good(
        path="app/services/ports.py",
        source="""
import csv
from io import StringIO

from sqlalchemy import text


async def moored(session, berths, newest):
    written = StringIO()
    written.write("SELECT id FROM boats WHERE false")
    for number, _ in enumerate(berths):
        written.write(f" OR berth = :berth_{number}")
    if newest:
        written.write(" ORDER BY launched DESC")
    else:
        written.writelines([" ORDER BY ", "length"])
    await session.execute(text(written.getvalue()), {f"berth_{i}": b for i, b in enumerate(berths)})


async def listed(session, given, name):
    shown = StringIO()
    shown.write(f"boats of {name}")
    for row in csv.reader(StringIO(given)):
        await session.execute(text("INSERT INTO boats (name) VALUES (:name)"), {"name": row[0]})
    return shown.getvalue()
""",
    ),
    Good(
        path="app/models/base.py",
        source="""
from sqlalchemy import inspect, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    @classmethod
    def listed(cls):
        return ", ".join(column.name for column in cls.__table__.columns)

    @classmethod
    async def copied(cls, session, values):
        await session.execute(text(f"INSERT INTO old_{cls.__tablename__} SELECT {cls.listed()} FROM {cls.__table__}"))
        keys = cls.__table__.c.keys()
        binds = ", ".join(f":{key}" for key in keys)
        await session.execute(text(f"INSERT INTO {cls.__table__.name} ({', '.join(keys)}) VALUES ({binds})"), values)

    async def locked(self, session):
        mapper = inspect(self.__class__)
        first = mapper.primary_key[0].name
        await session.execute(text(f"SELECT {first} FROM {mapper.local_table.name} FOR UPDATE"))


class Boat(Base):
    __tablename__ = "boats"

    id: Mapped[int] = mapped_column(primary_key=True)


class Boats:
    def __init__(self, session, model: type[Base]):
        self.session = session
        self.model = model

    async def all(self):
        names = [attribute.key for attribute in inspect(self.model).mapper.column_attrs]
        await self.session.execute(text(f"SELECT {', '.join(names)} FROM {self.model.__tablename__}"))
        for name, column in inspect(self.model).columns.items():
            await self.session.execute(text(f"SELECT {name}, {column.key} FROM {self.model.__mapper__.local_table}"))


async def wipe(session):
    for name, table in Base.metadata.tables.items():
        await session.execute(text(f"TRUNCATE {name}"))
        await session.execute(text(f"TRUNCATE {table.fullname}"))
    for name in Base.metadata.tables:
        await session.execute(text(f"TRUNCATE {name}"))
    for mapper in Base.registry.mappers:
        await session.execute(text(f"TRUNCATE {mapper.class_.__tablename__}"))
""",
    ),
    Good(
        source="""
import uuid
from uuid import UUID

from pydantic import UUID4
from sqlalchemy import text


async def of_shelf(session, shelf: UUID, of_reader: UUID4, written: str):
    await session.execute(text(f"SELECT id FROM books WHERE shelf = '{shelf}'"))
    await session.execute(text(f"SELECT id FROM books WHERE shelf = '{shelf.hex}' AND reader = '{str(of_reader)}'"))
    await session.execute(text("SELECT id FROM books WHERE shelf = '%s'" % UUID(written)))
    await session.execute(text(f"CREATE TEMPORARY TABLE t_{uuid.UUID(written).hex} AS SELECT id FROM items"))
    await session.execute(text("NOTIFY shelf, '" + str(uuid.uuid4()) + "'"))


async def both(session, shelf: UUID, other):
    await of_shelf(session, other, other, "")
    await session.execute(text("SELECT id FROM books WHERE shelf = '{}'".format(shelf)))
""",
    ),
    Good(
        source="""
import operator
import re
from functools import reduce
from itertools import chain

import sqlparse
from sqlalchemy import text

BOOKS = "SELECT id  FROM books WHERE shelf = %(shelf)s"


async def read(session, sizes):
    await session.execute(text(re.sub(r"%\\((\\w+)\\)s", r":\\1", BOOKS)))
    await session.execute(text(re.sub(r"%\\((\\w+)\\)s", lambda found: ":" + found[1], BOOKS)))
    await session.execute(text(str.format("SELECT id FROM books LIMIT {}", len(sizes))))
    await session.execute(text(operator.mod("SELECT id FROM books LIMIT %d", sizes[0])))
    await session.execute(text(reduce(operator.add, ["SELECT id", " ", "FROM books"])))
    await session.execute(text(", ".join(chain(["SELECT id"], ["title FROM books"]))))
    await session.execute(text(sqlparse.format(BOOKS, reindent=True)), {"shelf": reduce(operator.add, sizes)})


async def chosen(session, names):
    await session.execute(text("SELECT " + ", ".join(chain(["id"], names)) + " FROM books"))


async def tidied(session, words):
    await session.execute(text(re.sub(r"\\s+", " ", words)))


async def both(session):
    await chosen(session, ["title", "shelf"])
    await tidied(session, BOOKS)
""",
    ),
    Good(
        source="""
import typing
from typing import Literal, get_args

from sqlalchemy import text

Order = Literal["title", "shelf"]
ORDERS = frozenset(get_args(Order))


async def among(session, order: str, other: str, third: str):
    if order not in get_args(Order) or other not in ORDERS:
        raise ValueError(order)
    await session.execute(text(f"SELECT id FROM books ORDER BY {order}, {other}"))
    if third in typing.get_args(Order):
        await session.execute(text(f"SELECT id FROM books ORDER BY {third}"))
    await session.execute(text(f"SELECT {', '.join(get_args(Order))} FROM books"))


async def matched(session, order: str, request):
    match order:
        case "title" | "shelf" as column:
            await session.execute(text(f"SELECT id FROM books ORDER BY {column}"))
        case "author":
            await session.execute(text(f"SELECT id FROM books ORDER BY {order}"))
        case _:
            raise ValueError(order)
    await session.execute(text(f"SELECT id FROM books ORDER BY {order} DESC"))
    match request.query_params.get("order").lower():
        case ("title" | "shelf") as found:
            await session.execute(text(f"SELECT id FROM books ORDER BY {found}"))
""",
    ),
    Good(
        path="app/services/shelves.py",
        source="""
from sqlalchemy import text

from app.models.item import Item

SORTABLE = {"name", "size"}
NAMES = {c.name for c in Item.__table__.columns}


def check(column):
    if column not in SORTABLE:
        raise ValueError(column)


class Checks:
    def all_of(self, columns):
        for column in columns:
            if column not in SORTABLE:
                raise ValueError(column)


async def sorted_by(session, column, other, third, fourth, columns):
    check(column)
    await session.execute(text(f"SELECT id FROM items ORDER BY {column}"))
    if other not in Item.__table__.columns or third not in NAMES or not hasattr(Item, fourth):
        raise ValueError(other)
    await session.execute(text(f"SELECT id FROM items ORDER BY {other}, {third}, {fourth}"))
    Checks().all_of(columns)
    await session.execute(text(f"SELECT {', '.join(columns)} FROM items"))


async def asked_for(session, request, payload):
    column = request.query_params["column"]
    check(column=column)
    await session.execute(text(f"SELECT id FROM items ORDER BY {column}"))
    other = request.query_params.get("other", "name")
    if other not in SORTABLE:
        other = "name"
    await session.execute(text(f"SELECT id FROM items ORDER BY {other}"))
    if payload.order not in Item.__table__.columns.keys():
        raise ValueError(payload)
    await session.execute(text(f"SELECT id FROM items ORDER BY {payload.order}"))
    columns = request.query_params["columns"].split(",")
    unknown = [c for c in columns if c not in SORTABLE]
    if unknown:
        raise ValueError(unknown)
    await session.execute(text(f"SELECT {', '.join(columns)} FROM items"))


async def some_of(session, columns, values, others, more):
    if not set(columns) <= SORTABLE or any(o not in SORTABLE for o in others):
        raise ValueError(columns)
    await session.execute(text(f"SELECT {', '.join(columns)} FROM items ORDER BY {', '.join(others)}"))
    if unknown := values.keys() - SORTABLE:
        raise ValueError(unknown)
    sets = ", ".join(f"{key} = :{key}" for key, value in values.items())
    await session.execute(text(f"UPDATE items SET {sets}"), values)
    await session.execute(text(f"SELECT {', '.join(SORTABLE.intersection(more))} FROM items"))
    await session.execute(text(f"SELECT {', '.join(set(more) & SORTABLE)} FROM items"))


async def put(session, cursor, given):
    values = {f"p{i}": value for i, value in enumerate(given)}
    binds = ", ".join(f":{key}" for key in values)
    await session.execute(text(f"INSERT INTO items VALUES ({binds})"), values)
    others = {}
    for i, value in enumerate(given):
        others[f"p{i}"] = value
    await session.execute(text(f"INSERT INTO items VALUES ({', '.join(f':{key}' for key in others)})"), others)
    row = {"name": given, "size": 1}
    cursor.execute(f"INSERT INTO items ({', '.join(row)}) VALUES (%s, %s)", tuple(row.values()))
""",
    ),
    Good(
        path="app/services/boxes.py",
        source="""
from sqlalchemy import text


class Boxes:
    table: str

    async def all(self, session):
        return await session.execute(text(f"SELECT id FROM {self.table}"))


class Crates(Boxes):
    table = "crates"


class Barrels(Boxes):
    table = "barrels"


def where(*clauses):
    return " WHERE " + " AND ".join(clauses) if clauses else ""


async def run(session, name, log):
    await session.execute(text("SELECT id FROM items" + where("name = :name", "size = :size")))
    await session.execute(text("SELECT id FROM items" + where()))
    log.info(where(f"name = {name}"))


async def chosen(session, *clauses):
    await session.execute(text("SELECT id FROM items " + " ".join(clauses)))


async def choose(session):
    await chosen(session)
    await chosen(session, "WHERE size = 1", "LIMIT 3")
""",
    ),
    Good(
        path="app/services/ages.py",
        source="""
import math
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import text


async def run(session, llm, ratio: float, age: timedelta, flag: bool, price: Decimal, name):
    await session.execute(text(f"SELECT id FROM items LIMIT {math.ceil(ratio * 3)}"))
    await session.execute(text(f"SELECT id FROM items WHERE made > now() - interval '{age.days} days'"))
    await session.execute(text(f"SELECT id FROM items_{datetime.now().year} WHERE price > {price}"))
    await session.execute(text(f"SELECT id FROM items WHERE active = {str(flag).lower()}"))
    await session.execute(text(f"SELECT id FROM items WHERE named = {str(bool(name)).lower()}"))
    await llm.execute(f"Select the best title from {name} where it fits")
    await llm.copy(f"Copy the title of {name} to the end of it")
""",
    ),
    Good(
        path="app/routers/growth.py",
        source="""
from fastapi import APIRouter, Query
from sqlalchemy import text

router = APIRouter()
EDITABLE = ("name", "status")


@router.get("/growth")
async def growth(session, interval: str = Query("day")):
    async def counted(table: str):
        return await session.execute(text(f"SELECT COUNT(*) FROM {table} WHERE age = :age"), {"age": interval})

    return await counted("items"), await counted("boxes")


async def changed(session, item_id, values: dict):
    unknown = set(values) - set(EDITABLE)
    if unknown:
        raise ValueError(unknown)
    sets = ", ".join(f"{k} = :{k}" for k in values)
    await session.execute(text(f"UPDATE items SET {sets} WHERE id = :id"), {**values, "id": item_id})
""",
    ),
    Good(
        path="app/routers/shelves.py",
        source="""
from enum import Enum
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field, field_validator
from sqlalchemy import select, text

from app.models.item import Item
from app.session import get_session_dependency

router = APIRouter()
COLUMNS = ("name", "size")


class Column(str, Enum):
    name = "name"


class Search(BaseModel):
    order: Literal["name", "size"]
    limited: str = Field("name", pattern="^(name|size)$")
    number: int = 1


class Checked(BaseModel):
    order: str

    @field_validator("order")
    @classmethod
    def known(cls, order: str) -> str:
        if order not in COLUMNS:
            raise ValueError(order)
        return order


@router.get("/shelves")
async def shelves(
    order: Literal["name", "size"],
    column: Column,
    number: int,
    other: str = "name",
    third: str | None = None,
    limited: str = Query("name", pattern="^(name|size)$"),
    session=Depends(get_session_dependency),
):
    await session.scalars(select(Item).order_by(text(order)))
    await session.scalars(select(Item).order_by(text(column.value)))
    await session.scalars(select(Item).limit(text(str(number))))
    await session.scalars(select(Item).order_by(text(limited)))
    await session.scalars(select(Item).order_by(text(f"{limited} DESC")))
    if other not in COLUMNS:
        other = "name"
    await session.scalars(select(Item).order_by(text(other)))
    await session.scalars(select(Item).order_by(text("size" if third == "size" else "name")))
    return await run(session, "size" if third else "name")


@router.post("/search")
async def search(
    wanted: Search, checked: Checked, free: Annotated[str, Query()], session=Depends(get_session_dependency)
):
    await session.scalars(select(Item).order_by(text(wanted.order)))
    await session.scalars(select(Item).order_by(text(wanted.limited)))
    await session.scalars(select(Item).limit(text(wanted.number)))
    await session.scalars(select(Item).order_by(text(checked.order)))
    await session.scalars(select(Item).where(text("name = :free")), {"free": free})
    if wanted.order not in COLUMNS:
        raise ValueError(wanted.order)
    return await run(session, wanted.order)


async def run(session, order):
    return await session.scalars(select(Item).order_by(text(order)))
""",
    ),
    Good(
        path="app/services/lists.py",
        source="""
import re

from sqlalchemy import text

NAME = re.compile(r"[a-z_][a-z0-9_]*")


def check(name):
    if not NAME.fullmatch(name):
        raise ValueError(name)


async def sorted_by(session, first, second, third, fourth):
    check(first)
    await session.execute(text(f"SELECT id FROM items ORDER BY {first}"))
    if re.match(r"^\\w+$", second) is None or not re.fullmatch("(asc|desc)", third):
        raise ValueError(second)
    await session.execute(text(f"SELECT id FROM items ORDER BY {second} {third}"))
    if fourth.isidentifier():
        await session.execute(text(f"SELECT id FROM items ORDER BY {fourth}"))
""",
    ),
    Good(
        path="app/services/spreads.py",
        source="""
from sqlalchemy import text

SIDES = (("price", "cost"), ("asked", "paid"))


def spread(high, low, *, whole):
    name = f"{high}_whole" if whole else high
    shown = f"round({high})" if whole else f"t.{high}"
    known = f"{shown} IS NOT NULL AND {low} IS NOT NULL"
    return [f"avg({shown} - {low}) FILTER (WHERE {known}) AS avg_{name}"]


async def spreads(session):
    columns = []
    for high, low in SIDES:
        columns.extend(spread(high, low, whole=True))
    return await session.execute(text(f"SELECT {', '.join(columns)} FROM items"))
""",
    ),
    Good(
        path="app/services/pens.py",
        source="""
from datetime import date
from functools import partial, wraps
from uuid import UUID

from sqlalchemy import text

COLUMNS = ("name", "size")


def timed(function):
    @wraps(function)
    async def run(*args, **kwargs):
        return await function(*args, **kwargs)

    return run


def with_limit(limit):
    def around(function):
        return function

    return around


@timed
async def sorted_by(session, column, limit):
    return await session.execute(text(f"SELECT id FROM pens ORDER BY {column} LIMIT {limit}"))


@with_limit(3)
async def within(session, binds, values):
    return await session.execute(text(f"SELECT id FROM pens WHERE id IN ({binds})"), values)


async def of_box(session, box):
    return await session.execute(text(f"SELECT id FROM pens WHERE box = '{box}'"))


async def below(session, column, limit):
    return await sorted_by(session, column, limit)


async def counted(session, table):
    return await session.execute(text(f"SELECT count(*) FROM {table}"))


def assignments(values):
    return ", ".join(f"{key} = :{key}" for key in values)


async def listed(session, pool, column: str, size: int, box: UUID, ids: list, day: date, values: dict):
    if column not in COLUMNS:
        raise ValueError(column)
    if not set(values) <= set(COLUMNS):
        raise ValueError(values)

    async def inner():
        return await session.execute(text(f"SELECT {column} FROM pens"))

    await inner()
    await sorted_by(session, column, size)
    await below(session, column, limit=day.year)
    await of_box(session, box)
    pool.submit(partial(counted, session, "pens"))
    await counted(session, "caps")
    await within(session, ", ".join(f":id_{i}" for i, _ in enumerate(ids)), values)
    await session.execute(text(" ".join(["SELECT id FROM pens ORDER BY", column])))
    await session.execute(text(f"UPDATE pens SET {assignments(values)}"), values)


async def chosen(session, column):
    async def checked():
        if column not in COLUMNS:
            raise ValueError(column)
        return await session.execute(text(f"SELECT {column} FROM pens"))

    return await checked()
""",
    ),
    Good(
        path="app/services/inks.py",
        source="""
import hashlib
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import text


class Part(NamedTuple):
    sql: str
    values: dict


@dataclass
class Order:
    column: str


def marked(word):
    return f"w_{hashlib.sha1(word.encode()).hexdigest()}"


async def run(session, word, ids):
    part = Part(", ".join(f":id_{i}" for i, _ in enumerate(ids)), {f"id_{i}": id for i, id in enumerate(ids)})
    await session.execute(text(f"SELECT id FROM inks WHERE id IN ({part.sql})"), part.values)
    order = Order(column="name")
    await session.execute(text(f"SELECT id FROM inks ORDER BY {order.column}"))
    named = Part(marked(word), {marked(word): word})
    return await session.execute(text(f"SELECT id FROM inks WHERE name = :{named.sql}"), named.values)
""",
    ),
    Good(
        path="app/services/parts.py",
        source="""
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import text


class Part(NamedTuple):
    clause: str
    label: str


@dataclass(frozen=True)
class Clause:
    text: str


@dataclass(frozen=True)
class Column:
    name: str
    label: str


OPEN = Part("status = :status", "open")
NEWEST = Clause("ORDER BY created_at DESC")
COLUMNS = (Column("name", "Name"), Column("size", "Size"))


async def run(session, status, name):
    await session.execute(text(f"SELECT id FROM items WHERE {OPEN.clause}"), {"status": status})
    await session.execute(text("SELECT id FROM items " + NEWEST.text))
    for column in COLUMNS:
        await session.execute(text(f"SELECT {column.name} FROM items"))
    own = Clause("WHERE name = :name")
    await session.execute(text(f"SELECT id FROM items {own.text}"), {"name": name})


async def other(session, asked):
    found = Part(f"name = '{asked}'", "never run")
    return found.label
""",
    ),
    Good(
        """
from typing import Literal, get_args

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

COLUMNS = frozenset(get_args(Literal["name", "status"]))
WRITTEN = frozenset({"name", "status"})


async def shown(session: AsyncSession, names: list[str]):
    kept = sorted(COLUMNS & set(names))
    await session.execute(text(f"SELECT {', '.join(kept)} FROM items"))
    kept = COLUMNS.intersection(names)
    await session.execute(text(f"SELECT {', '.join(kept)} FROM items"))
    kept = list(filter(WRITTEN.__contains__, names))
    await session.execute(text(f"SELECT {', '.join(kept)} FROM items"))
""",
        path="app/services/columns.py",
    ),
    Good(
        source="""
# --- app/tables.py
import sqlalchemy as sa

metadata = sa.MetaData()
accounts = sa.Table("accounts", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.Text))
# --- app/base.py
import sqlalchemy as sa


class Base:
    table: sa.Table

    def __init__(self, connection):
        self.connection = connection

    async def count(self):
        return await self.connection.scalar(sa.text(f"SELECT count(*) FROM {self.table.name}"))

    async def ordered(self, column: str):
        if column not in self.table.c:
            raise KeyError(column)
        return await self.connection.execute(sa.text(f"SELECT * FROM accounts ORDER BY {column}"))
# --- app/accounts.py
import sqlalchemy as sa

from app.base import Base
from app.tables import accounts


class Accounts(Base):
    table = accounts

    async def ordered(self, column: str):
        if column not in accounts.c:
            raise KeyError(column)
        return await self.connection.execute(sa.text(f"SELECT * FROM accounts ORDER BY {column}"))

    async def last(self):
        return await self.connection.scalar(sa.text(f"SELECT max({accounts.c.id.name}) FROM {accounts.fullname}"))

    async def all(self):
        names = ", ".join(accounts.columns.keys())
        return await self.connection.execute(sa.text(f"SELECT {names} FROM {accounts}"))
""",
    ),
    Good(
        path="app/services/crates.py",
        source="""
from sqlalchemy import text

COLUMNS = ("name", "size")


async def sorted_by(session, order, way, wanted, columns):
    by, shown = "name", ["id"]
    if order in COLUMNS:
        by = order
    if way.upper() in ("ASC", "DESC"):
        down = way.upper()
    else:
        down = "ASC"
    if set(columns) <= set(COLUMNS):
        shown = columns
    await session.execute(text(f"SELECT {', '.join(shown)} FROM crates ORDER BY {by} {down}"))
    if wanted.order not in COLUMNS:
        raise ValueError(wanted)
    by = wanted.order
    return await session.execute(text(f"SELECT id FROM crates ORDER BY {by}"))


async def asked(session, orders):
    order = orders.pop()
    while order not in COLUMNS:
        order = orders.pop()
    await session.execute(text(f"SELECT id FROM crates ORDER BY {order}"))
    if (way := orders.pop().lower()) not in ("asc", "desc"):
        raise ValueError(way)
    return await session.execute(text(f"SELECT id FROM crates ORDER BY name {way}"))


async def matched(session, order, way):
    match order:
        case name if name in COLUMNS:
            await session.execute(text(f"SELECT id FROM crates ORDER BY {name}"))
        case "number" | "id":
            by = order
        case _:
            by = "id"
    await session.execute(text(f"SELECT id FROM crates ORDER BY {by}"))
    match (order, way):
        case ("name" | "size", "asc" | "desc" as down):
            await session.execute(text(f"SELECT id FROM crates ORDER BY {order} {down}"))
""",
    ),
    Good(
        source="""
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import text


async def of_books(session, counts: dict[UUID, int], places: Mapping[int, int], pairs: list[tuple[UUID, int]]):
    values = ", ".join(f"('{book}', {count})" for book, count in counts.items())
    await session.execute(text("INSERT INTO seen VALUES " + values))
    ids = ", ".join(f"'{book}'" for book in counts)
    await session.execute(text(f"SELECT id FROM books WHERE id IN ({ids})"))
    cases = " ".join(f"WHEN {book} THEN {place}" for book, place in places.items())
    await session.execute(text(f"UPDATE books SET place = CASE id {cases} END"))
    for book, count in pairs:
        await session.execute(text(f"UPDATE books SET seen = {count} WHERE id = '{book}'"))
"""
    ),
    Good(
        path="app/services/searching.py",
        source="""
from dataclasses import dataclass

from sqlalchemy import text

LANGUAGES = {"english", "french"}


class Search:
    def __init__(self, session, language):
        if language not in LANGUAGES:
            raise ValueError(language)
        self.session = session
        self.language = language

    async def run(self):
        sql = f"SELECT to_tsvector('{self.language}', name) FROM items"
        return await self.session.execute(text(sql))


class Other:
    def __init__(self, session, language):
        self.session = session
        self.language = language
        if self.language not in LANGUAGES:
            raise ValueError(language)

    async def run(self):
        sql = f"SELECT to_tsvector('{self.language}', name) FROM items"
        return await self.session.execute(text(sql))


@dataclass
class Words:
    language: str

    def __post_init__(self):
        if self.language not in LANGUAGES:
            raise ValueError(self.language)

    async def run(self, session):
        return await session.execute(text(f"SELECT to_tsvector('{self.language}', name) FROM items"))


async def run(session, first, second, third):
    await Search(session, first).run()
    await Other(session, second).run()
    return await Words(third).run(session)
""",
    ),
    Good(
        path="app/services/jars.py",
        source="""
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

import typing_extensions
from sqlalchemy import text

ORDERS: Final = {"new": "created_at DESC", "old": "created_at"}
WAYS: typing_extensions.Final = {"up": "ASC", "down": "DESC"}
SHELVES: Mapping = {"top": "shelf = 1", "low": "shelf > 4"}


@dataclass
class Jars:
    lids: ClassVar = {"tin": "lid = 1"}

    async def closed(self, session, lid):
        await session.execute(text(f"SELECT id FROM jars WHERE {self.lids.get(lid, 'lid = 2')}"))


async def run(session, order, way, shelf):
    by = ORDERS.get(order)
    if by is None:
        raise ValueError(order)
    await session.execute(text(f"SELECT id FROM jars ORDER BY {by} {WAYS.get(way, 'ASC')}"))
    await session.execute(text(f"SELECT id FROM jars WHERE {SHELVES.get(shelf, 'true')}"))
    widths: Final[dict] = {"broad": "width > 9"}
    await session.execute(text(f"SELECT id FROM jars WHERE {widths.get(shelf, 'true')}"))
""",
    ),
    Good(
        path="app/services/tins.py",
        source="""
from sqlalchemy import text

COLUMNS = frozenset({"name", "size"})
SORTS = {"name": "n", "size": "s"}


async def sorted_by(session, order: str, other: str, payload):
    if unknown := {order} - COLUMNS:
        raise ValueError(unknown)
    await session.execute(text(f"SELECT id FROM tins ORDER BY {order}"))
    left = {other, payload.by}.difference(SORTS)
    if left:
        raise ValueError(left)
    await session.execute(text(f"SELECT id FROM tins ORDER BY {other}, {payload.by}"))


async def grouped(session, group: str, then: str):
    if not {group, then} <= SORTS.keys():
        raise ValueError(group)
    await session.execute(text(f"SELECT {group}, {then} FROM tins GROUP BY {group}, {then}"))


async def filtered(session, first: str, second: str, third: str):
    if COLUMNS.issuperset([first, second]):
        await session.execute(text(f"SELECT {first}, {second} FROM tins"))
    assert {third}.issubset(COLUMNS)
    await session.execute(text(f"SELECT {third} FROM tins"))


async def keyed(session, key: str):
    if key not in SORTS.keys():
        raise KeyError(key)
    await session.execute(text(f"SELECT {key} FROM tins"))
""",
    ),
    Good(
        path="app/services/corks.py",
        source="""
import re

from sqlalchemy import text

OTHERS = re.compile(r"[^a-z_]+")


def clause(wanted, number):
    field = re.sub(r"[^a-zA-Z0-9_]", "", wanted.field)
    if not field:
        raise ValueError(wanted.field)
    clauses = {"eq": f"{field} = :v_{number}", "ne": f"{field} <> :v_{number}"}
    return clauses.get(wanted.how, f"{field} = :v_{number}")


async def run(session, wanted, order, label):
    where = " AND ".join(clause(each, number) for number, each in enumerate(wanted))
    await session.execute(text(f"SELECT id FROM corks WHERE {where}"))
    by = OTHERS.sub("", order)
    await session.execute(text(f"SELECT id FROM corks ORDER BY {by.lower()}"))
    await session.execute(text("SELECT id AS " + re.sub(r"\\W", "_", label.name) + " FROM corks"))
""",
    ),
    Good(
        """
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

SORTS = {"title": "items.title", "newest": "items.created_at"}
KINDS = {"item": {"table": "items"}, "order": {"table": "orders"}}


async def ordered(session: AsyncSession, column: str):
    if column not in SORTS.values():
        raise ValueError(column)
    return await session.execute(text(f"SELECT id FROM items ORDER BY {column}"))


async def counted(session: AsyncSession, kind: str, table: str):
    config = KINDS[kind]
    return await session.scalar(text(f"SELECT count(*) FROM {config.get('table', table)}"))
"""
    ),
    Good(
        """
from rich.progress import track
from sqlalchemy import text
from sqlalchemy.orm import Session
from tqdm import tqdm

from app.models import Base


def empty(session: Session):
    for table in tqdm(Base.metadata.sorted_tables):
        session.execute(text(f"TRUNCATE {table.name}"))
    for name in track(["items", "orders"], description="emptied"):
        session.execute(text(f"TRUNCATE {name}"))
"""
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """SQL texts with unknown values mixed in, at the call that supplies them."""
    wrapped: dict[FunctionInfo, list[FunctionInfo]] = {}
    for function in program.functions:
        for wrapper in function.wrappers:
            wrapped.setdefault(wrapper, []).append(function)
    told: set[Site] = set()
    yield from _of_requests(program, told)
    for use in sql_uses(program):
        dynamic = (t for t in use.texts if t.dynamic)
        built = next((t for t in dynamic if not completed_with_literals(program, use.event, t)), None)
        if built is None or program.role(use.event.function) in ("test", "migration"):
            continue
        returned = list(_returned(wrapped.get(use.event.function, ()), use.texts))
        step = program.step(use.event.site, "the decorator runs the text that the function returns")
        for event, text in returned or [(use.event, built)]:
            if event.site not in told:
                told.add(event.site)
                yield _built(program, event, text, (step, *use.trace) if returned else use.trace)


def _of_requests(program: Program, told: set[Site]) -> Iterator[Finding]:
    """``text(request.query_params["order"])``, ``text(order)`` of an endpoint's parameter: all of it is a request's."""
    for event, trace in asked_sql(program):
        if not program.judges(event.path) or program.role(event.function) in ("test", "migration"):
            continue
        if event.site not in told:
            told.add(event.site)
            yield program.finding(
                META,
                event,
                "The SQL is a text from the request. Take it from literals that the request chooses from, or build the "
                "query with the ORM.",
                trace,
            )


def _built(program: Program, event: Event, text: Text, trace: tuple[TraceStep, ...]) -> Finding:
    mixing = event
    if not text.text.strip(f"{HOLE} ,;()"):
        # an object has put together what it was given
        parts = [(given, part) for given, part in given_elsewhere(program, event.function, text) if part.text != HOLE]
        if len(parts) == 1:
            given, text = parts[0]
            mixing = given
            trace = (program.step(given.site, "this part of the text is given here"), *trace)
    how, untold = mixed_names.of(text)
    names = list(dict.fromkeys([*unwritten(program, mixing, text), *untold])) or _only_part(mixing.expr)
    return program.finding(
        META,
        event,
        f"SQL is built with {how or 'string operations'} from values that are not literals{_named(names)} "
        f"({_shown(text)}). {_advice(text)}",
        trace,
    )


def _named(names: list[str]) -> str:
    """Which values these are, where that is told: ``: name and order``."""
    if len(names) < 2:
        return f": {names[0]}" if names else ""
    return f": {', '.join(names[:-1])} and {names[-1]}"


def _only_part(expr: ir.Expr | None) -> list[str]:
    """The one name that stands in ``text(f"… {order}")``."""
    given = expr[3][0] if expr is not None and expr[0] == "c" and expr[3] else None
    parts = [part for part in given[2] if part[0] != "k"] if given is not None and given[0] == "f" else []
    name = ir.dotted(parts[0]) if len(parts) == 1 else None
    return [name] if name is not None else []


def _advice(text: Text) -> str:
    """What to do instead: PostgreSQL binds nothing in statements that define or grant."""
    found = _DEFINES.match(text.text)
    if _SETS.match(text.text):
        return (
            "SET takes no bound values: take the value from literals. Where what is set names no tenant and no user, "
            "SELECT set_config(:name, :value, true) takes it bound, until the transaction ends."
        )
    if found is None:
        return "Bind the values, and choose names from literals."
    quoted = "psycopg.sql.Identifier or engine.dialect.identifier_preparer.quote(name)"
    if _IN_QUOTES.search(text.text):
        quoted += ", and values with psycopg.sql.Literal"
    return f"{found[1].upper()} takes no bound values: choose names from literals, or quote them with {quoted}."


def _returned(functions: Iterable[FunctionInfo], run: tuple[Text, ...]) -> Iterator[tuple[Event, Text]]:
    """Where the functions around which a decorator put one that runs what they return build those texts."""
    texts = {t.text for t in run}
    for function in functions:
        for event in function.events:
            built = (
                [t for t in texts_of(event.value) if t.dynamic and t.text in texts] if event.kind == "return" else []
            )
            if built:
                yield event, built[0]


def _shown(text: Text) -> str:
    flat = " ".join(text.text.replace("\0", "…").split())
    return repr(flat if len(flat) <= 60 else flat[:59] + "…")
