"""Writing down what a scan found and how it ended. Each function is one transaction's work on the caller's session.

Every write is fenced: it happens only while the scan is running under the writer's own token. Each returns False when
it is not, and then wrote nothing. Running one twice, because the answer to its commit was lost, changes nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from reference_app.jobs.claims import Claimed
from reference_app.jobs.queue import pass_on
from reference_app.models import UNFINISHED_SCAN_STATUSES, AttemptOutcome, Page, Scan, ScanAttempt, ScanStatus
from reference_app.scraping import PageRecord, ScanSummary
from reference_app.services import batches

LONGEST_MESSAGE = 2000


@dataclass(frozen=True, slots=True)
class FoundPage:
    """A page of a scan, the how-manieth it is, and when it was read."""

    record: PageRecord
    position: int
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class Final:
    """The scan is over in ``status``; ``code`` and ``message`` say why when it did not succeed."""

    status: ScanStatus
    code: str | None = None
    message: str | None = None
    summary: ScanSummary | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """The scan is to be tried again after ``delay``; an attempt that was not the scan's fault does not count."""

    delay: timedelta
    code: str
    message: str
    counts: bool = True


Outcome = Final | Again

_ATTEMPT_OUTCOMES = {
    ScanStatus.SUCCEEDED: AttemptOutcome.SUCCEEDED,
    ScanStatus.CANCELLED: AttemptOutcome.CANCELLED,
    ScanStatus.FAILED: AttemptOutcome.FAILED,
    ScanStatus.DEAD: AttemptOutcome.FAILED,
}


async def record_pages(session: AsyncSession, claimed: Claimed, pages: Sequence[FoundPage]) -> bool:
    """Keep ``pages``, replacing what an earlier attempt said of the same addresses."""
    if not await _lock_fenced(session, claimed):
        return False
    await _upsert(session, claimed, pages)
    await _update_scan(session, claimed, pages_scanned=max((page.position for page in pages), default=0))
    return True


async def record_outcome(session: AsyncSession, claimed: Claimed, outcome: Outcome, pages: Sequence[FoundPage]) -> bool:
    """Keep the last ``pages``, end or release the scan, and let the batch go on or end."""
    if not await _lock_fenced(session, claimed):
        return await _recorded_before(session, claimed, outcome)
    await _upsert(session, claimed, pages)
    await _end_attempt(session, claimed, outcome)
    if isinstance(outcome, Final):
        await _update_scan(session, claimed, **_final_values(claimed, outcome))
        await _settle_near_the_end(session, claimed)
    else:
        await _update_scan(session, claimed, **_again_values(outcome))
    await pass_on(session, claimed.batch_id)
    return True


async def _lock_fenced(session: AsyncSession, claimed: Claimed) -> bool:
    fenced = select(Scan.id).where(
        Scan.id == claimed.scan_id, Scan.run_token == claimed.token, Scan.status == ScanStatus.RUNNING
    )
    return await session.scalar(fenced.with_for_update(key_share=True)) is not None


async def _update_scan(session: AsyncSession, claimed: Claimed, **values: Any) -> None:
    # Once a transaction: PostgreSQL rechecks the foreign key of a row it updates twice, and so locks the batch early.
    await session.execute(
        update(Scan).where(Scan.id == claimed.scan_id).values(**values).execution_options(synchronize_session=False)
    )


async def _settle_near_the_end(session: AsyncSession, claimed: Claimed) -> None:
    """End the batch if this was its last scan; as long as more remain than can end at once, it cannot be.

    Settling locks the batch, so that of the last ends each sees the others; all the ends before need not queue for it.
    """
    ending_at_once = 2 * claimed.batch_concurrency + 10
    others = select(Scan.id).where(Scan.batch_id == claimed.batch_id, Scan.status.in_(UNFINISHED_SCAN_STATUSES))
    remaining = select(func.count()).select_from(others.limit(ending_at_once).subquery())
    if (await session.scalar(remaining) or 0) < ending_at_once:
        await batches.settle(session, claimed.batch_id)


async def _recorded_before(session: AsyncSession, claimed: Claimed, outcome: Outcome) -> bool:
    """Whether this very outcome is in the database already: its commit succeeded and only the answer was lost."""
    ended = select(ScanAttempt.outcome).where(ScanAttempt.run_token == claimed.token)
    return await session.scalar(ended) == _attempt_outcome(outcome)


def _attempt_outcome(outcome: Outcome) -> AttemptOutcome:
    return _ATTEMPT_OUTCOMES[outcome.status] if isinstance(outcome, Final) else AttemptOutcome.RETRIED


def _final_values(claimed: Claimed, final: Final) -> dict[str, Any]:
    summary = final.summary
    stored = select(func.count()).where(Page.scan_id == claimed.scan_id).scalar_subquery()
    return {
        "status": final.status,
        "error_code": final.code,
        "error_message": _shortened(final.message),
        "finished_at": func.now(),
        "pages_scanned": stored,
        "pages_found": func.greatest(stored, summary.sitemap_urls if summary else 0),
        "summary": None if summary is None else _summary_values(summary),
    }


def _again_values(again: Again) -> dict[str, Any]:
    attempts: ColumnElement[int] | Any = Scan.attempts if again.counts else func.greatest(Scan.attempts - 1, 0)
    return {
        "status": ScanStatus.QUEUED,
        "run_token": None,
        "attempts": attempts,
        "not_before": func.now() + again.delay,
        "error_code": again.code,
        "error_message": _shortened(again.message),
    }


def _summary_values(summary: ScanSummary) -> dict[str, Any]:
    values = dataclasses.asdict(summary)
    del values["target"]
    return values


def _shortened(message: str | None) -> str | None:
    return None if message is None else message.replace("\0", "")[:LONGEST_MESSAGE]


async def _end_attempt(session: AsyncSession, claimed: Claimed, outcome: Outcome) -> None:
    await session.execute(
        update(ScanAttempt)
        .where(ScanAttempt.run_token == claimed.token)
        .values(
            outcome=_attempt_outcome(outcome),
            finished_at=func.now(),
            error_code=outcome.code,
            error_message=_shortened(outcome.message),
        )
        .execution_options(synchronize_session=False)
    )


async def _upsert(session: AsyncSession, claimed: Claimed, pages: Sequence[FoundPage]) -> None:
    if not pages:
        return
    statement = insert(Page).values([_page_values(claimed, page) for page in pages])
    kept = {"id", "created_at", "scan_id", "url"}
    replaced = {column.name: statement.excluded[column.name] for column in Page.__table__.c if column.name not in kept}
    await session.execute(statement.on_conflict_do_update(index_elements=["scan_id", "url"], set_=replaced))


def _page_values(claimed: Claimed, page: FoundPage) -> dict[str, Any]:
    record, metadata = page.record, page.record.metadata
    return {
        "scan_id": claimed.scan_id,
        "position": page.position,
        "url": record.url,
        "final_url": record.final_url,
        "status_code": record.status,
        "content_type": record.content_type and record.content_type[:200],
        "size_bytes": record.bytes_received,
        "fetched_at": page.fetched_at,
        "title": metadata and metadata.title,
        "description": metadata and metadata.description,
        "language": metadata and metadata.language and metadata.language[:64],
        "canonical_url": metadata and metadata.canonical,
        "emails": list(metadata.emails) if metadata else [],
        "phones": list(metadata.phones) if metadata else [],
        "social_links": [url for _, url in metadata.social_links] if metadata else [],
        "technologies": list(metadata.technologies) if metadata else [],
        "error_code": record.failure and record.failure.code,
        "error_message": record.failure and _shortened(record.failure.message),
    }


def now() -> datetime:
    """The wall clock, for showing only: nothing is decided by it."""
    return datetime.now(UTC)
