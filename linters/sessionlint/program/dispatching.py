"""Functions of which the class of the first argument says which is called: ``functools.singledispatch``."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.guards import ANY, Guard
from sessionlint.program.model import FunctionInfo
from sessionlint.program.reflection import class_of
from sessionlint.program.values import UNKNOWN, Ext, Fn, Inst, Param, PartialCall, Value

_DISPATCHES = frozenset({"functools.singledispatch", "functools.singledispatchmethod"})
_CLASSES = ("cls", "ext")
_LITERALS = frozenset({"str", "int", "float", "bool", "bytes", "NoneType"})


def dispatches(function: FunctionInfo) -> bool:
    """Whether a function has others registered with it for classes of its first argument."""
    return any(a.tag == "ext" and a.name in _DISPATCHES for _, value in function.decorator_values for a in value)


def decorated(frame: Frame, info: FunctionInfo, base: FunctionInfo, decorator: ir.Expr) -> None:
    """``@handle.register``: for the class that it is told, or that the first parameter is declared as."""
    if decorator[0] == "c" and decorator[3]:
        classes = frame.evaluate(decorator[3][0])
    else:
        takes_self = info.class_info is not None and not info.is_staticmethod
        first = info.params[1:2] if takes_self else info.params[:1]
        classes = frame.evaluate(first[0][2]) if first and first[0][2] is not None else UNKNOWN
    register(frame, base, classes, Fn(info))


def register(frame: Frame, base: FunctionInfo, classes: Value, function: Any) -> None:
    """A function is what is called for instances of these classes."""
    classes = tuple([a for a in classes if a.tag in _CLASSES])
    if classes and function.tag == "fn" and dispatches(base):
        frame.solver.write(("dispatched", base), (PartialCall((function,), (classes,), ()),))
        frame.solver.want(function.info)


def chosen(frame: Frame, callees: Value, args: list[Value]) -> Value:
    """What is called in the place of functions that dispatch; the conditions on a parameter are noted."""
    out: list[Any] = []
    for callee in callees:
        if callee.tag != "fn" or not callee.info.decorator_values or not dispatches(callee.info):
            out.append(callee)
            continue
        kept = frame.solver.read(("dispatched", callee.info))
        for function, guard in _instead(frame, callee, kept, args[0] if args else UNKNOWN):
            out.append(function)
            if guard is not None:
                frame.under[function] = guard
    return tuple(dict.fromkeys(out))


def _instead(frame: Frame, callee: Fn, kept: Value, given: Value) -> list[tuple[Any, Guard | None]]:
    """The functions that may be called for an argument; by its class, where that is known."""
    known = tuple([Ext(f"builtins.{a.kind}") for a in given]) if _are_literals(given) else class_of(frame, given)
    if given and len(known) == len(given) and all(a.tag in _CLASSES for a in known):
        return [(_nearest(frame, callee, kept, cls), None) for cls in known]
    through = given[0] if len(given) == 1 and isinstance(given[0], Param) else None
    found: list[tuple[Any, Guard | None]] = []
    for entry in kept:
        function = entry.function[0]._replace(receiver=callee.receiver)
        wanted = frozenset(("is", Inst(a.info)) for a in entry.args[0] if a.tag == "cls")
        tells = through is not None and len(wanted) == len(entry.args[0])
        found.append((function, Guard(through, ANY, wanted, True) if tells else None))
    if not found or not frame.solver.summary_of(callee.info).always_raises:
        found.append((callee, None))
    return found


def _are_literals(value: Value) -> bool:
    """Whether a value is written in the source: a text, a number…"""
    for atom in value:
        if atom.tag != "const" or atom.kind not in _LITERALS:
            return False
    return bool(value)


def _nearest(frame: Frame, callee: Fn, kept: Value, cls: Any) -> Fn:
    """What is registered for a class, or for the nearest one above it."""
    above: list[tuple[str, Any]] = (
        [("cls", c) for c in frame.solver.mro(cls.info)] if cls.tag == "cls" else [("ext", cls.name)]
    )
    if above[0] == ("ext", "builtins.bool"):
        above.append(("ext", "builtins.int"))
    for one in above:
        for entry in kept:
            if any((a.tag, a.info if a.tag == "cls" else a.name) == one for a in entry.args[0]):
                function: Fn = entry.function[0]._replace(receiver=callee.receiver)
                return function
    return callee


__all__ = ["chosen", "decorated", "dispatches", "register"]
