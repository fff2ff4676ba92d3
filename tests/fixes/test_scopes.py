"""TXN211: a dependency that commits ends before the response."""

from __future__ import annotations

from tests.fixes.support import fixed

PATH = "app/routers/items.py"
SOURCE = """\
from typing import Annotated

from fastapi import APIRouter, Depends, Security
from sqlalchemy.ext.asyncio import AsyncSession

from app.session import get_session

router = APIRouter()


async def unit():
    async with get_session() as session, session.begin():
        yield session


async def outer(session: AsyncSession = Depends({outer})):
    yield session


SessionDep = Annotated[AsyncSession, Depends(unit{scope})]


@router.post("/items")
async def create(
    one: SessionDep,
    two: AsyncSession = Depends(unit{scope}),  # the second
    three: AsyncSession = Security(unit),
    four: AsyncSession = Depends(outer),
):
    one.add(object())
"""


def test_every_depends_gets_a_scope_and_security_is_refused():
    result = fixed({PATH: SOURCE.format(scope="", outer="get_user")}, select=("TXN211",))
    assert result.files[PATH] == SOURCE.format(scope=', scope="function"', outer="get_user")
    assert result.reasons == [
        "TXN211 app/routers/items.py:27: only Depends(…) takes a scope; FastAPI's Security(…) does not"
    ]


def test_a_dependency_of_a_generator_that_lives_longer_is_refused():
    result = fixed({PATH: SOURCE.format(scope=', scope="function"', outer="unit")}, select=("TXN211",))
    longer = "outer() asks for it and itself ends after the response; give that a scope first"
    assert f"TXN211 {PATH}:16: {longer}" in result.reasons
    assert result.files[PATH].count("Depends(unit)") == 1
