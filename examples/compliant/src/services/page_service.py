"""Pages found on a domain. Works in the caller's transaction."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from src.models.batch import Domain, Page
from src.scraping.fetching import FetchedPage


async def save_pages(session: AsyncSession, domain_id: UUID, pages: list[FetchedPage]) -> None:
    """Stores what was found and marks the domain as done."""
    domain = await session.get(Domain, domain_id)
    if domain is None:
        return
    session.add_all([Page(domain_id=domain.id, url=page.url, title=page.title) for page in pages])
    domain.status = "done"
    await session.flush()


async def fail_domain(session: AsyncSession, domain_id: UUID, error: str) -> None:
    """Marks the domain as failed."""
    domain = await session.get(Domain, domain_id)
    if domain is not None:
        domain.status = "failed"
        domain.error = error
        await session.flush()


async def pages_of(session: AsyncSession, domain_id: UUID) -> list[Page]:
    """The pages of one domain, by address."""
    query = select(Page).where(Page.domain_id == domain_id).order_by(Page.url)
    return list((await session.scalars(query)).all())
