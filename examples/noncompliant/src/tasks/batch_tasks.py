"""Scans batches in the background, on whatever session it is given."""

import asyncio
import logging
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from src.models.batch import BatchJob, Domain
from src.scraping.fetching import FetchedPage, fetch_page, fetch_sitemap
from src.services import batch_processor_service, page_service
from src.session.async_session import get_session

logger = logging.getLogger(__name__)
PAGES_PER_DOMAIN = 50


async def process_batch(session: AsyncSession, batch_id: str) -> None:  # TXN604
    """Scans the pending domains of a batch, all on one session."""
    domains = await batch_processor_service.pending_domains(session, batch_id)
    await asyncio.gather(*(scan_domain(session, domain) for domain in domains))  # TXN602


async def scan_domain(session: AsyncSession, domain: Domain) -> None:
    """Stores the addresses in a domain's sitemap."""
    addresses = await fetch_sitemap(domain.name)
    await page_service.save_pages(session, domain.id, [FetchedPage(url, None) for url in addresses])


async def rescan_batch(batch_id: str) -> None:
    """Scans a batch again; when that fails, nobody hears of it."""
    try:
        async with get_session() as session:
            async with session.begin():
                for domain in await batch_processor_service.pending_domains(session, batch_id):
                    await rescan_domain(session, domain)  # TXN207
    except Exception:  # TXN604
        pass


async def rescan_domain(session: AsyncSession, domain: Domain) -> None:
    """Fetches and stores the pages of one domain."""
    for address in await fetch_sitemap(domain.name):
        page = await fetch_page(address)  # TXN207
        await page_service.save_pages(session, domain.id, [page])


async def refresh_page(domain_id: UUID, address: str) -> None:
    """Fetches one page again."""
    page = await fetch_page(address)
    async with get_session() as session:
        try:
            async with session.begin():
                await page_service.save_pages(session, domain_id, [page])
        except Exception as error:
            logger.exception("page %s failed", address)
            async with get_session() as failure_session:  # TXN107
                async with failure_session.begin():
                    await page_service.fail_domain(failure_session, domain_id, str(error))


async def cancel_batch(batch_id: str) -> None:  # TXN604
    """Deletes a batch; nothing commits, so the next reader finds it running."""
    async with get_session() as session:
        await session.delete(await session.get(BatchJob, batch_id))  # TXN209
    batch = await session.get(BatchJob, batch_id)  # TXN208
    logger.info("batch %s is %s", batch_id, batch and batch.status)
