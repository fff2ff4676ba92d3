"""Receivers are known by where they come from, whatever the disguise.

Each case is a module of the example project and the database events it must produce, as
``line kind name``; nothing else may be reported.
"""

from __future__ import annotations

import ast
import marshal

import pytest

from sessionlint.facts.lower import lower_module
from sessionlint.program.build import solve
from sessionlint.rules import examples

KINDS = {"create", "obtain", "txn", "use", "network", "store"}


def events(source: str) -> list[str]:
    """The database events of a module, sorted by line."""
    path = "app/services/example.py"
    files = {**examples.SUPPORT, path: source}
    blobs = {name: marshal.dumps(lower_module(ast.parse(text), text)) for name, text in files.items()}
    solver = solve(blobs, examples.policy_for({}))
    functions = [solver.modules[path].body, *solver.functions]
    found = {(e.span[0], e.kind, e.name) for f in functions for e in f.events if e.path == path and e.kind in KINDS}
    return [" ".join(map(str, row)).strip() for row in sorted(found)]


CASES = {
    "an alias, and a bound method kept in a variable": (
        """\
from app.session import session_factory as sf
make = sf
async def f():
    s = make()
    c = s.commit
    await c()
""",
        [
            "4 create session",
            "6 txn commit",
        ],
    ),
    "functools.partial, an import alias, getattr": (
        """\
import functools
from sqlalchemy.ext.asyncio import AsyncSession as AS
from app.session import engine
mk = functools.partial(AS, engine)
async def f():
    async with mk() as s:
        await s.execute(1)
        await getattr(s, "commit")()
""",
        [
            "6 create session",
            "7 use execute",
            "8 txn commit",
        ],
    ),
    "a lambda, a default argument, tuple unpacking": (
        """\
from app import session as sess
mk = lambda: sess.session_factory()
async def f(x=mk):
    (a, b) = (mk(), 2)
    await a.commit()
    async with x() as q:
        await q.rollback()
""",
        [
            "2 create session",
            "4 obtain <lambda>",
            "5 txn commit",
            "6 obtain <lambda>",
            "7 txn rollback",
        ],
    ),
    "a dictionary of factories, several with items, a walrus": (
        """\
from app.session import session_factory, engine
F = {"main": session_factory, "e": engine}
async def f():
    async with F["main"]() as s, s.begin():
        pass
    if (t := F.get("main")()) is not None:
        await t.commit()
    async with F["e"].connect() as c:
        await c.commit()
""",
        [
            "4 create session",
            "4 txn begin",
            "6 create session",
            "7 txn commit",
            "8 create connection",
            "9 txn commit",
        ],
    ),
    "a unit of work that keeps its session on self": (
        """\
from app.session import session_factory
class UoW:
    def __init__(self, factory=session_factory):
        self._factory = factory
    async def __aenter__(self):
        self.session = self._factory()
        return self
    async def __aexit__(self, *a):
        await self.session.close()
    async def commit(self):
        await self.session.commit()
async def f():
    async with UoW() as uow:
        uow.session.add(1)
        await uow.commit()
""",
        [
            "6 create session",
            "6 store attribute",
            "9 txn close",
            "11 txn commit",
            "14 use add",
        ],
    ),
    "importlib, getattr of a module, imports inside functions and under try": (
        """\
import importlib
m = importlib.import_module("app.session")
async def f():
    s = m.session_factory()
    await s.close()
    s2 = getattr(m, "session_factory")()
    try:
        import app.session as z
    except ImportError:
        z = None
    s3 = z.session_factory()
""",
        [
            "4 create session",
            "5 txn close",
            "6 create session",
            "11 create session",
        ],
    ),
    "sessions and commits that are no database sessions": (
        """\
import requests, boto3, git, aiohttp
async def f(repo, producer):
    s = requests.Session()
    s.get("x")
    b = boto3.Session()
    r = git.Repo(".")
    r.index.commit("x")
    async with aiohttp.ClientSession() as c:
        await c.get("u")
    producer.begin_transaction(); producer.commit()
class Session:
    def commit(self): pass
def g():
    Session().commit()
""",
        [
            "4 network requests.Session().get",
            "9 network aiohttp.ClientSession().get",
        ],
    ),
    "a dataclass field, an Annotated dependency": (
        """\
from dataclasses import dataclass
from typing import Annotated
from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from app.session import get_session_dependency
@dataclass
class Repo:
    session: AsyncSession
    maker: async_sessionmaker
    async def save(self):
        self.session.add(1)
        await self.session.commit()
        async with self.maker() as q: ...
DB = Annotated[AsyncSession, Depends(get_session_dependency)]
async def ep(db: DB, r: "Repo"):
    await Repo(db, None).save()
    await r.save()
""",
        [
            "11 use add",
            "12 txn commit",
            "13 create session",
        ],
    ),
    "sub-classes of session and factory classes, a scoped registry": (
        """\
from sqlalchemy.orm import Session, sessionmaker, scoped_session
class My(Session): pass
class S2(sessionmaker): pass
def f(e):
    with My(e) as s:
        s.commit()
    reg = scoped_session(sessionmaker(e))
    reg.commit()
    reg().add(1)
    x = S2(e)
    x()
""",
        [
            "5 create session",
            "6 txn commit",
            "7 create factory",
            "8 txn commit",
            "9 create session",
            "9 use add",
            "10 create factory",
            "11 create session",
        ],
    ),
    "async generators and a decorator that passes the session": (
        """\
from app.session import get_session_dependency, session_factory
async def f():
    async for s in get_session_dependency():
        await s.commit()
    g = get_session_dependency()
    s = await anext(g)
    await s.commit()
    s = await get_session_dependency().__anext__()
    await s.rollback()
def deco(fn):
    async def w(*a, **k):
        async with session_factory() as s:
            r = await fn(*a, session=s, **k)
            await s.commit()
            return r
    return w
@deco
async def job(x, session=None):
    await session.commit()
""",
        [
            "3 obtain get_session_dependency",
            "4 txn commit",
            "6 obtain get_session_dependency",
            "7 txn commit",
            "8 obtain get_session_dependency",
            "9 txn rollback",
            "12 create session",
            "14 txn commit",
            "19 txn commit",
        ],
    ),
    "an exit stack, nested context managers, factory.begin()": (
        """\
from contextlib import AsyncExitStack, asynccontextmanager
from app.session import get_session, session_factory
@asynccontextmanager
async def tx():
    async with get_session() as s:
        async with s.begin():
            yield s
async def f():
    async with AsyncExitStack() as st:
        s = await st.enter_async_context(get_session())
        await st.enter_async_context(s.begin())
        await s.commit()
    async with tx() as q:
        import asyncio
        await asyncio.sleep(1)
    async with session_factory.begin() as z:
        z.add(1)
        await asyncio.sleep(3)
""",
        [
            "5 obtain get_session",
            "6 txn begin",
            "10 obtain get_session",
            "11 txn begin",
            "12 txn commit",
            "13 obtain tx",
            "15 network asyncio.sleep",
            "16 create session",
            "17 use add",
            "18 network asyncio.sleep",
        ],
    ),
    "module globals set by a start-up function": (
        """\
engine = None
Maker = None
def init():
    global engine, Maker
    from sqlalchemy import create_engine
    from sqlalchemy.orm import sessionmaker
    engine = create_engine("sqlite://")
    Maker = sessionmaker(bind=engine)
def use():
    s = Maker()
    s.commit()
    with engine.begin() as c:
        c.execute(1)
""",
        [
            "7 create engine",
            "8 create factory",
            "10 create session",
            "11 txn commit",
            "12 create connection",
            "13 use execute",
        ],
    ),
    "application state set at start-up, request state set by middleware": (
        """\
from fastapi import FastAPI, Request
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
app = FastAPI()
@app.on_event("startup")
async def start():
    app.state.maker = async_sessionmaker(create_async_engine("x"))
@app.get("/x")
async def ep(request: Request):
    async with request.app.state.maker() as s:
        await s.commit()
@app.middleware("http")
async def mw(request, call_next):
    request.state.db = request.app.state.maker()
    r = await call_next(request)
@app.get("/y")
async def ep2(request: Request):
    await request.state.db.commit()
""",
        [
            "6 create engine",
            "6 create factory",
            "9 create session",
            "10 txn commit",
            "13 create session",
            "13 store library object",
            "17 txn commit",
        ],
    ),
    "a property, class and static methods, __call__": (
        """\
from app.session import session_factory
class D:
    @property
    def db(self): return session_factory()
    @classmethod
    def make(cls): return session_factory()
    @staticmethod
    def st(): return session_factory()
    def __call__(self): return session_factory()
d = D()
async def f():
    await d.db.commit()
    await D.make().commit()
    await D.st().commit()
    await d().commit()
""",
        [
            "4 create session",
            "6 create session",
            "8 create session",
            "9 create session",
            "12 obtain db",
            "12 txn commit",
            "13 obtain make",
            "13 txn commit",
            "14 obtain st",
            "14 txn commit",
            "15 obtain __call__",
            "15 txn commit",
        ],
    ),
    "conditional expressions, loops, starred targets, match": (
        """\
from app.session import session_factory
import random
a, *b = session_factory, 1
async def f(flag, session=None):
    own = session is None
    s = session or session_factory()
    t = session_factory() if flag else None
    for u in [session_factory(), session_factory()]:
        await u.commit()
    m = {"k": [session_factory]}
    await m["k"][0]().commit()
    x = [mk() for mk in (session_factory,)]
    await x[0].commit()
    await t.commit()
    await s.commit()
    fn = s.rollback
    await fn()
    match flag:
        case 1:
            await session_factory().commit()
""",
        [
            "6 create session",
            "7 create session",
            "8 create session",
            "9 txn commit",
            "11 create session",
            "11 txn commit",
            "12 create session",
            "13 txn commit",
            "14 txn commit",
            "15 txn commit",
            "17 txn rollback",
            "20 create session",
            "20 txn commit",
        ],
    ),
    "globals, __dict__, vars, methodcaller, attrgetter, a loop over names, a context variable, map": (
        """\
import operator, contextvars
from app import session as m
from app.session import session_factory, engine
var = contextvars.ContextVar("s")
async def f():
    s = globals()["session_factory"]()
    t = m.__dict__["session_factory"]()
    u = vars(m)["session_factory"]()
    await operator.methodcaller("commit")(s)
    await operator.attrgetter("rollback")(t)()
    for op in ("commit", "rollback"):
        await getattr(u, op)()
    var.set(s)
async def g():
    await var.get().commit()
    list(map(lambda q: q.commit(), [session_factory()]))
""",
        [
            "6 create session",
            "7 create session",
            "8 create session",
            "9 txn commit",
            "10 txn rollback",
            "12 txn commit",
            "12 txn rollback",
            "13 store context variable",
            "15 txn commit",
            "16 create session",
            "16 txn commit",
        ],
    ),
    "ambient sessions of extensions and object_session": (
        """\
from flask_sqlalchemy import SQLAlchemy
from fastapi_async_sqlalchemy import db as d
from sqlalchemy.orm import object_session
db = SQLAlchemy()
def f(obj):
    db.session.add(1)
    db.session.commit()
    object_session(obj).commit()
    d.session.commit()
""",
        [
            "6 use add",
            "7 txn commit",
            "8 txn commit",
            "9 txn commit",
        ],
    ),
    "an abstract class whose sub-class commits": (
        """\
import abc
from app.session import session_factory
class Base(abc.ABC):
    @abc.abstractmethod
    async def commit(self): raise NotImplementedError
    async def save(self, x): await self.commit()
class Sql(Base):
    def __init__(self, session): self.session = session
    async def commit(self): await self.session.commit()
async def work(uow: Base):
    await uow.commit()
async def work2(uow: Base):
    await uow.save(1)
async def top():
    async with session_factory() as s:
        async with s.begin():
            await Sql(s).save(1)
            await work(Sql(s))
""",
        [
            "8 store attribute",
            "9 txn commit",
            "15 create session",
            "16 txn begin",
        ],
    ),
    "a class-based view": (
        """\
from fastapi import Depends, APIRouter
from fastapi_utils.cbv import cbv
from sqlalchemy.ext.asyncio import AsyncSession
from app.session import get_session_dependency
router = APIRouter()
@cbv(router)
class V:
    session: AsyncSession = Depends(get_session_dependency)
    @router.get("/x")
    async def x(self):
        await self.session.commit()
""",
        [
            "8 store class",
            "11 txn commit",
        ],
    ),
    "run_sync, derived connections, get_bind, to_thread": (
        """\
from app.session import get_session, engine
import asyncio
async def f():
    async with get_session() as s:
        await s.run_sync(lambda q: q.commit())
        c = await s.connection()
        await c.commit()
        r = await c.get_raw_connection()
        s.get_bind().connect()
        tx = await s.begin()
        await tx.rollback()
        await asyncio.to_thread(sync_work, s.sync_session)
def sync_work(q):
    q.commit()
""",
        [
            "4 obtain get_session",
            "5 txn commit",
            "5 use run_sync",
            "6 use connection",
            "7 txn commit",
            "8 use get_raw_connection",
            "9 create connection",
            "9 use get_bind",
            "10 txn begin",
            "11 txn rollback",
            "14 txn commit",
        ],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_database_events_are_found_through(name):
    source, expected = CASES[name]
    assert events(source) == expected
