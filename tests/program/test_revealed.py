"""Sessions that the code reveals by use, declaration or reflection, and what only looks like one.

Each case is a file of the example project (``app/services/x.py``); the lines with a finding are marked.
"""

from __future__ import annotations

import pytest

from sessionlint.engine import Engine
from tests.program.support import marked

CASES = {
    "a parameter that executes queries": """\
from sqlalchemy import select
from app.models.item import Item
async def go(db):
    await db.execute(select(Item))
    await db.commit()  # TXN201
""",
    "a parameter that adds rows and ends transactions": """\
from app.models.item import Item
async def go(db, item: Item):
    db.add(item)
    await db.rollback()  # TXN202
""",
    "a parameter that is asked for a mapped class, in another method": """\
from app.models.item import Item
class Repository:
    def __init__(self, db):
        self.db = db
    def load(self):
        return self.db.query(Item).all()
    def save(self):
        self.db.commit()  # TXN201
""",
    "parameters that tell nothing": """\
from app.models.item import Item
async def by_name_alone(session):
    await session.commit()
async def a_collection(seen, item: Item):
    seen.add(item)
async def of_something_else(repository, job):
    repository.add(job)
    repository.commit()
""",
    "a parameter for which the project passes something else": """\
from app.models.item import Item
class Outbox:
    def add(self, item): self.items = [item]
    def commit(self): self.items = []
def send(outbox, item: Item):
    outbox.add(item)
    outbox.commit()
def go():
    send(Outbox(), Item())
""",
    "one of several declared sessions": """\
from sqlalchemy.ext.asyncio import AsyncSession
async def first(*sessions: AsyncSession):
    await sessions[0].commit()  # TXN201
async def named(**sessions: AsyncSession):
    await sessions["read"].rollback()  # TXN202
async def texts(*names: str):
    names[0].commit()
""",
    "an attribute that a pattern takes out": """\
from dataclasses import dataclass
from sqlalchemy.ext.asyncio import AsyncSession
@dataclass
class Context:
    session: AsyncSession
    name: str = ""
async def of_a_class(context: Context | str):
    match context:
        case Context(session=s, name=n):
            await s.commit()  # TXN201
            n.commit()
async def of_a_mapping(options: dict[str, AsyncSession]):
    match options:
        case {"session": s}:
            await s.commit()  # TXN201
async def of_a_sequence(session: AsyncSession):
    match (session, 1):
        case [s, n]:
            await s.commit()  # TXN201
            n.commit()
""",
    "the class of a session": """\
from sqlalchemy.ext.asyncio import AsyncSession
from app.session import engine, session_factory
async def go(session: AsyncSession):
    await session.__class__.commit(session)  # TXN201
async def made():
    make = session_factory.class_
    async with make(engine) as session:  # TXN101
        await session.flush()
""",
    "an object that passes every attribute on": """\
from sqlalchemy.ext.asyncio import AsyncSession
class Proxy:
    def __init__(self, session: AsyncSession):
        self._session = session
    def __getattr__(self, name: str):
        return getattr(self._session, name)
async def go(session: AsyncSession):
    await Proxy(session).commit()  # TXN201
""",
    "an object that passes every attribute on to something else": """\
class Proxy:
    def __init__(self, outbox):
        self._outbox = outbox
    def __getattr__(self, name: str):
        return getattr(self._outbox, name)
async def go(outbox):
    await Proxy(outbox).commit()
""",
    "the driver's cursor": """\
from sqlalchemy.orm import Session
def go(db: Session):
    cursor = db.connection().connection.cursor()
    cursor.execute("COMMIT")  # TXN201
    cursor.execute("SELECT 1")
""",
    "the engine of an extension": """\
from flask_sqlalchemy import SQLAlchemy
db = SQLAlchemy()
def go():
    with db.engine.connect() as connection:  # TXN104
        connection.commit()  # TXN201
""",
    "a marker of dependency injection": """\
from dishka import FromDishka
from sqlalchemy.ext.asyncio import AsyncSession
async def go(session: FromDishka[AsyncSession], name: FromDishka[str]):
    await session.commit()  # TXN201
    name.commit()
""",
    "the default of a field": """\
from collections.abc import Callable
from dataclasses import dataclass, field
from app.session import get_session, session_factory
@dataclass
class Deps:
    sessions: Callable = field(default=get_session)
    make: Callable = field(default=session_factory)
    names: list = field(default_factory=list)
class Service:
    def __init__(self, deps: Deps):
        self._deps = deps
    async def total(self):
        async with self._deps.sessions() as session:  # TXN106
            return await session.connection()
    async def raw(self):
        session = self._deps.make()  # TXN101, TXN108
        await session.close()
""",
    "a library's class as the default of a field": """\
from dataclasses import dataclass, field
import asyncpg
import httpx
from sqlalchemy.ext.asyncio import AsyncSession
from app.session import engine
@dataclass
class Kit:
    session: object = field(default=AsyncSession)
    client: object = field(default=httpx.AsyncClient)
    connect: object = field(default=asyncpg.connect)
async def total():
    async with Kit().session(engine) as session:  # TXN101
        await session.commit()  # TXN201
async def page(url):
    async with Kit().client() as session:
        await session.commit()
async def raw(url):
    connection = await Kit().connect(url)  # TXN104, TXN108
    await connection.close()
""",
    "the dictionary of a worker": """\
from app.session import session_factory
async def startup(ctx):
    ctx["make"] = session_factory
    ctx["name"] = "worker"
async def work(ctx, number):
    async with ctx["make"]() as session, session.begin():  # TXN101
        ctx["name"].commit()
async def other(ctx):
    await ctx["make"].commit()
class WorkerSettings:
    on_startup = startup
    functions = [work]
""",
    "what stands in a parameter's attribute or under a key of it": """\
from sqlalchemy import select
from app.models.item import Item
async def of_a_unit(unit):
    unit.session.add(Item(name="x"))
    await unit.session.commit()  # TXN201
async def of_a_context(context):
    await context["database"].scalars(select(Item))
    await context["database"].rollback()  # TXN202
async def deeper(info):
    info.context["db"].add(Item(name="x"))
    await info.context["db"].commit()  # TXN201
class Steps:
    def __init__(self, unit):
        self.unit = unit
    async def save(self):
        self.unit.session.add(Item(name="x"))
        await self.unit.session.commit()  # TXN201
""",
    "attributes and entries that tell nothing": """\
from app.models.item import Item
async def two_of_them(unit):
    unit.items.add(Item(name="x"))
    await unit.outbox.commit()
async def the_unit_itself(unit):
    unit.items.add(Item(name="x"))
    await unit.commit()
async def by_two_keys(context, key):
    context["items"].add(Item(name="x"))
    await context["outbox"].commit()
    await context[key].commit()
class Outbox:
    def add(self, item): self.items = [item]
    def commit(self): self.items = []
class Unit:
    def __init__(self):
        self.session = Outbox()
def keep(unit):
    unit.session.add(Item(name="x"))
    unit.session.commit()
def go():
    keep(Unit())
""",
    "what is passed for a parameter that is a session": """\
import asyncio
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from app.models.item import Item
async def insert(db, name):
    db.add(Item(name=name))
    await db.flush()
async def insert_two(db):
    await asyncio.gather(insert(db, "a"), insert(db, "b"))  # TXN602
async def close_books(db):
    await insert(db, "a")
    await db.commit()  # TXN201
class Books:
    def __init__(self, db):
        self.db = db
    async def close(self):
        await insert(self.db, "a")
        await self.db.commit()  # TXN201
async def find(session: AsyncSession, name: str):
    return await session.scalar(select(Item).where(Item.name == name))
async def find_two(db):
    return await asyncio.gather(find(db, "a"), find(db, "b"))  # TXN602
""",
    "what is passed for a parameter that may be anything": """\
import asyncio
from app.models.item import Item
async def insert(db, name):
    db.add(Item(name=name))
    await db.flush()
class Outbox:
    def add(self, item): self.items = [item]
    async def flush(self): self.items = []
    async def commit(self): self.items = []
async def insert_two(db):
    await asyncio.gather(insert(db, "a"), insert(db, "b"))
    await db.commit()
async def go():
    await insert_two(Outbox())
def shown(value):
    return str(value)
async def label(db):
    shown(db)
    await db.commit()
""",
    "what only a session does, without an end": """\
import asyncio
from sqlalchemy import select
from app.models.item import Item
async def named(store, name):
    return await store.scalars(select(Item).where(Item.name == name))
async def two_named(store):
    await asyncio.gather(named(store, "a"), named(store, "b"))  # TXN602
class Drawers:
    def __init__(self, cabinet):
        self.cabinet = cabinet
    async def one(self, key):
        return await self.cabinet.get(Item, key)
    async def all(self):
        return (await self.cabinet.execute(select(Item))).all()
    async def both(self):
        return await asyncio.gather(self.one(1), self.all())  # TXN602
    async def in_turn(self):
        return [await self.one(1), await self.all()]
async def kept(cabinet, name):
    cabinet.add(Item(name=name))
    await cabinet.scalar(select(Item))
async def keep(cabinet):
    await asyncio.gather(*(kept(cabinet, name) for name in "ab"))  # TXN602
""",
    "a function that ends what another one loads rows by": """\
from app.models.item import Item
def named(depot, key):
    kind = Item
    return depot.query(kind).filter(kind.id == key).first()
def scrap(depot, key):
    depot.delete(named(depot, key))
    depot.commit()  # TXN201
class Scrapyard:
    async def scrap(self, depot, key):
        await depot.rollback()  # TXN202
        return await one(depot, key)
async def one(depot, key):
    return await depot.get(Item, key)
""",
    "a function that ends something else than what another one loads rows by": """\
from app.models.item import Item
class Ledger:
    def query(self, kind): return []
    def commit(self): self.closed = True
def named(depot, key):
    return depot.query(Item)
def close(ledger, depot, key):
    ledger.commit()
    return named(depot, key)
def close_own(key):
    ledger = Ledger()
    close_with(ledger, key)
def close_with(ledger, key):
    named(ledger, key)
    ledger.commit()
def listed(depot, kind):
    return depot.query(kind)
def close_any(ledger, kind):
    listed(ledger, kind)
    ledger.commit()
""",
    "an attribute that a class has from a base out of sight": """\
from shared.depots import Depot
from sqlalchemy import select
from app.models.item import Item
class Items(Depot[Item]):
    async def put(self, name):
        self.unit.add(Item(name=name))
        await self.unit.commit()  # TXN201
    async def all_of(self):
        return await self.unit.execute(select(Item))
class Sorted(Depot[Item]):
    async def put(self, name):
        self.unit.add(name)
        await self.unit.commit()
class Posted(Depot[Item]):
    def __init__(self, outbox):
        self.unit = outbox
    async def put(self, name):
        self.unit.add(Item(name=name))
        await self.unit.send()
class Boxed(Depot[Item]):
    def __init__(self):
        self.unit = Box()
    async def put(self, name):
        self.unit.add(Item(name=name))
        await self.unit.commit()
class Box:
    def add(self, item): self.items = [item]
    async def commit(self): self.items = []
""",
    "a query of a class that is out of sight": """\
from elsewhere.people import Person, find
def rename(unit, name):
    person = unit.query(Person).filter(Person.name == name).first()
    person.name = "b"
    unit.commit()  # TXN201
def rename_by(unit, name):
    unit.query(Person).filter_by(name=name).one().name = "b"
    unit.commit()  # TXN201
def rename_in(driver, name):
    with driver.unit as unit:
        unit.query(Person).filter(Person.name == name).first().name = "b"
        unit.commit()  # TXN201
def rename_of(driver, name):
    unit = driver.unit
    unit.query(Person).filter(Person.name == name).first().name = "b"
    unit = driver.other
    unit.commit()
def of_a_store(store, name):
    found = store.query("select name from people").filter(name)
    store.commit()
    return found
def of_a_collection(store, name):
    found = store.query(find).filter(lambda person: person.name == name)
    store.commit()
    return found
""",
    "what engines, stores and caches do, too": """\
import asyncio
from sqlalchemy import select
from app.models.item import Item
async def run(pool, name):
    return await pool.execute(select(Item).where(Item.name == name))
async def run_two(pool):
    await asyncio.gather(run(pool, "a"), run(pool, "b"))
async def load(cache, key):
    return await cache.get(Item, key)
async def load_two(cache):
    await asyncio.gather(load(cache, 1), load(cache, 2))
async def put(outbox, name):
    await outbox.add(Item(name=name))
    await outbox.get(Item, name)
async def put_two(outbox):
    await asyncio.gather(put(outbox, "a"), put(outbox, "b"))
class Store:
    async def scalars(self, query): return []
async def find(store):
    return await store.scalars(select(Item))
async def find_two():
    store = Store()
    await asyncio.gather(find(store), find(store))
""",
}


@pytest.mark.parametrize("name", CASES)
def test_a_session_is_what_the_code_reveals_as_one(name):
    found, expected = marked(CASES[name])
    assert found == expected


def test_a_type_parameter_is_its_bound_on_every_python(tmp_path):
    source = """\
from sqlalchemy.ext.asyncio import AsyncSession
async def bound[S: AsyncSession](session: S):
    await session.commit()
class Repository[S: AsyncSession, M]:
    async def save(self, session: S, model: M):
        model.commit()
        await session.rollback()
async def unbound[S](session: S):
    await session.commit()
"""
    engine = Engine(tmp_path)
    events = engine.solve({"work.py": source.encode()}).events("txn")
    assert [(event.span[0], event.name) for event in events] == [(3, "commit"), (7, "rollback")]
