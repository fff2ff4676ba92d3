"""TXN502: the user of a Supabase pooler URL is not ``postgres.<project-ref>``."""

from __future__ import annotations

from collections.abc import Iterator

from sessionlint.patterns import regex
from sessionlint.program.api import Program
from sessionlint.program.strings import HOLE
from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.database_urls import Url, found_urls
from sessionlint.rules.driver_servers import told_servers

META = Rule(
    code="TXN502",
    name="pooler-username",
    summary="The user of a Supabase pooler URL is not postgres.<project-ref>.",
    rationale='Supabase\'s pooler serves many projects and finds the right one by the user name. A plain "postgres" is '
    'refused with "Tenant or user not found", often only in production, where the pooler is first used.',
    remedy="Write the user as postgres.<project-ref>, the project's reference after the dot.",
    not_flagged="Users put in at run time, other hosts, and direct Supabase hosts, where the user is postgres.",
    presets=("scrapersky",),
)

_VALID = regex(r"postgres\.[\w-]+\Z")
#: What a text says is to be put in its place: ``<project-ref>``, ``[ref]``, ``{ref}``, ``${REF}``.
_LEFT_OUT = regex(r"<[^<>]*>|\[[^\[\]]*\]|\$?\{[^{}]*\}|\$\w+")

BAD = [
    Bad(
        path="app/session.py",
        source="""
from sqlalchemy.ext.asyncio import create_async_engine

URL = "postgresql+asyncpg://postgres@aws-0-us-west-1.pooler.supabase.com:6543/postgres"  # TXN502@7
engine = create_async_engine(URL)
""",
    ),
    Bad(
        path="app/session.py",
        source="""
from sqlalchemy import URL

from app.settings import settings

url = URL.create(
    "postgresql+asyncpg",
    username="scraper",  # TXN502@14
    password=settings.password,
    host="aws-0-us-west-1.pooler.supabase.com",
    port=6543,
)
""",
    ),
    Bad(
        path="app/settings.py",
        source="""
import os
from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    password: str = os.environ["PASSWORD"]

    @property
    def database_url(self) -> str:
        dsn = f"postgresql://admin:{self.password}@aws-0-us-west-1.pooler.supabase.com:6543/postgres"  # TXN502@15
        return dsn
""",
    ),
    Bad(
        path="app/session.py",
        source="""
from sqlalchemy import URL

url = URL.create("postgresql+asyncpg", "postgres.abcdefgh", host="aws-0-us-west-1.pooler.supabase.com", port=6543)
owner = url.set(username="postgres")  # TXN502@26
other = url.set(username="postgres.ijklmnop")
elsewhere = url.set(username="postgres", host="db.example.com")
""",
    ),
    Bad(
        source="""
# --- app/urls.py
from dataclasses import dataclass

from sqlalchemy import URL, make_url

from app.settings import settings

HOST = "aws-0-us-west-1.pooler.supabase.com"
LOCAL = make_url("postgresql+asyncpg://postgres@localhost:6543/postgres")
pooled = LOCAL.set(host=HOST)  # TXN502@10
full = LOCAL.set(username="postgres.abcdefgh", host=HOST)


@dataclass(frozen=True)
class Parts:
    user: str
    host: str = HOST

    def url(self):
        return URL.create("postgresql+asyncpg", self.user, settings.password, self.host, 6543)
# --- app/session.py
from sqlalchemy.ext.asyncio import create_async_engine

from app.settings import settings
from app.urls import Parts, pooled

engine = create_async_engine(Parts("postgres.abcdefgh").url())
short = create_async_engine(Parts("postgres").url())  # TXN502@29
own = create_async_engine(Parts("postgres", host="db.internal").url())
unknown = create_async_engine(Parts(settings.user).url())
told = create_async_engine(pooled)
""",
    ),
    Bad(
        source="""
# --- app/config.py
from dataclasses import dataclass

HOST = "aws-0-us-west-1.pooler.supabase.com"


@dataclass(frozen=True)
class Server:
    user: str
    host: str
    port: int = 6543


PLAIN = Server(user="postgres", host=HOST)
FULL = Server(user="postgres.abcdefgh", host=HOST)
ELSEWHERE = Server(user="postgres", host="db.internal")
# --- app/session.py
import os

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import create_async_engine

from app.config import ELSEWHERE, FULL, HOST, PLAIN

PASSWORD = os.environ["PASSWORD"]
TEMPLATE = "postgresql+asyncpg://{user}:{password}@{host}/postgres"


def url_of(server):
    return URL.create("postgresql+asyncpg", server.user, PASSWORD, server.host, server.port)


short = create_async_engine(url_of(PLAIN))  # TXN502@29
engine = create_async_engine(url_of(FULL))
elsewhere = create_async_engine(url_of(ELSEWHERE))
filled = create_async_engine(TEMPLATE.format(user="app", password=PASSWORD, host=HOST))  # TXN502@30
proper = create_async_engine(TEMPLATE.format(user="postgres.abcdefgh", password=PASSWORD, host=HOST))
open_ended = create_async_engine(TEMPLATE.format(user=os.environ["POOLER_USER"], password=PASSWORD, host=HOST))
named = URL.create("postgresql+asyncpg", os.environ.get("DB_USER", "admin"), PASSWORD, HOST, 6543)  # TXN502@42
right = URL.create("postgresql+asyncpg", os.getenv("DB_USER", "postgres.abcdefgh"), PASSWORD, HOST, 6543)
""",
    ),
    Bad(
        path="app/session.py",
        source="""
import os
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import create_async_engine


@dataclass(frozen=True)
class Server:
    host: str = "aws-1-eu-north-1.pooler.supabase.com"
    user: str = "stock"

    def address(self):
        return f"postgresql+asyncpg://{self.user}:{os.environ['SECRET']}@{self.host}:6543/stock"  # TXN502@16


engine = create_async_engine(Server().address())
""",
    ),
    Bad(
        path="app/session.py",
        source="""
from pydantic import PostgresDsn, SecretStr, computed_field, model_validator
from pydantic_settings import BaseSettings
from sqlalchemy.ext.asyncio import create_async_engine

HOST = "aws-1-eu-north-1.pooler.supabase.com"


class Settings(BaseSettings):
    secret: SecretStr
    reports: str = ""

    @computed_field
    @property
    def address(self) -> PostgresDsn:
        secret = self.secret.get_secret_value()
        return PostgresDsn.build(
            scheme="postgresql+asyncpg",
            username="stock",  # TXN502@22
            password=secret,
            host=HOST,
            port=6543,
        )

    @model_validator(mode="after")
    def fill(self):
        secret = self.secret.get_secret_value()
        self.reports = f"postgresql+asyncpg://stock:{secret}@{HOST}:6543/stock"  # TXN502@24
        return self


settings = Settings()
engine = create_async_engine(str(settings.address))
reports = create_async_engine(settings.reports)
""",
    ),
    Bad(
        path="app/session.py",
        source="""
from urllib.parse import urlunparse, urlunsplit

from sqlalchemy.ext.asyncio import create_async_engine

PLACE = "aws-0-eu-west-2.pooler.supabase.com"


def address(user):
    return urlunsplit(("postgresql+asyncpg", f"{user}@{PLACE}:6543", "/postgres", "", ""))


first = create_async_engine(address("postgres"))  # TXN502@29
second = create_async_engine(urlunparse(("postgresql+asyncpg", "app@" + PLACE, "postgres", "", "", "")))  # TXN502@30
""",
    ),
    Bad(
        path="scripts/load.py",
        source="""
import asyncpg

SERVER = "aws-1-eu-north-1.pooler.supabase.com"


async def wrong(password):
    return await asyncpg.connect(host=SERVER, port=6543, user="postgres", password=password)  # TXN502@63


async def right(password, user):
    yield await asyncpg.connect(host=SERVER, port=6543, user="postgres.abcdefghijklmnopqrst", password=password)
    yield await asyncpg.connect(host=SERVER, port=6543, user=user, password=password)
    yield await asyncpg.connect(host="db.example.org", user="postgres", password=password)
""",
    ),
]

GOOD = [
    Good(
        path="app/session.py",
        source='''
"""Connects to postgresql://postgres:password@aws-0-us-west-1.pooler.supabase.com:6543/postgres."""
import os

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import create_async_engine

ref = os.environ["PROJECT_REF"]
user = os.environ["POOLER_USER"]
host = "aws-0-us-west-1.pooler.supabase.com"
database_url = f"postgresql+asyncpg://postgres.{ref}@{host}:6543/postgres"
other_url = f"postgresql+asyncpg://{user}@{host}:6543/postgres"
third_url = URL.create("postgresql+asyncpg", username=f"postgres.{ref}", host=host, port=6543)
direct_url = "postgresql+asyncpg://postgres@db.abcdefgh.supabase.co:5432/postgres"
local_url = "postgresql+asyncpg://postgres@localhost:5432/postgres"
engine = create_async_engine("postgresql+asyncpg://postgres.abcdefgh@aws-0-us-west-1.pooler.supabase.com:6543/postgres")
''',
    ),
    Good(
        path="app/session.py",
        source="""
import os
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import create_async_engine


@dataclass(frozen=True)
class Server:
    host: str = "aws-1-eu-north-1.pooler.supabase.com"
    user: str = "stock"

    def address(self):
        return f"postgresql+asyncpg://{self.user}:{os.environ['SECRET']}@{self.host}:6543/stock"


engine = create_async_engine(Server(user="postgres.abcdefghijklmnopqrst").address())
reports = create_async_engine(Server(user=os.environ["USER"]).address())
""",
    ),
    Good(
        path="app/session.py",
        source="""
from pydantic import PostgresDsn, SecretStr, computed_field, model_validator
from pydantic_settings import BaseSettings
from sqlalchemy.ext.asyncio import create_async_engine

HOST = "aws-1-eu-north-1.pooler.supabase.com"


class Settings(BaseSettings):
    secret: SecretStr
    reports: str = ""

    @computed_field
    @property
    def address(self) -> PostgresDsn:
        secret = self.secret.get_secret_value()
        return PostgresDsn.build(
            scheme="postgresql+asyncpg",
            username="postgres.abcdefghijklmnopqrst",
            password=secret,
            host=HOST,
            port=6543,
        )

    @model_validator(mode="after")
    def fill(self):
        secret = self.secret.get_secret_value()
        self.reports = f"postgresql+asyncpg://postgres.abcdefghijklmnopqrst:{secret}@{HOST}:6543/stock"
        return self


settings = Settings()
engine = create_async_engine(str(settings.address))
reports = create_async_engine(settings.reports)
""",
    ),
    Good(
        path="app/session.py",
        source="""
from urllib.parse import urlsplit, urlunsplit

from sqlalchemy.ext.asyncio import create_async_engine

PLACE = "aws-0-eu-west-2.pooler.supabase.com"


def address(user):
    return urlunsplit(("postgresql+asyncpg", f"{user}@{PLACE}:6543", "/postgres", "", ""))


first = create_async_engine(address("postgres.abcdefgh"))
shown = urlunsplit(("https", f"postgres@{PLACE}", "/docs", "", ""))
other = create_async_engine(urlunsplit(urlsplit("postgresql+asyncpg://db/app")._replace(netloc="postgres@db")))
""",
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """Every pooler URL whose user is written out and wrong."""
    for found in (*found_urls(program), *told_servers(program)):
        if not all(_is_wrong(u) for u in found.urls) or (found.before is not None and _is_wrong(found.before)):
            continue
        user = found.urls[0].user or ""
        yield program.finding(
            META, (found.function, found.span_of("username")),
            f"The pooler finds the project by the user name, and {user.replace(HOLE, '…')!r} names none. "
            "Write postgres.<project-ref>.",
        )  # fmt: skip


def _is_wrong(url: Url) -> bool:
    return bool(url.on_pooler_host and url.user and not _may_be_valid(url.user))


def _may_be_valid(user: str) -> bool:
    """Whether what is not known, or left to be filled in, can complete ``user`` to a valid one."""
    user = _LEFT_OUT.sub(HOLE, user)
    if HOLE not in user:
        return bool(_VALID.match(user))
    start = user.partition(HOLE)[0]
    return "postgres.".startswith(start) or start.startswith("postgres.")
