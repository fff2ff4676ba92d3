"""What a class body may write under names that the engine, or Python, gives a meaning to."""

from __future__ import annotations

from tests.program.support import findings

_CLASSES = """
# --- app/services/letters.py
from abc import ABCMeta

from sqlalchemy.ext.asyncio import AsyncSession

from app.session import get_session


class Letters:
    __metaclass__ = ABCMeta

    async def sign(self, session: AsyncSession):
        await session.commit()


class Desk:
    @staticmethod
    async def __aenter__():
        return None

    @staticmethod
    async def __aexit__(*error):
        return None


async def sign(desk: Desk, session: AsyncSession):
    async with desk:
        await Letters.sign(Letters(), session)


async def sign_all(session: AsyncSession):
    await sign(Desk(), session)
"""


def test_a_metaclass_as_python_2_wrote_it_is_an_attribute() -> None:
    assert findings(_CLASSES.replace("async with desk:", "if desk:")) == ["app/services/letters.py:12 TXN201"]


def test_an_object_that_was_passed_is_entered_by_a_static_method() -> None:
    assert findings(_CLASSES.replace("__metaclass__", "kind")) == ["app/services/letters.py:12 TXN201"]
