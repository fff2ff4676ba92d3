"""Programs whose sessions come from the approved source answer as before and leave the same rows."""

from tests.fixes.behaviour.running import outcomes
from tests.fixes.behaviour.test_transactions_behaviour import MODEL
from tests.support.postgres import PostgresServer

HELPERS = """\
from contextlib import asynccontextmanager

from app.session import session_factory


async def get_db():
    session = session_factory()
    try:
        yield session
    finally:
        await session.close()


@asynccontextmanager
async def opened():
    async with session_factory() as session:
        yield session
"""
ROUTER = """\
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.security import get_current_user
from app.database import get_db, opened
from app.models.item import Item
from app.session import get_session, session_factory

router = APIRouter(dependencies=[Depends(get_current_user)])
SessionDep = Annotated[AsyncSession, Depends(get_db)]


@router.post("/injected/{name}")
async def injected(name: str, session: AsyncSession = Depends(get_db)):
    async with session.begin():
        session.add(Item(name=name))
    return name


@router.get("/aliased/{name}")
async def aliased(name: str, session: SessionDep):
    return await session.scalar(select(Item.status).where(Item.name == name))


@router.post("/opened/{name}")
async def opens(name: str):
    # one session for the request
    async with get_session() as session:
        async with session.begin():
            if await session.scalar(select(Item).where(Item.name == name)):
                raise HTTPException(409)
            session.add(Item(name=name))  # new
    return name


@router.post("/made/{name}")
async def makes(name: str, status: str = "made"):
    async with session_factory() as db:
        item = Item(name=name, status=status)
        db.add(item)
        await db.commit()
        await db.refresh(item)
        return item.status


@router.post("/both/{name}")
async def both(name: str, session: SessionDep):
    first = await makes(name, status="both")
    return [first, await session.scalar(select(Item.status).where(Item.name == name))]
"""
TASK = """\
from sqlalchemy import select, update

from app.database import get_db, opened
from app.models.item import Item
from app.session import session_factory


async def with_block(name: str) -> None:
    async with session_factory() as session, session.begin():
        session.add(Item(name=name))


async def helper(name: str) -> str | None:
    async with opened() as session:
        return await session.scalar(select(Item.status).where(Item.name == name))


async def generator(name: str) -> int:
    async for session in get_db():
        async with session.begin():
            changed = await session.execute(update(Item).where(Item.name == name).values(status="walked"))
    return changed.rowcount


async def closed(name: str) -> None:
    session = session_factory()
    try:
        session.add(Item(name=name))
        await session.commit()
    finally:
        await session.close()
"""
SCENARIO = """\
import httpx
from fastapi import FastAPI
from sqlalchemy import select

from app.models.item import Item
from app.routers.items import router
from app.session import engine, session_factory
from app.tasks.nightly import closed, generator, helper, with_block

CALLS = [
    ("POST", "/injected/a"), ("GET", "/aliased/a"), ("GET", "/aliased/b"), ("POST", "/opened/a"),
    ("POST", "/opened/o"), ("POST", "/made/m"), ("POST", "/made/a"), ("POST", "/both/c"),
]


async def scenario():
    app = FastAPI()
    app.include_router(router)
    said = []
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        for method, path in CALLS:
            answer = await client.request(method, path, headers={"authorization": "me"})
            said.append([path, answer.status_code, answer.text])
    await with_block("w")
    await closed("x")
    try:
        await closed("x")
    except Exception as error:
        said.append(type(error).__name__)
    said += [await helper("w"), await helper("none"), await generator("w"), engine.pool.checkedout()]
    async with session_factory() as session:
        rows = await session.execute(select(Item.name, Item.status).order_by(Item.name))
        return {"said": said, "rows": [list(row) for row in rows]}
"""
FILES = {
    "app/models/item.py": MODEL,
    "app/database.py": HELPERS,
    "app/routers/items.py": ROUTER,
    "app/tasks/nightly.py": TASK,
}


def test_sessions_of_the_approved_source_do_the_same(server: PostgresServer) -> None:
    before, after, fixed = outcomes(server, FILES, SCENARIO, select=("TXN101", "TXN105", "TXN106"))
    left = [reason for reason in fixed.reasons if "app/database.py" not in reason]
    assert left == []
    assert "get_db" not in fixed.files["app/routers/items.py"]
    assert "session_factory" not in fixed.files["app/tasks/nightly.py"]
    assert before["rows"] == [["a", "new"], ["c", "both"], ["m", "made"], ["o", "new"], ["w", "walked"], ["x", "new"]]
    assert after == before
