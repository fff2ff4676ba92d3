"""TXN503: a database password is written in the source."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_plus

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program.api import Program
from sessionlint.program.literals import literals, owner_of
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.strings import HOLE, texts_of
from sessionlint.program.values import Map, Value
from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.database_urls import SHOWN, Url, found_urls, is_database, parse, wholes
from sessionlint.rules.passed_passwords import passed_passwords
from sessionlint.rules.shown_texts import is_shown
from sessionlint.rules.written_secrets import from_elsewhere

META = Rule(
    code="TXN503",
    name="credentials-in-source",
    summary="A database password is written in a URL or argument in the source.",
    rationale="Whoever can read the repository, a fork, a build log or a traceback has the database; the password "
    "stays in the history after it is deleted, and cannot be changed without a release. A default such as "
    'os.getenv("DATABASE_URL", "postgresql://app:secret@…") is used silently wherever the variable is missing.',
    remedy="Read the password from the environment or a secret store without a default, and put the URL together with "
    "URL.create(…, password=settings.database_password).",
    not_flagged="Passwords put in at run time, also those of settings fields that have a default of their own, URLs "
    "without a password, SQLite, placeholders such as <password> or ${PASSWORD}, docstrings, comments, printed texts, "
    "log and error texts, tests and migrations.",
    program_wide=True,
)

_PLACEHOLDER = regex(
    r"[*x.…]+|<.*>|\[.*\]|\{.*\}|\$.*|%.*|__\w+__|your[-_ ]?\w*|(?-i:[A-Z_]*(?:PASSWORD|PASSWD|SECRET)[A-Z_]*)",
    re.S | re.I,
)
#: Texts that stand for something else than a word.
_SWITCHES = frozenset({"true", "false", "yes", "no", "on", "off", "none", "null"})
#: Base classes whose fields are read from the environment.
_FROM_OUTSIDE = ("pydantic_settings.", "pydantic.BaseSettings", "pydantic.v1.BaseSettings")
_ARGUMENTS = ("password", "passwd", "pwd")
_DSN_WORDS = regex(r"(?:^|\s)(host|hostaddr|port|dbname|user)\s*=")
_DSN_PASSWORD = regex(r"(?:^|\s)password\s*=\s*('[^']*'|\S+)")

BAD = [
    Bad(
        source="""
# --- app/config.py
import os

DATABASE_URL = os.environ.get("DATABASE_URL", "postgresql+psycopg://app:s3cret@db:5432/app")  # TXN503@47
# --- app/session.py
from sqlalchemy.ext.asyncio import create_async_engine

from app.config import DATABASE_URL


def url(driver):
    return DATABASE_URL.replace("psycopg", "asyncpg") if driver == "asyncpg" else DATABASE_URL


engine = create_async_engine(url("asyncpg"))
""",
    ),
    Bad(
        path="app/session.py",
        source="""
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine("postgresql+asyncpg://app:hunter2@db/app", pool_size=10)  # TXN503@30
""",
    ),
    Bad(
        path="app/settings.py",
        source="""
import os

from pydantic import Field
from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    database_url: str = "postgresql://app:hunter2@localhost/app"  # TXN503@25
    read_dsn: str = Field("postgresql://app:hunter2@localhost/app")  # TXN503@27
    write_dsn: str = Field(default="postgresql://app:hunter2@localhost/app")  # TXN503@36
    fallback: str = Field(default="postgresql://app:hunter2@localhost/app")  # TXN503@35
    positional: str = Field("postgresql://app:hunter2@localhost/app")  # TXN503@29
    plain: str = "postgresql://app:hunter2@localhost/app"  # TXN503@18
    shown: str = Field(default="", examples=["postgresql://app:hunter2@localhost/app"])
    masked: str = Field(default="postgresql://app:***@localhost/app")
    page: str = Field(default="https://app:hunter2@docs.example.com")


fallback = os.getenv("DATABASE_URL", "postgres://app:hunter2@localhost/app")  # TXN503@38
given = os.environ.get("DB_DSN") or f"postgresql://app:hunter2@{os.environ['HOST']}/app"
CONFIG = {"url": "postgresql://app:hunter2@localhost/app"}  # TXN503@18
""",
    ),
    Bad(
        source="""
# --- app/where.py
USER = "app"
PASSWORD = "hunter2"


def address(host):
    return f"postgresql+asyncpg://{USER}:{PASSWORD}@{host}/app"  # TXN503@12
# --- app/session.py
import os

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import create_async_engine

from app.where import PASSWORD, address

engine = create_async_engine(address(os.environ["HOST"]))
other = URL.create("postgresql+asyncpg", "app", PASSWORD, "localhost")  # TXN503@49
third = create_async_engine(other, connect_args={"password": "hunter2"})  # TXN503@50
""",
    ),
    Bad(
        path="app/services/raw.py",
        source="""
import os

import asyncpg
import psycopg


async def connect():
    await asyncpg.connect(user="app", password="hunter2", host="localhost")  # TXN503@48
    await asyncpg.create_pool(user="app", password=os.getenv("PASSWORD", "hunter2"))  # TXN503@52
    return psycopg.connect("host=localhost user=app password=hunter2")  # TXN503@28


def url():
    return "postgresql://app:hunter2@localhost/app"  # TXN503@12


def engine():
    return psycopg.connect(url())
""",
    ),
    Bad(
        path="app/session.py",
        source="""
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from app.settings import settings

url = make_url(settings.database_url).set(host="aws-0-eu-west-1.pooler.supabase.com", password="hunter22")  # TXN503@96
engine = create_async_engine(url, connect_args={"ssl": settings.ssl_context})
""",
    ),
    Bad(
        source="""
DSN = "host=db user=app password=Tr0ub4dor dbname=app"  # TXN503@7
HELP = "pass host= and password= on the command line"
FROM_ENVIRONMENT = "host=db user=app password=${PASSWORD} dbname=app"
"""
    ),
    Bad(
        path="app/urls.py",
        source="""
import os

PASSWORD = "tR0ub4dor&3"
HOST = "db.example.com"
pieces = f"postgresql+asyncpg://api:{PASSWORD}@{HOST}:6543/app"  # TXN503@10
asked = f"postgresql+asyncpg://api:{os.environ['PGPASSWORD']}@{HOST}:6543/app"


def where():
    return "postgresql+asyncpg://api:tR0ub4dor3@db.example.com/app"  # TXN503@12
""",
    ),
    Bad(
        source="""
# --- app/config.py
from pydantic import BaseModel
from pydantic_settings import BaseSettings


class Store(BaseModel):
    password: str = "warehouse"


class Config(BaseSettings):
    store: Store = Store()
    secret: str = "backdoor"


class Fixed:
    password = "cellar42"


config = Config()
fixed = Fixed()
# --- app/session.py
from sqlalchemy.ext.asyncio import create_async_engine

from app.config import config, fixed

host = config.store.host
one = create_async_engine(f"postgresql+asyncpg://app:warehouse@{host}/app")  # TXN503@27
two = create_async_engine("postgresql+asyncpg://app:" + "backdoor" + "@db/app")  # TXN503@27
three = create_async_engine(f"postgresql+asyncpg://app:{fixed.password}@{host}/app")  # TXN503@29
""",
    ),
    Bad(
        path="app/commands/copying.py",
        source="""
def declare(parser, group):
    parser.add_argument("-s", "--source", default="postgresql://copier:m4rmot@db.example.com/app")  # TXN503@51
    group.add_option("--target", default="postgresql://copier:m4rmot@db.example.com/app")  # TXN503@42
""",
    ),
    Bad(
        source="""
# --- app/config.py
import os

from decouple import config
from environs import Env
from starlette.config import Config
from starlette.datastructures import Secret

env = Env()
file = Config(".env")
ORDERS_PASSWORD = config("ORDERS_PASSWORD", default="w1llow")
ORDERS = f"postgresql+asyncpg://orders:{ORDERS_PASSWORD}@orders/app"  # TXN503@10
BILLS = "postgresql+asyncpg://bills:" + env.str("BILLS_PASSWORD", "b1rch") + "@bills/app"  # TXN503@9
MAILS = f"postgresql+asyncpg://mails:{file('MAILS_PASSWORD', Secret, 'p1ne')}@mails/app"  # TXN503@9
PLACES_PASSWORD = os.getenv("PLACES_PASSWORD", "f1r")
# --- app/session.py
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import create_async_engine

from app.config import BILLS, MAILS, ORDERS, PLACES_PASSWORD

orders = create_async_engine(ORDERS)
bills = create_async_engine(BILLS)
mails = create_async_engine(MAILS)
places = create_async_engine(
    URL.create("postgresql+asyncpg", username="places", password=PLACES_PASSWORD, host="places")  # TXN503@66
)
""",
    ),
    Bad(
        path="app/commands/copying.py",
        source="""
import click
import typer


@click.command()
@click.option("--source", default="postgresql://copier:m4rmot@db.example.com/app")  # TXN503@35
@click.argument("target", default="postgresql://copier:m4rmot@other.example.com/app")  # TXN503@35
def copied(source, target):
    print(source, target)


def listed(source: str = typer.Argument("postgresql://lister:m4rmot@db.example.com/app")):  # TXN503@41
    print(source)
""",
    ),
    Bad(
        path="app/places.py",
        source="""
STOCK_URL = "postgresql+asyncpg://{who}:{what}@localhost/stock".format(who="stock", what="hunter2")  # TXN503@13
LATER_URL = "postgresql+asyncpg://{who}:{what}@localhost/stock"


def later(who, what):
    return LATER_URL.format(who=who, what=what)
""",
    ),
    Bad(
        path="app/session.py",
        source="""
import urllib.parse
from urllib.parse import quote_plus

from sqlalchemy.ext.asyncio import create_async_engine

WORD = "open sesame/1"


def address(word):
    return f"postgresql+asyncpg://shelf:{quote_plus(word)}@db.shelf.org/shelf"


direct = create_async_engine(f"postgresql+asyncpg://shelf:{urllib.parse.quote(WORD, safe='')}@db.a.org/a")  # TXN503@30
passed = create_async_engine(address("a-long.word"))  # TXN503@30
""",
    ),
    Bad(
        """
# --- app/places.py
REPLICAS = ["postgresql+asyncpg://app:s3cret@one.example.com/app"]  # TXN503@13
NAMES = ("main", "postgresql+asyncpg://app@one.example.com/app")
DATABASE_URLS = {"main": "postgresql+asyncpg://app:s3cret@db/app"}  # TXN503@26
KIND, MAIN = "main", "postgresql+asyncpg://app:s3cret@two.example.com/app"  # TXN503@22
ASKED = "postgresql+asyncpg://one.example.com/app?user=app&password=s3cret"  # TXN503@9
SCHEMES = ("postgresql://", "postgres://")
EXAMPLE_URLS = {"main": "postgresql+asyncpg://app:s3cret@one.example.com/app"}


def database_url(given):
    if given:
        return given
    return "postgresql+asyncpg://app:s3cret@db/app"  # TXN503@12


def store():
    return "postgresql+asyncpg://app:s3cret@db/app"  # TXN503@12
"""
    ),
    Bad(
        source="""
# --- app/config.py
REPORT_DSN = "host=dwh.example.com user=etl password=letmein sslmode=require"  # TXN503@14
# --- app/jobs/report.py
import psycopg2

from app.config import REPORT_DSN


def run():
    return psycopg2.connect(REPORT_DSN)
"""
    ),
    Bad(
        source="""
# --- app/urls.py
import asyncpg
from sqlalchemy import URL


def made(password):
    return URL.create("postgresql+asyncpg", "app", password, "db.example.com")


def spelled(user, password):
    return f"postgresql+asyncpg://{user}:{password}@db.example.com/app"


class Places:
    def __init__(self, password, label):
        self.password = password
        self.label = label

    def url(self):
        return "postgresql://places:" + self.password + "@db.example.com/places"


def around(password):
    return made(password)


async def opened(word):
    return await asyncpg.connect(user="app", password=word, host="db.example.com")
# --- app/uses.py
import os

from app.urls import Places, around, made, opened, spelled

WORD = "s3cr3t-word"
first = made("s3cr3t-word")  # TXN503@14
second = made(password=WORD)  # TXN503@24
third = spelled("app", "s3cr3t-word")  # TXN503@24
fourth = around("s3cr3t-word")  # TXN503@17
fifth = Places("s3cr3t-word", "places").url()  # TXN503@16
sixth = Places(os.environ["WORD"], "places").url()
seventh = spelled("s3cr3t-word", os.environ["WORD"])
eighth = made("${PASSWORD}")


async def run():
    await opened(os.environ["WORD"])
    return await opened("s3cr3t-word")  # TXN503@25
# --- app/session.py
from sqlalchemy.ext.asyncio import create_async_engine

from app.urls import made

engine = create_async_engine(made("an0ther-word"))  # TXN503@30
url = made("th1rd-word")
other = create_async_engine(url)  # TXN503@29
"""
    ),
    Bad(
        """
import os

STORE = "postgresql://app:hunter22@db/app"  # TXN503@9
SECOND = os.environ.get("SECOND") or "postgresql://app:hunter22@replica:5432/app"  # TXN503@38
get_store = lambda: "postgresql://app:hunter22@db/app"  # TXN503@21
BARE = os.environ.get("BARE") or "postgresql://app@db/app"
SHAPE = "postgresql://user:secret@host/name"
MINE = "postgresql://app:hunter22@localhost/app"
""",
        path="app/store.py",
    ),
    Bad(
        """
# --- app/settings.py
import os


def env(key: str, default: str | None = None) -> str | None:
    if key in os.environ:
        return os.environ[key]
    return default


def as_text(value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
# --- app/session.py
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import create_async_engine

from app.settings import env

url = URL.create(
    "postgresql+asyncpg",
    username="app",
    password=env("DB_PASSWORD", "s3cret-words"),  # TXN503@14
    host="db.internal",
)
engine = create_async_engine(url)
# --- app/reports.py
import mysql.connector

from app.settings import as_text, env


def connect(given):
    return mysql.connector.connect(host="db", password=env("REPORT_PASSWORD") or as_text(given))
"""
    ),
]

GOOD = [
    Good(
        path="app/session.py",
        source='''
"""Needs DATABASE_URL, such as postgresql+asyncpg://user:password@localhost/app."""
import logging
import os

import asyncpg
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import create_async_engine

from app.settings import settings

# postgresql://user:password@localhost/app
EXAMPLE_URL = "postgresql+asyncpg://user:<password>@host/app"
DOCS_URL = "https://user:hunter2@docs.example.com"
SQLITE_URL = "sqlite+aiosqlite:///scrape.db"


async def connect(password: str):
    """Connects to postgresql://user:password@localhost/app."""
    if not password:
        logging.error("write it as postgresql://user:password@localhost/app")
        raise ValueError("expected postgresql://user:password@localhost/app")
    await asyncpg.connect(user="app", password=password, host="localhost")
    return create_async_engine(f"postgresql+asyncpg://app:{password}@{settings.host}/app")


url = URL.create("postgresql+asyncpg", "app", os.environ["PASSWORD"], "localhost")
other = URL.create("postgresql+asyncpg", username="app", password=settings.password)
plain = create_async_engine("postgresql+asyncpg://app@localhost/app")
peer_dsn = os.getenv("DSN", "postgresql://app:@localhost/app")
''',
    ),
    Good(
        path="tests/conftest.py",
        source="""
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine("postgresql+asyncpg://postgres:postgres@localhost/test")
""",
    ),
    Good(
        path="app/other.py",
        source="""
class F:
    pass


class W(F):
    label = "text"
""",
    ),
    Good(
        path="app/examples.py",
        source="""
EXAMPLE_URL = "postgresql://USER:PASSWORD@db.example.com/app"
OTHER_URL = "postgresql://user:your-password@db.example.com/app"
""",
    ),
    Good(
        path="app/urls.py",
        source="""
import logging

masked = "postgresql+asyncpg://api:***@db.example.com/app"
pattern = "postgresql+asyncpg://{user}:{password}@{host}/app"
page = "https://user:hunter2@docs.example.com"
here = "postgresql+asyncpg://api:api@localhost/app"
example = "postgresql+asyncpg://api:tR0ub4dor3@db.example.com/app"


def explain(parser):
    parser.add_argument("--url", help="postgresql+asyncpg://api:tR0ub4dor3@db.example.com/app")
    logging.info("write postgresql+asyncpg://api:tR0ub4dor3@db.example.com/app")
    raise ValueError("postgresql+asyncpg://api:tR0ub4dor3@db.example.com/app is what it looks like")


def bare():
    return "postgresql+asyncpg://api@db.example.com/app"
""",
    ),
    Good(
        source="""
# --- app/config.py
from pydantic import BaseModel
from pydantic_settings import BaseSettings


class Store(BaseModel):
    password: str = "warehouse"


class Config(BaseSettings):
    store: Store = Store()
    secret: str = "backdoor"

    def dsn(self):
        return f"postgresql+asyncpg://app:{self.secret}@db.example.com/app"


config = Config()
# --- app/session.py
from sqlalchemy.ext.asyncio import create_async_engine

from app.config import config

store = config.store
one = create_async_engine(f"postgresql+asyncpg://app:{store.password}@db/app")
two = create_async_engine("postgresql+asyncpg://app:" + config.secret + "@db/app")
three = create_async_engine(config.dsn())
""",
    ),
    Good(
        path="app/commands/copying.py",
        source="""
import os


def declare(parser, group):
    parser.add_argument("--source", default=os.environ["DSN"], help="postgresql://copier:m4rmot@db.example.com/app")
    parser.add_argument("--target", default="postgresql://copier@db.example.com/app")
    group.add_option("--page", default="https://copier:m4rmot@db.example.com/app")
""",
    ),
    Good(
        source="""
# --- app/config.py
from decouple import config
from environs import Env
from starlette.config import Config

env = Env()
file = Config(".env")
ORDERS = f"postgresql+asyncpg://orders:{config('ORDERS_PASSWORD')}@orders/app"
BILLS = "postgresql+asyncpg://bills:" + env.str("BILLS_PASSWORD") + "@bills/app"
MAILS = f"postgresql+asyncpg://mails:{file('MAILS_PASSWORD', cast=str)}@{file('HOST', default='db')}/app"
PLACES = f"postgresql+asyncpg://places:{config('PLACES_PASSWORD', default='')}@places/app"
FOUND = f"postgresql+asyncpg://places:{config('PASSWORD_FILE', default='f1le', cast=open)}@places/app"
# --- app/session.py
from sqlalchemy.ext.asyncio import create_async_engine

from app.config import BILLS, FOUND, MAILS, ORDERS, PLACES

orders = create_async_engine(ORDERS)
bills = create_async_engine(BILLS)
mails = create_async_engine(MAILS)
places = create_async_engine(PLACES)
found = create_async_engine(FOUND)
""",
    ),
    Good(
        path="app/commands/copying.py",
        source="""
import click


@click.command(help="Copies postgresql://copier:m4rmot@db.example.com/app")
@click.option("--source", default="postgresql://copier@db.example.com/app")
@click.option("--page", default="https://copier:m4rmot@db.example.com/app", help="not a database")
@click.argument("target", envvar="DSN")
def copied(source, page, target):
    print(source, page, target)
""",
    ),
    Good(
        path="app/session.py",
        source="""
import os
from urllib.parse import quote_plus

from pydantic_settings import BaseSettings
from sqlalchemy.ext.asyncio import create_async_engine


class Settings(BaseSettings):
    word: str = "open sesame/1"


settings = Settings()
SHELF = quote_plus("books and more")
first = create_async_engine(f"postgresql+asyncpg://shelf:{quote_plus(settings.word)}@db.shelf.org/shelf?ssl=require")
second = create_async_engine(f"postgresql+asyncpg://shelf:{quote_plus(os.environ['WORD'])}@db.shelf.org/{SHELF}")
""",
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """Every password in a database URL or argument, once."""
    told: set[tuple[str, int, int]] = set()
    for finding in _of_places(program):
        told.add((finding.path, finding.span.line, finding.span.column))
        told.update((step.path, step.line, step.column) for step in finding.trace)
        yield finding
    for passed in passed_passwords(program, _connects, _ARGUMENTS):
        function, span = passed.call.function, passed.span
        places = {(function.path, *span[:2]), (function.path, *passed.call.span[:2])}
        if not _is_secret(passed.secret) or program.role(function) in ("test", "migration") or told & places:
            continue
        told |= places
        steps = from_elsewhere(program, function, span, passed.secret)
        yield program.finding(
            META, (function, span),
            "A database password that is written in the source is passed on to where it connects. Read it from the "
            "environment instead.",
            (*steps, *passed.trace),
        )  # fmt: skip


def _of_places(program: Program) -> Iterator[Finding]:
    """The passwords that stand where a URL is, or an argument of what connects."""
    seen: set[tuple[str, ir.Span4]] = set()
    for found in found_urls(program):
        place = (found.function.path, found.span_of("password"))
        if found.before is not None and _is_secret(_password(found.before)):
            continue
        secrets = [p for u in found.urls if _is_secret(p := _password(u))]
        if secrets and place not in seen and not all(_is_of_settings(program, place, secret) for secret in secrets):
            seen.add(place)
            yield _in_url(program, found.function, place[1], secrets[0])
    for function, span, secret in _kept_elsewhere(program):
        if (function.path, span) not in seen and program.role(function) not in ("test", "migration"):
            seen.add((function.path, span))
            yield _in_url(program, function, span, secret)
    told: set[str] = set()
    for literal in (found for module in program.modules for found in literals(module, b"password")):
        function = owner_of(literal.module, literal.expr[1])
        place = (literal.module.path, literal.expr[1])
        if not _is_dsn(literal.text) or is_shown(function, literal.expr):
            continue
        if place not in seen and program.role(function) not in ("test", "migration"):
            seen.add(place)
            told.add(literal.text)
            yield program.finding(
                META, (function, literal.expr[1]),
                "A database password is written in this connection string. Read it from the environment instead.",
            )  # fmt: skip
    for event in program.events("create", "external"):
        if not _connects(event) or program.role(event.function) in ("test", "migration"):
            continue
        for span, name, secret in _arguments(event, told):
            place = (event.path, span)
            if place not in seen:
                seen.add(place)
                steps = from_elsewhere(program, event.function, span, secret)
                how = "that is written in the source is passed as" if steps else "is written in"
                yield program.finding(
                    META, (event.function, span),
                    f"A database password {how} the argument {name!r}. Read it from the environment instead.",
                    steps,
                )  # fmt: skip


def _in_url(program: Program, function: FunctionInfo, span: ir.Span4, secret: str) -> Finding:
    steps = from_elsewhere(program, function, span, secret)
    how = "that is written in the source is put into" if steps else "is written in"
    return program.finding(
        META, (function, span),
        f"A database password {how} this URL. Read it from the environment and build the URL with "
        "URL.create(…, password=…).",
        steps,
    )  # fmt: skip


def _is_of_settings(program: Program, place: tuple[str, ir.Span4], secret: str | None) -> bool:
    """Whether a password is what a settings class has for want of another, and is not written in the URL itself."""
    if not secret or program.shared(_defaults_of_settings).isdisjoint((secret, unquote_plus(secret))):
        return False
    exprs = [e.expr for e in program.events("url") if e.site == place]
    exprs += [t.expr for t in literals(program.solver.modules[place[0]], b"://") if t.expr[1] == place[1]]
    written = re.compile(rf"(?:^|:){re.escape(secret)}(?:@|\Z)" if secret else "$^")
    return not any(_writes(expr, written) for expr in exprs)


def _writes(node: Any, secret: re.Pattern[str]) -> bool:
    """Whether a string in an expression has the password in it."""
    if not isinstance(node, tuple):
        return False
    if len(node) > 2 and node[0] == "k":
        return isinstance(node[2], str) and secret.search(node[2]) is not None
    return any(_writes(child, secret) for child in node)


def _defaults_of_settings(program: Program) -> frozenset[str]:
    """The texts that fields have by default which the environment gives another value."""
    solver = program.solver
    pending = [c for c in program.classes if any(b.startswith(_FROM_OUTSIDE) for b in solver.external_bases(c))]
    found: set[str] = set()
    seen = set(pending)
    while pending:
        for _, annotation, default, _ in pending.pop().attributes.values():
            found.update(a.value for a in default if a.tag == "const" and isinstance(a.value, str))
            inner = {a.info for a in solver.instances(annotation) if a.tag == "inst"} - seen
            seen |= inner
            pending += inner
    return frozenset(found)


def _kept_elsewhere(program: Program) -> Iterator[tuple[FunctionInfo, ir.Span4, str]]:
    """URLs of other machines and services with a password that are assigned or returned, whatever they are called."""
    put_together = {e.site: e for e in program.events("url")}
    templates = program.shared(wholes)
    for literal in (found for module in program.modules for found in literals(module, b"://")):
        if literal.name and not SHOWN.search(literal.name):
            begins = (literal.module.path, literal.expr[1])
            place = templates.get(begins, begins)
            event = put_together.get(place)
            texts = [t.text for t in texts_of(event.value)] if event is not None else [literal.text]
            urls = [u for u in map(parse, texts) if u is not None and is_database(u) and u.names_another]
            secrets = [p for u in urls if _is_secret(p := _password(u))]
            if secrets and not all(_is_of_settings(program, place, secret) for secret in secrets):
                yield owner_of(literal.module, place[1]), place[1], secrets[0]


def _password(url: Url) -> str:
    """The password of a URL, before its host or in its query; ``""`` for none."""
    return url.password or next((value for name, value in url.query if name == "password"), "")


def _is_dsn(text: str) -> bool:
    """Whether a text is libpq's ``host=… dbname=… password=…`` with a password written out."""
    password = _DSN_PASSWORD.search(text)
    return password is not None and len(set(_DSN_WORDS.findall(text))) > 1 and _is_secret(password[1].strip("'"))


def _connects(event: Event) -> bool:
    if event.kind == "create":
        return event.name in ("engine", "driver connection", "driver pool")
    return event.name.endswith(".build") and "Dsn" in event.name


def _arguments(event: Event, told: set[str]) -> Iterator[tuple[ir.Span4, str, str]]:
    """The arguments with a password: where they stand, their names and the password; not again what is ``told``."""
    expr = event.expr
    spans = {k: v for k, v in expr[4] if k} if expr is not None and expr[0] == "c" else {}
    for name, value in event.keywords:
        if name in _ARGUMENTS and (secret := _written(value, spans.get(name))):
            yield spans[name][1] if name in spans else event.span, name, secret
        if name == "connect_args":
            yield from _in_connect_args(event, value, spans.get(name))
    if event.args and expr is not None and expr[0] == "c" and expr[3] and event.name != "engine":
        for text in texts_of(event.args[0]):
            found = _DSN_PASSWORD.search(text.text)
            if found and text.text not in told and _is_secret(found[1].strip("'")):
                yield expr[3][0][1], "dsn", found[1].strip("'")
                break


def _in_connect_args(event: Event, value: Value, expr: ir.Expr | None) -> Iterator[tuple[ir.Span4, str, str]]:
    for atom in value:
        password = atom.get("password") if isinstance(atom, Map) else None
        secret = _written(password, None) if password else None
        if secret is None:
            continue
        span = expr[1] if expr is not None else event.span
        if expr is not None and expr[0] == "d":
            span = next((k[1] for k in expr[2] if k is not None and k[0] == "k" and k[2] == "password"), span)
        yield span, "password", secret
        return


def _written(value: Value, expr: ir.Expr | None) -> str | None:
    """The text in the source that a value is or falls back to; a default in the settings class is not this place."""
    if expr is not None and expr[0] == "a":
        return None
    return next((a.value for a in value if a.tag == "const" and isinstance(a.value, str) and _is_secret(a.value)), None)


def _is_secret(text: str) -> bool:
    return bool(text) and HOLE not in text and not _PLACEHOLDER.fullmatch(text) and text.lower() not in _SWITCHES
