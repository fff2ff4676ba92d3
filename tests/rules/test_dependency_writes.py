"""What a dependency writes on the request's session: lost when no request that has the dependency commits it."""

from __future__ import annotations

import pytest

from tests.support.marked import check_marked

_TOKENS = """
# --- app/services/tokens.py
from sqlalchemy import update

from app.models.item import Item


async def touch(session, number):
    await session.execute(update(Item).where(Item.id == number).values(name="seen"))TXN209


async def touch_committed(session, number):
    await session.execute(update(Item).where(Item.id == number).values(name="seen"))
# --- app/session_commits.py
from app.session import session_factory


async def committing_session():
    async with session_factory() as session, session.begin():
        yield session
# --- app/auth/users.py
from typing import Annotated

from fastapi import Depends, Header
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.services.tokens import touch, touch_committed
from app.session import get_session, get_session_dependency
from app.session_commits import committing_session

SessionDep = Annotated[AsyncSession, Depends(get_session_dependency)]


async def current_user(session: SessionDep, token: str = Header()):
    await touch(session, 1)
    return token


async def optional_user(session: SessionDep, token: str = Header()):
    await touch(session, 1)
    return token


async def own_block(session: SessionDep):
    async with session.begin():
        await touch_committed(session, 1)


async def own_session():
    async with get_session() as session, session.begin():
        await touch_committed(session, 1)


async def committed_by_source(session: Annotated[AsyncSession, Depends(committing_session)]):
    await touch_committed(session, 1)


async def read_only(session: SessionDep):
    return await session.get(Item, 1)


async def never_asked_for(session: SessionDep):
    session.add(Item(name="a"))
# --- app/routers/items.py
from typing import Annotated

from fastapi import APIRouter, Depends
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth import users
from app.auth.users import SessionDep
from app.models.item import Item

router = APIRouter()


@router.get("/one")
async def one(session: SessionDep, user: Annotated[str, Depends(users.current_user)]):
    return await session.get(Item, 1)


@router.get("/two")
async def two(session: SessionDep, user: Annotated[str, Depends(users.optional_user)]):
    return await session.get(Item, 2)


@router.get("/three", dependencies=[Depends(users.own_block), Depends(users.own_session), Depends(users.read_only)])
async def three(user: Annotated[str, Depends(users.committed_by_source)]):
    return 3
"""

CASES: dict[str, tuple[str, set[str]]] = {
    "what a dependency writes is lost, whichever endpoint has it": (
        _TOKENS.replace("TXN209", "  # TXN209@11"),
        set(),
    ),
    "one endpoint commits what its dependency writes": (
        _TOKENS.replace("TXN209", "")
        + """

@router.post("/four")
async def four(session: SessionDep, user: Annotated[str, Depends(users.current_user)]):
    session.add(Item(name="a"))
    await session.commit()  # TXN201@11


@router.post("/five")
async def five(session: SessionDep, user: Annotated[str, Depends(users.optional_user)]):
    async with session.begin():
        session.add(Item(name="a"))
""",
        {"TXN209"},
    ),
    "a dependency commits what another one of the same request writes": (
        _TOKENS.replace("TXN209", "")
        .replace(
            "async def read_only(session: SessionDep):",
            "async def read_only(session: SessionDep):\n    await session.commit()",
        )
        .replace("return await session.get(Item, 2)", "return 2")
        .replace('@router.get("/one")', '@router.get("/one", dependencies=[Depends(users.read_only)])')
        .replace('@router.get("/two")', '@router.get("/two", dependencies=[Depends(users.read_only)])'),
        {"TXN209"},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_write_of_a_dependency_is_lost_when_no_request_commits_it(case):
    checked = check_marked(*CASES[case])
    assert checked.found == checked.wanted
