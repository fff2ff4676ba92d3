"""API keys and tokens: made, listed, rotated, revoked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response
from fastapi.responses import JSONResponse

from reference_app.auth.api_keys import make_api_key
from reference_app.auth.guard import Require
from reference_app.auth.permissions import Permission
from reference_app.auth.principal import Principal
from reference_app.errors import ConflictError, NotPermittedError
from reference_app.models import ApiKey
from reference_app.routers.factory import (
    CONFLICTING,
    DEFAULT_LIMIT,
    MISSING,
    Creation,
    CursorParameter,
    IdempotencyKey,
    LimitParameter,
    State,
    make_router,
)
from reference_app.schemas.accounts import ApiKeyCreated, ApiKeyCreation, ApiKeyView, TokenCreated, TokenCreation
from reference_app.schemas.common import ListPage
from reference_app.services import api_keys
from reference_app.session import SessionDep

router = make_router("/api-keys", "Credentials")
token_router = make_router("/tokens", "Credentials")

KeyOwner = Annotated[Principal, Depends(Require(Permission.KEYS_MANAGE))]
TokenUser = Annotated[Principal, Depends(Require(Permission.TOKENS_CREATE))]

_CREATED = 201
_NO_CONTENT = 204


@router.post("", status_code=_CREATED, response_model=ApiKeyCreated, summary="Create an API key", responses=CONFLICTING)
async def create_key(
    body: ApiKeyCreation,
    response: Response,
    principal: KeyOwner,
    session: SessionDep,
    state: State,
    idempotency_key: IdempotencyKey = None,
) -> ApiKeyCreated | JSONResponse:
    """A key of the caller's. Its secret is in this answer and nowhere else."""
    await state.limits.count_creation(str(principal.user_id))
    _refuse_more_than_own(principal, body.scopes)
    days = body.lifetime_days or state.settings.api_key_lifetime_days
    creation = Creation.of(principal, "create-api-key", idempotency_key, body, state.settings)
    new = make_api_key()
    async with session.begin():
        if (answer := await creation.replay(session)) is not None:
            return answer
        key = await api_keys.add_key(
            session,
            user_id=principal.user_id,
            name=body.name,
            prefix=new.prefix,
            digest=new.digest,
            scopes=[scope.value for scope in body.scopes],
            expires_at=datetime.now(UTC) + timedelta(days=days),
        )
        await creation.remember(session, _CREATED, _shown(key, None))
    response.headers["Location"] = f"{router.prefix}/{key.id}"
    return _shown(key, new.text)


@router.get("", summary="List API keys")
async def list_keys(
    principal: KeyOwner, session: SessionDep, cursor: CursorParameter = None, limit: LimitParameter = DEFAULT_LIMIT
) -> ListPage[ApiKeyView]:
    """The caller's keys, or everybody's with `keys:manage-all`, newest first; ended ones too."""
    owner = principal.owner_filter(Permission.KEYS_MANAGE_ALL)
    async with session.begin():
        found = await api_keys.list_keys(session, owner=owner, cursor=cursor, limit=limit)
    return ListPage(items=[ApiKeyView.model_validate(row) for row in found.rows], next_cursor=found.next_cursor)


@router.post("/{key_id}/rotate", status_code=_CREATED, summary="Rotate an API key", responses=MISSING | CONFLICTING)
async def rotate_key(key_id: UUID, principal: KeyOwner, session: SessionDep, state: State) -> ApiKeyCreated:
    """A successor with the same scopes. The old key goes on for a while, so that callers can change over."""
    await state.limits.count_creation(str(principal.user_id))
    settings = state.settings
    new = make_api_key()
    async with session.begin():
        old = await api_keys.get_key(session, key_id, owner=principal.owner_filter(Permission.KEYS_MANAGE_ALL))
        if old.user_id == principal.user_id:
            _refuse_more_than_own(principal, old.scopes)
        key = await api_keys.replace_key(
            session,
            old,
            prefix=new.prefix,
            digest=new.digest,
            lifetime=timedelta(days=settings.api_key_lifetime_days),
            overlap=timedelta(hours=settings.api_key_overlap_hours),
        )
    state.credentials.forget()
    return _shown(key, new.text)


@router.delete(
    "/{key_id}", status_code=_NO_CONTENT, summary="Revoke an API key", responses=MISSING, response_class=Response
)
async def revoke_key(key_id: UUID, principal: KeyOwner, session: SessionDep, state: State) -> None:
    """Ends a key: at once in this process, within `credential_cache_seconds` in others. Repeating changes nothing."""
    owner = principal.owner_filter(Permission.KEYS_MANAGE_ALL)
    async with session.begin():
        await api_keys.revoke_key(session, key_id, owner=owner)
    state.credentials.forget()


@token_router.post("", status_code=_CREATED, summary="Create a token", responses=CONFLICTING)
async def create_token(body: TokenCreation, principal: TokenUser, state: State) -> TokenCreated:
    """A short-lived JSON Web Token with some or all of the caller's permissions."""
    await state.limits.count_creation(str(principal.user_id))
    if not state.tokens.can_issue:
        raise ConflictError("This service reads the tokens of an identity provider and makes none of its own.")
    scopes = body.scopes if body.scopes is not None else principal.permissions
    _refuse_more_than_own(principal, scopes)
    token, expires_at = state.tokens.issue(principal.user_id, scopes, datetime.now(UTC))
    return TokenCreated(token=token, expires_at=expires_at, scopes=sorted(scopes))


def _refuse_more_than_own(principal: Principal, scopes: frozenset[Permission] | set[Permission] | list[str]) -> None:
    beyond = sorted(set(scopes) - {permission.value for permission in principal.permissions})
    if beyond:
        raise NotPermittedError(f"You cannot hand on what you do not have: {', '.join(beyond)}.")


def _shown(key: ApiKey, text: str | None) -> ApiKeyCreated:
    return ApiKeyCreated(**ApiKeyView.model_validate(key).model_dump(), key=text)
