"""TXN505: a connection pool is smaller than the policy's minimum, or has no bound."""

from __future__ import annotations

from collections.abc import Iterator

from sessionlint.program.api import Program
from sessionlint.program.consuming import AT_MOST
from sessionlint.program.pool_objects import options_of
from sessionlint.program.values import Site, Value
from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.engine_settings import EngineCall, Place, engine_calls, only_for_sqlite, resolved, settled

_OPTIONS = ("pool_size", "max_overflow")

META = Rule(
    code="TXN505",
    name="pool-bounds",
    summary="pool_size is under the policy's minimum (5), or the pool has no upper bound.",
    rationale="A pool of one or two makes requests wait for each other and time out under the first real load. A pool "
    "without a bound (pool_size=0 or max_overflow=-1) opens a connection for every request in flight, until the "
    "database or the pooler refuses everybody, this process's neighbours included.",
    remedy="Set pool_size to at least the policy's pool-min (about the pooler's own size is enough: 2, 5, 10 and 25 "
    "per process gave 368, 416, 416 and 391 transactions a second against 5 server connections) and "
    "max_overflow to a small number.",
    not_flagged="Sizes that are put in at run time and have no default in the source, sizes that are large enough on "
    "some path, SQLite (by its URL, or made where the code has asked for it), tests and migrations.",
    program_wide=True,
)

BAD = [
    Bad(
        path="app/session.py",
        source="""
from sqlalchemy.ext.asyncio import create_async_engine

from app.settings import settings

engine = create_async_engine(
    settings.database_url,
    pool_size=2,  # TXN505@15
    max_overflow=-1,  # TXN505@18
)
""",
    ),
    Bad(
        path="app/session.py",
        source="""
from sqlalchemy import create_engine

from app.settings import settings

OPTIONS = {"pool_size": 0, "pool_pre_ping": True}
engine = create_engine(settings.database_url, **OPTIONS)  # TXN505@10
summed = create_engine(settings.database_url, pool_size=1 + 2)  # TXN505@57
enough = create_engine(settings.database_url, pool_size=2 * 3 - 1)
loose = create_engine(settings.database_url, max_overflow=4 - 5)  # TXN505@59
""",
    ),
    Bad(
        path="app/session.py",
        policy=(("pool-min", 10),),
        source="""
from pydantic import Field
from pydantic_settings import BaseSettings
from sqlalchemy.ext.asyncio import create_async_engine

from app.settings import settings

SMALL = 8

class Pool(BaseSettings):
    size: int = 2
    overflow: int = Field(default=-1)


pool = Pool()
configured = create_async_engine(settings.database_url, pool_size=pool.size)  # TXN505@67
unbounded = create_async_engine(settings.database_url, max_overflow=pool.overflow)  # TXN505@69


def make(size=SMALL):
    return create_async_engine(settings.database_url, pool_size=size)  # TXN505@65


engine = make()
""",
    ),
    Bad(
        source="""
# --- app/pools.py
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Pool:
    pool_size: int = 10
    max_overflow: int = 5

    def keywords(self):
        return {"pool_size": self.pool_size, "max_overflow": self.max_overflow}

    def loud(self):
        return dict(self.keywords(), echo=True)


class Small:
    def __init__(self, pool_size=2):
        self.pool_size = pool_size

    @property
    def options(self):
        return dict(pool_size=self.pool_size)


class Later(Small):
    def __init__(self, pool_size):
        self.pool_size = pool_size


class Checked(Pool):
    def __post_init__(self):
        object.__setattr__(self, "pool_size", max(5, self.pool_size))


class Pair(NamedTuple):
    pool_size: int
    max_overflow: int = 0


TINY, USUAL = Pool(pool_size=1), Pool()
NARROW = Pair(1)
# --- app/session.py
import os
from dataclasses import replace

from sqlalchemy.ext.asyncio import create_async_engine

from app.pools import NARROW, TINY, USUAL, Checked, Later, Pool, Small
from app.settings import settings

URL = settings.database_url
usual = create_async_engine(URL, **USUAL.keywords())
tiny = create_async_engine(URL, **TINY.keywords())  # TXN505@8
loud = create_async_engine(URL, **Pool(3).loud())  # TXN505@8
read = create_async_engine(URL, pool_size=TINY.pool_size)  # TXN505@43
small = create_async_engine(URL, **Small().options)  # TXN505@9
given = create_async_engine(URL, **Small(3).options)  # TXN505@9
large = create_async_engine(URL, **Small(20).options)
pair = create_async_engine(URL, pool_size=NARROW.pool_size)  # TXN505@43
wider = create_async_engine(URL, pool_size=NARROW._replace(pool_size=20).pool_size)
outside = create_async_engine(URL, **Pool(pool_size=int(os.environ["SIZE"])).keywords())
unknown = create_async_engine(URL, **Pool(**settings.pool).keywords())
replaced = create_async_engine(URL, **replace(TINY, pool_size=10).keywords())
narrowed = create_async_engine(URL, **replace(USUAL, pool_size=2).keywords())  # TXN505@12
whole = create_async_engine(URL, **replace(TINY, **settings.pool).keywords())
checked = create_async_engine(URL, **Checked(1).keywords())
later = Later(1)
later.pool_size = 10
changed = create_async_engine(URL, **later.options)
""",
    ),
    Bad(
        path="app/session.py",
        source="""
import os

from sqlalchemy.ext.asyncio import create_async_engine

from app.settings import settings

SIZE = int(os.environ.get("SIZE", 2))


class Limits:
    overflow = int(os.getenv("OVERFLOW", "-1"))
    size = int(os.getenv("SIZE", "3"))


engine = create_async_engine(settings.database_url, pool_size=int(os.getenv("SIZE", "1")))  # TXN505@63
other = create_async_engine(settings.database_url, pool_size=SIZE)  # TXN505@62
third = create_async_engine(settings.database_url, pool_size=Limits.size)  # TXN505@62
fourth = create_async_engine(settings.database_url, max_overflow=Limits.overflow)  # TXN505@66
""",
    ),
    Bad(
        path="app/session.py",
        source="""
import os

from sqlalchemy import engine_from_config
from sqlalchemy.ext.asyncio import async_engine_from_config

SETTINGS = {"db.url": os.environ["STOCK_DB"], "db.pool_size": "2", "db.max_overflow": "-1", "sqlalchemy.pool_size": 20}
narrow = engine_from_config(SETTINGS, "db.")  # TXN505@10
wide = async_engine_from_config({"sqlalchemy.url": os.environ["STOCK_DB"], "sqlalchemy.pool_size": 0})  # TXN505@8
""",
    ),
    Bad(
        path="app/session.py",
        source="""
import os

import psycopg
from sqlalchemy import QueuePool, create_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool as Connections


def dial():
    return psycopg.connect(os.environ["YARD"])


narrow = create_engine("postgresql+psycopg://", pool=QueuePool(dial, pool_size=2))  # TXN505@80
second = QueuePool(dial, 1)  # TXN505@26
engine = create_engine("postgresql+psycopg://", pool=second)
endless = create_engine("postgresql+psycopg://", pool=Connections(dial, 5, max_overflow=-1))  # TXN505@89
""",
    ),
    Bad(
        path="app/session.py",
        source="""
import configparser
import os

from sqlalchemy.ext.asyncio import create_async_engine

parser = configparser.ConfigParser()
parser.read("shelf.ini")
small = create_async_engine(os.environ["SHELF"], pool_size=parser.getint("shelf", "size", fallback=3))  # TXN505@60
other = create_async_engine(os.environ["SHELF"], pool_size=parser["shelf"].getint("size", 2))  # TXN505@60
""",
    ),
]

GOOD = [
    Good(
        path="app/session.py",
        source="""
import os
from dataclasses import dataclass

from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from app.settings import settings


@dataclass
class Pool:
    size: int = 2


engine = create_async_engine(settings.database_url, pool_size=5, max_overflow=0)
sized = create_async_engine(settings.database_url, pool_size=settings.pool_size, max_overflow=10)
either = create_async_engine(settings.database_url, pool_size=2 if settings.debug else 10)
default = create_async_engine(settings.database_url)
files = create_engine("sqlite:///app.db", pool_size=1)
given = create_async_engine(settings.database_url, pool_size=Pool(size=10).size)
from_outside = create_async_engine(settings.database_url, pool_size=int(os.environ["POOL_SIZE"]))
enough = create_async_engine(settings.database_url, pool_size=int(os.getenv("POOL_SIZE", "10")))
either_way = create_async_engine(settings.database_url, pool_size=int(os.getenv("A", "2")) if settings.debug else 9)
doubled = create_async_engine(settings.database_url, pool_size=int(os.getenv("POOL_SIZE", "2")) * settings.workers)
named = create_async_engine(settings.database_url, pool_size=int(os.getenv("POOL_SIZE", settings.pool_size)))
page = {"pool_size": 1}
""",
    ),
    Good(
        path="tests/conftest.py",
        source="""
from sqlalchemy.ext.asyncio import create_async_engine

engine = create_async_engine("postgresql+asyncpg://postgres@localhost/test", pool_size=1, max_overflow=-1)
""",
    ),
    Good(
        path="app/session.py",
        source="""
import os

from sqlalchemy import engine_from_config

SETTINGS = {"db.url": os.environ["STOCK_DB"], "db.pool_size": "2", "sqlalchemy.pool_size": "20"}
SETTINGS["sqlalchemy.url"] = os.environ["STOCK_DB"]
by_default = engine_from_config(SETTINGS)
told = engine_from_config(SETTINGS, prefix="db.", pool_size=10)
small = engine_from_config({"sqlalchemy.url": "sqlite:///stock.db", "sqlalchemy.pool_size": "1"})


def named(prefix):
    return engine_from_config(SETTINGS, prefix)
""",
    ),
    Good(
        path="app/session.py",
        source="""
import os

import psycopg
from sqlalchemy import NullPool, QueuePool, create_engine


def dial():
    return psycopg.connect(os.environ["YARD"])


wide = create_engine("postgresql+psycopg://", pool=QueuePool(dial, pool_size=8, max_overflow=4))
usual = create_engine("postgresql+psycopg://", pool=QueuePool(dial))
from_outside = create_engine("postgresql+psycopg://", pool=QueuePool(dial, int(os.environ["SIZE"])))
none = create_engine("postgresql+psycopg://", pool=NullPool(dial))
of_no_engine = QueuePool(dial, pool_size=1)
""",
    ),
    Good(
        path="app/session.py",
        source="""
import configparser
import os

from sqlalchemy.ext.asyncio import create_async_engine

parser = configparser.ConfigParser()
parser.read("shelf.ini")
known = create_async_engine(os.environ["SHELF"], pool_size=parser.getint("shelf", "size"))
enough = create_async_engine(os.environ["SHELF"], pool_size=parser.getint("shelf", "size", fallback=10))
""",
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """Every pool size and overflow that is written out and out of bounds, once."""
    seen: set[Site] = set()
    for call in engine_calls(program):
        if call.all_urls("is_sqlite") or only_for_sqlite(program, call.event):
            continue
        for place, message in (*_of_options(program, call), *_of_pools(program, call)):
            site = (place[0].path, place[1])
            if site not in seen:
                seen.add(site)
                yield program.finding(META, place, message, call.steps(program))


def _of_options(program: Program, call: EngineCall) -> Iterator[tuple[Place, str]]:
    """What an engine is told of the pool that it makes."""
    for option, message in _defects(program, {name: call.value_of(program, name) for name in _OPTIONS}):
        yield (call.event.function, call.span_of(option)), message


def _of_pools(program: Program, call: EngineCall) -> Iterator[tuple[Place, str]]:
    """What the pool is told that an engine is given."""
    sites = {a.site for a in call.value_of(program, "pool") if a.tag == "obj"}
    for made in program.events("pool") if sites else ():
        if made.site in sites:
            told = options_of(made)
            values = {name: resolved(program, told[name][0]) for name in _OPTIONS if name in told}
            for option, message in _defects(program, values):
                yield (made.function, told[option][1]), message


def _defects(program: Program, values: dict[str, Value]) -> Iterator[tuple[str, str]]:
    """The options that are out of bounds, and what is wrong with them."""
    least = program.policy.pool_min
    sizes = _numbers(program, values.get("pool_size", ()))
    if sizes and all(size < least for size in sizes):
        size = sizes[0]
        what = "no bound" if size == 0 else f"room for {size}, under the policy's minimum of {least}"
        yield "pool_size", f"The pool has {what}: pool_size={size}. Set pool_size to {least} or more."
    overflow = _numbers(program, values.get("max_overflow", ()))
    if overflow and all(number < 0 for number in overflow):
        yield "max_overflow", f"The pool has no bound: max_overflow={overflow[0]}. Set it to a small number."


def _numbers(program: Program, value: Value) -> list[int]:
    # no more than what is written out beside it
    found = settled(program, tuple([a for a in value if a != AT_MOST])) or []
    numbers = [n for n in found if isinstance(n, int) and not isinstance(n, bool)]
    return numbers if len(numbers) == len(found) else []
