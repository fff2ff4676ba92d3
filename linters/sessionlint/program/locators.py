"""Sessions of unseen making: what a container hands out for a class, what a declared callable returns."""

from __future__ import annotations

from sessionlint.facts import ir
from sessionlint.program import knowledge
from sessionlint.program.frame import Frame
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import SESSION, UNKNOWN, Handle, Value

_METHODS = {"get", "aget", "get_sync", "get_async", "resolve", "aresolve"}


def located(frame: Frame, args: list[Value], e: ir.Expr) -> Value:
    """``container.get(AsyncSession)``: the container's session, one of its own for each place that asks."""
    if e[0] != "c" or e[2][0] != "a" or e[2][3] not in _METHODS or len(args) != 1:
        return UNKNOWN
    return _session(frame, args[0], e)


def declared_call(frame: Frame, args: list[Value], keywords: list[tuple[str, Value]], e: ir.Expr) -> Value:
    """A call of what is only known as ``Callable[…, X]``; ``X`` comes first among the arguments.

    Nobody knows whether it gives a new session each time; who enters what it gives ends it, too, so it is a new one.
    """
    made = _session(frame, args[0], e)
    if not made:
        return frame.solver.instances(args[0])
    flags = ("context",) if frame.flags and frame.flags[-1] == "context" else ()
    frame.begins[made[0]] = frame.emit(
        "declared", e[1], flags, subject=made, name=ir.text_of(e), expr=e,
        args=(*args[1:], *(v for _, v in keywords)),
    )  # fmt: skip
    return made


def promised(
    frame: Frame, method: FunctionInfo, args: list[Value], keywords: list[tuple[str, Value]], e: ir.Expr
) -> Value:
    """What calling an object gives of which only a protocol is known: a session, when ``__call__`` is declared so."""
    if not frame.solver.is_abstract(method):
        return UNKNOWN
    types = frame.solver.returned(method)
    if not _is_session(types) or method.class_info is None or frame.solver.overrides(method.class_info, "__call__"):
        return UNKNOWN
    return declared_call(frame, [types, *args], keywords, e)


def without_protocols(frame: Frame, views: Value) -> Value:
    """What may be called, without the protocols that say no more than how."""
    if len(views) < 2 or all(v.tag != "inst" for v in views):
        return views
    called = ((v, frame.solver.method(v.info, "__call__") if v.tag == "inst" else None) for v in views)
    return tuple(v for v, method in called if method is None or not frame.solver.is_abstract(method)) or views


def _is_session(types: Value) -> bool:
    return any(a.tag == "ext" and knowledge.handle_kind(a.name) == SESSION for a in types)


def _session(frame: Frame, types: Value, e: ir.Expr) -> Value:
    for atom in types:
        if atom.tag == "ext" and knowledge.handle_kind(atom.name) == SESSION:
            site = frame.site(e[1])
            return (Handle(SESSION, site, site, None, False, atom.name in knowledge.ASYNC_TYPES),)
    return UNKNOWN
