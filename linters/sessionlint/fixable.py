"""Which rules have a fixer, and where it lives: read by every output, imported by none of them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

#: code -> ``module:function`` below :mod:`sessionlint.fixes`
FIXERS: Mapping[str, str] = MappingProxyType(
    {
        "TXN501": "engines:suit_the_pooler",
        "TXN505": "engines:bound_the_pool",
        "TXN605": "tasks:keep_until_done",
        "TXN211": "scopes:end_before_the_response",
    }
)
