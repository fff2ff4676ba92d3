"""Statements that a function narrows for its callers: ``stmt.where(…)`` is of the kind that each of them passes.

Where callers pass statements of several kinds, or ``Select | Delete`` is declared, what the function gives back is
still the argument: for whoever passes a SELECT it is one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.program import queries, sending
from sessionlint.program.values import UNKNOWN, Method, Param, Value, join

if TYPE_CHECKING:
    from sessionlint.program.frame import Frame

#: Methods that give a statement of the same kind, with less in it or in another order.
NARROWS = frozenset({
    "where", "filter", "filter_by", "having", "order_by", "group_by", "limit", "offset", "distinct", "options",
    "execution_options", "join", "outerjoin",
})  # fmt: skip


def bound(frame: Frame, param: Any, name: str, found: Value) -> Value:
    """The method ``name`` of a parameter, which ``found`` has once for each kind of statement that it may be."""
    if param.info is not frame.function:
        return found
    kinds = tuple([a.receiver for a in found if a.tag == "method" and a.receiver.tag == "ext"])
    if len(kinds) != len(found) or not sending.writes(kinds):
        return found
    frame.narrowed[param] = kinds
    return (Method(param, name),)


def call(
    frame: Frame, param: Any, name: str, args: list[Value], keywords: list[tuple[str, Value]], e: ir.Expr
) -> Value:
    """Such a method is called: it gives the parameter, but for what makes another kind of statement of it."""
    out: Value = UNKNOWN
    for kind in frame.narrowed[param]:
        given = queries.method(frame, kind, name, args, keywords, e)
        out = join(out, (param,) if given == (kind,) else given)
    return out


def writes(frame: Frame, statement: Value, subjects: Value) -> bool:
    """Whether some caller passes what writes, where the function sends it on a session that is its own."""
    if not any(s.tag == "handle" and frame.is_own(s) for s in subjects):
        return False
    passed = [a for a in statement if isinstance(a, Param) and a in frame.narrowed]
    return any(sending.writes((given,)) for param in passed for given in frame.solver.arguments_of(param))
