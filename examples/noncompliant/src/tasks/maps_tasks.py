"""Runs maps searches in the background."""

import logging
from uuid import UUID

from src.scraping.fetching import search_places
from src.services import places_service
from src.session.async_session import get_session

logger = logging.getLogger(__name__)


async def run_search(user_id: UUID, query: str, location: str) -> None:  # TXN604
    """Searches, then stores what was found; an error half way commits the half."""
    names = await search_places(query, location)
    async with get_session() as session, session.begin():
        for name in names:
            try:
                await places_service.save_places(session, user_id, [name])
            except Exception:  # TXN210
                logger.warning("place %r left out", name)
