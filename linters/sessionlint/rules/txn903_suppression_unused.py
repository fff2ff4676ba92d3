"""TXN903: a suppression comment with nothing to suppress."""

from __future__ import annotations

from collections.abc import Iterator

from sessionlint.program.api import Program
from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.suppressing import remarks

META = Rule(
    code="TXN903",
    name="suppression-unused",
    summary="A suppression comment names a rule that finds nothing there.",
    rationale="The code was mended, or the comment stands on the wrong line. Left behind, it would hide the next "
    "violation at this place from everybody.",
    remedy="Remove the code from the comment, or the whole comment.",
    not_flagged="Rules that this run did not select, and every comment while a file could not be read: the missing "
    "finding may be hidden there.",
)

_ALLOW = (("suppressions", "allow"),)

BAD = [
    Bad(
        source="""
from sqlalchemy.ext.asyncio import AsyncSession


async def save(session: AsyncSession):
    await session.flush()  # sessionlint: ignore[TXN201] -- the ledger commits row by row  # TXN903@28


async def undo(session: AsyncSession):
    await session.rollback()  # sessionlint: ignore[TXN201,TXN202] -- the driver needs it  # TXN903@31


# sessionlint: ignore[TXN201] -- covers the header alone, not the body  # TXN903@1
async def post(session: AsyncSession):
    await session.commit()  # TXN201@11
""",
        policy=_ALLOW,
    ),
]

GOOD = [
    Good(
        source="""
from sqlalchemy.ext.asyncio import AsyncSession


async def save(session: AsyncSession):
    # sessionlint: ignore[TXN201] -- the ledger commits row by row
    # sessionlint: ignore[TXN202] -- and frees its locks at once
    await session.commit(); await session.rollback()


async def undo(session: AsyncSession):
    await session.rollback(
    )  # sessionlint: ignore[TXN202] -- the driver needs it
""",
        policy=_ALLOW,
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """One finding per comment, which names the codes without a finding."""
    return remarks(program, META.code)
