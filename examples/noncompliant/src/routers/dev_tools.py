"""For the people who look after the service."""

from uuid import UUID

from fastapi import APIRouter, Depends
from sqlalchemy import literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from src.auth.security import get_current_user
from src.services import db_inspector, page_service
from src.session.async_session import get_session_dependency

router = APIRouter(prefix="/api/v3/dev", tags=["dev"], dependencies=[Depends(get_current_user)])
health_router = APIRouter()


@router.get("/tables")
async def tables(names: str, session: AsyncSession = Depends(get_session_dependency)) -> dict[str, int]:
    return {name: await db_inspector.table_size(session, name) for name in names.split(",")}


@router.get("/titles")
async def titles(session: AsyncSession = Depends(get_session_dependency)) -> list[str]:
    return await db_inspector.titles(session)


@router.get("/domains/{domain_id}/pages")
async def pages(domain_id: UUID, session: AsyncSession = Depends(get_session_dependency)) -> list[str]:
    return [page.url for page in await page_service.pages_of(session, domain_id)]


@health_router.get("/health")
async def health(session: AsyncSession = Depends(get_session_dependency)) -> dict[str, str]:
    await session.execute(select(literal(1)))
    return {"status": "healthy"}
