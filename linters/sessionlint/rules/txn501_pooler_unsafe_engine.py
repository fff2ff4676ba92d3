"""TXN501: an engine meant for a transaction pooler is set up so that the pooler breaks it."""

from __future__ import annotations

from collections.abc import Iterator

from sessionlint.program.api import Program
from sessionlint.program.urls import OTHER_DATABASE
from sessionlint.program.values import Map, Site, Value, literal
from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.branches import for_tests, mentions
from sessionlint.rules.engine_settings import EngineCall, Place, engine_calls, settled, wants_pooler

META = Rule(
    code="TXN501",
    name="pooler-unsafe-engine",
    summary="An asyncpg engine behind a transaction pooler lacks the cache settings, has them where they do not work, "
    "or sets what the pooler refuses.",
    rationale="A transaction pooler gives every transaction another server connection, so a prepared statement made in "
    "one is missing, or another client's, in the next. Measured with two processes on PgBouncer 1.18: with default "
    "caches 429 of 2,000 transactions succeeded, and some ran another client's statement; with statement_cache_size=0 "
    "all 2,000 did. prepared_statement_cache_size=0 keeps pooled connections from failing every read after a "
    "migration (860 failed reads without it, 0 with it). A prepared_statement_name_func is advice from before asyncpg "
    "0.31: it left 1,573 statements on the server after 2,000 transactions. server_settings such as jit are refused "
    "at connect, 100% of the time. In the URL, statement_cache_size arrives as a string and is a TypeError; raw_sql "
    "and no_prepare are no asyncpg arguments at all. NullPool costs 3 to 5 times the throughput of a queue pool.",
    remedy='Pass connect_args={"statement_cache_size": 0, "prepared_statement_cache_size": 0, "ssl": context} with '
    "asyncpg 0.32 or newer, and nothing else; keep SQLAlchemy's own pool. For psycopg pass prepare_threshold=None. "
    "Set jit or statement_timeout with ALTER ROLE.",
    not_flagged="SQLite, psycopg2 and other drivers without server-side prepared statements, settings with the URL of "
    "another database for default, engines for a written-out local or direct host, settings that cannot be told, "
    "tests, branches for tests, migrations, application_name in server_settings.",
    presets=("scrapersky",),
    program_wide=True,
)

_CACHES = ("statement_cache_size", "prepared_statement_cache_size")
_NO_ARGUMENTS = ("raw_sql", "no_prepare", "pgbouncer")
_NAME_FUNCTION = "prepared_statement_name_func"
#: What PgBouncer tracks and lets through at connect.
_PASSED_ON = {
    "application_name", "client_encoding", "datestyle", "timezone", "standard_conforming_strings", "intervalstyle",
}  # fmt: skip
_Defect = tuple[Place, str]

BAD = [
    Bad(
        path="app/session.py",
        source="""
from sqlalchemy.ext.asyncio import create_async_engine

from app.settings import settings

engine = create_async_engine(settings.database_url, pool_size=10)  # TXN501@10
""",
    ),
    Bad(
        path="app/session.py",
        source="""
from sqlalchemy.ext.asyncio import create_async_engine as make

POOLER = "postgresql+asyncpg://postgres.abcdefgh@aws-0-eu-west-1.pooler.supabase.com:6543/postgres"
half = {"statement_cache_size": 0}
engine = make(POOLER, connect_args=half)  # TXN501@10
inner = {"connect_args": {"statement_cache_size": 0, "server_settings": {}}}  # TXN501@54
inner["connect_args"]["prepared_statement_cache_size"] = 100  # TXN501@1
inner["connect_args"]["server_settings"].update(options="-c x=1")
filled = make(POOLER, **inner)
""",
    ),
    Bad(
        path="app/session.py",
        source="""
import os
from uuid import uuid4

from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

engine = create_async_engine(
    os.environ["DATABASE_URL"],
    poolclass=NullPool,  # TXN501@15
    connect_args={
        "statement_cache_size": 0,
        "prepared_statement_cache_size": 0,
        "prepared_statement_name_func": lambda: f"__asyncpg_{uuid4()}__",  # TXN501@9
        "server_settings": {
            "application_name": "scraper",
            "jit": "off",  # TXN501@13
        },
        "no_prepare": True,  # TXN501@9
    },
)
""",
    ),
    Bad(
        path="app/session.py",
        source="""
from sqlalchemy.ext.asyncio import create_async_engine

from app.settings import settings

engine = create_async_engine(  # TXN501@10
    settings.database_url,
    statement_cache_size=0,  # TXN501@26
)
""",
    ),
    Bad(
        path="app/session.py",
        source="""
import os

from sqlalchemy.ext.asyncio import create_async_engine

host = os.environ["POOLER_HOST"]
engine = create_async_engine(
    f"postgresql+asyncpg://{host}:6543/postgres?statement_cache_size=0&raw_sql=true",  # TXN501@5
    connect_args={"statement_cache_size": 0, "prepared_statement_cache_size": 0},
)
""",
    ),
    Bad(
        source="""
# --- app/options.py
def connect_options(timeout):
    options = {"timeout": timeout}
    options["statement_cache_size"] = 100  # TXN501@5
    options.update(prepared_statement_cache_size=0)
    return options
# --- app/session.py
from sqlalchemy import URL
from sqlalchemy.ext.asyncio import create_async_engine

from app.options import connect_options

url = URL.create("postgresql+asyncpg", host="db.internal.example.com", port=6543)
engine = create_async_engine(url, connect_args=connect_options(10))
""",
    ),
    Bad(
        path="app/session.py",
        source="""
from sqlalchemy.ext.asyncio import create_async_engine

from app.settings import settings


def make_engine(url, connect_args=None):
    return create_async_engine(url, connect_args=connect_args)  # TXN501@12


engine = make_engine(settings.database_url, {"timeout": 10})
""",
    ),
    Bad(
        path="app/session.py",
        source="""
from sqlalchemy import create_engine

engine = create_engine("postgresql+psycopg://app@aws-0-eu-west-1.pooler.supabase.com:6543/postgres")  # TXN501@10
""",
    ),
    Bad(
        path="app/session.py",
        source="""
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app.settings import Mode, settings

CACHES = {"statement_cache_size": 0, "prepared_statement_cache_size": 0}
if settings.mode == Mode.testing:
    engine = create_async_engine(settings.database_url)
else:
    engine = create_async_engine(settings.database_url, poolclass=NullPool, connect_args=CACHES)  # TXN501@67
if settings.test_connection:
    probed = create_async_engine(settings.database_url, poolclass=NullPool, connect_args=CACHES)  # TXN501@67
if settings.testing or settings.debug:
    quick = create_async_engine(settings.database_url, poolclass=NullPool, connect_args=CACHES)  # TXN501@66
if settings.mode != "test":
    slow = create_async_engine(settings.database_url, poolclass=NullPool, connect_args=CACHES)  # TXN501@65
""",
    ),
    Bad(
        source="""
# --- app/config.py
from pydantic_settings import BaseSettings
from yarl import URL


class Config(BaseSettings):
    where: str = "sqlite+aiosqlite:///local.db"
    server: str = "127.0.0.1"

    @property
    def dsn(self) -> URL:
        return URL.build(scheme="postgresql+asyncpg", host=self.server, path="/shop")


config = Config()
# --- app/session.py
from sqlalchemy.ext.asyncio import create_async_engine

from app.config import config

engine = create_async_engine(config.where)  # TXN501@10
other = create_async_engine(str(config.dsn))  # TXN501@9
""",
    ),
    Bad(
        path="app/session.py",
        source="""
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import create_async_engine

URL = "postgresql+asyncpg://postgres.abcdefghijklmnopqrst@aws-1-eu-north-1.pooler.supabase.com:6543/stock"


@dataclass
class Options:
    driver: dict = field(default_factory=lambda: {"timeout": 5})


engine = create_async_engine(URL, connect_args=Options().driver)  # TXN501@10
""",
    ),
    Bad(
        path="app/session.py",
        source="""
from sqlalchemy import event
from sqlalchemy.ext.asyncio import create_async_engine

URL = "postgresql+asyncpg://postgres.abcdefghijklmnopqrst@aws-1-eu-north-1.pooler.supabase.com:6543/stock"
engine = create_async_engine(URL)  # TXN501@10
reports = create_async_engine(URL)  # TXN501@11
alone = create_async_engine(URL)  # TXN501@9


@event.listens_for(engine.sync_engine, "do_connect")
def half(dialect, pooled, positional, options):
    options["statement_cache_size"] = 0


def still_on(dialect, pooled, positional, options):
    options["statement_cache_size"] = 50
    options["prepared_statement_cache_size"] = 0


event.listen(reports.sync_engine, "do_connect", still_on)


@event.listens_for(alone.sync_engine, "connect")
def too_late(connection, pooled):
    pooled.info["statement_cache_size"] = pooled.info["prepared_statement_cache_size"] = 0
""",
    ),
    Bad(
        path="app/session.py",
        source="""
import os

from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import async_engine_from_config, create_async_engine

HALF = {"statement_cache_size": 0}
SETTINGS = {"mill.url": os.environ["MILL"], "mill.pool_size": "10", "mill.connect_args": HALF}
engine = async_engine_from_config(SETTINGS, prefix="mill.")  # TXN501@10
plain = async_engine_from_config({"sqlalchemy.url": os.environ["MILL"]})  # TXN501@9
stone = create_async_engine(os.environ["MILL"].replace("postgres://", "postgresql+psycopg://"))  # TXN501@9
wheel = create_async_engine(os.environ["MILL"].replace("postgres://", "postgresql+asyncpg://", 1))  # TXN501@9
both = {**HALF, "prepared_statement_cache_size": 0}
MILL = make_url(os.environ["MILL"])
by_url = create_async_engine(MILL.set(query={"statement_cache_size": "0"}), connect_args=both)  # TXN501@30
""",
    ),
    Bad(
        source="""
# --- app/kit/options.py
SAFE = {"statement_cache_size": 0, "prepared_statement_cache_size": 0}
HALF = {"statement_cache_size": 0}


class Options:
    def __init__(self, given):
        self._given = given

    @property
    def connect_args(self):
        return dict(self._given)


safe, half = Options(SAFE), Options(HALF)
# --- app/session.py
from sqlalchemy.ext.asyncio import create_async_engine

from app.kit.options import half, safe
from app.settings import settings


def first():
    return create_async_engine(settings.database_url, connect_args=safe.connect_args)


def second():
    return create_async_engine(settings.database_url, connect_args=half.connect_args)  # TXN501@12
"""
    ),
    Bad(
        """
import os

from sqlalchemy.ext.asyncio import create_async_engine

BOTH = {"statement_cache_size": 0, "prepared_statement_cache_size": 0}
ONE = {"statement_cache_size": 0}


def options(short):
    return {"pool_size": 10, "connect_args": ONE if short else BOTH}


whole = create_async_engine(os.environ["DATABASE_URL"], **options(False))
engine = create_async_engine(os.environ["DATABASE_URL"], **options(True))  # TXN501@10
""",
        path="app/session.py",
    ),
]

GOOD = [
    Good(
        path="app/session.py",
        source="""
import ssl

from sqlalchemy.ext.asyncio import create_async_engine

from app.settings import settings

connect_args = {"timeout": 10, "server_settings": {"application_name": "scraper"}}
connect_args["ssl"] = ssl.create_default_context(cafile=settings.ca_file)
connect_args |= {"statement_cache_size": 0}
connect_args.update(prepared_statement_cache_size=0)
options = {"connect_args": connect_args, "pool_size": 10, "pool_pre_ping": True}
engine = create_async_engine(settings.database_url, **options)
""",
    ),
    Good(
        path="app/session.py",
        source="""
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app.settings import settings
from somewhere import options, statement_caches

files = create_async_engine("sqlite+aiosqlite:///scrape.db", poolclass=NullPool)
here = create_async_engine("postgresql+asyncpg://app@localhost:5432/app")
reports = create_engine("postgresql+psycopg2://app@pooler.example.com:6543/app")
unknown = create_async_engine(settings.database_url, **options)
called = create_async_engine(settings.database_url, connect_args=statement_caches())
threshold = create_engine(
    "postgresql+psycopg://app@pooler.example.com:6543/app", connect_args={"prepare_threshold": None}
)
""",
    ),
    Good(
        path="app/session.py",
        source="""
from sqlalchemy.ext.asyncio import create_async_engine

from app.settings import settings

engine = create_async_engine(
    f"postgresql+asyncpg://{settings.user}@{settings.host}:6543/postgres?prepared_statement_cache_size=0",
    connect_args={"statement_cache_size": 0},
    poolclass=None,
)
""",
    ),
    Good(
        path="migrations/env.py",
        source="""
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app.settings import settings

engine = create_async_engine(settings.database_url, poolclass=NullPool)
""",
    ),
    Good(
        path="app/session.py",
        source="""
from sqlalchemy.ext.asyncio import create_async_engine

from app.settings import settings

CACHES = {"statement_cache_size": 0, "prepared_statement_cache_size": 0}
if not settings.database_url.startswith("sqlite"):
    engine = create_async_engine(settings.database_url, connect_args=CACHES)
else:
    engine = create_async_engine(settings.database_url)
""",
    ),
    Good(
        path="app/session.py",
        source="""
from sqlalchemy.ext.asyncio import create_async_engine

from app.settings import settings

OPTIONS = {"pool_size": 10, "connect_args": {}}
OPTIONS["connect_args"]["statement_cache_size"] = 0
OPTIONS["connect_args"].update(prepared_statement_cache_size=0)
filled = create_async_engine(settings.database_url, **OPTIONS)

arguments = {}
options = {"connect_args": arguments}
for name in ("statement_cache_size", "prepared_statement_cache_size"):
    arguments[name] = 0
shared = create_async_engine(settings.database_url, **options)

defaults = {"connect_args": {"statement_cache_size": 0}}
extended = {**defaults, "connect_args": {**defaults["connect_args"], "prepared_statement_cache_size": 0}}
replaced = create_async_engine(settings.database_url, **extended)
""",
    ),
    Good(
        path="app/session.py",
        source="""
import os
import sys

from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app.settings import Mode, settings

CACHES = {"statement_cache_size": 0, "prepared_statement_cache_size": 0}
OPTIONS = {"connect_args": CACHES}
if settings.TESTING:
    OPTIONS["poolclass"] = NullPool
optional = create_async_engine(settings.database_url, **OPTIONS)
if settings.mode == Mode.testing and settings.database_url:
    engine = create_async_engine(settings.database_url, poolclass=NullPool)
elif not os.getenv("PYTEST_VERSION"):
    engine = create_async_engine(settings.database_url, pool_size=10, connect_args=CACHES)
else:
    engine = create_async_engine(settings.database_url, poolclass=NullPool)


def other_engine():
    if "pytest" in sys.modules or settings.env in ("test", "unittest"):
        return create_async_engine(settings.database_url, poolclass=NullPool)
    if settings.env not in ("test",):
        return create_async_engine(settings.database_url, connect_args=CACHES)
    else:
        return quick_engine()


def quick_engine():
    return create_async_engine(settings.database_url, poolclass=NullPool)
""",
    ),
    Good(
        source="""
# --- app/config.py
from pydantic_settings import BaseSettings
from yarl import URL


class Config(BaseSettings):
    where: str = "mysql+asyncmy://shop@db/shop"
    files: str = "sqlite+aiosqlite:///shop.db"
    server: str = "127.0.0.1"

    @property
    def dsn(self) -> URL:
        return URL.build(scheme="mariadb+aiomysql", host=self.server, path="/shop")


config = Config()
# --- app/session.py
from sqlalchemy.ext.asyncio import create_async_engine

from app.config import config

engine = create_async_engine(config.where)
other = create_async_engine(str(config.dsn))
third = create_async_engine(config.files)
""",
    ),
    Good(
        path="app/session.py",
        source="""
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import create_async_engine

URL = "postgresql+asyncpg://postgres.abcdefghijklmnopqrst@aws-1-eu-north-1.pooler.supabase.com:6543/stock"
OFF = {"statement_cache_size": 0, "prepared_statement_cache_size": 0}


@dataclass
class Options:
    driver: dict = field(default_factory=lambda: {"timeout": 5})
    safe: dict = field(default_factory=lambda: {"timeout": 5, **OFF})


def changed():
    options = Options()
    options.driver = OFF
    return options


engine = create_async_engine(URL, connect_args=Options().safe)
given = create_async_engine(URL, connect_args=Options(driver=OFF).driver)
later = create_async_engine(URL, connect_args=changed().driver)
""",
    ),
    Good(
        path="app/session.py",
        source="""
from sqlalchemy import event
from sqlalchemy.ext.asyncio import create_async_engine

from app.options import CACHES, connect

URL = "postgresql+asyncpg://postgres.abcdefghijklmnopqrst@aws-1-eu-north-1.pooler.supabase.com:6543/stock"
engine = create_async_engine(URL, connect_args={"timeout": 5, "statement_cache_size": 80})
reports = create_async_engine(URL)
filled = create_async_engine(URL, connect_args={"statement_cache_size": 80})
own = create_async_engine(URL)
given = create_async_engine(URL, async_creator=connect)


def caches_off(dialect, pooled, positional, options):
    options["statement_cache_size"] = 0
    options["prepared_statement_cache_size"] = 0


event.listen(engine.sync_engine, "do_connect", caches_off)


def install(target):
    event.listen(target.sync_engine, "do_connect", caches_off)


install(reports)


@event.listens_for(filled.sync_engine, "do_connect")
def fill(dialect, pooled, positional, options):
    options.update(CACHES)


@event.listens_for(own.sync_engine, "do_connect")
def by_hand(dialect, pooled, positional, options):
    return connect(*positional)
""",
    ),
    Good(
        path="app/session.py",
        source="""
from sqlalchemy import Engine, event
from sqlalchemy.ext.asyncio import create_async_engine

URL = "postgresql+asyncpg://postgres.abcdefghijklmnopqrst@aws-1-eu-north-1.pooler.supabase.com:6543/stock"
engine = create_async_engine(URL)


@event.listens_for(Engine, "do_connect")
def caches_off(dialect, pooled, positional, options):
    for name in ("statement_cache_size", "prepared_statement_cache_size"):
        options[name] = 0
""",
    ),
    Good(
        source="""
# --- app/config.py
from pydantic_settings import BaseSettings
from yarl import URL


class Config(BaseSettings):
    server: str = "127.0.0.1"

    @property
    def place(self) -> URL:
        return URL.build(scheme="mysql+aiomysql", host=self.server, path="/shop")


config = Config()
# --- app/session.py
from sqlalchemy.ext.asyncio import create_async_engine

from app.config import config

engine = create_async_engine(str(config.place.with_path("/archive")))
other = create_async_engine(str(config.place.with_host("db.example.org").with_port(3307)))
""",
    ),
    Good(
        path="app/session.py",
        source="""
import os

from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import async_engine_from_config, create_async_engine

ONCE = {"prepare_threshold": None}
CACHES = {"statement_cache_size": 0, "prepared_statement_cache_size": 0}
replaced = create_async_engine(os.environ["MILL"].replace("postgres://", "postgresql+psycopg://"), connect_args=ONCE)
begun = create_async_engine("postgresql+psycopg" + os.environ["MILL"].removeprefix("postgres"), connect_args=ONCE)
url = os.environ["MILL_TOO"]
if url.startswith("postgres://"):
    url = url.replace("postgres://", "postgresql+psycopg://")
maybe = create_async_engine(url, connect_args=ONCE)
other = create_engine(os.getenv("MILL", "").replace("+asyncpg", "+psycopg2"))
by_default = create_async_engine(os.getenv("MILL", "postgresql+psycopg://mill@localhost/mill"), connect_args=ONCE)
configured = async_engine_from_config({"mill.url": os.environ["MILL"], "mill.connect_args": CACHES}, "mill.")
given = async_engine_from_config({"sqlalchemy.url": os.environ["MILL"]}, connect_args=CACHES)


def made(settings):
    return async_engine_from_config({**settings, "sqlalchemy.pool_size": 10})
""",
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """Every defect of every engine that is meant for a transaction pooler, once."""
    seen: set[tuple[Site, str]] = set()
    for call in engine_calls(program):
        if not wants_pooler(program, call):
            continue
        drivers = _drivers(program, call)
        if call.is_async and drivers <= {"asyncpg", None}:
            defects = _asyncpg(program, call)
        elif drivers <= {"psycopg", "psycopg_async"} and call.urls_known:
            defects = _psycopg(call)
        else:
            continue
        for place, message in defects:
            told = ((place[0].path, place[1]), message)
            if told not in seen:
                seen.add(told)
                yield program.finding(META, place, message, call.steps(program))


def _drivers(program: Program, call: EngineCall) -> set[str | None]:
    """The drivers of the URLs; of what comes from outside the one that the source writes for it, if any."""
    if call.urls_known or _is_for_another(program, call):
        return {u.driver for u in call.urls}
    written: set[str | None] = {u.driver for u in call.urls if u.driver is not None and not u.is_sqlite}
    return written or {None}


def _is_for_another(program: Program, call: EngineCall) -> bool:
    """Whether the URL that a setting has by default is one of another database.

    SQLite may be what tests and laptops use in the place of a server: it is what is meant where nothing speaks of
    asyncpg.
    """
    if not call.urls or not all(OTHER_DATABASE.match(u.drivername) for u in call.urls):
        return False
    return not any(u.is_sqlite for u in call.urls) or not any(m.mentions(b"asyncpg") for m in program.modules)


def _psycopg(call: EngineCall) -> Iterator[_Defect]:
    threshold = [m.get("prepare_threshold") for m in call.connect_args]
    if call.connect_args_known and not any(t is not None for t in threshold):
        yield (
            (call.event.function, call.event.span),
            "This psycopg engine prepares statements, which a transaction pooler loses. "
            'Pass connect_args={"prepare_threshold": None}.',
        )


def _asyncpg(program: Program, call: EngineCall) -> Iterator[_Defect]:
    yield from _missing(call)
    yield from _wrong_value(program, call)
    yield from _in_url(call)
    yield from _as_keywords(call)
    yield from _refused(program, call)
    yield from _pool_class(program, call)


def _missing(call: EngineCall) -> Iterator[_Defect]:
    if not call.connect_args_known:
        return
    given = {key for m in call.connect_args for key, _ in m.items}
    in_url = {key for u in call.urls for key, _ in u.query if key == _CACHES[1]}
    missing = [name for name in _CACHES if name not in given | in_url]
    if missing:
        names = " and ".join(f'"{name}": 0' for name in missing)
        yield (
            (call.event.function, call.event.span),
            f"This engine goes through a transaction pooler without {' and '.join(missing)} in connect_args. "
            f"Add {names} to connect_args, or statements of other clients run in its place.",
        )


def _wrong_value(program: Program, call: EngineCall) -> Iterator[_Defect]:
    for name in _CACHES:
        values = [settled(program, v) for v in _entries(call, name)]
        if values and all(v is not None and any(type(x) is not int or x != 0 for x in v) for v in values):
            shown = next(x for v in values if v for x in v if type(x) is not int or x != 0)
            yield (
                call.place_in(program, name),
                f"{name} is {shown!r}; only the number 0 switches the cache off for the pooler.",
            )


def _in_url(call: EngineCall) -> Iterator[_Defect]:
    names = {key for u in call.urls for key, _ in u.query}
    found = [n for n in (_CACHES[0], _NAME_FUNCTION, *_NO_ARGUMENTS) if n in names]
    if found:
        yield (
            (call.event.function, call.url_span),
            f"{' and '.join(found)} in the URL reach{'es' if len(found) == 1 else ''} asyncpg as text, which is a "
            "TypeError at connect. Take the query out of the URL and pass both cache sizes in connect_args.",
        )


def _as_keywords(call: EngineCall) -> Iterator[_Defect]:
    for name in (*_CACHES, _NAME_FUNCTION, *_NO_ARGUMENTS):
        if name in call.options:
            advice = f'Pass connect_args={{"{name}": 0}}.' if name in _CACHES else "Remove it."
            place = (call.event.function, call.span_of(name))
            yield place, f"{name} is no argument of the engine and a TypeError. {advice}"


def _refused(program: Program, call: EngineCall) -> Iterator[_Defect]:
    for name in _NO_ARGUMENTS:
        if _entries(call, name):
            yield (
                call.place_in(program, name),
                f"{name} is no asyncpg argument, so every connect fails. Remove it; the cache sizes do its work.",
            )
    if any(literal(v) is not None or not _is_none(v) for v in _entries(call, _NAME_FUNCTION)):
        yield (
            call.place_in(program, _NAME_FUNCTION),
            f"{_NAME_FUNCTION} leaks a statement on the pooler's server connections with every transaction. "
            "Remove it; with asyncpg 0.32 and statement_cache_size=0 statements have no name to collide.",
        )
    for key in _settings(call):
        yield (
            call.place_in(program, "server_settings", key),
            f"The pooler refuses the startup parameter {key!r}, so every connect fails. Take it out of server_settings "
            "and set it with ALTER ROLE.",
        )


def _settings(call: EngineCall) -> list[str]:
    maps = [a for v in _entries(call, "server_settings") for a in v if isinstance(a, Map)]
    keys = [k for m in maps for k, _ in m.items if isinstance(k, str) and k != "**"]
    return [k for k in dict.fromkeys(keys) if k.lower() not in _PASSED_ON]


def _pool_class(program: Program, call: EngineCall) -> Iterator[_Defect]:
    value = call.options.get("poolclass") or ()
    function = call.event.function
    serves = program.role(function) == "session" or program.policy.layer_of(function.path) is not None
    if serves and len(value) == 1 and value[0].tag == "ext" and value[0].name.endswith(".NullPool"):
        written = list(mentions(function, "NullPool"))
        if written and all(for_tests(function, span) for span in written):
            return
        yield (
            (function, call.span_of("poolclass")),
            "NullPool connects anew for every session, which costs 3 to 5 times the throughput and cures no pooler "
            "error. Leave poolclass out.",
        )


def _entries(call: EngineCall, name: str) -> list[Value]:
    return [v for v in (m.get(name) for m in call.connect_args) if v is not None]


def _is_none(value: Value) -> bool:
    return len(value) == 1 and value[0].tag == "const" and value[0].value is None
