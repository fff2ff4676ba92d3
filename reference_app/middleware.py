"""What surrounds every request: an id, a size limit, a clock, and an answer even when nobody foresaw the error."""

from __future__ import annotations

import re
from time import perf_counter
from uuid import uuid4

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reference_app.errors import PayloadTooLargeError
from reference_app.observability import metrics
from reference_app.observability.logs import bound, get_logger
from reference_app.problems import unexpected

REQUEST_ID_HEADER = "X-Request-ID"
_ACCEPTED_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_TOO_LARGE = 413

_log = get_logger("reference_app.requests")


class RequestContext:
    """Outermost: gives each request its id (the caller's, if it is fit for one), logs and times it, answers crashes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request; other scopes pass through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        status = 0
        started = perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                name = REQUEST_ID_HEADER.lower().encode()
                message["headers"] = [*message.get("headers", ()), (name, request_id.encode())]
            await send(message)

        with bound(request_id=request_id):
            try:
                await self._app(scope, receive, send_with_id)
            except Exception as error:
                if status:
                    raise
                await unexpected(scope["path"], error)(scope, receive, send_with_id)
            finally:
                _record(scope, status, perf_counter() - started)


class BodyLimit:
    """Refuses request bodies of more than ``limit`` bytes, whether their length is announced or not."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request; the error surfaces where the body is read, inside the application's handlers."""
        received = 0

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._limit:
                raise HTTPException(_TOO_LARGE, f"{PayloadTooLargeError().detail} The limit is {self._limit} bytes.")
            return message

        await self._app(scope, receive_limited if scope["type"] == "http" else receive, send)


def _request_id(scope: Scope) -> str:
    name = REQUEST_ID_HEADER.lower().encode()
    given = next((value for key, value in scope["headers"] if key == name), b"")
    return given.decode() if _ACCEPTED_ID.fullmatch(given) else uuid4().hex


def _record(scope: Scope, status: int, seconds: float) -> None:
    route = scope.get("route")
    template = getattr(route, "path", "unmatched")
    metrics.REQUEST_SECONDS.labels(scope["method"], template, str(int(status))).observe(seconds)
    _log.info(
        "request",
        method=scope["method"],
        route=template,
        path=scope["path"],
        status=int(status),
        milliseconds=round(seconds * 1000, 1),
    )
