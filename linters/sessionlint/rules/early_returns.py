"""Returns that leave a session open which another return hands out; what may fail before the ``try`` that closes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.facts.blocks import blocks_of
from sessionlint.program import network
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.values import Handle, contained
from sessionlint.rules.failing import body_of, guards, handled
from sessionlint.rules.watching import is_within

#: What sends a statement and waits for the answer: all of these fail when the database does.
_SENDS = frozenset({
    "execute", "executemany", "exec_driver_sql", "scalar", "scalars", "exec", "stream", "stream_scalars", "run_sync",
    "get", "get_one", "refresh", "flush", "commit", "first", "all", "one", "one_or_none", "count", "fetch", "fetchrow",
    "fetchval", "fetchone", "fetchall", "bulk_save_objects", "bulk_insert_mappings", "bulk_update_mappings", "update",
})  # fmt: skip
#: What asks a session for something else than how it is.
_ASKS_FOR_ROWS = frozenset({*_SENDS, "query"})
_MAX_NESTING = 3


def returned_without(event: Event, handle: Handle, closings: list[Event]) -> Event | None:
    """The first ``return`` after the call of ``event`` that neither hands its session out nor comes after a close.

    Nothing is told of a return under a test of the session itself: there may be none.
    """
    function, made = event.function, event.span
    for other in function.events:
        if other.kind != "return" or other.span <= made or "handler" in other.flags:
            continue
        if any(_same(a, handle) for a in contained(other.value)) or any(c.span < other.span for c in closings):
            continue
        found = _around(function.body, made, other.span)
        if found is not None and not any(_asks(test, name) for name in found[0] for test in found[1]):
            return other
    return None


def left_before(event: Event, handle: Handle, closings: list[Event]) -> Event | None:
    """The first ``return`` or ``raise`` between the call of ``event`` and the ``try`` that closes what it makes."""
    function, made = event.function, event.span
    for other in _before_try(event, closings):
        leaves = other.kind == "return" or (other.kind == "raise" and "through" not in other.flags)
        if not leaves:
            continue
        if any(_same(a, handle) for a in contained(other.value)):
            continue
        found = _around(function.body, made, other.span)
        if found is not None and not any(_asks(test, name) for name in found[0] for test in found[1]):
            return other
    return None


def fails_before(event: Event, closings: list[Event]) -> Event | None:
    """The first thing that waits for a database or the network between the call of ``event`` and that ``try``."""
    caught: frozenset[ir.Span4] | None = None
    for other in _before_try(event, closings):
        if not _may_fail(other):
            continue
        caught = _caught(event.function, event.span) if caught is None else caught
        if other.span not in caught and _around(event.function.body, event.span, other.span) is not None:
            return other
    return None


def _caught(function: FunctionInfo, made: ir.Span4 | None = None) -> frozenset[ir.Span4]:
    """What an ``except`` clause of a function sees to; one that stands around what has ``made`` it comes too late."""
    found: set[ir.Span4] = set()
    for handler in function.events:
        if handler.kind == "handler" and guards(handler):
            spans = {e.span for e in body_of(handler)}
            if made not in spans:
                found |= spans
                found.update(e.span for e in handled(handler))
    return frozenset(found)


def _may_fail(event: Event, nesting: int = 0) -> bool:
    """Whether an event sends a statement or a request, or calls a function that does and lets the error through."""
    if event.kind in ("use", "txn"):
        return event.name in _SENDS
    if event.kind == "network":
        return event.name not in network.SLEEPS
    callee = event.callee
    if event.kind != "call" or callee is None or callee.is_generator or nesting >= _MAX_NESTING:
        return False
    failing = [e for e in callee.events if _may_fail(e, nesting + 1)]
    if not failing:
        return False
    caught = _caught(callee)
    return any(e.span not in caught for e in failing)


def _before_try(event: Event, closings: list[Event]) -> Iterator[Event]:
    """What happens between the call of ``event`` and the ``try`` that closes, in ``finally``, what it makes."""
    if any("finally" not in c.flags for c in closings):
        return
    tries = [t[1] for t in _tries(event.function.body) if t[5] and any(is_within(c.span, _last(t)) for c in closings)]
    if tries:
        for other in event.function.events:
            if other.span > event.span and not any(span <= other.span for span in tries):
                yield other


def _last(node: Any) -> ir.Span4:
    """The place of the ``finally`` of a ``try``."""
    return (*node[5][0][1][:2], *node[5][-1][1][2:])


def _tries(body: Any) -> Iterator[Any]:
    """The ``try`` statements of a function, wherever they stand in it."""
    for statement in body:
        if statement[0] == "T":
            yield statement
        for block in blocks_of(statement):
            yield from _tries(block)


def _same(atom: Any, handle: Handle) -> bool:
    return isinstance(atom, Handle) and (atom.site, atom.root) == (handle.site, handle.root)


def _around(body: Any, made: ir.Span4, end: ir.Span4) -> tuple[list[str], list[ir.Expr]] | None:
    """The names given to what a statement makes and the tests around a place after it; ``None`` without a sure way."""
    first = next((s for s in body if is_within(made, s[1])), None)
    last = next((s for s in body if is_within(end, s[1])), None)
    if first is None or last is None:
        return None
    if first is last:
        inner = (_around(block, made, end) for block in blocks_of(first))
        return next((found for found in inner if found is not None), None)
    targets = first[2] if first[0] == "=" else first[2:3] if first[0] == ":" else ()
    names = [t[2] for t in targets if t[0] == "n"]
    return (names, list(_tests(last, end))) if names else None


def _tests(node: Any, end: ir.Span4) -> Iterator[ir.Expr]:
    if node[0] in ("I", "W"):
        yield node[2]
    for block in blocks_of(node):
        for statement in block:
            if is_within(end, statement[1]):
                yield from _tests(statement, end)


def _asks(test: Any, name: str) -> bool:
    """Whether a test asks if there is an object of this name, or what state it is in, and not only for a row."""
    pending = [test]
    while pending:
        current = pending.pop()
        if type(current) is tuple and current:
            if current[0] == "c" and len(current) == 5 and current[2][0] == "a" and current[2][3] in _ASKS_FOR_ROWS:
                pending.extend((current[3], current[4]))
                continue
            if current[0] == "n" and len(current) == 3 and current[2] == name:
                return True
            pending.extend(current)
    return False
