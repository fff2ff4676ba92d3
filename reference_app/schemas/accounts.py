"""Users, API keys and tokens over the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from reference_app.auth.permissions import Permission
from reference_app.models import Role
from reference_app.schemas.common import EXAMPLE_ID, EXAMPLE_TIME, RequestBody, View

# PostgreSQL text cannot hold the NUL character.
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00]*$")]
Email = Annotated[
    str, StringConstraints(to_lower=True, max_length=320, pattern=r"^[^@\s\x00]+@[^@\s\x00]+\.[^@\s\x00]+$")
]


class UserCreation(RequestBody):
    """A user to make."""

    email: Email = Field(examples=["ada@example.com"])
    display_name: Label = Field(examples=["Ada Lovelace"])
    role: Role = Field(examples=["operator"])


class UserChange(RequestBody):
    """What to change of a user; what is left out stays."""

    display_name: Label | None = Field(default=None, examples=["Ada King"])
    role: Role | None = Field(default=None, examples=["auditor"])
    disabled: bool | None = Field(default=None, description="True locks every key and token.", examples=[True])


class UserView(View):
    """A user."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    email: str = Field(examples=["ada@example.com"])
    display_name: str = Field(examples=["Ada Lovelace"])
    role: Role = Field(examples=["operator"])
    disabled_at: datetime | None = Field(examples=[None])
    created_at: datetime = Field(examples=[EXAMPLE_TIME])


class CallerView(View):
    """Who is calling, and what they may do with the credentials they used."""

    user: UserView
    permissions: list[Permission] = Field(examples=[["batches:read", "batches:write"]])
    credential: str = Field(examples=["api-key"])
    expires_at: datetime = Field(examples=[EXAMPLE_TIME])


class ApiKeyCreation(RequestBody):
    """An API key to make. Its scopes may not go beyond the caller's own permissions."""

    name: Label = Field(examples=["nightly import"])
    scopes: set[Permission] = Field(min_length=1, examples=[["batches:read", "batches:write"]])
    lifetime_days: int | None = Field(default=None, ge=1, le=365, examples=[90])


class ApiKeyView(View):
    """An API key, without its secret."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    user_id: UUID = Field(examples=[EXAMPLE_ID])
    name: str = Field(examples=["nightly import"])
    prefix: str = Field(description="The part of the key that may be shown.", examples=["9f86d081884c"])
    scopes: list[str] = Field(examples=[["batches:read", "batches:write"]])
    created_at: datetime = Field(examples=[EXAMPLE_TIME])
    expires_at: datetime = Field(examples=[EXAMPLE_TIME])
    revoked_at: datetime | None = Field(examples=[None])
    last_used_at: datetime | None = Field(examples=[EXAMPLE_TIME])
    replaced_by_id: UUID | None = Field(examples=[None])


class ApiKeyCreated(ApiKeyView):
    """A new API key with its secret, which is shown this once; a repeated request gets null instead."""

    key: str | None = Field(examples=["rk_9f86d081884c_Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm8"])


class TokenCreation(RequestBody):
    """A token to make, with some of the caller's permissions, or all of them when none are named."""

    scopes: set[Permission] | None = Field(default=None, min_length=1, examples=[["batches:read"]])


class TokenCreated(View):
    """A token for Authorization: Bearer."""

    token: str = Field(examples=["eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.c2lnbmF0dXJl"])
    expires_at: datetime = Field(examples=[EXAMPLE_TIME])
    scopes: list[Permission] = Field(examples=[["batches:read"]])
