"""TXN107: a second session is opened in an error handler while the failed one is still open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sessionlint.program.values import CONNECTION
from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.opening import text
from sessionlint.rules.second_sessions import proof, second_sessions

if TYPE_CHECKING:
    from sessionlint.program.api import Program

META = Rule(
    code="TXN107",
    name="session-opened-in-error-handler",
    summary="A second session is opened in `except` or `finally` while the session that failed is still open.",
    rationale=(
        "The failed session still holds its connection and its row locks: the status update in the second session "
        "waits for a lock the first one keeps, for ever, or until `lock_timeout`. And every failure takes two "
        "connections at once: when an outage makes all workers fail together, the pool is empty and the waiters "
        "sleep the whole `pool_timeout` (60 s in our runs)."
    ),
    remedy=(
        "Let the error leave the `async with get_session()` block, catch it outside, and open the second session "
        "there, after the first one is closed: `except Exception: async with get_session() as second: …`."
    ),
    not_flagged=(
        "A session opened after the first block is left, or after the first one was closed in the handler; work "
        "that the handler only schedules; a handler inside which nothing else is open; a session that is open around a "
        "`try` which does not work with it, as one that only holds a lock; a session of the connection that is open."
    ),
)

BAD = [
    Bad(
        """
# --- app/tasks/run.py
from app.session import get_session
from app.status import record


async def run(job_id):
    async with get_session() as session:
        try:
            async with session.begin():
                await session.get(object, job_id)
        except Exception:
            async with get_session() as second, second.begin():  # TXN107@24
                await second.get(object, job_id)
            raise


async def through_callee(job_id):
    async with get_session() as session:
        try:
            await session.get(object, job_id)
        except ValueError:
            await record(job_id, "failed")  # TXN107@19
            raise


async def opened_by_hand(job_id):
    session = await get_session().__aenter__()
    try:
        await session.get(object, job_id)
    except Exception:
        async with get_session() as second:  # TXN107@20
            await second.get(object, job_id)
    finally:
        await session.close()

# --- app/status.py
from app.session import get_session


async def record(job_id, status):
    await _write(job_id, status)


async def _write(job_id, status):
    async with get_session() as session, session.begin():
        session.add((job_id, status))
""",
        path="app/tasks/run.py",
    ),
    Bad(
        """
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, sessionmaker

from app.session import engine, get_session

Local = sessionmaker(engine)


async def helper(session: AsyncSession, job_id):
    try:
        await session.get(object, job_id)
    except Exception:
        async with get_session() as second:  # TXN107@20
            await second.get(object, job_id)


def sync_job():
    first = Local()
    try:
        first.execute("select 1")
    except Exception as error:
        with Local() as second:  # TXN107@14
            second.add(error)
    finally:
        first.close()


class Unit:
    async def __aenter__(self):
        self.session = await get_session().__aenter__()
        return self

    async def __aexit__(self, *details):
        await self.session.close()


async def unit_job():
    async with Unit() as unit:
        try:
            await unit.session.flush()
        except Exception:
            async with get_session() as second:  # TXN107@24
                await second.flush()
""",
        path="app/tasks/run.py",
    ),
    Bad(
        """
# --- app/jobs/failures.py
from app.session import get_session


async def record(number, error):
    await write(number, str(error))


async def write(number, text):
    async with get_session() as session, session.begin():
        session.add(object())
# --- app/routers/orders.py
from fastapi import APIRouter, BackgroundTasks, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.jobs.failures import record
from app.session import get_session_dependency

router = APIRouter()


@router.post("/orders/{number}")
async def close(number: int, tasks: BackgroundTasks, session: AsyncSession = Depends(get_session_dependency)):
    try:
        async with session.begin():
            session.add(object())
    except ValueError as error:
        tasks.add_task(record, number, error)
    except KeyError as error:
        await record(number, error)  # TXN107@15
"""
    ),
    Bad(
        source="""
from app.session import session_factory


async def note(text):
    async with session_factory() as session, session.begin():
        session.add(text)


async def counted(check, quiet):
    session = None
    try:
        session = session_factory()
        await session.get(object, 1)
        if quiet:
            await session.close()
        check()
    except ValueError:
        await note("failed")  # TXN107@15
        raise
    finally:
        if session:
            await session.close()


async def kept(check):
    try:
        session = session_factory()
        first, session = session, None
        if session:
            await session.close()
        check(first)
    except ValueError:
        await note("failed")  # TXN107@15
        raise
""",
        path="app/tasks/wagons.py",
    ),
    Bad(
        """
# --- app/crates.py
from app.session import session_factory


class Crate:
    async def __aenter__(self):
        self.session = session_factory()
        await self.session.__aenter__()
        return self

    async def __aexit__(self, *details):
        await self.session.__aexit__(*details)
# --- app/tasks/crates.py
from app.crates import Crate


async def open_crate():
    async with Crate() as crate:
        try:
            await crate.session.get(object, 1)
        except ValueError:
            async with Crate() as second:  # TXN107@24
                await second.session.get(object, 2)
            raise


async def one_after_the_other():
    try:
        async with Crate() as crate:
            await crate.session.get(object, 1)
    except ValueError:
        async with Crate() as second:
            await second.session.get(object, 2)
        raise
""",
        path="app/tasks/crates.py",
    ),
    Bad(
        """
from app.session import get_session


async def counted(job_id):
    status = "failed"
    async with get_session() as session:
        try:
            async with session.begin():
                await session.get(object, job_id)
            status = "done"
        finally:
            async with get_session() as second, second.begin():  # TXN107@24
                second.add((job_id, status))


async def through_callee(job_id):
    status = "failed"
    async with get_session() as session:
        try:
            await session.get(object, job_id)
            status = "done"
        finally:
            await _write(job_id, status)  # TXN107@19


async def counted_after(job_id):
    status = "failed"
    try:
        async with get_session() as session, session.begin():
            await session.get(object, job_id)
        status = "done"
    finally:
        async with get_session() as second, second.begin():
            second.add((job_id, status))
            await _read(second, job_id)


async def closed_first(job_id):
    status = "failed"
    async with get_session() as session:
        try:
            await session.get(object, job_id)
            status = "done"
        finally:
            await session.close()
            await _write(job_id, status)


async def beside_a_lock(job_id):
    async with get_session() as lock:
        await lock.get(object, job_id, with_for_update=True)
        try:
            print(job_id)
        finally:
            await _write(job_id, "done")


async def _write(job_id, status):
    async with get_session() as session, session.begin():
        session.add((job_id, status))
        await _read(session, job_id)


async def _read(session, job_id):
    await session.get(object, job_id)
""",
        path="app/tasks/counts.py",
    ),
    Bad(
        """
# --- app/session.py
import os
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

engine = create_async_engine(os.environ["DATABASE_URL"], pool_size=10)


@asynccontextmanager
async def get_session():
    async with engine.begin() as connection:
        yield connection
# --- app/tasks/ferries.py
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import get_session


async def cross():
    async with get_session() as connection:
        try:
            await connection.execute(text("SELECT 1"))
        except Exception:
            async with get_session() as second:  # TXN107@24
                await second.execute(text("SELECT 2"))
            raise


async def helped():
    async with get_session() as connection:
        try:
            await connection.execute(text("SELECT 1"))
        except Exception:
            await note("lost")  # TXN107@19
            raise


async def note(word):
    async with get_session() as connection:
        await connection.execute(text("SELECT 2"))


async def cross_again():
    try:
        async with get_session() as connection:
            await connection.execute(text("SELECT 1"))
    except Exception:
        async with get_session() as second:
            await second.execute(text("SELECT 2"))
        raise


async def session_of_it():
    async with get_session() as connection:
        try:
            await connection.execute(text("SELECT 1"))
        except Exception:
            async with AsyncSession(connection) as session:  # TXN101@24
                await session.execute(text("SELECT 2"))
            raise
"""
    ),
]

GOOD = [
    Good(
        """
# --- app/tasks/run.py
import asyncio

from sqlalchemy.orm import Session, sessionmaker

from app.session import engine, get_session
from app.status import record

Local = sessionmaker(engine)


async def run(job_id):
    try:
        async with get_session() as session, session.begin():
            await session.get(object, job_id)
    except Exception:
        async with get_session() as second, second.begin():
            await second.get(object, job_id)
        raise


async def retry(jobs):
    for job_id in jobs:
        try:
            async with get_session() as session:
                if not job_id:
                    continue
                await session.get(object, job_id)
        except ValueError:
            await record(job_id, "failed")


async def closed_first(job_id):
    session = await get_session().__aenter__()
    try:
        await session.get(object, job_id)
    except Exception:
        await session.close()
        async with get_session() as second:
            await second.get(object, job_id)


class Manager:
    def __init__(self):
        self._session = None

    @property
    def session(self):
        if self._session is None:
            self._session = Local()
        return self._session

    def add(self, job_id):
        try:
            self.session.add(job_id)
        except Exception:
            self.session.expunge_all()
            raise


class Unit:
    @property
    def session(self):
        return self._session

    @session.setter
    def session(self, value: Session):
        self._session = value

    def __enter__(self):
        self._opened = Local()
        self._session = self._opened.__enter__()
        return self

    def __exit__(self, *details):
        self._opened.__exit__(*details)

    def write(self, row):
        self._session.add(row)


def after_the_unit(job_id):
    try:
        with Unit() as unit:
            unit.write(job_id)
    except Exception:
        with Local() as second:
            second.add(job_id)


async def same_session(job_id):
    async with get_session() as session:
        try:
            await session.get(object, job_id)
        except ValueError:
            await note(session, job_id)


async def note(session, job_id):
    session.add(job_id)


async def flag(tasks, job_id):
    failed = False
    async with get_session() as session:
        try:
            await session.get(object, job_id)
        except ValueError:
            failed = True
            tasks.append(asyncio.create_task(record(job_id, "failed")))
    if failed:
        await record(job_id, "failed")
# --- app/status.py
from app.session import get_session


async def record(job_id, status):
    async with get_session() as session, session.begin():
        session.add((job_id, status))
""",
        path="app/tasks/run.py",
    ),
    Good(
        """
from contextlib import asynccontextmanager
from functools import wraps

from app.session import get_session


async def note(text):
    async with get_session() as session, session.begin():
        session.add(text)


@asynccontextmanager
async def noted():
    try:
        yield
    except Exception:
        await note("failed")
        raise


@asynccontextmanager
async def counted():
    try:
        await note("starts")
    except Exception:
        await note("does not start")
    yield


class Noted:
    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, trace):
        if error is None:
            return
        await note(str(error))


def noting(work):
    @wraps(work)
    async def around(*args):
        try:
            return await work(*args)
        except Exception:
            await note(work.__name__)
            raise

    return around


@noting
async def couple(number):
    async with get_session() as session:
        await session.get(object, number)


async def outside(number):
    async with noted(), Noted(), get_session() as session:
        await session.get(object, number)
    await couple(number)


async def around_something_else(number, say):
    async with get_session() as session:
        await session.get(object, number)
        async with noted():
            await say(number)


async def before_the_block(number):
    async with get_session() as session:
        async with counted():
            await session.get(object, number)


async def closed_by_hand(number):
    async with get_session() as session:
        try:
            await session.get(object, number)
        except Exception:
            await session.close()
            await note("failed")
            raise
""",
        path="app/tasks/wagons.py",
    ),
    Good(
        source="""
from app.session import session_factory


async def note(text):
    async with session_factory() as session, session.begin():
        session.add(text)


async def counted(check):
    try:
        session = None
        try:
            session = session_factory()
            await session.get(object, 1)
        except OSError:
            print("not counted")
        finally:
            if session is not None:
                await session.close()
        check()
    except ValueError:
        await note("failed")
        raise
""",
        path="app/tasks/wagons.py",
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """Openings beside a failed session."""
    for second in second_sessions(program):
        kind = "connection" if program.kind(second.first) == CONNECTION else "session"
        message = f"{text(second.event)} opens a second {kind} while the one that failed is still open. "
        if second.opener is not None and "context" in second.event.flags:
            message += f"Put it around the first {kind}'s block."
        else:
            message += f"Catch the error outside the first {kind}'s block and open the second one there."
        yield program.finding(META, second.event, message, proof(program, second))
