"""TXN902: a suppression comment that is not complete, not understood, or not allowed."""

from __future__ import annotations

from collections.abc import Iterator

from sessionlint.program.api import Program
from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.suppressing import remarks

META = Rule(
    code="TXN902",
    name="suppression-without-reason",
    summary="A suppression comment lacks its rule or its reason, is not understood, or the policy forbids it.",
    rationale="An exception nobody explained can be neither reviewed nor taken back, and one for every rule hides "
    "what is added to the line later. A comment with a misspelt code looks like an exception and is none.",
    remedy="Write `# sessionlint: ignore[TXN201] -- why this is right here`, with `until=2026-12-31` before the reason "
    'when it is to end. Where the policy says `suppressions = "forbid"`, mend the code.',
    not_flagged="The words in strings and in the middle of other comments; `# noqa` comments, which only flake8 reads, "
    "unless the policy forbids suppressions and they name a code of ours.",
)

_ALLOW = (("suppressions", "allow"),)

BAD = [
    Bad(
        source="""
from sqlalchemy.ext.asyncio import AsyncSession


async def save(session: AsyncSession):
    await session.commit()  # sessionlint: ignore[TXN201]  # TXN902@29 TXN201@11


async def undo(session: AsyncSession):
    await session.rollback()  # sessionlint: ignore -- the driver needs it  # TXN902@31 TXN202@11


async def again(session: AsyncSession):
    # sessionlint: ignore[TXN210] until=soon -- misspelt code, and no date  # TXN902@5
    await session.commit()  # TXN201@11
""",
        policy=_ALLOW,
    ),
    Bad(
        source="""
from sqlalchemy.ext.asyncio import AsyncSession


async def save(session: AsyncSession):
    await session.commit()  # sessionlint: ignore[TXN201] -- agreed with operations  # TXN902@29 TXN201@11


async def undo(session: AsyncSession):
    await session.rollback()  # noqa: TXN202  # TXN902@31 TXN202@11
""",
    ),
]

GOOD = [
    Good(
        source="""
from sqlalchemy.ext.asyncio import AsyncSession

TEXT = "# sessionlint: ignore"


async def save(session: AsyncSession):
    # Comments such as: sessionlint: ignore, are explained in the manual.
    await session.commit()  # sessionlint: ignore[TXN201] until=2999-12-31 -- the ledger commits row by row


async def load(session: AsyncSession):  # noqa: TXN101
    return session
""",
        policy=_ALLOW,
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """One finding per comment, with everything that is wrong with it."""
    return remarks(program, META.code)
