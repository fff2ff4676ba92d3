"""The isolation level that an engine or a connection is told: ``AUTOCOMMIT`` is none of the database's.

https://docs.sqlalchemy.org/en/20/core/connections.html#setting-transaction-isolation-levels-including-dbapi-autocommit
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sessionlint.program.values import UNKNOWN, Value

_LEVEL = "isolation_level"
_OPTIONS = "execution_options"


def is_isolation(keywords: Iterable[tuple[str, Value]]) -> bool:
    """Whether these arguments name an isolation level."""
    return bool(_levels(keywords))


def is_autocommit(keywords: Iterable[tuple[str, Value]]) -> bool:
    """Whether these arguments say that each statement is committed by itself."""
    levels = _levels(keywords)
    return bool(levels) and all(a.tag == "const" and _is_auto(a.value) for a in levels)


def _is_auto(level: Any) -> bool:
    return isinstance(level, str) and level.replace("_", " ").upper() == "AUTOCOMMIT"


def _levels(keywords: Iterable[tuple[str, Value]]) -> Value:
    for name, value in keywords:
        if name == _LEVEL:
            return value
        if name == _OPTIONS:
            for atom in value:
                given = atom.get(_LEVEL) if atom.tag == "map" else None
                if given:
                    return tuple(given)
    return UNKNOWN
