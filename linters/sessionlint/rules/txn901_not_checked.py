"""TXN901: a file could not be read, so nothing is known of it."""

from __future__ import annotations

from collections.abc import Iterator

from sessionlint.program.api import Program
from sessionlint.report import Finding, Span
from sessionlint.rules.base import Bad, Good, Rule

META = Rule(
    code="TXN901",
    name="not-checked",
    summary="A file could not be parsed or decoded, so it was not checked.",
    rationale="A gate that passes over what it cannot read is green for the wrong reason: the file may hold the one "
    "endpoint that commits, and what other files import from it stays unknown, too.",
    remedy="Correct the syntax or save the file as UTF-8; exclude it in the policy when it is no part of the program "
    "(a template, a fixture of broken code). Until then the run exits 2.",
    not_flagged="Files of newer Python syntax than the one that runs the check, as long as they can be read.",
)

BAD = [
    Bad(
        source="""
# --- app/services/broken.py
async def save(session):
    await session.commit(  # TXN901@25
# --- app/services/fine.py
async def load(session):
    return session
""",
    ),
]

GOOD = [
    Good(
        source="""
async def load(session):
    return session
""",
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """One finding per file that could not be read; reports list the same under ``errors``."""
    for error in program.errors:
        yield Finding(
            code=META.code,
            name=META.name,
            span=Span(error.path, error.line, error.column, error.line, error.column + 1),
            message=f"Not checked: {error.message}",
            severity=META.severity,
        )
