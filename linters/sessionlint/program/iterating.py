"""What going through an object of the project gives: ``__iter__``, ``__aiter__`` and their steps, ``__getitem__``."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import calls, implied
from sessionlint.program.frame import Frame
from sessionlint.program.guards import Guard
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import ENGINE, FACTORY, UNKNOWN, Pending, Value, join

_STARTS = ("__iter__", "__aiter__")
_STEPS = ("__next__", "__anext__")
#: What goes through all that a dictionary has, and through all of other things.
_VIEWS = ("items", "values", "keys")
_THROUGH = ("enumerate", "list", "tuple", "iter", "reversed", "sorted", "zip")


def goes_several_times(iterable: Value) -> bool:
    """Whether going through it is sure to give more than one element: a display of several, a dictionary of such."""
    if len(iterable) != 1:
        return False
    (atom,) = iterable
    if atom.tag == "map":
        return not atom.partial and sum(isinstance(k, str) for k, _ in atom.items) > 1
    return bool(atom.tag == "seq" and not atom.many and len(atom.items) > 1)


def is_sure_to_go_on(frame: Frame, e: ir.Expr, iterable: Value) -> bool:
    """The same of an expression: ``URLS.items()``, ``enumerate(NAMES)`` go through all of what is named."""
    if goes_several_times(iterable):
        return True
    if e[0] != "c":
        return False
    called, args = e[2], e[3]
    if called[0] == "a" and called[3] in _VIEWS and called[2][0] in ("n", "a") and not args:
        return goes_several_times(frame.evaluate(called[2]))
    if called[0] != "n" or called[2] not in _THROUGH or not args or (called[2] != "zip" and len(args) > 1):
        return False
    named = [a for a in args if a[0] in ("n", "a", "c")]
    return len(named) == len(args) and all(is_sure_to_go_on(frame, a, _named(frame, a)) for a in args)


def _named(frame: Frame, e: ir.Expr) -> Value:
    return frame.evaluate(e) if e[0] in ("n", "a") else UNKNOWN


def note_several(frame: Frame, e: ir.Expr, kept: Value) -> None:
    """A comprehension over several elements keeps an engine or factory of its own for each."""
    made = tuple(a for a in kept if a.tag == "handle" and a.kind in (ENGINE, FACTORY) and a in frame.begins)
    if not made or any(conditions for _, _, conditions in e[4]):
        return
    if any(is_sure_to_go_on(frame, iterable, frame.evaluate(iterable)) for _, iterable, _ in e[4]):
        frame.emit("several", e[1], subject=made, expr=e)


def elements(frame: Frame, instance: Any, span: ir.Span4) -> Value:
    """What ``for element in instance`` gives, ``async for`` too."""
    out: Value = UNKNOWN
    for atom in _called(frame, instance, _STARTS, span):
        if atom.tag == "inst":
            out = join(out, _called(frame, atom, _STEPS, span))
        else:
            out = join(out, frame.machine.element(frame, (atom,), span))
    return out


def of_declared(frame: Frame, param: Any, span: ir.Span4) -> Value:
    """The same of a parameter that is declared to be an object of the project."""
    owner = implied.declared(frame, param)
    if owner is None:
        return UNKNOWN
    frame.guards.append(Guard(param, "is", owner, True))
    out = elements(frame, owner, span)
    frame.guards.pop()
    return out


def entry(frame: Frame, param: Any, key: Value, e: ir.Expr) -> Value:
    """What ``rates[name]`` gives where the parameter is an object of the project: what its ``__getitem__`` does."""
    out: Value = UNKNOWN
    for view in frame.solver.ask("views", param):
        method = reader(frame, view) if view.tag == "inst" else None
        if method is None or method.is_async:
            continue
        frame.guards.append(Guard(param, "is", view, True))
        out = join(out, calls.call_function(frame, frame.solver.bound(method, view), [key], [], e))
        frame.guards.pop()
    return out


def reader(frame: Frame, instance: Any) -> FunctionInfo | None:
    """What ``instance[key]`` runs: in a dictionary's class, what makes an entry that it does not have."""
    return frame.solver.method(instance.info, "__getitem__") or frame.solver.method(instance.info, "__missing__")


def _called(frame: Frame, instance: Any, names: tuple[str, ...], span: ir.Span4) -> Value:
    """What the first of these methods that the object has returns, awaited."""
    methods = (frame.solver.method(instance.info, name) for name in names)
    method = next((m for m in methods if m is not None), None)
    if method is None:
        return UNKNOWN
    out: Value = UNKNOWN
    for atom in calls.call_function(frame, frame.solver.bound(method, instance), [], [], ("z", span, ())):
        awaited = isinstance(atom, Pending) and atom.kind == "coro"
        out = join(out, calls.run_pending(frame, atom, span, None) if awaited else (atom,))
    return out
