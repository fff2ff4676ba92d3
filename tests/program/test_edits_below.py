"""An edit that its callers see no difference in may still change what rules say of them: they look into callees."""

import dataclasses
from pathlib import Path
from typing import NamedTuple

import pytest

from sessionlint.engine import Engine
from sessionlint.rules import examples
from sessionlint.run import check_program


class Case(NamedTuple):
    """A project, the file that is edited, and what an edit puts in the place of what."""

    source: str
    path: str
    old: str
    new: str
    code: str


KEEPS_ERRORS = Case(
    """
# --- app/services/invoices.py
async def add(session, row):
    session.add(row)
    await session.flush()
# --- app/tasks/billing.py
from app.services import invoices
from app.session import get_session


async def bill(row):
    async with get_session() as session, session.begin():
        await invoices.add(session, row)
""",
    "app/services/invoices.py",
    "    await session.flush()\n",
    "    try:\n        await session.flush()\n    except Exception:\n        pass\n",
    "TXN210",
)
DECORATOR_KEEPS_ERRORS = Case(
    """
# --- app/services/attempts.py
import functools


def best_effort(function):
    @functools.wraps(function)
    async def inner(*args, **kwargs):
        try:
            return await function(*args, **kwargs)
        except Exception:
            return None

    return inner


@best_effort
async def touch(session, row):
    session.add(row)
    await session.flush()
# --- app/tasks/nightly.py
from app.services.attempts import touch
from app.session import get_session


async def nightly(row):
    async with get_session() as session, session.begin():
        await touch(session, row)
""",
    "app/services/attempts.py",
    "    return inner\n",
    "    pass\n",
    "TXN210",
)
GUARD = Case(
    """
# --- app/accounts.py
from fastapi import HTTPException, Request

from app.store import accounts


async def signed_in(request: Request):
    account = await accounts.of(request)
    if account is None:
        raise HTTPException(403, "Not signed in")
    return account
# --- app/main.py
from fastapi import Depends, FastAPI

from app.accounts import signed_in
from app.routers import boats

app = FastAPI()
app.include_router(boats.router, dependencies=[Depends(signed_in)])
# --- app/routers/boats.py
from fastapi import APIRouter

router = APIRouter()


@router.post("/boats")
async def boats():
    return {}
""",
    "app/accounts.py",
    "HTTPException(403",
    "HTTPException(404",
    "TXN405",
)
COMMITS_AFTER = Case(
    """
# --- app/crossings.py
from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import engine
from app.ferries import Ferries


async def crossing():
    async with AsyncSession(engine) as session:
        yield session
        await session.commit()


def get_ferries(session: AsyncSession = Depends(crossing)) -> Ferries:
    return Ferries(session)
# --- app/ferries.py
class Ferries:
    def __init__(self, session):
        self.session = session
# --- app/main.py
from fastapi import Depends, FastAPI

from app.crossings import get_ferries

app = FastAPI()


@app.post("/ferries")
async def board(ferries=Depends(get_ferries)):
    ferries.session.add(object())
""",
    "app/crossings.py",
    "        await session.commit()\n",
    "",
    "TXN209",
)
RUNS_TEXT = Case(
    """
# --- app/services/fetching.py
from sqlalchemy import text


async def fetch(session, sql):
    return (await session.execute(text(sql))).all()
# --- app/services/jobs.py
from app.services.fetching import fetch


async def jobs(session):
    rows = await fetch(session, "SELECT id FROM jobs WHERE state = 'new'")
    return rows
""",
    "app/services/jobs.py",
    "    return rows\n",
    "    return list(rows)\n",
    "TXN802",
)
TAKEN_BY_ITS_USE = Case(
    """
# --- app/services/harbours.py
from sqlalchemy import select

from app.models.item import Item


def close(db):
    rows = db.execute(select(Item))
    db.commit()
    return rows
""",
    "app/services/harbours.py",
    "    rows = db.execute(select(Item))\n",
    "    rows = None\n",
    "TXN201",
)
DECLARES_ITS_KIND = Case(
    """
# --- app/services/locks.py
from enum import IntEnum

from sqlalchemy import text


class Shelf(IntEnum):
    TOP = 1


async def lock(session, shelf: Shelf):
    await session.execute(text(f"SELECT pg_advisory_lock({shelf})"))
""",
    "app/services/locks.py",
    "class Shelf(IntEnum):\n    TOP = 1\n",
    "pass\n",
    "TXN801",
)
CASES = [KEEPS_ERRORS, DECORATOR_KEEPS_ERRORS, GUARD, COMMITS_AFTER, RUNS_TEXT, TAKEN_BY_ITS_USE, DECLARES_ITS_KIND]
NAMES = [
    "a callee keeps errors",
    "a decorator does",
    "a router's guard",
    "a dependency's dependency",
    "a text runs",
    "a use tells a session",
    "a declaration tells a number",
]


@pytest.mark.parametrize("undone", [False, True], ids=["edited", "undone"])
@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_findings_in_other_files_are_those_of_a_fresh_run(tmp_path: Path, case: Case, undone: bool) -> None:
    texts = {**examples.SUPPORT, **examples.split(case.source, "")}
    policy = dataclasses.replace(examples.policy_for({}, texts), root=tmp_path)
    before = {path: text.encode() for path, text in texts.items()}
    after = {**before, case.path: before[case.path].replace(case.old.encode(), case.new.encode())}
    assert after != before
    first, then = (after, before) if undone else (before, after)
    engine, files = Engine(tmp_path, policy), sorted(texts)
    known = check_program(engine.solve(first), policy, files)
    warm = check_program(engine.solve(then, edit=True), policy, files, before=known.found)
    cold = check_program(Engine(tmp_path, policy).solve(then), policy, files)
    assert warm.report.findings == cold.report.findings
    told = {finding.code for one in (known, cold) for finding in one.report.findings}
    assert case.code in told
