"""Returns that leave a session open which another return of the function hands out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.facts.blocks import blocks_of
from sessionlint.program.model import Event
from sessionlint.program.values import Handle, contained
from sessionlint.rules.watching import is_within


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
    tries = [node for node in _tries(function.body) if any(is_within(c.span, node[1]) for c in closings)]
    if not tries or any("finally" not in c.flags for c in closings):
        return None
    for other in function.events:
        leaves = other.kind == "return" or (other.kind == "raise" and "through" not in other.flags)
        if not leaves or other.span <= made or any(node[1] <= other.span for node in tries):
            continue
        if any(_same(a, handle) for a in contained(other.value)):
            continue
        found = _around(function.body, made, other.span)
        if found is not None and not any(_asks(test, name) for name in found[0] for test in found[1]):
            return other
    return None


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
    names = [t[2] for t in first[2] if t[0] == "n"] if first[0] == "=" else []
    return (names, list(_tests(last, end))) if names else None


def _tests(node: Any, end: ir.Span4) -> Iterator[ir.Expr]:
    if node[0] in ("I", "W"):
        yield node[2]
    for block in blocks_of(node):
        for statement in block:
            if is_within(end, statement[1]):
                yield from _tests(statement, end)


def _asks(test: Any, name: str) -> bool:
    """Whether a test asks if there is an object of this name, or what state it is in."""
    pending = [test]
    while pending:
        current = pending.pop()
        if type(current) is tuple and current:
            if current[0] == "n" and len(current) == 3 and current[2] == name:
                return True
            pending.extend(current)
    return False
