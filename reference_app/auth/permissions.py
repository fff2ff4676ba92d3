"""What there is to be allowed, and what each role is."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType

from reference_app.models import Role


class Permission(enum.StrEnum):
    """One thing a caller may do; also the scopes of API keys and tokens. ``…-all``: other people's too."""

    BATCHES_READ = "batches:read"
    BATCHES_READ_ALL = "batches:read-all"
    BATCHES_WRITE = "batches:write"
    BATCHES_WRITE_ALL = "batches:write-all"
    RESULTS_EXPORT = "results:export"
    DEAD_LETTERS_READ = "dead-letters:read"
    KEYS_MANAGE = "keys:manage"
    KEYS_MANAGE_ALL = "keys:manage-all"
    TOKENS_CREATE = "tokens:create"
    USERS_MANAGE = "users:manage"
    METRICS_READ = "metrics:read"


_OWN = frozenset(
    {
        Permission.BATCHES_READ,
        Permission.RESULTS_EXPORT,
        Permission.DEAD_LETTERS_READ,
        Permission.KEYS_MANAGE,
        Permission.TOKENS_CREATE,
    }
)

#: An operator works on batches of their own; an auditor sees everybody's and changes none; an admin may do all.
ROLE_PERMISSIONS: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.OPERATOR: _OWN | {Permission.BATCHES_WRITE},
        Role.AUDITOR: _OWN | {Permission.BATCHES_READ_ALL, Permission.METRICS_READ},
        Role.ADMIN: frozenset(Permission),
    }
)
