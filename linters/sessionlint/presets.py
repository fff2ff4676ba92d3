"""What each preset switches off and which values it starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

TenantPolicy = Literal["forbid", "off"]
Tls = Literal["verified", "required", "off"]
Suppressions = Literal["allow", "forbid"]

DEFAULT_PRESET = "unit-of-work"


@dataclass(frozen=True, slots=True)
class Preset:
    """Starting values of a policy; ``off`` are code prefixes the preset leaves off.

    The tenant family follows ``tenant_policy`` rather than ``off``, so that one key decides it.
    """

    name: str
    summary: str
    off: tuple[str, ...]
    tenant_policy: TenantPolicy
    tls: Tls
    suppressions: Suppressions


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        preset.name: preset
        for preset in (
            Preset(
                name="unit-of-work",
                summary="the general preset: sessions, transactions, concurrency, SQL text; no tenant, auth, id or "
                "pooler rules",
                off=("TXN4", "TXN7", "TXN501", "TXN502", "TXN506", "TXN802"),
                tenant_policy="off",
                tls="verified",
                suppressions="allow",
            ),
            Preset(
                name="scrapersky",
                summary="every rule; TLS on, verified or not",
                off=(),
                tenant_policy="forbid",
                tls="required",
                suppressions="forbid",
            ),
        )
    }
)

# Folders that hold tests and migrations in nearly every project; a policy replaces a layer by stating it.
DEFAULT_LAYERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "migration": ("migrations/", "alembic/"),
        "test": ("tests/", "test/", "test_*.py", "*_test.py", "conftest.py"),
    }
)
