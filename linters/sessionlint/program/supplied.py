"""What decorators hand to the functions they are put around before what callers pass: ``fn(session, *args, **kwargs)``.

Who calls such a function passes the inner function its arguments, and the function gets them behind what that supplies.
"""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import Const, Value

#: Stands for an argument that the inner function supplies by itself.
SUPPLIED: Final[Value] = (Const("supplied", "supplied"),)
_BY_POSITION: Final = (ir.KIND_POSONLY, ir.KIND_NORMAL)


def behind_supplied(function: FunctionInfo, values: list[Value]) -> list[Value]:
    """What a function has by position when somebody calls it by its name with these, through its decorators."""
    for wrapper in reversed(function.wrappers):
        calls = _calls(wrapper)
        passed = _passed(wrapper, calls[0], values) if calls else None
        if passed is not None and all(_passed(wrapper, call, values) == passed for call in calls[1:]):
            values = passed
    return values


def _calls(wrapper: FunctionInfo) -> list[tuple[ir.Expr, ...]]:
    """The arguments by position of each call by which an inner function calls what its decorator is put around."""
    maker = wrapper.parent
    if maker is None:
        return []
    named = {name for name, *_ in maker.params}
    found: list[tuple[ir.Expr, ...]] = []
    pending: list[Any] = [wrapper.body]
    while pending:
        node = pending.pop()
        if len(node) == 5 and node[0] == "c" and node[2][0] == "n" and node[2][2] in named:
            found.append(node[3])
        pending += [child for child in node if type(child) is tuple and child]
    return found


def _passed(wrapper: FunctionInfo, given: tuple[ir.Expr, ...], values: list[Value]) -> list[Value] | None:
    """The values of a call's arguments, where all of them are the caller's own or supplied; ``None`` for no change."""
    own = [name for name, kind, *_ in wrapper.params if kind in _BY_POSITION]
    rest = [name for name, kind, *_ in wrapper.params if kind == ir.KIND_VARARGS]
    passed: list[Value] = []
    supplies = False
    for arg in given:
        if arg[0] == "*":
            if not rest or arg[2][0] != "n" or arg[2][2] != rest[0]:
                return None
            passed += values[len(own) :]
        elif arg[0] == "n" and arg[2] in own:
            place = own.index(arg[2])
            if place < len(values):
                passed.append(values[place])
        else:
            supplies = True
            passed.append(SUPPLIED)
    return passed if supplies else None
