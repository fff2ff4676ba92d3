"""The one way to a router: version prefix, error answers, parameters that all lists and creations have."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from reference_app.auth.principal import Principal
from reference_app.problems import Problem
from reference_app.services import idempotency
from reference_app.services.idempotency import StoredAnswer
from reference_app.settings import Settings
from reference_app.state import AppState, app_state

API_PREFIX = "/api/v3"

State = Annotated[AppState, Depends(app_state)]
CursorParameter = Annotated[
    str | None, Query(max_length=400, description="Where to go on: `next_cursor` of the page before.")
]
LimitParameter = Annotated[int, Query(ge=1, le=200, description="How many items at most.")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="A text of your choice that names this creation. Sent again with the same body, it creates nothing "
        "and gets the first answer; sent with another body, it is refused.",
        examples=["import-2026-11-21"],
    ),
]

DEFAULT_LIMIT = 50

_ERRORS = {
    401: "No valid credentials.",
    403: "The credentials do not allow this.",
    413: "The body is too large.",
    422: "The request does not have the expected form, or a value cannot be used.",
    429: "Too many requests; Retry-After says when to go on.",
    500: "Something went wrong in the service.",
    503: "The database cannot be reached; Retry-After says when to try again.",
}
MISSING: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "There is no such thing."}}
CONFLICTING: dict[int | str, dict[str, Any]] = {
    409: {"model": Problem, "description": "Its state does not allow this."}
}


def make_router(prefix: str, tag: str) -> APIRouter:
    """A router below the version's prefix whose operations all document the errors that any of them may answer."""
    return APIRouter(
        prefix=API_PREFIX + prefix,
        tags=[tag],
        responses={status: {"model": Problem, "description": text} for status, text in _ERRORS.items()},
    )


@dataclass(frozen=True, slots=True)
class Creation:
    """A creation that may be repeated safely: whose, which, under which key, and the digest of what was asked."""

    user_id: UUID
    operation: str
    key: str | None
    digest: bytes
    lifetime: timedelta

    @classmethod
    def of(cls, principal: Principal, operation: str, key: str | None, body: BaseModel, settings: Settings) -> Creation:
        """The creation that this request asks for."""
        # Sets have another order in every process; sorted, the same request is the same everywhere.
        asked = json.dumps(body.model_dump(), default=sorted, sort_keys=True)
        digest = hashlib.sha256(asked.encode()).digest()
        return cls(principal.user_id, operation, key, digest, timedelta(hours=settings.idempotency_hours))

    async def replay(self, session: AsyncSession) -> JSONResponse | None:
        """The answer this creation got before; ``None`` when it is the first, which then holds the key."""
        if self.key is None:
            return None
        answer = await idempotency.claim_key(
            session,
            user_id=self.user_id,
            operation=self.operation,
            key=self.key,
            digest=self.digest,
            lifetime=self.lifetime,
        )
        if answer is None:
            return None
        return JSONResponse(answer.body, answer.status_code, {"Idempotency-Replayed": "true"})

    async def remember(self, session: AsyncSession, status_code: int, body: BaseModel) -> None:
        """Keeps the answer for requests that repeat this one, in the transaction that creates."""
        if self.key is not None:
            await idempotency.store_answer(
                session,
                user_id=self.user_id,
                operation=self.operation,
                key=self.key,
                answer=StoredAnswer(status_code, body.model_dump(mode="json")),
            )
