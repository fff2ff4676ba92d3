"""Submit batches of domains and watch them."""

from uuid import UUID

from fastapi import APIRouter, BackgroundTasks, Depends, HTTPException
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from src.auth.security import User, get_current_user
from src.schemas import BatchCreated, BatchProgress, BatchRequest
from src.services import batch_processor_service
from src.session.async_session import get_session_dependency
from src.tasks.batch_tasks import process_batch
from src.tasks.progress import progress_events

router = APIRouter(prefix="/api/v3/batches", tags=["batches"])


@router.post("", status_code=202)
async def create_batch(
    request: BatchRequest,
    background_tasks: BackgroundTasks,
    session: AsyncSession = Depends(get_session_dependency),
    user: User = Depends(get_current_user),
) -> BatchCreated:
    async with session.begin():
        batch = await batch_processor_service.create_batch(session, request.domains, user.id)
    background_tasks.add_task(process_batch, batch.id)
    return BatchCreated(id=batch.id, status=batch.status)


@router.get("/{batch_id}")
async def read_batch(
    batch_id: UUID,
    session: AsyncSession = Depends(get_session_dependency),
    user: User = Depends(get_current_user),
) -> BatchProgress:
    batch = await batch_processor_service.find_batch(session, batch_id)
    if batch is None or batch.created_by != user.id:
        raise HTTPException(status_code=404, detail="no such batch")
    return await batch_processor_service.progress(session, batch)


@router.post("/{batch_id}/retry", status_code=202)
async def retry_batch(
    batch_id: UUID,
    background_tasks: BackgroundTasks,
    session: AsyncSession = Depends(get_session_dependency),
    user: User = Depends(get_current_user),
) -> BatchCreated:
    async with session.begin():
        batch = await batch_processor_service.find_batch(session, batch_id)
        if batch is None or batch.created_by != user.id:
            raise HTTPException(status_code=404, detail="no such batch")
        await batch_processor_service.set_status(session, batch_id, "pending")
    background_tasks.add_task(process_batch, batch_id)
    return BatchCreated(id=batch_id, status="pending")


@router.get("/{batch_id}/events", dependencies=[Depends(get_current_user)])
async def batch_events(batch_id: UUID) -> StreamingResponse:
    return StreamingResponse(progress_events(batch_id), media_type="text/event-stream")
