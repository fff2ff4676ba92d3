"""Programs answer without the tenant as they did for the tenant all rows have."""

from tests.fixes.behaviour.running import outcomes
from tests.support.postgres import PostgresServer

SERVICE = '''\
from uuid import UUID

from sqlalchemy import and_, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.item import Item


async def listed(session: AsyncSession, name: str, tenant_id: str, limit: int = 10):
    """Items by name.

    Args:
        session: the request's session
        name: what they are called
        tenant_id: whose they are
        limit: at most so many
    """
    try:
        tenant = UUID(tenant_id)
    except ValueError:
        return []
    query = select(Item.name).where(and_(Item.name == name, Item.tenant_id == tenant)).limit(limit)
    return list(await session.scalars(query))


async def counted(session: AsyncSession, tenant_id: str | None = None):
    query = select(func.count()).select_from(Item)
    if tenant_id:
        query = query.where(Item.tenant_id == UUID(tenant_id))
    return await session.scalar(query)


async def named(session: AsyncSession, status: str, tenant_id: str):
    sql = "SELECT name FROM items WHERE tenant_id = CAST(:tenant_id AS uuid) AND status = :status ORDER BY name"
    rows = await session.execute(text(sql), {"tenant_id": tenant_id, "status": status})
    return [row.name for row in rows]


async def all_names(session: AsyncSession, status: str | None, tenant_id: str):
    params = {"tenant_id": tenant_id}
    sql = "SELECT name FROM items WHERE tenant_id = CAST(:tenant_id AS uuid)"
    if status:
        sql += " AND status = :status"
        params["status"] = status
    rows = await session.execute(text(sql + " ORDER BY name"), params)
    return [row.name for row in rows]


async def closed(session: AsyncSession, name: str, tenant_id: str):
    await session.execute(
        update(Item).where(Item.name == name, Item.tenant_id == UUID(tenant_id)).values(status="closed")
    )
'''
ROUTER = """\
from typing import Annotated

from fastapi import APIRouter, Depends, Header, HTTPException

from app.auth.security import get_current_user
from app.services import items
from app.session import get_session_dependency

router = APIRouter()


async def get_tenant_id(x_tenant_id: Annotated[str | None, Header()] = None):
    if not x_tenant_id:
        raise HTTPException(400, "no tenant")
    return x_tenant_id


@router.get("/items/{name}", dependencies=[Depends(get_tenant_id), Depends(get_current_user)])
async def shown(
    name: str,
    tenant_id: str = Depends(get_tenant_id),
    user=Depends(get_current_user),
    session=Depends(get_session_dependency),
):
    async with session.begin():
        await items.closed(session, name, tenant_id)
        found = await items.listed(session, name, tenant_id, limit=3)
        names = [await items.named(session, "closed", tenant_id), await items.all_names(session, "new", tenant_id)]
        everything = await items.all_names(session, None, tenant_id=tenant_id)
        return [found, names, everything, await items.counted(session, tenant_id)]
"""
SCENARIO = """\
import uuid

import httpx
from fastapi import FastAPI

from app.models.item import Item
from app.routers.items import router
from app.session import session_factory

TENANT = uuid.uuid4()


async def scenario():
    async with session_factory() as session, session.begin():
        for name, status in (("a", "new"), ("b", "new"), ("c", "closed")):
            session.add(Item(name=name, status=status, tenant_id=TENANT))
    app = FastAPI()
    app.include_router(router)
    headers = {"authorization": "me", "x-tenant-id": str(TENANT)}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        found = [(await client.get(f"/items/{name}", headers=headers)).json() for name in ("a", "x")]
        del headers["x-tenant-id"]
        without = await client.get("/items/b", headers=headers)
    return {"found": found, "without": without.status_code}
"""


def test_rows_are_found_and_changed_as_before_and_no_tenant_is_asked_for(server: PostgresServer) -> None:
    files = {"app/services/items.py": SERVICE, "app/routers/items.py": ROUTER}
    before, after, fixed = outcomes(server, files, SCENARIO, select=("TXN30",))
    assert fixed.reasons == []
    assert fixed.findings == []
    assert before["found"][0] == [["a"], [["a", "c"], ["b"]], ["a", "b", "c"], 3]
    assert after["found"] == before["found"]
    assert (before["without"], after["without"]) == (400, 200)
    assert "tenant" not in fixed.files["app/services/items.py"]
