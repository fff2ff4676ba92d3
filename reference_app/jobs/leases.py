"""Keeping the scans of this process: a sign of life for each, and an end to any that gave none for too long.

A lease needs no clock that two machines agree on. The holder changes ``scans.updated_at`` every third of ``ttl``, and
stops scanning by itself, by its own monotonic clock, when no such change has succeeded for ``ttl``. Another worker
takes a scan over only after watching the value stay the same for longer than ``ttl``. Jumps of wall clocks, the
database's included, let neither of two workers scan what the other still scans.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from reference_app.models import Batch, Scan, ScanStatus
from reference_app.observability.logs import get_logger
from reference_app.session import get_session

_log = get_logger(__name__)

BEATS_PER_TTL = 3
# How much longer than the lease's life a watcher waits: the holder's timer may fire late.
WATCH_FACTOR = 1.2


class Stop(StrEnum):
    """Why a scan should end before it is done."""

    CANCELLED = "cancelled"
    SHUTDOWN = "shutdown"


class LeaseLostError(Exception):
    """No sign of life could be given for the lease's whole life, or somebody else holds the scan."""


@dataclass(slots=True, eq=False)
class Lease:
    """This process's hold on one scan; mutable, because it lives."""

    token: UUID
    deadline: float
    stop: Stop | None = None
    scope: asyncio.Timeout | None = None

    def renew(self, deadline: float) -> None:
        """Let the lease live until ``deadline`` of the loop's clock."""
        self.deadline = deadline
        if self.scope is not None and not self.scope.expired():
            self.scope.reschedule(deadline)

    def lose(self) -> None:
        """End the scan at once: somebody else holds it."""
        self.renew(asyncio.get_running_loop().time())

    @asynccontextmanager
    async def guard(self) -> AsyncIterator[None]:
        """Run the block for as long as the lease lives; raises LeaseLostError when it ran out."""
        try:
            async with asyncio.timeout_at(self.deadline) as self.scope:
                yield
        except TimeoutError:
            if self.scope is not None and self.scope.expired():
                raise LeaseLostError from None
            raise
        finally:
            self.scope = None


class LeaseKeeper:
    """Renews all leases of a process with one transaction a beat."""

    def __init__(self, ttl_seconds: float) -> None:
        self.ttl_seconds = ttl_seconds
        self.watch_seconds = ttl_seconds * WATCH_FACTOR
        self._leases: dict[UUID, Lease] = {}
        self._stop: Stop | None = None

    @asynccontextmanager
    async def holding(self, token: UUID, since: float) -> AsyncIterator[Lease]:
        """A lease on the scan claimed under ``token``, renewed until the block ends.

        ``since`` is the loop's time before the claim was sent.
        """
        lease = Lease(token, since + self.ttl_seconds, stop=self._stop)
        self._leases[token] = lease
        try:
            yield lease
        finally:
            del self._leases[token]

    def stop_all(self, why: Stop) -> None:
        """Ask every scan, present and future, to end."""
        self._stop = why
        for lease in self._leases.values():
            lease.stop = lease.stop or why

    async def keep(self) -> None:
        """Renew until cancelled. An outage is logged and waited out: the leases end by themselves."""
        while True:
            await asyncio.sleep(self.ttl_seconds / BEATS_PER_TTL)
            try:
                # A statement stuck in a dead connection must not use up the time of the next tries.
                async with asyncio.timeout(self.ttl_seconds / 2):
                    await self.renew()
            except Exception as error:
                _log.warning("leases_not_renewed", leases=len(self._leases), error=repr(error))

    async def renew(self) -> None:
        """Give one sign of life for every lease, and learn which batches were cancelled and which leases are lost."""
        leases = dict(self._leases)
        if not leases:
            return
        sent = asyncio.get_running_loop().time()
        async with get_session() as session, session.begin():
            renewed = await _sign_of_life(session, list(leases))
            cancelled = await _still_ours(session, list(leases))
        for token, lease in leases.items():
            if token not in cancelled:
                lease.lose()
            elif token in renewed:
                lease.renew(sent + self.ttl_seconds)
            if cancelled.get(token):
                lease.stop = Stop.CANCELLED


async def _sign_of_life(session: AsyncSession, tokens: list[UUID]) -> set[UUID]:
    """Change ``updated_at`` of our running scans; those locked by our own writes, which change it too, are left out."""
    free = (
        select(Scan.id)
        .where(Scan.run_token.in_(tokens), Scan.status == ScanStatus.RUNNING)
        .with_for_update(skip_locked=True, key_share=True)
    )
    beat = (
        update(Scan)
        .where(Scan.id.in_(free.scalar_subquery()))
        .values(updated_at=func.clock_timestamp())
        .returning(Scan.run_token)
        .execution_options(synchronize_session=False)
    )
    return {token for token in await session.scalars(beat) if token is not None}


async def _still_ours(session: AsyncSession, tokens: list[UUID]) -> dict[UUID | None, bool]:
    """For each of ``tokens`` that still holds a scan: whether its batch was cancelled."""
    owned = (
        select(Scan.run_token, Batch.cancel_requested_at.is_not(None))
        .join(Batch, Batch.id == Scan.batch_id)
        .where(Scan.run_token.in_(tokens))
    )
    return {row[0]: row[1] for row in await session.execute(owned)}
