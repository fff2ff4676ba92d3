"""``except`` clauses that record an error only where a parameter says so, and drop it otherwise."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.api import Program
from sessionlint.program.model import Event
from sessionlint.rules.efforts import Clause, clause_of

_ORDER = frozenset({"<", "<=", ">", ">="})
_EQUAL = frozenset({"==", "!=", "in", "not in"})
_RANKS = ("nothing", "whispers", "logs", "records")


def least_effort(program: Program, handler: Event) -> str:
    """What an ``except`` clause does at least: on the way that the function's parameters choose for the worst.

    A test that asks for the error, or whether there is anything to record it on, chooses no such way.
    """
    found = clause_of(program, handler)
    return _RANKS[_least(*found, _parameters(handler))] if found is not None else "records"


def _parameters(handler: Event) -> frozenset[str]:
    return frozenset(name for _, name, *_ in handler.function.facts[3])


def _least(clause: Clause, body: tuple[Any, ...], parameters: frozenset[str]) -> int:
    most = 0
    for at, statement in enumerate(body):
        if statement[0] == "I" and _chooses(statement[2], parameters):
            rest = body[at + 1 :]
            ways = [branch if _leaves(branch) else (*branch, *rest) for branch in (statement[3], statement[4])]
            return max(most, min([_least(clause, way, parameters) for way in ways]))
        most = max(most, _RANKS.index(clause.effort((statement,))))
    return most


def _leaves(branch: Any) -> bool:
    return bool(branch) and branch[-1][0] in ("R", "J", "!")


def _chooses(test: ir.Expr, parameters: frozenset[str]) -> bool:
    """Whether a test compares a parameter with what is written down: the attempts with the most there may be."""
    op = test[0]
    if op == "u":
        return test[2] == "not" and _chooses(test[3], parameters)
    if op == "o":
        # one part is enough to make ``and`` fail
        found = [_chooses(part, parameters) for part in test[3]]
        return any(found) if test[2] == "and" else all(found)
    if op != "x" or len(test[3]) != 1:
        return False
    sides = (test[2], test[4][0])
    if test[3][0] in _ORDER:
        names = [ir.dotted(side) for side in sides if side[0] != "k"]
        return None not in names and any((n or "").split(".")[0] in parameters for n in names)
    # what equals a parameter's attribute is the state of a row, which may say what has become of it
    given = sides[0][0] == "n" and sides[0][2] in parameters
    return given and test[3][0] in _EQUAL and _is_written(sides[1])


def _is_written(side: ir.Expr) -> bool:
    """Whether an expression is a literal, or several: one that is empty asks whether there is anything."""
    if side[0] in ("t", "l", "e"):
        return bool(side[2]) and all(_is_written(part) for part in side[2])
    return bool(side[0] == "k" and side[2])
