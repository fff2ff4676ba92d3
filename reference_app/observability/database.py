"""Counts transactions by outcome and measures the pool: in use, limit, and how long sessions wait for a connection."""

from __future__ import annotations

from time import perf_counter

from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import Session
from sqlalchemy.pool import AsyncAdaptedQueuePool, PoolProxiedConnection

from reference_app.observability import metrics


class ObservedSession(Session):
    """The synchronous session inside each ``AsyncSession``: a class of its own, so that its events can be counted."""


class ObservedPool(AsyncAdaptedQueuePool):
    """SQLAlchemy's own queue pool, with a clock on the wait for a connection."""

    def connect(self) -> PoolProxiedConnection:
        """A connection, after a wait that is measured whether or not it succeeds."""
        started = perf_counter()
        try:
            return super().connect()
        finally:
            metrics.POOL_WAIT_SECONDS.observe(perf_counter() - started)


@event.listens_for(ObservedSession, "after_commit")
def _committed(session: Session) -> None:
    metrics.TRANSACTIONS.labels("committed").inc()


@event.listens_for(ObservedSession, "after_rollback")
def _rolled_back(session: Session) -> None:
    metrics.TRANSACTIONS.labels("rolled_back").inc()


def observe_pool(engine: AsyncEngine, *, limit: int) -> None:
    """Makes the pool's gauges follow ``engine``, of ``limit`` connections, and counts those it loses."""
    pool = engine.sync_engine.pool
    if isinstance(pool, ObservedPool):
        metrics.POOL_CHECKED_OUT.set_function(pool.checkedout)
        metrics.POOL_SIZE.set(limit)
    event.listen(engine.sync_engine, "handle_error", _count_disconnect)


def _count_disconnect(context: ExceptionContext) -> None:
    if context.is_disconnect:
        metrics.CONNECTION_ERRORS.inc()
