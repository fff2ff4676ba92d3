"""``inspect.signature(f).bind(*args, **options).arguments``: what a call would pass, by the names of the parameters."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.arguments import bound
from sessionlint.program.frame import Frame, identity
from sessionlint.program.values import NAMESPACE, UNKNOWN, Ext, Fn, Map, PartialCall, Value

Keywords = list[tuple[str, Value]]
_BIND = "inspect.Signature().bind"


def made(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``inspect.signature(f)``: all that is asked of it here is which arguments a call has."""
    given = args[0] if args else UNKNOWN
    if not given:
        return UNKNOWN
    bind: Value = (PartialCall((Ext(_BIND),), (given,), ()),)
    return (Map((NAMESPACE, ("bind", bind), ("bind_partial", bind))),)


def _bind(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    found = _by_name(frame, args, keywords, e)
    return (Map((NAMESPACE, ("arguments", found))),) if found else UNKNOWN


def _by_name(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """The arguments of a call of each function that the first argument may be: ``getcallargs(f, *args, **options)``."""
    seen: list[Any] = []
    for atom in args[0] if args else ():
        seen += frame.solver.ask("views", atom) if atom.tag == "param" else (atom,)
    return tuple([_of_call(frame, a, args[1:], keywords) for a in dict.fromkeys(seen) if isinstance(a, Fn)])


def _of_call(frame: Frame, function: Fn, args: list[Value], keywords: Keywords) -> Map:
    info = function.info
    names = [name for name, *_ in info.params]
    if frame.function in info.wrappers:
        # a decorator asks what the function it wraps is passed: callers know that
        frame.solver.summary_of(info)
        return Map(tuple([(name, (identity(info, name),)) for name in names]))
    given = bound(frame, info, function, args, keywords)
    return Map(tuple([(name, given.get(identity(info, name), UNKNOWN)) for name in names]), True)


SPECIAL = {"inspect.signature": made, _BIND: _bind, "inspect.getcallargs": _by_name}
