"""Sessions that travel through the standard library's containers and through objects one can go through."""

from __future__ import annotations

import pytest

from tests.program.support import marked

CASES = {
    "a double-ended queue": """
from collections import deque


async def save(session: AsyncSession):
    queue = deque([session])
    await queue.popleft().commit()  # TXN201
    names = deque(["commit"])
    names.popleft()
""",
    "dictionaries in a chain, the first of which counts": """
from collections import ChainMap


async def save(session: AsyncSession, other):
    found = ChainMap({"db": session}, {"db": other, "name": "commit"})
    await found["db"].commit()  # TXN201
    print(found["name"])
""",
    "a dictionary seen through a proxy, and an ordered one": """
from collections import OrderedDict
from types import MappingProxyType


async def save(session: AsyncSession):
    frozen = MappingProxyType({"db": session})
    await frozen["db"].commit()  # TXN201
    await OrderedDict(db=session)["db"].rollback()  # TXN202
""",
    "a method bound by hand": """
from types import MethodType


async def save(session: AsyncSession):
    end = MethodType(AsyncSession.commit, session)
    await end()  # TXN201
    MethodType(print, session)()
""",
    "a named tuple made by a call": """
from collections import namedtuple

Pair = namedtuple("Pair", "session, name")
Parts = namedtuple("Parts", ["label", "db"])


async def save(session: AsyncSession):
    pair = Pair(session, "commit")
    await pair.session.commit()  # TXN201
    print(pair.name)
    label, db = Parts("x", session)
    await db.rollback()  # TXN202
    await Parts(db=session, label="x").db.flush()
    label.commit()
""",
    "an object that is gone through": """
class Sessions:
    def __init__(self, session):
        self.session = session

    def __iter__(self):
        yield self.session


class Names:
    def __iter__(self):
        yield "commit"


async def save(session: AsyncSession):
    for each in Sessions(session):
        await each.commit()  # TXN201
    for name in Names():
        name.commit()
""",
    "an object that gives the next itself": """
class Sessions:
    def __init__(self, session):
        self.session = session

    def __aiter__(self):
        return self

    async def __anext__(self):
        return self.session


async def save(session: AsyncSession):
    async for each in Sessions(session):
        await each.commit()  # TXN201
""",
}


@pytest.mark.parametrize("source", CASES.values(), ids=CASES.keys())
def test_sessions_are_known_in(source: str) -> None:
    found, expected = marked(f"from sqlalchemy.ext.asyncio import AsyncSession\n{source}")
    assert found == expected
