"""Batches, from the outside."""

from httpx import AsyncClient
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from src.models.batch import Domain


async def test_a_submitted_batch_keeps_every_domain(client: AsyncClient, session: AsyncSession) -> None:
    response = await client.post("/api/v3/batches", json={"domains": ["example.com", "example.org"]})
    assert response.status_code == 202
    assert await session.scalar(select(func.count()).select_from(Domain)) == 2


async def test_a_foreign_batch_looks_like_none(client: AsyncClient) -> None:
    response = await client.get("/api/v3/batches/00000000-0000-0000-0000-000000000000")
    assert response.status_code == 404
