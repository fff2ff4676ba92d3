"""Scans and their pages, read; and scans that are used up, queued again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from reference_app.errors import ConflictError, NotFoundError
from reference_app.models import RETRIABLE_SCAN_STATUSES, Batch, BatchStatus, Page, Scan, ScanAttempt, ScanStatus
from reference_app.services import batches
from reference_app.services.pagination import Listing, Slice, read_id, read_number, read_time

_IN_BATCH: Listing[Scan] = Listing(
    "scans", (Scan.position, Scan.id), lambda scan: (scan.position, scan.id), (read_number, read_id)
)
_DEAD: Listing[Scan] = Listing(
    "dead-letters",
    (Scan.finished_at, Scan.id),
    lambda scan: (scan.finished_at, scan.id),
    (read_time, read_id),
    descending=True,
)
_PAGES: Listing[Page] = Listing(
    "pages", (Page.position, Page.id), lambda page: (page.position, page.id), (read_number, read_id)
)


@dataclass(frozen=True, slots=True)
class ExportRow:
    """A line of an export: a scan and one of its pages, or a scan that has none."""

    scan: Scan
    page: Page | None


async def list_scans(
    session: AsyncSession, batch_id: UUID, *, status: ScanStatus | None, cursor: str | None, limit: int
) -> Slice[Scan]:
    """A batch's scans in the order they were submitted."""
    query = select(Scan).where(Scan.batch_id == batch_id, *_IN_BATCH.after(cursor))
    if status is not None:
        query = query.where(Scan.status == status)
    rows = await session.execute(query.order_by(*_IN_BATCH.order()).limit(limit + 1))
    return _IN_BATCH.slice(rows.scalars().all(), limit)


async def list_dead(session: AsyncSession, *, owner: UUID | None, cursor: str | None, limit: int) -> Slice[Scan]:
    """Scans whose attempts are used up, of ``owner``'s batches or of everybody's with ``None``, newest first."""
    query = _owned(select(Scan), owner).where(
        Scan.status == ScanStatus.DEAD, Scan.finished_at.is_not(None), *_DEAD.after(cursor)
    )
    rows = await session.execute(query.order_by(*_DEAD.order()).limit(limit + 1))
    return _DEAD.slice(rows.scalars().all(), limit)


async def get_scan(session: AsyncSession, scan_id: UUID, *, owner: UUID | None) -> Scan:
    """A scan of ``owner``'s batches, or of anybody's with ``None``. Raises ``NotFoundError``."""
    found = await session.execute(_owned(select(Scan), owner).where(Scan.id == scan_id))
    scan = found.scalar_one_or_none()
    if scan is None:
        raise NotFoundError("There is no such scan.")
    return scan


async def list_attempts(session: AsyncSession, scan_id: UUID) -> Sequence[ScanAttempt]:
    """Every start of a scan, oldest first."""
    query = select(ScanAttempt).where(ScanAttempt.scan_id == scan_id).order_by(ScanAttempt.created_at, ScanAttempt.id)
    return (await session.execute(query)).scalars().all()


async def list_pages(session: AsyncSession, scan_id: UUID, *, cursor: str | None, limit: int) -> Slice[Page]:
    """A scan's pages in the order they were read."""
    query = select(Page).where(Page.scan_id == scan_id, *_PAGES.after(cursor)).order_by(*_PAGES.order())
    return _PAGES.slice((await session.execute(query.limit(limit + 1))).scalars().all(), limit)


async def retry_scan(session: AsyncSession, scan_id: UUID, *, owner: UUID | None, request_id: str) -> Scan:
    """Queues one failed or dead scan again.

    Raises ``NotFoundError``, and ``ConflictError`` for a scan in another state.
    """
    scan = await get_scan(session, scan_id, owner=owner)
    batch = await batches.get_batch(session, scan.batch_id, owner=None, lock=True)
    await session.refresh(scan)
    if scan.status not in RETRIABLE_SCAN_STATUSES:
        raise ConflictError(f"The scan is {scan.status.value}; only failed and dead scans can be retried.")
    if batch.status is BatchStatus.CANCELLED:
        raise ConflictError("The scan's batch was cancelled; submit its domain anew.")
    await batches.requeue(session, batch, [scan.id], request_id=request_id)
    await session.refresh(scan)
    return scan


async def export_rows(
    session: AsyncSession, batch_id: UUID, *, after: ExportRow | None, limit: int
) -> Sequence[ExportRow]:
    """Up to ``limit`` lines of a batch's export, behind the line ``after``; in the order submitted and read."""
    query = (
        select(Scan, Page)
        .outerjoin(Page, Page.scan_id == Scan.id)
        .where(Scan.batch_id == batch_id)
        .order_by(Scan.position, Scan.id, Page.position, Page.id)
        .limit(limit)
    )
    if after is not None and after.page is None:
        query = query.where(tuple_(Scan.position, Scan.id) > (after.scan.position, after.scan.id))
    elif after is not None and after.page is not None:
        behind = (after.scan.position, after.scan.id, after.page.position, after.page.id)
        query = query.where(
            (tuple_(Scan.position, Scan.id) > behind[:2])
            | ((Scan.id == after.scan.id) & (tuple_(Page.position, Page.id) > behind[2:]))
        )
    return [ExportRow(scan, page) for scan, page in await session.execute(query)]


def _owned(query: Select[Scan], owner: UUID | None) -> Select[Scan]:
    return query if owner is None else query.join(Batch, Scan.batch_id == Batch.id).where(Batch.created_by_id == owner)
