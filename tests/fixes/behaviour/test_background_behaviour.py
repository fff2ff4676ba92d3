"""Background work finds its rows once the fixes have moved it."""

from tests.fixes.behaviour.running import outcomes
from tests.support.postgres import PostgresServer

ROUTER = """\
import asyncio

from fastapi import APIRouter, BackgroundTasks, Depends
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.security import get_current_user
from app.models.item import Item
from app.session import get_session_dependency
from app.tasks.scan import close, scan

router = APIRouter(dependencies=[Depends(get_current_user)])
running = set()


@router.post("/scan/{tenant}")
async def start(tenant: str, session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        item = Item(name="x", status="new", tenant_id=tenant)
        session.add(item)
        await session.flush()
        # looks at the item
        task = asyncio.create_task(scan(item.id))
        running.add(task)
        await asyncio.sleep(0.1)
        return {"id": str(item.id)}


@router.post("/close/{item_id}")
async def end(item_id: str, background: BackgroundTasks, session: AsyncSession = Depends(get_session_dependency)):
    background.add_task(close, session, item_id, status="closed")


async def one(session: AsyncSession, status: str):
    return (await session.scalars(select(Item.name).where(Item.status == status))).all()


@router.get("/both")
async def both(session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        seen, closed = await asyncio.gather(one(session, "seen"), one(session, "closed"))
        every = await asyncio.gather(*[one(session, status) for status in ("new", "seen", "closed")])
    return [seen, closed, every]


@router.get("/tasks")
async def tasks(session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        async with asyncio.TaskGroup() as group:
            seen = group.create_task(one(session, "seen"))
            closed = group.create_task(one(session, "closed"))
        new = asyncio.create_task(one(session, "new"))
        again = asyncio.create_task(one(session, "closed"))
        return [seen.result(), closed.result(), await new, await again]
"""
TASKS = '''\
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session


async def scan(item_id):
    async with get_session() as session, session.begin():
        item = await session.get(Item, item_id)
        if item is not None:
            item.status = "seen"


async def close(session: AsyncSession, item_id: str, status: str):
    """Closes an item."""
    item = await session.get(Item, item_id)
    item.status = status
'''
SCENARIO = """\
import asyncio
import uuid

import httpx
from fastapi import FastAPI
from sqlalchemy import select

from app.models.item import Item
from app.routers.items import router, running
from app.session import session_factory


async def statuses():
    async with session_factory() as session:
        return list(await session.scalars(select(Item.status)))


async def scenario():
    app = FastAPI()
    app.include_router(router)
    transport, headers = httpx.ASGITransport(app, raise_app_exceptions=False), {"authorization": "me"}
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        answer = await client.post(f"/scan/{uuid.uuid4()}")
        await asyncio.gather(*running)
        found = [answer.status_code, await statuses()]
        await client.post(f"/close/{answer.json()['id']}")
        found.append(await statuses())
        for path in ("/both", "/tasks"):
            answer = await client.get(path)
            found += [answer.status_code, answer.json() if answer.status_code == 200 else None]
        return found
"""


def test_work_runs_after_the_commit_in_its_own_session_and_one_statement_at_a_time(server: PostgresServer) -> None:
    files = {"app/routers/items.py": ROUTER, "app/tasks/scan.py": TASKS}
    before, after, fixed = outcomes(server, files, SCENARIO, select=("TXN601", "TXN602", "TXN603"))
    assert (fixed.reasons, fixed.findings) == ([], [])
    assert before[:3] == [200, ["new"], ["new"]]
    both, tasks = [[], ["x"], [[], [], ["x"]]], [[], ["x"], [], ["x"]]
    assert after == [200, ["seen"], ["closed"], 200, both, 200, tasks]
