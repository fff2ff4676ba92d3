"""Runs maps searches in the background."""

import logging
from uuid import UUID

from src.scraping.fetching import search_places
from src.services import places_service
from src.session.async_session import get_session

logger = logging.getLogger(__name__)


async def run_search(user_id: UUID, query: str, location: str) -> None:
    """Searches, then stores what was found."""
    try:
        names = await search_places(query, location)
        async with get_session() as session, session.begin():
            await places_service.save_places(session, user_id, names)
    except Exception:
        logger.exception("search %r failed", query)
        raise
