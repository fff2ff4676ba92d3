"""``function(*args, session=session)``: what a call gives by name, its ``*args`` do not hold.

The inner function of a decorator has one ``args`` for all that it wraps: what another one takes by position would else
stand for what this call names. Python refuses a call that gives a parameter both ways.
"""

from __future__ import annotations

from sessionlint.facts import ir
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import Fn, Value

_BY_PLACE = (ir.KIND_POSONLY, ir.KIND_NORMAL)


def spreads(e: ir.Expr) -> bool:
    """Whether a call has arguments by name, and an unknown number of others by position."""
    return any(arg[0] == "*" for arg in e[3])


def up_to_named(function: FunctionInfo, callee: Fn, args: list[Value], e: ir.Expr) -> list[Value]:
    """The arguments by position in front of the first parameter that the call gives by name."""
    written = [name for name, _ in e[4] if name is not None]
    bound = callee.receiver is not None and function.class_info is not None
    taken = 1 if bound and not function.is_staticmethod and function.parent is None else 0
    for at, (name, kind, *_) in enumerate(function.params):
        if kind not in _BY_PLACE:
            break
        if kind == ir.KIND_NORMAL and name in written:
            return args[: max(at - taken, 0)]
    return args
