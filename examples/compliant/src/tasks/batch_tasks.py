"""Scans batches in the background: ids in, own sessions, every failure recorded."""

import asyncio
import logging
from uuid import UUID

from src.scraping.fetching import fetch_page, fetch_sitemap
from src.services import batch_processor_service, page_service
from src.session.async_session import get_session

logger = logging.getLogger(__name__)
PAGES_PER_DOMAIN = 50


async def process_batch(batch_id: UUID) -> None:
    """Scans the pending domains of a batch, side by side."""
    try:
        async with get_session() as session:
            async with session.begin():
                await batch_processor_service.set_status(session, batch_id, "running")
                domains = await batch_processor_service.pending_domains(session, batch_id)
        await asyncio.gather(*(scan_domain(domain.id, domain.name) for domain in domains))
        async with get_session() as session:
            async with session.begin():
                await batch_processor_service.set_status(session, batch_id, "done")
    except Exception as error:
        logger.exception("batch %s failed", batch_id)
        async with get_session() as session:
            async with session.begin():
                await batch_processor_service.set_status(session, batch_id, "failed", str(error))


async def scan_domain(domain_id: UUID, name: str) -> None:
    """Fetches first, writes afterwards: no transaction waits for the network."""
    try:
        addresses = await fetch_sitemap(name)
        pages = [await fetch_page(address) for address in addresses[:PAGES_PER_DOMAIN]]
        async with get_session() as session:
            async with session.begin():
                await page_service.save_pages(session, domain_id, pages)
    except Exception as error:
        logger.exception("domain %s failed", name)
        async with get_session() as session:
            async with session.begin():
                await page_service.fail_domain(session, domain_id, str(error))
