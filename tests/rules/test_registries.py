"""Registries: what is put in under a name, and what a call that says the name gets out of it.

Each case is a small project with the markers of the rules' examples; the rules it marks, and those it names,
must find exactly that.
"""

from __future__ import annotations

import pytest

from tests.support.marked import check_marked

_CONTAINER = """
# --- app/container.py
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine


class Items:
    async def all(self, session: AsyncSession):
        return []


class Analytics:
    def __init__(self):
        self.sessions = async_sessionmaker(create_async_engine("postgresql+asyncpg://u@analytics/d"))

    def open(self):
        return self.sessions()


class Container:
    def __init__(self):
        self.factories = {}

    def register(self, name, factory):
        self.factories[name] = factory

    def provide(self, name, factory):
        self.register(name, factory)

    def resolve(self, name: str):
        return self.factories[name]()  # TXN105@16

    def find(self, name: str):
        factory = self.factories.get(name)
        if factory is None:
            raise LookupError(name)
        return factory()  # TXN105@16


container = Container()
container.register("items", Items)
container.provide("items_again", Items)
container.provide("analytics", Analytics().open)


def resolve(name):
    return container.resolve(name)  # TXN105@12


FACTORIES = {"items": Items, "analytics": Analytics().open}


def made(kind):
    return FACTORIES[kind]()  # TXN105@12
"""
_BUS = """
# --- app/bus.py
import asyncio


class Events:
    def __init__(self):
        self._listeners = {"published": [], "sent": []}

    def on(self, name):
        def keep(listener):
            self._listeners[name].append(listener)
            return listener

        return keep

    def add(self, name, listener):
        self._listeners[name].append(listener)

    async def emit(self, name, *args):
        for listener in self._listeners[name]:
            await listener(*args)


class Hooks:
    def __init__(self):
        self.listeners = []

    def add(self, listener):
        self.listeners.append(listener)

    async def run(self, session):
        for listener in self.listeners:
            await listener(session)


class Named:
    def __init__(self):
        self.listeners = {"saved": [], "loaded": []}

    def add(self, name, listener):
        self.listeners[name].append(listener)

    async def run(self, name, session):
        for listener in self.listeners[name]:
            await listener(session)


class Publisher:
    def __init__(self, bus: Events):
        self.bus = bus

    async def publish(self, session):
        await self.bus.emit("published", session)


events = Events()
quiet = Events()
loud_publisher = Publisher(events)
quiet_publisher = Publisher(quiet)
loud_hooks = Hooks()
quiet_hooks = Hooks()
named = Named()
other = Named()


@events.on("published")
async def wait(session):
    await asyncio.sleep(1)


@events.on("drafted")
async def count(session):
    return 1


events.add("sent", wait)
quiet.add("published", count)
loud_hooks.add(wait)
quiet_hooks.add(count)
named.add("saved", wait)
named.add("loaded", count)
other.add("saved", count)
"""

CASES: dict[str, tuple[str, set[str]]] = {
    "a container hands out what was registered under the name": (
        _CONTAINER
        + """
# --- app/services/items.py
from sqlalchemy.ext.asyncio import AsyncSession

from app.container import container, made, resolve


async def all_items(session: AsyncSession):
    return await container.resolve("items").all(session)


async def all_again(session: AsyncSession):
    return await container.resolve("items_again").all(session)


async def found(session: AsyncSession):
    return await container.find("items").all(session)


async def through_a_function(session: AsyncSession):
    return await resolve("items").all(session)


async def directly(session: AsyncSession):
    return await container.factories["items"]().all(session)


async def from_a_literal(session: AsyncSession):
    return await made("items").all(session)


async def usage():
    session = container.resolve("analytics")  # TXN105@15
    return session.is_active


async def usage_found():
    session = container.find("analytics")  # TXN105@15
    return session.is_active


async def usage_through_a_function():
    session = resolve("analytics")  # TXN105@15
    return session.is_active


async def usage_from_a_literal():
    session = made("analytics")  # TXN105@15
    return session.is_active


async def any_of(name: str):
    session = container.resolve(name)  # TXN105@15
    return session.is_active
""",
        set(),
    ),
    "listeners run that were added to this very bus, under this name": (
        _BUS
        + """
# --- app/services/posts.py
from sqlalchemy.ext.asyncio import AsyncSession

from app.bus import events, loud_hooks, loud_publisher, named, other, quiet, quiet_hooks, quiet_publisher


async def publish(session: AsyncSession):
    async with session.begin():
        await events.emit("published", session)  # TXN207@15


async def send(session: AsyncSession):
    async with session.begin():
        await events.emit("sent", session)  # TXN207@15


async def draft(session: AsyncSession):
    async with session.begin():
        await events.emit("drafted", session)


async def publish_quietly(session: AsyncSession):
    async with session.begin():
        await quiet.emit("published", session)


async def hooks(session: AsyncSession):
    async with session.begin():
        await loud_hooks.run(session)  # TXN207@15
        await quiet_hooks.run(session)


async def save(session: AsyncSession):
    async with session.begin():
        await named.run("saved", session)  # TXN207@15
        await named.run("loaded", session)
        await other.run("saved", session)


async def through_an_object(session: AsyncSession):
    async with session.begin():
        await loud_publisher.publish(session)  # TXN207@15
        await quiet_publisher.publish(session)


async def any_event(session: AsyncSession, name):
    async with session.begin():
        await events.emit(name, session)  # TXN207@15
""",
        set(),
    ),
    "a base keeps its classes under the name that each gives": (
        """
# --- app/senders.py
import asyncio


class Sender:
    registry = {}

    def __init_subclass__(cls, *, kind, **options):
        super().__init_subclass__(**options)
        Sender.registry[kind] = cls

    async def send(self, to):
        raise NotImplementedError

    @classmethod
    def of(cls, kind):
        return cls.registry[kind]()


class Mail(Sender, kind="mail"):
    async def send(self, to):
        await asyncio.sleep(1)


class Silent(Sender, kind="silent"):
    async def send(self, to):
        return None
# --- app/services/outbox.py
from sqlalchemy.ext.asyncio import AsyncSession

from app.senders import Sender


async def mail(session: AsyncSession, to):
    sender = Sender.of("mail")
    async with session.begin():
        await sender.send(to)  # TXN207@15


async def silent(session: AsyncSession, to):
    sender = Sender.of("silent")
    async with session.begin():
        await sender.send(to)
""",
        set(),
    ),
    "a dispatcher runs what was registered for the class of what it is given": (
        """
# --- app/desk.py
import asyncio
from collections import defaultdict


class Command:
    pass


class Ship(Command):
    topic = "ship"


class Weigh(Command):
    topic = "weigh"


class Label(Command):
    topic = "label"


class Desk:
    def __init__(self):
        self._clerks = {}

    def clerk(self, kind):
        self._clerks[kind.does] = kind()
        return kind

    async def hand_in(self, command: Command, session):
        return await self._clerks[type(command)].do(command, session)

    async def twice(self, command, session):
        await self.hand_in(command, session)
        await self.hand_in(command, session)


class Board:
    def __init__(self):
        self._readers = defaultdict(list)
        self._by_topic = defaultdict(list)

    def reads(self, kind):
        def keep(reader):
            self._readers[kind].append(reader)
            self._by_topic[kind.topic].append(reader)
            return reader

        return keep

    async def post(self, note, session):
        kind = type(note)
        for reader in self._readers[kind]:
            await reader(note, session)

    async def announce(self, note, session):
        for reader in self._by_topic[note.topic]:
            await reader(note, session)


desk = Desk()
board = Board()
shelf = Board()
LISTED = defaultdict(list)


def listed(kind):
    def keep(function):
        LISTED[kind].append(function)
        return function

    return keep


async def call_listed(note, session):
    for function in LISTED[type(note)]:
        await function(note, session)


@desk.clerk
class Shipper:
    does = Ship

    async def do(self, command, session):
        await asyncio.sleep(1)


@desk.clerk
class Weigher:
    does = Weigh

    async def do(self, command, session):
        return command


@listed(Ship)
@board.reads(Ship)
async def wait(note, session):
    await asyncio.sleep(1)


@listed(Weigh)
@board.reads(Weigh)
async def look(note, session):
    return note


@shelf.reads(Ship)
async def shelve(note, session):
    return note


ROUTINES = {Ship: wait, Weigh: look}


async def routine(note, session):
    return await ROUTINES[type(note)](note, session)
# --- app/services/counter.py
from sqlalchemy.ext.asyncio import AsyncSession

from app.desk import Command, Label, Ship, Weigh, board, call_listed, desk, routine, shelf


async def ships(session: AsyncSession):
    async with session.begin():
        await desk.hand_in(Ship(), session)  # TXN207@15
        await board.post(Ship(), session)  # TXN207@15
        await routine(Ship(), session)  # TXN207@15
        await call_listed(Ship(), session)  # TXN207@15


async def weighs(session: AsyncSession):
    async with session.begin():
        await desk.hand_in(Weigh(), session)
        await board.post(Weigh(), session)
        await routine(Weigh(), session)
        await call_listed(Weigh(), session)


async def labels(session: AsyncSession):
    async with session.begin():
        await desk.hand_in(Label(), session)
        await shelf.post(Ship(), session)


async def through_another(session: AsyncSession):
    async with session.begin():
        await desk.twice(Ship(), session)  # TXN207@15
        await desk.twice(Weigh(), session)


async def declared(session: AsyncSession, heavy: Weigh, far: Ship, some: Command):
    async with session.begin():
        await desk.hand_in(heavy, session)
        await desk.hand_in(far, session)  # TXN207@15
        await desk.hand_in(some, session)  # TXN207@15


async def by_topic(session: AsyncSession):
    async with session.begin():
        await board.announce(Ship(), session)  # TXN207@15
        await board.announce(Weigh(), session)
""",
        set(),
    ),
    "each of many handlers is known by the class it is for": (
        "# --- app/desk.py\nimport asyncio\n\n\n"
        + "".join(f"class Kind{n}:\n    pass\n\n\n" for n in range(12))
        + """
class Desk:
    def __init__(self):
        self.clerks = {}

    def clerk(self, kind):
        self.clerks[kind.does] = kind()
        return kind

    async def hand_in(self, what, session):
        await self.clerks[type(what)].do(session)


desk = Desk()
"""
        + "".join(
            f"""

@desk.clerk
class Clerk{n}:
    does = Kind{n}

    async def do(self, session):
        {"await asyncio.sleep(1)" if n == 11 else "return session"}
"""
            for n in range(12)
        )
        + """
# --- app/services/counter.py
from sqlalchemy.ext.asyncio import AsyncSession

from app.desk import Kind0, Kind10, Kind11, desk


async def first(session: AsyncSession):
    async with session.begin():
        await desk.hand_in(Kind0(), session)
        await desk.hand_in(Kind10(), session)


async def last(session: AsyncSession):
    async with session.begin():
        await desk.hand_in(Kind11(), session)  # TXN207@15
""",
        set(),
    ),
    "an object keeps the functions that its constructor was given one by one": (
        """
# --- app/lines.py
import asyncio


async def press(session):
    await asyncio.sleep(1)


async def fold(session):
    return session


class Line:
    def __init__(self, *stations):
        self.stations = stations

    async def __call__(self, session):
        for station in self.stations:
            await station(session)


class Copied:
    def __init__(self, name, *stations):
        self.name = name
        self.stations = list(stations)

    async def run(self, session):
        for station in self.stations:
            await station(session)


pressing, folding = Line(fold, press), Line(fold, fold)
pressing_copied, folding_copied = Copied("a", press), Copied("b", fold)
# --- app/services/laundry.py
from sqlalchemy.ext.asyncio import AsyncSession

from app.lines import folding, folding_copied, pressing, pressing_copied


async def pressed(session: AsyncSession):
    async with session.begin():
        await pressing(session)  # TXN207@15
        await pressing_copied.run(session)  # TXN207@15


async def folded(session: AsyncSession):
    async with session.begin():
        await folding(session)
        await folding_copied.run(session)
""",
        set(),
    ),
    "an object in the place of a function does what its class does around the call": (
        """
# --- app/services/stock.py
from sqlalchemy.ext.asyncio import AsyncSession


class Saved:
    def __init__(self, work):
        self.work = work

    async def __call__(self, session: AsyncSession, number: int):
        result = await self.work(session, number)
        await session.commit()  # TXN201@15
        return result


class Told:
    def __init__(self, work):
        self.work = work

    async def __call__(self, session: AsyncSession, number: int):
        return await self.work(session, number)


def told(work):
    return Told(work)


@Saved
async def put_away(session: AsyncSession, number: int):
    session.add(number)


@told
async def count(session: AsyncSession, number: int):
    session.add(number)
# --- app/routers/stock.py
from fastapi import APIRouter, Depends

from app.services.stock import count, put_away
from app.session import get_session_dependency

router = APIRouter()


@router.post("/a")
async def a(session=Depends(get_session_dependency)):
    async with session.begin():
        await put_away(session, 1)  # TXN205@15
        await count(session, 1)


@router.post("/b")
async def b(session=Depends(get_session_dependency)):
    await put_away(session, 1)


@router.post("/c")
async def c(session=Depends(get_session_dependency)):
    await count(session, 1)  # TXN209@11
""",
        set(),
    ),
    "what stands under a key of an injected object": (
        """
# --- app/services/shelves.py
class Shelf:
    def __init__(self, session):
        self.session = session

    async def put(self, what):
        self.session.add(what)

    async def keep(self, what):
        self.session.add(what)
        await self.session.flush()


class Shelves:
    def __init__(self, session):
        self._shelves = {kind: Shelf(session) for kind in (int, str)}

    def __getitem__(self, kind) -> Shelf:
        return self._shelves[kind]
# --- app/routers/shelves.py
from typing import Annotated

from fastapi import APIRouter, Depends

from app.services.shelves import Shelves
from app.session import get_session_dependency

router = APIRouter()


def get_shelves(session=Depends(get_session_dependency)) -> Shelves:
    return Shelves(session)


@router.post("/a")
async def a(shelves: Annotated[Shelves, Depends(get_shelves)]):
    await shelves[int].put(1)  # TXN209@11


@router.post("/b")
async def b(shelves: Annotated[Shelves, Depends(get_shelves)], session=Depends(get_session_dependency)):
    async with session.begin():
        await shelves[int].keep(1)
""",
        set(),
    ),
    "the class of the first argument says which registered function runs": (
        """
# --- app/parcels.py
import asyncio
from functools import singledispatch, singledispatchmethod


class Parcel:
    pass


class Heavy(Parcel):
    pass


class Crate(Heavy):
    pass


class Light(Parcel):
    pass


class Paper:
    pass


@singledispatch
async def move(parcel, session):
    raise TypeError(parcel)


@move.register
async def _(parcel: Heavy, session):
    await asyncio.sleep(1)


@move.register(Light)
async def carry(parcel, session):
    return session


async def shred(parcel, session):
    await asyncio.sleep(1)


move.register(Paper, shred)


async def move_carefully(parcel, session):
    await move(parcel, session)


class Porter:
    @singledispatchmethod
    async def take(self, parcel, session):
        return parcel

    @take.register
    async def _(self, parcel: Heavy, session):
        await asyncio.sleep(1)
# --- app/services/depot.py
from sqlalchemy.ext.asyncio import AsyncSession

from app.parcels import Crate, Heavy, Light, Paper, Porter, move, move_carefully


async def heavy(session: AsyncSession):
    async with session.begin():
        await move(Heavy(), session)  # TXN207@15
        await move(Crate(), session)  # TXN207@15
        await move(Paper(), session)  # TXN207@15
        await move_carefully(Heavy(), session)  # TXN207@15
        await Porter().take(Crate(), session)  # TXN207@15


async def light(session: AsyncSession):
    async with session.begin():
        await move(Light(), session)
        await move_carefully(Light(), session)
        await Porter().take(Light(), session)


async def any_parcel(parcel, session: AsyncSession):
    async with session.begin():
        await move(parcel, session)  # TXN207@15
""",
        set(),
    ),
    "a method called by a name put together is one of its object's own": (
        """
# --- app/machines.py
import asyncio


class Machine:
    def __init__(self, session):
        self.session = session

    async def run(self, step):
        method = f"run_{type(step).__name__}"
        runner = getattr(self, method, self.run_nothing)
        return await runner(step)

    async def stop(self, step):
        await getattr(self, "stop_" + step.name)(step)

    async def run_nothing(self, step):
        return step


class Slow(Machine):
    async def run_int(self, step):
        await asyncio.sleep(1)

    async def stop_now(self, step):
        await asyncio.sleep(1)


class Quick(Machine):
    async def run_int(self, step):
        return step

    async def stop_now(self, step):
        return step

    async def running(self, step):
        await asyncio.sleep(1)
# --- app/services/hall.py
from sqlalchemy.ext.asyncio import AsyncSession

from app.machines import Machine, Quick, Slow


async def slow(session: AsyncSession):
    async with session.begin():
        await Slow(session).run(1)  # TXN207@15
        await Slow(session).stop(1)  # TXN207@15


async def quick(session: AsyncSession):
    async with session.begin():
        await Quick(session).run(1)
        await Quick(session).stop(1)


async def plain(session: AsyncSession):
    async with session.begin():
        await Machine(session).run(1)


async def some(session: AsyncSession, machine: Machine):
    async with session.begin():
        await machine.run(1)  # TXN207@15
""",
        set(),
    ),
    "what is connected with a signal runs when it is sent": (
        """
# --- app/news.py
import time

from blinker import Namespace, Signal, signal

news = Namespace()
printed = news.signal("printed")
read = Signal()
burnt = Signal()


@printed.connect
def deliver(sender, session):
    time.sleep(1)


@read.connect
def remember(sender, session):
    session.info["read"] = sender


@burnt.connect_via("oven")
def extinguish(sender, session):
    time.sleep(1)


def rest(sender, session):
    time.sleep(1)


signal("slept").connect(rest)
# --- app/services/press.py
from blinker import signal
from sqlalchemy.orm import Session

from app.news import burnt, news, printed, read


def prints(session: Session):
    with session.begin():
        printed.send("press", session=session)  # TXN207@9
        news.signal("printed").send("press", session=session)  # TXN207@9
        signal("slept").send("press", session=session)  # TXN207@9
        burnt.send("oven", session=session)  # TXN207@9


def reads(session: Session):
    with session.begin():
        read.send("press", session=session)
        signal("woken").send("press", session=session)
""",
        set(),
    ),
    "what a dispatcher is declared to hold is what was registered": (
        """
# --- app/desk.py
import asyncio


class Command:
    pass


class Ship(Command):
    pass


class Weigh(Command):
    pass


class Clerk:
    does: type[Command]

    async def do(self, command, session):
        raise NotImplementedError


class Desk:
    def __init__(self) -> None:
        self._clerks: dict[type[Command], Clerk] = {}

    def clerk(self, kind: type[Clerk]) -> type[Clerk]:
        self._clerks[kind.does] = kind()
        return kind

    async def hand_in(self, command: Command, session):
        return await self._clerks[type(command)].do(command, session)


desk = Desk()


@desk.clerk
class Shipper(Clerk):
    does = Ship

    async def do(self, command, session):
        await asyncio.sleep(1)


@desk.clerk
class Weigher(Clerk):
    does = Weigh

    async def do(self, command, session):
        return command
# --- app/services/counter.py
from sqlalchemy.ext.asyncio import AsyncSession

from app.desk import Command, Ship, Weigh, desk


async def ships(session: AsyncSession):
    async with session.begin():
        await desk.hand_in(Ship(), session)  # TXN207@15


async def weighs(session: AsyncSession):
    async with session.begin():
        await desk.hand_in(Weigh(), session)


async def some(session: AsyncSession, command: Command):
    async with session.begin():
        await desk.hand_in(command, session)  # TXN207@15
""",
        set(),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_drawn_is_what_was_put_in(case):
    checked = check_marked(*CASES[case])
    assert checked.found == checked.wanted
