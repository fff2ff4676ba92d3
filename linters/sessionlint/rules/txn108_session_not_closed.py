"""TXN108: a session or connection is obtained and not closed on every path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.dropped_holders import dropped_holders, handed_in_objects
from sessionlint.rules.exit_stacks import on_a_stack_left_open, on_a_stack_taken_over
from sessionlint.rules.injected_holders import is_left_in_an_object
from sessionlint.rules.left_by_break import outlives_generator
from sessionlint.rules.left_units import units_left_open
from sessionlint.rules.naming import nodes
from sessionlint.rules.opening import hops, once, text
from sessionlint.rules.ownership import kept_by_source, made, of_registry, verdict
from sessionlint.rules.remedies import is_asynchronous
from sessionlint.rules.watching import is_within

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event
    from sessionlint.program.values import Handle

META = Rule(
    code="TXN108",
    name="session-not-closed",
    summary="A session or connection is obtained and not closed on every path.",
    rationale=(
        "A session that nobody closes keeps its connection checked out, and its transaction open, until the "
        "garbage collector comes by; with asyncio it cannot close the connection then. After `pool_size + "
        "max_overflow` such calls every request waits the whole `pool_timeout` and fails. A bare `close()` at the "
        "end does the same on the day the code before it raises. The finding stands where it is obtained."
    ),
    remedy=(
        "Use `async with` (or `with`) on the context manager or factory; where that cannot be, close in "
        "`finally`, or register it with an `AsyncExitStack` or `contextlib.closing`."
    ),
    not_flagged=(
        "Sessions that are returned (but by dependencies, whether themselves or in an object that does not close "
        "them), stored or handed to code that closes them; generators that close in "
        "`finally` around their `yield`; exit stacks and `contextlib.closing`; a task that closes the session it "
        "was given; sessions kept by a module or an object, which TXN109 judges; what a function or property hands "
        "out of a scoped registry that something empties; what is given back, in `finally`, to the pool that lent "
        "it; objects that open their session by hand and are given to anything that may close them; what stands "
        "between the opening and its `try … finally` and waits for neither database nor network, or has an `except` "
        "of its own; tests and migrations."
    ),
)

BAD = [
    Bad(
        path="app/tasks/legacy.py",
        source="""
import psycopg2

from app.settings import settings


def noted():
    connection = psycopg2.connect(settings.dsn)  # TXN108@18
    with connection, connection.cursor() as cursor:
        cursor.execute("UPDATE items SET status = 'noted'")


def closed():
    connection = psycopg2.connect(settings.dsn)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("UPDATE items SET status = 'noted'")
    finally:
        connection.close()
""",
    ),
    Bad(
        """
import asyncio
from contextlib import contextmanager

import asyncpg

from app.session import engine, get_session_dependency, session_factory


async def never(item_id):
    session = session_factory()  # TXN108@15
    return await session.get(object, item_id)


async def bare(item_id):
    session = session_factory()  # TXN108@15
    row = await session.get(object, item_id)
    await session.close()
    return row


async def handler_only(item_id):
    session = session_factory()  # TXN108@15
    try:
        await session.get(object, item_id)
    except Exception:
        await session.close()
        raise


async def first_item():
    session = await anext(get_session_dependency())  # TXN108@21
    return await session.get(object, 1)


async def begun():
    session = session_factory()  # TXN108@15
    async with session.begin():
        await session.get(object, 1)


async def raw(url):
    connection = await asyncpg.connect(url)  # TXN108@24
    await connection.execute("select 1")


async def core():
    connection = await engine.connect()  # TXN108@24
    await connection.exec_driver_sql("select 1")


async def lent():
    session = session_factory()  # TXN108@15
    await work(session)
    asyncio.create_task(work(session))


async def work(session):
    await session.get(object, 1)


@contextmanager
def unguarded():
    session = session_factory()  # TXN108@15
    yield session
    session.close()
""",
        path="app/tasks/run.py",
    ),
    Bad(
        """
# --- app/session.py
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

SessionLocal = sessionmaker(create_engine("sqlite://"))


def get_session_dependency():
    session = SessionLocal()  # TXN108@15
    yield session


def get_session():
    return SessionLocal()


def injected():
    return SessionLocal()  # TXN108@12
# --- app/tasks/run.py
from app.repository import Repository
from app.session import get_session


def run():
    session = get_session()  # TXN108@15
    repository = Repository(session)
    repository.load(1)


def chained():
    return get_session().get(object, 1)  # TXN108@12
# --- app/repository.py
class Repository:
    def __init__(self, session):
        self.session = session

    def load(self, item_id):
        return self.session.get(object, item_id)
# --- app/routers/items.py
from fastapi import APIRouter, Depends

from app.session import injected

router = APIRouter()


@router.get("/")
def read(session=Depends(injected)):
    return session
"""
    ),
    Bad(
        """
# --- app/lending.py
from contextlib import asynccontextmanager
from contextvars import ContextVar

from app.session import session_factory

current = ContextVar("current", default=None)
kept = ContextVar("kept", default=None)


@asynccontextmanager
async def lent():
    async with session_factory() as session:
        token = current.set(session)
        try:
            yield session
        finally:
            current.reset(token)


def ambient():
    session = kept.get()
    if session is None:
        session = session_factory()
        kept.set(session)
    return session
# --- app/tasks/work.py
from app.lending import ambient, lent


async def never(key):
    session = await lent().__aenter__()  # TXN108@21
    return await session.get(object, key)


async def well(key):
    async with lent() as session:
        return await session.get(object, key)


async def shared(key):
    return await ambient().get(object, key)
"""
    ),
    Bad(
        """
from sqlalchemy.orm import scoped_session

from app.session import session_factory

_kept = None


def alone():
    registry = scoped_session(session_factory)
    return registry()


def for_all():
    global _kept
    if _kept is None:
        _kept = scoped_session(session_factory)
    return _kept()


def count():
    session = alone()  # TXN108@15
    return session.get(object, 1)


def look():
    session = alone()
    try:
        return session.get(object, 1)
    finally:
        session.close()


def glance():
    session = for_all()
    return session.get(object, 1)


def stop():
    _kept.remove()
""",
        path="app/tasks/run.py",
    ),
    Bad(
        """
# --- app/coops.py
from app.session import session_factory


class Coop:
    async def open(self):
        self.session = session_factory()

    async def close(self):
        await self.session.close()

    async def __aenter__(self):
        await self.open()
        return self

    async def __aexit__(self, *details):
        await self.close()
# --- app/tasks/coops.py
from contextlib import AsyncExitStack

from app.coops import Coop
from app.session import session_factory


async def left():
    coop = Coop()
    await coop.open()  # TXN108@11
    return await coop.session.get(object, 1)


async def entered():
    coop = await Coop().__aenter__()  # TXN108@18
    await coop.session.get(object, 1)


async def ended():
    coop = Coop()
    await coop.open()
    try:
        return await coop.session.get(object, 1)
    finally:
        await coop.close()


async def ended_by_hand():
    coop = await Coop().__aenter__()
    try:
        return await coop.session.get(object, 1)
    finally:
        await coop.__aexit__(None, None, None)


async def returned():
    coop = Coop()
    await coop.open()
    return coop


async def stacked():
    async with AsyncExitStack() as stack:
        coop = await Coop().__aenter__()
        stack.push_async_exit(coop)
        return await coop.session.get(object, 1)


async def called_back():
    async with AsyncExitStack() as stack:
        coop = Coop()
        await coop.open()
        stack.push_async_callback(coop.close)
        return await coop.session.get(object, 1)


async def handed_on(keep):
    coop = Coop()
    await coop.open()
    keep(coop)


async def handed_on_entered(keep):
    coop = await Coop().__aenter__()
    keep(coop=coop)


async def handed_on_at_once(keep):
    keep(await Coop().__aenter__())


async def ended_by_others(keep):
    coop = Coop()
    await coop.open()
    keep(coop.close)


async def put_by(shelf):
    shelf.coop = Coop()
    await shelf.coop.open()


async def session_itself():
    session = await session_factory().__aenter__()  # TXN108@21
    await session.get(object, 1)


async def session_left():
    opened = session_factory()
    session = await opened.__aenter__()
    try:
        await session.get(object, 1)
    finally:
        await opened.__aexit__(None, None, None)


async def in_a_block():
    async with Coop() as coop:
        return await coop.session.get(object, 1)
""",
        path="app/tasks/coops.py",
    ),
    Bad(
        """
import functools
from contextlib import AsyncExitStack
from types import SimpleNamespace

from app.session import session_factory


def opened():
    return session_factory()


async def entered(key):
    session = await opened().__aenter__()  # TXN108@21
    return await session.get(object, key)


async def entered_and_left(key):
    unit = opened()
    session = await unit.__aenter__()
    try:
        return await session.get(object, key)
    finally:
        await unit.__aexit__(None, None, None)


async def by_partial(key):
    session = session_factory()  # TXN108@15
    find = functools.partial(session.get, object)
    return await find(key)


async def in_a_namespace(key):
    context = SimpleNamespace(session=session_factory(), key=key)  # TXN108@39
    return await context.session.get(object, context.key)


async def closed_by_partial(key):
    session = session_factory()
    close = functools.partial(session.close)
    try:
        return await session.get(object, key)
    finally:
        await close()


async def on_a_stack(key):
    session = session_factory()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(functools.partial(session.close))
        return await session.get(object, key)


async def told_to_whoever_asks(key, keep):
    session = session_factory()
    keep(functools.partial(session.close))
    return await session.get(object, key)


async def lent_to_whoever_asks(keep):
    keep(session_factory())


async def given_as_a_whole(key):
    return SimpleNamespace(session=session_factory(), key=key)
""",
        path="app/tasks/parts.py",
    ),
    Bad(
        """
from dataclasses import dataclass

from app.session import session_factory


@dataclass
class Context:
    session: object
    key: int


@dataclass
class Unit:
    session: object

    async def stop(self):
        await self.session.close()


class Box:
    kept = None


async def in_an_object(key):
    context = Context(session_factory(), key)  # TXN108@23
    return await context.session.get(object, context.key)


async def closed_in_an_object(key):
    context = Context(session_factory(), key)
    try:
        return await context.session.get(object, context.key)
    finally:
        await close(context)


async def closed_in_either(key):
    if key:
        context = Context(session_factory(), key)
    else:
        context = Context(session_factory(), 1)
    try:
        return await context.session.get(object, context.key)
    finally:
        await close(context)


async def close(context):
    await context.session.close()


async def in_a_unit(key):
    unit = Unit(session_factory())
    return await unit.session.get(object, key)


async def under_a_key(key):
    context = {}
    context["session"] = session_factory()  # TXN108@26
    return await context["session"].get(object, key)


async def put_in_later(key):
    box = Box()
    box.kept = session_factory()  # TXN108@16
    return await box.kept.get(object, key)


async def shown_to_whoever_asks(key, keep):
    box = Box()
    box.kept = session_factory()
    keep(box)


async def put_into_what_came(box):
    box.kept = session_factory()


async def given_back():
    context = {}
    context["session"] = session_factory()
    return context
""",
        path="app/tasks/kept.py",
    ),
    Bad(
        """
from dataclasses import dataclass
from typing import Any

from app.session import session_factory


@dataclass
class Box:
    session: Any


class Chest:
    def __init__(self, session):
        self.session = session

    async def close(self):
        await self.session.close()


class Trunk:
    def __init__(self, session):
        self.session = session

    async def load(self, key):
        return await self.session.get(object, key)


def box():
    return Box(session_factory())


def chest():
    return Chest(session_factory())


def trunk():
    return Trunk(session_factory())


async def left(key):
    held = box()  # TXN108@12
    return (await held.session.get(object, key)).name


async def left_in_method(key):
    return (await trunk().load(key)).name  # TXN108@19


async def closed(key):
    held = box()
    try:
        return (await held.session.get(object, key)).name
    finally:
        await held.session.close()


async def closed_by_block(key):
    held = box()
    async with held.session:
        return (await held.session.get(object, key)).name


async def closed_by_method(key):
    held = chest()
    try:
        return (await held.session.get(object, key)).name
    finally:
        await held.close()


async def given_on():
    held = box()
    await held.session.get(object, 1)
    return held


async def given_on_and_left(key):
    held = await given_on()  # TXN108@18
    return (await held.session.get(object, key)).name
""",
        path="app/tasks/boxes.py",
    ),
    Bad(
        """
import logging

from app.models.item import Item
from app.session import session_factory
from app.settings import settings

logger = logging.getLogger(__name__)


def drafted(session, name):
    session.add(Item(name=name))
    session.flush()


def put(session, name):
    session.add(Item(name=name))


def tried(session, key):
    try:
        return session.get(Item, key)
    except Exception:
        logger.exception("no item")
        return None


def worked_before(name):
    session = session_factory()  # TXN108@15
    drafted(session, name)
    try:
        session.commit()
    finally:
        session.close()


def read_before(key):
    session: object = session_factory()  # TXN108@23
    item = session.get(Item, key)
    try:
        return item.name
    finally:
        session.close()


def within_another(name):
    try:
        session = session_factory()  # TXN108@19
        drafted(session, name)
        try:
            session.commit()
        finally:
            session.close()
    except ValueError:
        logger.exception("not drafted")


def asked_for_a_row(key):
    session = session_factory()  # TXN108@15
    if session.get(Item, key) is None:
        return None
    try:
        return session.get(Item, key).name
    finally:
        session.close()


def nothing_to_fail(name):
    session = session_factory()
    limit, wanted = settings.limit, []
    logger.info("drafting %s", name)
    put(session, name)
    query = session.query(Item).limit(limit)
    try:
        wanted.extend(query.all())
        session.commit()
    finally:
        session.close()


def seen_to(key):
    session = session_factory()
    item = tried(session, key)
    try:
        item = session.get(Item, key)
    except Exception:
        logger.exception("no item")
    try:
        return item
    finally:
        session.close()


def opened_inside(name):
    session = None
    try:
        session = session_factory()
        drafted(session, name)
        session.commit()
    finally:
        if session:
            session.close()
""",
        path="app/tasks/drafts.py",
    ),
]

GOOD = [
    Good(
        """
import asyncio
from contextlib import AsyncExitStack, asynccontextmanager, closing

import asyncpg

from app.session import engine, get_session, get_session_dependency, session_factory


async def block():
    async with session_factory() as session, session.begin():
        await session.get(object, 1)


async def entered_later():
    session = session_factory()
    async with session:
        await session.get(object, 1)


async def guarded():
    session = session_factory()
    try:
        await session.get(object, 1)
    finally:
        await session.close()


async def both_ways():
    session = session_factory()
    try:
        await session.get(object, 1)
    except BaseException:
        await session.close()
        raise
    await session.close()


async def dependency():
    session = session_factory()
    try:
        yield session
    finally:
        await session.close()


@asynccontextmanager
async def context():
    async with session_factory() as session:
        yield session


async def stacked():
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(session_factory())
        two = session_factory()
        stack.push_async_callback(two.close)
        await one.get(object, 1)


def closed_by_library():
    with closing(engine.raw_connection()) as connection:
        connection.cursor()


def given_away():
    return session_factory()


async def iterated():
    async for session in get_session_dependency():
        await session.get(object, 1)


async def by_hand():
    generator = get_session_dependency()
    session = await anext(generator)
    try:
        await session.get(object, 1)
    finally:
        await generator.aclose()


async def manager_by_hand():
    manager = get_session()
    session = await manager.__aenter__()
    try:
        await session.get(object, 1)
    finally:
        await manager.__aexit__(None, None, None)


async def task_owner():
    session = session_factory()
    asyncio.create_task(own(session))


async def own(session):
    async with session:
        await session.get(object, 1)


async def helper_closes():
    session = session_factory()
    try:
        await session.get(object, 1)
    finally:
        await shut(session)


async def shut(session):
    await session.close()


async def pooled(pool: asyncpg.Pool):
    connection = await pool.acquire()
    try:
        await connection.execute("select 1")
    finally:
        await pool.release(connection)


def in_callback(app):
    session = session_factory()

    def stop():
        session.close()

    app.add_event_handler("shutdown", stop)
""",
        path="app/tasks/run.py",
    ),
    Good(
        """
from dataclasses import dataclass

from sqlalchemy.orm import scoped_session

from app.session import session_factory

registry = scoped_session(session_factory)


class Unit:
    def __init__(self, session=None):
        self.session = session or session_factory()

    async def __aenter__(self):
        self.other = session_factory()
        return self

    async def __aexit__(self, *details):
        await self.session.close()
        await self.other.close()


@dataclass
class Context:
    session: object


def context():
    return Context(session=session_factory())


def unit():
    return Unit(session_factory())


def scoped():
    session = registry()
    try:
        return session.get(object, 1)
    finally:
        registry.remove()


_cached = None


def shared():
    global _cached
    if _cached is None:
        _cached = session_factory()
    return _cached


def uses_shared():
    return shared().get(object, 1)
""",
        path="app/tasks/run.py",
    ),
    Good(
        path="app/tasks/run.py",
        source="""
import psycopg2

from app.session import get_session, session_factory


def reachable() -> None:
    psycopg2.connect(host="db").close()


def reader():
    with session_factory() as session:
        yield session


def delegated():
    yield from reader()


async def handed_out():
    async with get_session() as session:
        return session


async def too_late() -> None:
    # TXN208 says what is wrong here
    session = await handed_out()
    await session.get(object, 1)
""",
    ),
    Good(
        """
# --- app/tasks/retrying.py
from functools import wraps

from sqlalchemy.exc import OperationalError

from app.tasks.local import factory


def again(maker):
    @wraps(maker)
    def driven():
        for attempt in range(3):
            steps = maker()
            try:
                given = next(steps)
                break
            except OperationalError:
                if attempt == 2:
                    raise
        try:
            yield given
        except Exception as error:
            steps.throw(error)
            raise
        else:
            next(steps, None)

    return driven


@again
def opened():
    session = factory()
    try:
        yield session
    finally:
        session.close()
# --- app/tasks/local.py
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

factory = sessionmaker(create_engine("postgresql://db/app"))
""",
    ),
    Good(
        """
from dataclasses import dataclass
from typing import Any

from app.session import session_factory


@dataclass
class Box:
    session: Any


async def filled():
    async with session_factory() as session:
        return Box(session)


async def late(key):
    box = await filled()
    return (await box.session.get(object, key)).name


async def held(text):
    async with text:
        await text.session.get(object, 1)
""",
        path="app/tasks/boxes.py",
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """Handles whose owner does not close them."""
    yield from once(_found(program))


def _found(program: Program) -> Iterator[Finding]:
    for event in program.events("create", "obtain"):
        if program.role(event.function) in ("test", "migration") or _is_kept_at_import(event):
            continue
        if made(event) and on_a_stack_left_open(event):
            block = _with(program, event)
            message = f"{text(event)} is entered on an exit stack that nothing closes. Open the stack with `{block}`."
            yield program.finding(META, event, message, hops(program, event, made(event)[0]))
            continue
        if "context" in event.flags and made(event) and on_a_stack_taken_over(event):
            yield from _taken_over(program, event)
            continue
        if "iterated" in event.flags:
            yield from _left(program, event)
        if not event.flags.isdisjoint(("context", "iterated", "typing")):
            continue
        for handle in (*made(event), *of_registry(program, event)):
            if kept_by_source(event, handle):
                continue
            message = _message(program, event, handle)
            if message:
                yield program.finding(META, event, message, hops(program, event, handle))
                break
    yield from _dropped(program)
    yield from _units(program)


def _dropped(program: Program) -> Iterator[Finding]:
    """Sessions of objects that are gone as soon as they are made, or that a function gives away in one."""
    for event, handle in (*dropped_holders(program), *handed_in_objects(program)):
        message = ""
        if program.role(event.function) not in ("test", "migration") and "typing" not in event.flags:
            message = _message(program, event, handle)
        if message:
            yield program.finding(META, event, message, hops(program, event, handle))


def _units(program: Program) -> Iterator[Finding]:
    """Objects that are opened by hand."""
    for event, handle in units_left_open(program):
        if program.role(event.function) not in ("test", "migration") and "typing" not in event.flags:
            block = "async with" if event.callee is not None and event.callee.is_async else "with"
            message = (
                f"{text(event)} opens the {handle.kind} of an object that is never closed. Open it with `{block}`, or "
                "close it in `finally`."
            )
            yield program.finding(META, event, message, hops(program, event, handle))


def _is_kept_at_import(event: Event) -> bool:
    """Whether the body of a module makes it, unless in a statement that keeps nothing of what it does."""
    if event.function.name != "<module>":
        return False
    return not any(is_within(event.span, statement[1]) for statement in nodes(event.function.body, "E", 3))


def _left(program: Program, event: Event) -> Iterator[Finding]:
    for handle in made(event):
        if outlives_generator(event, handle) and verdict(program, event, handle) == "never closed":
            message = (
                f"`break` ends {text(event)} before its session is used, and nobody closes what that opens anew. Use "
                f"the session inside the loop, or open it with `{_with(program, event)}`."
            )
            yield program.finding(META, event, message, hops(program, event, handle))


def _taken_over(program: Program, event: Event) -> Iterator[Finding]:
    """A session that was entered on a stack, and went on to one that nobody ends."""
    if verdict(program, event, made(event)[0]) == "never closed":
        message = (
            f"{text(event)} is entered on an exit stack whose `pop_all()` leaves it to another that nothing closes. "
            "Close that one in `finally`."
        )
        yield program.finding(META, event, message, hops(program, event, made(event)[0]))


def _with(program: Program, event: Event) -> str:
    return "async with" if is_asynchronous(program, event.function, event.subject) else "with"


def _message(program: Program, event: Event, handle: Handle) -> str:
    call, function, block = text(event), event.function, _with(program, event)
    advice = f"Open it with `{block}`, or close it in `finally`."
    returned = "returned" in event.flags and not function.is_generator
    if returned and function in program.dependency_functions:
        return (
            f"{call} makes the {handle.kind} that a dependency returns, and FastAPI closes nothing that is returned. "
            f"Yield it from inside a `{block}` block."
        )
    if is_left_in_an_object(program, event, handle):
        return (
            f"{call} makes the {handle.kind} of an object that a dependency returns, and neither FastAPI nor the "
            f"object closes it. Yield the object from inside a `{block}` block."
        )
    outcome = verdict(program, event, handle)
    if outcome == "left before the try":
        return f"{call} makes a {handle.kind} that a way out before its `try … finally` leaves open. {advice}"
    if outcome == "work before the try":
        return f"{call} makes a {handle.kind} that stays open when the work before its `try … finally` raises. {advice}"
    if outcome == "left open by a return":
        return f"{call} makes a {handle.kind} that a return before the one that hands it out leaves open. {advice}"
    if returned:
        return ""
    if outcome == "never closed":
        return f"{call} makes a {handle.kind} that is never closed. {advice}"
    if outcome == "closed on a condition":
        return f"{call} makes a {handle.kind} that `finally` closes only where another condition holds. {advice}"
    if outcome == "closed without finally":
        return f"{call} makes a {handle.kind} that stays open when the code before its close() raises. {advice}"
    return ""
