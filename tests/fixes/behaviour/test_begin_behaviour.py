"""Programs whose transactions were begun twice, loosely or by a service answer as the rules mean them to."""

from tests.fixes.behaviour.running import outcomes
from tests.fixes.behaviour.test_transactions_behaviour import MODEL
from tests.support.postgres import PostgresServer

ROUTER = """\
from fastapi import APIRouter, Depends, HTTPException
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.security import get_current_user
from app.models.item import Item
from app.services import items as service
from app.session import get_session_dependency

router = APIRouter(dependencies=[Depends(get_current_user)])


@router.post("/loose/{name}")
async def loose(name: str, session: AsyncSession = Depends(get_session_dependency)):
    transaction = await session.begin()
    try:
        session.add(Item(name=name))
        await transaction.commit()
    except Exception as error:
        await transaction.rollback()
        raise HTTPException(409) from error
    return name


@router.post("/savepoint/{name}")
async def savepoint(name: str, session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        session.add(Item(name=f"{name}-around"))
        point = await session.begin_nested()
        try:
            session.add(Item(name=name))
            await point.commit()
        except Exception:
            await point.rollback()
            return "taken"
    return name


@router.post("/service/{name}")
async def through_service(name: str, session: AsyncSession = Depends(get_session_dependency)):
    await service.store(session, name)
    return await service.stored(session, name)


@router.post("/own/{name}")
async def own(name: str):
    return await service.own(name, status="own")
"""
BROKEN = """

@router.post("/read-first/{name}")
async def read_first(name: str, session: AsyncSession = Depends(get_session_dependency)):
    found = await session.scalar(select(Item).where(Item.name == name))
    if found is None:
        raise HTTPException(404)
    async with session.begin():
        # seen
        found.status = "seen"
    return found.status


@router.post("/nested/{name}")
async def nested(name: str, session: AsyncSession = Depends(get_session_dependency)):
    async with session.begin():
        session.add(Item(name=name))
        async with session.begin():
            session.add(Item(name=f"{name}2"))
        await service.commits(session, f"{name}3")
        await session.execute(select(Item))
    return name
"""
SERVICE = '''\
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item
from app.session import get_session


async def store(session: AsyncSession, name: str) -> None:
    async with session.begin():
        session.add(Item(name=name))


async def stored(session: AsyncSession, name: str) -> str:
    try:
        async with session.begin():
            session.add(Item(name=name))
    except IntegrityError:
        return "was there"
    return "stored"


async def commits(session: AsyncSession, name: str) -> None:
    session.add(Item(name=name))
    await session.commit()


async def own(name: str, status: str = "new") -> str:
    """Stores an item on its own."""
    async with get_session() as session:
        async with session.begin():
            session.add(Item(name=name, status=status))
    return status
'''
TASK = """\
from app.models.item import Item
from app.services.items import own
from app.session import get_session


async def nightly(name: str) -> str:
    async with get_session() as session:
        try:
            async with session.begin():
                session.add(Item(name=name))
                raise ValueError(name)
        except ValueError as error:
            async with get_session() as second, second.begin():
                second.add(Item(name=f"{error}-failed"))
    return await own(f"{name}-own")
"""
SCENARIO = """\
import httpx
from fastapi import FastAPI
from sqlalchemy import select

from app.models.item import Item
from app.routers.items import router
from app.session import session_factory
from app.tasks.nightly import nightly

CALLS = ["loose/a", "loose/a", "savepoint/s", "savepoint/a", "service/b", "own/o", "own/o"]
LATER = ["read-first/a", "read-first/none", "nested/n"]


async def scenario():
    app = FastAPI()
    app.include_router(router)
    said = []
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        for path in (*CALLS, *LATER):
            answer = await client.post(f"/{path}", headers={"authorization": "me"})
            said.append([path, answer.status_code, answer.text])
    said.append(await nightly("task"))
    async with session_factory() as session:
        rows = await session.execute(select(Item.name, Item.status).order_by(Item.name))
        return {"said": said, "rows": [list(row) for row in rows]}
"""
MODELS = {"app/models/item.py": MODEL, "app/services/items.py": SERVICE, "app/tasks/nightly.py": TASK}


def test_loose_begins_service_blocks_and_own_sessions_give_the_same_rows(server: PostgresServer) -> None:
    files = {**MODELS, "app/routers/items.py": ROUTER}
    files["app/services/items.py"] = (
        SERVICE.replace(SERVICE[SERVICE.index("async def commits") :], "") + (SERVICE[SERVICE.index("async def own") :])
    )
    before, after, fixed = outcomes(server, files, SCENARIO, select=("TXN1", "TXN2"))
    assert fixed.reasons == []
    assert fixed.findings == []
    assert [answer[1] for answer in before["said"][:7]] == [200, 409, 200, 200, 200, 200, 500]
    assert len(before["rows"]) == 8
    assert after == before


def test_a_second_begin_that_always_failed_joins_the_open_transaction(server: PostgresServer) -> None:
    files = {**MODELS, "app/routers/items.py": ROUTER + BROKEN}
    before, after, fixed = outcomes(server, files, SCENARIO, select=("TXN1", "TXN2"))
    assert fixed.reasons == []
    assert fixed.findings == []
    assert [answer[1] for answer in before["said"][7:10]] == [500, 404, 500]
    assert [answer[1] for answer in after["said"][7:10]] == [200, 404, 200]
    assert after["said"][:7] == before["said"][:7]
    added = [row for row in after["rows"] if row not in before["rows"]]
    assert added == [["a", "seen"], ["n", "new"], ["n2", "new"], ["n3", "new"]]
