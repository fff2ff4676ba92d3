"""Users, and who the caller is."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Response
from fastapi.responses import JSONResponse

from reference_app.auth.guard import Require, authenticate
from reference_app.auth.permissions import Permission
from reference_app.auth.principal import Principal
from reference_app.errors import ConflictError
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
from reference_app.schemas.accounts import CallerView, UserChange, UserCreation, UserView
from reference_app.schemas.common import ListPage
from reference_app.services import users
from reference_app.session import SessionDep

router = make_router("/users", "Accounts")
caller_router = make_router("/me", "Accounts")

Caller = Annotated[Principal, Depends(authenticate)]
UserAdmin = Annotated[Principal, Depends(Require(Permission.USERS_MANAGE))]

_CREATED = 201


@caller_router.get("", summary="Who am I")
async def read_caller(principal: Caller, session: SessionDep) -> CallerView:
    """The caller's user, and what the credentials of this request allow."""
    async with session.begin():
        user = await users.get_user(session, principal.user_id)
    return CallerView(
        user=UserView.model_validate(user),
        permissions=sorted(principal.permissions),
        credential=principal.credential,
        expires_at=principal.expires_at,
    )


@router.post("", status_code=_CREATED, response_model=UserView, summary="Create a user", responses=CONFLICTING)
async def create_user(
    body: UserCreation,
    response: Response,
    principal: UserAdmin,
    session: SessionDep,
    state: State,
    idempotency_key: IdempotencyKey = None,
) -> UserView | JSONResponse:
    """A user with one role; give them an API key afterwards."""
    await state.limits.count_creation(str(principal.user_id))
    creation = Creation.of(principal, "create-user", idempotency_key, body, state.settings)
    async with session.begin():
        if (answer := await creation.replay(session)) is not None:
            return answer
        user = await users.create_user(session, email=body.email, display_name=body.display_name, role=body.role)
        created = UserView.model_validate(user)
        await creation.remember(session, _CREATED, created)
    response.headers["Location"] = f"{router.prefix}/{created.id}"
    return created


@router.get("", summary="List users")
async def list_users(
    principal: UserAdmin, session: SessionDep, cursor: CursorParameter = None, limit: LimitParameter = DEFAULT_LIMIT
) -> ListPage[UserView]:
    """All users, oldest first."""
    async with session.begin():
        found = await users.list_users(session, cursor=cursor, limit=limit)
    return ListPage(items=[UserView.model_validate(row) for row in found.rows], next_cursor=found.next_cursor)


@router.get("/{user_id}", summary="Read a user", responses=MISSING)
async def get_user(user_id: UUID, principal: UserAdmin, session: SessionDep) -> UserView:
    """A user."""
    async with session.begin():
        return UserView.model_validate(await users.get_user(session, user_id))


@router.patch("/{user_id}", summary="Change a user", responses=MISSING | CONFLICTING)
async def change_user(
    user_id: UUID, body: UserChange, principal: UserAdmin, session: SessionDep, state: State
) -> UserView:
    """Changes name or role, locks or unlocks. Nobody can lock or demote themselves: somebody must stay in charge."""
    if user_id == principal.user_id and (body.disabled or body.role is not None):
        raise ConflictError("You cannot lock yourself or change your own role.")
    async with session.begin():
        user = await users.change_user(
            session, user_id, display_name=body.display_name, role=body.role, disabled=body.disabled
        )
    state.credentials.forget()
    return UserView.model_validate(user)
