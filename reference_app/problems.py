"""The one form of every error answer: RFC 9457 problem details. Only this module knows which error is which status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import asyncpg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from reference_app import errors
from reference_app.observability.logs import current_request_id, get_logger
from reference_app.outages import is_outage

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "/problems/"

_log = get_logger(__name__)

# The nearest class of an error decides.
STATUS_OF: Mapping[type[errors.ServiceError], HTTPStatus] = {
    errors.NotFoundError: HTTPStatus.NOT_FOUND,
    errors.ConflictError: HTTPStatus.CONFLICT,
    errors.IdempotencyConflictError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.InvalidInputError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.PayloadTooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.NotAuthenticatedError: HTTPStatus.UNAUTHORIZED,
    errors.NotPermittedError: HTTPStatus.FORBIDDEN,
    errors.RateLimitedError: HTTPStatus.TOO_MANY_REQUESTS,
    errors.UnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ServiceError: HTTPStatus.BAD_REQUEST,
}
# Python's versions differ in what they call these.
_CODE_OF_STATUS = {413: errors.PayloadTooLargeError.code}
_RETRY_AFTER_OUTAGE = {"Retry-After": "5"}
# SQLSTATE 57014: a statement was ended because it ran longer than the role's statement_timeout.
_QUERY_CANCELLED = "57014"


class ProblemField(BaseModel):
    """One wrong value of the request."""

    pointer: str = Field(description="JSON pointer to the value, from the request as a whole.")
    code: str = Field(description="Stable name of what is wrong.")
    message: str = Field(description="What is wrong, for people.")


class Problem(BaseModel):
    """Problem details as RFC 9457 defines them, with a stable code and the request's id."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "/problems/not-found",
                "title": "Not Found",
                "status": 404,
                "detail": "There is no such batch.",
                "instance": "/api/v3/batches/00000000-0000-4000-8000-000000000000",
                "code": "not-found",
                "request_id": "b1946ac92492d2347c6235b4d2611184",
                "errors": [],
            }
        }
    )

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    errors: list[ProblemField] = []


def problem_response(
    path: str,
    status: HTTPStatus,
    code: str,
    detail: str,
    *,
    fields: Sequence[errors.FieldError] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The answer for one error."""
    problem = Problem(
        type=TYPE_PREFIX + code,
        title=status.phrase,
        status=status,
        detail=detail,
        instance=path,
        code=code,
        request_id=current_request_id(),
        errors=[ProblemField(pointer=f.pointer, code=f.code, message=f.message) for f in fields],
    )
    return JSONResponse(problem.model_dump(), status, dict(headers or {}), MEDIA_TYPE)


def install_problem_handlers(app: FastAPI) -> None:
    """Makes every error of the application answer in the one form."""
    handlers: Mapping[type[Exception], Any] = {
        errors.ServiceError: _service_error,
        RequestValidationError: _validation_error,
        HTTPException: _http_error,
        SQLAlchemyError: _database_error,
        OSError: _database_error,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


def _status_of(error: errors.ServiceError) -> HTTPStatus:
    return next(STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF)


async def _service_error(request: Request, error: errors.ServiceError) -> JSONResponse:
    status = _status_of(error)
    headers: dict[str, str] = {}
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="reference-app"'
    if isinstance(error, errors.RateLimitedError):
        headers["Retry-After"] = str(error.retry_after_seconds)
    return problem_response(request.url.path, status, error.code, error.detail, fields=error.errors, headers=headers)


async def _validation_error(request: Request, error: RequestValidationError) -> JSONResponse:
    fields = [
        errors.FieldError(
            "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in item["loc"]),
            str(item["type"]).replace("_", "-"),
            str(item["msg"]),
        )
        for item in error.errors()
    ]
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    return problem_response(
        request.url.path, status, "invalid-request", "The request does not have the expected form.", fields=fields
    )


async def _http_error(request: Request, error: HTTPException) -> JSONResponse:
    status = HTTPStatus(error.status_code)
    code = _CODE_OF_STATUS.get(status, status.phrase.lower().replace(" ", "-"))
    return problem_response(request.url.path, status, code, str(error.detail), headers=error.headers)


async def _database_error(request: Request, error: Exception) -> JSONResponse:
    unreachable = isinstance(error, OSError | PoolTimeoutError)
    if isinstance(error, DBAPIError):
        cancelled = getattr(error.orig, "sqlstate", None) == _QUERY_CANCELLED
        # Not what the driver says of its own use: that is a defect.
        passing = isinstance(error.driver_exception, asyncpg.PostgresError) and is_outage(error)
        unreachable = error.connection_invalidated or cancelled or passing
    if not unreachable:
        return unexpected(request.url.path, error)
    _log.warning("database-unavailable", error=str(error))
    status = HTTPStatus.SERVICE_UNAVAILABLE
    detail = errors.UnavailableError().detail
    return problem_response(request.url.path, status, errors.UnavailableError.code, detail, headers=_RETRY_AFTER_OUTAGE)


def unexpected(path: str, error: BaseException) -> JSONResponse:
    """The answer to an error nobody foresaw: everything goes to the log, nothing but the request's id to the caller."""
    _log.error("unexpected-error", exc_info=error, path=path)
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    detail = "Something went wrong in the service. Its log has the cause under the request's id."
    return problem_response(path, status, "internal-error", detail)
