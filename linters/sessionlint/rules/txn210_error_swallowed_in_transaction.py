"""TXN210: an ``except`` inside the transaction block catches what should roll it back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sessionlint.facts import ir
from sessionlint.report import Finding
from sessionlint.rules.added_last import added_last
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.decorated import block_around
from sessionlint.rules.decorated_units import units_around
from sessionlint.rules.failing import body_of, handled
from sessionlint.rules.left_by_finally import left_by_finally
from sessionlint.rules.raised_later import raised_later
from sessionlint.rules.remedies import in_colour, is_asynchronous
from sessionlint.rules.request_blocks import request_blocks
from sessionlint.rules.savepoints import leaves_bare, spans_with_savepoints, undoes
from sessionlint.rules.swallowing_callees import Kept, kept_below
from sessionlint.rules.swallowing_managers import managed
from sessionlint.rules.swallowing_waiters import kept_by_waiters
from sessionlint.rules.transactions import called, owned
from sessionlint.rules.translating import catches_database_errors, stands_for
from sessionlint.rules.watching import is_within

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, Transaction

META = Rule(
    code="TXN210",
    name="error-swallowed-in-transaction",
    summary="An `except` inside the transaction block catches what should roll it back and goes on.",
    rationale=(
        "After a failed statement PostgreSQL refuses every other one of that transaction (`current transaction is "
        "aborted`), and after a failed flush SQLAlchemy does (`This transaction was rolled back due to a previous "
        "exception`). Where the error came from elsewhere, the block ends well and commits half of the work. The "
        "block of a unit of work that commits when it ends well is such a block, too, and so is that of a decorator "
        "that hands on whatever the function gives back. A `return`, `break` or `continue` in a `finally` keeps the "
        "error as an `except` does. The finding stands at what keeps the error, "
        "the `except` or the call that runs the work and swallows its error."
    ),
    remedy=(
        "Let the error leave the block and catch it outside; or put the statements that may fail into `async with "
        "session.begin_nested():` inside the `try`."
    ),
    not_flagged=(
        "Handlers that raise again, or raise another error; handlers that note the error when the block raises it "
        "later; functions that keep an error when the result of the call is looked at; handlers around a "
        "`begin_nested()` block; handlers of errors that are not the database's (`ValueError`, `KeyError`, "
        "`NoResultFound`) and that no code raises in the place of one; a `try` that does not touch the session; "
        "handlers outside the block; context managers that let errors through; a `try` that adds a row in the end, "
        "after what may fail."
    ),
)

BAD = [
    Bad(
        """
import logging

import sqlalchemy.exc
from fastapi import APIRouter, Depends
from sqlalchemy.exc import IntegrityError, SQLAlchemyError as DatabaseError
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.services.items import save
from app.session import get_session_dependency

router = APIRouter()
EXPECTED = (ValueError, DatabaseError)


@router.post("/items")
async def create(names: list[str], session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        for name in names:
            try:
                session.add(Item(name=name))
                await session.flush()
            except IntegrityError:  # TXN210@13
                continue
        try:
            await save(session, "b")
        except Exception as error:  # TXN210@9
            logging.error("lost: %s", error)
        try:
            await session.execute("SELECT 1")
        except EXPECTED:  # TXN210@9
            return None
        try:
            await session.get(Item, 1)
        except (KeyError, sqlalchemy.exc.OperationalError) as error:  # TXN210@9
            if not names:
                raise
        try:
            await session.get(Item, 2)
        except:  # TXN210@9
            pass
# --- app/services/items.py
async def save(session, name):
    session.add(name)
""".replace("import logging", "# --- app/routers/items.py\nimport logging", 1)
    ),
    Bad(
        """
import contextlib

from sqlalchemy.orm import Session

from app.session import engine, session_factory


async def nightly(rows) -> None:
    async with session_factory.begin() as session:
        try:
            async with session.begin_nested():
                session.add(object())
            session.add_all(rows)
        except BaseException:  # TXN210@9
            rows.clear()


async def quiet() -> None:
    async with session_factory.begin() as session:
        with contextlib.suppress(ValueError, Exception):  # TXN210@14
            session.add(object())
        with contextlib.suppress(KeyError):
            session.add(object())


def sync() -> None:
    with Session(engine) as db, db.begin():
        try:
            db.add(object())
        except Exception:  # TXN210@9
            print("ignored")
        finally:
            print("done")
""",
        path="app/tasks/nightly.py",
    ),
    Bad(
        """
# --- app/tasks/nightly.py
import asyncio
from contextlib import suppress

from app.services.items import AppError, Duplicate, Missing, find, guarded, put, renamed, save
from app.session import session_factory


async def nightly() -> None:
    async with session_factory.begin() as session:
        try:
            await save(session)
        except Duplicate:  # TXN210@9
            print("known")
        with suppress(AppError):  # TXN210@14
            await put(session)
        try:
            await renamed(session)
        except ValueError:  # TXN210@9
            return
        try:
            async with guarded():
                session.add(object())
        except* Duplicate:  # TXN210@9
            pass
        try:
            await asyncio.wait_for(find(session), 3)
        except TimeoutError:  # TXN210@9
            print("slow")
        try:
            await find(session)
        except (Missing, TimeoutError):
            print("nothing failed: it is not there")
        try:
            async with session.begin_nested():
                await save(session)
        except Duplicate:
            print("undone")
        try:
            await put(session, quiet=True)
        except Missing:
            print("another error")
# --- app/services/items.py
import functools
from contextlib import asynccontextmanager

from sqlalchemy.exc import IntegrityError


class AppError(Exception):
    pass


class Duplicate(AppError):
    pass


class Missing(AppError):
    pass


async def save(session):
    session.add(object())
    try:
        await session.flush()
    except IntegrityError as error:
        raise Duplicate("taken") from error


async def put(session, quiet=False):
    await save(session)


def translated(function):
    @functools.wraps(function)
    async def inner(*args):
        try:
            return await function(*args)
        except IntegrityError as error:
            raise ValueError from error

    return inner


@translated
async def renamed(session):
    session.add(object())


@asynccontextmanager
async def guarded():
    try:
        yield
    except IntegrityError:
        raise Duplicate


async def find(session):
    item = await session.get(object, 1)
    if item is None:
        raise Missing
    return item
"""
    ),
    Bad(
        """
from app.session import session_factory


async def after_the_block(row) -> None:
    error = None
    async with session_factory.begin() as session:
        try:
            session.add(row)
        except Exception as exc:  # TXN210@9
            error = exc
    if error is not None:
        raise error


async def perhaps(row, strict: bool) -> None:
    errors = []
    async with session_factory.begin() as session:
        try:
            session.add(row)
        except Exception as exc:  # TXN210@9
            errors.append(exc)
        if errors and strict:
            raise errors[0]


async def again(row) -> None:
    async with session_factory.begin() as session:
        error = None
        for _ in range(3):
            try:
                session.add(row)
                error = None
                break
            except Exception as exc:  # TXN210@13
                error = exc
        if error:
            raise error


async def the_other_case(row) -> None:
    async with session_factory.begin() as session:
        error = None
        try:
            session.add(row)
        except Exception as exc:  # TXN210@9
            error = exc
        if error is None:
            raise ValueError(row)


async def passed_over(rows) -> None:
    async with session_factory.begin() as session:
        for row in rows:
            failed = False
            try:
                session.add(row)
            except Exception:  # TXN210@13
                failed = True
                continue
            if failed:
                raise ValueError(row)
""",
        path="app/tasks/nightly.py",
    ),
    Bad(
        """
# --- app/lib.py
import logging
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError


@contextmanager
def quietly():
    try:
        yield
    except Exception:
        logging.exception("ignored")


class Ignore:
    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if kind is not None:
            logging.error("ignored")
            return True
        return False


class Once:
    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, traceback):
        return kind is not None and issubclass(kind, IntegrityError)
# --- app/tasks/nightly.py
from app.lib import Ignore, Once, quietly
from app.session import session_factory


async def nightly(row) -> None:
    async with session_factory.begin() as session:
        with quietly():  # TXN210@14
            session.add(row)
        with Ignore():  # TXN210@14
            session.add(row)
        async with Once():  # TXN210@20
            session.add(row)
"""
    ),
    Bad(
        """
# --- app/services/attempts.py
import functools
import logging

from sqlalchemy.exc import SQLAlchemyError


def best_effort(function):
    @functools.wraps(function)
    async def inner(*args, **kwargs):
        try:
            return await function(*args, **kwargs)
        except Exception:
            logging.exception("ignored")

    return inner


@best_effort
async def touch(session, row):
    session.add(row)
    await session.flush()


async def try_flush(session):
    try:
        await session.flush()
    except SQLAlchemyError:
        return False
    return True


async def through(session):
    return await try_flush(session)


class Audit:
    def __init__(self, session):
        self.session = session

    async def note(self, row):
        try:
            self.session.add(row)
            await self.session.flush()
        except Exception:
            logging.exception("no audit")
# --- app/tasks/nightly.py
from app.services.attempts import Audit, through, touch, try_flush
from app.session import get_session


async def nightly(row) -> None:
    async with get_session() as session, session.begin():
        await touch(session, row)  # TXN210@15
        await try_flush(session)  # TXN210@15
        await through(session)  # TXN210@15
        await Audit(session).note(row)  # TXN210@15
"""
    ),
    Bad(
        path="app/tasks/nightly.py",
        source="""
from app.session import session_factory


async def some_of_them(rows, lock, few) -> None:
    async with session_factory.begin() as session:
        errors = []
        for row in rows:
            try:
                session.add(row)
            except Exception as exc:  # TXN210@13
                if few:
                    errors.append(exc)
        if errors:
            raise errors[0]


async def tried(rows, notes) -> None:
    async with session_factory.begin() as session:
        error = None
        try:
            session.add_all(rows)
        except Exception as exc:  # TXN210@9
            try:
                notes.write(str(exc))
                error = exc
            except OSError:
                pass
        if error:
            raise error
""",
    ),
    Bad(
        source="""
from sqlalchemy.exc import IntegrityError

from app.models.item import Item


async def added(session, names):
    async with session.begin():
        for name in names:
            try:
                session.add(Item(name=name))
                await session.flush()
            except IntegrityError as error:  # TXN210@13
                if "duplicate" not in str(error):
                    raise
                continue


async def all_or_none(session, names):
    async with session.begin():
        for name in names:
            try:
                session.add(Item(name=name))
                await session.flush()
            except IntegrityError:
                for other in names:
                    if other != name:
                        continue
                raise
"""
    ),
    Bad(
        """
import argparse

from sqlalchemy.exc import DBAPIError

from app.session import get_session


async def load(row, parser: argparse.ArgumentParser, sure):
    async with get_session() as session, session.begin():
        try:
            session.add(row)
        except DBAPIError:  # TXN210@9
            parser.print_help()
        try:
            session.add(row)
        except DBAPIError:  # TXN210@9
            assert sure
        try:
            session.add(row)
        except DBAPIError:  # TXN210@9
            async with session.begin_nested() as after:
                await after.rollback()
""",
        path="app/tasks/rows.py",
    ),
    Bad(
        """
# --- app/services/teams.py
from functools import wraps

from sqlalchemy.exc import IntegrityError

from app.models.item import Item
from app.session import get_session


def transactional(function):
    @wraps(function)
    async def inner(self, *args):
        async with self.session.begin():
            return await function(self, *args)

    return inner


def looked_at(function):
    @wraps(function)
    async def inner(self, *args):
        async with self.session.begin():
            done = await function(self, *args)
            if not done:
                raise RuntimeError("nothing came of it")
            return done

    return inner


def in_session(function):
    @wraps(function)
    async def inner(*args):
        async with get_session() as session, session.begin():
            done = await function(session, *args)
        return done

    return inner


class Teams:
    def __init__(self, session):
        self.session = session

    @transactional
    async def join(self):
        try:
            self.session.add(Item(name="team"))
            await self.session.flush()
        except IntegrityError:  # TXN210@9
            return False
        return True

    @transactional
    async def join_twice(self):
        try:
            async with self.session.begin_nested():
                self.session.add(Item(name="team"))
        except IntegrityError:
            return False
        return True

    @looked_at
    async def join_or_fail(self):
        try:
            self.session.add(Item(name="team"))
            await self.session.flush()
        except IntegrityError:
            return False
        return True

    async def join_plainly(self):
        try:
            self.session.add(Item(name="team"))
            await self.session.flush()
        except IntegrityError:
            return False
        return True


@in_session
async def leave(session, key):
    try:
        await session.delete(key)
        await session.flush()
    except IntegrityError:  # TXN210@5
        print("still needed")
# --- app/routers/teams.py
from fastapi import APIRouter, Depends

from app.services.teams import Teams
from app.session import get_session_dependency

router = APIRouter()


@router.post("/teams")
async def join(session=Depends(get_session_dependency)):
    await Teams(session).join_or_fail()
    return await Teams(session).join(), await Teams(session).join_twice()
"""
    ),
    Bad(
        """
# --- app/tasks/cranes.py
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from app.models.item import Item
from app.session import committed


async def rename(names):
    async for session in committed():
        for name in names:
            try:
                await session.execute(update(Item).values(name=name))
            except IntegrityError:  # TXN210@13
                continue


async def rename_one(name):
    async for session in committed():
        try:
            await session.execute(update(Item).values(name=name))
        except IntegrityError:
            print(name)
        await session.commit()
        break
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
    Bad(
        """
from functools import wraps

from sqlalchemy.exc import IntegrityError

from app.models.item import Item
from app.session import get_session


def forgiving(*errors):
    def decorate(function):
        @wraps(function)
        async def inner(*args):
            try:
                return await function(*args)
            except errors:
                return None

        return inner

    return decorate


@forgiving(IntegrityError)
async def stored_or_not(session, name):
    session.add(Item(name=name))
    await session.flush()


@forgiving(KeyError)
async def stored(session, name):
    session.add(Item(name=name))
    await session.flush()


async def goes_on(name):
    async with get_session() as session, session.begin():
        await stored_or_not(session, name)  # TXN210@15


async def leaves_the_block(name):
    async with get_session() as session, session.begin():
        await stored(session, name)
""",
        path="app/tasks/options.py",
    ),
]

GOOD = [
    Good(
        """
import json

from sqlalchemy.exc import IntegrityError, NoResultFound
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.services.items import attempt
from app.session import get_session


async def nightly(rows, text: str) -> None:
    try:
        async with get_session() as session:
            async with session.begin():
                for row in rows:
                    try:
                        async with session.begin_nested():
                            session.add(row)
                    except IntegrityError:
                        continue
                try:
                    await attempt(session)
                except Exception:
                    print("the savepoint is gone, the transaction is not")
                try:
                    data = json.loads(text)
                except Exception:
                    data = {}
                try:
                    (await session.execute(data)).scalar_one()
                except NoResultFound:
                    session.add(Item(name="new"))
                try:
                    session.add(Item(name=data["name"]))
                except (KeyError, ValueError):
                    pass
                try:
                    await session.flush()
                except IntegrityError as error:
                    raise ValueError("taken") from error
                try:
                    await session.flush()
                except Exception:
                    fail("taken")
    except Exception:
        print("rolled back")


def fail(text: str) -> None:
    raise RuntimeError(text)


async def service(session: AsyncSession) -> None:
    try:
        await session.execute("SELECT 1")
    except Exception:
        print("no block is open here")
# --- app/services/items.py
async def attempt(session):
    async with session.begin_nested():
        session.add(object())
""".replace("import json", "# --- app/tasks/nightly.py\nimport json", 1)
    ),
    Good(
        """
from app.session import session_factory


async def test_swallow() -> None:
    async with session_factory.begin() as session:
        try:
            session.add(object())
        except Exception:
            pass
""",
        path="tests/test_swallow.py",
    ),
    Good(
        """
from app.session import session_factory


async def first(rows) -> None:
    async with session_factory.begin() as session:
        error = None
        for row in rows:
            try:
                session.add(row)
            except Exception as exc:
                error = exc
                break
        if error is not None:
            raise error


async def all_of_them(rows) -> None:
    async with session_factory.begin() as session:
        errors, ok = [], True
        for row in rows:
            try:
                session.add(row)
            except Exception as exc:
                errors.append(exc)
        if len(errors) == 1:
            raise errors[0]
        elif errors:
            raise ExceptionGroup("failed", errors)


async def told(rows) -> None:
    async with session_factory.begin() as session:
        ok = True
        failure = None
        try:
            session.add_all(rows)
        except Exception:
            failure = RuntimeError("failed")
        print("done")
        if not failure:
            print("well")
        else:
            raise failure
        try:
            session.add_all(rows)
        except Exception:
            ok = False
        if not ok:
            raise RuntimeError("failed")
""",
        path="app/tasks/nightly.py",
    ),
    Good(
        """
# --- app/lib.py
import logging
from contextlib import asynccontextmanager, contextmanager


@contextmanager
def loudly(again=True):
    try:
        yield
    except Exception:
        logging.exception("failed")
        if again:
            raise


@contextmanager
def timed():
    error = None
    try:
        yield
    except Exception as raised:
        error = raised
    logging.info("done")
    if error is not None:
        raise error


@contextmanager
def missing_keys():
    try:
        yield
    except KeyError:
        logging.info("not there")


@asynccontextmanager
async def attempt(session):
    try:
        async with session.begin_nested():
            yield
    except Exception:
        logging.exception("undone")


@contextmanager
def quietly():
    try:
        yield
    except Exception:
        logging.exception("ignored")


class Watch:
    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if kind is None:
            return True
        logging.error("failed")


class Lenient:
    def __init__(self, lenient):
        self.lenient = lenient

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        return self.lenient or isinstance(error, KeyError)
# --- app/tasks/nightly.py
from app.lib import Lenient, Watch, attempt, loudly, missing_keys, quietly, timed
from app.session import session_factory


async def nightly(row) -> None:
    async with session_factory.begin() as session:
        with loudly(), timed(), Watch():
            session.add(row)
        with Lenient(False), missing_keys():
            session.add(row)
        async with attempt(session):
            session.add(row)
        with quietly():
            print(row)
    with quietly():
        async with session_factory.begin() as session:
            session.add(row)
"""
    ),
    Good(
        """
# --- app/services/attempts.py
import functools
import logging

from sqlalchemy.exc import IntegrityError, SQLAlchemyError


def loudly(function):
    @functools.wraps(function)
    async def inner(*args, **kwargs):
        try:
            return await function(*args, **kwargs)
        except Exception:
            logging.exception("failed")
            raise

    return inner


@loudly
async def touch(session, row):
    session.add(row)
    await session.flush()


async def try_flush(session):
    try:
        await session.flush()
    except SQLAlchemyError:
        return False
    return True


async def attempt(session, row):
    try:
        async with session.begin_nested():
            session.add(row)
    except IntegrityError:
        logging.info("there already")


async def parsed(session, text):
    try:
        number = int(text)
    except Exception:
        return
    session.add(number)


async def keyed(session, rows):
    try:
        session.add(rows["first"])
    except KeyError:
        return


async def quiet(row):
    try:
        print(row)
    except Exception:
        logging.exception("ignored")
# --- app/tasks/nightly.py
from app.services.attempts import attempt, keyed, parsed, quiet, touch, try_flush
from app.session import get_session


async def nightly(row) -> None:
    async with get_session() as session, session.begin():
        await touch(session, row)
        if not await try_flush(session):
            raise RuntimeError("failed")
        done = await try_flush(session)
        await attempt(session, row)
        await parsed(session, row)
        await keyed(session, row)
        await quiet(row)
        async with session.begin_nested():
            await try_flush(session)
        if not done:
            raise RuntimeError("failed")
    async with get_session() as session:
        await try_flush(session)
"""
    ),
    Good(
        """
from contextlib import ExitStack, suppress
from pathlib import Path

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession


async def store(session: AsyncSession, readings, note: Path):
    with ExitStack() as stack:
        stack.enter_context(suppress(IntegrityError))
        async with session.begin():
            session.add_all(readings)
    async with session.begin():
        with ExitStack() as stack:
            stack.enter_context(suppress(FileNotFoundError))
            note.unlink()
        session.add_all(readings)
        await session.flush()
        with ExitStack() as stack:
            stack.enter_context(suppress(IntegrityError))
""",
        path="app/tasks/readings.py",
    ),
    Good(
        path="app/tasks/nightly.py",
        source="""
from app.session import session_factory


async def all_of_them(rows, lock, log) -> None:
    async with session_factory.begin() as session:
        error = None
        for row in rows:
            try:
                session.add(row)
            except Exception as exc:
                async with lock:
                    error = exc
        if error is not None:
            raise error


async def told(rows, log) -> None:
    async with session_factory.begin() as session:
        error = None
        try:
            session.add_all(rows)
        except Exception as exc:
            try:
                failure = exc
                error = failure
            finally:
                log.close()
        if error is not None:
            raise error


async def sorted_out(rows) -> None:
    async with session_factory.begin() as session:
        error = None
        for row in rows:
            try:
                session.add(row)
            except Exception as exc:
                if row.old:
                    error = exc
                else:
                    error = ValueError("a new one")
        if error is not None:
            raise error
""",
    ),
    Good(
        """
import argparse
import os
from typing import Literal, assert_never

import click
from sqlalchemy.exc import DBAPIError

from app.session import get_session


async def load(row, parser: argparse.ArgumentParser, ctx: click.Context, kind: Literal["a"]):
    async with get_session() as session, session.begin():
        try:
            session.add(row)
        except DBAPIError as error:
            parser.error(str(error))
        try:
            session.add(row)
        except DBAPIError as error:
            ctx.fail(str(error))
        try:
            session.add(row)
        except DBAPIError:
            os._exit(3)
        try:
            session.add(row)
        except DBAPIError:
            assert False, "cannot be"
        try:
            session.add(row)
        except DBAPIError:
            assert_never(kind)


async def each(rows):
    async with get_session() as session, session.begin():
        for row in rows:
            async with session.begin_nested() as savepoint:
                try:
                    session.add(row)
                except DBAPIError:
                    await savepoint.rollback()
            attempt = await session.begin_nested()
            try:
                session.add(row)
            except DBAPIError:
                await attempt.rollback()
            else:
                await attempt.commit()
""",
        path="app/tasks/rows.py",
    ),
    Good(
        """
# --- app/services/rows.py
from sqlalchemy.exc import IntegrityError


async def each(session, rows):
    for row in rows:
        attempt = await session.begin_nested()
        try:
            session.add(row)
            await session.flush()
            await attempt.commit()
        except IntegrityError:
            await attempt.rollback()
# --- app/tasks/rows.py
from app.services.rows import each
from app.session import get_session


async def load(rows):
    async with get_session() as session, session.begin():
        await each(session, rows)
"""
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """One finding per ``except`` clause, ``suppress()``, manager of the project or ``finally`` that keeps errors."""
    for event in (*program.events("handler"), *managed(program), *left_by_finally(program)):
        if "swallows" not in event.flags or program.is_exempt(event.function) or not _around(program, event):
            continue
        yield from _report(program, event)
    for kept in (*kept_below(program), *kept_by_waiters(program)):
        yield _below(program, kept)


def _below(program: Program, kept: Kept) -> Finding:
    """The finding of a call whose errors a function below keeps."""
    clause = kept.handler.text if "suppress" in kept.handler.flags else f"except {kept.handler.text}".strip()
    message = (
        f"`{called(kept.call)}` goes on after an error of `{called(kept.use)}` in the transaction opened on line "
        f"{program.line_of(*kept.transaction.site)}: `{clause}` keeps it. Let the error leave the block, or put the "
        "statement into `async with session.begin_nested():` inside the `try`."
    )
    message = in_colour(message, is_asynchronous(program, kept.call.function, kept.transaction.subjects))
    trace = [
        program.step(kept.transaction.site, "the transaction is opened here"),
        program.step(kept.use.site, f"{called(kept.use)} uses it and may fail"),
    ]
    if kept.becomes is not None:
        trace.append(program.step(kept.becomes.site, "its failure becomes the error that is caught"))
    trace.append(program.step(kept.handler.site, "this keeps the error from going on"))
    return program.finding(META, kept.call, message, trace)


def _around(program: Program, event: Event) -> tuple[Transaction, ...]:
    """The transactions that go on after a clause: those of dependencies and of units of work included."""
    blocks = [block.transaction for block in request_blocks(program, event.function)]
    by_decorator = block_around(program, event.function) if event.function.wrappers else None
    if by_decorator is not None:
        blocks.append(by_decorator)
    return (*blocks, *units_around(program, event), *owned(event))


def _report(program: Program, event: Event) -> Iterator[Finding]:
    """The finding of a clause that catches database errors, unless a savepoint protects every statement."""
    catches = catches_database_errors(event)
    for transaction in reversed(_around(program, event)):
        uses = ((use, None if catches else stands_for(program, event, use)) for use in _unprotected(event, transaction))
        use, becomes = next((found for found in uses if catches or found[1] is not None), (None, None))
        if use is None or _rolls_back(event, transaction) or raised_later(event, _opened_in(event, transaction)):
            continue
        clause = event.text if "suppress" in event.flags else f"except {event.text}".strip()
        here = _opened_in(event, transaction)
        line = program.line_of(event.path, here) if here is not None else 0
        where = f"opened on line {line}" if line else f"that {transaction.source.in_full} opened"
        message = (
            f"`{clause}` goes on after an error of `{called(use)}` in the transaction {where}. Let the error leave the "
            f"{'block' if here is not None else 'function'}, or put the statement into "
            "`async with session.begin_nested():` inside it."
        )
        message = in_colour(message, is_asynchronous(program, event.function, transaction.subjects))
        trace = [
            program.step(transaction.site, "the transaction is opened here"),
            program.step(use.site, f"{called(use)} uses it and may fail"),
        ]
        if becomes is not None:
            trace.append(program.step(becomes.site, "its failure becomes the error that is caught"))
        for kept in (a for value in event.args for a in value):
            trace.append(program.step(kept.site, "this keeps the error from going on"))
        line, column = event.span[:2]
        word = clause.rpartition(" ")[2] if "finally" in event.flags else clause
        length = len(word.partition("(" if "suppress" in event.flags else " ")[0])
        yield program.finding(META, (event.function, (line, column, line, column + length)), message, trace)
        return


def _opened_in(event: Event, transaction: Transaction) -> ir.Span4 | None:
    """Where the function of an event opens a transaction itself; ``None`` for that of a dependency."""
    source, (path, span) = transaction.source, transaction.site
    by_dependency = source is not None and any(t.site == transaction.site for t in source.summary.yield_transactions)
    inside = path == event.path and is_within(span, event.function.span)
    return span if inside and not by_dependency else None


def _unprotected(handler: Event, transaction: Transaction) -> Iterator[Event]:
    """The statements of the ``try`` that run on the transaction's session, in no savepoint opened inside."""
    body = body_of(handler)
    nested = spans_with_savepoints(body)
    depth = len(handler.transactions)
    for event in body:
        if event.kind not in ("use", "effect") or (event.kind == "effect" and event.text not in ("use", "txn")):
            continue
        shielded = any(t.savepoint for t in event.transactions[depth:])
        shielded = shielded or (event.span in nested and not leaves_bare(event))
        if not shielded and set(event.subject) & set(transaction.subjects) and not added_last(handler, event):
            yield event


def _rolls_back(handler: Event, transaction: Transaction) -> bool:
    """The handler rolls back by hand: that is TXN202. Or it does so with a savepoint that is older than the ``try``."""
    if undoes(handler, transaction.subjects):
        return True
    return any(e.name == "rollback" and set(e.subject) & set(transaction.subjects) for e in handled(handler))
