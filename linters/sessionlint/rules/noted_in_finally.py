"""Outcomes that a ``finally`` clause records whatever happened, by what a name says if the work came to no end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.rules.walking import own_nodes_below
from sessionlint.rules.watching import is_within

_BLOCKS = {"T": 2, "w/": 3, "L": 4, "W": 3}


def noted_outcomes(function: FunctionInfo, records: Callable[[Event], bool]) -> list[ir.Span4]:
    """The part of a ``try`` whose errors leave a name at "failed", which ``finally`` records; and where it does."""
    body = ir.body_of(function.facts)
    found: list[ir.Span4] = []
    for node in own_nodes_below(body):
        if node[0] != "T" or len(node) != 6 or not node[5] or not node[2]:
            continue
        ends = dict(_ends(body, node))
        told = [s for s in node[5] if ends and _records(s, ends, function, records)]
        if told:
            used = {n[2] for n in own_nodes_below(tuple(told)) if n[0] == "n" and len(n) == 3}
            last = max(end for name, end in ends.items() if name in used)
            found += [(*node[2][0][1][:2], *last), *(s[1] for s in told)]
    return found


def _ends(body: Any, node: ir.Stmt) -> Iterator[tuple[str, tuple[int, int]]]:
    """The names that say something else when the ``try`` is through than in front of it, and where they begin to."""
    before = {name: value for name, value, where in assigned(body) if where[:2] < node[1][:2]}
    # in the ``else``, too, an error leaves the name at what it was
    for name, value, where in assigned((node[2], node[4])):
        if name in before and _differ(before[name], value):
            yield name, where[:2]


def assigned(nodes: Any) -> Iterator[tuple[str, ir.Expr, ir.Span4]]:
    """Names of a function that are given something, what they are given, and the statement's place."""
    for node in own_nodes_below(nodes):
        targets = node[2] if node[0] == "=" and len(node) == 4 else ()
        if node[0] == ":" and len(node) == 5 and node[4] is not None:
            targets = (node[2],)
        for target in targets:
            if target[0] == "n":
                yield target[2], node[-1], node[1]


def _differ(before: ir.Expr, after: ir.Expr) -> bool:
    """Whether a name says which it was: a result that is still missing is no word about an error."""
    if before[0] == "k" and after[0] == "k":
        return bool(before[2] != after[2])
    missing = before[0] not in ("k", "a") or (before[0] == "k" and before[2] is None)
    return not missing and ir.text_of(before) != ir.text_of(after)


def _records(
    statement: ir.Stmt, names: dict[str, Any], function: FunctionInfo, records: Callable[[Event], bool]
) -> bool:
    """Whether a statement records something that depends on one of these names."""
    op = statement[0]
    if op in _BLOCKS:
        return any(_records(s, names, function, records) for s in statement[_BLOCKS[op]])
    if op == "I" and not _mentions((statement[2],), names):
        return any(_records(s, names, function, records) for s in (*statement[3], *statement[4]))
    if not _mentions((statement,), names):
        return False
    return any(is_within(e.span, statement[1]) and records(e) for e in function.events)


def _mentions(nodes: Any, names: dict[str, Any]) -> bool:
    return any(n[0] == "n" and len(n) == 3 and n[2] in names for n in own_nodes_below(nodes))
