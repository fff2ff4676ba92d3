"""The columns of PgQueuer's tables that the service reads. The tables are PgQueuer's own; ``schema`` makes them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Integer,
    LargeBinary,
    String,
    cast,
    column,
    exists,
    or_,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import ENUM

from reference_app.models import Scan

jobs = table(
    "pgqueuer",
    column("id", BigInteger),
    column("priority", Integer),
    column("entrypoint", String),
    column("status", ENUM("queued", "picked", "failed", name="pgqueuer_status", create_type=False)),
    column("dedupe_key", String),
    column("payload", LargeBinary),
    column("heartbeat", DateTime(timezone=True)),
    column("execute_after", DateTime(timezone=True)),
    column("updated", DateTime(timezone=True)),
)
job_log = table("pgqueuer_log", column("id", BigInteger), column("created", DateTime(timezone=True)))


def job_key() -> ColumnElement[str]:
    """The dedupe key of a scan's job, as SQL over ``Scan``; ``ScanJob.key`` is the same in Python."""
    return cast(Scan.id, String) + ":" + cast(Scan.generation, String)


def is_live() -> ColumnElement[bool]:
    """A job that waits or is at work, as against one that PgQueuer put aside as failed."""
    return or_(jobs.c.status == "queued", jobs.c.status == "picked")


def has_job(entrypoint: str | None = None) -> ColumnElement[bool]:
    """Whether a live job exists for ``Scan``, under ``entrypoint`` if one is given."""
    live = select(jobs.c.id).where(jobs.c.dedupe_key == job_key(), is_live())
    return exists(live if entrypoint is None else live.where(jobs.c.entrypoint == entrypoint))
