"""Looks for batches that stopped moving."""

import logging
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from src.services import batch_processor_service
from src.session.async_session import get_session
from src.settings import settings

logger = logging.getLogger(__name__)
scheduler = AsyncIOScheduler()


async def sweep_stuck_batches() -> None:
    """Marks batches as failed that have not moved for a while."""
    before = datetime.now(UTC) - timedelta(minutes=settings.stuck_after_minutes)
    try:
        async with get_session() as session, session.begin():
            for batch_id in await batch_processor_service.stuck_batches(session, before):
                await batch_processor_service.set_status(session, batch_id, "failed", "stopped moving")
    except Exception as error:  # TXN604
        logger.debug("the sweep failed: %s", error)


def start() -> None:
    """Starts the periodic work."""
    scheduler.add_job(sweep_stuck_batches, "interval", minutes=5, max_instances=1)
    scheduler.start()
