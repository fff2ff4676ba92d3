"""``*steps`` and ``**steps`` that an object keeps: which functions those are, each object's constructor was told."""

from __future__ import annotations

from sessionlint.facts import ir
from sessionlint.program import drawing
from sessionlint.program.frame import Frame
from sessionlint.program.values import Param, Value, join

_COPIES = frozenset({"list", "tuple", "dict"})
_STARRED = (ir.KIND_VARARGS, ir.KIND_KWARGS)


def as_kept(frame: Frame, value: Value, source: ir.Expr | None) -> Value:
    """``self.steps = steps`` in a constructor: with the parameter, for which each object has what it was made with."""
    function = frame.function
    if source is None or function.name != "__init__":
        return value
    held = [a for a in value if a.tag in ("seq", "map")]
    if not held:
        return value
    name = _copied(source)
    if not any(p[0] == name and p[1] in _STARRED for p in function.params):
        return value
    if not any(drawing.holds_function(a) for a in held):
        return value
    return join((Param(function, str(name)),), value)


def _copied(source: ir.Expr) -> str | None:
    """The name that an expression is, or gives a list, a tuple or another dictionary of."""
    if source[0] == "c" and source[2][0] == "n" and source[2][2] in _COPIES and len(source[3]) == 1:
        source = source[3][0]
    elif source[0] in ("l", "t") and len(source[2]) == 1 and source[2][0][0] == "*":
        source = source[2][0][2]
    return str(source[2]) if source[0] == "n" else None


__all__ = ["as_kept"]
