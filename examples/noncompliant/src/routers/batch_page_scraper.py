"""Submit batches of domains and watch them."""

from collections.abc import AsyncIterator

from fastapi import APIRouter, BackgroundTasks, Depends, HTTPException
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from src.auth.security import User, get_current_user
from src.schemas import BatchCreated, BatchProgress, BatchRequest
from src.services import batch_processor_service, job_service
from src.session.async_session import async_session_factory, get_session, get_session_dependency
from src.tasks.batch_tasks import cancel_batch, process_batch, rescan_batch

router = APIRouter(prefix="/api/v3/batches", tags=["batches"])


@router.post("", status_code=202)
async def create_batch(
    request: BatchRequest, background_tasks: BackgroundTasks, user: User = Depends(get_current_user)
) -> BatchCreated:
    async with async_session_factory() as session:  # TXN101
        await session.begin()  # TXN203
        try:
            batch = await batch_processor_service.create_batch(session, request.domains, user.id)
            await session.commit()  # TXN201
        except Exception:
            await session.rollback()  # TXN202
            raise
    background_tasks.add_task(rescan_batch, batch.id)
    return BatchCreated(id=batch.id, status=batch.status)


@router.post("/{batch_id}/start", status_code=202)
async def start_batch(
    batch_id: str,
    background_tasks: BackgroundTasks,
    session: AsyncSession = Depends(get_session_dependency),
    user: User = Depends(get_current_user),
) -> BatchCreated:
    async with session.begin():
        batch = await batch_processor_service.find_batch(session, batch_id)
        if batch is None or batch.created_by != user.id:
            raise HTTPException(status_code=404, detail="no such batch")
        batch.status = "running"
        background_tasks.add_task(rescan_batch, batch_id)  # TXN603
    background_tasks.add_task(process_batch, session, batch_id)  # TXN601
    return BatchCreated(id=batch_id, status="running")


@router.post("/{batch_id}/finish", dependencies=[Depends(get_current_user)])
async def finish_batch(batch_id: str, session: AsyncSession = Depends(get_session_dependency)) -> BatchCreated:
    async with session.begin():
        for domain in await batch_processor_service.pending_domains(session, batch_id):
            await job_service.finish_job(session, domain, "done")  # TXN205
    return BatchCreated(id=batch_id, status="done")


@router.post("/{batch_id}/retry", dependencies=[Depends(get_current_user)])
async def retry_batch(batch_id: str, session: AsyncSession = Depends(get_session_dependency)) -> BatchCreated:
    async with session.begin():
        await batch_processor_service.set_status(session, batch_id, "pending")
        async with session.begin():  # TXN206
            await batch_processor_service.set_status(session, batch_id, "running")
    return BatchCreated(id=batch_id, status="running")


@router.get("/{batch_id}", dependencies=[Depends(get_current_user)])
async def read_batch(batch_id: str) -> BatchProgress:
    async with get_session() as session:  # TXN106
        batch = await batch_processor_service.find_batch(session, batch_id)
        if batch is None:
            raise HTTPException(status_code=404, detail="no such batch")
        return await batch_processor_service.progress(session, batch)


@router.delete("/{batch_id}", status_code=202)  # TXN405
async def delete_batch(batch_id: str, background_tasks: BackgroundTasks) -> dict[str, str]:
    background_tasks.add_task(cancel_batch, batch_id)
    return {"status": "cancelling"}


@router.get("/{batch_id}/events", dependencies=[Depends(get_current_user)])
async def batch_events(
    batch_id: str,
    session: AsyncSession = Depends(get_session_dependency),  # TXN212
) -> StreamingResponse:
    async def events() -> AsyncIterator[str]:
        while (batch := await batch_processor_service.find_batch(session, batch_id)) is not None:
            state = await batch_processor_service.progress(session, batch)
            yield f"data: {state.model_dump_json()}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")
