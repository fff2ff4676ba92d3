"""The names that a function gives what it makes, and where they stand: for what no event tells of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir


def nodes(node: Any, op: str, size: int) -> Iterator[ir.Expr]:
    """The nodes of one kind in these, those of inner functions included."""
    for child in node:
        if type(child) is tuple and child:
            if child[0] == op and len(child) == size:
                yield child
            yield from nodes(child, op, size)


def names_of(statements: Any, made: ir.Span4) -> set[str]:
    """The names that statements give what is made at a place in them."""
    given = [item for node in nodes(statements, "w/", 5) for item in node[2]]
    given += [(node[3], target) for node in nodes(statements, "=", 4) for target in node[2]]
    return {
        target[2]
        for value, target in given
        if target is not None and target[0] == "n" and value[1][:2] <= made[:2] and made[2:] <= value[1][2:]
    }


def uses_of(statements: Any, names: set[str]) -> Iterator[ir.Expr]:
    """Where one of these names stands, the places included at which it is given."""
    return (n for n in nodes(statements, "n", 3) if n[2] in names)
