"""Options of decorators: ``@with_session(begin=False)`` runs its function where the inner one asks no ``if begin:``.

All functions that a decorator is put on run at each place where its inner function calls one. Those of which the
literals of their own decorator say that it does not come there are left out. Where such a function is called, the inner
function does what the arguments of its decorator leave of it, functions among them (``@retried(on_retry=back_off)``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from sessionlint.facts import ir
from sessionlint.program import told_tests
from sessionlint.program.values import UNKNOWN, Const, Fn, Param, PartialCall, Seq, Value

if TYPE_CHECKING:
    from sessionlint.program.frame import Frame
    from sessionlint.program.model import FunctionInfo
    from sessionlint.program.solver import Solver

#: The cell that has, for a function, what the decorators put on it are called with.
FLAGS: Final = "flags"
#: The cells that have, for a function, a decorator and a parameter of that, what is given for it there.
GIVEN: Final = "given to decorator"
#: Kinds of expressions that may be evaluated twice: names, attributes, lambdas.
_TOLD_AGAIN: Final = frozenset({"n", "a", "lam"})
_PLAIN: Final = frozenset({"bool", "NoneType", "int", "str"})


def factory_of(frame: Frame, atom: Any) -> FunctionInfo | None:
    """What takes the arguments of a decorator: a function, or the constructor of a class."""
    if atom.tag == "fn":
        return cast("FunctionInfo", atom.info)
    return frame.solver.method(atom.info, "__init__") if atom.tag == "cls" else None


def note(frame: Frame, info: FunctionInfo, factory: FunctionInfo, decorator: ir.Expr) -> None:
    """Keeps what a decorator is called with, and the literals it has by default."""
    args, keywords = (decorator[3], decorator[4]) if decorator[0] == "c" else ((), ())
    if not factory.params or any(arg[0] == "*" for arg in args) or any(n is None for n, _ in keywords):
        return
    frame.solver.ensure_signed(factory)
    params = factory.params[1:] if factory.class_info is not None and not factory.is_staticmethod else factory.params
    by_place = [name for name, kind, *_ in params if kind in (ir.KIND_POSONLY, ir.KIND_NORMAL)]
    given: dict[str, ir.Expr] = dict(zip(by_place, args, strict=False))
    given.update({name: expr for name, expr in keywords if name is not None})
    flags: list[tuple[str, Value]] = []
    noted = False
    for name, kind, *_ in params:
        if kind == ir.KIND_VARARGS:
            rest = args[len(by_place) :]
            value: Value = (Seq(tuple([_written(frame, arg) for arg in rest])),) if decorator[0] == "c" else UNKNOWN
        elif name not in given:
            default: Value = factory.param_values.get(name, ((), ()))[1]
            value = (
                default if len(default) == 1 and default[0].tag == "const" and default[0].kind in _PLAIN else UNKNOWN
            )
        else:
            value = _written(frame, given[name])
        if len(value) == 1 and value[0].tag == "const":
            flags.append((name, value))
        elif value:
            noted = True
        frame.solver.write((GIVEN, info, factory, name), value)
    if flags or noted:
        frame.solver.write((FLAGS, info), (PartialCall((Fn(factory),), (), tuple(flags)),))


def _written(frame: Frame, expr: ir.Expr) -> Value:
    """What an argument is, where it takes no call to tell."""
    if expr[0] == "k":
        return (Const(expr[2], type(expr[2]).__name__),)
    return frame.evaluate(expr) if expr[0] in _TOLD_AGAIN else UNKNOWN


def put_in(frame: Frame, function: FunctionInfo, mapped: dict[Any, Value]) -> None:
    """What the parameters of a function's decorators are where these are put around it."""
    for call in frame.solver.read((FLAGS, function)):
        factory = call.function[0].info
        for name, *_ in factory.params:
            value = frame.solver.read((GIVEN, function, factory, name))
            if value:
                mapped[Param(factory, name)] = value


def given(solver: Solver, function: FunctionInfo, inner: FunctionInfo, name: str) -> Value:
    """What a parameter of the decorator around ``inner`` is given where it is put on a function."""
    outer = inner.parent
    while outer is not None:
        value = solver.peek((GIVEN, function, outer, name))
        if value:
            return value
        outer = outer.parent
    return UNKNOWN


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


__all__ = ["FLAGS", "come_here", "factory_of", "given", "note", "put_in"]
