"""Programs whose commits became blocks answer as before and leave the same rows, failures included."""

from tests.fixes.behaviour.running import outcomes
from tests.support.postgres import PostgresServer

MODEL = """\
import uuid

from sqlalchemy.dialects.postgresql import UUID as PGUUID
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "items"

    id: Mapped[uuid.UUID] = mapped_column(PGUUID(as_uuid=True), primary_key=True, default=uuid.uuid4)
    name: Mapped[str] = mapped_column(unique=True)
    status: Mapped[str] = mapped_column(default="new")
"""
SERVICE = """\
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


async def store(session: AsyncSession, name: str) -> Item:
    item = Item(name=name)
    session.add(item)
    await session.commit()
    await session.refresh(item)
    return item


async def close(session: AsyncSession, name: str) -> bool:
    item = await session.scalar(select(Item).where(Item.name == name))
    if item is None:
        return False
    item.status = "closed"
    await session.commit()
    return True


class Shelf:
    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def put(self, names: list[str]) -> int:
        try:
            self.session.add_all([Item(name=name) for name in names])
            await self.session.commit()
        except Exception:
            await self.session.rollback()
            raise
        return len(names)
"""
ROUTER = """\
from fastapi import APIRouter, Depends, HTTPException
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.security import get_current_user
from app.models.item import Item
from app.services import items as service
from app.session import get_session_dependency
from app.tasks.nightly import log

router = APIRouter(dependencies=[Depends(get_current_user)])


@router.post("/plain/{name}")
async def plain(name: str, session: AsyncSession = Depends(get_session_dependency)):
    item = Item(name=name)
    session.add(item)
    await session.commit()
    await session.refresh(item)
    return {"name": item.name, "status": item.status}


@router.put("/plain/{name}/{status}")
async def change(name: str, status: str, session: AsyncSession = Depends(get_session_dependency)):
    item = await session.scalar(select(Item).where(Item.name == name))
    if item is None:
        raise HTTPException(404)
    if item.status == status:
        return "as it was"
    item.status = status
    # Commit the change
    await session.commit()
    return item.status


@router.post("/guarded/{name}")
async def guarded(name: str, session: AsyncSession = Depends(get_session_dependency)):
    try:
        session.add(Item(name=name))
        await session.commit()
    except IntegrityError as error:
        await session.rollback()
        raise HTTPException(409, "taken") from error
    return "made"


@router.post("/lenient/{name}")
async def lenient(name: str, session: AsyncSession = Depends(get_session_dependency)):
    try:
        session.add(Item(name=name))
        await session.commit()
    except IntegrityError:
        await session.rollback()
        return "was there"
    return "made"


@router.post("/looked-up/{name}")
async def looked_up(name: str, session: AsyncSession = Depends(get_session_dependency)):
    found = (await session.scalars(select(Item).where(Item.name.startswith(name)))).all()
    if not found:
        return 0
    try:
        for item in found:
            item.status = "seen"
        if len(found) > 2:
            raise ValueError("too many")
        await session.commit()  # commit
    except ValueError as error:
        log.append(str(error))
        await session.rollback()
        raise HTTPException(400, str(error)) from error
    return len(found)


@router.post("/twice/{name}")
async def twice(name: str, session: AsyncSession = Depends(get_session_dependency)):
    item = Item(name=name)
    session.add(item)
    await session.commit()
    log.append(item.name)
    item.status = "second"
    if name == "broken":
        raise HTTPException(500)
    await session.commit()
    return item.status


@router.post("/either/{name}")
async def either(name: str, late: bool, session: AsyncSession = Depends(get_session_dependency)):
    if late:
        session.add(Item(name=name, status="late"))
        await session.commit()
    else:
        await session.execute(update(Item).where(Item.name == name).values(status="early"))
        await session.commit()
    return "done"


@router.post("/service/{name}")
async def through_service(name: str, session: AsyncSession = Depends(get_session_dependency)):
    item = await service.store(session, name)
    closed = await service.close(session, "absent")
    return [item.name, item.status, closed]


@router.post("/shelf/{name}")
async def shelf(name: str, session: AsyncSession = Depends(get_session_dependency)):
    keeper = service.Shelf(session)
    try:
        return await keeper.put([name, f"{name}2"])
    except IntegrityError:
        return "taken"
"""
TASK = """\
from sqlalchemy import select

from app.models.item import Item
from app.services.items import close
from app.session import get_session

log: list[str] = []


async def nightly(names: list[str]) -> None:
    for name in names:
        async with get_session() as session:
            try:
                item = await session.scalar(select(Item).where(Item.name == name))
                if item is None:
                    continue
                item.status = "nightly"
                if name == "guard":
                    raise ValueError(name)
                await session.commit()
            except ValueError as error:
                log.append(f"failed: {error}")
                await session.rollback()
                raise


async def closing(name: str) -> bool:
    async with get_session() as session:
        return await close(session, name)
"""
SCENARIO = """\
import httpx
from fastapi import FastAPI
from sqlalchemy import select

from app.models.item import Item
from app.routers.items import router
from app.session import session_factory
from app.tasks.nightly import closing, log, nightly

CALLS = [
    ("POST", "/plain/a"), ("PUT", "/plain/a/open"), ("PUT", "/plain/a/open"), ("PUT", "/plain/none/open"),
    ("POST", "/guarded/guard"), ("POST", "/guarded/guard"), ("POST", "/lenient/guard"), ("POST", "/lenient/l"),
    ("POST", "/looked-up/zzz"), ("POST", "/looked-up/a"), ("POST", "/plain/b1"), ("POST", "/plain/b2"),
    ("POST", "/plain/b3"), ("POST", "/looked-up/b"), ("POST", "/twice/t"), ("POST", "/twice/broken"),
    ("POST", "/either/e?late=true"), ("POST", "/either/e?late=false"), ("POST", "/either/e2?late=true"),
    ("POST", "/service/s"), ("POST", "/shelf/h"), ("POST", "/shelf/h"), ("POST", "/plain/a"),
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
    for names in (["l", "missing", "t"], ["e", "guard", "h"]):
        try:
            await nightly(names)
        except ValueError as error:
            said.append(str(error))
    said += [await closing("h2"), await closing("missing"), log]
    async with session_factory() as session:
        rows = await session.execute(select(Item.name, Item.status).order_by(Item.name))
        return {"said": said, "rows": [list(row) for row in rows]}
"""
FILES = {
    "app/models/item.py": MODEL,
    "app/services/items.py": SERVICE,
    "app/routers/items.py": ROUTER,
    "app/tasks/nightly.py": TASK,
}


def test_commits_by_hand_and_blocks_save_the_same_rows(server: PostgresServer) -> None:
    before, after, fixed = outcomes(server, FILES, SCENARIO, select=("TXN201", "TXN202"))
    assert fixed.reasons == []
    assert [finding for finding in fixed.findings if finding.code in ("TXN201", "TXN202")] == []
    assert not any(end in text for text in fixed.files.values() for end in (".commit()", ".rollback()"))
    assert {"b2", "broken", "h2"} <= {name for name, _ in before["rows"]}
    assert [answer[1] for answer in before["said"][:23]].count(500) == 2
    assert after == before
