"""Follows a batch for as long as somebody watches, one short session per look."""

import asyncio
from collections.abc import AsyncIterator

from src.services import batch_processor_service
from src.session.async_session import get_session

FINAL = {"done", "failed"}


async def progress_events(batch_id: str) -> AsyncIterator[str]:
    """Server-sent events until the batch ends; no session is open between two looks."""
    while True:
        async with get_session() as session:
            batch = await batch_processor_service.find_batch(session, batch_id)
            if batch is None:
                return
            state = await batch_processor_service.progress(session, batch)
        yield f"data: {state.model_dump_json()}\n\n"
        if state.status in FINAL:
            return
        await asyncio.sleep(1.0)
