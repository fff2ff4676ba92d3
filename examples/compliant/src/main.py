"""Puts the service together."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from src.routers import batch_page_scraper, dev_tools, google_maps_api, profile
from src.scraping.fetching import fetch_page
from src.session.async_session import engine
from src.tasks import scheduler

logger = logging.getLogger(__name__)


async def check_network() -> None:
    """Says early when the machine cannot reach the web."""
    try:
        await fetch_page("https://example.com/")
    except Exception:
        logger.exception("the web cannot be reached")
        raise


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.network_check = asyncio.create_task(check_network())
    scheduler.start()
    yield
    await engine.dispose()


app = FastAPI(title="Page scraper", lifespan=lifespan)
app.include_router(batch_page_scraper.router)
app.include_router(google_maps_api.router)
app.include_router(profile.router)
app.include_router(dev_tools.router)
app.include_router(dev_tools.health_router)
