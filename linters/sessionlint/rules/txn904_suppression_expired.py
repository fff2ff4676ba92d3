"""TXN904: a suppression comment whose last day has passed."""

from __future__ import annotations

from collections.abc import Iterator

from sessionlint.program.api import Program
from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.suppressing import remarks

META = Rule(
    code="TXN904",
    name="suppression-expired",
    summary="A suppression comment has passed its last day and no longer suppresses anything.",
    rationale="The date is the promise that the exception is temporary. Once it has passed, the finding counts again, "
    "whether or not somebody remembers it.",
    remedy="Mend the code and remove the comment, or agree on a new date and say why.",
    not_flagged="Comments without a date; the last day itself; expired comments with nothing to suppress, which are "
    "unused (TXN903).",
)

_ALLOW = (("suppressions", "allow"),)

BAD = [
    Bad(
        source="""
from sqlalchemy.ext.asyncio import AsyncSession


async def save(session: AsyncSession):
    await session.commit()  # sessionlint: ignore[TXN201] until=2020-02-29 -- until the queue  # TXN904@29 TXN201@11
""",
        policy=_ALLOW,
    ),
]

GOOD = [
    Good(
        source="""
from sqlalchemy.ext.asyncio import AsyncSession


async def save(session: AsyncSession):
    await session.commit()  # sessionlint: ignore[TXN201] until=2999-12-31 -- until the queue


async def undo(session: AsyncSession):
    await session.rollback()  # sessionlint: ignore[TXN202] -- the driver needs it
""",
        policy=_ALLOW,
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """One finding per expired comment that would suppress something."""
    return remarks(program, META.code)
