"""TXN104: a driver connection, a driver pool or an engine's connection is opened outside the session module."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.data_frames import connected_by_url
from sessionlint.rules.naming import nodes
from sessionlint.rules.opening import is_approved, made_at, text
from sessionlint.rules.remedies import opening
from sessionlint.rules.watching import is_within

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event

META = Rule(
    code="TXN104",
    name="raw-connection",
    summary="A driver connection, a driver pool or an engine's connection is opened outside the session module.",
    rationale=(
        "A raw connection bypasses the one engine: its pool bounds, its TLS context and the settings the "
        "transaction pooler needs (with the default statement caches on, 429 of 2,000 transactions came through "
        "in our runs). And work done on it is not part of the session's transaction: it stays when that one rolls "
        "back."
    ),
    remedy=(
        "Use the session that was passed in; `await session.connection()` gives its connection where Core is "
        "needed. Tables are made by migrations. What has to connect by itself (LISTEN, COPY, `create_all`) belongs in "
        "the session module."
    ),
    not_flagged=(
        "The session module, migrations and tests; `session.connection()`, which belongs to the session, also where "
        "pandas reads or stores a frame on it (a URL in its place connects anew, and counts); "
        "`connect()` and `begin()` of things that are no database (brokers, sockets, signals)."
    ),
)

BAD = [
    Bad(
        """
import sqlite3

import asyncpg
import psycopg
import psycopg2 as pg
from asyncpg import connect as dial
from psycopg_pool import AsyncConnectionPool


async def listen(url):
    connection = await asyncpg.connect(url)  # TXN104@24
    try:
        await connection.add_listener("jobs", print)
    finally:
        await connection.close()


async def pooled(url):
    async with AsyncConnectionPool(url) as pool, pool.connection() as conn:  # TXN104@16 TXN104@50
        return conn


async def lease(url):
    async with asyncpg.create_pool(url) as pool:  # TXN104@16
        async with pool.acquire() as connection:  # TXN104@20
            return await connection.fetch("select 1")


def copy(url):
    with pg.connect(url) as one, psycopg.connect(url) as two:  # TXN104@10 TXN104@34
        return one, two


def cache(path):
    with sqlite3.connect(path) as db:  # TXN104@10
        return db.execute("select 1")


async def again(url):
    return await dial(dsn=url)  # TXN104@18
"""
    ),
    Bad(
        """
from app.session import engine, session_factory


async def create_tables(metadata):
    async with engine.begin() as connection:  # TXN104@16
        await connection.run_sync(metadata.create_all)


async def ping():
    async with engine.connect() as connection:  # TXN104@16
        await connection.exec_driver_sql("select 1")


class Reports:
    def __init__(self, db=engine):
        self.db = db

    def raw(self):
        return self.db.raw_connection()  # TXN104@16

    def sync(self):
        connect = self.db.sync_engine.connect
        with connect() as connection:  # TXN104@14
            return connection
""",
        path="app/main.py",
    ),
    Bad(
        source="""
from asyncio import *
from asyncpg import *


async def opened(url):
    await sleep(1)
    connection = await connect(url)  # TXN104@24
    await connection.close()
"""
    ),
    Bad(
        source="""
# --- app/kit/holders.py
import psycopg2


class Drivers:
    def __init__(self, item):
        self._item = item

    def get(self):
        return self._item


DRIVER = Drivers(psycopg2.connect)
# --- app/services/rows.py
from app.kit.holders import DRIVER


def made(url):
    return DRIVER.get()(url)  # TXN104@12
"""
    ),
    Bad(
        """
# --- app/services/frames.py
import os

import databases
import pandas as pd

from app.session import get_session

URL = os.environ["DATABASE_URL"]


def stored(rows):
    frame = pd.DataFrame(rows)
    frame.to_sql("totals", URL, if_exists="append")  # TXN104@5


def summed(frame: pd.DataFrame):
    frame.groupby("name").sum().to_sql("sums", con="postgresql+psycopg2://db/app")  # TXN104@5


def loaded(name):
    return pd.read_sql("totals", f"postgresql://db/{name}")  # TXN104@12


async def listed():
    database = databases.Database(URL)  # TXN104@16
    await database.connect()


def written(frame: pd.DataFrame, connection):
    frame.to_sql("totals", connection)
    frame.to_csv("s3://totals/new.csv")
    return pd.read_sql_table("totals", connection)


async def inside():
    async with get_session() as session:
        connection = await session.connection()
        return await connection.run_sync(lambda c: pd.read_sql("totals", c))
"""
    ),
    Bad(
        """
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.session import engine


async def counted():
    async with AsyncConnection(engine) as connection:  # TXN104@16
        return connection.closed


def pinged(other):
    with Connection(other) as connection:  # TXN104@10
        connection.exec_driver_sql("select 1")


async def of_session(session: AsyncSession) -> AsyncConnection:
    connection = await session.connection()
    return AsyncConnection(connection.engine, connection.sync_connection)
"""
    ),
    Bad(
        path="app/services/crates.py",
        source="""
import dataset


def stored(url, crates):
    with dataset.connect(url) as db:  # TXN104@10
        db["crates"].insert_many(crates)


def counted(url):
    db = dataset.connect(url)  # TXN104@10
    return len(db["crates"])


def connected(dataset, url):
    return dataset.connect(url)
""",
    ),
]

GOOD = [
    Good(
        """
import socket

import aio_pika
from blinker import signal
from sqlalchemy.ext.asyncio import AsyncSession


async def send(session: AsyncSession, address):
    connection = await session.connection()
    await connection.exec_driver_sql("select pg_notify('x', 'y')")
    broker = await aio_pika.connect("amqp://")
    signal("done").connect(print)
    with socket.create_connection(address) as plain:
        plain.sendall(b"asyncpg.connect(")
    return broker


async def nested(session: AsyncSession):
    async with session.begin_nested():
        await session.flush()
"""
    ),
    Good(
        """
# --- migrations/env.py
from sqlalchemy import engine_from_config


def run_migrations_online(config):
    with engine_from_config(config).connect() as connection:
        return connection
# --- tests/conftest.py
import asyncpg


async def database(url):
    return await asyncpg.connect(url)
"""
    ),
]

_KINDS = {
    "connection": "opens a connection past the session",
    "driver connection": "opens a driver connection past the engine",
    "driver pool": "creates a driver pool beside the engine",
}
_OF_FRAMES = (
    "Give it the connection of the session (`connection.run_sync(…)` under `await session.connection()`), or load the "
    "rows with the session."
)
_TABLES = "Leave tables to a migration, or do this in a function of the session module."
_OF_TABLES = ("create_all", "drop_all")


def check(program: Program) -> Iterator[Finding]:
    """Connections and pools opened outside the session module."""
    for event in program.events("create"):
        what = _KINDS.get(event.name)
        if what is None or program.is_exempt(event.function):
            continue
        if event.name == "connection" and is_approved(program, event.function):
            continue
        advice = _TABLES if _makes_tables(event) else opening(program, event.function)
        message = f"{text(event)} {what}, outside the session module. {advice}"
        yield program.finding(META, event, message, made_at(program, event.value))
    for event in connected_by_url(program):
        if not program.is_exempt(event.function):
            message = f"{text(event)} connects by a URL, past the engine, outside the session module. {_OF_FRAMES}"
            yield program.finding(META, event, message)


def _makes_tables(event: Event) -> bool:
    """Whether the block of an engine's connection makes tables, which is no work for a session."""
    if event.name != "connection":
        return False
    blocks = (b for b in nodes(event.function.body, "w/", 5) if any(is_within(event.span, item[0][1]) for item in b[2]))
    return any(a[3] in _OF_TABLES for block in blocks for a in nodes(block[3:], "a", 4))
