"""Sitemaps, over whatever connection is at hand."""

from uuid import UUID

from src.db import direct_session
from src.models.batch import Page


async def store_sitemap(domain_id: UUID, addresses: list[str]) -> None:
    """Stores the addresses of a sitemap."""
    async with direct_session.get_direct_session() as session:  # TXN105
        async with session.begin():
            session.add_all([Page(domain_id=domain_id, url=address) for address in addresses])
