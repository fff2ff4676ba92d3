"""The scan of one domain as a job: claim it, scan it under a lease, record how it ended.

No database session is open while the network is in use, and a failure is recorded in a session of its own after the
one that failed is closed.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic

from reference_app.jobs import claims, recording
from reference_app.jobs.claims import Claim, Claimed, Crowded, Held, Limits, Settled, Suspect
from reference_app.jobs.leases import Lease, LeaseKeeper, LeaseLostError, Stop
from reference_app.jobs.patience import patiently
from reference_app.jobs.queue import ScanJob
from reference_app.jobs.recording import Again, Final, FoundPage, Outcome
from reference_app.models import ScanStatus
from reference_app.observability import metrics
from reference_app.observability.logs import get_logger
from reference_app.scraping import InvalidTarget, PageRecord, ScanSummary
from reference_app.session import get_session

_log = get_logger(__name__)

INTERNAL_ERROR = "internal_error"
LEASE_LOST = "lease_lost"
WORKER_STOPPED = "worker_stopped"
PAGES_PER_WRITE = 25

OnPage = Callable[[PageRecord], Awaitable[None]]
ShouldStop = Callable[[], Awaitable[bool]]
# What scans: the address, how many pages at most, what to do with each page, and whether to stop.
Scanner = Callable[[str, int, OnPage, ShouldStop], Awaitable[ScanSummary]]


class TryLaterError(Exception):
    """The job is to come back after ``delay_seconds``; ``reason`` is for the queue's log."""

    def __init__(self, delay_seconds: float, reason: str) -> None:
        super().__init__(reason)
        self.delay_seconds = delay_seconds


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits before another attempt, in seconds: doubled from ``base`` to ``cap``, each shortened at random."""

    base: float
    cap: float

    def delay(self, attempt: int) -> float:
        """The wait after attempt number ``attempt`` (from 1)."""
        return float(min(self.cap, self.base * 2 ** min(attempt - 1, 30)) * random.uniform(0.5, 1.0))


# Waits of a job whose site, batch or row is in use by others.
CROWDED_WAITS = Backoff(0.5, 30.0)


@dataclass(slots=True)
class _Pages:
    """Pages that wait to be written; ``count`` is how many the scan has had so far."""

    waiting: list[FoundPage] = field(default_factory=list)
    count: int = 0

    def add(self, record: PageRecord) -> None:
        self.count += 1
        self.waiting.append(FoundPage(record, self.count, recording.now()))

    def take(self) -> list[FoundPage]:
        taken, self.waiting = self.waiting, []
        return taken


@dataclass(frozen=True, slots=True)
class ScanRunner:
    """Runs scan jobs in this process. ``patience_seconds``: how long a write waits for a database that is away."""

    worker: str
    scanner: Scanner
    leases: LeaseKeeper
    limits: Limits
    backoff: Backoff
    patience_seconds: float
    suspects: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self, job: ScanJob, *, tries: int = 0) -> None:
        """Work on ``job``; returning means that nothing is left to do for it.

        ``tries`` counts how often the job came back. Raises TryLaterError when it is to come again.
        """
        since, claim = await self._claim(job, None)
        if isinstance(claim, Held):
            since, claim = await self._watch(job, claim)
        if not isinstance(claim, Suspect):
            await self._run_claimed(since, claim, tries)
            return
        # One at a time, so that the next crash is the fault of the one that ran.
        async with self.suspects:
            since, claim = await self._claim(job, None, alone=True)
            await self._run_claimed(since, claim, tries)

    async def _claim(self, job: ScanJob, holder: Held | None, *, alone: bool = False) -> tuple[float, Claim]:
        async def once() -> tuple[float, Claim]:
            since = asyncio.get_running_loop().time()
            async with get_session() as session, session.begin():
                claim = await claims.claim(
                    session, job, worker=self.worker, limits=self.limits, take_over=holder, alone=alone
                )
            return since, claim

        return await patiently(once, seconds=self.patience_seconds)

    async def _watch(self, job: ScanJob, holder: Held) -> tuple[float, Claim]:
        """Wait longer than a lease lives, and take the scan over if its holder gave no sign of life meanwhile."""
        await asyncio.sleep(self.leases.watch_seconds)
        return await self._claim(job, holder)

    async def _run_claimed(self, since: float, claim: Claim, tries: int) -> None:
        match claim:
            case Claimed():
                await self._work(since, claim)
            case Settled():
                _log.info("scan_needs_no_work", status=claim.status)
            case Crowded():
                raise TryLaterError(CROWDED_WAITS.delay(tries + 1), claim.reason)
            case Held() | Suspect():
                raise TryLaterError(self.leases.watch_seconds, "held_by_another_worker")

    async def _work(self, since: float, claimed: Claimed) -> None:
        began = monotonic()
        pages = _Pages()
        async with self.leases.holding(claimed.token, since) as lease:
            _log.info("scan_started", url=claimed.url, attempt=claimed.attempt)
            outcome = await self._scan(claimed, lease, pages)
            if isinstance(outcome, Again) and lease.stop is Stop.CANCELLED:
                outcome = Final(ScanStatus.CANCELLED, outcome.code, outcome.message)
            recorded = await self._record(claimed, outcome, pages.take())
        if not recorded:
            _log.warning("scan_was_taken_over", url=claimed.url)
            raise TryLaterError(self.leases.watch_seconds, "held_by_another_worker")
        _report(claimed, outcome, pages.count, monotonic() - began)
        if isinstance(outcome, Again):
            raise TryLaterError(outcome.delay.total_seconds(), outcome.code)

    async def _scan(self, claimed: Claimed, lease: Lease, pages: _Pages) -> Outcome:
        async def keep_page(record: PageRecord) -> None:
            metrics.PAGES_SCANNED.labels("failed" if record.failure else "ok").inc()
            pages.add(record)
            if len(pages.waiting) >= PAGES_PER_WRITE:
                await self._write_pages(claimed, lease, pages.take())

        async def should_stop() -> bool:
            return lease.stop is not None

        try:
            async with lease.guard():
                summary = await self.scanner(claimed.url, claimed.max_pages, keep_page, should_stop)
        except LeaseLostError:
            pages.take()
            message = "No sign of life could be given for too long, because the database or the worker was stuck."
            return self._after_failure(claimed, LEASE_LOST, message, transient=True)
        except InvalidTarget as error:
            return Final(ScanStatus.FAILED, error.code, error.message)
        except Exception as error:
            _log.exception("scan_raised", url=claimed.url)
            return self._after_failure(claimed, INTERNAL_ERROR, f"{type(error).__name__}: {error}", transient=True)
        return self._ending(claimed, lease, summary)

    def _ending(self, claimed: Claimed, lease: Lease, summary: ScanSummary) -> Outcome:
        if summary.ending == "stopped":
            if lease.stop is Stop.SHUTDOWN:
                return Again(timedelta(0), WORKER_STOPPED, "The worker was told to stop; the scan starts anew.", False)
            return Final(ScanStatus.CANCELLED, summary=summary)
        if summary.failure is None:
            return Final(ScanStatus.SUCCEEDED, summary=summary)
        failure = summary.failure
        return self._after_failure(claimed, failure.code, failure.message, transient=failure.transient, summary=summary)

    def _after_failure(
        self, claimed: Claimed, code: str, message: str, *, transient: bool, summary: ScanSummary | None = None
    ) -> Outcome:
        if not transient:
            return Final(ScanStatus.FAILED, code, message, summary)
        if claimed.attempt >= self.limits.max_attempts:
            return Final(ScanStatus.DEAD, code, f"{message} (given up after {claimed.attempt} attempts)", summary)
        return Again(timedelta(seconds=self.backoff.delay(claimed.attempt)), code, message)

    async def _write_pages(self, claimed: Claimed, lease: Lease, found: list[FoundPage]) -> None:
        async def once() -> bool:
            since = asyncio.get_running_loop().time()
            async with get_session() as session, session.begin():
                ours = await recording.record_pages(session, claimed, found)
            if ours:
                lease.renew(since + self.leases.ttl_seconds)
            return ours

        if not await patiently(once, seconds=self.patience_seconds):
            raise LeaseLostError

    async def _record(self, claimed: Claimed, outcome: Outcome, found: list[FoundPage]) -> bool:
        async def once() -> bool:
            async with get_session() as session, session.begin():
                return await recording.record_outcome(session, claimed, outcome, found)

        return await patiently(once, seconds=self.patience_seconds)


def _report(claimed: Claimed, outcome: Outcome, pages: int, seconds: float) -> None:
    if isinstance(outcome, Final):
        metrics.SCANS_FINISHED.labels(outcome.status.value).inc()
        metrics.SCAN_SECONDS.observe(seconds)
        _log.info("scan_ended", url=claimed.url, status=outcome.status.value, pages=pages, error_code=outcome.code)
    else:
        metrics.JOB_RETRIES.inc()
        delay = outcome.delay.total_seconds()
        _log.info("scan_put_back", url=claimed.url, error_code=outcome.code, delay_seconds=delay)
