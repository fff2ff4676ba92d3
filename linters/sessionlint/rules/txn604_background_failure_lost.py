"""TXN604: a background function can end in an error that nothing records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.program.api import Program
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.scheduling import is_pool
from sessionlint.program.threads import POOLED
from sessionlint.program.values import TASK, Pending, Site, contained
from sessionlint.report import Finding, Span, TraceStep
from sessionlint.rules.answering_tasks import answering_tasks
from sessionlint.rules.asked_later import is_awaited_by_owner, is_joined_for_its_outcome
from sessionlint.rules.background_work import observed_tasks, waiters
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.decorated_units import units_around
from sessionlint.rules.dropped_results import dropped_results
from sessionlint.rules.efforts import cut_short, effort, left_by, names_error
from sessionlint.rules.executors import loses_errors
from sessionlint.rules.failing import body_of, can_fail, first_failure, handled, is_broad, misses, tries
from sessionlint.rules.gaps import Gap, gaps
from sessionlint.rules.left_to_callees import left_to
from sessionlint.rules.named_somewhere import can_be_called
from sessionlint.rules.one_round import comes_again
from sessionlint.rules.plain_decorators import failure_around, lets_all_through
from sessionlint.rules.raising import can_raise, first_file, first_raise
from sessionlint.rules.recorded_in_part import least_effort
from sessionlint.rules.supervised import is_supervised
from sessionlint.rules.swallowing_managers import keeping_objects
from sessionlint.rules.telling_later import holds_all_work
from sessionlint.rules.walking import nodes_below
from sessionlint.rules.watching import is_within

META = Rule(
    code="TXN604",
    name="background-failure-lost",
    summary="A background function can end in an error that no status, log-and-raise or retry records.",
    rationale="Nobody waits for background work. An error that only ends it, or an except clause that passes (or a "
    "`with` of an object whose `__exit__` returns something true), leaves the job's row pending or running for ever; "
    "the user sees a progress bar that never moves, and there is nothing to retry or to alarm on. The finding "
    "stands at the except clause that loses the error, or at the def of the function in which nothing records it.",
    remedy="Wrap the work in try, and in except Exception open a second session after the first one is closed and "
    "write the failure to the job's row; or log with logger.exception and raise where a queue or scheduler "
    "records it.",
    not_flagged="Functions whose framework records and retries (Celery, Dramatiq, arq, taskiq, APScheduler…) and that "
    "let the error through, narrow except clauses (not those of another library than the try works with), clauses "
    "that write a status, raise, retry or call anything but the log, clauses inside loops that log and go on, tasks "
    "that are awaited (by another method of the object that keeps them, too), whose results their starter takes, or "
    "that have a callback that looks at the error, a thread that its starter joins at once to go on with what it has "
    "left, work for a pool of threads whose results somebody asks for, what runs after a try that records the "
    "outcome, work that cannot fail, files that are only tidied away (os.remove, unlink), "
    "clauses that keep an error from the transaction or unit of work around them (TXN210). What runs only when "
    "nothing failed (else, behind a clause that returns) records no failure, nor does what has nothing to do with "
    "the try after a clause that only passes. A clause that logs what a callee has recorded for good before it "
    "raised it again loses nothing. Under a decorator that has a try or a recording block of its own, starts what it "
    "is put around, or comes from a library, only clauses are told: it may record what the function raises.",
    program_wide=True,
)

_INSIDE = frozenset({"try", "handler", "finally"})
_LOSE = ("BackgroundTasks.add_task", "BackgroundTask", "threading.", "add_task")

BAD = [
    Bad(
        source="""
# --- app/tasks/scan.py
import asyncio
import logging

from app.models.item import Item
from app.session import get_session

logger = logging.getLogger(__name__)


async def scan(item_id):
    for _ in range(3):
        try:
            async with get_session() as session, session.begin():
                await session.get(Item, item_id)
            break
        except Exception:  # TXN604@9
            logger.warning("scan of %s failed", item_id)
            await asyncio.sleep(1)
# --- app/routers/items.py
from fastapi import APIRouter, BackgroundTasks

from app.tasks.scan import scan

router = APIRouter()


@router.post("/scan")
async def start(background: BackgroundTasks):
    background.add_task(scan, 1)
""",
    ),
    Bad(
        source="""
# --- app/tasks/scan.py
import logging

from rowtools import crud

from app.models.item import Item
from app.session import get_session, session_factory

logger = logging.getLogger(__name__)


async def scan(item_id):  # TXN604@1
    async with get_session() as session, session.begin():
        item = await session.get(Item, item_id)
        item.status = "done"


async def silent(item_id):
    try:
        async with get_session() as session, session.begin():
            await session.get(Item, item_id)
    except Exception:  # TXN604@5
        pass


async def logged(item_id):
    try:
        async with get_session() as session, session.begin():
            await session.get(Item, item_id)
    except Exception as error:  # TXN604@5
        logger.error("scan of %s failed: %s", item_id, error)
        return False


async def by_a_library(item_id):
    try:
        async with session_factory.begin() as session:
            await crud.create(session, item_id)
    except Exception as error:  # TXN604@5
        logger.error("scan of %s failed: %s", item_id, error)
# --- app/routers/items.py
import asyncio

from fastapi import APIRouter, BackgroundTasks

from app.tasks.scan import by_a_library, logged, scan, silent

router = APIRouter()
tasks = set()


@router.post("/scan")
async def start(background: BackgroundTasks):
    background.add_task(scan, 1)
    background.add_task(silent, 1)
    background.add_task(by_a_library, 1)
    tasks.add(asyncio.create_task(logged(1)))
""",
    ),
    Bad(
        path="app/tasks/jobs.py",
        source="""
import logging

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from celery import shared_task

from app.models.item import Item
from app.session import get_session

logger = logging.getLogger(__name__)
slog = structlog.get_logger()
scheduler = AsyncIOScheduler()


@shared_task
def rescan(item_id):
    try:
        with get_session() as session:
            session.get(Item, item_id)
    except:  # TXN604@5
        print("failed")


def tell(error):
    slog.error("failed", error=str(error))


@shared_task
def told(item_id):
    try:
        with get_session() as session:
            session.get(Item, item_id)
    except Exception as error:  # TXN604@5
        bound = slog.bind(item=item_id)
        bound.exception("failed")
        tell(error)


async def sweep():
    try:
        async with get_session() as session:
            await session.get(Item, 1)
    except Exception as error:  # TXN604@5
        logger.debug("the sweep failed: %s", error)


async def logged_sweep():
    try:
        async with get_session() as session:
            await session.get(Item, 2)
    except Exception:  # TXN604@5
        logger.exception("the sweep failed")


scheduler.add_job(sweep, "interval", minutes=5)
scheduler.add_job(logged_sweep, "interval", minutes=5)
""",
    ),
    Bad(
        path="app/tasks/items.py",
        source="""
import asyncio
import logging
from contextlib import contextmanager
from time import monotonic

from app.models.item import Item
from app.session import get_session

log = logging.getLogger(__name__)
tasks = set()


@contextmanager
def timed(name):
    start = monotonic()
    try:
        yield
    finally:
        log.info("%s took %s", name, monotonic() - start)


async def inside(item_id) -> None:  # TXN604@1
    with timed("inside"):
        async with get_session() as session, session.begin():
            session.add(Item(name=item_id))


async def beside(item_id) -> None:  # TXN604@1
    try:
        item = Item(name=item_id)
    finally:
        log.error("made %s", item_id)
    async with get_session() as session, session.begin():
        session.add(item)


async def start(item_id) -> None:
    tasks.add(asyncio.create_task(inside(item_id)))
    tasks.add(asyncio.create_task(beside(item_id)))
""",
    ),
    Bad(
        path="app/tasks/rounds.py",
        source="""
import asyncio
import logging
from contextlib import suppress

from app.models.item import Item
from app.session import get_session

logger = logging.getLogger(__name__)
failures = 0


async def mark(item_id, status):
    async with get_session() as session, session.begin():
        item = await session.get(Item, item_id)
        item.status = status


async def work(item_id):
    async with get_session() as session, session.begin():
        await session.get(Item, item_id)


async def for_ever() -> None:
    while True:
        try:
            await work(1)
        except Exception:  # TXN604@9
            pass
        await asyncio.sleep(30)


async def each(ids) -> None:
    for item_id in ids:
        with suppress(Exception):
            await work(item_id)
        try:
            await work(item_id)
        except Exception:
            continue


async def every(ids) -> None:
    for item_id in ids:
        try:
            await work(item_id)
        except Exception:  # TXN604@9
            continue


async def cut_short(item_id) -> None:
    try:
        await work(item_id)
    finally:
        return  # TXN604@9


async def logged_and_cut_short(item_id) -> str:
    outcome = "failed"
    try:
        await work(item_id)
        outcome = "done"
    finally:
        logger.info("%s", outcome)
        return outcome  # TXN604@9


async def kept(item_id) -> None:
    try:
        await work(item_id)
    except Exception:
        await mark(item_id, "failed")
        raise


async def rounds() -> None:
    while True:
        try:
            await kept(1)
        except Exception:  # TXN604@9
            await asyncio.sleep(1)


async def hushed() -> None:
    while True:
        try:
            await work(1)
        except Exception:  # TXN604@9
            logger.info("a hiccup")


async def printed() -> None:
    while True:
        try:
            await work(1)
        except Exception as error:
            print(error)


async def warned() -> None:
    while True:
        try:
            await work(1)
        except Exception:
            logger.warning("a round failed")


async def counted() -> None:
    global failures
    while True:
        try:
            await work(1)
        except Exception:
            failures += 1


async def told() -> None:
    while True:
        try:
            await work(1)
        except Exception:
            logger.exception("this round failed")


async def again(item_id) -> None:
    while True:
        try:
            await work(item_id)
            break
        except Exception:
            await asyncio.sleep(1)


async def marked(item_id) -> None:
    try:
        await work(item_id)
    except Exception:
        await mark(item_id, "failed")
        raise
    finally:
        return


async def recorded_at_the_end(item_id) -> None:
    status = "failed"
    try:
        await work(item_id)
        status = "done"
    finally:
        await mark(item_id, status)
        return


async def answered_before(item_id) -> str:
    try:
        await work(item_id)
        return "done"
    finally:
        await asyncio.sleep(0)
""",
    ),
    Bad(
        source="""
# --- app/tasks/decorators.py
import contextlib
import functools
import logging

log = logging.getLogger(__name__)


def quiet(fn):
    @functools.wraps(fn)
    async def wrapper(*args, **kwargs):
        try:
            return await fn(*args, **kwargs)
        except Exception:  # TXN604@9
            return None

    return wrapper


def suppressed(*errors):
    def decorate(fn):
        @functools.wraps(fn)
        async def wrapper(*args, **kwargs):
            with contextlib.suppress(Exception):  # TXN604@18
                return await fn(*args, **kwargs)

        return wrapper

    return decorate


def logged(fn):
    @functools.wraps(fn)
    def wrapper(*args, **kwargs):
        try:
            return fn(*args, **kwargs)
        except Exception:  # TXN604@9
            log.exception("%s failed", fn.__name__)

    return wrapper
# --- app/tasks/scan.py
from celery import shared_task

from app.models.item import Item
from app.session import get_session
from app.tasks.decorators import logged, quiet, suppressed


@quiet
async def scan(item_id):
    async with get_session() as session, session.begin():
        session.add(Item(name=item_id))


@quiet
async def scan_again(item_id):
    async with get_session() as session, session.begin():
        session.add(Item(name=item_id))


@suppressed()
async def clean(item_id):
    async with get_session() as session, session.begin():
        session.add(Item(name=item_id))


@shared_task
@logged
def report(session, item_id):
    session.add(Item(name=item_id))
    session.flush()
# --- app/routers/items.py
from fastapi import APIRouter, BackgroundTasks

from app.tasks.scan import clean, scan, scan_again

router = APIRouter()


@router.post("/scans")
async def start(item_id: str, tasks: BackgroundTasks):
    tasks.add_task(scan, item_id)
    tasks.add_task(scan_again, item_id)
    tasks.add_task(clean, item_id)
""",
    ),
    Bad(
        source="""
# --- app/tasks/report.py
import logging

from app.models.item import Item
from app.session import get_session

logger = logging.getLogger(__name__)


async def load(item_id):
    async with get_session() as session:
        return await session.get(Item, item_id)


async def report(item_id):  # TXN604@1
    item = await load(item_id)
    try:
        number = int(item.name)
    except Exception:
        logger.exception("%s has no number", item_id)
        raise
    return number
# --- app/routers/items.py
from fastapi import APIRouter, BackgroundTasks

from app.tasks.report import report

router = APIRouter()


@router.post("/report")
async def start(background: BackgroundTasks):
    background.add_task(report, 1)
""",
    ),
    Bad(
        """
# --- app/tasks/parcels.py
import asyncio
import logging

from app.session import get_session

logger = logging.getLogger(__name__)


async def weigh(parcel):
    async with get_session() as session, session.begin():
        session.add(parcel)


async def ignoring(parcels):  # TXN604@1
    await asyncio.gather(*(weigh(p) for p in parcels), return_exceptions=True)


async def telling(parcels):  # TXN604@1
    outcomes = await asyncio.gather(*(weigh(p) for p in parcels), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            logger.info("failed: %s", outcome)


async def raising_at_once(parcels):  # TXN604@1
    outcomes = await asyncio.gather(*(weigh(p) for p in parcels))
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            await weigh("failed")
# --- app/routers/parcels.py
from fastapi import APIRouter, BackgroundTasks

from app.tasks.parcels import ignoring, raising_at_once, telling

router = APIRouter()


@router.post("/parcels")
async def parcels(tasks: BackgroundTasks):
    tasks.add_task(ignoring, ["a"])
    tasks.add_task(telling, ["a"])
    tasks.add_task(raising_at_once, ["a"])
"""
    ),
    Bad(
        """
# --- app/tasks/crates.py
import logging

from sqlalchemy.exc import SQLAlchemyError

from app.models.item import Item
from app.session import get_session

logger = logging.getLogger(__name__)


async def _look(key):
    try:
        async with get_session() as session, session.begin():
            await session.get(Item, key)
    except Exception:  # TXN604@5
        logger.exception("crate %s was not looked at", key)


async def _pass_on(key):
    await _look(key)


async def look_at_crate(key):
    await _pass_on(key)


class Crates:
    async def _open(self, key):
        try:
            async with get_session() as session, session.begin():
                await session.get(Item, key)
        except Exception:  # TXN604@9
            pass

    async def _lift(self, key):
        logger.info("lifting %s", key)
        await self._open(key)

    async def lift(self, key):
        await self._lift(key)


async def _look_aloud(key):
    try:
        async with get_session() as session, session.begin():
            await session.get(Item, key)
    except Exception:
        logger.exception("crate %s was not looked at", key)
        raise


async def _pass_on_aloud(key):
    await _look_aloud(key)


async def look_aloud(key):
    await _pass_on_aloud(key)


async def weigh_and_count(key):
    try:
        async with get_session() as session, session.begin():
            session.add(Item(name=key))
    except SQLAlchemyError:  # TXN604@5
        logger.exception("crate %s was not counted", key)
    except Exception:  # TXN604@5
        logger.exception("crate %s was not weighed", key)
# --- app/routers/crates.py
from fastapi import APIRouter, BackgroundTasks

from app.tasks.crates import Crates, look_aloud, look_at_crate, weigh_and_count

router = APIRouter()


@router.post("/crates")
async def crates(tasks: BackgroundTasks):
    tasks.add_task(look_at_crate, 1)
    tasks.add_task(Crates().lift, 1)
    tasks.add_task(look_aloud, 1)
    tasks.add_task(weigh_and_count, 1)
"""
    ),
    Bad(
        """
# --- app/tasks/shelves.py
import asyncio

from app.models.item import Item
from app.session import get_session


async def fill(key):
    async with get_session() as session, session.begin():
        session.add(Item(name=key))


async def record(error):
    async with get_session() as session, session.begin():
        session.add(Item(name=str(error)))


async def dropped(keys):
    try:
        await asyncio.gather(*(fill(key) for key in keys), return_exceptions=True)  # TXN604@15
    except Exception as error:
        await record(error)


async def dropped_later(keys):
    try:
        coroutines = [fill(key) for key in keys]
        await asyncio.gather(*coroutines, return_exceptions=True)  # TXN604@15
    except Exception as error:
        await record(error)


async def looked_at(keys):
    try:
        outcomes = await asyncio.gather(*(fill(key) for key in keys), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
    except Exception as error:
        await record(error)


async def let_through(keys):
    try:
        await asyncio.gather(*(fill(key) for key in keys))
    except Exception as error:
        await record(error)


async def fill_or_record(key):
    try:
        await fill(key)
    except Exception as error:
        await record(error)


async def recorded_below(keys):
    try:
        await asyncio.gather(*(fill_or_record(key) for key in keys), return_exceptions=True)
    except Exception as error:
        await record(error)


async def ended_in_time(keys):
    tasks = [asyncio.create_task(fill_or_record(key)) for key in keys]
    try:
        await asyncio.sleep(5)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    except Exception as error:
        await record(error)
# --- app/routers/shelves.py
from fastapi import APIRouter, BackgroundTasks

from app.tasks.shelves import dropped, dropped_later, ended_in_time, let_through, looked_at, recorded_below

router = APIRouter()


@router.post("/shelves")
async def shelves(tasks: BackgroundTasks):
    tasks.add_task(dropped, ["a"])
    tasks.add_task(dropped_later, ["a"])
    tasks.add_task(looked_at, ["a"])
    tasks.add_task(let_through, ["a"])
    tasks.add_task(recorded_below, ["a"])
    tasks.add_task(ended_in_time, ["a"])
"""
    ),
    Bad(
        """
# --- app/tasks/parcels.py
import logging

import aiohttp
import httpx
import requests

from app.models.item import Item
from app.session import get_session

logger = logging.getLogger(__name__)


async def sent_by_httpx(key):  # TXN604@1
    try:
        async with httpx.AsyncClient() as http:
            answer = await http.post("https://post.example", json=key)
            answer.raise_for_status()
    except requests.RequestException:
        logger.exception("parcel %s was not sent", key)
        raise


async def stored(key):  # TXN604@1
    try:
        async with get_session() as session, session.begin():
            await session.get(Item, key)
    except (aiohttp.ClientError, ValueError):
        logger.exception("parcel %s was not stored", key)
        raise


# --- app/routers/parcels.py
from fastapi import APIRouter, BackgroundTasks

from app.tasks.parcels import sent_by_httpx, stored

router = APIRouter()


@router.post("/parcels")
async def parcels(tasks: BackgroundTasks):
    tasks.add_task(sent_by_httpx, "a")
    tasks.add_task(stored, "a")
"""
    ),
    Bad(
        """
# --- app/tasks/parcels.py
import logging

from fastapi import BackgroundTasks
from sqlalchemy import update

from app.models.item import Item
from app.session import get_session

logger = logging.getLogger(__name__)


async def weigh(key):
    async with get_session() as session, session.begin():
        await session.execute(update(Item).where(Item.id == key).values(name="weighed"))


async def swallowed(key):
    done = False
    try:
        await weigh(key)
        done = True
    finally:
        if not done:
            logger.error("not weighed: %s", key)
            return  # TXN604@13


async def swallowed_else(key):
    state = "failed"
    try:
        async with get_session() as session, session.begin():
            await session.execute(update(Item).where(Item.id == key).values(name="weighed"))
            state = "weighed"
    finally:
        if state != "failed":
            logger.info("weighed: %s", key)
        else:
            return  # TXN604@13


async def left_when_done(key):
    done = False
    try:
        await weigh(key)
        done = True
    finally:
        if done:
            return
        logger.error("not weighed: %s", key)


async def never_begun(key, closed):
    begun = False
    try:
        begun = True
        await weigh(key)
    finally:
        if not begun:
            return
        logger.error("over: %s", key)


async def let_through(key):
    done = False
    try:
        await weigh(key)
        done = True
    finally:
        if not done:
            logger.error("not weighed: %s", key)


def start(tasks: BackgroundTasks, key):
    for work in (swallowed, swallowed_else, left_when_done, never_begun, let_through):
        tasks.add_task(work, key)
"""
    ),
    Bad(
        """
import logging

from app.session import get_session

log = logging.getLogger(__name__)
mention = log.warning
LOGS = {"main": log}


async def store(letter):
    async with get_session() as session, session.begin():
        session.add(letter)


async def by_alias(letter):
    try:
        await store(letter)
    except Exception:  # TXN604@5
        mention("failed %s", letter)


async def at_once(letter):
    try:
        await store(letter)
    except Exception:  # TXN604@5
        logging.getLogger("letters").warning("failed %s", letter)


async def by_key(letter):
    try:
        await store(letter)
    except Exception:  # TXN604@5
        LOGS["main"].exception("failed %s", letter)


async def told(letter, outcomes):
    try:
        await store(letter)
    except Exception:
        outcomes["main"].exception("failed %s", letter)


async def raised(letter):
    try:
        await store(letter)
    except Exception:
        mention("failed %s", letter)
        raise
""",
        path="app/tasks/letters.py",
    ),
    Bad(
        """
# --- app/tasks/around.py
import functools
from contextlib import asynccontextmanager

import sentry_sdk

from app.models.item import Item
from app.session import get_session


def with_session(fn):
    @functools.wraps(fn)
    async def inner(*args, **kwargs):
        async with get_session() as session:
            return await fn(session, *args, **kwargs)

    return inner


def with_transaction(name):
    def decorate(fn):
        @functools.wraps(fn)
        async def inner(*args, **kwargs):
            async with get_session() as session, session.begin():
                result = await fn(session, *args, **kwargs)
            print(name)
            return result

        return inner

    return decorate


def recorded(fn):
    @functools.wraps(fn)
    async def inner(item_id):
        try:
            await fn(item_id)
        except Exception:
            async with get_session() as session, session.begin():
                item = await session.get(Item, item_id)
                item.status = "failed"

    return inner


@asynccontextmanager
async def noting(item_id):
    try:
        yield
    except Exception:
        async with get_session() as session, session.begin():
            item = await session.get(Item, item_id)
            item.status = "failed"


def noted(fn):
    @functools.wraps(fn)
    async def inner(item_id):
        async with noting(item_id), get_session() as session, session.begin():
            await fn(session, item_id)

    return inner


def monitored(fn):
    @functools.wraps(fn)
    async def inner(item_id):
        with sentry_sdk.monitor("nightly"):
            async with get_session() as session, session.begin():
                await fn(session, item_id)

    return inner
# --- app/tasks/lamps.py
from tenacity import retry

from app.models.item import Item
from app.tasks.around import monitored, noted, recorded, with_session, with_transaction


@with_session
async def light(session, item_id):  # TXN604@1
    async with session.begin():
        session.add(Item(name=item_id))


@with_transaction("lamps")
async def dim(session, item_id):  # TXN604@1
    session.add(Item(name=item_id))


@recorded
@with_session
async def swap(session, item_id):
    async with session.begin():
        session.add(Item(name=item_id))


@retry
@with_session
async def clean(session, item_id):
    async with session.begin():
        session.add(Item(name=item_id))


@noted
async def mend(session, item_id):
    session.add(Item(name=item_id))
    await session.flush()


@monitored
async def count(session, item_id):
    session.add(Item(name=item_id))
    await session.flush()


@with_session
async def paint(session, item_id):
    try:
        async with session.begin():
            session.add(Item(name=item_id))
    except Exception:
        async with session.begin():
            item = await session.get(Item, item_id)
            item.status = "failed"
# --- app/routers/lamps.py
from fastapi import APIRouter, BackgroundTasks

from app.tasks.lamps import clean, count, dim, light, mend, paint, swap

router = APIRouter()


@router.post("/lamps")
async def start(item_id: str, tasks: BackgroundTasks):
    for work in (light, dim, swap, clean, mend, count, paint):
        tasks.add_task(work, item_id)
"""
    ),
    Bad(
        """
import logging

from app.models.item import Item
from app.session import get_session

log = logging.getLogger(__name__)


class Hushed:
    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        log.info("left with %s", kind)
        return True


class Heard(Hushed):
    def __exit__(self, kind, error, trace):
        log.info("left with %s", kind)


class Noted(Hushed):
    error = None

    def __exit__(self, kind, error, trace):
        self.error = error
        return True


async def store(name):
    async with get_session() as session, session.begin():
        session.add(Item(name=name))


async def hushed(name):
    with Hushed():  # TXN604@10
        await store(name)


async def hushed_each(names):
    for name in names:
        with Hushed():
            await store(name)


async def heard(name):
    with Heard():
        await store(name)


async def noted(name):
    with Noted() as outcome:
        await store(name)
    return outcome.error
""",
        path="app/tasks/labels.py",
    ),
    Bad(
        path="app/tasks/parcels.py",
        source="""
import logging

import httpx
from celery import shared_task

from app.models.item import Item
from app.session import session_factory

logger = logging.getLogger(__name__)


@shared_task
def sent(key):
    session = session_factory()
    try:
        item = session.get(Item, key)
        try:
            httpx.post("https://parcels.example", content=item.name)
        except Exception as error:  # TXN604@9
            logger.error("not sent: %s", error)
    finally:
        session.close()


@shared_task
def told_at_the_end(key):
    session = session_factory()
    outcome = "sent"
    try:
        item = session.get(Item, key)
        try:
            httpx.post("https://parcels.example", content=item.name)
        except Exception as error:
            logger.error("not sent: %s", error)
            outcome = "failed"
    finally:
        with session.begin():
            session.get(Item, key).status = outcome
        session.close()


@shared_task
def seen_around(key):
    session = session_factory()
    try:
        item = session.get(Item, key)
        try:
            httpx.post("https://parcels.example", content=item.name)
        except Exception as error:
            logger.error("not sent: %s", error)
        httpx.post("https://parcels.example/done", content=item.name)
    except Exception:
        logger.exception("nothing sent")
        raise
    finally:
        session.close()
""",
    ),
    Bad(
        """
# --- app/tasks/ovens.py
import asyncio
import logging
from concurrent import futures

import anyio

from app.models.item import Item
from app.session import get_session

log = logging.getLogger(__name__)


async def fire(key):
    async with get_session() as session, session.begin():
        session.add(Item(name=key))


async def note(error):
    async with get_session() as session, session.begin():
        session.add(Item(name=str(error)))


async def cancellable(key):
    try:
        await fire(key)
    except asyncio.CancelledError:
        raise
    except Exception as error:
        await note(error)


async def stoppable(key):
    try:
        await fire(key)
    except (futures.CancelledError, KeyboardInterrupt, SystemExit) as stop:
        log.info("oven %s is stopped", key)
        raise stop
    except Exception as error:
        await note(error)


async def of_any_loop(key):
    try:
        await fire(key)
    except anyio.get_cancelled_exc_class():
        raise
    except Exception as error:
        await note(error)


async def unreachable(key):
    try:
        await fire(key)
    except OSError:
        raise
    except Exception as error:
        await note(error)


async def partly(key):
    try:
        await fire(key)
    except (asyncio.CancelledError, OSError):
        raise
    except Exception as error:
        await note(error)


async def misnamed(key):
    try:
        await fire(key)
    except asyncio.CancelledError as stop:
        raise LookupError(key) from stop
    except Exception as error:
        await note(error)


async def bake(key):
    await cancellable(key)


async def roast(key):
    await stoppable(key)


async def toast(key):
    await of_any_loop(key)


async def grill(key):  # TXN604@1
    await unreachable(key)


async def fry(key):  # TXN604@1
    await partly(key)


async def boil(key):  # TXN604@1
    await misnamed(key)
# --- app/routers/ovens.py
from fastapi import APIRouter, BackgroundTasks

from app.tasks.ovens import bake, boil, fry, grill, roast, toast

router = APIRouter()


@router.post("/ovens")
async def start(key: str, tasks: BackgroundTasks):
    tasks.add_task(bake, key)
    tasks.add_task(roast, key)
    tasks.add_task(toast, key)
    tasks.add_task(grill, key)
    tasks.add_task(fry, key)
    tasks.add_task(boil, key)
"""
    ),
    Bad(
        """
# --- app/tasks/jars.py
from app.models.item import Item


async def fill(db, key):  # TXN604@1
    await db.get(Item, key)


async def seal(kind, db, key):  # TXN604@1
    await db.get(kind, key)


async def label(words, key):
    words.get(key)


async def store(db, key):
    try:
        await db.get(Item, key)
    except Exception:
        db.add(Item(name="failed"))
        await db.commit()
        raise
# --- app/routers/jars.py
from functools import partial
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session_dependency
from app.tasks.jars import fill, label, seal, store

Db = Annotated[AsyncSession, Depends(get_session_dependency)]
router = APIRouter()


@router.post("/jars")
async def start(key: str, tasks: BackgroundTasks, db: Db):
    tasks.add_task(partial(fill, db), key)
    tasks.add_task(partial(partial(seal, Item), db=db), key=key)
    tasks.add_task(partial(label, {}), key)
    tasks.add_task(partial(store, db), key)
"""
    ),
    Bad(
        """
# --- app/units.py
from app.session import get_session


class Unit:
    async def __aenter__(self):
        self._manager = get_session()
        self.session = await self._manager.__aenter__()
        self._transaction = self.session.begin()
        await self._transaction.__aenter__()
        return self

    async def __aexit__(self, *details):
        try:
            await self._transaction.__aexit__(*details)
        finally:
            await self._manager.__aexit__(*details)


class NightUnit(Unit):
    night = True
# --- app/tasks/lanterns.py
import contextlib
import logging

import httpx

from app.models.item import Item
from app.session import get_session
from app.units import NightUnit

log = logging.getLogger(__name__)


async def by_transaction(key):
    async with get_session() as session, session.begin():
        with contextlib.suppress(Exception):  # TXN210@14
            await session.get(Item, key)


async def by_unit(key):
    async with NightUnit() as unit:
        with contextlib.suppress(Exception):  # TXN210@14
            await unit.session.get(Item, key)


async def around_unit(key):
    try:
        async with NightUnit() as unit:
            await unit.session.get(Item, key)
    except Exception:  # TXN604@5
        log.exception("lantern %s is out", key)


async def beside_session(key):
    async with NightUnit():
        try:
            httpx.post("https://lanterns.example", content=key)
        except Exception:  # TXN604@9
            log.exception("lantern %s is out", key)
"""
    ),
    Bad(
        """
import asyncio
import logging
import random
import time

from app.models.item import Item
from app.session import get_session

logger = logging.getLogger(__name__)


async def _rename(item_id: int) -> None:
    async with get_session() as session, session.begin():
        (await session.get(Item, item_id)).name = "x"


async def a_little_later(item_id: int) -> None:
    if item_id:
        await asyncio.sleep(random.random())
    try:
        await _rename(item_id)
    except Exception as error:  # TXN604@5
        logger.exception("failed: %s", error)


def in_a_thread(item_id: int) -> None:
    time.sleep(5)
    try:
        asyncio.run(_rename(item_id))
    except Exception as error:  # TXN604@5
        logger.exception("failed: %s", error)


async def raised(item_id: int) -> None:
    await asyncio.sleep(5)
    try:
        await _rename(item_id)
    except Exception as error:
        logger.exception("failed: %s", error)
        raise
""",
        path="app/tasks/rows.py",
    ),
    Bad(
        """
import logging

from redis.asyncio import Redis

logger = logging.getLogger(__name__)


class DeadLetters:
    def __init__(self, redis: Redis) -> None:
        self.redis = redis

    async def discard_all(self) -> None:
        try:
            await self.redis.flushdb()
        except Exception as error:  # TXN604@9
            logger.warning("not removed: %s", error)
""",
        path="app/tasks/letters.py",
    ),
]

GOOD = [
    Good(
        source="""
# --- app/tasks/scan.py
import asyncio
import logging

from app.models.item import Item
from app.session import get_session

logger = logging.getLogger(__name__)


async def work(item_id):
    async with get_session() as session, session.begin():
        await session.get(Item, item_id)


async def raises_at_last(item_id):
    for attempt in range(3):
        try:
            await work(item_id)
            return
        except Exception:
            if attempt == 2:
                raise
            await asyncio.sleep(1)


async def raises_afterwards(item_id):
    for _ in range(3):
        try:
            await work(item_id)
            return
        except Exception:
            logger.warning("again")
    raise RuntimeError(item_id)


async def pages(number):
    for page in range(number):
        try:
            await work(page)
        except Exception:
            logger.exception("%s failed", page)


async def each(ids):
    for item_id in ids:
        try:
            await work(item_id)
        except Exception:
            logger.exception("%s failed", item_id)
# --- app/routers/items.py
from fastapi import APIRouter, BackgroundTasks

from app.tasks.scan import each, pages, raises_afterwards, raises_at_last

router = APIRouter()


@router.post("/scan")
async def start(background: BackgroundTasks):
    background.add_task(pages, 1)
    background.add_task(raises_at_last, 1)
    background.add_task(raises_afterwards, 1)
    background.add_task(each, [1])
""",
    ),
    Good(
        source="""
# --- app/tasks/scan.py
import asyncio
import logging

from app.models.item import Item
from app.session import get_session

logger = logging.getLogger(__name__)


async def mark(item_id, status):
    async with get_session() as session, session.begin():
        item = await session.get(Item, item_id)
        item.status = status


async def work(item_id):
    async with get_session() as session, session.begin():
        await session.get(Item, item_id)


async def recorded(item_id):
    try:
        await work(item_id)
    except Exception:
        logger.exception("scan of %s failed", item_id)
        await mark(item_id, "failed")


async def raised(item_id):
    try:
        await work(item_id)
    except Exception:
        logger.exception("scan of %s failed", item_id)
        raise


async def delegated(item_id):
    await recorded(item_id)


async def forever():
    while True:
        try:
            await work(1)
        except Exception:
            logger.exception("this round failed")
        await asyncio.sleep(10)


async def expected(item_id):
    try:
        await work(item_id)
    except ValueError:
        pass
    except Exception as error:
        failure = str(error)
        await mark(item_id, failure)


def add_up(numbers):
    return sum(numbers)
# --- app/routers/items.py
import asyncio

from fastapi import APIRouter, BackgroundTasks

from app.tasks.scan import add_up, delegated, expected, forever, raised, recorded, work

router = APIRouter()


@router.post("/scan")
async def start(background: BackgroundTasks):
    for function in (recorded, raised, delegated, forever, expected):
        background.add_task(function, 1)
    background.add_task(recorded, 1)
    background.add_task(delegated, 1)
    background.add_task(raised, 1)
    background.add_task(forever)
    background.add_task(add_up, [1, 2])
    task = asyncio.create_task(work(1))
    await task
""",
    ),
    Good(
        path="app/tasks/jobs.py",
        source="""
import logging

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from celery import shared_task

from app.models.item import Item
from app.session import get_session

logger = logging.getLogger(__name__)
scheduler = AsyncIOScheduler()
alarms = []


@shared_task(bind=True, autoretry_for=(Exception,))
def rescan(self, item_id):
    with get_session() as session:
        session.get(Item, item_id)


def tell(error):
    alarms.append(error)


@shared_task
def told(item_id):
    try:
        with get_session() as session:
            session.get(Item, item_id)
    except Exception as error:
        tell(error)


@shared_task
def answered(item_id):
    outcome = "done"
    try:
        with get_session() as session:
            session.get(Item, item_id)
    except Exception as error:
        logger.error("failed: %s", error)
        outcome = "failed"
    return outcome


@shared_task(bind=True)
def retried(self, item_id):
    try:
        with get_session() as session:
            session.get(Item, item_id)
    except Exception as error:
        self.retry(exc=error)


async def sweep():
    async with get_session() as session:
        await session.get(Item, 1)


scheduler.add_job(sweep, "interval", minutes=5)
""",
    ),
    Good(
        path="app/tasks/items.py",
        source="""
import asyncio
import logging
from contextlib import asynccontextmanager, contextmanager

from app.models.item import Item
from app.session import get_session

log = logging.getLogger(__name__)
tasks = set()


@contextmanager
def logged(name):
    try:
        yield
    except Exception:
        log.exception("%s failed", name)
        raise


@asynccontextmanager
async def noted(item_id):
    try:
        yield
    except Exception as error:
        async with get_session() as session, session.begin():
            (await session.get(Item, item_id)).name = str(error)
        raise


async def inside(item_id) -> None:
    with logged("inside"):
        async with get_session() as session, session.begin():
            session.add(Item(name=item_id))


async def inside_noted(item_id) -> None:
    async with noted(item_id):
        async with get_session() as session, session.begin():
            session.add(Item(name=item_id))


async def finally_told(item_id) -> None:
    done = False
    try:
        async with get_session() as session, session.begin():
            session.add(Item(name=item_id))
        done = True
    finally:
        if not done:
            log.error("could not add %s", item_id)


async def start(item_id) -> None:
    tasks.add(asyncio.create_task(inside(item_id)))
    tasks.add(asyncio.create_task(inside_noted(item_id)))
    tasks.add(asyncio.create_task(finally_told(item_id)))
""",
    ),
    Good(
        source="""
# --- app/tasks/decorators.py
import functools
import logging

from app.models.item import Item
from app.session import get_session

log = logging.getLogger(__name__)


def quiet(fn):
    @functools.wraps(fn)
    async def wrapper(*args, **kwargs):
        try:
            return await fn(*args, **kwargs)
        except Exception:
            return None

    return wrapper


def careful(fn):
    @functools.wraps(fn)
    async def wrapper(*args, **kwargs):
        try:
            return await fn(*args, **kwargs)
        except ValueError:
            return None

    return wrapper


def logged(fn):
    @functools.wraps(fn)
    async def wrapper(*args, **kwargs):
        try:
            return await fn(*args, **kwargs)
        except Exception:
            log.exception("%s failed", fn.__name__)
            raise

    return wrapper


def recorded(fn):
    @functools.wraps(fn)
    async def wrapper(item_id):
        try:
            await fn(item_id)
        except Exception:
            async with get_session() as session, session.begin():
                item = await session.get(Item, item_id)
                item.status = "failed"

    return wrapper


def unawaited(fn):
    @functools.wraps(fn)
    def wrapper(item_id):
        try:
            return fn(item_id)
        except Exception:
            return None

    return wrapper
# --- app/services/items.py
from app.tasks.decorators import quiet


@quiet
async def touch(session, item_id):
    await session.get(object, item_id)
# --- app/tasks/scan.py
from app.models.item import Item
from app.session import get_session
from app.tasks.decorators import careful, logged, quiet, recorded, unawaited


@logged
async def scan(item_id):
    async with get_session() as session, session.begin():
        session.add(Item(name=item_id))


@recorded
async def clean(item_id):
    async with get_session() as session, session.begin():
        session.add(Item(name=item_id))


@careful
async def check(item_id):
    async with get_session() as session, session.begin():
        session.add(Item(name=item_id))


@unawaited
async def index(item_id):
    async with get_session() as session, session.begin():
        session.add(Item(name=item_id))


@quiet
async def rename(item_id):
    try:
        async with get_session() as session, session.begin():
            session.add(Item(name=item_id))
    except Exception as error:
        async with get_session() as session, session.begin():
            item = await session.get(Item, item_id)
            item.status = str(error)


@quiet
async def count(item_id):
    return len(item_id)
# --- app/routers/items.py
from fastapi import APIRouter, BackgroundTasks

from app.tasks.scan import check, clean, count, index, rename, scan

router = APIRouter()


@router.post("/scans")
async def start(item_id: str, tasks: BackgroundTasks):
    for work in (scan, clean, check, index, rename, count):
        tasks.add_task(work, item_id)
""",
    ),
    Good(
        source="""
# --- app/tasks/report.py
import logging
from concurrent.futures import ThreadPoolExecutor

import httpx

from app.models.item import Item
from app.session import get_session

logger = logging.getLogger(__name__)


async def load(item_id):
    async with get_session() as session:
        return await session.get(Item, item_id)


async def mark(item_id, status):
    async with get_session() as session, session.begin():
        item = await session.get(Item, item_id)
        item.status = status


async def report(item_id):
    await mark(item_id, "running")
    try:
        item = await load(item_id)
        number = int(item.name)
    except Exception:
        logger.exception("%s has no number", item_id)
        await mark(item_id, "failed")
        return 0
    await mark(item_id, "done")
    return number


def fetch(url):
    try:
        return httpx.get(url).text
    except Exception as error:
        logger.error("%s: %s", url, error)
        return ""


def fetch_all(urls):
    with ThreadPoolExecutor() as pool:
        futures = [pool.submit(fetch, url) for url in urls]
    return [future.result() for future in futures]
# --- app/routers/items.py
from fastapi import APIRouter, BackgroundTasks

from app.tasks.report import report

router = APIRouter()


@router.post("/report")
async def start(background: BackgroundTasks):
    background.add_task(report, 1)
""",
    ),
    Good(
        """
# --- app/tasks/parcels.py
import logging

import httpx
import requests

from app.models.item import Item
from app.session import get_session
from app.tasks.posting import post

logger = logging.getLogger(__name__)


async def by_its_own(key):
    try:
        async with httpx.AsyncClient() as http:
            await http.post("https://post.example", json=key)
    except httpx.HTTPError:
        logger.exception("parcel %s was not sent", key)
        raise


async def one_of_two(key):
    try:
        async with httpx.AsyncClient() as http:
            await http.post("https://post.example", json=key)
        requests.get("https://post.example", timeout=3)
    except requests.RequestException:
        logger.exception("parcel %s was not sent", key)
        raise


async def through_another(key, courier):
    try:
        async with httpx.AsyncClient() as http:
            await http.post("https://post.example", json=key)
        courier.call(key)
    except requests.RequestException:
        logger.exception("parcel %s was not sent", key)
        raise


async def through_a_function(key):
    try:
        async with get_session() as session, session.begin():
            await session.get(Item, key)
        post(key)
    except requests.RequestException:
        logger.exception("parcel %s was not sent", key)
        raise


# --- app/tasks/posting.py
import requests


def post(key):
    requests.post("https://post.example", json=key, timeout=3)


# --- app/routers/parcels.py
from fastapi import APIRouter, BackgroundTasks

from app.tasks.parcels import by_its_own, one_of_two, through_a_function, through_another

router = APIRouter()


@router.post("/parcels")
async def parcels(tasks: BackgroundTasks):
    tasks.add_task(by_its_own, "a")
    tasks.add_task(one_of_two, "a")
    tasks.add_task(through_another, "a", None)
    tasks.add_task(through_a_function, "a")
"""
    ),
    Good(
        """
import json
import logging

from redis.asyncio import Redis
from taskiq import TaskiqMessage, TaskiqMiddleware

logger = logging.getLogger(__name__)


class Once(TaskiqMiddleware):
    async def pre_execute(self, message: TaskiqMessage) -> TaskiqMessage:
        try:
            await Redis(host="redis").set(message.task_id, "1", nx=True)
        except Exception as error:
            logger.warning("not looked up: %s", error)
        return message


class DeadLetters:
    def __init__(self, redis: Redis) -> None:
        self.redis = redis

    async def discard_letter(self, key: str) -> bool:
        try:
            await self.redis.delete(key)
            return True
        except Exception as error:
            logger.warning("not removed: %s", error)
            return False
""",
        path="app/tasks/letters.py",
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """Each background function whose error nobody gets to see, at the clause that swallows it or at its header."""
    losing = _losing(program)
    watched = _watched(program)
    told: set[Span] = set()
    background = program.background_functions
    files = {m.path for m in program.modules if program.policy.layer_of(m.path) == "background"}
    called = _called_by_others(program, files)
    for function in program.functions:
        started = function in background
        if not started and (function.path not in files or function in called):
            continue
        if not started and function.class_info is not None and not _is_run_by_others(program, function):
            continue
        if program.role(function) in ("test", "migration", "session") or function.name in ("<module>", "<lambda>"):
            continue
        if function in watched:
            continue
        if function.is_generator or (function.parent is not None and not started):
            continue
        found = [*_check(program, function, losing.get(function)), *_decorated(program, function)]
        yield from (f for f in found if f.span not in told)
        told.update(f.span for f in found)


def _is_run_by_others(program: Program, method: FunctionInfo) -> bool:
    """Whether a method may be what a queue runs.

    What a library calls around its tasks is none, nor what gives its caller an answer where nothing names it.
    """
    owner = method.class_info
    if owner is not None and any(b.endswith("Middleware") for b in program.solver.external_bases(owner)):
        return False
    answers = any(node[0] == "R" and len(node) == 3 and node[2] is not None for node in nodes_below(method.body))
    return not answers or can_be_called(program, method)


def _called_by_others(program: Program, files: set[str]) -> frozenset[FunctionInfo]:
    """The functions of these files that others call; a decorator calls what it is put around."""
    called = (e for e in program.events("call") if e.callee is not None and e.callee.path in files) if files else ()
    return frozenset(
        e.callee for e in called if e.callee and e.callee is not e.function and e.function not in e.callee.wrappers
    )


def _decorated(program: Program, function: FunctionInfo) -> Iterator[Finding]:
    """The clauses of decorators that swallow what the function around which they are put lets through."""
    for wrapper in function.wrappers:
        if program.role(wrapper) in ("test", "migration", "session"):
            continue
        for handler in (e for e in wrapper.events if e.kind == "handler" and is_broad(e)):
            if not (_is_outermost(program, handler) or _is_given_up(wrapper, handler)):
                continue
            if not any(e.callee is function and can_fail(e) for e in body_of(handler)):
                continue
            done = effort(program, handler)
            if done != "records" and holds_all_work(wrapper, handler, done == "nothing"):
                yield program.finding(
                    META, (wrapper, handler.span),
                    f"This clause swallows the error of {function.name}(), which runs in the background. Record it: "
                    "write a failed status in a second session, or log it and raise.",
                    [program.step(function.site, f"{function.name}() is decorated so")],
                )  # fmt: skip


def _check(program: Program, function: FunctionInfo, start: Event | None) -> Iterator[Finding]:
    """``start`` is the call that starts the function in a way that loses its error, if there is one."""
    name = _called(function)
    trace = [program.step(start.site, f"{name}() is started here, and nobody waits for it")] if start else []
    handlers = [e for e in function.events if e.kind == "handler" and is_broad(e)]
    handlers += [e for e in keeping_objects(function, program) if is_broad(e)]
    far = _far(program, start, function.path)
    kept = [*_kept(program, function, handlers, trace, far), *_kept_below(program, function, trace, start)]
    kept += _dropped(program, function, handlers, trace)
    if kept:
        yield from kept
        return
    for span in cut_short(program, function):
        yield program.finding(
            META, (function, span),
            f"Leaving `finally` here swallows the error of {name}(), which runs in the background{far}. Let the "
            "error through, or write a failed status in a second session.",
            trace,
        )  # fmt: skip
        return
    if start is None:
        return
    if not function.decorators or _is_only_started(function, start):
        found = gaps(program, function, handlers)
    else:
        found = _through_decorators(program, function, handlers)
    for gap in found:
        failed = _called(gap.function)
        where = f"{failed}() fails before its `try`" if gap.tried else f"{failed}() fails"
        far = _far(program, start, gap.function.path)
        way = [program.step(call.site, f"{failed}() is called on the way") for call in gap.way[-1:]]
        yield program.finding(
            META, gap.function,
            f"When {where} in the background{far}, nothing records it. Wrap the work in try and write the "
            "failure to the job's row in a second session, or log it and raise.",
            [*trace, *way, *_steps(program, gap.failure), *_missing(program, gap.function)],
        )  # fmt: skip


def _through_decorators(program: Program, function: FunctionInfo, handlers: list[Event]) -> list[Gap]:
    """The gaps of a function whose decorators record nothing either, what fails in these included."""
    if not lets_all_through(function):
        return []
    found = gaps(program, function, handlers)
    around = failure_around(function) if not found and not handlers else None
    return found if around is None else [Gap(function, around, tried=False)]


def _dropped(program: Program, function: FunctionInfo, handlers: list[Event], trace: list[TraceStep]) -> list[Finding]:
    """What comes back as a result that nobody looks at, inside of a ``try`` that would record it."""
    return [
        program.finding(
            META, event,
            f"`{event.name}()` hands back the errors of {_called(failed)}() as results, and nobody looks at them: no "
            "`except` learns of them. Go through the results and record the errors, or drop `return_exceptions=True`.",
            [*trace, program.step(failed.site, f"{_called(failed)}() can fail")],
        )
        for event, failed in dropped_results(function, handlers)
    ]  # fmt: skip


def _far(program: Program, start: Event | None, path: str) -> str:
    """Who starts it, for messages that lie in another file."""
    if start is None or start.path == path:
        return ""
    return f" (started at {start.path}:{program.line_of(*start.site)})"


def _kept_below(
    program: Program, function: FunctionInfo, trace: list[TraceStep], start: Event | None
) -> Iterator[Finding]:
    """The clauses that swallow the error in a function to which this one leaves all its work."""
    for left in left_to(program, function):
        handlers = [e for e in left.function.events if e.kind == "handler" and is_broad(e)]
        handlers += [e for e in keeping_objects(left.function, program) if is_broad(e)]
        way = [program.step(call.site, f"all the work of {_called(function)}() is done here") for call in left.way[-1:]]
        far = _far(program, start, left.function.path)
        yield from _kept(program, left.function, handlers, [*trace, *way], far)


def _kept(
    program: Program, function: FunctionInfo, handlers: list[Event], trace: list[TraceStep], far: str
) -> Iterator[Finding]:
    """The clauses of a function that swallow the error of all its work."""
    name = _called(function)
    for handler in handlers:
        last = _is_outermost(program, handler) or _is_given_up(function, handler)
        if not (last or _goes_on(function, handler)):
            continue
        done = effort(program, handler)
        # a loop goes on, and a line in its log says that a round failed
        unseen = done == "nothing" or (done == "whispers" and not names_error(handler))
        if not any(can_fail(e) or (unseen and _raises_on(e)) or (last and can_raise(e)) for e in body_of(handler)):
            continue
        somewhere = done == "records" and last and "loop" not in handler.flags
        if somewhere:
            done = least_effort(program, handler)
        if done != "records" and (last or unseen) and holds_all_work(function, handler, done == "nothing"):
            how = "records only under a condition" if somewhere else "swallows"
            left = left_by(handler)
            exits = [program.step(left.site, f"{left.in_full} keeps the error")] if left is not None else []
            yield program.finding(
                META, (function, handler.span),
                f"This {'clause' if left is None else 'block'} {how} the error of {name}(), which runs in the "
                f"background{far}. Record it: write a failed status in a second session, or log it and raise.",
                [*trace, *exits],
            )  # fmt: skip


def _is_only_started(function: FunctionInfo, start: Event) -> bool:
    """Whether the one decorator of a function is what starts it: others may record what it raises."""
    return start.text == "decorator" and len(function.decorators) == 1


def _called(function: FunctionInfo) -> str:
    """The name of a function in messages: of an object that is called, with its class."""
    return function.qualname if function.name == "__call__" else function.name


def _missing(program: Program, function: FunctionInfo) -> list[TraceStep]:
    """The clauses of a function that catch nothing of what stands in their ``try``."""
    clauses = [e for e in function.events if e.kind == "handler" and misses(e)]
    return [program.step((h.path, h.span), "this clause names the errors of another library") for h in clauses]


def _steps(program: Program, failure: Event) -> list[TraceStep]:
    steps: list[TraceStep] = []
    current: Event | None = failure
    while current is not None and len(steps) < 6:
        what = ir.text_of(current.expr) if current.expr is not None and current.expr[0] == "c" else current.name
        raised = current.kind == "raise"
        steps.append(program.step(current.site, "this raises an error" if raised else f"{what} can fail here"))
        below = current.callee if current.kind == "call" else None
        current = _first_of(below) if below is not None else None
    return steps


def _first_of(function: FunctionInfo) -> Event | None:
    return first_failure(function) or first_raise(function, own=True) or first_file(function)


def _is_outermost(program: Program, handler: Event) -> bool:
    """The last resort of its function: not inside another try, a loop, or a transaction that rolls back by itself."""
    last = "swallows" in handler.flags and not handler.flags & _INSIDE and not handler.transactions
    if not last or _has_clauses_around(handler) or comes_again(handler):
        return False
    return not _is_kept_from_unit(program, handler)


def _is_kept_from_unit(program: Program, handler: Event) -> bool:
    """Whether a clause keeps errors from the unit of work around it, whose session failed: TXN210 tells of that."""
    sessions = {a for unit in units_around(program, handler) for a in unit.subjects}
    if not sessions or any(e.name == "rollback" and not sessions.isdisjoint(e.subject) for e in handled(handler)):
        return False
    used = (e for e in body_of(handler) if e.kind == "use" or (e.kind == "effect" and e.text in ("use", "txn")))
    return any(not sessions.isdisjoint(e.subject) for e in used)


def _has_clauses_around(handler: Event) -> bool:
    """Whether a ``try`` with ``finally`` around a clause has clauses, too: one that only tidies up records nothing."""
    if "try+finally" not in handler.flags:
        return False
    found = (t for t in tries(handler.function.body) if t[3] and is_within(handler.span, t[1]))
    return any(all(where != handler.span for where, *_ in t[3]) for t in found)


def _is_given_up(function: FunctionInfo, handler: Event) -> bool:
    """The clause of ``for _ in range(3): try: …`` at the end of its function: the last attempt's error is lost, too."""
    if "loop" not in handler.flags or "swallows" not in handler.flags or handler.flags & _INSIDE:
        return False
    if _has_clauses_around(handler):
        return False
    last = function.body[-1]
    if last[0] != "L" or last[5] or last[3][0] != "c" or ir.dotted(last[3][2]) != "range":
        return False
    # what succeeds leaves the loop: others work on one thing after the other
    tries = (s for s in last[4] if s[0] == "T" and (s[4] or s[2])[-1][0] in ("J", "R"))
    return any(where == handler.span for s in tries for where, *_ in s[3])


def _goes_on(function: FunctionInfo, handler: Event) -> bool:
    """The clause of a ``try`` in a loop that takes up the next round whether the last one failed or not."""
    if "loop" not in handler.flags or "swallows" not in handler.flags or handler.flags & _INSIDE:
        return False
    if _has_clauses_around(handler):
        return False
    return any(_holds_as_step(loop, handler.span) for loop in _loops(function.body))


def _raises_on(event: Event) -> bool:
    """Whether an event calls a function that raises what its own ``except`` clause has caught."""
    if event.kind != "call" or event.callee is None:
        return False
    clauses = (e for e in event.callee.events if e.kind == "handler" and is_broad(e))
    return any(e.kind == "raise" for clause in clauses for e in handled(clause))


def _loops(node: Any) -> Iterator[ir.Stmt]:
    for child in node:
        if type(child) is tuple and child:
            if (child[0] == "W" and len(child) == 5) or (child[0] == "L" and len(child) == 7):
                yield child
            yield from _loops(child)


def _holds_as_step(loop: ir.Stmt, clause: ir.Span4) -> bool:
    """Whether the clause's ``try`` is a step of the loop that nothing ends: what succeeds leaves a retry."""
    body = loop[3] if loop[0] == "W" else loop[4]
    attempts = loop[0] == "L" and loop[3][0] == "c" and ir.dotted(loop[3][2]) == "range" and _leaves(body)
    step = next((s for s in _tries(body) if any(where == clause for where, *_ in s[3])), None)
    return step is not None and not attempts and not _leaves(step[2]) and not _leaves(step[4])


def _tries(node: Any) -> Iterator[ir.Stmt]:
    for child in node:
        if type(child) is tuple and child:
            if child[0] == "T" and len(child) == 6:
                yield child
            yield from _tries(child)


def _leaves(node: Any, of_inner_loop: bool = False) -> bool:
    """Whether statements have a ``return``, or a ``break`` that is not an inner loop's own."""
    for child in node:
        if type(child) is not tuple or not child or child[0] == "lam":
            continue
        if child[0] == "R" or (child[0] == "J" and child[2] == "break" and not of_inner_loop):
            return True
        is_loop = (child[0] == "W" and len(child) == 5) or (child[0] == "L" and len(child) == 7)
        if _leaves(child, of_inner_loop or is_loop):
            return True
    return False


def _watched(program: Program) -> frozenset[FunctionInfo]:
    """Functions that only run in pools, or as tasks of a request, where somebody asks for what came of them."""
    waiting = waiters(program)
    taken = program.shared(answering_tasks)
    asked: set[FunctionInfo] = set()
    left: set[FunctionInfo] = set()
    silent: set[FunctionInfo] = set()
    for event in program.events("schedule", "effect"):
        if event.text == "thread" or (event.kind == "effect" and event.text != "schedule"):
            continue
        if program.policy.layer_of(event.path) in ("test", "migration"):
            continue
        if event.kind == "effect":
            kept = event.name == POOLED
        else:
            kept = (is_pool(event.name) and not loses_errors(event)) or (
                event.text == "task"
                and (event.site in taken or any(_answers(program, f) for f in waiting.get(event.site, ())))
            )
            if kept and event.text == "task":
                silent.update(f for f in program.started_by(event) if _is_silent(program, f))
        (asked if kept else left).update(program.started_by(event))
    return frozenset(f for f in asked - left - silent if not program.is_registered(f))


def _is_silent(program: Program, function: FunctionInfo) -> bool:
    """Whether a function swallows an error without a word: who waits for it takes it for done."""
    return any(
        effort(program, event) == "nothing" for event in function.events if event.kind == "handler" and is_broad(event)
    )


def _answers(program: Program, function: FunctionInfo) -> bool:
    """Whether a function, which waits for its tasks, is no background work itself."""
    return not (
        function in program.background_functions
        or function in program.background_helpers
        or program.role(function) == "background"
    )


def _losing(program: Program) -> dict[FunctionInfo, Event]:
    """Functions started so that their exception reaches nobody, with the call that starts them."""
    awaited = observed_tasks(program)
    found: dict[FunctionInfo, Event] = {}
    for event in program.events("schedule", "effect"):
        if event.kind == "effect" and (event.text != "schedule" or event.name != "background"):
            continue
        if not _loses(program, event, awaited):
            continue
        for function in program.started_by(event):
            if not function.registrations.get("background"):
                found.setdefault(function, event)
    return found


def _loses(program: Program, event: Event, awaited: frozenset[Site], seen: set[Any] | None = None) -> bool:
    """Whether nobody sees the error of what an event starts; ``seen`` are the starts that were looked at for it."""
    seen = set() if seen is None else seen
    start = (event.site, event.kind, event.name, event.text)
    if start in seen:
        # decorators that start each other
        return False
    seen.add(start)
    if is_pool(event.name):
        return loses_errors(event)
    if event.kind == "effect":
        if event.callee is None or event.effect is None:
            return False
        last = program.effect_trace(event.callee, event.effect)[-1:]
        if is_supervised(program, event):
            return False
        inner = {(e.path, e.span[:2]): e for e in program.events("schedule")}
        started = [inner[key] for s in last if (key := (s.path, (s.line, s.column))) in inner]
        return any(_loses(program, e, awaited, seen) for e in started)
    if event.text == "decorator":
        return any(_loses(program, e, awaited, seen) for e in _starts_of_decorator(event))
    if event.text == "task":
        if event.site in awaited or _is_watched(event.function):
            return False
        return not is_awaited_by_owner(program, event)
    if event.name.startswith("threading."):
        return not is_joined_for_its_outcome(program, event)
    return (event.text != "thread" and event.name.endswith(_LOSE[-1:])) or event.name.endswith(_LOSE[:2])


def _starts_of_decorator(event: Event) -> Iterator[Event]:
    """Where a decorator starts what it wraps, as it is, without giving the task to the caller."""
    for wrapper in dict.fromkeys(w for a in event.value if isinstance(a, Pending) for w in a.info.wrappers):
        if any(a.tag == "obj" and a.name == TASK for a in contained(wrapper.summary.returns, 1)):
            continue
        for start in wrapper.events:
            started = start.value if start.kind == "schedule" else start.subject
            if any(isinstance(a, Pending) and wrapper in a.info.wrappers for a in started):
                yield from (start,) if start.kind == "schedule" or start.text == "schedule" else ()


def _is_watched(function: FunctionInfo) -> bool:
    """Whether tasks of a function get a callback that does more than forget them."""
    for node in _calls(ir.body_of(function.facts)):
        if node[2][0] == "a" and node[2][3] == "add_done_callback" and node[3]:
            callback = node[3][0]
            if not (callback[0] == "a" and callback[3] in ("discard", "remove", "pop")):
                return True
    return False


def _calls(node: tuple[object, ...]) -> Iterator[ir.Expr]:
    for child in node:
        if type(child) is tuple:
            if len(child) == 5 and child[0] == "c":
                yield child
            yield from _calls(child)
