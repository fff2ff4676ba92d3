"""Rows that are added to a session and taken out of it again before anything sends them: nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.facts.blocks import blocks_of
from sessionlint.program.operations import PASSIVE
from sessionlint.rules.saving import is_write
from sessionlint.rules.walking import own_nodes_below
from sessionlint.rules.watching import is_within

if TYPE_CHECKING:
    from sessionlint.program.model import Event, FunctionInfo

_ADDS = frozenset({"add", "add_all"})
_LEAVES = frozenset({"R", "!", "J"})
_NESTS = frozenset({"I", "L", "W", "w/", "T", "M"})


def are_taken_out(event: Event) -> bool:
    """Whether all rows that are written here, or below, are only added and taken out again."""
    seen: set[FunctionInfo] = set()
    pending = [event]
    while pending:
        current = pending.pop()
        callee = current.callee if current.kind == "effect" else None
        if callee is None:
            if current.kind != "use" or current.name not in _ADDS or not _is_taken_out(current):
                return False
        elif callee not in seen:
            seen.add(callee)
            below = [e for e in callee.events if is_write(e)]
            if current.text != "use" or not below:
                return False
            pending += below
    return True


def _is_taken_out(added: Event) -> bool:
    """Whether a statement that is sure to come next among all that works on the session takes the rows out."""
    later = [e for e in added.function.events if e.span[:2] > added.span[:2] and _is_of(e, added)]
    for event in later:
        if event.kind == "use" and event.name in ("expunge", "expunge_all"):
            if _takes(event, added) and _is_reached(added, event):
                return True
        elif event.kind != "change" and (event.kind != "use" or event.name not in _ADDS | PASSIVE):
            return False
    return False


def _is_of(event: Event, added: Event) -> bool:
    return any(session in added.subject for session in event.subject)


def _takes(event: Event, added: Event) -> bool:
    """Whether ``expunge_all()`` or the ``expunge(row)`` of the very row that was added."""
    if event.name == "expunge_all":
        return True
    rows = [ir.dotted(e.expr[3][0]) if e.expr and e.expr[0] == "c" and e.expr[3] else None for e in (event, added)]
    return added.name == "add" and rows[0] is not None and rows[0] == rows[1]


def _is_reached(added: Event, event: Event) -> bool:
    """Whether every way from the one to the other goes on: nothing leaves, or gives the row's name to another."""
    row = event.expr[3][0] if event.expr is not None and event.name == "expunge" else None
    for block, at in _around(added.function.body, added.span):
        for index in range(at + 1, len(block)):
            if block[index][0] == "E" and is_within(event.span, block[index][1]):
                first = at if block[at][0] in _NESTS else at + 1
                return not any(_interrupts(s, row) for s in block[first:index])
    return False


def _interrupts(statement: ir.Stmt, row: ir.Expr | None) -> bool:
    nodes = [statement, *own_nodes_below(statement)]
    name = (ir.dotted(row) or "").split(".")[0] if row is not None else ""
    return any(n[0] in _LEAVES or (n[0] in ("=", ":", "w", "L") and _binds(n, name)) for n in nodes if len(n) > 2)


def _binds(node: Any, name: str) -> bool:
    pending = list(node[2] if node[0] == "=" else (node[2],))
    while pending:
        target = pending.pop()
        if target == ("n", target[1], name):
            return True
        pending += target[2] if target[0] in ("t", "l") else ()
    return False


def _around(block: Any, span: ir.Span4) -> Iterator[tuple[Any, int]]:
    """The blocks around a place, from the innermost, with the index of the statement of each that holds it."""
    at = next((i for i, statement in enumerate(block) if is_within(span, statement[1])), None)
    if at is None:
        return
    statement = block[at]
    if statement[0] in _NESTS:
        for inner in blocks_of(statement):
            yield from _around(inner, span)
    yield block, at
