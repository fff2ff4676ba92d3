"""TXN504: a remote database is reached without TLS, or its certificate is not verified."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from sessionlint.facts import ir
from sessionlint.program.api import Program
from sessionlint.program.literals import owner_of
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import TlsContext, Value
from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.driver_settings import driver_calls
from sessionlint.rules.engine_settings import EngineCall, engine_calls, resolved, settled

META = Rule(
    code="TXN504",
    name="tls-not-configured",
    summary="A remote database is reached without TLS, or with verification off where the policy wants it on.",
    rationale="Without an ssl argument asyncpg and psycopg only prefer encryption: measured against a pooler that "
    "requires TLS, the connection is encrypted but nobody checks who answers, and a server that offers no TLS gets the "
    'password in the clear. ssl="require" encrypts and does not verify either. Only a context made from the CA file '
    "refused a wrong certificate.",
    remedy='Pass connect_args={"ssl": ssl.create_default_context(cafile=settings.ca_file)} (for psycopg: '
    'sslmode=verify-full with sslrootcert). tls = "required" in the policy accepts encryption without verification.',
    not_flagged="Hosts put in at run time unless the source switches TLS off for them, this machine and services next "
    'to it, settings that cannot be told, tls = "off", tests and migrations; contexts that no engine gets.',
    program_wide=True,
)

_OPTIONS = ("ssl", "sslmode", "ssl_context", "sslrootcert")
_OFF = {"disable", "allow", "prefer", "false", "False", "0"}
_UNVERIFIED = {"require", "required", "true", "1"}
#: Drivers that take libpq's ``sslmode``; the others take a context, under a name of their own.
_LIBPQ = ("psycopg", "aiopg")
_CONTEXT = {"pg8000": "ssl_context"}
_VERIFIED_POLICY = (("tls", "verified"),)

BAD = [
    Bad(
        path="app/session.py",
        source="""
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine(
    "postgresql+asyncpg://app@db.example.com:6543/app",  # TXN504@5
    connect_args={"statement_cache_size": 0, "prepared_statement_cache_size": 0},
)
""",
    ),
    Bad(
        path="app/session.py",
        source="""
import os

from sqlalchemy import URL, create_engine

url = URL.create("postgresql+psycopg2", "app", os.environ["PASSWORD"], "db.example.com")
plain = create_engine(url)  # TXN504@23
off = create_engine("postgresql+psycopg2://app@db.example.com/app?sslmode=disable")  # TXN504@21
unset = create_engine("postgresql+asyncpg://app@db.example.com/app", connect_args={"ssl": None})  # TXN504@84
never = create_engine("postgresql+psycopg2://app@db.example.com/app", connect_args={"sslmode": "prefer"})  # TXN504@85
""",
    ),
    Bad(
        path="app/session.py",
        policy=_VERIFIED_POLICY,
        source="""
import ssl

from sqlalchemy.ext.asyncio import create_async_engine

from app.settings import settings

context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE  # TXN504@1
engine = create_async_engine(settings.database_url, connect_args={"ssl": context})
trusting = create_async_engine(settings.database_url, connect_args={"ssl": "require"})  # TXN504@69
""",
    ),
    Bad(
        policy=_VERIFIED_POLICY,
        source="""
# --- app/tls.py
from ssl import CERT_NONE, create_default_context


def make_context(ca_file):
    context = create_default_context(cafile=ca_file)
    context.check_hostname = False  # TXN504@5
    return context
# --- app/session.py
import ssl

from sqlalchemy.ext.asyncio import create_async_engine

from app import tls
from app.settings import settings


def build():
    return create_async_engine(settings.database_url, connect_args={"ssl": tls.make_context(settings.ca_file)})


bare = create_async_engine(settings.database_url, connect_args={"ssl": ssl._create_unverified_context()})  # TXN504@65
""",
    ),
    Bad(
        policy=_VERIFIED_POLICY,
        source="""
# --- app/tls.py
import ssl


def unverified():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # TXN504@5
    return context


def verified():
    return ssl.create_default_context()
# --- app/arguments.py
from app.tls import unverified, verified

CACHES = {"statement_cache_size": 0}
OPEN = dict(CACHES, ssl=unverified())
CLOSED = dict(CACHES, ssl=verified())
# --- app/session.py
from sqlalchemy.ext.asyncio import create_async_engine

from app.arguments import CLOSED, OPEN
from app.settings import settings

first = create_async_engine(settings.database_url, connect_args=OPEN)
second = create_async_engine(settings.database_url, connect_args=CLOSED)
""",
    ),
    Bad(
        policy=_VERIFIED_POLICY,
        source="""
# --- app/tls.py
import ssl


def unverified():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # TXN504@5
    return context


class Certificates:
    def __init__(self):
        self.pinned = ssl.create_default_context()
        self.none = ssl.create_default_context()
        self.none.check_hostname = False
        self.none.verify_mode = ssl.CERT_NONE  # TXN504@9


OPEN = unverified()
LATER = ssl.create_default_context()
LATER.check_hostname = False  # TXN504@1
certificates = Certificates()
# --- app/session.py
import ssl

from sqlalchemy.ext.asyncio import create_async_engine

from app.settings import settings
from app.tls import LATER, OPEN, certificates

URL = settings.database_url
printer = ssl.create_default_context()
printer.verify_mode = ssl.CERT_NONE
restored = ssl.create_default_context()
restored.verify_mode = ssl.CERT_NONE
restored.verify_mode = ssl.CERT_REQUIRED


def for_the_printer():
    context = ssl.create_default_context()
    context.verify_mode = ssl.CERT_NONE
    return context


def build(context):
    return create_async_engine(URL, connect_args={"ssl": context})


def lenient(strict):
    context = ssl.create_default_context()
    arguments = {"ssl": context}
    if not strict:
        context.verify_mode = ssl.CERT_NONE  # TXN504@9
    return create_async_engine(URL, connect_args=arguments)


verified = create_async_engine(URL, connect_args={"ssl": ssl.create_default_context()})
pinned = create_async_engine(URL, connect_args={"ssl": certificates.pinned})
none = create_async_engine(URL, connect_args={"ssl": certificates.none})
later = create_async_engine(URL, connect_args={"ssl": LATER})
through = build(OPEN)
back = create_async_engine(URL, connect_args={"ssl": restored})
""",
    ),
    Bad(
        policy=_VERIFIED_POLICY,
        source="""
# --- app/options.py
from dataclasses import dataclass


@dataclass
class Options:
    how: str = "require"
    closed: str = "verify-full"
# --- app/session.py
from sqlalchemy import create_engine

from app.options import Options

options = Options()
SERVER = "postgresql+psycopg://stock@db.example.org/stock"
engine = create_engine(SERVER, connect_args={"sslmode": options.how})  # TXN504@46
closed = create_engine(SERVER, connect_args={"sslmode": options.closed})
""",
    ),
    Bad(
        path="app/session.py",
        source="""
import asyncpg
import psycopg
import psycopg2
from psycopg_pool import ConnectionPool


async def connect():
    psycopg2.connect(host="db.example.com", dbname="app")  # TXN504@27
    psycopg2.connect("host=db.example.com dbname=app")  # TXN504@22
    psycopg2.connect(host="db.example.com", sslmode="disable")  # TXN504@53
    psycopg.connect("postgresql://app@db.example.com/app?sslmode=prefer")  # TXN504@21
    ConnectionPool("postgresql://app@db.example.com/app")  # TXN504@20
    await asyncpg.connect(host="db.example.com", ssl=False)  # TXN504@54
    return await asyncpg.create_pool("postgresql://app@db.example.com/app")  # TXN504@38
""",
    ),
    Bad(
        path="app/session.py",
        policy=(("tls", "verified"),),
        source="""
import ssl

from sqlalchemy.ext.asyncio import create_async_engine

URL = "postgresql+asyncpg://app@db.example.com/app"
bare = ssl.SSLContext()
either = ssl.SSLContext(ssl.PROTOCOL_TLS)
told = ssl.SSLContext()
told.verify_mode = ssl.CERT_NONE  # TXN504@1
first = create_async_engine(URL, connect_args={"ssl": bare})  # TXN504@48
second = create_async_engine(URL, connect_args={"ssl": either})  # TXN504@49
third = create_async_engine(URL, connect_args={"ssl": told})
""",
    ),
    Bad(
        path="app/session.py",
        source="""
import os

from sqlalchemy import engine_from_config
from sqlalchemy.ext.asyncio import create_async_engine

SETTINGS = {"yard.url": "postgresql+psycopg2://yard@db.example.org/yard", "yard.pool_size": 10}
engine = engine_from_config(SETTINGS, "yard.")  # TXN504@29
off = engine_from_config({"sqlalchemy.url": os.environ["YARD"], "sqlalchemy.connect_args": {"ssl": False}})  # TXN504@93
told = create_async_engine(os.environ["YARD"] + "?ssl=disable")  # TXN504@28
""",
    ),
]

GOOD = [
    Good(
        policy=_VERIFIED_POLICY,
        source="""
# --- app/tls.py
import ssl


def for_the_old_printer():
    context = ssl.create_default_context()
    context.verify_mode = ssl.CERT_NONE
    return context


def verified():
    return ssl.create_default_context()
# --- app/session.py
from sqlalchemy.ext.asyncio import create_async_engine

from app.settings import settings
from app.tls import verified

ARGUMENTS = dict(statement_cache_size=0, ssl=verified())
engine = create_async_engine(settings.database_url, connect_args=ARGUMENTS)
# --- app/printing.py
from app.tls import for_the_old_printer

printer = for_the_old_printer()
""",
    ),
    Good(
        path="app/session.py",
        policy=_VERIFIED_POLICY,
        source="""
import ssl

import httpx
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from app.settings import settings

context = ssl.create_default_context(cafile=settings.ca_file)
arguments = {"timeout": 10}
arguments["ssl"] = context
engine = create_async_engine("postgresql+asyncpg://app@db.example.com/app", connect_args=arguments)
full = create_engine("postgresql+psycopg2://app@db.example.com/app?sslmode=verify-full&sslrootcert=/etc/ca.pem")
local = create_engine("postgresql+psycopg2://app@localhost/app")
socket = create_engine("postgresql+psycopg2:///app?host=/var/run/postgresql")
compose = create_async_engine("postgresql+asyncpg://app@db:5432/app")
loopback = create_async_engine("postgresql+asyncpg://app@127.0.0.1/app")
files = create_engine("sqlite:///app.db")
somewhere = create_async_engine(f"postgresql+asyncpg://app@{settings.host}/app")
told = create_async_engine("postgresql+asyncpg://app@db.example.com/app", connect_args=settings.connect_args)


def scraper():
    lenient = ssl.create_default_context()
    lenient.check_hostname = False
    lenient.verify_mode = ssl.CERT_NONE
    return httpx.Client(verify=lenient)
""",
    ),
    Good(
        path="app/session.py",
        source="""
import ssl

from sqlalchemy.ext.asyncio import create_async_engine

context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
engine = create_async_engine("postgresql+asyncpg://app@db.example.com/app", connect_args={"ssl": context})
""",
    ),
    Good(
        path="app/session.py",
        policy=(("tls", "off"),),
        source="""
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine("postgresql+asyncpg://app@db.example.com/app")
""",
    ),
    Good(
        policy=_VERIFIED_POLICY,
        source="""
# --- app/options.py
from dataclasses import dataclass

from pydantic_settings import BaseSettings


@dataclass
class Options:
    how: str = "require"


class Deployed(BaseSettings):
    encryption: str = "prefer"
# --- app/session.py
import os

from sqlalchemy import create_engine

from app.options import Deployed, Options

options = Options(os.environ["HOW"])
deployed = Deployed()
SERVER = "postgresql+psycopg://stock@db.example.org/stock"
engine = create_engine(SERVER, connect_args={"sslmode": options.how})
other = create_engine(SERVER, connect_args={"sslmode": deployed.encryption})
""",
    ),
    Good(
        path="app/session.py",
        source="""
import os

import asyncpg
import psycopg
import psycopg2
import pymysql


async def connect(options, context):
    psycopg2.connect(host="localhost", dbname="app")
    psycopg2.connect(host="database", dbname="app")
    psycopg2.connect(host=os.environ["DB_HOST"], dbname="app")
    psycopg2.connect(host="db.example.com", sslmode="verify-full", sslrootcert="/etc/ca.pem")
    psycopg.connect("host=db.example.com sslmode=verify-full sslrootcert=/etc/ca.pem")
    psycopg.connect("postgresql://app@db.example.com/app?sslmode=verify-full")
    psycopg2.connect(host="db.example.com", **options)
    pymysql.connect(host="db.example.com")
    await asyncpg.connect(host="db.example.com", ssl=context)
    return await asyncpg.create_pool("postgresql://app@db.example.com/app", ssl=context)
""",
    ),
    Good(
        path="app/session.py",
        policy=(("tls", "verified"),),
        source="""
import os
import ssl

from sqlalchemy.ext.asyncio import create_async_engine

URL = "postgresql+asyncpg://app@db.example.com/app"
client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
asking = ssl.SSLContext()
asking.verify_mode = ssl.CERT_REQUIRED
naming = ssl.SSLContext(ssl.PROTOCOL_TLS)
naming.check_hostname = True
from_outside = ssl.SSLContext()
from_outside.verify_mode = ssl.VerifyMode[os.environ["VERIFY"]]
first = create_async_engine(URL, connect_args={"ssl": client})
second = create_async_engine(URL, connect_args={"ssl": asking})
third = create_async_engine(URL, connect_args={"ssl": naming})
fourth = create_async_engine(URL, connect_args={"ssl": from_outside})
""",
    ),
    Good(
        path="app/session.py",
        source="""
import os

from sqlalchemy import engine_from_config
from sqlalchemy.ext.asyncio import create_async_engine

SERVER = "postgresql+psycopg2://yard@db.example.org/yard"
VERIFIED = {"sslmode": "verify-full", "sslrootcert": "/etc/ca.pem"}
engine = engine_from_config({"yard.url": SERVER, "yard.connect_args": VERIFIED}, "yard.")
given = engine_from_config({"sqlalchemy.url": SERVER}, connect_args=VERIFIED)
timed = create_async_engine(os.environ["YARD"] + "?timeout=5")
required = create_async_engine(os.environ["YARD"] + "?ssl=require")
here = create_async_engine(f"postgresql+asyncpg://yard@{os.getenv('HOST', 'localhost')}/yard?ssl=disable")


def made(settings):
    return engine_from_config({"sqlalchemy.url": SERVER, **settings})
""",
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """Engines without TLS, and, where the policy says ``verified``, those that do not verify."""
    if program.policy.tls == "off":
        return
    verified = program.policy.tls == "verified"
    reported: set[tuple[str, ir.Span4]] = set()
    for call in chain(engine_calls(program), driver_calls(program)):
        for function, span, message in _defects(program, call, verified):
            if (function.path, span) not in reported:
                reported.add((function.path, span))
                elsewhere = function is not call.event.function
                made = "the driver connects here" if call.direct else "the engine that gets it is made here"
                steps = [*([program.step(call.event.site, made)] if elsewhere else []), *call.steps(program)]
                yield program.finding(META, (function, span), message, steps)


def _defects(program: Program, call: EngineCall, verified: bool) -> Iterator[tuple[FunctionInfo, ir.Span4, str]]:
    function = call.event.function
    values = [(key, m.get(key)) for m in call.connect_args for key in _OPTIONS if m.get(key) is not None]
    in_url = [(key, value) for u in call.urls for key, value in u.query if key in _OPTIONS]
    if not values and not in_url:
        if call.connect_args_known and call.all_urls("is_remote"):
            host = call.urls[0].host
            message = f"{host} is reached without TLS. {_advice(call)}"
            yield function, call.url_span, message
        return
    for key, value in values:
        constants = settled(program, value, deployed=False)
        word = _verdict(constants, verified)
        if key == "ssl" and constants and all(c is None for c in constants) and call.all_urls("is_remote"):
            word = "lets the connection go without TLS"
        if word:
            place = call.place_in(program, key)
            yield *place, f"{key} {word}. {_advice(call)}"
        elif verified:
            yield from _contexts(program, call, key, value)
    for key, text in in_url:
        word = _verdict([text], verified)
        if word and not any(u.is_local for u in call.urls):
            yield function, call.url_span, f"{key}={text} in the URL {word}. Verify the server with its CA file."


def _advice(call: EngineCall) -> str:
    """How the driver of a connection is told to verify the server."""
    if call.direct:
        driver = next((a.name.partition(".")[0] for a in call.event.value if a.tag == "ext"), "")
    else:
        plain = "" if call.is_async or not call.urls[:1] or call.urls[0].drivername != "postgresql" else "psycopg2"
        driver = next((u.driver for u in call.urls if u.driver), plain)
    where = "" if call.direct else " in connect_args"
    if driver.startswith(_LIBPQ):
        return f"Pass sslmode=verify-full with the CA file as sslrootcert{where}."
    return f"Pass {_CONTEXT.get(driver, 'ssl')}=ssl.create_default_context(cafile=…){where}."


def _verdict(constants: list[object] | None, verified: bool) -> str | None:
    """What is wrong with the literals of a TLS option, or ``None``."""
    if not constants:
        return None
    if all(c is False or str(c) in _OFF for c in constants):
        return "lets the connection go without TLS"
    if verified and all(isinstance(c, str) and c in _UNVERIFIED for c in constants):
        return "encrypts without verifying the server, where the policy wants it verified"
    return None


def _contexts(
    program: Program, call: EngineCall, key: str, value: Value
) -> Iterator[tuple[FunctionInfo, ir.Span4, str]]:
    """Contexts given to an engine whose verification is switched off."""
    contexts = [a for a in resolved(program, value) if isinstance(a, TlsContext) and a.off]
    # of the two assignments that it takes, the last one of each context
    for atom in {a.site: a for a in sorted(contexts, key=lambda a: a.off or a.site)}.values():
        if atom.off is None or atom.off == atom.site:
            message = "This context verifies nothing, where the policy wants it to. Use ssl.create_default_context()."
            yield *call.place_in(program, key), message
            continue
        path, span = atom.off
        function = owner_of(program.solver.modules[path], span)
        text = next((e.text for e in function.events if e.kind == "setattr" and e.span == span), "This")
        message = f"{text} switches off certificate checks the policy wants on. Give the context the CA file."
        yield function, span, message
