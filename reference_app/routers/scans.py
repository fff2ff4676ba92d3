"""Single scans: submit one domain, read its result and pages, retry it; and the dead letters."""

from __future__ import annotations

import asyncio
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response
from fastapi.responses import JSONResponse

from reference_app.auth.guard import Require
from reference_app.auth.permissions import Permission
from reference_app.auth.principal import Principal
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
from reference_app.schemas.batches import AttemptView, PageView, ScanCreation, ScanDetail, ScanView
from reference_app.schemas.common import ListPage
from reference_app.services import batches, scans
from reference_app.session import SessionDep

router = make_router("/scans", "Scans")
dead_letters = make_router("/dead-letters", "Scans")

Reader = Annotated[Principal, Depends(Require(Permission.BATCHES_READ))]
Writer = Annotated[Principal, Depends(Require(Permission.BATCHES_WRITE))]
DeadLetterReader = Annotated[Principal, Depends(Require(Permission.DEAD_LETTERS_READ))]

_CREATED = 201


@router.post("", status_code=_CREATED, response_model=ScanView, summary="Submit one domain", responses=CONFLICTING)
async def create_scan(
    body: ScanCreation,
    response: Response,
    principal: Writer,
    session: SessionDep,
    state: State,
    idempotency_key: IdempotencyKey = None,
) -> ScanView | JSONResponse:
    """Stores a batch of one domain and its job, and answers with its scan."""
    await state.limits.count_creation(str(principal.user_id))
    submission = await asyncio.to_thread(read_targets, [body.target], "reject_all", state.settings)
    creation = Creation.of(principal, "create-scan", idempotency_key, body, state.settings)
    async with session.begin():
        if (answer := await creation.replay(session)) is not None:
            return answer
        batch = await batches.create_batch(
            session,
            created_by_id=principal.user_id,
            scans=submission.scans,
            options=batch_options(body.max_pages, None, None, state.settings),
            request_id=current_request_id(),
        )
        found = await scans.list_scans(session, batch.id, status=None, cursor=None, limit=1)
        created = ScanView.model_validate(found.rows[0])
        await creation.remember(session, _CREATED, created)
    response.headers["Location"] = f"{router.prefix}/{created.id}"
    return created


@router.get("/{scan_id}", summary="Read a scan", responses=MISSING)
async def get_scan(scan_id: UUID, principal: Reader, session: SessionDep) -> ScanDetail:
    """A scan's state and result, and every attempt at it."""
    async with session.begin():
        scan = await scans.get_scan(session, scan_id, owner=principal.owner_filter(Permission.BATCHES_READ_ALL))
        attempts = await scans.list_attempts(session, scan.id)
    tries = [AttemptView.model_validate(attempt) for attempt in attempts]
    return ScanDetail(**ScanView.model_validate(scan).model_dump(), tries=tries)


@router.get("/{scan_id}/pages", summary="List a scan's pages", responses=MISSING)
async def list_pages(
    scan_id: UUID,
    principal: Reader,
    session: SessionDep,
    cursor: CursorParameter = None,
    limit: LimitParameter = DEFAULT_LIMIT,
) -> ListPage[PageView]:
    """The pages in the order they were read."""
    async with session.begin():
        scan = await scans.get_scan(session, scan_id, owner=principal.owner_filter(Permission.BATCHES_READ_ALL))
        found = await scans.list_pages(session, scan.id, cursor=cursor, limit=limit)
    return ListPage(items=[PageView.model_validate(row) for row in found.rows], next_cursor=found.next_cursor)


@router.post("/{scan_id}/retry", summary="Retry a scan", responses=MISSING | CONFLICTING)
async def retry_scan(scan_id: UUID, principal: Writer, session: SessionDep) -> ScanView:
    """Queues a failed or dead scan again; its former pages are dropped."""
    owner = principal.owner_filter(Permission.BATCHES_WRITE_ALL)
    async with session.begin():
        scan = await scans.retry_scan(session, scan_id, owner=owner, request_id=current_request_id())
    return ScanView.model_validate(scan)


@dead_letters.get("", summary="List dead scans")
async def list_dead_letters(
    principal: DeadLetterReader,
    session: SessionDep,
    cursor: CursorParameter = None,
    limit: LimitParameter = DEFAULT_LIMIT,
) -> ListPage[ScanView]:
    """Scans whose attempts are used up, the latest first. `POST /scans/{scan_id}/retry` starts one again."""
    owner = principal.owner_filter(Permission.BATCHES_READ_ALL)
    async with session.begin():
        found = await scans.list_dead(session, owner=owner, cursor=cursor, limit=limit)
    return ListPage(items=[ScanView.model_validate(row) for row in found.rows], next_cursor=found.next_cursor)
