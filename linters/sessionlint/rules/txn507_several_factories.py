"""TXN507: the session modules hold more than one engine or session factory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.program.api import Program
from sessionlint.program.conditions import opens_none
from sessionlint.program.model import Effect, Event, FunctionInfo
from sessionlint.program.values import Handle
from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.engine_makers import Held, alternatives, held, is_ruled_out
from sessionlint.rules.engines_of_objects import objects_beside
from sessionlint.rules.live_places import is_left_to_migrations, live_together
from sessionlint.rules.opening import approved_by_policy, approved_openers

META = Rule(
    code="TXN507",
    name="several-factories",
    summary="More than one engine or session factory is live in the session modules.",
    rationale="Every engine has a pool of its own, so two engines hold twice the connections and reach the pooler's "
    "limit in half the load. Two factories give sessions with different settings (expire_on_commit, autoflush,"
    " prepared statements), and which one a request gets depends on an import; a fix made to one is missing in"
    " the other. The finding stands at each after the first.",
    remedy="Keep one engine and one factory made from it, the ones behind the policy's session-contexts and "
    "session-dependencies, and let everything that opens sessions use them. When two "
    "databases are meant, suppress this finding with the reason.",
    not_flagged="The same name defined in both branches of an if or try, what one if makes or the other, in functions "
    "called there, too, what the arguments of a function's only call rule out, a scoped_session around the factory, "
    "engines "
    "of two applications in one repository (a file beside them belongs to those that import it), an engine that a "
    "function uses itself and keeps from all others, engines of tests and migrations, calls that return the one cached "
    "engine, what stands under TYPE_CHECKING, what a function makes for nobody but migrations and tests, or for "
    "nobody at all.",
    program_wide=True,
)

_CACHES = ("functools.cache", "functools.lru_cache", "cachetools")
_WHAT = {"engine": "engine", "factory": "session factory"}

BAD = [
    Bad(
        path="app/session.py",
        source="""
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from app.settings import settings

writer = create_async_engine(settings.database_url)
reader = create_async_engine(settings.replica_url)  # TXN507@10
factories = {
    "write": async_sessionmaker(writer),
    "read": async_sessionmaker(reader),  # TXN507@13
}
""",
    ),
    Bad(
        path="app/session.py",
        source="""
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from app.settings import settings

engine = create_async_engine(settings.database_url)
session_factory = async_sessionmaker(engine, expire_on_commit=False)


def get_background_factory():
    return async_sessionmaker(engine, expire_on_commit=True)  # TXN507@12


background_factory = get_background_factory()
""",
    ),
    Bad(
        policy=(("session-modules", ["app/session.py", "app/reports.py"]),),
        source="""
# --- app/reports.py
from sqlalchemy import create_engine as build
from sqlalchemy.orm import sessionmaker

from app.settings import settings

engine = build(settings.database_url)
Session = sessionmaker(bind=engine)
# --- app/session.py
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from app.settings import settings

engine = create_async_engine(settings.database_url)  # TXN507@10
session_factory = async_sessionmaker(engine)  # TXN507@19
""",
    ),
    Bad(
        path="app/session.py",
        source="""
from sqlalchemy.ext.asyncio import create_async_engine

from app.settings import settings


def make_engine(url):
    return create_async_engine(url)


main = make_engine(settings.database_url)
replica = make_engine(settings.replica_url)  # TXN507@11
""",
    ),
    Bad(
        path="app/session.py",
        source="""
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql://db/app", pool_size=5)
Local = sessionmaker(engine)


def count():
    own = create_engine("postgresql://db/app", pool_size=5)  # TXN507@11
    with sessionmaker(own)() as session:  # TXN507@10
        return session.execute("SELECT 1").scalar()
""",
    ),
    Bad(
        source="""
# --- app/main.py
from fastapi import FastAPI

app = FastAPI()
# --- app/web/main.py
from fastapi import FastAPI

web = FastAPI()
# --- app/web/db.py
from sqlalchemy import create_engine

engine = create_engine("postgresql://db/app", pool_size=5)  # TXN507@10
# --- app/api/main.py
from fastapi import FastAPI

api = FastAPI()
# --- app/api/db.py
from sqlalchemy import create_engine

engine = create_engine("postgresql://db/app", pool_size=5)
# --- app/session.py
""",
        policy=(("session-modules", ["app/api/db.py", "app/web/db.py"]),),
    ),
    Bad(
        policy=(("session-modules", ["app/session.py", "app/replica.py"]),),
        source="""
# --- app/replica.py
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from app.settings import settings


class Replica:
    engine = create_engine(settings.replica_url)  # TXN507@14
    make = sessionmaker(engine)  # TXN507@12


make = Replica.make
# --- app/session.py
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from app.settings import settings

if TYPE_CHECKING:
    typed = async_sessionmaker()
else:
    echo = settings.debug

sync_engine = create_engine(settings.database_url)  # TXN507@15
engine = create_async_engine(settings.database_url, echo=echo)
factory = async_sessionmaker(engine)


def opened():
    return factory()


@asynccontextmanager
async def get_session():
    async with opened() as session:
        yield session
""",
    ),
    Bad(
        path="app/session.py",
        source="""
from sqlalchemy import create_engine
from sqlalchemy.orm import scoped_session, sessionmaker

from app.settings import settings

engine = create_engine(settings.database_url)
session_factory = sessionmaker(engine)
registry = scoped_session(session_factory=sessionmaker(engine, autoflush=False))  # TXN507@43
""",
    ),
    Bad(
        path="app/session.py",
        source="""
import os

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

NAMES = ["STOCK_DB", "SALES_DB"]
engines = {name.lower(): create_async_engine(os.environ[name]) for name in NAMES}  # TXN507@26
factories = {}
for name in ("stock_db", "sales_db"):
    factories[name] = async_sessionmaker(engines[name])  # TXN507@23
""",
    ),
    Bad(
        """
# --- till/main.py
from fastapi import FastAPI

from till.receipts import print_one

app = FastAPI()
# --- till/pool.py
from sqlalchemy import create_engine

from till.settings import settings

engine = create_engine(settings.till_url)  # TXN507@10
# --- office/main.py
from fastapi import FastAPI

from common.ledger import engine

app = FastAPI()
# --- common/ledger.py
from sqlalchemy import create_engine

from common.settings import settings

engine = create_engine(settings.ledger_url)
# --- till/receipts.py
from common.ledger import engine
from till.pool import engine as own


def print_one():
    return own, engine
""",
        path="till/main.py",
        policy=(("session-modules", ["common/ledger.py", "till/pool.py"]),),
    ),
    Bad(
        path="app/session.py",
        source="""
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from app.settings import settings

_open = None


def connect():
    return create_engine(settings.database_url, pool_size=10)


def prepare(url=None, made=None):
    global _open
    if not made:
        chosen = create_engine(url)  # TXN507@18
    else:
        chosen = made
    _open = sessionmaker(bind=chosen)


def start():
    prepare(made=connect())


def start_worker():
    prepare(settings.worker_url)
""",
    ),
    Bad(
        """
# --- app/session.py
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql://db/app")
factory = sessionmaker(engine)


def replica():
    return create_engine("postgresql://replica/app")  # TXN507@12
# --- app/services/far.py
from app import session


def count():
    with session.replica().connect() as connection:
        return connection.exec_driver_sql("select 1")
"""
    ),
    Bad(
        source="""
# --- app/session.py
from sqlalchemy import create_engine

from app.settings import settings

engine = create_engine(settings.database_url)


def engine_of(url):
    return create_engine(url, pool_size=10)  # TXN507@12
# --- app/reports.py
from app.session import engine_of

reports = engine_of("postgresql://reports/app")
""",
    ),
    Bad(
        path="app/session.py",
        source="""
import os

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from app.settings import settings


class Store:
    def __init__(self, url):
        self.engine = create_async_engine(url)

    def opener(self):
        return async_sessionmaker(self.engine)


class Shelf(Store):
    pass


books = Store(settings.database_url)
copies: Shelf = Shelf(settings.copies_url)  # TXN507@17
""",
    ),
    Bad(
        path="app/session.py",
        source="""
import os

from sqlalchemy.ext.asyncio import create_async_engine

from app.settings import settings

PORTS = {"north": 5432, "south": 5433}
pools = {}
for name, port in sorted(PORTS.items()):
    pools[name] = create_async_engine(os.environ[name], connect_args={"port": port})  # TXN507@19
by_port = [create_async_engine(f"{settings.database_url}{port}") for port in PORTS.values()]  # TXN507@12
""",
    ),
    Bad(
        path="app/session.py",
        source="""
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from app.settings import settings

reports = create_async_engine(settings.replica_url)  # TXN507@11
engine = create_async_engine(settings.database_url)
session_factory = async_sessionmaker()
session_factory.configure(bind=engine)


async def get_session_dependency():
    async with session_factory() as session:
        yield session
""",
    ),
    Bad(
        source="""
# --- app/services/far.py
from app.session import foreign


def far(url):
    return foreign(url)
# --- app/session.py
from functools import lru_cache

from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from app.settings import settings

engine = create_async_engine(settings.database_url)
session_factory = async_sessionmaker(engine)


@lru_cache(maxsize=8)
def foreign(url):
    made = _engine_of(url, True)
    return async_sessionmaker(made, class_=AsyncSession)  # TXN507@12


def _engine_of(url, is_async=False):
    if url.startswith("trino"):
        if not is_async:
            return create_engine(url, echo=True)
        return create_async_engine(url, echo=True)  # TXN507@16
    if not is_async:
        return create_engine(url)
    return create_async_engine(url)


def unasked(url):
    made = _own_engine(url)
    return async_sessionmaker(made)


def _own_engine(url):
    if url.startswith("trino"):
        return create_async_engine(url, echo=True)
    return create_async_engine(url)
""",
    ),
    Bad(
        path="app/session.py",
        policy=(("session-contexts", ["app.session.get_session"]),),
        source="""
from contextlib import asynccontextmanager
from functools import cache

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from app.settings import settings


@cache
def get_engine():
    return create_async_engine(settings.database_url)


class Reports:
    engine = create_async_engine(settings.reports_url)  # TXN507@14
    opener = async_sessionmaker(engine)  # TXN507@14


@asynccontextmanager
async def get_session():
    async with async_sessionmaker(get_engine())() as session:
        yield session


def unasked():
    return create_async_engine(settings.other_url)
""",
    ),
]
GOOD = [
    Good(
        path="app/session.py",
        source="""
from sqlalchemy import create_engine, text

engine = create_engine("postgresql://db/app", pool_size=5)


def create_database():
    admin = create_engine("postgresql://db/postgres", pool_size=5)
    with admin.connect() as connection:
        connection.execute(text("CREATE DATABASE app"))
    admin.dispose()
""",
    ),
    Good(
        source="""
# --- one/main.py
from fastapi import FastAPI

app = FastAPI()
# --- one/db.py
from sqlalchemy import create_engine

engine = create_engine("postgresql://db/app", pool_size=5)
# --- two/main.py
from fastapi import FastAPI

app = FastAPI()
# --- two/db.py
from sqlalchemy import create_engine

engine = create_engine("postgresql://db/app", pool_size=5)
# --- app/session.py
""",
        policy=(("session-modules", ["one/db.py", "two/db.py"]),),
    ),
    Good(
        path="app/session.py",
        source="""
from sqlalchemy.ext.asyncio import async_scoped_session, async_sessionmaker, create_async_engine

from app.settings import settings

if settings.debug:
    engine = create_async_engine(settings.database_url, echo=True)
elif settings.quiet:
    engine = create_async_engine(settings.database_url, pool_size=5)
else:
    engine = create_async_engine(settings.database_url)
session_factory = async_sessionmaker(engine)
registry = async_scoped_session(session_factory, scopefunc=id)
""",
    ),
    Good(
        path="app/session.py",
        source="""
from functools import lru_cache

from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from app.settings import settings

_factory = None


@lru_cache(maxsize=1)
def get_engine():
    if settings.debug:
        return create_engine(settings.database_url, echo=True)
    return create_engine(settings.database_url)


def get_factory():
    global _factory
    if _factory is None:
        _factory = sessionmaker(get_engine())
    return _factory


def reset():
    global _factory
    _factory = sessionmaker(get_engine())


first, second = get_engine(), get_engine()
""",
    ),
    Good(
        path="app/session.py",
        source="""
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine

from app.settings import settings


class Database:
    def __init__(self):
        self.engine: AsyncEngine = create_async_engine(settings.database_url)
        self.factory = async_sessionmaker(self.engine)

    async def reconnect(self):
        self.engine = create_async_engine(settings.database_url)
""",
    ),
    Good(
        path="app/session.py",
        source="""
from sqlalchemy.ext.asyncio import async_scoped_session, async_sessionmaker, create_async_engine

from app.settings import current_scope, settings

session_factory = async_sessionmaker(create_async_engine(settings.database_url))
registry = async_scoped_session(scopefunc=current_scope, session_factory=session_factory)
""",
    ),
    Good(
        path="app/session.py",
        source="""
import os

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

NAMES = ("STOCK_DB",)
engines = {name.lower(): create_async_engine(os.environ[name]) for name in NAMES}
for echo in (True, False):
    try:
        factory = async_sessionmaker(engines["stock_db"], info={"echo": echo})
        break
    except TypeError:
        continue
""",
    ),
    Good(
        """
# --- till/main.py
from fastapi import FastAPI

from till.pool import engine

app = FastAPI()
# --- till/pool.py
from sqlalchemy import create_engine

from till.settings import settings

engine = create_engine(settings.till_url)
# --- office/main.py
from fastapi import FastAPI

from common.ledger import engine

app = FastAPI()
# --- common/ledger.py
from sqlalchemy import create_engine

from common.settings import settings

engine = create_engine(settings.ledger_url)
""",
        path="till/main.py",
        policy=(("session-modules", ["common/ledger.py", "till/pool.py"]),),
    ),
    Good(
        path="app/session.py",
        source="""
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from app.settings import settings

_open = None


def connect():
    return create_engine(settings.database_url, pool_size=10)


def prepare(url=None, made=None):
    global _open
    if not made:
        chosen = create_engine(url)
    else:
        chosen = made
    _open = sessionmaker(bind=chosen)


def start():
    prepare(made=connect())
""",
    ),
    Good(
        path="app/session.py",
        source="""
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

engine = create_engine("postgresql://db/app")
factory = sessionmaker(engine)


def replica():
    return create_engine("postgresql://replica/app")
""",
    ),
    Good(
        path="app/session.py",
        source="""
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from app.settings import settings

engine = create_engine(settings.database_url)
Local = sessionmaker(engine)


def engine_of(url):
    made = create_engine(url, pool_size=10)
    return made


def factory_of(made):
    return sessionmaker(made)
""",
    ),
    Good(
        path="app/session.py",
        source="""
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from app.settings import settings


class Store:
    def __init__(self, url):
        self.engine = create_async_engine(url)
        self.opener = async_sessionmaker(self.engine)


class Lent:
    def __init__(self, opener=None):
        self.opener = opener if opener is not None else async_sessionmaker(None)


if settings.replica_url:
    store = Store(settings.replica_url)
else:
    store = Store(settings.database_url)
try:
    store: Store = Store(settings.first_url)
except OSError:
    store: Store = Store(settings.second_url)
lent = Lent(store.opener)
again = Lent(store.opener)
""",
    ),
    Good(
        path="app/session.py",
        source="""
from sqlalchemy.ext.asyncio import create_async_engine

from app.settings import settings


class Single:
    _only = None

    def __new__(cls, url):
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __init__(self, url):
        self.engine = create_async_engine(url)


first = Single(settings.database_url)
second = Single(settings.database_url)
""",
    ),
    Good(
        path="app/session.py",
        source="""
from sqlalchemy.ext.asyncio import create_async_engine

from app.settings import settings

PORTS = {"north": 5432, "south": 5433}
pools = {n: create_async_engine(settings.url, pool_size=5) for n, port in PORTS.items() if port == settings.port}
""",
    ),
    Good(
        """
# --- shared/engine.py
from sqlalchemy.ext.asyncio import create_async_engine


def make_engine(url):
    return create_async_engine(url)
# --- api/database.py
import os

from shared.engine import make_engine

engine = make_engine(os.environ["API_DB"])
# --- api/main.py
from fastapi import FastAPI

from api.database import engine

app = FastAPI()
# --- notify/database.py
import os

from shared.engine import make_engine

engine = make_engine(os.environ["NOTIFY_DB"])
# --- notify/main.py
from fastapi import FastAPI

from notify.database import engine

app = FastAPI()
""",
        policy=(("session-modules", ["shared/engine.py", "api/database.py", "notify/database.py"]),),
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """Each live engine after the first, and each live factory after the first."""
    for kind in ("engine", "factory"):
        firsts: list[tuple[Held, Event]] = []
        seen: set[Any] = set()
        for by, event in _live(program, kind):
            first = next((f for f in firsts if live_together(program, f[1], event)), None)
            if first is None:
                firsts.append((by, event))
            elif by.owner not in seen and by.owner != first[0].owner and not alternatives(program, first[0], by):
                yield _finding(program, kind, event, first[1])
            seen.add(by.owner)
    yield from _of_objects(program)


def _of_objects(program: Program) -> Iterator[Finding]:
    """Each object after the first that makes an engine, or else a factory, for itself."""
    told: set[Any] = set()
    for kind in ("engine", "factory"):
        for by, event in _live(program, kind):
            for made, first in objects_beside(program, by, event):
                if made.site not in told and live_together(program, first, made):
                    told.add(made.site)
                    yield program.finding(
                        META, made,
                        f"This makes another {made.name}, and with it another {_WHAT[kind]}, next to the one of line "
                        f"{program.line_of(*first.site)}. Keep one and use it everywhere.",
                        [program.step(first.site, "the first is made here"), program.step(event.site, "by this")],
                    )  # fmt: skip


def _finding(program: Program, kind: str, event: Event, first: Event) -> Finding:
    what = _WHAT[kind]
    if first.site == event.site:
        message = f"Each round of a loop makes another {what}, and all are kept. Keep one {what} and use it everywhere."
        return program.finding(META, event, message)
    line = program.line_of(*first.site)
    where = f"line {line}" if first.path == event.path else f"{first.path}:{line}"
    return program.finding(
        META,
        event,
        f"This is another {what}, next to the one of {where}. Keep one {what} and use it everywhere.",
        [program.step(first.site, f"the first {what} is made here")],
    )


def _live(program: Program, kind: str) -> Iterator[tuple[Held, Event]]:
    """Engines (or factories) of the session modules, each with what holds it."""
    made = [
        e
        for e in program.events("create")
        if e.name == kind
        and program.in_session_module(e.site)
        and not _wraps_factory(program, e)
        and not _passes(program, e)
        and not _is_spared(program, e)
        and not is_left_to_migrations(program, e)
        and not is_ruled_out(program, e)
    ]
    approved = _behind_policy(program)
    made.sort(key=lambda e: (e.subject[0] not in approved, e.path, e.span))
    for event in made:
        yield held(program, event), event
        if _keeps_each(event):
            yield Held(("another", event.path, event.span), event.function, event.span), event
    for event in made:
        maker = held(program, event)
        if maker.owner[0] == "returned" and not _is_cached(maker.function):
            calls = _calls_of_maker(program, maker.function)
            for at, call in enumerate(calls):
                # applications that share what makes one each have their own
                if any(live_together(program, before, call) for before in calls[:at]):
                    yield Held(("call", call.path, call.span), call.function, call.span), call


def _behind_policy(program: Program) -> set[Any]:
    """The factories and engines that the policy's ways to a session use: the others are the ones too many."""
    openers = dict.fromkeys(approved_openers(program))
    pending = list(openers)
    while pending:
        called = {e.callee: None for e in pending.pop().events if e.kind == "call" and e.callee is not None}
        pending.extend(f for f in called if f not in openers)
        openers |= called
    made = {e.subject[0]: e for e in program.events("create") if e.name in ("session", "factory")}
    found = {a for a in made if approved_by_policy(program, a)}
    found |= {a for e in made.values() if e.function in openers for a in _used(e)}
    bound = [e for e in program.events("configure") if found.intersection(e.subject)]
    return found | {a for e in (*bound, *(made[f] for f in found if f in made)) for a in _used(e)}


def _keeps_each(event: Event) -> bool:
    """Whether what a loop makes is kept each time: as an element of a comprehension, or under a key of its own."""
    made = event.subject[0]
    for other in event.function.events:
        if other.kind == "several" and made in other.subject:
            return True
        if other.kind == "setitem" and made in other.value and "several" in other.flags & event.flags:
            return True
    return False


def _used(event: Event) -> list[Any]:
    """What a session or a factory is made from."""
    given = (*event.args, *(v for _, v in event.keywords))
    return [a for v in (event.value, *given) for a in v if isinstance(a, Handle)]


def _wraps_factory(program: Program, event: Event) -> bool:
    """``scoped_session(factory)`` is the same factory."""
    if not event.subject[0].registry:
        return False
    wrapped = event.args[0] if event.args else dict(event.keywords).get("session_factory", ())
    return any(program.kind(a) == "factory" for a in wrapped)


def _passes(program: Program, event: Event) -> bool:
    """An engine that one function makes for itself, to create the database for example: no session comes from it."""
    function = event.function
    handed = (*function.summary.returns, *function.summary.yields)
    if function.name == "<module>" or program.handles(handed):
        return False
    kept = any(e.kind in ("store", "setattr", "setitem", "escape") or "global" in e.flags for e in function.events)
    return not kept and not any(e.kind == "create" and e.name in ("session", "factory") for e in function.events)


def _is_spared(program: Program, event: Event) -> bool:
    """An engine (or factory) that a function makes where it is given none, and every call gives it one."""
    summary, made = event.function.summary, Effect("create", event.name, None)
    if made not in summary.guards:
        return False
    calls = [e for e in program.events("call") if e.callee is event.function]
    return bool(calls) and all(opens_none(summary, dict(e.bindings), program.solver, made) for e in calls)


def _calls_of_maker(program: Program, maker: FunctionInfo) -> list[Event]:
    """Where the session modules, at import, take an engine from a function that makes one each time."""
    return [
        e
        for e in program.events("obtain")
        if e.callee is maker and e.function.name == "<module>" and program.in_session_module(e.site)
    ]


def _is_cached(function: FunctionInfo) -> bool:
    values = [a for _, value in function.decorator_values for a in value]
    return any(a.tag == "ext" and a.name.startswith(_CACHES) for a in values)
