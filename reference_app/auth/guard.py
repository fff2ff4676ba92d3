"""The dependencies that stand before every endpoint: who is calling, and may they."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from reference_app.auth.permissions import Permission
from reference_app.auth.principal import Principal
from reference_app.errors import NotAuthenticatedError, NotPermittedError
from reference_app.observability import metrics
from reference_app.state import AppState, app_state

_api_key = APIKeyHeader(
    name="X-API-Key", scheme_name="ApiKey", auto_error=False, description="An API key of the service."
)
_bearer = HTTPBearer(
    scheme_name="Bearer", auto_error=False, description="A JSON Web Token, or an API key, as a bearer credential."
)


async def authenticate(
    request: Request,
    state: Annotated[AppState, Depends(app_state)],
    api_key: Annotated[str | None, Security(_api_key)] = None,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)] = None,
) -> Principal:
    """The caller. Raises ``NotAuthenticatedError`` without valid credentials, ``RateLimitedError`` after too many."""
    address = request.client.host if request.client else "unknown"
    text = api_key or (bearer.credentials if bearer else None)
    if text is None:
        metrics.AUTH_FAILURES.labels("missing").inc()
        raise NotAuthenticatedError("Send an API key in X-API-Key, or a token in Authorization: Bearer.")
    await state.limits.refuse_after_failures(address)
    credentials = state.credentials
    is_key = api_key is not None or text.startswith("rk_")
    principal = await (credentials.holder_of_key(text) if is_key else credentials.holder_of_token(text))
    if principal is None:
        metrics.AUTH_FAILURES.labels("invalid").inc()
        await state.limits.count_failure(address)
        raise NotAuthenticatedError("The credentials are unknown, expired or revoked.")
    await state.limits.count_request(str(principal.user_id))
    return principal


class Require:
    """A dependency that lets callers with ``permission`` pass. Raises ``NotPermittedError`` for others."""

    def __init__(self, permission: Permission) -> None:
        self.permission: Final = permission

    async def __call__(self, principal: Annotated[Principal, Depends(authenticate)]) -> Principal:
        """The caller, who has the permission."""
        if not principal.may(self.permission):
            metrics.AUTH_FAILURES.labels("forbidden").inc()
            raise NotPermittedError(f"This needs the permission {self.permission.value}.")
        return principal
