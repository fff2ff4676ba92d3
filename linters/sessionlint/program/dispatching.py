"""``functools.singledispatch``: which of several functions runs is told by the class of the first argument."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.model import ClassInfo, FunctionInfo
from sessionlint.program.values import UNKNOWN, Cls, Ext, Fn, Value

_DISPATCHES = frozenset({Ext("functools.singledispatch"), Ext("functools.singledispatchmethod")})


def dispatches(function: FunctionInfo) -> bool:
    """Whether others may run in a function's place."""
    return any(atom in _DISPATCHES for _, value in function.decorator_values for atom in value)


def register(frame: Frame, function: FunctionInfo, general: FunctionInfo, decorator: ir.Expr) -> None:
    """``@general.register`` above a function; ``@general.register(Class)`` names the class that it is for."""
    if not dispatches(general):
        return
    frame.solver.write(("dispatched", general), (Fn(function),))
    if decorator[0] == "c" and decorator[3]:
        named = tuple(a for a in frame.evaluate(decorator[3][0]) if a.tag == "cls")
        frame.solver.write(("dispatched", function), named)


def instead(frame: Frame, callee: Fn, args: list[Value]) -> Value:
    """What runs in a function's place for these arguments; nothing where it runs itself, or that cannot be told."""
    registered = frame.solver.read(("dispatched", callee.info)) if args and dispatches(callee.info) else UNKNOWN
    by_class = {info: one.info for one in registered for info in _classes(frame, one.info)}
    found: dict[FunctionInfo, None] = {}
    for info in _classes_of(frame, args[0]) if by_class else ():
        found[next((by_class[c] for c in frame.solver.mro(info) if c in by_class), callee.info)] = None
    return tuple(Fn(one, callee.receiver) for one in found) if any(one is not callee.info for one in found) else UNKNOWN


def _classes(frame: Frame, function: FunctionInfo) -> list[ClassInfo]:
    """The classes that a registered function is for: named in its decorator, or by its first annotation."""
    named = tuple(a for a in frame.solver.read(("dispatched", function)) if isinstance(a, Cls))
    if not named:
        frame.solver.ensure_signed(function)
        first = 1 if function.class_info is not None and not function.is_staticmethod else 0
        names = [p[0] for p in function.params[first : first + 1]]
        named = function.param_values.get(names[0], (UNKNOWN, UNKNOWN))[0] if names else UNKNOWN
    return [a.info for a in named if a.tag == "cls"]


def _classes_of(frame: Frame, value: Value) -> list[ClassInfo]:
    views: list[Any] = []
    for atom in value:
        views.extend(frame.solver.views(atom) if atom.tag == "param" else (atom,))
    return list(dict.fromkeys(a.info for a in views if a.tag == "inst"))
