"""Batches and their domains. Works in the caller's transaction."""

from collections import Counter
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from src.models.batch import BatchJob, Domain
from src.schemas import BatchProgress


async def create_batch(session: AsyncSession, names: list[str], user_id: UUID) -> BatchJob:
    """A pending batch with one domain per name."""
    batch = BatchJob(id=f"batch_{uuid4().hex[:12]}", created_by=user_id, status="pending")  # TXN702
    batch.domains = [Domain(name=name.strip().lower()) for name in names]
    session.add(batch)
    await session.flush()
    return batch


async def find_batch(session: AsyncSession, batch_id: str) -> BatchJob | None:
    """The batch, or None."""
    return await session.get(BatchJob, batch_id)


async def pending_domains(session: AsyncSession, batch_id: str) -> list[Domain]:
    """The domains that nobody has scanned yet."""
    query = select(Domain).where(Domain.batch_id == batch_id, Domain.status == "pending")
    return list((await session.scalars(query)).all())


async def progress(session: AsyncSession, batch: BatchJob) -> BatchProgress:
    """How far the batch is."""
    statuses = await session.scalars(select(Domain.status).where(Domain.batch_id == batch.id))
    counts = Counter(statuses.all())
    return BatchProgress(
        id=batch.id, status=batch.status, done=counts["done"], failed=counts["failed"], total=counts.total()
    )


async def set_status(session: AsyncSession, batch_id: str, status: str, error: str | None = None) -> None:
    """Records how the batch is doing; a batch that is gone stays gone."""
    batch = await session.get(BatchJob, batch_id)
    if batch is not None:
        batch.status = status
        batch.error = error
        await session.flush()


async def stuck_batches(session: AsyncSession, before: datetime) -> list[str]:
    """Batches that have been running since before the given time."""
    query = select(BatchJob.id).where(BatchJob.status == "running", BatchJob.updated_at < before)
    return list((await session.scalars(query)).all())
