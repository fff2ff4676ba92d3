"""``function(*args, session=session)``: what a call gives by name, its ``*args`` do not hold.

The inner function of a decorator has one ``args`` for all that it wraps: what another one takes by position would else
stand for what this call names. Python refuses a call that gives a parameter both ways.
"""

from __future__ import annotations

from sessionlint.facts import ir
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import ABSENT, Fn, Value

_BY_PLACE = (ir.KIND_POSONLY, ir.KIND_NORMAL)


def spreads(e: ir.Expr) -> bool:
    """Whether a call has an unknown number of arguments by position."""
    return any(arg[0] == "*" for arg in e[3])


def up_to_named(
    function: FunctionInfo, callee: Fn, args: list[Value], keywords: list[tuple[str, Value]], e: ir.Expr
) -> list[Value]:
    """The arguments by position, those of a star only in front of the first parameter that is given by name.

    What is written in front of the star is given by place, whatever a dictionary of options may hold for others.
    """
    named = {name for name, value in keywords if ABSENT not in value}
    bound = callee.receiver is not None and function.class_info is not None
    taken = 1 if bound and not function.is_staticmethod and function.parent is None else 0
    written = next(at for at, arg in enumerate(e[3]) if arg[0] == "*")
    for at, (name, kind, *_) in enumerate(function.params):
        if kind not in _BY_PLACE:
            break
        if kind == ir.KIND_NORMAL and at - taken >= written and name in named:
            return args[: at - taken]
    return args
