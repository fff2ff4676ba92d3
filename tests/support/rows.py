"""Rows that jobs would have written, for tests of what is read."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlalchemy import select, update

from reference_app.models import AttemptOutcome, Page, Scan, ScanAttempt, ScanStatus
from reference_app.services import batches
from reference_app.session import get_session


async def scan_ids(batch_id: str) -> list[UUID]:
    """The ids of a batch's scans, in their order."""
    async with get_session() as session, session.begin():
        found = await session.scalars(select(Scan.id).where(Scan.batch_id == UUID(batch_id)).order_by(Scan.position))
        return list(found)


async def end_scan(scan_id: UUID, status: ScanStatus, error_code: str | None = None) -> None:
    """Ends a scan as a worker does, attempt included, and settles its batch."""
    now = datetime.now(UTC)
    async with get_session() as session, session.begin():
        ended = await session.execute(
            update(Scan)
            .where(Scan.id == scan_id)
            .values(status=status, finished_at=now, attempts=1, error_code=error_code, run_token=None)
            .returning(Scan.batch_id)
        )
        outcome = AttemptOutcome.SUCCEEDED if status is ScanStatus.SUCCEEDED else AttemptOutcome.FAILED
        session.add(
            ScanAttempt(
                scan_id=scan_id,
                generation=1,
                number=1,
                run_token=uuid4(),
                worker="test",
                outcome=outcome,
                finished_at=now,
                error_code=error_code,
            )
        )
        await batches.settle(session, ended.scalar_one())


async def add_pages(scan_id: UUID, number: int, title: str = "Page") -> None:
    """Adds `number` pages to a scan."""
    async with get_session() as session, session.begin():
        for position in range(number):
            session.add(
                Page(
                    scan_id=scan_id,
                    position=position,
                    url=f"https://example.com/{position}",
                    status_code=200,
                    fetched_at=datetime(2026, 11, 21, tzinfo=UTC),
                    title=f"{title} {position}",
                    emails=["a@example.com", "b@example.com"],
                    phones=[],
                    social_links=[],
                    technologies=["nginx"],
                )
            )
