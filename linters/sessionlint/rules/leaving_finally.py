"""Which statement of a ``finally`` clause leaves it when the work has failed, and so keeps the error."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.rules.noted_in_finally import assigned

_LEAVES = ("R", "J")
_SAME = ("==", "is")
_OTHER = ("!=", "is not")


def leaving(statements: Any, node: ir.Stmt) -> tuple[ir.Stmt | None, ir.Span4]:
    """A ``return``, ``break`` or ``continue`` in the clause, and the part of the ``try`` whose errors it keeps."""
    whole: ir.Span4 = (*node[2][0][1][:2], *node[2][-1][1][2:])
    for statement in node[5]:
        if statement[0] in _LEAVES:
            return statement, whole
        branch, until = _taken(statements, node, statement) if statement[0] == "I" else ((), whole)
        found = next((s for s in branch if s[0] in _LEAVES), None)
        if found is not None:
            return found, (*whole[:2], *until[:2])
    return None, whole


def _taken(statements: Any, node: ir.Stmt, test: ir.Stmt) -> tuple[tuple[ir.Stmt, ...], ir.Span4]:
    """The branch of ``if not done:`` for errors of what stands in front of ``done = True``, and where that stands."""
    for name, (constant, where) in _settled(statements, node).items():
        holds = _holds(test[2], name, constant)
        if holds is not None:
            return (test[3] if holds else test[4]), where
    return (), test[1]


def _settled(statements: Any, node: ir.Stmt) -> dict[str, tuple[Any, ir.Span4]]:
    """The names that are a constant in front of the ``try`` and get another in it, once; where they do."""
    inside = dict.fromkeys(name for name, _, _ in assigned((node[2], node[4])))
    found: dict[str, list[tuple[ir.Expr, ir.Span4]]] = {}
    for name, value, where in assigned(statements) if inside else ():
        if name in inside:
            found.setdefault(name, []).append((value, where))
    out: dict[str, tuple[Any, ir.Span4]] = {}
    for name, said in found.items():
        if len(said) == 2:
            (before, first), (after, second) = sorted(said, key=lambda entry: entry[1])
            if before[0] == after[0] == "k" and first[:2] < node[1][:2] < second[:2]:
                out[name] = (before[2], second)
    return out


def _holds(test: ir.Expr, name: str, constant: Any) -> bool | None:
    """Whether a test of a name that is this constant holds; ``None`` for any other test."""
    if test[0] == "n":
        return bool(constant) if test[2] == name else None
    if test[0] == "u" and test[2] == "not":
        inner = _holds(test[3], name, constant)
        return None if inner is None else not inner
    if test[0] == "x" and test[2][0] == "n" and test[2][2] == name and len(test[3]) == 1 and test[4][0][0] == "k":
        if test[3][0] in _SAME:
            return bool(constant == test[4][0][2])
        if test[3][0] in _OTHER:
            return bool(constant != test[4][0][2])
    return None
