"""What operators and orchestrators ask: alive, ready, metrics."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import literal, select

from reference_app.auth.guard import Require
from reference_app.auth.permissions import Permission
from reference_app.auth.principal import Principal
from reference_app.jobs import queue
from reference_app.observability import metrics
from reference_app.problems import Problem
from reference_app.schemas.common import View
from reference_app.session import SessionDep

health_router = APIRouter(prefix="/health", tags=["Operations"])
metrics_router = APIRouter(tags=["Operations"])

MetricsReader = Annotated[Principal, Depends(Require(Permission.METRICS_READ))]

_READY_WITHIN_SECONDS = 5


class Health(View):
    """The state of the process."""

    status: Literal["ok"] = "ok"


@health_router.get("/live", summary="Is the process alive")
async def live() -> Health:
    """Answers while the process can answer at all; asks nothing else."""
    return Health()


@health_router.get(
    "/ready", summary="Can it serve", responses={503: {"model": Problem, "description": "The database is away."}}
)
async def ready(session: SessionDep) -> Health:
    """Answers 200 when a transaction on the database works, 503 otherwise."""
    async with asyncio.timeout(_READY_WITHIN_SECONDS), session.begin():
        await session.execute(select(literal(1)))
    return Health()


@metrics_router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
        401: {"model": Problem, "description": "No valid credentials."},
        403: {"model": Problem, "description": "The credentials do not allow this."},
        429: {"model": Problem, "description": "Too many requests."},
        503: {"model": Problem, "description": "The database is away."},
    },
)
async def read_metrics(principal: MetricsReader, session: SessionDep) -> Response:
    """Counters of this process and the state of the queue. Give Prometheus an API key as bearer credential."""
    async with session.begin():
        depth = await queue.depth(session)
    metrics.QUEUE_DEPTH.labels("waiting").set(depth.waiting)
    metrics.QUEUE_DEPTH.labels("running").set(depth.running)
    metrics.QUEUE_DEPTH.labels("dead").set(depth.dead)
    metrics.QUEUE_OLDEST_SECONDS.set(depth.oldest_waiting_seconds)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
