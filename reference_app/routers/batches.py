"""Batches: submit, follow, cancel, retry, export. Every transaction of these endpoints begins and ends here."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Query, Response
from fastapi.responses import JSONResponse, StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from reference_app.auth.guard import Require
from reference_app.auth.permissions import Permission
from reference_app.auth.principal import Principal
from reference_app.live.events import progress_events
from reference_app.live.export import MEDIA_TYPES, ExportFormat, export_stream
from reference_app.models import Batch, BatchStatus, ScanStatus
from reference_app.observability.logs import current_request_id
from reference_app.routers.factory import (
    CONFLICTING,
    DEFAULT_LIMIT,
    MISSING,
    Creation,
    CursorParameter,
    IdempotencyKey,
    LimitParameter,
    State,
    make_router,
)
from reference_app.routers.submission import batch_options, read_targets
from reference_app.schemas.batches import (
    BatchCreated,
    BatchCreation,
    BatchDetail,
    BatchView,
    ProgressView,
    RetryStarted,
    ScanView,
)
from reference_app.schemas.common import ListPage
from reference_app.services import batches, scans
from reference_app.session import SessionDep

router = make_router("/batches", "Batches")

Reader = Annotated[Principal, Depends(Require(Permission.BATCHES_READ))]
Writer = Annotated[Principal, Depends(Require(Permission.BATCHES_WRITE))]
Exporter = Annotated[Principal, Depends(Require(Permission.RESULTS_EXPORT))]

_CREATED = 201
_EXPORTED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "One line a page, and one for each scan without pages.",
        "content": {media.partition(";")[0]: {"schema": {"type": "string"}} for media in MEDIA_TYPES.values()},
    }
}
_STREAMED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "`progress` events with the JSON of the batch's progress; `end` when nothing will change.",
        "content": {"text/event-stream": {"schema": {"type": "string"}, "example": "event: progress\ndata: {}\n\n"}},
    }
}


@router.post(
    "", status_code=_CREATED, response_model=BatchCreated, summary="Submit a batch of domains", responses=CONFLICTING
)
async def create_batch(
    body: BatchCreation,
    response: Response,
    principal: Writer,
    session: SessionDep,
    state: State,
    idempotency_key: IdempotencyKey = None,
) -> BatchCreated | JSONResponse:
    """Stores the batch and its jobs at once; the answer says what became of every submitted domain."""
    await state.limits.count_creation(str(principal.user_id))
    submission = await asyncio.to_thread(read_targets, body.targets, body.on_invalid, state.settings)
    options = batch_options(body.max_pages, body.concurrency, body.name, state.settings)
    creation = Creation.of(principal, "create-batch", idempotency_key, body, state.settings)
    async with session.begin():
        if (answer := await creation.replay(session)) is not None:
            return answer
        batch = await batches.create_batch(
            session,
            created_by_id=principal.user_id,
            scans=submission.scans,
            options=options,
            request_id=current_request_id(),
        )
        detail = await _detail(session, batch)
        created = BatchCreated(**detail.model_dump(), rejected=submission.rejected, duplicates=submission.duplicates)
        await creation.remember(session, _CREATED, created)
    response.headers["Location"] = f"{router.prefix}/{batch.id}"
    return created


@router.get("", summary="List batches")
async def list_batches(
    principal: Reader,
    session: SessionDep,
    status: Annotated[BatchStatus | None, Query(description="Only batches in this state.")] = None,
    cursor: CursorParameter = None,
    limit: LimitParameter = DEFAULT_LIMIT,
) -> ListPage[BatchView]:
    """The caller's batches, or everybody's with `batches:read-all`, newest first."""
    owner = principal.owner_filter(Permission.BATCHES_READ_ALL)
    async with session.begin():
        found = await batches.list_batches(session, owner=owner, status=status, cursor=cursor, limit=limit)
    return ListPage(items=[BatchView.model_validate(row) for row in found.rows], next_cursor=found.next_cursor)


@router.get("/{batch_id}", summary="Read a batch", responses=MISSING)
async def get_batch(batch_id: UUID, principal: Reader, session: SessionDep) -> BatchDetail:
    """A batch and how far it is."""
    async with session.begin():
        batch = await batches.get_batch(session, batch_id, owner=principal.owner_filter(Permission.BATCHES_READ_ALL))
        return await _detail(session, batch)


@router.get("/{batch_id}/scans", summary="List a batch's scans", responses=MISSING)
async def list_scans(
    batch_id: UUID,
    principal: Reader,
    session: SessionDep,
    status: Annotated[ScanStatus | None, Query(description="Only scans in this state.")] = None,
    cursor: CursorParameter = None,
    limit: LimitParameter = DEFAULT_LIMIT,
) -> ListPage[ScanView]:
    """The scans in the order their domains were submitted."""
    owner = principal.owner_filter(Permission.BATCHES_READ_ALL)
    async with session.begin():
        batch = await batches.get_batch(session, batch_id, owner=owner)
        found = await scans.list_scans(session, batch.id, status=status, cursor=cursor, limit=limit)
    return ListPage(items=[ScanView.model_validate(row) for row in found.rows], next_cursor=found.next_cursor)


@router.post("/{batch_id}/cancel", summary="Cancel a batch", responses=MISSING | CONFLICTING)
async def cancel_batch(batch_id: UUID, principal: Writer, session: SessionDep) -> BatchDetail:
    """Cancels what waits; scans at work stop before their next page. Repeating it changes nothing."""
    async with session.begin():
        owner = principal.owner_filter(Permission.BATCHES_WRITE_ALL)
        batch = await batches.cancel_batch(session, batch_id, owner=owner)
        return await _detail(session, batch)


@router.post("/{batch_id}/retry", summary="Retry a batch's failed scans", responses=MISSING | CONFLICTING)
async def retry_batch(batch_id: UUID, principal: Writer, session: SessionDep) -> RetryStarted:
    """Queues every failed and dead scan of the batch again."""
    owner = principal.owner_filter(Permission.BATCHES_WRITE_ALL)
    async with session.begin():
        queued = await batches.retry_failed(session, batch_id, owner=owner, request_id=current_request_id())
    return RetryStarted(batch_id=batch_id, queued=queued)


@router.get(
    "/{batch_id}/events",
    summary="Watch a batch",
    response_class=StreamingResponse,
    responses=MISSING | _STREAMED,
)
async def watch_batch(batch_id: UUID, principal: Reader, session: SessionDep, state: State) -> StreamingResponse:
    """Server-sent events with the batch's progress. The session is closed before the stream starts."""
    async with session.begin():
        batch = await batches.get_batch(session, batch_id, owner=principal.owner_filter(Permission.BATCHES_READ_ALL))
    events = progress_events(state.progress, batch.id, state.settings.progress_stream_seconds)
    return StreamingResponse(events, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


@router.get(
    "/{batch_id}/export",
    summary="Export a batch's results",
    response_class=StreamingResponse,
    responses=MISSING | _EXPORTED,
)
async def export_batch(
    batch_id: UUID,
    principal: Exporter,
    session: SessionDep,
    form: Annotated[ExportFormat, Query(alias="format", description="How to write the results.")] = "csv",
) -> StreamingResponse:
    """Every page of the batch as CSV or JSON lines, streamed. The session is closed before the stream starts."""
    async with session.begin():
        batch = await batches.get_batch(session, batch_id, owner=principal.owner_filter(Permission.BATCHES_READ_ALL))
    disposition = {"Content-Disposition": f'attachment; filename="batch-{batch.id}.{form}"'}
    return StreamingResponse(export_stream(batch.id, form), media_type=MEDIA_TYPES[form], headers=disposition)


async def _detail(session: AsyncSession, batch: Batch) -> BatchDetail:
    progress = (await batches.progress_of(session, [batch.id]))[batch.id]
    view = BatchView.model_validate(batch)
    return BatchDetail(**view.model_dump(), progress=ProgressView.of(progress))
