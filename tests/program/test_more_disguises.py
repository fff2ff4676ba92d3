"""Disguises and look-alikes, whole: what the rules about opening, transactions and background work say of them.

Each case is a file of the example project (``app/services/x.py``), or several; the findings of the families
1xx, 2xx and 6xx are exactly the ones listed.
"""

from __future__ import annotations

import pytest

from tests.program.support import findings

DISGUISES = {
    "what only type checkers see never runs, and what stands in for it always does": (
        """\
from typing import TYPE_CHECKING
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker
if TYPE_CHECKING:
    engine = create_engine("sqlite://")
    Make = sessionmaker(engine)
    with Session(engine) as typed:
        typed.commit()
else:
    Make = sessionmaker()
if not TYPE_CHECKING:
    other = create_engine("sqlite://")
else:
    other = create_engine("sqlite://", echo=True)
""",
        [
            "app/services/x.py:10 TXN103",
            "app/services/x.py:12 TXN102",
        ],
    ),
    "a mixin commits the session that the class it is mixed into keeps": (
        """\
from sqlalchemy.ext.asyncio import AsyncSession
class CommitMixin:
    async def persist(self):
        await self.session.commit()
class Service(CommitMixin):
    def __init__(self, session: AsyncSession):
        self.session = session
    async def go(self, x):
        self.session.add(x)
        await self.persist()
""",
        [
            "app/services/x.py:4 TXN201",
        ],
    ),
    "a named tuple is unpacked and subscripted": (
        """\
from typing import NamedTuple
from sqlalchemy.ext.asyncio import AsyncSession
class Ctx(NamedTuple):
    session: AsyncSession
    user: str
async def go(ctx: Ctx):
    s, _ = ctx
    await s.commit()
async def go2(ctx: Ctx):
    await ctx[0].commit()
""",
        [
            "app/services/x.py:8 TXN201",
            "app/services/x.py:10 TXN201",
        ],
    ),
    "a typed dictionary holds the session": (
        """\
from typing import TypedDict
from sqlalchemy.ext.asyncio import AsyncSession
class Ctx(TypedDict):
    session: AsyncSession
async def go(ctx: Ctx):
    await ctx["session"].commit()
""",
        [
            "app/services/x.py:6 TXN201",
        ],
    ),
    "an attrs field is declared a session": (
        """\
import attrs
from sqlalchemy.ext.asyncio import AsyncSession
@attrs.define
class Ctx:
    db: AsyncSession = attrs.field()
    async def save(self): await self.db.commit()
""",
        [
            "app/services/x.py:6 TXN201",
        ],
    ),
    "a descriptor opens sessions": (
        """\
from app.session import session_factory
class SessionDescriptor:
    def __get__(self, obj, owner=None):
        return session_factory()
class Svc:
    db = SessionDescriptor()
    async def go(self):
        async with self.db as s:
            await s.commit()
""",
        [
            "app/services/x.py:4 TXN101",
            "app/services/x.py:8 TXN105",
            "app/services/x.py:9 TXN201",
        ],
    ),
    "the commit is left to an exit stack": (
        """\
from contextlib import asynccontextmanager, contextmanager, AsyncExitStack, suppress, closing
from sqlalchemy.ext.asyncio import AsyncSession
async def go(s: AsyncSession, x):
    async with AsyncExitStack() as st:
        st.push_async_callback(s.commit)
        s.add(x)
""",
        [
            "app/services/x.py:5 TXN201",
        ],
    ),
    "a partial method passes the name of what it calls": (
        """\
from functools import partialmethod
from sqlalchemy.ext.asyncio import AsyncSession
class Svc:
    def __init__(self, s: AsyncSession): self.s = s
    async def _end(self, how):
        await getattr(self.s, how)()
    commit = partialmethod(_end, "commit")
    async def go(self):
        await self.commit()
""",
        [
            "app/services/x.py:6 TXN201",
        ],
    ),
    "the method is called on the class": (
        """\
from sqlalchemy.ext.asyncio import AsyncSession
async def go(s):
    await AsyncSession.commit(s)
""",
        [
            "app/services/x.py:3 TXN201",
        ],
    ),
    "an inner function assigns the session": (
        """\
from app.session import session_factory
async def go():
    s = None
    def mk():
        nonlocal s
        s = session_factory()
    mk()
    await s.commit()
    await s.close()
""",
        [
            "app/services/x.py:6 TXN101",
            "app/services/x.py:8 TXN201",
        ],
    ),
    "a list that is declared to hold sessions": (
        """\
from sqlalchemy.ext.asyncio import AsyncSession
async def go(ss: list[AsyncSession]):
    [await s.commit() for s in ss]
""",
        [
            "app/services/x.py:3 TXN201",
        ],
    ),
    "a dictionary that is declared to hold sessions": (
        """\
from sqlalchemy.ext.asyncio import AsyncSession
async def go(ss: dict[str, AsyncSession]):
    await ss["a"].commit()
    for s in ss.values():
        await s.rollback()
""",
        [
            "app/services/x.py:3 TXN201",
            "app/services/x.py:5 TXN202",
        ],
    ),
    "isinstance says that it is a session": (
        """\
from sqlalchemy.ext.asyncio import AsyncSession
async def go(x):
    if isinstance(x, AsyncSession):
        await x.commit()
""",
        [
            "app/services/x.py:4 TXN201",
        ],
    ),
    "names are put together from parts": (
        """\
import importlib
mod = importlib.import_module("app.session")
async def go():
    f = getattr(mod, "session_" + "factory")
    async with f() as s:
        await getattr(s, "com" + "mit")()
""",
        [
            "app/services/x.py:5 TXN101",
            "app/services/x.py:6 TXN201",
        ],
    ),
    "a module is imported by a relative name": (
        """\
import importlib
async def go():
    m = importlib.import_module(".session", "app")
    async with m.session_factory() as s:
        pass
""",
        [
            "app/services/x.py:4 TXN101",
        ],
    ),
    "a provider of dependency-injector makes the session": (
        """\
from dependency_injector import containers, providers
from sqlalchemy.ext.asyncio import AsyncSession
from app.session import engine
class C(containers.DeclarativeContainer):
    session = providers.Factory(AsyncSession, bind=engine)
c = C()
async def go():
    s = c.session()
    await s.commit()
    await s.close()
""",
        [
            "app/services/x.py:5 TXN101",
            "app/services/x.py:8 TXN101",
            "app/services/x.py:8 TXN108",
            "app/services/x.py:9 TXN201",
        ],
    ),
    "a context variable is declared to hold a session": (
        """\
from contextvars import ContextVar
from sqlalchemy.ext.asyncio import AsyncSession
current: ContextVar[AsyncSession] = ContextVar("current")
async def go():
    await current.get().commit()
""",
        [
            "app/services/x.py:5 TXN201",
        ],
    ),
    "a lambda takes the session to a background task": (
        """\
# --- app/routers/a.py
from fastapi import APIRouter, BackgroundTasks, Depends, Request
from app.auth.security import get_current_user
router = APIRouter(dependencies=[Depends(get_current_user)])
from sqlalchemy.ext.asyncio import AsyncSession
from app.session import get_session_dependency
async def work(s, x): s.add(x)
@router.post("/")
async def e(bg: BackgroundTasks, s: AsyncSession = Depends(get_session_dependency)):
    bg.add_task(lambda: work(s, 1))
""",
        [
            "app/routers/a.py:9 TXN601",
        ],
    ),
    "helpers in two files pass the session on to a background task": (
        """\
# --- app/bg/a.py
def enqueue(bg, fn, *args):
    bg.add_task(fn, *args)
# --- app/bg/b.py
from app.bg.a import enqueue
def later(bg, fn, session):
    enqueue(bg, fn, session)
# --- app/routers/a.py
from fastapi import APIRouter, BackgroundTasks, Depends, Request
from app.auth.security import get_current_user
router = APIRouter(dependencies=[Depends(get_current_user)])
from sqlalchemy.ext.asyncio import AsyncSession
from app.session import get_session_dependency
from app.bg.b import later
async def work(s): await s.execute("select 1")
@router.post("/")
async def e(bg: BackgroundTasks, s: AsyncSession = Depends(get_session_dependency)):
    later(bg, work, s)
""",
        [
            "app/bg/b.py:3 TXN601",
        ],
    ),
    "a Celery signature is sent inside the transaction": (
        """\
# --- app/tasks/t.py
from celery import shared_task
@shared_task(bind=True)
def index(self, i): print(i)
# --- app/routers/a.py
from fastapi import APIRouter, BackgroundTasks, Depends, Request
from app.auth.security import get_current_user
router = APIRouter(dependencies=[Depends(get_current_user)])
from sqlalchemy.ext.asyncio import AsyncSession
from app.session import get_session_dependency
from app.tasks.t import index
@router.post("/")
async def e(s: AsyncSession = Depends(get_session_dependency)):
    async with s.begin():
        s.add(1)
        index.s(1).apply_async()
        index.apply_async(args=[1])
""",
        [
            "app/routers/a.py:11 TXN603",
            "app/routers/a.py:12 TXN603",
        ],
    ),
    "a Celery task is sent by name inside the transaction": (
        """\
# --- app/routers/a.py
from fastapi import APIRouter, BackgroundTasks, Depends, Request
from app.auth.security import get_current_user
router = APIRouter(dependencies=[Depends(get_current_user)])
from sqlalchemy.ext.asyncio import AsyncSession
from app.session import get_session_dependency
from celery import Celery
capp = Celery("x")
@router.post("/")
async def e(s: AsyncSession = Depends(get_session_dependency)):
    async with s.begin():
        s.add(1)
        capp.send_task("x.y", args=[1])
""",
        [
            "app/routers/a.py:12 TXN603",
        ],
    ),
    "an arq job is enqueued inside the transaction": (
        """\
# --- app/routers/a.py
from fastapi import APIRouter, BackgroundTasks, Depends, Request
from app.auth.security import get_current_user
router = APIRouter(dependencies=[Depends(get_current_user)])
from sqlalchemy.ext.asyncio import AsyncSession
from app.session import get_session_dependency
from arq import create_pool
from arq.connections import RedisSettings
@router.post("/")
async def e(s: AsyncSession = Depends(get_session_dependency)):
    pool = await create_pool(RedisSettings())
    async with s.begin():
        s.add(1)
        await pool.enqueue_job("index", 1)
""",
        [
            "app/routers/a.py:13 TXN603",
        ],
    ),
    "suppress swallows a background function's error": (
        """\
# --- app/tasks/t.py
from app.session import get_session
from contextlib import asynccontextmanager, contextmanager, AsyncExitStack, suppress, closing
async def run(x):
    with suppress(Exception):
        async with get_session() as s, s.begin(): s.add(x)
# --- app/routers/a.py
from fastapi import APIRouter, BackgroundTasks, Depends, Request
from app.auth.security import get_current_user
router = APIRouter(dependencies=[Depends(get_current_user)])
from app.tasks.t import run
@router.post("/")
async def e(bg: BackgroundTasks):
    bg.add_task(run, 1)
""",
        [
            "app/tasks/t.py:4 TXN604",
        ],
    ),
    "the session's own engine opens a connection": (
        """\
from sqlalchemy.ext.asyncio import AsyncSession
async def go(s: AsyncSession):
    async with s.bind.connect() as c:
        await c.commit()
""",
        [
            "app/services/x.py:3 TXN104",
            "app/services/x.py:4 TXN201",
        ],
    ),
    "SQL text ends the transaction among comments and other statements": (
        """\
from sqlalchemy import text as T
from sqlalchemy.ext.asyncio import AsyncSession
COMMIT = "COMMIT"
async def go(s: AsyncSession):
    await s.execute(T(COMMIT))
    await s.execute(T("  commit;\\n"))
    await s.execute(T("roll" + "back"))
    await s.execute(T("END"))
    await s.execute(T("/* x */ COMMIT"))
    await s.execute(T("BEGIN"))
    await s.execute(T("insert into x values (1); COMMIT;"))
""",
        [
            "app/services/x.py:5 TXN201",
            "app/services/x.py:6 TXN201",
            "app/services/x.py:7 TXN202",
            "app/services/x.py:8 TXN201",
            "app/services/x.py:9 TXN201",
            "app/services/x.py:10 TXN203",
            "app/services/x.py:11 TXN201",
        ],
    ),
    "SQL text of another module reaches an unknown receiver": (
        """\
# --- app/consts.py
SQL = {"end": "COMMIT"}
class Q:
    END = "ROLLBACK"
# --- app/services/x.py
from sqlalchemy import text
from app.consts import SQL, Q
async def go(session):
    await session.execute(text(SQL["end"]))
    await session.execute(text(Q.END))
""",
        [
            "app/services/x.py:4 TXN201",
            "app/services/x.py:5 TXN202",
        ],
    ),
    "a cursor's connection is committed": (
        """\
import psycopg, sqlite3
from psycopg2 import connect as pc
def go():
    with psycopg.connect("x") as c:
        c.commit()
    d = pc("x")
    cur = d.cursor()
    cur.connection.commit()
    d.close()
    k = sqlite3.connect(":memory:")
    k.rollback()
    k.close()
""",
        [
            "app/services/x.py:4 TXN104",
            "app/services/x.py:5 TXN201",
            "app/services/x.py:6 TXN104",
            "app/services/x.py:6 TXN108",
            "app/services/x.py:8 TXN201",
            "app/services/x.py:10 TXN104",
            "app/services/x.py:10 TXN108",
            "app/services/x.py:11 TXN202",
        ],
    ),
    "a type variable is bound to the session class": (
        """\
from typing import NewType, TypeVar
from sqlalchemy.ext.asyncio import AsyncSession
ReadSession = NewType("ReadSession", AsyncSession)
S = TypeVar("S", bound=AsyncSession)
async def a(x: ReadSession): await x.commit()
async def b(x: S): await x.commit()
""",
        [
            "app/services/x.py:5 TXN201",
            "app/services/x.py:6 TXN201",
        ],
    ),
    "a starred target takes the remaining sessions": (
        """\
from sqlalchemy.ext.asyncio import AsyncSession
async def go(a: AsyncSession, b: AsyncSession):
    for s in (a, b):
        await s.commit()
    first, *rest = [a, b]
    for r in rest:
        await r.rollback()
""",
        [
            "app/services/x.py:4 TXN201",
            "app/services/x.py:7 TXN202",
        ],
    ),
    "__getattr__ passes every name on to the session": (
        """\
from sqlalchemy.ext.asyncio import AsyncSession
class Proxy:
    def __init__(self, s: AsyncSession): self._s = s
    def __getattr__(self, n): return getattr(self._s, n)
async def go(s: AsyncSession):
    p = Proxy(s)
    await p.commit()
""",
        [
            "app/services/x.py:7 TXN201",
        ],
    ),
    "setattr stores the session": (
        """\
from sqlalchemy.ext.asyncio import AsyncSession
class C: pass
async def go(s: AsyncSession):
    c = C()
    setattr(c, "db", s)
    await c.db.commit()
""",
        [
            "app/services/x.py:6 TXN201",
        ],
    ),
    "a simple namespace holds the session": (
        """\
from types import SimpleNamespace
from sqlalchemy.ext.asyncio import AsyncSession
async def go(s: AsyncSession):
    c = SimpleNamespace(db=s)
    await c.db.commit()
""",
        [
            "app/services/x.py:5 TXN201",
        ],
    ),
    "a function returns the bound method": (
        """\
from sqlalchemy.ext.asyncio import AsyncSession
def ender(s):
    return s.commit
async def go(s: AsyncSession):
    await ender(s)()
""",
        [
            "app/services/x.py:5 TXN201",
        ],
    ),
    "a function returns a partial of the bound method": (
        """\
from functools import partial
from sqlalchemy.ext.asyncio import AsyncSession
def ender(s):
    return partial(s.rollback)
async def go(s: AsyncSession):
    await ender(s)()
""",
        [
            "app/services/x.py:6 TXN202",
        ],
    ),
    "a transaction is entered by hand": (
        """\
from sqlalchemy.ext.asyncio import AsyncSession
async def go(s: AsyncSession):
    tx = s.begin()
    await tx.__aenter__()
    s.add(1)
    await tx.__aexit__(None, None, None)
""",
        [
            "app/services/x.py:3 TXN203",
        ],
    ),
    "a decorator of methods commits the session on self": (
        """\
import functools
def atomic(fn):
    @functools.wraps(fn)
    async def w(self, *a, **k):
        try:
            r = await fn(self, *a, **k)
        except BaseException:
            await self.session.rollback()
            raise
        await self.session.commit()
        return r
    return w
from sqlalchemy.ext.asyncio import AsyncSession
class Svc:
    def __init__(self, session: AsyncSession): self.session = session
    @atomic
    async def go(self): self.session.add(1)
""",
        [
            "app/services/x.py:8 TXN202",
            "app/services/x.py:10 TXN201",
        ],
    ),
    "a class decorator replaces a method": (
        """\
from sqlalchemy.ext.asyncio import AsyncSession
def transactional(cls):
    orig = cls.go
    async def go(self, *a):
        r = await orig(self, *a)
        await self.s.commit()
        return r
    cls.go = go
    return cls
@transactional
class Svc:
    def __init__(self, s: AsyncSession): self.s = s
    async def go(self): self.s.add(1)
""",
        [
            "app/services/x.py:6 TXN201",
        ],
    ),
    "a partial is injected": (
        """\
# --- app/routers/a.py
from fastapi import APIRouter, BackgroundTasks, Depends, Request
from app.auth.security import get_current_user
router = APIRouter(dependencies=[Depends(get_current_user)])
from app.session import session_factory
from functools import partial
def get(f):
    return f()
@router.post("/")
async def e(db=Depends(partial(get, session_factory))):
    await db.commit()
""",
        [
            "app/routers/a.py:7 TXN101",
            "app/routers/a.py:7 TXN108",
            "app/routers/a.py:9 TXN105",
            "app/routers/a.py:10 TXN201",
        ],
    ),
    "the lifespan function yields the factory as state": (
        """\
# --- app/main.py
from contextlib import asynccontextmanager, contextmanager, AsyncExitStack, suppress, closing
from fastapi import FastAPI
from app.session import session_factory
@asynccontextmanager
async def lifespan(app):
    yield {"sf": session_factory}
app = FastAPI(lifespan=lifespan)
# --- app/routers/a.py
from fastapi import APIRouter, BackgroundTasks, Depends, Request
from app.auth.security import get_current_user
router = APIRouter(dependencies=[Depends(get_current_user)])
@router.post("/")
async def e(request: Request):
    async with request.state.sf() as s:
        await s.commit()
""",
        [
            "app/routers/a.py:6 TXN101",
            "app/routers/a.py:7 TXN201",
        ],
    ),
    "the session module is taken from sys.modules": (
        """\
import sys
import app.session
async def go():
    async with sys.modules["app.session"].session_factory() as s:
        await s.commit()
""",
        [
            "app/services/x.py:4 TXN101",
            "app/services/x.py:5 TXN201",
        ],
    ),
    "a data class opens a session per instance": (
        """\
from dataclasses import dataclass, field
from app.session import session_factory
from sqlalchemy.ext.asyncio import AsyncSession
@dataclass
class Ctx:
    db: AsyncSession = field(default_factory=session_factory)
async def go(c: Ctx):
    await c.db.commit()
""",
        [
            "app/services/x.py:6 TXN101",
            "app/services/x.py:6 TXN109",
            "app/services/x.py:8 TXN201",
        ],
    ),
    "a weak reference is followed": (
        """\
import weakref
from sqlalchemy.ext.asyncio import AsyncSession
async def go(s: AsyncSession):
    r = weakref.ref(s)
    await r().commit()
""",
        [
            "app/services/x.py:5 TXN201",
        ],
    ),
    "cast says that it is a session": (
        """\
from typing import cast, Any
from sqlalchemy.ext.asyncio import AsyncSession
async def go(s: Any):
    await cast(AsyncSession, s).commit()
    await cast("AsyncSession", s).rollback()
""",
        [
            "app/services/x.py:4 TXN201",
            "app/services/x.py:5 TXN202",
        ],
    ),
    "a session event listener commits": (
        """\
from sqlalchemy import event
from sqlalchemy.orm import Session
@event.listens_for(Session, "after_flush")
def done(session, ctx):
    session.commit()
""",
        [
            "app/services/x.py:5 TXN201",
        ],
    ),
    "greenlet_spawn runs the commit": (
        """\
from sqlalchemy.util import greenlet_spawn
from sqlalchemy.ext.asyncio import AsyncSession
async def go(s: AsyncSession):
    await greenlet_spawn(s.sync_session.commit)
""",
        [
            "app/services/x.py:4 TXN201",
        ],
    ),
    "a helper executes the SQL text it is given": (
        """\
# --- app/sqlutil.py
from sqlalchemy import text
async def run_sql(session, sql): return await session.execute(text(sql))
# --- app/services/x.py
from sqlalchemy.ext.asyncio import AsyncSession
from app.sqlutil import run_sql
async def go(s: AsyncSession):
    await run_sql(s, "COMMIT")
""",
        [
            "app/services/x.py:4 TXN201",
        ],
    ),
    "handlers in a module's list receive the session": (
        """\
from sqlalchemy.ext.asyncio import AsyncSession
SUBS = []
def on(fn): SUBS.append(fn); return fn
@on
async def saved(session): await session.commit()
async def emit(s: AsyncSession):
    for f in SUBS:
        await f(s)
""",
        [
            "app/services/x.py:5 TXN201",
        ],
    ),
    "a session that the class declares is shared by coroutines": (
        """\
import asyncio
from sqlalchemy.ext.asyncio import AsyncSession
class Base:
    session: AsyncSession
class Svc(Base):
    async def a(self): return await self.session.get(int, 1)
    async def b(self): return await self.session.get(int, 2)
    async def go(self):
        return await asyncio.gather(self.a(), self.b())
""",
        [
            "app/services/x.py:9 TXN602",
        ],
    ),
    "the event loop calls a function with the session later": (
        """\
# --- app/routers/a.py
from fastapi import APIRouter, BackgroundTasks, Depends, Request
from app.auth.security import get_current_user
router = APIRouter(dependencies=[Depends(get_current_user)])
import asyncio
from sqlalchemy.ext.asyncio import AsyncSession
from app.session import get_session_dependency
def later(s): print(s)
@router.post("/")
async def e(s: AsyncSession = Depends(get_session_dependency)):
    asyncio.get_running_loop().call_later(5, later, s)
""",
        [
            "app/routers/a.py:10 TXN601",
        ],
    ),
}

LOOK_ALIKES = {
    "an exit stack closes the session once more": """\
# --- app/tasks/t.py
from contextlib import asynccontextmanager, contextmanager, AsyncExitStack, suppress, closing
from app.session import get_session
async def run(x):
    async with AsyncExitStack() as st:
        cm = get_session()
        s = await st.enter_async_context(cm)
        st.push_async_callback(s.close)
        async with s.begin():
            s.add(x)
        await s.execute("x")
""",
    "isinstance says nothing about the other branch": """\
from sqlalchemy.orm import Session
def go(x):
    if isinstance(x, Session):
        x.flush()
    else:
        x.commit()
    x.commit()
""",
    "getattr by name on something else": """\
class Api:
    def commit(self): pass
    def push(self): pass
def call(obj, name): return getattr(obj, name)()
def go():
    call(Api(), "commit")
""",
    "getattr by name that only reads": """\
from sqlalchemy.ext.asyncio import AsyncSession
async def read(s: AsyncSession, how):
    return await getattr(s, how)("select 1")
async def go(s: AsyncSession):
    await read(s, "scalars"); await read(s, "execute")
""",
    "__getattr__ passes names on to something else": """\
class Proxy:
    def __init__(self, inner): self._i = inner
    def __getattr__(self, n): return getattr(self._i, n)
class Repo:
    def commit(self): pass
def go():
    Proxy(Repo()).commit()
""",
    "__getattr__ passes reads on to a session": """\
from sqlalchemy.ext.asyncio import AsyncSession
class P:
    def __init__(self, s: AsyncSession): self._s = s
    def __getattr__(self, n): return getattr(self._s, n)
async def go(s: AsyncSession):
    p = P(s)
    await p.execute("select 1"); p.add(1); await p.flush()
""",
    "a mixin's session is an HTTP client's": """\
import requests
class M:
    def save(self): return self.session.get("x")
class A(M):
    def __init__(self): self.session = requests.Session()
from sqlalchemy.ext.asyncio import AsyncSession
class B(M):
    def __init__(self, s: AsyncSession): self.session = s
""",
    "a named tuple of an HTTP session": """\
from typing import NamedTuple
import requests
class C(NamedTuple):
    session: requests.Session
    n: int
def go(c: C):
    s, n = c
    s.post("x"); c[0].close()
""",
    "concurrent work with one session of a list each": """\
import asyncio
from sqlalchemy.ext.asyncio import AsyncSession
async def go(ss: list[AsyncSession], q):
    return await asyncio.gather(*(s.execute(q) for s in ss))
""",
    "concurrent work with one session of a dictionary each": """\
import asyncio
from sqlalchemy.ext.asyncio import AsyncSession
async def go(ss: dict[str, AsyncSession]):
    return await asyncio.gather(ss["a"].execute("x"), ss["b"].execute("x"))
""",
    "the event loop puts something into a queue": """\
# --- app/tasks/t.py
import asyncio
from app.session import get_session
async def run(loop, q, x):
    async with get_session() as s, s.begin():
        s.add(x)
        asyncio.get_running_loop().call_soon_threadsafe(q.put_nowait, x)
""",
    "containers of repositories": """\
class Repo:
    def commit(self): pass
def go(rs: list[Repo], d: dict[str, Repo]):
    for r in rs: r.commit()
    d["a"].commit()
""",
    "transaction words in function bodies, comments and literals": """\
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
async def go(s: AsyncSession):
    await s.execute(text("CREATE TRIGGER t AFTER INSERT ON x BEGIN UPDATE y SET a=1; END;"))
    await s.execute(text("CREATE OR REPLACE FUNCTION f() RETURNS int AS $$ BEGIN RETURN 1; END; $$ LANGUAGE plpgsql"))
    await s.execute(text("ROLLBACK TO SAVEPOINT a"))
    await s.execute(text("select ';commit' as x, \\"; commit\\""))
    await s.execute(text("/* commit; */ select 1 -- ; commit\\n"))
    await s.execute(text("INSERT INTO log (msg) VALUES ('it''s; commit')"))
""",
    "a bare string handed to an unknown receiver": """\
from sqlalchemy import text
def go(runner):
    return runner.execute("COMMIT")
""",
    "a Celery chain is sent after the block": """\
# --- app/tasks/c.py
from celery import Celery, chain
app = Celery("x")
@app.task
def idx(i): print(i)
# --- app/routers/a.py
from fastapi import APIRouter, BackgroundTasks, Depends, Request
from app.auth.security import get_current_user
router = APIRouter(dependencies=[Depends(get_current_user)])
from sqlalchemy.ext.asyncio import AsyncSession
from app.session import get_session_dependency
from celery import chain
from app.tasks.c import idx
@router.post("/")
async def e(s: AsyncSession = Depends(get_session_dependency)):
    async with s.begin():
        x = await s.merge(1); i = x.id
        sig = idx.s(i)
    chain(sig, idx.si(2)).apply_async()
""",
    "an arq job is enqueued after the block": """\
# --- app/routers/a.py
from fastapi import APIRouter, BackgroundTasks, Depends, Request
from app.auth.security import get_current_user
router = APIRouter(dependencies=[Depends(get_current_user)])
from sqlalchemy.ext.asyncio import AsyncSession
from app.session import get_session_dependency
from arq import create_pool
@router.post("/")
async def e(s: AsyncSession = Depends(get_session_dependency)):
    async with s.begin():
        s.add(1)
    pool = await create_pool()
    await pool.enqueue_job("x", 1)
""",
    "suppress of a cancelled task": """\
# --- app/tasks/t.py
from contextlib import asynccontextmanager, contextmanager, AsyncExitStack, suppress, closing
import asyncio
import logging
from app.session import get_session
async def run(t):
    t.cancel()
    with suppress(asyncio.CancelledError):
        await t
    try:
        async with get_session() as s, s.begin(): s.add(1)
    except Exception:
        logging.exception("x"); raise
""",
    "a partial method of something else": """\
from functools import partialmethod
class A:
    def _end(self, how): return how
    commit = partialmethod(_end, "commit")
def go(): A().commit()
""",
    "a namespace of something else": """\
from types import SimpleNamespace
def go():
    n = SimpleNamespace(commit=lambda: 1, items=[1])
    n.commit()
    return n.items
""",
    "an inner function counts": """\
from sqlalchemy.ext.asyncio import AsyncSession
async def go(s: AsyncSession, xs):
    n = 0
    def bump():
        nonlocal n
        n += 1
    for x in xs:
        s.add(x); bump()
    await s.flush()
    return n
""",
    "a generic repository bound to the models' base": """\
from typing import TypeVar, Generic
from app.models.item import Base
from sqlalchemy.ext.asyncio import AsyncSession
M = TypeVar("M", bound=Base)
class Repo(Generic[M]):
    model: type[M]
    def __init__(self, s: AsyncSession): self.s = s
    async def get(self, i) -> M | None: return await self.s.get(self.model, i)
    async def add(self, o: M) -> M:
        self.s.add(o); await self.s.flush(); return o
""",
    "a decorator of methods that only passes on": """\
import functools, logging
def logged(fn):
    @functools.wraps(fn)
    async def w(self, *a, **k):
        logging.info("x")
        return await fn(self, *a, **k)
    return w
from sqlalchemy.ext.asyncio import AsyncSession
class Svc:
    def __init__(self, s: AsyncSession): self.s = s
    @logged
    async def go(self): self.s.add(1); await self.s.flush()
""",
    "a class decorator that registers": """\
REG = {}
def register(cls):
    REG[cls.__name__] = cls
    return cls
@register
class A:
    def commit(self): return 1
def go(): return REG["A"]().commit()
""",
    "the lifespan function yields an HTTP client": """\
# --- app/main.py
from contextlib import asynccontextmanager, contextmanager, AsyncExitStack, suppress, closing
import httpx
from fastapi import FastAPI
@asynccontextmanager
async def lifespan(app):
    async with httpx.AsyncClient() as c:
        yield {"client": c}
app = FastAPI(lifespan=lifespan)
# --- app/routers/a.py
from fastapi import APIRouter, BackgroundTasks, Depends, Request
from app.auth.security import get_current_user
router = APIRouter(dependencies=[Depends(get_current_user)])
@router.get("/")
async def e(request: Request):
    return await request.state.client.get("x")
""",
    "cast to something else": """\
from typing import cast
class R:
    def commit(self): pass
def go(x): cast(R, x).commit(); cast("R", x).commit()
""",
    "a session event listener that reads": """\
from sqlalchemy import event
from sqlalchemy.orm import Session
@event.listens_for(Session, "before_flush")
def audit(session, ctx, instances):
    for o in session.new: print(o)
""",
    "a helper executes selects": """\
# --- app/sqlutil.py
from sqlalchemy import text
async def run_sql(session, sql): return await session.execute(text(sql))
# --- app/services/x.py
from sqlalchemy.ext.asyncio import AsyncSession
from app.sqlutil import run_sql
async def go(s: AsyncSession):
    await run_sql(s, "select 1"); await run_sql(s, "select committed from t")
""",
    "a class of the project called AsyncSession": """\
# --- app/chat/session.py
class AsyncSession:
    async def commit(self): pass
    async def rollback(self): pass
    async def close(self): pass
# --- app/services/x.py
from app.chat.session import AsyncSession
async def go(s: AsyncSession):
    await s.commit(); await s.rollback()
    t = AsyncSession()
    await t.commit()
""",
    "functions of the project called create_engine and sessionmaker": """\
import peewee_async
class Pool:
    def acquire(self): return self
    def connect(self): return self
    def begin(self): return self
def create_engine(name): return Pool()
def sessionmaker(): return Pool
def go():
    e = create_engine("game")
    e.begin(); e.connect()
    sessionmaker()()
""",
}


@pytest.mark.parametrize("name", DISGUISES)
def test_disguise_is_seen_through(name):
    source, expected = DISGUISES[name]
    assert findings(source) == expected


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_look_alike_stays_silent(name):
    assert findings(LOOK_ALIKES[name]) == []
