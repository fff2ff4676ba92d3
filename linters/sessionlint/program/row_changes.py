"""Assignments to attributes of rows: whose session writes them, and which change nothing."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import (
    holding,
    loaded_rows,
    row_classes,
    whose_rows,
)  # fmt: skip
from sessionlint.program.frame import YES, Frame
from sessionlint.program.model import Effect
from sessionlint.program.values import (
    UNKNOWN,
    Value,
    join,
)

#: Types of single values.
_SCALARS = frozenset({
    "builtins.str", "builtins.int", "builtins.float", "builtins.bool", "uuid.UUID", "decimal.Decimal",
})  # fmt: skip


def is_coercion(frame: Frame, target: ir.Expr, source: ir.Expr | None) -> bool:
    """``row.code = str(row.code)``: the same value for an answer, nothing to write.

    ``row.tags = list(row.tags)`` is one: a copy is how a change inside of it gets noticed.
    """
    if source is None or source[0] != "c" or len(source[3]) != 1 or source[4]:
        return False
    whole = ir.dotted(target)
    if whole is None or source[3][0][0] != "a" or ir.dotted(source[3][0]) != whole:
        return False
    called = frame.evaluate(source[2])
    return bool(called) and all(a.tag == "ext" and a.name in _SCALARS for a in called)


def row_above(frame: Frame, owner: ir.Expr) -> Value:
    """``order.customer`` of a row: what hangs on one by a relationship is a row, too."""
    if owner[0] != "a" or not _is_held(owner[2]):
        return UNKNOWN
    return tuple(a for a in frame.evaluate(owner[2]) if a.tag == "row")


def _is_held(expr: ir.Expr) -> bool:
    """A name, or what stands in an object or container below one: reading it again does nothing."""
    while expr[0] == "a" or (expr[0] == "i" and expr[3][0] == "k"):
        expr = expr[2]
    return bool(expr[0] == "n")


def change(frame: Frame, changed: Value, span: ir.Span4, target: ir.Expr, name: str | None = None) -> None:
    """An attribute of rows is assigned: their session writes it; of a parameter callers know whether it is a row."""
    changed = join(changed, row_classes.itself(frame, changed))
    if {atom.tag for atom in changed}.isdisjoint(("row", "operation", "param", "injected")):
        return
    if name is not None and not row_classes.have(frame, name):
        return
    sessions = changing(frame, changed)
    if sessions:
        begins = _begins(frame, changed, sessions)
        frame.emit("change", span, ("begins",) if begins else (), subject=sessions, expr=target)
        holding.changed(frame, sessions)
        if begins:
            frame.learn(sessions[0], "used")
            holding.used_again(frame, sessions[0])
            frame.learn(sessions[0], holding.ASSIGNED)
    outers = [Effect("change", "row", session) for session in sessions]
    outers += [Effect("change", "argument", atom) for atom in changed if atom.tag == "param"]
    for outer in outers:
        frame.effect(outer, span, f"{ir.text_of(target)} changes a row")


def _begins(frame: Frame, changed: Value, sessions: Value) -> bool:
    """To assign to a loaded row begins its session's transaction, as a statement does, but asks for no connection."""
    if len(sessions) != 1 or frame.know(sessions[0], "used") == YES or frame.in_block(sessions[0]):
        return False
    return all(a.tag == "row" and not a.query for a in changed)


def changing(frame: Frame, value: Value) -> Value:
    """The sessions that write what is assigned to attributes of rows in a value."""
    sessions: Any = dict.fromkeys([row.session for row in loaded_rows.rows_in(frame, value)])
    if len(sessions) > 1:
        sessions = whose_rows.of_this_call(frame, sessions)
    return writing(frame, tuple(sessions))


def writing(frame: Frame, sessions: Value) -> Value:
    """Those of the sessions that still write what is assigned to their rows: they have let go of none, and are open."""
    return tuple(s for s in sessions if not frame.know(s, "let go") and not frame.know(s, "closed"))
