"""TXN207: waiting on the network while a transaction is open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sessionlint.report import Finding
from sessionlint.rules.awaited_later import is_awaited_later
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.built_lazily import is_taken_later
from sessionlint.rules.called_inside import called_inside
from sessionlint.rules.decorated import around, is_told_inside
from sessionlint.rules.ended_before import open_around
from sessionlint.rules.flush_listeners import BEFORE_ANY, listeners, listening
from sessionlint.rules.held_open import Opening, held_open
from sessionlint.rules.task_groups import waits_behind
from sessionlint.rules.transactions import called, down_to

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event
    from sessionlint.program.values import Site

META = Rule(
    code="TXN207",
    name="network-io-in-transaction",
    summary="An HTTP, socket, LLM, mail or sleep call waits while a transaction is open.",
    rationale=(
        "While the call waits, the transaction keeps its row locks and its database connection; through a transaction "
        "pooler also one of the few server connections everybody shares (throughput was measured with 5 of them). A "
        "slow provider then stops requests that have nothing to do with it, and `idle_in_transaction_session_timeout` "
        "may kill the transaction under the call. When the transaction rolls back, what the call did stays done. "
        "Without `begin()` the transaction opens by itself: at the first write that reaches the database (a flush, an "
        "`update()`, an `INSERT`), at the first lock (`with_for_update()`, an advisory lock), or at the read of a row "
        "that is changed before the wait when a unit of work commits it after the wait, and stays open until somebody "
        "commits, rolls back or closes, also through the functions that are called and from the dependencies that ran "
        "before the endpoint. A write that one branch makes counts: on that way it is open, and so does what a branch "
        "or the round before has added, once a query sends it. A `SELECT` alone opens one, too, and keeps its "
        "connection; it is left out, because it locks no rows, and every request that loads its user before it calls "
        "anybody would be a finding. The finding stands in the function that has the transaction open, at the wait or "
        "the call that comes to one."
    ),
    remedy=(
        "Three steps: read what the call needs in one transaction, make the call with none open, store the answer in a "
        "second one."
    ),
    not_flagged=(
        "Calls before or after the block, also between two blocks; work that is only scheduled inside it; functions "
        "that wait but are called outside; clients that are only created inside the block, and what they only collect "
        "(the commands of a pipeline before `execute()`); sessions that have only read, rows that were added but not "
        "flushed; after writes in a branch: where a parameter that callers pass decides about them and not about the "
        "wait, where anything may have ended the transaction since, and under another test of the same names (a "
        "failure that is rolled back and then forgotten is no path of its own); what a context manager does when it is "
        "left, outside a block; the session of an object that others made, once another such object has ended a "
        "transaction, which may be the same, or does what no class in sight writes out; waits after a commit or "
        "rollback by hand in the block, which are TXN201, TXN202 and TXN205; `sleep(0)`, which waits for nothing; what "
        "a `map()` or a generator expression will call that is gone through after the block; coroutines that are kept "
        "by a name and only awaited or gathered behind it; what a task group runs whose own block ends behind the "
        "transaction's."
    ),
)

BAD = [
    Bad(
        """
import ftplib
from concurrent.futures import ThreadPoolExecutor

import requests

from app.session import get_session


class Courier:
    async def send(self, letter):
        requests.post("https://post.example", json=letter, timeout=3)

    __call__ = send


async def handed_over(courier: Courier, urls):
    async with get_session() as session, session.begin():
        await courier({"to": "all"})  # TXN207@15
        box = ftplib.FTP("files.example")  # TXN207@15
        with ThreadPoolExecutor() as pool:
            return list(pool.map(requests.get, urls)), box  # TXN207@25
    await courier({"to": "all"})
""",
        path="app/tasks/letters.py",
    ),
    Bad(
        """
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from multiprocessing.pool import ThreadPool

import requests
from sqlalchemy.orm import Session


def fetch(url):
    return requests.get(url, timeout=3).text


def measured(url):
    return len(url)


def mapped(session: Session, urls):
    with session.begin(), ThreadPoolExecutor() as pool:
        pages = list(pool.map(fetch, urls))  # TXN207@22
        session.add_all(list(pool.map(measured, urls)))


def asked(session: Session, urls):
    with session.begin(), ThreadPoolExecutor() as pool:
        futures = [pool.submit(fetch, url) for url in urls]
        session.add_all([future.result() for future in futures])  # TXN207@26


def as_they_come(session: Session, urls):
    with session.begin(), ThreadPoolExecutor() as pool:
        for future in as_completed([pool.submit(fetch, url) for url in urls]):  # TXN207@23
            session.add(future)


def waited(session: Session, pool: ThreadPoolExecutor, urls):
    with session.begin():
        first = pool.submit(fetch, urls[0])
        done, _ = wait([first])  # TXN207@19


def left(session: Session, url):
    with session.begin():
        session.add(object())
        with ThreadPoolExecutor() as pool:
            future = pool.submit(fetch, url)  # TXN207@22
    return future


def of_threads(session: Session, urls):
    with session.begin(), ThreadPool(4) as pool:
        session.add_all(pool.map(fetch, urls))  # TXN207@25
""",
        path="app/tasks/pages.py",
    ),
    Bad(
        """
# --- app/services/mailbox.py
import outbox


class Mailbox:
    async def deliver(self, letter):
        await outbox.put(letter)


async def post(letter):
    await outbox.put(letter)


async def note(letter):
    await outbox.put(letter)
# --- app/tasks/letters.py
import postbox

from app.services.mailbox import Mailbox, note, post
from app.session import get_session


async def send(letter):
    async with get_session() as session, session.begin():
        session.add(letter)
        await note(letter)
        await post(letter)  # TXN207@15
        await Mailbox().deliver(letter)  # TXN207@15
        await postbox.send(letter)  # TXN207@15
    await post(letter)
""",
        policy=(
            ("network-calls", ["app.services.mailbox.post", "app.services.mailbox.Mailbox.deliver", "postbox.send"]),
        ),
    ),
    Bad(
        """
import asyncio
import smtplib
import time

import httpx
import requests
from openai import AsyncOpenAI

from app.services import notify
from app.session import engine, get_session, session_factory

client = AsyncOpenAI()


async def work(url: str) -> None:
    async with get_session() as session:
        async with session.begin():
            async with httpx.AsyncClient() as http:
                response = await http.get(url)  # TXN207@34
            await client.chat.completions.create(model="m", messages=[])  # TXN207@19
            await asyncio.sleep(1)  # TXN207@19
            await notify.tell_everybody([url])  # TXN207@19
            session.add(response)


async def factory_block(url: str) -> None:
    async with session_factory.begin() as session:
        session.add(requests.get(url))  # TXN207@21
        await asyncio.gather(notify.post(url), notify.post(url))  # TXN207@30 TXN207@48


async def engine_block() -> None:
    async with engine.begin() as connection:
        time.sleep(1)  # TXN207@9
        await asyncio.to_thread(requests.post, "url")  # TXN207@15
        await asyncio.get_running_loop().run_in_executor(None, notify.call)  # TXN207@15
        with smtplib.SMTP("mail") as mail:  # TXN207@14
            mail.send_message("hello")  # TXN207@13
        await connection.run_sync(print)
# --- app/services/notify.py
import httpx


async def tell_everybody(urls):
    for url in urls:
        await post(url)


def call():
    httpx.get("http://localhost")


async def post(url):
    async with httpx.AsyncClient(timeout=5) as client:
        await client.post(url, json={})
""".replace("import asyncio", "# --- app/tasks/work.py\nimport asyncio", 1)
    ),
    Bad(
        """
# --- app/services/units.py
from contextlib import asynccontextmanager

from app.session import get_session


@asynccontextmanager
async def unit_of_work():
    async with get_session() as session:
        async with session.begin():
            yield session
# --- app/services/fetching.py
import aiohttp


class Fetcher:
    def __init__(self) -> None:
        self.http = aiohttp.ClientSession()

    async def fetch(self, url):
        async with self.http.get(url) as response:
            return await response.read()
# --- app/routers/pages.py
from fastapi import APIRouter, Depends

from app.services.fetching import Fetcher
from app.services.units import unit_of_work
from app.session import get_session_dependency

router = APIRouter()


@router.post("/pages")
async def scan(url: str, session=Depends(get_session_dependency)):
    fetcher = Fetcher()
    async with session.begin():
        session.add(await fetcher.fetch(url))  # TXN207@27
    async with unit_of_work() as other:
        page = await fetcher.fetch(url)  # TXN207@22
        other.add(page)
"""
    ),
    Bad(
        """
# --- app/tasks/pages.py
import asyncio

import httpx
from sqlalchemy import func, insert, select, text, update

from app.models.item import Item
from app.services.items import Items, create, note
from app.session import get_session


async def flushed(url: str) -> None:
    async with get_session() as session:
        session.add(Item(name=url))
        await session.flush()
        await ask(url)  # TXN207@15
        await session.commit()
        await ask(url)


async def statements(url: str) -> None:
    async with get_session() as session:
        await session.execute(update(Item).values(status="busy"))
        await ask(url)  # TXN207@15
        await session.rollback()
        await session.execute(insert(Item))
        await asyncio.sleep(1)  # TXN207@15


async def locked(url: str) -> None:
    async with get_session() as session:
        await session.execute(select(Item).where(Item.name == url).with_for_update(skip_locked=True))
        await ask(url)  # TXN207@15
        await session.commit()
        await session.get(Item, 1, with_for_update=True)
        await ask(url)  # TXN207@15
        await session.commit()
        await session.execute(select(func.pg_advisory_xact_lock(1)))
        await ask(url)  # TXN207@15
        await session.commit()
        await session.execute(text("SELECT 1 FROM items FOR UPDATE"))
        await ask(url)  # TXN207@15


async def read_after_add(url: str) -> None:
    async with get_session() as session:
        session.add(Item(name=url))
        await session.scalar(select(Item))
        await ask(url)  # TXN207@15


async def next_round(urls: list[str]) -> None:
    async with get_session() as session:
        for url in urls:
            if await session.scalar(select(Item)):
                continue
            await note(session, url)
            await ask(url)  # TXN207@19


async def by_callees(url: str) -> None:
    async with get_session() as session:
        await note(session, url)
        await ask(url)  # TXN207@15
        await session.commit()
        await create(session, url, flush=True)
        await ask(url)  # TXN207@15
        await session.commit()
        await Items(session).save(url)
        await ask(url)  # TXN207@15


async def ask(url: str) -> None:
    async with httpx.AsyncClient() as http:
        await http.get(url)
# --- app/services/items.py
from app.models.item import Item


async def note(session, name):
    session.add(Item(name=name))
    await session.flush()


async def create(session, name, flush=False):
    session.add(Item(name=name))
    if flush:
        await session.flush()


class Items:
    def __init__(self, session):
        self.session = session

    async def save(self, name):
        self.session.add(Item(name=name))
        await self.session.flush()
# --- app/routers/pages.py
import httpx
from fastapi import APIRouter, Depends

from app.models.item import Item
from app.services.items import note
from app.session import get_session_dependency

router = APIRouter()


async def started(session=Depends(get_session_dependency)):
    await note(session, "started")


@router.post("/pages")
async def scan(url: str, run=Depends(started)):
    async with httpx.AsyncClient() as http:
        return await http.get(url)  # TXN207@22
"""
    ),
    Bad(
        """
# --- app/routers/sockets.py
from typing import Annotated

from fastapi import APIRouter, Depends, WebSocket
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import get_session_dependency

router = APIRouter()


@router.websocket("/socket")
async def socket(websocket: WebSocket, session: Annotated[AsyncSession, Depends(get_session_dependency)]):
    await websocket.accept()
    key = await websocket.receive_text()
    async with session.begin():
        row = await session.get(object, key)
        row.note = await websocket.receive_text()  # TXN207@26
    await websocket.send_text(row.note)
"""
    ),
    Bad(
        source="""
# --- app/decorators.py
import functools

from app.session import get_session


def in_transaction(fn):
    @functools.wraps(fn)
    async def wrapper(*args, session, **kwargs):
        async with session.begin():
            return await fn(*args, session=session, **kwargs)

    return wrapper


def with_transaction(fn):
    @functools.wraps(fn)
    async def wrapper(*args, **kwargs):
        async with get_session() as session, session.begin():
            return await fn(session, *args, **kwargs)

    return wrapper
# --- app/routers/items.py
import httpx
from fastapi import APIRouter, BackgroundTasks, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.decorators import in_transaction, with_transaction
from app.session import get_session, get_session_dependency

router = APIRouter()


def index():
    return 1


async def fetch(url):
    async with httpx.AsyncClient() as http:
        return await http.get(url)  # no transaction here


@router.post("/a")
@in_transaction
async def a(url: str, session: AsyncSession = Depends(get_session_dependency)):
    session.add(object())
    await fetch(url)  # TXN207@11


@with_transaction
async def b(session: AsyncSession, url):
    await fetch(url)  # TXN207@11
    session.add(url)
    await fetch(url)  # TXN207@11
""",
    ),
    Bad(
        """
# --- app/tasks/counting.py
import redis.asyncio as redis
from faststream.nats import NatsBroker
from redis import Redis

from app.session import get_session

store = redis.from_url("redis://store")
bus = NatsBroker()
told = bus.publisher("told")


async def counted(number):
    async with get_session() as session:
        async with session.begin():
            session.add(number)
            await store.incr("rows")  # TXN207@19
            async with store.pipeline() as batch:
                batch.set("last", number)
                await batch.execute()  # TXN207@23
            await bus.publish(number, "counted")  # TXN207@19
            await told.publish(number)  # TXN207@19
            forget(Redis(), number)  # TXN207@13


def forget(cache: Redis, number):
    cache.delete(f"row:{number}")
""",
    ),
    Bad(
        source="""
# --- app/services/notes.py
import httpx


async def savepoint(session):
    async with session.begin_nested():
        session.add(object())


async def finish(session, really):
    if really:
        await session.commit()


async def tell(name):
    async with httpx.AsyncClient() as client:
        await client.post("https://notes.example", json={"name": name})
# --- app/tasks/notes.py
from app.services.notes import finish, savepoint, tell
from app.session import get_session


async def told_in_the_block():
    async with get_session() as session, session.begin():
        await savepoint(session)
        await tell("done")  # TXN207@15


async def told_after_all(really):
    async with get_session() as session, session.begin():
        await finish(session, really)
        await tell("done")  # TXN207@15


async def told_in_the_next(sessions):
    async with get_session() as session:
        await session.commit()
        async with session.begin():
            session.add(object())
            await tell("done")  # TXN207@19
"""
    ),
    Bad(
        """
import httpx
from sqlalchemy import select, update

from app.models import Page
from app.session import get_session


async def opened(rounds):
    for _ in range(rounds):
        async with get_session() as session, session.begin():
            yield session


async def claimed(limit):
    async with get_session() as session, session.begin():
        found = await session.scalars(select(Page).limit(limit).with_for_update())
        for page in found:
            yield page


async def listed(limit):
    async with get_session() as session, session.begin():
        addresses = list(await session.scalars(select(Page.url).limit(limit)))
    for address in addresses:
        yield address


async def crawl(client: httpx.AsyncClient):
    async for page in claimed(10):
        page.html = (await client.get(page.url)).text  # TXN207@28
    async for session in opened(2):
        await client.get("https://pages.example/ready")  # TXN207@15
        await session.execute(update(Page).values(seen=True))
    async for address in listed(10):
        await client.get(address)
    await client.get("https://pages.example/done")
""",
        path="app/tasks/crawl.py",
    ),
    Bad(
        """
# --- app/tasks/stock.py
from contextlib import AsyncExitStack

import httpx

from app.session import get_session


async def ring():
    async with httpx.AsyncClient() as http:
        await http.post("https://bells.example")


class Bell:
    async def __aenter__(self):
        return self

    async def __aexit__(self, *error):
        await ring()


async def rung_inside(item):
    async with get_session() as session, session.begin(), Bell():  # TXN207@5
        session.add(item)


async def called_back(item):
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(get_session())
        await stack.enter_async_context(session.begin())
        stack.push_async_callback(ring)  # TXN207@9
        session.add(item)


async def put_on_top(item):
    async with AsyncExitStack() as stack:  # TXN207@5
        session = await stack.enter_async_context(get_session())
        await stack.enter_async_context(session.begin())
        await stack.enter_async_context(Bell())
        session.add(item)


async def by_name(item):
    later = lambda: ring()
    async with get_session() as session, session.begin():
        session.add(item)
        await later()  # TXN207@15
"""
    ),
    Bad(
        """
# --- app/tasks/lines.py
import smtplib

import aiomqtt
import anyio
import ldap3
import pika
import zmq.asyncio
from aiokafka import AIOKafkaProducer

from app.session import get_session

wire = zmq.asyncio.Context.instance().socket(zmq.SUB)


async def connected(settings):
    async with get_session() as session, session.begin():
        smtplib.SMTP_SSL(host=settings.mail)  # TXN207@9
        ldap3.Connection(settings.directory, auto_bind=True)  # TXN207@9
        pika.BlockingConnection(pika.URLParameters(settings.rabbit))  # TXN207@9
        await anyio.connect_tcp(settings.mail, 25)  # TXN207@15
        async with aiomqtt.Client(settings.broker) as client:  # TXN207@20
            session.add(client)
        await AIOKafkaProducer().start()  # TXN207@15
        session.add(await wire.recv_json())  # TXN207@27
"""
    ),
    Bad(
        """
# --- app/tasks/mailing.py
import httpx
from sqlalchemy import select, update

from app.models.item import Item
from app.session import get_session


class Gone(Exception):
    pass


async def post(name):
    async with httpx.AsyncClient() as http:
        await http.post("https://mail.example", json={"name": name})


async def mark(session, item):
    await session.execute(update(Item).where(Item.id == item.id).values(status="gone"))


async def told_after_a_failure(key):
    async with get_session() as session:
        item = await session.get(Item, key)
        try:
            await post(item.name)
        except Gone:
            await mark(session, item)
        await post("done")  # TXN207@15


async def told_in_any_case(key):
    async with get_session() as session:
        item = await session.get(Item, key)
        try:
            await post(item.name)
        except Gone:
            await mark(session, item)
        except ValueError:
            print("again tomorrow")
        finally:
            await post("done")  # TXN207@19


async def sent_with_the_query(key):
    async with get_session() as session:
        item = await session.get(Item, key)
        item.status = "asked"
        await session.scalar(select(Item).where(Item.name == "other"))
        await post(item.name)  # TXN207@15
"""
    ),
    Bad(
        """
# --- app/tasks/outcomes.py
from dataclasses import dataclass

import httpx
from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError

from app.models.item import Item
from app.session import get_session


@dataclass
class Taken:
    key: int


@dataclass
class Refused:
    why: str


async def ask(key):
    async with httpx.AsyncClient() as http:
        await http.get(f"https://shop.example/{key}")


async def take(session, key):
    try:
        await session.execute(update(Item).where(Item.id == key).values(status="taken"))
        return Taken(key)
    except SQLAlchemyError as error:
        return Refused(str(error))


async def taken(key):
    async with get_session() as session:
        outcome = await take(session, key)
        if isinstance(outcome, Refused):
            raise RuntimeError(outcome.why)
        await ask(key)  # TXN207@15


async def taken_if(key):
    async with get_session() as session:
        outcome = await take(session, key)
        if not isinstance(outcome, Refused):
            await ask(key)  # TXN207@19
"""
    ),
    Bad(
        """
# --- app/tasks/ledgers.py
import httpx

from app.session import get_session


class Posting:
    async def post(self, entry):
        await self.client.post("https://ledger.example", json=entry)
        await self.journal.note(entry)


class Ledger(Posting):
    def __init__(self):
        self.client = httpx.AsyncClient()
        self.journal = Journal()


class Journal:
    async def note(self, entry):
        print(entry)


class Noting:
    async def note_all(self, entries):
        await self.target.note(entries)


class Far(Noting):
    def __init__(self):
        self.target = Remote()


class Near(Noting):
    def __init__(self):
        self.target = Journal()


class Remote:
    async def note(self, entry):
        httpx.post("https://ledger.example", json=entry)


async def book(entry):
    async with get_session() as session, session.begin():
        session.add(entry)
        await Ledger().post(entry)  # TXN207@15


async def book_near(entry):
    async with get_session() as session, session.begin():
        session.add(entry)
        await Near().note_all(entry)
""",
    ),
    Bad(
        """
# --- app/tasks/claims.py
from dataclasses import dataclass

import httpx
from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError

from app.models.item import Item
from app.session import get_session


@dataclass
class Claimed:
    key: int


@dataclass
class Lost:
    why: str


async def tell(key):
    async with httpx.AsyncClient() as http:
        await http.get(f"https://claims.example/{key}")


async def claim(session, key):
    try:
        await session.execute(update(Item).where(Item.id == key).values(status="claimed"))
        return Claimed(key)
    except SQLAlchemyError as error:
        return Lost(str(error))


async def claim_or_none(session, key):
    try:
        await session.execute(update(Item).where(Item.id == key).values(status="claimed"))
        return key
    except SQLAlchemyError:
        return None


class Claims:
    def __init__(self, session):
        self.session = session

    async def claim(self, key):
        outcome = await claim(self.session, key)
        return outcome

    async def claim_or_none(self, key):
        return await claim_or_none(self.session, key)


async def claimed(key):
    async with get_session() as session:
        outcome = await Claims(session).claim(key)
        if isinstance(outcome, Lost):
            await tell(key)
            raise RuntimeError(outcome.why)
        await tell(key)  # TXN207@15


async def claimed_or_none(key):
    async with get_session() as session:
        found = await Claims(session).claim_or_none(key)
        if found is None:
            await tell(key)
        else:
            await tell(found)  # TXN207@19
""",
    ),
    Bad(
        """
# --- app/services/shelves.py
import abc

import httpx


class Shelf:
    def __init__(self, session):
        self.session = session

    async def move(self, key):
        item = await self.session.get(Item, key)
        item.moved = True
        await self.session.flush()


class Unit(abc.ABC):
    shelf: Shelf

    @abc.abstractmethod
    async def __aenter__(self): ...

    @abc.abstractmethod
    async def __aexit__(self, kind, error, trace): ...


class Mover:
    def __init__(self, unit: Unit):
        self._unit = unit

    async def move(self, key):
        async with self._unit:
            await self._unit.shelf.move(key)
            await httpx.AsyncClient().get(f"https://shelf.example/{key}")  # TXN207@19
        await httpx.AsyncClient().get(f"https://shelf.example/{key}")

# --- app/session_unit.py
from app.services.shelves import Shelf, Unit
from app.session import session_factory


class SqlUnit(Unit):
    async def __aenter__(self):
        self._session = session_factory()
        self.shelf = Shelf(self._session)
        return self

    async def __aexit__(self, kind, error, trace):
        if kind is None:
            await self._session.commit()  # TXN201@19
        await self._session.close()
"""
    ),
    Bad(
        """
import httpx
from sqlalchemy import select

from app.models.item import Item
from app.session import get_session


async def wanted(http, key):
    return await http.get(f"https://shop.example/{key}")


async def each_round(keys):
    async with get_session() as session, httpx.AsyncClient() as http:
        for key in keys:
            found = await session.scalar(select(Item).where(Item.id == key))
            if found:
                continue
            await wanted(http, key)  # TXN207@19
            session.add(Item(id=key))


async def one_round_late(keys):
    async with get_session() as session, httpx.AsyncClient() as http:
        for key in keys:
            await wanted(http, key)  # TXN207@19
            found = await session.scalar(select(Item).where(Item.id == key))
            if found is None:
                session.add(Item(id=key))


async def page_by_page(pages):
    async with get_session() as session, httpx.AsyncClient() as http:
        while pages:
            for item in pages.pop():
                try:
                    found = await session.scalar(select(Item).where(Item.id == item.id))
                    if found:
                        await session.merge(item)
                    else:
                        await wanted(http, item.id)  # TXN207@31
                        session.add(item)
                except ValueError as error:
                    print(error)
            await session.commit()  # TXN201@19


async def in_a_branch(item):
    async with get_session() as session, httpx.AsyncClient() as http:
        known = await session.get(Item, item.id)
        if known is not None:
            await session.delete(known)
        count = len((await session.scalars(select(Item))).all())
        await wanted(http, count)  # TXN207@15


async def sent_in_a_branch(item):
    async with get_session() as session, httpx.AsyncClient() as http:
        if await session.get(Item, item.id) is None:
            session.add(item)
            await session.scalar(select(Item))
        await wanted(http, item.id)  # TXN207@15


async def behind_the_loop(items):
    async with get_session() as session, httpx.AsyncClient() as http:
        for item in items:
            if await session.get(Item, item.id) is None:
                session.add(item)
        count = len((await session.scalars(select(Item))).all())
        await wanted(http, count)  # TXN207@15
"""
    ),
    Bad(
        """
import requests
from sqlalchemy.orm import Session

from app.models.item import Item


def drop(db: Session, key):
    db.query(Item).filter_by(id=key).delete()
    requests.post("https://shop.example/dropped", timeout=3)  # TXN207@5


def drop_all(db: Session):
    if db.query(Item).delete(synchronize_session=False):
        requests.post("https://shop.example/empty", timeout=3)  # TXN207@9


def counted(db: Session):
    db.add(Item(name="new"))
    number = db.query(Item).count()
    requests.post(f"https://shop.example/{number}", timeout=3)  # TXN207@5


def not_sent(db: Session, key):
    db.delete(db.query(Item).filter_by(id=key).one())
    requests.post("https://shop.example/dropped", timeout=3)


def told_before(db: Session, key):
    requests.post("https://shop.example/dropping", timeout=3)
    db.query(Item).filter_by(id=key).delete()


def told_behind(db: Session, key):
    db.query(Item).filter_by(id=key).delete()
    db.commit()
    requests.post("https://shop.example/dropped", timeout=3)


def only_read(db: Session, key):
    db.query(Item).filter_by(id=key).all()
    requests.delete("https://shop.example/items", timeout=3)
""",
        path="app/services/items.py",
    ),
    Bad(
        """
import asyncio

import httpx
import requests
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


async def gathered_inside(session: AsyncSession, client: httpx.AsyncClient):
    async with session.begin():
        calls = [client.get(f"https://shop.example/{i.id}") for i in await session.scalars(select(Item))]  # TXN207@18
        return await asyncio.gather(*calls)


async def answered_inside(session: AsyncSession):
    async with session.begin():
        items = await session.scalars(select(Item))
        pages = [requests.get(f"https://shop.example/{i.id}", timeout=3) for i in items]  # TXN207@18
    return await asyncio.gather(*[asyncio.to_thread(len, page) for page in pages])


async def answer_kept(session: AsyncSession):
    async with session.begin():
        session.add(Item(name="a"))
        page = requests.get("https://shop.example", timeout=3)  # TXN207@16
    return page.text


async def in_the_next_block(session: AsyncSession, client: httpx.AsyncClient):
    async with session.begin():
        call = client.get(f"https://shop.example/{(await session.get_one(Item, 1)).id}")  # TXN207@16
    async with session.begin():
        session.add(Item(name=(await call).text))


async def with_the_outer_one_open(session: AsyncSession, other: AsyncSession, client: httpx.AsyncClient):
    async with session.begin():
        async with other.begin():
            call = client.get("https://shop.example")  # TXN207@20
        session.add(Item(name=(await call).text))
""",
        path="app/services/pages.py",
    ),
    Bad(
        """
# --- app/tasks/fetch.py
from httpx import AsyncClient

from app.tasks.units import choosing, leaving, outer, stacking, unit


async def looks(client: AsyncClient):
    async with unit(write=False):
        await client.get("https://files.example.com")
    async with leaving("read"):
        await client.get("https://files.example.com")
    async with choosing(write=False):
        await client.get("https://files.example.com")
    async with stacking(write=False):
        await client.get("https://files.example.com")
    async with outer(write=False):
        await client.get("https://files.example.com")


async def waits(client: AsyncClient, write: bool):
    async with unit():
        await client.get("https://files.example.com")  # TXN207@15
    async with leaving():
        await client.get("https://files.example.com")  # TXN207@15
    async with choosing(True):
        await client.get("https://files.example.com")  # TXN207@15
    async with stacking():
        await client.get("https://files.example.com")  # TXN207@15
    async with outer(write):
        await client.get("https://files.example.com")  # TXN207@15
# --- app/tasks/units.py
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext

from app.session import get_session


@asynccontextmanager
async def unit(write=True):
    async with get_session() as session:
        if write:
            async with session.begin():
                yield session
        else:
            yield session


@asynccontextmanager
async def leaving(mode="write"):
    async with get_session() as session:
        if mode == "read":
            yield session
            return
        async with session.begin():
            yield session


@asynccontextmanager
async def choosing(write=True):
    async with get_session() as session, session.begin() if write else nullcontext():
        yield session


@asynccontextmanager
async def stacking(write=True):
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(get_session())
        if write:
            await stack.enter_async_context(session.begin())
        yield session


@asynccontextmanager
async def outer(write=True):
    async with unit(write) as session:
        yield session
"""
    ),
    Bad(
        """
# --- app/tasks/fetch.py
from httpx import AsyncClient

from app.session import Work, behind, locked, perform, renewed


async def fetch():
    async with AsyncClient() as client:
        return await client.get("https://files.example.com")


async def count():
    return 3


class Fetching(Work):
    async def run(self):
        await fetch()


class Counting(Work):
    async def run(self):
        await count()


async def run():
    await locked(fetch)  # TXN207@11
    await locked(lambda: fetch())  # TXN207@11
    await perform(Fetching())  # TXN207@11
    await locked(count)
    await perform(Counting())
    await behind(fetch)
    await renewed()
# --- app/session.py
from httpx import AsyncClient
from sqlalchemy import text
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

factory = async_sessionmaker(create_async_engine("postgresql+asyncpg://db"))


class Work:
    async def run(self):
        raise NotImplementedError


async def locked(function):
    async with factory() as session, session.begin():
        await session.execute(text("SELECT pg_advisory_xact_lock(1)"))
        return await function()


async def perform(work: Work):
    async with factory() as session, session.begin():
        await work.run()


async def behind(function):
    async with factory() as session, session.begin():
        await session.execute(text("SELECT 1"))
    return await function()


async def _token():
    async with AsyncClient() as client:
        return await client.get("https://tokens.example.com")


async def renewed():
    return await locked(_token)
"""
    ),
    Bad(
        """
# --- app/tasks/fetch.py
from httpx import AsyncClient

from app.session import transactional, with_session


@with_session(begin=False)
async def looks(session, client: AsyncClient):
    await client.get("https://files.example.com")


@transactional(mode="read")
async def reads(session, client: AsyncClient):
    await client.get("https://files.example.com")


@with_session()
async def stores(session, client: AsyncClient):
    await client.get("https://files.example.com")  # TXN207@11


@transactional
async def writes(session, client: AsyncClient):
    await client.get("https://files.example.com")  # TXN207@11
# --- app/session.py
import functools

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

factory = async_sessionmaker(create_async_engine("postgresql+asyncpg://db"))


def with_session(*, begin=True):
    def decorate(function):
        @functools.wraps(function)
        async def inner(*args):
            async with factory() as session:
                if not begin:
                    return await function(session, *args)
                async with session.begin():
                    return await function(session, *args)

        return inner

    return decorate


def transactional(function=None, *, mode="write"):
    def decorate(function):
        @functools.wraps(function)
        async def inner(*args):
            async with factory() as session:
                if mode == "read":
                    return await function(session, *args)
                else:
                    async with session.begin():
                        return await function(session, *args)

        return inner

    return decorate if function is None else decorate(function)
"""
    ),
    Bad(
        """
# --- app/tasks/pages.py
import asyncio

import fsspec
import trafilatura
import whois
from imap_tools import MailBox
from newspaper import Article

from app.models.item import Item
from app.session import get_session


def stored(key):
    with fsspec.open("s3://pages/" + key) as file:
        return file.read()


def on_disk(key):
    with fsspec.open("/data/" + key) as file:
        return file.read()


async def from_store(key):
    async with get_session() as session, session.begin():
        session.add(Item(name=await asyncio.to_thread(stored, key)))  # TXN207@37


async def from_disk(key):
    async with get_session() as session, session.begin():
        session.add(Item(name=await asyncio.to_thread(on_disk, key)))


async def from_page(url):
    async with get_session() as session, session.begin():
        page = Article(url)
        page.download()  # TXN207@9
        session.add(Item(name=page.title))


async def from_site(url):
    async with get_session() as session, session.begin():
        html = trafilatura.fetch_url(url)  # TXN207@16
        session.add(Item(name=trafilatura.extract(html)))


async def from_name(domain):
    async with get_session() as session, session.begin():
        session.add(Item(name=str(whois.whois(domain))))  # TXN207@35


async def from_mail(host, user, password):
    async with get_session() as session, session.begin():
        with MailBox(host).login(user, password) as box:  # TXN207@14
            session.add(Item(name=box.user))


async def before(url, domain):
    html, owner = trafilatura.fetch_url(url), whois.whois(domain)
    async with get_session() as session, session.begin():
        session.add(Item(name=trafilatura.extract(html) + owner.name))
"""
    ),
    Bad(
        """
# --- app/adapters/bells.py
from abc import ABC, abstractmethod

import httpx


class Bell(ABC):
    @abstractmethod
    async def ring(self, name): ...


class RemoteBell(Bell):
    async def ring(self, name):
        async with httpx.AsyncClient() as client:
            await client.post("https://bells.example", json={"name": name})


class NotedBell(Bell):
    def __init__(self, session):
        self.session = session

    async def ring(self, name):
        self.session.add(name)
# --- app/services/boats.py
from app.adapters.bells import Bell, NotedBell, RemoteBell


async def land(session, bell: Bell, boat):
    session.add(boat)
    await session.flush()
    await bell.ring(boat)


async def moor(session, boat, bell: Bell | None = None):
    bell = bell or NotedBell(session)
    session.add(boat)
    await bell.ring(boat)


async def leave(session, boat, bell: Bell | None = None):
    bell = bell or RemoteBell()
    session.add(boat)
    await bell.ring(boat)
# --- app/tasks/boats.py
from app.adapters.bells import NotedBell, RemoteBell
from app.services.boats import leave, moor
from app.session import get_session


async def go(boat):
    async with get_session() as session, session.begin():
        await moor(session, boat)
        await moor(session, boat, RemoteBell())  # TXN207@15
        await leave(session, boat)  # TXN207@15
""",
    ),
    Bad(
        """
# --- app/services/moorings.py
import requests
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Item


def tell(name):
    requests.post("https://berths.example", json={"name": name}, timeout=3)


class Moorings:
    def __init__(self, session: AsyncSession):
        self.session = session

    async def ensure(self, key):
        found = await self.session.get(Item, key)
        if found is None:
            self.session.add(Item(id=key))
            await self.session.flush()

    async def checked(self, key, name: str):
        if not name:
            raise ValueError("name")
        await self.ensure(key)
        tell(name)  # TXN207@9

    async def written_here(self, key, name: str):
        if not name:
            return
        if await self.session.get(Item, key) is None:
            self.session.add(Item(id=key))
            await self.session.flush()
        tell(name)  # TXN207@9

    async def in_branch(self, key, state: str):
        if state == "taken":
            await self.ensure(key)
            tell(key)  # TXN207@13
        else:
            tell(state)

    async def apart(self, key, state: str, loud: bool):
        if state == "taken":
            await self.ensure(key)
        if loud:
            tell(key)

    async def either(self, key, state: str):
        if state == "taken":
            await self.ensure(key)
        tell(key)

    async def later(self, key, name: str):
        if name:
            await self.ensure(key)
            await self.session.commit()
            tell(name)
# --- app/tasks/moorings.py
from app.services.moorings import Moorings
from app.session import get_session


async def moor(key, name):
    async with get_session() as session:
        moorings = Moorings(session)
        await moorings.checked(key, name)
        await moorings.written_here(key, name)
        await moorings.in_branch(key, name)
        await moorings.apart(key, name, True)
        await moorings.either(key, name)
        await moorings.later(key, name)
"""
    ),
    Bad(
        """
# --- app/services/desks.py
import requests


class Desk:
    def __init__(self, session, *hooks):
        self.session = session
        self.hooks = hooks

    async def book(self, row):
        self.session.add(row)
        for hook in self.hooks:
            hook(row)


class Board:
    def __init__(self, session, **hooks):
        self.session = session
        self.hooks = hooks

    async def book(self, row):
        self.session.add(row)
        for hook in self.hooks.values():
            hook(row)

    async def last(self, row):
        self.hooks["last"](row)


async def each(row, *hooks):
    for hook in hooks:
        hook(row)


async def named(row, **hooks):
    for name, hook in hooks.items():
        hook(row)


async def passed_on(row, **hooks):
    await named(row, **hooks)


def tell(row):
    requests.post("https://desks.example", json=row)


def count(row):
    print(row)
# --- app/tasks/desks.py
from app.services.desks import Board, Desk, count, each, named, passed_on, tell
from app.session import get_session


async def told(row):
    async with get_session() as session, session.begin():
        await Desk(session, tell).book(row)  # TXN207@15
        await Board(session, last=tell).book(row)  # TXN207@15
        await Board(session, last=tell).last(row)  # TXN207@15
        await each(row, tell)  # TXN207@15
        await named(row, last=tell)  # TXN207@15
        await passed_on(row, last=tell)  # TXN207@15


async def counted(row):
    async with get_session() as session, session.begin():
        await Desk(session, count).book(row)
        await Board(session, last=count).book(row)
        await Board(session, last=count).last(row)
        await each(row, count)
        await named(row, last=count)
        await passed_on(row, last=count)


async def alone(row):
    async with get_session() as session, session.begin():
        await Desk(session).book(row)
        await Board(session).book(row)
        await each(row)
        await named(row)
        await passed_on(row)
"""
    ),
    Bad(
        """
# --- app/services/crews.py
import requests
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Item


def tell(name):
    requests.post("https://crews.example", json={"name": name}, timeout=3)


class Crews:
    def __init__(self, session: AsyncSession):
        self.session = session

    async def ensure(self, key, name: str, role: str = "member"):
        found = await self.session.get(Item, key)
        if found is not None:
            return found
        if not name:
            raise ValueError("name")
        if role == "member" and self.session.info:
            raise ValueError("full")
        row = Item(id=key)
        self.session.add(row)
        await self.session.flush()
        return row

    async def ensure_named(self, key, name: str):
        found = await self.session.get(Item, key)
        if found is not None:
            return found
        if not name:
            return None
        self.session.add(Item(id=key))
        await self.session.flush()

    async def join(self, key, name: str):
        await self.ensure(key, name)
        tell(name)  # TXN207@9

    async def join_named(self, key, name: str):
        await self.ensure_named(key, name)
        tell(name)
# --- app/tasks/crews.py
from app.services.crews import Crews
from app.session import get_session


async def man(key, name):
    async with get_session() as session:
        await Crews(session).join(key, name)


async def man_named(key, name):
    async with get_session() as session:
        await Crews(session).join_named(key, name)
"""
    ),
    Bad(
        """
import httpx

from app.session import get_session


class Outbox:
    def __init__(self):
        self.pairs = []
        self.triples = []

    def add(self, function, *args):
        self.pairs.append((function, args))

    def later(self, function, *args, **options):
        self.triples.append((function, args, options))

    async def fire(self):
        for function, args in self.pairs:
            await function(*args)

    async def drain(self):
        while self.triples:
            function, args, options = self.triples.pop(0)
            await function(*args, **options)


async def tell(page):
    async with httpx.AsyncClient() as client:
        await client.post("https://hooks.example", json={"page": page})


async def note(page):
    print(page)


async def inside():
    outbox = Outbox()
    async with get_session() as session, session.begin():
        await session.get(object, 1)
        outbox.add(tell, "home")
        await outbox.fire()  # TXN207@15


async def drained_inside():
    outbox = Outbox()
    async with get_session() as session, session.begin():
        await session.get(object, 1)
        outbox.later(tell, page="home")
        await outbox.drain()  # TXN207@15


async def behind():
    outbox = Outbox()
    async with get_session() as session, session.begin():
        await session.get(object, 1)
        outbox.add(tell, "home")
        outbox.later(tell, page="home")
    await outbox.fire()
    await outbox.drain()


async def harmless():
    outbox = Outbox()
    async with get_session() as session, session.begin():
        await session.get(object, 1)
        outbox.add(note, "home")
        outbox.later(note, page="home")
        await outbox.fire()
        await outbox.drain()
"""
    ),
    Bad(
        """
import httpx

from app.session import get_session


async def tell(page):
    async with httpx.AsyncClient() as client:
        await client.post("https://hooks.example", json={"page": page})


async def late():
    pending = tell("home")
    async with get_session() as session, session.begin():
        await session.get(object, 1)
        await pending  # TXN207@15


async def made_inside():
    async with get_session() as session, session.begin():
        await session.get(object, 1)
        pending = tell("home")  # TXN207@19
        await session.get(object, 2)
        await pending


async def in_time():
    pending = tell("home")
    await pending
    async with get_session() as session, session.begin():
        await session.get(object, 1)
"""
    ),
    Bad(
        # the client of a class below: in objects of that class alone
        """
import httpx
import requests
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Item


class Notifier:
    client = None
    post = staticmethod(dict)

    async def tell(self, text):
        await self.client.post("https://example.com", json=text)

    async def tell_twice(self, text):
        await self.tell(text)

    def shout(self, text):
        self.post("https://example.com", text)

    async def save(self, session: AsyncSession):
        async with session.begin_nested():
            await session.flush()
            await self.client.get("https://example.com")  # TXN207@19


class WebNotifier(Notifier):
    client = httpx.AsyncClient()
    post = staticmethod(requests.post)


class OtherWebNotifier(Notifier):
    post = staticmethod(requests.post)


class Printer(Notifier):
    class client:
        @staticmethod
        async def post(url, json):
            return json

        @staticmethod
        async def get(url):
            return url

    post = staticmethod(list)


async def of_the_web(session: AsyncSession):
    async with session.begin_nested():
        await session.flush()
        await WebNotifier().tell("a")  # TXN207@15
        await WebNotifier().tell_twice("a")  # TXN207@15
        WebNotifier().shout("a")  # TXN207@9
        OtherWebNotifier().shout("a")  # TXN207@9


async def of_no_web(session: AsyncSession):
    async with session.begin_nested():
        await session.flush()
        await Printer().tell("a")
        await Printer().tell_twice("a")
        Printer().shout("a")
        Notifier().shout("a")


async def of_nobody_knows(session: AsyncSession, notifier: Notifier):
    async with session.begin_nested():
        await session.flush()
        notifier.shout("a")
""",
    ),
    Bad(
        """
import asyncio

import aiohttp
import httpx
import requests
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


async def lines(session: AsyncSession, url):
    async with httpx.AsyncClient() as http, http.stream("GET", url) as page:
        async with session.begin():
            async for line in page.aiter_lines():  # TXN207@31
                session.add(Item(name=line))
        async with session.begin():
            session.add(Item(name=(await page.aread()).decode()))  # TXN207@42
        async with session.begin():
            session.add_all([Item(name=text) async for text in page.aiter_text()])  # TXN207@64


async def rows(session: AsyncSession, url):
    with requests.get(url, stream=True) as page:
        async with session.begin():
            for line in page.iter_lines():  # TXN207@25
                session.add(Item(name=line))
    read = requests.get(url)
    async with session.begin():
        session.add_all([Item(name=line) for line in read.iter_lines()])


async def messages(session: AsyncSession, url):
    async with aiohttp.ClientSession() as http, http.ws_connect(url) as socket:
        async with session.begin():
            async for message in socket:  # TXN207@34
                session.add(Item(name=message.data))


async def raw(session: AsyncSession, host, given: asyncio.StreamReader):
    reader, writer = await asyncio.open_connection(host, 80)
    async with session.begin():
        session.add(Item(name=(await reader.readline()).decode()))  # TXN207@38
        await writer.drain()  # TXN207@15
        session.add(Item(name=(await given.read()).decode()))  # TXN207@38


async def words(session: AsyncSession, asked: AsyncOpenAI, other: AsyncAnthropic):
    answer = await asked.chat.completions.create(model="m", messages=[], stream=True)
    async with session.begin():
        async for chunk in answer:  # TXN207@28
            session.add(Item(name=chunk))
    async with other.messages.stream(model="m", messages=[], max_tokens=3) as stream, session.begin():
        async for text in stream.text_stream:  # TXN207@27
            session.add(Item(name=text))
""",
        path="app/services/pages.py",
    ),
    Bad(
        """
# --- app/units.py
from contextlib import AsyncContextDecorator, asynccontextmanager

from app.session import get_session


@asynccontextmanager
async def transaction():
    async with get_session() as session, session.begin():
        yield session


@asynccontextmanager
async def reading():
    async with get_session() as session:
        yield session


class Unit(AsyncContextDecorator):
    async def __aenter__(self):
        self._cm = transaction()
        return await self._cm.__aenter__()

    async def __aexit__(self, *error):
        return await self._cm.__aexit__(*error)


class Made:
    def __init__(self):
        self._cm = transaction()

    async def __aenter__(self):
        return await self._cm.__aenter__()

    async def __aexit__(self, *error):
        return await self._cm.__aexit__(*error)


class Reader:
    async def __aenter__(self):
        self._cm = reading()
        return await self._cm.__aenter__()

    async def __aexit__(self, *error):
        return await self._cm.__aexit__(*error)
# --- app/tasks/items.py
import httpx
from sqlalchemy import select

from app.models.item import Item
from app.units import Made, Reader, Unit


async def tell(url):
    async with httpx.AsyncClient() as http:
        await http.get(url)


async def work(url):
    async with Unit() as session:
        await session.scalar(select(Item))
        await tell(url)  # TXN207@15
    await tell(url)


async def made(url):
    async with Made() as session:
        await session.scalar(select(Item))
        await tell(url)  # TXN207@15
    await tell(url)


async def read(url):
    async with Reader() as session:
        await session.scalar(select(Item))
        await tell(url)
"""
    ),
    Bad(
        """
import httpx
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


async def tell(url):
    async with httpx.AsyncClient() as http:
        await http.get(url)


async def inside(session: AsyncSession, url):
    async with session.begin():
        session.add(Item(name=url))
        send = lambda: tell(url)
        await send()  # TXN207@15


async def behind(session: AsyncSession, url):
    async with session.begin():
        session.add(Item(name=url))
        send = lambda: tell(url)
    await send()
""",
        path="app/services/items.py",
    ),
    Bad(
        """
# --- app/session.py
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://app@localhost/app")
session_factory = async_sessionmaker(engine)


@asynccontextmanager
async def get_session():
    async with session_factory() as session:
        yield session


async def in_transaction(work, *args):
    async with session_factory() as session, session.begin():
        return await work(session, *args)
# --- app/tasks/items.py
import httpx
from sqlalchemy import update

from app.models.item import Item
from app.session import get_session, in_transaction


async def tell(name):
    async with httpx.AsyncClient() as http:
        await http.post("https://shop.example", json=name)


async def store_and_tell(session, name):
    await session.execute(update(Item).values(name=name))
    await tell(name)  # TXN207@11


async def only_tell(session, name):
    await tell(name)


async def told_there(name):
    await in_transaction(store_and_tell, name)


async def told_here(name):
    await in_transaction(only_tell, name)  # TXN207@11
"""
    ),
    Bad(
        """
import asyncio

import httpx
from sqlalchemy.ext.asyncio import AsyncSession

client = httpx.AsyncClient()


async def asked_before(session: AsyncSession, row):
    answer = client.post("https://stock.example/count")
    others = [client.get(url) for url in row.urls]
    async with session.begin():
        session.add(row)
        row.count = (await answer).text  # TXN207@28
        row.pages = await asyncio.gather(*others)  # TXN207@27


async def answered_before(session: AsyncSession, row):
    answer = client.post("https://stock.example/count")
    others = [client.get(url) for url in row.urls]
    count, pages = (await answer).text, await asyncio.gather(*others)
    async with session.begin():
        session.add(row)
        row.count, row.pages = count, pages
"""
    ),
    Bad(
        """
import asyncio
import functools

import httpx

from app.models.item import Item
from app.session import get_session


async def ping():
    async with httpx.AsyncClient() as client:
        await client.get("https://api.example.com/ping")


async def note():
    print("noted")


async def back_off():
    await asyncio.sleep(1)


async def call(function, *args):
    await ping()
    return await function(*args)


def then_ping(function):
    @functools.wraps(function)
    async def inner(session, name):
        await function(session, name)
        await ping()

    return inner


def then_note(function):
    @functools.wraps(function)
    async def inner(session, name):
        await function(session, name)
        await note()

    return inner


def through_helper(function):
    @functools.wraps(function)
    async def inner(*args):
        return await call(function, *args)

    return inner


def retried(times, on_retry):
    def decorate(function):
        @functools.wraps(function)
        async def inner(*args):
            for _ in range(times):
                try:
                    return await function(*args)
                except TimeoutError:
                    await on_retry()
            raise TimeoutError

        return inner

    return decorate


class Pinged:
    def __init__(self, function):
        self.function = function

    async def __call__(self, *args):
        await ping()
        return await self.function(*args)


class Audited:
    def __init__(self, sink):
        self.sink = sink

    def __call__(self, function):
        @functools.wraps(function)
        async def inner(*args):
            await self.sink()
            return await function(*args)

        return inner


@then_ping
async def pinged_after(session, name):
    session.add(Item(name=name))


@then_note
async def noted_after(session, name):
    session.add(Item(name=name))


@through_helper
async def by_helper(session, name):
    session.add(Item(name=name))


@retried(3, on_retry=back_off)
async def tried(session, name):
    session.add(Item(name=name))


@retried(3, on_retry=note)
async def tried_at_once(session, name):
    session.add(Item(name=name))


@Pinged
async def pinged(session, name):
    session.add(Item(name=name))


@Audited(ping)
async def audited(session, name):
    session.add(Item(name=name))


@Audited(note)
async def audited_here(session, name):
    session.add(Item(name=name))


async def fine(name):
    async with get_session() as session, session.begin():
        await noted_after(session, name)
        await tried_at_once(session, name)
        await audited_here(session, name)


async def waits(name):
    async with get_session() as session, session.begin():
        await pinged_after(session, name)  # TXN207@15
        await by_helper(session, name)  # TXN207@15
        await tried(session, name)  # TXN207@15
        await pinged(session, name)  # TXN207@15
        await audited(session, name)  # TXN207@15
""",
        path="app/tasks/options.py",
    ),
    Bad(
        """
# --- app/__init__.py
# --- app/wire/__init__.py
# --- app/wire/client.py
import grpc

from . import labels_pb2_grpc
from .labels_pb2_grpc import LabelsStub

channel = grpc.aio.insecure_channel("labels:1")
labels = labels_pb2_grpc.LabelsStub(channel)
others = LabelsStub(channel)
# --- app/tasks/labels.py
from app.session import get_session
from app.wire import labels_pb2, labels_pb2_grpc
from app.wire.client import channel, labels, others


async def work():
    own = labels_pb2_grpc.LabelsStub(channel)
    async with get_session() as session, session.begin():
        await labels.Print(labels_pb2.Label(id="1"))  # TXN207@15
        await others.Print(labels_pb2.Label(id="1"))  # TXN207@15
        await own.Print(labels_pb2.Label(id="1"))  # TXN207@15
        session.add(labels_pb2.Label(id="1"))
    await labels.Print(labels_pb2.Label(id="1"))
"""
    ),
    Bad(
        """
import httpx
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Order


async def order(session: AsyncSession, order_id: int, *, lock: bool = False) -> Order:
    query = select(Order).where(Order.id == order_id)
    if lock:
        query = query.with_for_update()
    return await session.scalar(query)


async def ship(session: AsyncSession, carrier: httpx.AsyncClient, order_id: int) -> None:
    found = await order(session, order_id, lock=True)
    await carrier.post("/labels", json={"to": found.address})  # TXN207@11
"""
    ),
    Bad(
        """
# --- app/ports.py
from typing import Protocol


class Mailer(Protocol):
    async def send(self, to: str, text: str) -> None: ...


class Printer(Protocol):
    def show(self, to: str, text: str) -> None: ...
# --- app/adapters.py
import httpx


class HttpMailer:
    def __init__(self, url: str) -> None:
        self.url = url

    async def send(self, to: str, text: str) -> None:
        async with httpx.AsyncClient() as client:
            await client.post(self.url, json={"to": to, "text": text})


class Screen:
    def show(self, to: str, text: str) -> None:
        print(to, text)
# --- app/tasks/reminders.py
from app.models.item import Item
from app.ports import Mailer, Printer
from app.session import get_session


async def remind(mailer: Mailer, printer: Printer, item_id: int) -> None:
    async with get_session() as session, session.begin():
        item = await session.get(Item, item_id)
        printer.show(item.owner, "soon")
        await mailer.send(item.owner, "soon")  # TXN207@15
"""
    ),
    Bad(
        """
# --- app/units.py
import functools


def with_first(work):
    @functools.wraps(work)
    async def inner(session, *args):
        return await work(session, len(args), *args)

    return inner
# --- app/services/items.py
import httpx

from app.models.item import Item
from app.session import get_session
from app.units import with_first


@with_first
async def put(session, count, name, url):
    session.add(Item(name=name))
    await session.flush()


async def put_and_tell(name, url):
    async with get_session() as session:
        await put(session, name, url)
        async with httpx.AsyncClient() as client:
            await client.post(url)  # TXN207@19
        await session.commit()
"""
    ),
    Bad(
        """
# --- app/services/crates.py
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


class Crates:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def put_in(self, label):
        self.session.add(Item(name=label))
        await self.session.flush()
# --- app/services/letters.py
import httpx


class Letters:
    async def tell_it(self, label):
        async with httpx.AsyncClient() as client:
            await client.post("https://letters.example.org", json={"label": label})
# --- app/services/desk.py
from app.services.crates import Crates
from app.services.letters import Letters


class Desk:
    def __init__(self, crates: Crates, letters: Letters) -> None:
        self.crates = crates
        self.letters = letters

    async def keep_it(self, label):
        await self.crates.put_in(label)

    async def say_it(self, label):
        await self.letters.tell_it(label)

    async def do_all(self, label):
        await self.keep_it(label)
        await self.say_it(label)  # TXN207@15

    async def do_all_well(self, label):
        await self.say_it(label)
        await self.keep_it(label)
"""
    ),
    Bad(
        """
# --- app/services/cards.py
import asyncio

import httpx
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.card import Card


async def answers(calls):
    return await asyncio.gather(*calls)


async def listed(session: AsyncSession, client: httpx.AsyncClient):
    asks = {}
    async with session.begin():
        for card in await session.scalars(select(Card)):
            asks[card.id] = client.get(f"https://cards.example/{card.id}")  # TXN207@29
        return await answers(asks.values())


async def in_turn(session: AsyncSession, client: httpx.AsyncClient):
    calls = []
    async with session.begin():
        card = await session.get_one(Card, 1)
        calls.append(client.get(f"https://cards.example/{card.id}"))  # TXN207@22
    async with session.begin():
        for call in calls:
            session.add(Card(name=(await call).text))


async def inside(session: AsyncSession, client: httpx.AsyncClient):
    async with session.begin():
        card = await session.get_one(Card, 1)
        call = client.get(f"https://cards.example/{card.id}")  # TXN207@16

        async def named():
            return (await call).text

        card.name = await named()
    return await call


def fetched(client: httpx.Client, card):
    return client.get(f"https://cards.example/{card.id}")


async def kept(session: AsyncSession, client: httpx.Client):
    async with session.begin():
        card = await session.get_one(Card, 1)
        answer = fetched(client, card)  # TXN207@18
    await session.merge(answer.json())
"""
    ),
]

GOOD = [
    Good(
        """
from concurrent.futures import ThreadPoolExecutor, as_completed

import requests

from app.session import session_factory


def fetch(url):
    return requests.get(url, timeout=3).text


def stored(urls):
    with ThreadPoolExecutor() as pool:
        pages = list(pool.map(fetch, urls))
        more = [future.result() for future in as_completed([pool.submit(fetch, url) for url in urls])]
    return [*pages, *more]
""",
        path="app/tasks/pages.py",
    ),
    Good(
        """
# --- app/tasks/work.py
import asyncio

import httpx

from app.session import get_session

TASKS: set = set()


async def fetch(url: str) -> str:
    async with httpx.AsyncClient() as http:
        response = await http.get(url)
    return response.text


async def work(url: str) -> None:
    async with get_session() as session:
        async with session.begin():
            session.add(object())
            http = httpx.AsyncClient()
            task = asyncio.create_task(fetch(url))
            other = asyncio.create_task(http.get(url))
            TASKS.update({task, other})
        text = await fetch(url)
        await asyncio.sleep(0)
        async with session.begin():
            session.add(text)


class Cache:
    def get(self, key: str) -> str:
        return key


async def cached(session) -> None:
    async with session.begin():
        requests = Cache()
        session.add(requests.get("httpx.get(url)"))

        async def later() -> None:
            await fetch("url")

        session.add(later)
# --- app/routers/pages.py
from fastapi import APIRouter, BackgroundTasks, Depends

from app.session import get_session_dependency
from app.tasks.work import fetch

router = APIRouter()


@router.post("/pages")
async def scan(tasks: BackgroundTasks, session=Depends(get_session_dependency)):
    async with session.begin():
        session.add(object())
        tasks.add_task(fetch, "url")
    return await fetch("url")
"""
    ),
    Good(
        """
# --- app/tasks/pages.py
import httpx
from sqlalchemy import func, select, update

from app.models.item import Item
from app.services.items import create, own, saved, some
from app.session import get_session, session_factory


async def only_read(url: str) -> None:
    async with get_session() as session:
        item = await session.get(Item, 1)
        await session.execute(select(func.now()))
        await ask(url)
        item.status = await ask(url)
        session.add(Item(name=url))
        await ask(url)
        await session.commit()


async def ended(url: str) -> None:
    async with get_session() as session:
        await session.execute(update(Item).values(status="busy"))
        await session.commit()
        await ask(url)
        await saved(session, url)
        await ask(url)
        await session.execute(select(Item).with_for_update())
        await session.rollback()
        await ask(url)
    async with get_session() as session:
        await session.execute(update(Item).values(status="busy"))
    await ask(url)
    async with session_factory.begin() as session:
        await session.execute(update(Item).values(status="busy"))
        await session.flush()
    await ask(url)


async def rounds(urls: list[str]) -> None:
    async with get_session() as session:
        for url in urls:
            await ask(url)
            session.add(Item(name=url))
            await session.flush()
            await session.commit()


async def callees(url: str, late: bool) -> None:
    async with get_session() as session:
        await create(session, url)
        await ask(url)
        await some(session, url, late)
        await ask(url)
        await own(url)
        await ask(url)


async def kinds(url: str, urgent: bool) -> None:
    async with get_session() as session:
        kind = Fast() if urgent else Slow()
        await kind.run(session, url)


class Fast:
    async def run(self, session, url):
        await session.execute(update(Item).values(status="busy"))


class Slow:
    async def run(self, session, url):
        await ask(url)


async def ask(url: str) -> str:
    async with httpx.AsyncClient() as http:
        return (await http.get(url)).text
# --- app/services/items.py
from app.decorators import with_session
from app.models.item import Item


async def create(session, name, flush=False):
    session.add(Item(name=name))
    if flush:
        await session.flush()


async def saved(session, name):
    session.add(Item(name=name))
    await session.flush()
    await session.commit()


async def some(session, name, late):
    if not late:
        session.add(Item(name=name))
        await session.flush()


@with_session
async def own(name, session=None):
    session.add(Item(name=name))
    await session.flush()
# --- app/decorators.py
import functools

from app.session import get_session


def with_session(function):
    @functools.wraps(function)
    async def wrapper(*args, **kwargs):
        async with get_session() as session, session.begin():
            kwargs["session"] = session
            return await function(*args, **kwargs)

    return wrapper
# --- app/routers/pages.py
import httpx
from fastapi import APIRouter, Depends
from sqlalchemy import update

from app.models.item import Item
from app.session import get_session, get_session_dependency

router = APIRouter()


async def current_user(session=Depends(get_session_dependency)):
    return await session.get(Item, 1)


async def counted():
    async with get_session() as session:
        await session.execute(update(Item).values(status="seen"))
        await session.commit()


@router.post("/pages")
async def scan(url: str, user=Depends(current_user), seen=Depends(counted)):
    async with httpx.AsyncClient() as http:
        return await http.get(url)
""",
    ),
    Good(
        """
import time

from app.session import session_factory


async def test_slow() -> None:
    async with session_factory.begin():
        time.sleep(1)
""",
        path="tests/test_slow.py",
    ),
    Good(
        source="""
# --- app/decorators.py
import functools

from app.session import get_session


def timed(fn):
    @functools.wraps(fn)
    async def wrapper(*args, session, **kwargs):
        return await fn(*args, session=session, **kwargs)

    return wrapper


def nested(fn):
    @functools.wraps(fn)
    async def wrapper(*args, session, **kwargs):
        async with session.begin_nested():
            return await fn(*args, session=session, **kwargs)

    return wrapper


def counted(fn):
    @functools.wraps(fn)
    async def wrapper(*args, **kwargs):
        async with get_session() as own, own.begin():
            await own.get(object, 1)
        return await fn(*args, **kwargs)

    return wrapper
# --- app/routers/items.py
import httpx
from fastapi import APIRouter, BackgroundTasks, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.decorators import counted, timed
from app.session import get_session, get_session_dependency

router = APIRouter()


def index():
    return 1


@router.post("/a")
@timed
async def a(url: str, session: AsyncSession = Depends(get_session_dependency)):
    async with httpx.AsyncClient() as http:
        await http.get(url)


@counted
async def b(url):
    async with httpx.AsyncClient() as http:
        await http.get(url)
""",
    ),
    Good(
        """
# --- app/tasks/counting.py
import redis.asyncio as redis
from faststream.nats import NatsBroker

from app.session import get_session

store = redis.from_url("redis://store")
bus = NatsBroker()


@bus.subscriber("counted")
async def counted(number):
    async with get_session() as session:
        async with session.begin():
            session.add(number)
            batch = store.pipeline()
            batch.incr("rows").expire("rows", 60)
        await batch.execute()
        await bus.publish(number, "more")


async def seen(number):
    known = await store.get("rows")
    async with get_session() as session:
        async with session.begin():
            session.add(known.decode())
""",
    ),
    Good(
        source="""
# --- app/services/notes.py
import httpx


async def finish(session):
    session.add(object())
    await session.commit()


async def undo(session):
    await session.rollback()


async def tell(name):
    async with httpx.AsyncClient() as client:
        await client.post("https://notes.example", json={"name": name})


async def tell_all(session):
    for name in await session.scalars("names"):
        await tell(name)
# --- app/tasks/notes.py
from app.services.notes import finish, tell, tell_all, undo
from app.session import get_session


async def told_when_finished():
    async with get_session() as session, session.begin():
        await finish(session)
        await tell("done")


async def told_when_undone():
    async with get_session() as session, session.begin():
        await undo(session)
        await tell_all(session)
"""
    ),
    Good(
        """
# --- app/tasks/stock.py
from contextlib import AsyncExitStack

import httpx

from app.session import get_session


async def ring():
    async with httpx.AsyncClient() as http:
        await http.post("https://bells.example")


class Bell:
    async def __aenter__(self):
        return self

    async def __aexit__(self, *error):
        await ring()


async def rung_last(item):
    async with Bell(), get_session() as session, session.begin():
        session.add(item)


async def rung_before_the_session_closes(item):
    async with get_session() as session, Bell() as bell, session.begin():
        session.add((item, bell))


async def called_back_last(item):
    async with AsyncExitStack() as stack:
        stack.push_async_callback(ring)
        await stack.enter_async_context(Bell())
        session = await stack.enter_async_context(get_session())
        await stack.enter_async_context(session.begin())
        session.add(item)


async def stack_inside(item):
    async with Bell(), AsyncExitStack() as stack:
        session = await stack.enter_async_context(get_session())
        await stack.enter_async_context(session.begin())
        session.add(item)
"""
    ),
    Good(
        """
# --- app/tasks/lines.py
import ftplib
import smtplib

import aiomqtt
import ldap3
import zmq.asyncio

from app.session import get_session

wire = zmq.asyncio.Context.instance().socket(zmq.PUB)


async def made(settings):
    async with get_session() as session, session.begin():
        mail, box = smtplib.SMTP(timeout=5), ftplib.FTP("")
        people = ldap3.Connection(settings.directory, auto_bind=False)
        session.add((mail, box, people, ldap3.Connection(settings.directory), aiomqtt.Client(settings.broker)))
        await wire.send_json({"made": True})
"""
    ),
    Good(
        """
# --- app/tasks/mailing.py
import httpx
from graphiti_core import Graphiti
from sqlalchemy import select, update

from app.models.item import Item
from app.session import get_session


class Gone(Exception):
    pass


async def post(name):
    async with httpx.AsyncClient() as http:
        await http.post("https://mail.example", json={"name": name})


async def mark(session, item):
    await session.execute(update(Item).where(Item.id == item.id).values(status="gone"))


async def told_unless_it_failed(key):
    async with get_session() as session:
        item = await session.get(Item, key)
        failed = False
        try:
            await post(item.name)
        except Gone:
            failed = True
            await mark(session, item)
        if not failed:
            await post("done")


async def told_unless_noted(key, failures):
    async with get_session() as session:
        item = await session.get(Item, key)
        try:
            await post(item.name)
        except Gone as error:
            failures.append(error)
            await mark(session, item)
        if not failures:
            await post("done")


async def ended_in_the_clause(key):
    async with get_session() as session:
        item = await session.get(Item, key)
        try:
            await post(item.name)
        except Gone:
            await mark(session, item)
            await session.commit()
        await post("done")


async def changed_and_not_sent(key):
    async with get_session() as session:
        item = await session.get(Item, key)
        item.status = "asked"
        with session.no_autoflush:
            await session.scalar(select(Item))
        await session.rollback()
        await session.scalar(select(Item))
        await post(key)


async def again(work):
    for _ in range(3):
        try:
            return await work()
        except TimeoutError:
            continue


async def asked(graph: Graphiti, words):
    return await again(lambda: graph.search(words))


async def stored(item):
    async with get_session() as session, session.begin():
        await again(lambda: mark(session, item))
"""
    ),
    Good(
        """
# --- app/tasks/outcomes.py
from dataclasses import dataclass

import httpx
from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError

from app.models.item import Item
from app.session import get_session


@dataclass
class Taken:
    key: int


@dataclass
class Refused:
    why: str


async def ask(key):
    async with httpx.AsyncClient() as http:
        await http.get(f"https://shop.example/{key}")


async def take(session, key):
    try:
        await session.execute(update(Item).where(Item.id == key).values(status="taken"))
        return Taken(key)
    except SQLAlchemyError as error:
        return Refused(str(error))


async def refused(key):
    async with get_session() as session:
        outcome = await take(session, key)
        if isinstance(outcome, Refused):
            await ask(key)


async def taken(key):
    async with get_session() as session:
        outcome = await take(session, key)
        if not isinstance(outcome, Refused):
            await session.commit()
            await ask(key)
"""
    ),
    Good(
        """
# --- app/services/parcels.py
from typing import Protocol

import httpx
from sqlalchemy.ext.asyncio import AsyncSession


class Parcels:
    def __init__(self, session: AsyncSession):
        self.session = session

    async def send(self, key):
        await self.session.flush()


class Work(Protocol):
    parcels: Parcels

    async def __aenter__(self): ...

    async def __aexit__(self, kind, error, trace): ...


class Ending(Protocol):
    async def commit(self): ...


class Sender:
    def __init__(self, work: Work, ending: Ending, parcels: Parcels):
        self._work = work
        self._ending = ending
        self._parcels = parcels

    async def in_a_block(self, key):
        async with self._work:
            await self._work.parcels.send(key)
        await httpx.AsyncClient().get(f"https://post.example/{key}")

    async def by_hand(self, key):
        await self._parcels.send(key)
        await self._ending.commit()
        await httpx.AsyncClient().get(f"https://post.example/{key}")
"""
    ),
    Good(
        """
import httpx
from sqlalchemy import select

from app.models.item import Item
from app.session import get_session


async def wanted(http, key):
    return await http.get(f"https://shop.example/{key}")


async def nothing_asked_since(http, item):
    async with get_session() as session:
        if await session.get(Item, item.id) is None:
            session.add(item)
        await wanted(http, item.id)


async def ended_in_each_round(http, keys):
    async with get_session() as session:
        for key in keys:
            found = await session.scalar(select(Item).where(Item.id == key))
            if found:
                continue
            await wanted(http, key)
            async with get_session() as other, other.begin():
                other.add(Item(id=key))


async def rolled_back(http, item):
    async with get_session() as session:
        if await session.get(Item, item.id) is None:
            session.add(item)
        await session.scalar(select(Item))
        await session.rollback()
        await wanted(http, item.id)


async def the_other_way(http, item):
    async with get_session() as session:
        known = await session.get(Item, item.id)
        if known is None:
            session.add(item)
        await session.scalar(select(Item))
        if known is not None:
            await wanted(http, item.id)


async def as_callers_say(session, http, item, keep=False):
    if keep:
        session.add(item)
    await session.scalar(select(Item))
    await wanted(http, item.id)


async def told(http, item):
    async with get_session() as session:
        await as_callers_say(session, http, item)


async def not_by_itself(http, item):
    async with get_session() as session:
        if await session.get(Item, item.id) is None:
            session.add(item)
        with session.no_autoflush:
            await session.scalar(select(Item))
        await wanted(http, item.id)
"""
    ),
    Good(
        """
import asyncio

import httpx
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


async def listed(session: AsyncSession, client: httpx.AsyncClient):
    async with session.begin():
        calls = [client.get(f"https://shop.example/{i.id}") for i in await session.scalars(select(Item))]
    return await asyncio.gather(*calls)


async def one(session: AsyncSession, client: httpx.AsyncClient):
    async with session.begin():
        call = client.get(f"https://shop.example/{(await session.get_one(Item, 1)).id}")
    return (await call).text


async def put_in(session: AsyncSession, client: httpx.AsyncClient):
    calls = []
    async with session.begin():
        for item in await session.scalars(select(Item)):
            calls.append(client.get(f"https://shop.example/{item.id}"))
    for call in calls:
        print(await call)


async def keyed(session: AsyncSession, client: httpx.AsyncClient):
    calls = {}
    async with session.begin():
        for item in await session.scalars(select(Item)):
            calls[item.id] = client.get(f"https://shop.example/{item.id}")
    return await asyncio.gather(*calls.values())


async def a_pause(session: AsyncSession):
    async with session.begin():
        session.add(Item(name="a"))
        pause = asyncio.sleep(3)
    await asyncio.wait_for(pause, 5)
""",
        path="app/services/pages.py",
    ),
    Good(
        """
# --- app/adapters/bells.py
from abc import ABC, abstractmethod

import httpx


class Bell(ABC):
    @abstractmethod
    async def ring(self, name): ...


class RemoteBell(Bell):
    async def ring(self, name):
        async with httpx.AsyncClient() as client:
            await client.post("https://bells.example", json={"name": name})


class NotedBell(Bell):
    def __init__(self, session):
        self.session = session

    async def ring(self, name):
        self.session.add(name)
# --- app/services/boats.py
from app.adapters.bells import Bell, NotedBell, RemoteBell


async def land(session, bell: Bell, boat):
    session.add(boat)
    await session.flush()
    await bell.ring(boat)


async def moor(session, boat, bell: Bell | None = None):
    bell = bell or NotedBell(session)
    session.add(boat)
    await bell.ring(boat)
# --- app/tasks/boats.py
from app.adapters.bells import NotedBell, RemoteBell
from app.services.boats import land, moor
from app.session import get_session


async def arrive(boat):
    async with get_session() as session, session.begin():
        await land(session, NotedBell(session), boat)
        await moor(session, boat)
    await RemoteBell().ring(boat)
"""
    ),
    Good(
        """
# --- app/tasks/cranes.py
import httpx

from app.services.cranes import Cranes
from app.session import sessions


class Consumer:
    async def cranes(self):
        async for session in sessions():
            yield Cranes(session)

    async def moved(self, row):
        async for cranes in self.cranes():
            await cranes.keep(row)
        async with httpx.AsyncClient() as client:
            await client.post("https://cranes.example", json={"row": 1})
# --- app/services/cranes.py
class Cranes:
    def __init__(self, session):
        self.session = session

    async def keep(self, row):
        self.session.add(row)
        await self.session.flush()
# --- app/session.py
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

engine = create_async_engine("postgresql+asyncpg://db/app")
session_factory = async_sessionmaker(engine)


@asynccontextmanager
async def unit():
    async with session_factory() as session:
        try:
            yield session
            await session.commit()
        except Exception:
            await session.rollback()
            raise


async def sessions():
    async with unit() as session:
        yield session


async def committed():
    async with session_factory() as session:
        yield session
        await session.commit()
"""
    ),
    Good(
        """
import httpx
from openai import AsyncOpenAI
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


async def each_its_own(session: AsyncSession, url):
    async with httpx.AsyncClient() as http, http.stream("GET", url) as page:
        async for line in page.aiter_lines():
            async with session.begin():
                session.add(Item(name=line))


async def collected(session: AsyncSession, asked: AsyncOpenAI):
    answer = await asked.chat.completions.create(model="m", messages=[], stream=True)
    parts = [chunk async for chunk in answer]
    async with session.begin():
        session.add(Item(name=str(parts)))


async def at_once(session: AsyncSession, asked: AsyncOpenAI):
    answer = await asked.chat.completions.create(model="m", messages=[], stream=False)
    async with session.begin():
        for choice in answer.choices:
            session.add(Item(name=choice.message.content))
        session.add_all([Item(name=value) for _, value in answer])
""",
        path="app/services/pages.py",
    ),
    Good(
        """
from aiogram import Router
from aiogram.types import Message
from sqlalchemy import select

from app.models.item import Item
from app.session import get_session_dependency

router = Router()


@router.message()
async def noted(message: Message):
    async for session in get_session_dependency():
        found = (await session.execute(select(Item))).scalars()
        session.add(Item(name=message.text))
        await message.answer("noted")
""",
        path="app/bot/notes.py",
    ),
    Good(
        """
import requests
from sqlalchemy.orm import Session

from app.models import Order


def order(session: Session, order_id: int, for_update: bool = False) -> Order:
    query = session.query(Order).filter(Order.id == order_id)
    if for_update:
        query = query.with_for_update()
    return query.one()


def track(session: Session, order_id: int) -> dict:
    found = order(session, order_id)
    return requests.get(f"https://carrier/{found.label}").json()
"""
    ),
    Good(
        """
# --- app/units.py
import functools

from app.session import get_session


def in_transaction(work):
    @functools.wraps(work)
    async def inner(*args, **kwargs):
        async with get_session() as session, session.begin():
            return await work(session, *args, **kwargs)

    return inner


def method_in_transaction(work):
    @functools.wraps(work)
    async def inner(self, name):
        async with get_session() as session, session.begin():
            return await work(self, session, name)

    return inner
# --- app/tasks/items.py
import httpx

from app.models.item import Item
from app.units import in_transaction, method_in_transaction


@in_transaction
async def put(session, name):
    session.add(Item(name=name))
    await session.flush()


class Shelf:
    @method_in_transaction
    async def put(self, session, name):
        session.add(Item(name=name))
        await session.flush()


async def put_and_tell(name, url):
    await put(name)
    await Shelf().put(name)
    async with httpx.AsyncClient() as client:
        await client.post(url)
"""
    ),
    Good(
        """
# --- app/services/cards.py
import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import httpx
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.card import Card


@dataclass
class Batch:
    calls: list = field(default_factory=list)


async def answers(calls):
    return await asyncio.gather(*calls)


def asked(client: httpx.AsyncClient, card):
    return client.get(f"https://cards.example/{card.id}")


async def listed(session: AsyncSession, client: httpx.AsyncClient):
    batch, asks = Batch(), {}
    async with session.begin():
        for card in await session.scalars(select(Card)):
            batch.calls.append(client.get(f"https://cards.example/{card.id}"))
            asks[card.id] = asked(client, card)
    async with asyncio.timeout(5):
        return await answers(batch.calls), await answers(asks.values())


async def one(session: AsyncSession, client: httpx.AsyncClient):
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(session.begin())
        card = await session.get_one(Card, 1)
        call = {"card": client.get(f"https://cards.example/{card.id}")}
    return await call["card"]
"""
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """One finding per call that waits, itself or further down."""
    around = program.shared(_open_around)
    told = {(path, span[0], span[1]) for path, span in around}
    for event, opening in around.values():
        if not program.judges(event.path):
            continue
        trace = down_to(program, event)
        if opening is not None and opening.work is not None:
            trace = [*trace[:1], *down_to(program, opening.work)]
        if opening is None:
            site = open_around(event)[-1].site
            since = f"opened on line {program.line_of(*site)}"
            steps = [program.step(site, "the transaction is opened here")]
            remedy = "Make the call before the block or after it"
        elif not opening.entered and any((step.path, step.line, step.column) in told for step in trace[1:]):
            continue  # a transaction that the callee holds open itself is told there
        else:
            since, steps = f"that {opening.who} opened", opening.steps
            remedy = "Make the call before it, or after the commit"
            if opening.sent:
                since = f"in which its own query sends {opening.sent}"
                remedy = "Commit that first" if opening.before else "Commit that first, or make the call before it"
                above = {(step.path, step.line, step.column) for step in steps}
                trace = [step for step in trace if (step.path, step.line, step.column) not in above]
            since += " in the round before" if opening.before else ""
        verb = "sleeps" if event.name.endswith("sleep") else "waits on the network"
        message = (
            f"`{called(event)}` {verb} while the transaction {since} is open. {remedy}, and store the answer in a "
            "transaction of its own."
        )
        yield program.finding(META, event, message, [*steps, *trace])


def _open_around(program: Program) -> dict[Site, tuple[Event, Opening | None]]:
    """The calls that wait while a transaction is open: of a block (``None``), or begun by itself (how it began)."""
    found: dict[Site, tuple[Event, Opening | None]] = {}
    for event in program.events("network", "effect"):
        if (event.kind != "network" and event.text != "network") or event.site in found:
            continue
        if is_told_inside(program, event):
            continue
        block = open_around(event)
        if block and (is_taken_later(event, block[-1].site) or waits_behind(event, block[-1].site)):
            continue
        if block and is_awaited_later(event, block[0].site):
            continue
        opening = None if block else held_open(program, event) or _of_decorator(program, event)
        if opening is None and not block:
            opening = called_inside(program, event)
        if opening is None and not block:
            opening = _of_listener(program, event)
        if (opening is not None or block) and not program.is_exempt(event.function):
            found[event.site] = (event, opening)
    return found


def _of_decorator(program: Program, event: Event) -> Opening | None:
    outer = around(program, event.function)
    return Opening(f"@{outer.decorator.name}", [outer.step(program)]) if outer is not None else None


def _of_listener(program: Program, event: Event) -> Opening | None:
    """SQLAlchemy calls what listens to its flushes while the transaction is open that they write in."""
    put = program.shared(listeners).get(event.function)
    if put is None or put.name == BEFORE_ANY:
        return None
    return Opening("its session", [listening(program, put, event.function)])
