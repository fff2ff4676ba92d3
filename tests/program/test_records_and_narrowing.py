"""Sessions inside records, behind protocols and mixins, and told from other objects by a test of their class."""

import pytest

from tests.program.support import findings

HEAD = """\
from typing import NamedTuple, Protocol, TypedDict
from sqlalchemy.ext.asyncio import AsyncSession
class Context(NamedTuple):
    session: AsyncSession
    user: int
class Bag(TypedDict):
    session: AsyncSession
    journal: "Journal"
class Journal:
    async def commit(self): print("written")
class HasSession(Protocol):
    @property
    def session(self) -> AsyncSession: ...
    @property
    def journal(self) -> Journal: ...
class Saving:
    session: AsyncSession
    async def save(self): await self.session.commit()
class Writer(Saving):
    def __init__(self, session): self.session = session
"""
START = HEAD.count("\n") + 1
#: The line of ``Saving.save`` commits in every one of them.
ALWAYS = "app/services/x.py:18 TXN201"

DISGUISES = {
    "a copy of a named tuple": "async def go(c: Context):\n    await c._replace(user=1).session.commit()\n",
    "get of a typed dictionary": "async def go(b: Bag):\n    await b.get('session').commit()\n",
    "a protocol's property": "async def go(h: HasSession):\n    await h.session.commit()\n",
    "the other branch of isinstance": (
        "async def go(t: AsyncSession | Journal):\n    if not isinstance(t, Journal): await t.commit()\n"
    ),
    "a slice of sessions": "async def go(*ss: AsyncSession):\n    for s in reversed(ss[1:]): await s.commit()\n",
}

LOOK_ALIKES = {
    "another field of a typed dictionary": "async def go(b: Bag):\n    await b.get('journal').commit()\n",
    "another property of the protocol": "async def go(h: HasSession):\n    await h.journal.commit()\n",
    "isinstance of something else": (
        "async def go(t: AsyncSession | Journal):\n    if isinstance(t, Journal): await t.commit()\n"
    ),
    "no session": (
        "async def go(t: AsyncSession | Journal):\n"
        "    if isinstance(t, AsyncSession): await t.flush()\n    else: await t.commit()\n"
    ),
    "a match for something else": (
        "async def go(t: AsyncSession | Journal):\n    match t:\n        case Journal(): await t.commit()\n"
    ),
    "a slice of something else": "async def go(*js: Journal):\n    for j in reversed(js[1:]): await j.commit()\n",
}


@pytest.mark.parametrize("name", DISGUISES)
def test_the_commit_is_found_through(name):
    assert findings(HEAD + DISGUISES[name]) == [
        ALWAYS,
        f"app/services/x.py:{START + DISGUISES[name].count(chr(10)) - 1} TXN201",
    ]


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_nothing_is_said_of(name):
    assert findings(HEAD + LOOK_ALIKES[name]) == [ALWAYS]


def test_a_mixin_commits_the_session_that_its_sub_class_was_given():
    endpoint = """\
from fastapi import APIRouter, Depends
from app.session import get_session_dependency
router = APIRouter()
@router.post("/")
async def go(session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        await Writer(session).save()
"""
    assert f"app/services/x.py:{START + 6} TXN205" in findings(HEAD + endpoint)
