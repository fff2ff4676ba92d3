"""Server-sent events of a batch's progress, in the form browsers' ``EventSource`` reads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from time import monotonic
from uuid import UUID

from fastapi.sse import format_sse_event

from reference_app.live.progress import ProgressHub
from reference_app.schemas.batches import ProgressView

_KEEP_ALIVE_SECONDS = 15.0
_RECONNECT_MILLISECONDS = 3000


async def progress_events(hub: ProgressHub, batch_id: UUID, stream_seconds: float) -> AsyncIterator[bytes]:
    """A batch's progress until it is over, or for ``stream_seconds``, after which browsers ask again."""
    ends = monotonic() + stream_seconds
    yield format_sse_event(comment="watching", retry=_RECONNECT_MILLISECONDS)
    pause = min(_KEEP_ALIVE_SECONDS, stream_seconds)
    async with aclosing(hub.watch(batch_id, pause_seconds=pause)) as changes:
        async for progress in changes:
            if progress is None:
                yield format_sse_event(comment="still here")
            else:
                view = ProgressView.of(progress)
                yield format_sse_event(data_str=view.model_dump_json(), event="progress")
                if progress.is_over:
                    yield format_sse_event(data_str="{}", event="end")
            if monotonic() >= ends:
                return
