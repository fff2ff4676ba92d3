"""TXN203: a transaction is begun that no ``with`` ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.locking_begins import locks_and_ends
from sessionlint.rules.owning_blocks import owning_block
from sessionlint.rules.remedies import as_written
from sessionlint.rules.transactions import called, one_per_call
from sessionlint.rules.two_halves import is_half_of_block

if TYPE_CHECKING:
    from sessionlint.program.api import Program

META = Rule(
    code="TXN203",
    name="begin-without-context",
    summary="`begin()` or `begin_nested()` is called without being the context expression of a `with`.",
    rationale=(
        "A transaction without a block is ended only by a `commit()` or `rollback()` that every path has to reach. The "
        "path nobody thought of leaves it open: the connection goes on holding its row locks and its pooler slot, and "
        "through a transaction pooler that slot is one of very few."
    ),
    remedy=(
        "`async with session.begin():` where the transaction is owned, `async with session.begin_nested():` for a "
        "savepoint. With a number of blocks known at run time only, `await stack.enter_async_context(session.begin())`."
    ),
    not_flagged=(
        "`begin()` entered by a `with`, also later through a variable or an exit stack, returned to a caller who "
        "enters it, or begun by the `__aenter__` of an object whose `__aexit__` leaves it, or commits or rolls back "
        "on every path (TXN201, TXN202), but where a flag says that this is done; `begin()` of things that are no "
        "database session; SQL text that takes a lock as no `begin()` can (`BEGIN IMMEDIATE`) in a function that "
        "commits, and rolls back what the database refuses; session modules, functions the policy names as "
        "`session-dependencies` or `session-contexts`, "
        "wherever they stand; tests and migrations."
    ),
)

BAD = [
    Bad(
        """
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


async def save(session: AsyncSession, rows) -> None:
    transaction = await session.begin()  # TXN203@25
    session.add_all(rows)
    await transaction.commit()


async def attempt(session: AsyncSession, row) -> None:
    savepoint = await session.begin_nested()  # TXN203@23
    try:
        session.add(row)
    except ValueError:
        await savepoint.rollback()


async def by_sql(session: AsyncSession) -> None:
    await session.execute(text("BEGIN"))  # TXN203@11
    await session.execute(text("start transaction isolation level serializable"))  # TXN203@11
"""
    ),
    Bad(
        """
# --- app/services/units.py
class Unit:
    def __init__(self, session) -> None:
        self.session = session

    def start(self) -> None:
        if not self.session.in_transaction():
            self.session.begin()  # TXN203@13
# --- app/tasks/sync.py
from app.services.units import Unit
from app.session import engine, get_session


async def sync() -> None:
    async with get_session() as session:
        unit = Unit(session)
        unit.start()
    async with engine.connect() as connection:
        begin = connection.begin
        await begin()  # TXN203@15
"""
    ),
    Bad(
        """
# --- app/registry.py
from contextvars import ContextVar

from sqlalchemy.ext.asyncio import async_scoped_session

from app.session import session_factory

scope = ContextVar("scope")
session = async_scoped_session(session_factory, scopefunc=scope.get)
# --- app/services/units.py
from sqlalchemy.ext.asyncio import async_scoped_session

from app.registry import session


async def alone(function):
    await session.begin()  # TXN203@11
    return await function()


async def attempt(function):
    await session.begin_nested()  # TXN203@11
    return await function()


async def given(registry: async_scoped_session, function):
    await registry.begin()  # TXN203@11
    return await function()
"""
    ),
    Bad(
        """
from sqlalchemy.ext.asyncio import AsyncSession


class Ended:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session
        self.over = False

    async def __aenter__(self):
        await self.session.begin()
        return self

    async def __aexit__(self, *details) -> None:
        if not self.over:
            await self.undo()

    async def save(self) -> None:
        await self.session.commit()
        self.over = True

    async def undo(self) -> None:
        await self.session.rollback()
        self.over = True


class Open:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session
        self.open = False

    async def __aenter__(self):
        await self.session.begin()
        self.open = True
        return self

    async def __aexit__(self, *details) -> None:
        if not self.open:
            return
        await self.session.rollback()

    async def save(self) -> None:
        await self.session.commit()
        self.open = False


class Forgets:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session
        self.over = False

    async def __aenter__(self):
        await self.session.begin()  # TXN203@15
        return self

    async def __aexit__(self, *details) -> None:
        if not self.over:
            await self.session.rollback()

    async def skip(self) -> None:
        self.over = True


class NeverSays:
    def __init__(self, session: AsyncSession, over) -> None:
        self.session = session
        self.over = over

    async def __aenter__(self):
        await self.session.begin()  # TXN203@15
        return self

    async def __aexit__(self, *details) -> None:
        if not self.over:
            await self.session.rollback()
"""
    ),
]

GOOD = [
    Good(
        """
from contextlib import AsyncExitStack, nullcontext

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession


async def save(session: AsyncSession, rows) -> None:
    async with session.begin_nested():
        session.add_all(rows)


async def several(sessions: list[AsyncSession], session: AsyncSession) -> None:
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(session.begin())
        await stack.enter_async_context(session.begin_nested())
        session.add(object())


async def later(session: AsyncSession) -> None:
    transaction = session.begin()
    async with transaction:
        session.add(object())


async def maybe(session: AsyncSession, alone: bool) -> None:
    async with session.begin() if alone else nullcontext():
        await session.execute(text("SAVEPOINT a"))


def handed_out(session: AsyncSession):
    return session.begin_nested()


class Ledger:
    def __init__(self, session: AsyncSession):
        self._session = session

    @property
    def transaction(self):
        return self._session.get_transaction()

    def savepoint(self):
        return self._session.get_nested_transaction()


async def told(session: AsyncSession):
    return Ledger(session).transaction is None and Ledger(session).savepoint() is None


class Animation:
    def begin(self) -> None:
        \"\"\"No session.begin().\"\"\"


Animation().begin()
"""
    ),
    Good(
        """
from app.session import session_factory


async def test_begin() -> None:
    session = session_factory()
    await session.begin()
    await session.close()
""",
        path="tests/test_begin.py",
    ),
    Good(
        """
# --- app/registry.py
from sqlalchemy.ext.asyncio import async_scoped_session

from app.session import session_factory

session = async_scoped_session(session_factory, scopefunc=id)
# --- app/services/units.py
from app.registry import session


async def save(rows):
    async with session.begin():
        session.add_all(rows)
"""
    ),
]


#: The method that enters an object, and the one that leaves it.
def check(program: Program) -> Iterator[Finding]:
    """One finding per transaction or savepoint begun without a block."""
    begun = (e for e in program.events("txn") if e.name in ("begin", "begin_nested"))
    loose = (e for e in begun if not e.flags & {"context", "returned"} and not program.is_exempt(e.function))
    for event in one_per_call(loose):
        if is_half_of_block(program, event) or locks_and_ends(event):
            continue
        what = "a savepoint" if event.name == "begin_nested" else "a transaction"
        block = owning_block(program, event).replace("begin()", f"{event.name}()")
        message = (
            f"`{called(event)}` begins {what} that no block ends. Write `{block}` so that every path commits or "
            "rolls back."
        )
        yield program.finding(META, event, as_written(program, event, message))
