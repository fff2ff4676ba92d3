"""Flags of decorators: ``@with_session(begin=False)`` runs its function where the inner function asks no ``if begin:``.

All functions that a decorator is put on run at each place where its inner function calls one. Those of which the
literals of their own decorator say that it does not come there are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sessionlint.facts import ir
from sessionlint.program import told_tests
from sessionlint.program.values import Const, Fn, PartialCall, Value

if TYPE_CHECKING:
    from sessionlint.program.frame import Frame
    from sessionlint.program.model import FunctionInfo

#: The cell that has, for a function, what the decorators put on it are called with.
FLAGS: Final = "flags"
_PLAIN: Final = frozenset({"bool", "NoneType", "int", "str"})


def note(frame: Frame, info: FunctionInfo, factory: FunctionInfo, decorator: ir.Expr) -> None:
    """Keeps the literals that a decorator is called with, and those it has by default."""
    args, keywords = (decorator[3], decorator[4]) if decorator[0] == "c" else ((), ())
    if not factory.params or any(arg[0] == "*" for arg in args) or any(n is None for n, _ in keywords):
        return
    frame.solver.ensure_signed(factory)
    by_place = [name for name, kind, *_ in factory.params if kind in (ir.KIND_POSONLY, ir.KIND_NORMAL)]
    given: dict[str, ir.Expr] = dict(zip(by_place, args, strict=False))
    given.update({name: expr for name, expr in keywords if name is not None})
    flags: list[tuple[str, Value]] = []
    for name, *_ in factory.params:
        if name not in given:
            default: Value = factory.param_values.get(name, ((), ()))[1]
            if len(default) == 1 and default[0].tag == "const" and default[0].kind in _PLAIN:
                flags.append((name, default))
        elif given[name][0] == "k":
            literal = given[name][2]
            flags.append((name, (Const(literal, type(literal).__name__),)))
    if flags:
        frame.solver.write((FLAGS, info), (PartialCall((Fn(factory),), (), tuple(flags)),))


def come_here(frame: Frame, views: Value) -> Value:
    """The functions that an inner function may call at this place, as far as their decorators' flags tell."""
    return tuple([view for view in views if view.tag != "fn" or not _is_ruled_out(frame, view.info)])


def _is_ruled_out(frame: Frame, function: FunctionInfo) -> bool:
    put_on = frame.solver.read((FLAGS, function))
    outer = frame.function.parent
    while outer is not None and put_on:
        for call in put_on:
            if call.function[0].info is outer and _contradicts(frame, call.keywords):
                return True
        outer = outer.parent
    return False


def _contradicts(frame: Frame, flags: Any) -> bool:
    """Whether one of the tests around the place comes out otherwise with these flags."""
    added = {name: value for name, value in flags if name not in frame.env}
    frame.env.update(added)
    found = False
    for test, holds in frame.tests:
        outcome = told_tests.outcome(frame, test)
        if outcome is not None and outcome is not holds:
            found = True
            break
    for name in added:
        del frame.env[name]
    return found


__all__ = ["FLAGS", "come_here", "note"]
