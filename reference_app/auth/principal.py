"""The caller, once known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from reference_app.auth.permissions import ROLE_PERMISSIONS, Permission
from reference_app.models import Role


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller whose credentials hold. ``permissions``: the role's, narrowed to the key's or token's scopes."""

    user_id: UUID
    role: Role
    permissions: frozenset[Permission]
    credential: Literal["api-key", "token"]
    credential_id: UUID
    expires_at: datetime

    def may(self, permission: Permission) -> bool:
        """Whether this caller has ``permission`` now."""
        return permission in self.permissions

    def owner_filter(self, everybody: Permission) -> UUID | None:
        """Whose rows this caller may reach: ``None`` for everybody's with ``everybody``, else the caller's own id."""
        return None if self.may(everybody) else self.user_id


def granted(role: Role, scopes: Iterable[str]) -> frozenset[Permission]:
    """The permissions of ``role`` that ``scopes`` name; scopes that no longer exist grant nothing."""
    named = set(scopes)
    return frozenset(permission for permission in ROLE_PERMISSIONS[role] if permission.value in named)
