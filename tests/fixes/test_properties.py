"""Whatever is thrown together, fixing ends with nothing left to fix, is done once, and keeps the rest as it was."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sessionlint.fixable import FIXERS
from tests.fixes.support import fixed

PATH = "app/routers/mixed.py"
HEAD = '''\
"""Endpoints thrown together."""

import asyncio
import uuid

from fastapi import APIRouter, BackgroundTasks, Depends
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from app.auth.security import get_current_user
from app.models.item import Item
from app.session import get_session, get_session_dependency, session_factory

router = APIRouter(dependencies=[Depends(get_current_user)])


async def scan(number):
    return number


async def load(session, number):
    return await session.get(Item, number)


async def get_tenant_id(number: int = 0):
    return number
'''
#: pieces that break a rule each (or none); ``{n}`` makes the names different
PIECES = (
    "async def start_{n}():\n    asyncio.create_task(scan({n}))\n",
    "async def start_{n}():\n    # in the background\n    task = asyncio.create_task(scan({n}))  # soon\n"
    "    return {n}\n",
    "async def unit_{n}():\n    async with get_session() as session:\n        async with session.begin():\n"
    "            yield session\n",
    '@router.post("/{n}")\nasync def create_{n}(session: AsyncSession = Depends(get_session_dependency)):\n'
    "    session.add(Item())\n    await session.commit()\n    return {n}\n",
    '@router.put("/{n}")\nasync def put_{n}(session: AsyncSession = Depends(get_session_dependency)):\n    try:\n'
    "        session.add(Item())\n        await session.commit()\n    except Exception:\n"
    "        await session.rollback()\n        raise\n    return {n}\n",
    '@router.get("/{n}")\nasync def list_{n}(tenant_id: str, session: AsyncSession = '
    "Depends(get_session_dependency)):\n"
    "    rows = await session.scalars(select(Item).where(Item.tenant_id == tenant_id, Item.name == 'a'))\n"
    "    return list(rows)\n",
    '@router.delete("/{n}")\nasync def delete_{n}():\n    async with session_factory() as session:\n'
    "        async with session.begin():\n            await session.delete(await session.get(Item, {n}))\n",
    '@router.patch("/{n}")\nasync def patch_{n}(tasks: BackgroundTasks, session: AsyncSession = '
    "Depends(get_session_dependency)):\n    async with session.begin():\n        session.add(Item())\n"
    "        tasks.add_task(scan, {n})\n",
    "engine_{n} = create_async_engine('postgresql+asyncpg://app@db.example.supabase.com:6543/app')\n",
    "def name_{n}():\n    return f'item-{{uuid.uuid4()}}'\n",
    '@router.get("/{n}/both")\nasync def both_{n}(session: AsyncSession = Depends(get_session_dependency)):\n'
    "    async with session.begin():\n        async with asyncio.TaskGroup() as tasks:\n"
    "            tasks.create_task(load(session, {n}))\n            tasks.create_task(load(session, 1))\n",
    '@router.get("/{n}/two")\nasync def two_{n}(session: AsyncSession = Depends(get_session_dependency)):\n'
    "    async with session.begin():\n        one = asyncio.create_task(load(session, {n}))\n"
    "        two = asyncio.create_task(load(session, 1))\n        return await one, await two\n",
    '@router.get("/{n}/own", dependencies=[Depends(get_tenant_id)])\nasync def own_{n}():\n    return {n}\n',
    "class Repository_{n}:\n    def __init__(self, session):\n        self.session = session\n\n"
    "    async def add_{n}(self):\n        self.session.add(Item())\n        await self.session.commit()\n",
    "plain_engine_{n} = create_async_engine('postgresql+asyncpg://app@db.example.com/app', pool_size={n})\n",
    "def plain_{n}():\n    return {n}  # nothing is wrong here\n",
)


@st.composite
def modules(draw: st.DrawFn) -> str:
    """A module of a few pieces, some of them twice."""
    chosen = draw(st.lists(st.sampled_from(PIECES), min_size=1, max_size=6))
    return "\n\n".join([HEAD, *(piece.replace("{n}", str(number)) for number, piece in enumerate(chosen))])


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(modules())
def test_what_is_left_was_refused_and_a_second_run_changes_nothing(text):
    for unsafe in (False, True):
        first = fixed({PATH: text}, unsafe=unsafe)
        fixable = sorted(f.fingerprint for f in first.findings if f.code in FIXERS and f.path == PATH)
        told = [r.finding for r in first.refused] + [p.finding for p in first.outcome.held]
        assert sorted(f.fingerprint for f in told if f.path == PATH) == fixable
        assert not any("this is a defect" in reason for reason in first.reasons), first.reasons
        second = fixed({PATH: first.files[PATH]}, unsafe=unsafe)
        assert second.files == first.files
        assert second.reasons == first.reasons


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(modules())
def test_every_comment_survives(text):
    result = fixed({PATH: text})
    for comment in ("# in the background", "# soon", "# nothing is wrong here"):
        assert result.files[PATH].count(comment) == text.count(comment)
