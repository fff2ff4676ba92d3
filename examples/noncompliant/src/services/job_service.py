"""Jobs, from before services left transactions to routers."""

from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from src.models.batch import Domain
from src.session.async_session import get_session


async def start_job(session: AsyncSession, batch_id: str) -> list[Domain]:
    """Marks the domains of a batch as running."""
    async with session.begin():  # TXN204
        found = await session.scalars(select(Domain).where(Domain.batch_id == batch_id))
        domains = list(found.all())
        for domain in domains:
            domain.status = "running"
    return domains


async def finish_job(session: AsyncSession, domain: Domain, status: str) -> None:
    """Marks a domain as done, and makes sure of it."""
    domain.status = status
    await session.commit()  # TXN201


async def count_jobs(session: AsyncSession, tenant_id: str) -> int:  # TXN303
    """How many domains a tenant has."""
    await session.execute(text("SELECT set_config('app.tenant_id', :t, true)"), {"t": tenant_id})  # TXN305
    query = "SELECT count(*) FROM domains"
    query += " WHERE tenant_id = :tenant_id"
    return await session.scalar(text(query), {"tenant_id": tenant_id}) or 0  # TXN302 TXN802


async def job_details(domain_id: str) -> dict[str, Any]:
    """A service that helps itself to a session."""
    async with get_session() as session:  # TXN106
        domain = await session.get(Domain, domain_id)
    return {"status": domain.status if domain else "unknown"}
