"""TXN506: a database URL goes around the pooler the policy wants."""

from __future__ import annotations

from collections.abc import Iterator

from sessionlint.program.api import Program
from sessionlint.program.strings import HOLE
from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.database_urls import Url, found_urls
from sessionlint.rules.driver_servers import told_servers
from sessionlint.rules.url_changes import leads_elsewhere

META = Rule(
    code="TXN506",
    name="pooler-bypassed",
    summary="A database URL names a direct host or port where the policy wants the pooler.",
    rationale="Direct connections count against the database's small limit, one for every pooled connection of every "
    "process; a deployment with a few workers exhausts it and everybody is refused. Supabase's direct hosts are IPv6 "
    "only, so they also fail from platforms without it. Port 5432 on Supabase's pooler host, which is also what a "
    "URL of that host without a port means, is its session mode, which holds a server connection for as long as the "
    "client does.",
    remedy="Use the pooler's host and its transaction port (6543 unless the policy's pooler-port says otherwise).",
    not_flagged="Hosts and ports that are put in at run time, a host without a port that is not Supabase's (a pooler "
    "of one's own may listen on 5432), this machine and services next to it, SQLite, tests, and migrations, which "
    "need a session of their own.",
    presets=("scrapersky",),
    program_wide=True,
)

BAD = [
    Bad(
        path="app/session.py",
        source="""
from sqlalchemy.ext.asyncio import create_async_engine

URL = "postgresql+asyncpg://postgres@db.abcdefghijkl.supabase.co:5432/postgres"  # TXN506@7
engine = create_async_engine(URL)
""",
    ),
    Bad(
        path="app/settings.py",
        source="""
import os

ref = os.environ["PROJECT_REF"]
database_url = f"postgresql://postgres.{ref}@aws-0-us-west-1.pooler.supabase.com:5432/postgres"  # TXN506@16
direct_url = f"postgresql://postgres@db.{ref}.supabase.co/postgres"  # TXN506@14
session_mode_dsn = f"postgresql://postgres.{ref}@{os.environ['POOLER_HOST']}:5432/postgres"  # TXN506@20
""",
    ),
    Bad(
        path="app/session.py",
        source="""
import os

from sqlalchemy import URL, create_engine

url = URL.create(
    "postgresql+asyncpg",
    username="postgres.abcdefgh",
    host="aws-0-us-west-1.pooler.supabase.com",
    port=5432,  # TXN506@10
)
engine = create_engine("postgresql+psycopg2://app@primary.db.example.com:5432/app")  # TXN506@24
""",
    ),
    Bad(
        path="app/session.py",
        source="""
import os

from sqlalchemy import URL

url = URL.create("postgresql+asyncpg", "postgres.abcdefgh", os.environ["PASSWORD"], "db.example.com", 6543)
direct = url.set(port=5432)  # TXN506@23
same = url.set(database="other").update_query_dict({"application_name": "app"})
""",
    ),
    Bad(
        source="""
# --- app/urls.py
from pydantic_settings import BaseSettings
from sqlalchemy import URL, make_url

POOLER = "aws-0-us-west-1.pooler.supabase.com"
DIRECT = "db.abcdefgh.supabase.co"


class Settings(BaseSettings):
    password: str
    port: int = 5432

    def url(self, host, port):
        return URL.create("postgresql+asyncpg", "postgres.abcdefgh", self.password, host, port)


settings = Settings()
base = make_url(f"postgresql+asyncpg://postgres.abcdefgh@{POOLER}:6543/postgres")
session_mode = base.set(port=5432)  # TXN506@30
direct = make_url("postgresql+asyncpg://postgres@db.abcdefgh.supabase.co/postgres")  # TXN506@19
renamed = direct.set(database="other")
# --- app/session.py
from sqlalchemy.ext.asyncio import create_async_engine

from app.urls import DIRECT, POOLER, base, session_mode, settings

engine = create_async_engine(settings.url(POOLER, 6543))
around = create_async_engine(settings.url(DIRECT, 5432))  # TXN506@30
at_run_time = create_async_engine(settings.url(POOLER, settings.port))
pooled = create_async_engine(base)
told = create_async_engine(session_mode)
back = create_async_engine(session_mode.set(port=6543))
""",
    ),
    Bad(
        path="app/session.py",
        source="""
import os

from sqlalchemy.ext.asyncio import create_async_engine

HOST = "aws-0-us-west-1.pooler.supabase.com"
TEMPLATE = "postgresql+asyncpg://postgres.abcdefgh:{password}@{host}:{port}/postgres"
password = os.environ["PASSWORD"]
written = create_async_engine(f"postgresql+asyncpg://postgres.abcdefgh:{password}@{HOST}:5432/postgres")  # TXN506@31
filled = create_async_engine(TEMPLATE.format(password=password, host=HOST, port=5432))  # TXN506@30
pooled = create_async_engine(TEMPLATE.format(password=password, host=HOST, port=6543))
at_run_time = create_async_engine(TEMPLATE.format(password=password, host=HOST, port=os.environ["PORT"]))
""",
    ),
    Bad(
        path="app/session.py",
        source="""
import os

from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import create_async_engine

WRITTEN = "postgresql+asyncpg://postgres.abcdefghijklmnopqrst@db.example.com:5432/stock"  # TXN506@11
url = make_url(WRITTEN)
engine = create_async_engine(url.set(port=6543))
reports = create_async_engine(url.set(password=os.environ["SECRET"]))
""",
    ),
    Bad(
        path="app/session.py",
        source="""
import os
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import create_async_engine


@dataclass
class Server:
    host: str = "aws-1-eu-north-1.pooler.supabase.com"
    user: str = "postgres.abcdefghijklmnopqrst"
    port: int = 5432

    def address(self):
        return f"postgresql+asyncpg://{self.user}:{os.environ['SECRET']}@{self.host}:{self.port}/stock"  # TXN506@16


engine = create_async_engine(Server().address())
""",
    ),
    Bad(
        path="app/commands/copying.py",
        source="""
import click


@click.command()
@click.option("--dsn", default="postgresql://postgres.ref@aws-0-eu.pooler.supabase.com:5432/postgres")  # TXN506@32
def copied(dsn):
    print(dsn)
""",
    ),
    Bad(
        path="app/session.py",
        source="""
import os

from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import create_async_engine

SERVER, SECRET = "aws-1-eu-north-1.pooler.supabase.com", os.environ["SECRET"]
DSN = f"postgresql+asyncpg://postgres.abcdefghijklmnopqrst:{SECRET}@{SERVER}:5432/stock"
PARTS = URL.create("postgresql+asyncpg", "postgres.abcdefghijklmnopqrst", SECRET, SERVER, 5432)  # TXN506@91
moved = create_async_engine(make_url(DSN).set(port=6543))
kept = create_async_engine(PARTS)
OTHER = f"postgresql+asyncpg://postgres.abcdefghijklmnopqrst:{SECRET}@db.example.org:5432/stock"  # TXN506@9
both = create_async_engine(make_url(OTHER).set(port=6543))
again = create_async_engine(make_url(OTHER).set(database="reports"))
POOLED = make_url(f"postgresql+asyncpg://postgres.abcdefghijklmnopqrst:{SECRET}@{SERVER}:6543/stock")
direct = create_async_engine(POOLED.set(port=5432))  # TXN506@46
""",
    ),
    Bad(
        path="app/places.py",
        source="""
import os

SERVER = "aws-1-eu-north-1.pooler.supabase.com"
SECRET = os.environ["SECRET"]
STRAIGHT = "postgresql+asyncpg://stock@db.abcdefghijklmnopqrst.supabase.co:5432/stock"  # TXN506@12
LASTING = "postgresql://postgres.abcdefghijklmnopqrst:%s@%s:5432/stock" % (SECRET, SERVER)  # TXN506@11
ADDED = "postgresql://postgres.abcdefghijklmnopqrst@" + SERVER + ":5432/stock"  # TXN506@9
FILLED = "postgresql://postgres.abcdefghijklmnopqrst:{}@{}:{}/stock".format(SECRET, SERVER, 5432)  # TXN506@10


def filled(place):
    return "postgresql://postgres.abcdefghijklmnopqrst:%s@%s:5432/stock" % (SECRET, place)  # TXN506@12
""",
    ),
    Bad(
        path="app/session.py",
        source="""
import os

from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import create_async_engine

SERVER, PARTS = "aws-1-eu-north-1.pooler.supabase.com", {"port": 6543}
plain = create_async_engine("postgresql+asyncpg://postgres.abcdefgh@eu.pooler.supabase.com/silo")  # TXN506@29
built = URL.create("postgresql+asyncpg", "postgres.abcdefgh", os.environ["SECRET"], SERVER)  # TXN506@9
spread = URL.create("postgresql+asyncpg", host=SERVER, **PARTS)
begun = "postgresql+asyncpg://postgres.abcdefgh@aws-1-eu-north-1.pooler.supabase.com"
added = create_async_engine(begun + ":6543/silo")
moved = create_async_engine(make_url(os.environ["SILO"]).set(host=SERVER))
elsewhere = create_async_engine("postgresql+asyncpg://silo@db.example.org/silo")


def with_port(rest):
    return create_async_engine(f"postgresql+asyncpg://postgres.abcdefgh@{SERVER}{rest}")


def of_parts(parts):
    return create_async_engine(URL.create("postgresql+asyncpg", host=SERVER, **parts))
""",
    ),
    Bad(
        path="scripts/load.py",
        source="""
import os

import psycopg2
import pymysql
from psycopg2.pool import ThreadedConnectionPool


def direct():
    return psycopg2.connect(host="db.abcdefghijklmnopqrst.supabase.co", user="postgres", port=5432)  # TXN506@34


def pooled():
    server = "aws-1-eu-north-1.pooler.supabase.com"
    yield ThreadedConnectionPool(1, 5, host=server, port=5432)  # TXN506@58
    yield ThreadedConnectionPool(1, 5, host=server, port=6543)


def elsewhere(**options):
    yield psycopg2.connect(host=os.environ["HOST"], port=6543)
    yield psycopg2.connect(os.environ["DSN"], host="db.abcdefghijklmnopqrst.supabase.co")
    yield psycopg2.connect(host="localhost", port=5432)
    yield pymysql.connect(host="db.example.org", port=3306)
""",
    ),
]

GOOD = [
    Good(
        path="app/session.py",
        source='''
"""Never db.abcdefgh.supabase.co:5432."""
import os

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import create_async_engine

host, port = os.environ["HOST"], int(os.getenv("PORT", "5432"))
database_url = "postgresql+asyncpg://postgres.abcdefgh@aws-0-us-west-1.pooler.supabase.com:6543/postgres"
unknown_url = f"postgresql+asyncpg://postgres.abcdefgh@{host}:{port}/postgres"
local_url = "postgresql+asyncpg://postgres@localhost:5432/postgres"
compose_url = "postgresql+asyncpg://postgres@db:5432/postgres"
api_url = "https://db.abcdefgh.supabase.co:5432"
created = URL.create("postgresql+asyncpg", host="aws-0-us-west-1.pooler.supabase.com", port=6543)
files = create_async_engine("sqlite+aiosqlite:///scrape.db")
''',
    ),
    Good(
        path="migrations/env.py",
        source="""
from sqlalchemy import create_engine

engine = create_engine("postgresql://postgres@db.abcdefghijkl.supabase.co:5432/postgres")
""",
    ),
    Good(
        path="app/session.py",
        policy=(("pooler-port", 5432),),
        source="""
database_url = "postgresql+asyncpg://postgres.abcdefgh@aws-0-us-west-1.pooler.supabase.com:5432/postgres"
""",
    ),
    Good(
        path="app/session.py",
        source="""
import os

from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import create_async_engine

SERVER = f"postgresql+asyncpg://postgres.abcdefghijklmnopqrst:{os.environ['SECRET']}@db.example.com"
url = make_url(SERVER + ":5432/stock")
engine = create_async_engine(url.set(port=6543))
WRITTEN = "postgresql+asyncpg://postgres.abcdefghijklmnopqrst@db.example.org:5432/stock"
reports = create_async_engine(make_url(WRITTEN).set(password=os.environ["SECRET"], port=6543))
""",
    ),
    Good(
        path="app/session.py",
        source="""
import os
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import create_async_engine


@dataclass
class Server:
    host: str = "aws-1-eu-north-1.pooler.supabase.com"
    user: str = "postgres.abcdefghijklmnopqrst"
    port: int = 5432

    def address(self):
        return f"postgresql+asyncpg://{self.user}:{os.environ['SECRET']}@{self.host}:{self.port}/stock"


engine = create_async_engine(Server(port=6543).address())
reports = create_async_engine(Server(port=int(os.environ["PORT"])).address())
""",
    ),
    Good(
        path="app/commands/copying.py",
        source="""
import click


@click.command()
@click.option("--dsn", default="postgresql+asyncpg://postgres.ref@aws-0-eu.pooler.supabase.com:6543/postgres")
def copied(dsn):
    print(dsn)
""",
    ),
    Good(
        path="app/places.py",
        source="""
import os

SERVER = "aws-1-eu-north-1.pooler.supabase.com"
SECRET = os.environ["SECRET"]
POOLED = "postgresql://postgres.abcdefghijklmnopqrst:%s@%s:6543/stock" % (SECRET, SERVER)
ADDED = "postgresql://postgres.abcdefghijklmnopqrst@" + SERVER + ":6543/stock"
EXAMPLE = "postgresql+asyncpg://stock@db.abcdefghijklmnopqrst.supabase.co:5432/stock"
SHAPE = "postgresql://%s:%s@%s:%d/stock"
API = "https://db.abcdefghijklmnopqrst.supabase.co:5432/rest"


def filled(port):
    if not port:
        raise ValueError("postgresql://stock@db.abcdefghijklmnopqrst.supabase.co:5432/stock leads around the pooler")
    return "postgresql://postgres.abcdefghijklmnopqrst:{}@{}:{}/stock".format(SECRET, SERVER, port)
""",
    ),
    Good(
        path="app/session.py",
        source="""
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import create_async_engine

SILO = "postgresql+asyncpg://postgres.abcdefgh@aws-1-eu-north-1.pooler.supabase.com/silo"
engine = create_async_engine(make_url(SILO).set(port=6543))
""",
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """Every URL whose host or port is written out and is not the pooler's."""
    port = str(program.policy.pooler_port)
    for found in (*found_urls(program), *told_servers(program)):
        defects = [_defect(url, port) for url in found.urls]
        if defects[0] is not None and all(defects) and (found.before is None or _defect(found.before, port) is None):
            part = "host" if found.urls[0].is_direct_supabase else "port"
            if leads_elsewhere(program, found, part):
                continue
            yield program.finding(META, (found.function, found.span_of(part)), defects[0])


def _defect(url: Url, wanted: str) -> str | None:
    if url.is_sqlite or not url.drivername.startswith(("postgres", HOLE)):
        return None
    if url.is_direct_supabase:
        host = url.host.replace(HOLE, "…")
        return f"{host} is the database itself, not its pooler. Use the pooler's host and port {wanted}."
    if url.port is None and url.on_pooler_host and not url.begun:
        host = url.host.replace(HOLE, "…")
        return f"{host} without a port is reached on 5432, the pooler's session mode. Name the port {wanted}."
    if url.port is None or HOLE in url.port or url.port == wanted or url.is_local:
        return None
    where = "the pooler's session mode" if url.on_pooler_host else "not the pooler's"
    return f"Port {url.port} is {where}, where the policy wants the transaction pooler. Use port {wanted}."
