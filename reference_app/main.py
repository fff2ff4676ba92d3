"""Puts the service together: the one place that knows all of its parts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from fastapi import FastAPI

from reference_app.middleware import BodyLimit, RequestContext
from reference_app.observability.tracing import trace_requests
from reference_app.openapi import install_openapi
from reference_app.problems import install_problem_handlers
from reference_app.routers import register_routers
from reference_app.routers.factory import API_PREFIX
from reference_app.session import open_database
from reference_app.settings import Settings
from reference_app.state import make_state

VERSION = "3.0.0"

_DESCRIPTION = (
    "Submit domains, have each one's robots.txt, sitemaps and pages scanned, follow the progress, export the results. "
    "Every error is a problem detail (RFC 9457) with a stable `code` and the request's id; every list is paged by "
    "cursor; every creation can be repeated safely with an `Idempotency-Key`."
)


def create_app(settings: Settings) -> FastAPI:
    """The application; it connects to the database when it starts, not here."""
    state = make_state(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with open_database(settings), state.progress.running(), aclosing(state.limits):
            with trace_requests(app, settings):
                yield

    app = FastAPI(
        title="Reference page scraper",
        version=VERSION,
        summary="A batch page scraper whose sessions and transactions follow the rules of sessionlint.",
        description=_DESCRIPTION,
        lifespan=lifespan,
        openapi_url=f"{API_PREFIX}/openapi.json",
        docs_url=f"{API_PREFIX}/docs",
        redoc_url=None,
    )
    app.state.reference = state
    register_routers(app)
    install_problem_handlers(app)
    install_openapi(app)
    app.add_middleware(BodyLimit, limit=settings.max_body_bytes)
    app.add_middleware(RequestContext)
    return app
