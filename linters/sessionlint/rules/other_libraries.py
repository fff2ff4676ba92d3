"""Clauses that name the errors of one library around the work of another: they catch nothing there."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from sessionlint.program.model import Event
from sessionlint.rules.walking import nodes_below

#: Libraries that raise errors of their own, and none of one another.
_APART = frozenset({"httpx", "requests", "aiohttp", "smtplib", "aiosmtplib", "redis"})
_DATABASE = "sqlalchemy"
_MAX_NESTING = 3
_WORKING = frozenset({*_APART, _DATABASE})
_KNOWN = frozenset({*_WORKING, "builtins", *sys.stdlib_module_names})


def raise_their_own(named: list[str]) -> bool:
    """Whether all of these errors belong to such libraries."""
    return bool(named) and _APART.issuperset([name.partition(".")[0] for name in named])


def calls_others(named: list[str], events: Iterable[Event], tried: Any) -> bool:
    """Whether the statements of a ``try`` work with libraries, and for certain with none that raises these errors."""
    called = _called(events, tried, 0)
    return not called.isdisjoint(_WORKING) and called <= _KNOWN.difference([name.partition(".")[0] for name in named])


def _called(events: Iterable[Event], statements: Any, nesting: int) -> set[str]:
    """The libraries that statements call, and functions below them; what nothing is known of goes by no name."""
    called: set[str] = set()
    spans: set[Any] = set()
    for event in events:
        spans.add(event.span)
        if event.kind in ("network", "external"):
            called.add(event.name.partition(".")[0])
        elif event.kind in ("use", "txn", "create"):
            called.add(_DATABASE)
        elif event.kind == "escape" or (event.kind == "call" and (event.callee is None or nesting == _MAX_NESTING)):
            called.add("")
        elif event.kind == "call" and event.callee is not None:
            called |= _called(event.callee.events, event.callee.body, nesting + 1)
    if not all(node[1] in spans for node in nodes_below(statements) if node[0] == "c" and len(node) == 5):
        called.add("")
    return called
