"""TXN202: the transaction is rolled back by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.owning_blocks import owning_block
from sessionlint.rules.remedies import as_written
from sessionlint.rules.transactions import by_hand, called

if TYPE_CHECKING:
    from sessionlint.program.api import Program

META = Rule(
    code="TXN202",
    name="explicit-rollback",
    summary="The transaction is rolled back by hand outside the session module.",
    rationale=(
        "A rollback throws away everything since the last begin, also what callers wrote before and what they believe "
        "is done; a handler that rolls back and goes on reports success for rows that do not exist. Inside `async with "
        "session.begin()` every statement after it raises `InvalidRequestError`."
    ),
    remedy=(
        "Let the error leave the `async with session.begin():` block: it rolls back by itself. Work that may fail on "
        "its own gets a savepoint, `async with session.begin_nested():`."
    ),
    not_flagged=(
        "`rollback()` of things that are no database session, session modules, functions the policy names as "
        "`session-dependencies` or `session-contexts`, wherever they stand, tests and migrations, raising an error "
        "inside a transaction block, and the savepoint that a `with session.begin_nested() as savepoint:` entered."
    ),
    # whether one that a helper is handed is told there depends on who calls it
    program_wide=True,
)

BAD = [
    Bad(
        """
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession


async def save(session: AsyncSession, row) -> bool:
    session.add(row)
    try:
        await session.flush()
    except IntegrityError:
        await session.rollback()  # TXN202@15
        return False
    return True
"""
    ),
    Bad(
        """
from fastapi import APIRouter, Depends, HTTPException
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import get_session_dependency

router = APIRouter()


@router.post("/items")
async def create(db: AsyncSession = Depends(get_session_dependency)):
    try:
        async with db.begin() as transaction:
            await db.execute(text("INSERT INTO items DEFAULT VALUES"))
            await transaction.rollback()  # TXN202@19
    except ValueError as error:
        undo = db.rollback
        await undo()  # TXN202@15
        raise HTTPException(400) from error
    await db.execute(text("ROLLBACK"))  # TXN202@11
""",
        path="app/routers/items.py",
    ),
    Bad(
        """
# --- app/services/unit.py
from sqlalchemy.orm import Session


class Unit:
    def __init__(self, session: Session) -> None:
        self.session = session

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace) -> None:
        if kind:
            self.session.rollback()  # TXN202@13
# --- app/services/raw.py
def undo(session) -> None:
    session.connection().rollback()


def run(engine) -> None:
    from sqlalchemy.orm import Session as Database

    with Database(engine) as session:
        session.connection().rollback()  # TXN202@9
"""
    ),
    Bad(
        """
from sqlalchemy.orm import Session


def keep_what_works(session: Session, row) -> None:
    point = session.begin_nested()
    session.add(row)
    try:
        session.flush()
    except ValueError:
        point.rollback()  # TXN202@9
"""
    ),
]

GOOD = [
    Good(
        """
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession


class Release:
    def rollback(self) -> None:
        \"\"\"Goes back to the last release: no session.rollback().\"\"\"


async def save(session: AsyncSession, row) -> bool:
    try:
        async with session.begin_nested():
            session.add(row)
    except IntegrityError:
        Release().rollback()
        return False
    return True
"""
    ),
    Good(
        """
from fastapi import APIRouter, Depends, HTTPException
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session_dependency

router = APIRouter()


@router.post("/items/{name}")
async def create(name: str, session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        session.add(Item(name=name))
        if not name:
            raise HTTPException(400, "session.rollback() happens when the block is left")
        async with session.begin_nested() as savepoint:
            session.add(Item(name="b"))
            await savepoint.rollback()
""",
        path="app/routers/items.py",
    ),
    Good(
        """
from app.session import session_factory


async def test_undo() -> None:
    async with session_factory() as session:
        await session.rollback()
""",
        path="tests/test_undo.py",
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """One finding per rollback."""
    for event in program.events("savepoint"):
        if event.name == "rollback" and "entered" not in event.flags and not program.is_exempt(event.function):
            message = (
                f"`{called(event)}` rolls a savepoint back by hand. Enter it with `async with session.begin_nested():` "
                "and let the error leave that block."
            )
            yield program.finding(META, event, as_written(program, event, message))
    for event in by_hand(program, "rollback"):
        how = "with SQL text" if event.text == "sql" else "by hand"
        block = owning_block(program, event)
        part = block.replace("begin()", "begin_nested()")
        advice = f"Let the error leave the `{block}` block"
        advice += f", or put what may fail into `{part}`." if part != block else "."
        message = f"`{called(event)}` rolls the transaction back {how}. {advice}"
        yield program.finding(META, event, as_written(program, event, message))
