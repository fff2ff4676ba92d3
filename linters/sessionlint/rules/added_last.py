"""``row = Row(**parse(line)); session.add(row)``: what may fail in such a ``try`` comes before the row is added."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.rules.walking import nodes_below, own_nodes_below

if TYPE_CHECKING:
    from sessionlint.facts import ir
    from sessionlint.program.model import Event


def added_last(handler: Event, use: Event) -> bool:
    """Whether a ``try`` ends with adding a row, after something else of which the clause keeps the errors.

    ``add()`` sends nothing, so no statement fails there; and where something failed before it, nothing was added.
    A clause around an ``add()`` alone is meant for that.
    """
    if use.kind != "use" or use.name != "add" or use.expr is None:
        return False
    body = _tried(handler)
    last = body[-1] if body else None
    if last is None or last[0] != "E" or last[2][1] != use.span or last[2][0] != "c" or last[2][2][0] != "a":
        return False
    return any(n[1] != use.span and _may_fail(n) for n in own_nodes_below(body))


def _may_fail(node: Any) -> bool:
    """Whether a call makes something of what is not written there."""
    if node[0] != "c" or len(node) != 5:
        return False
    return any(a[0] != "k" for a in (*node[3], *(value for _, value in node[4])))


def _tried(handler: Event) -> tuple[ir.Stmt, ...]:
    """The block whose errors an ``except`` clause or a ``suppress()`` keeps."""
    place: Any = handler.span
    for node in nodes_below(handler.function.body):
        if node[0] == "T" and len(node) == 6 and any(clause[0] == place for clause in node[3]):
            return tuple(node[2])
        ends_there = node[0] == "w/" and len(node) == 5 and node[1][2:] == place[2:]
        if ends_there and any(item[1][:2] == place[:2] for item, _ in node[2]):
            return tuple(node[3])
    return ()
