"""Scopes of containers that make by type: what one hands out, it makes once, and ends when it is left.

``async with container() as scope``: all who ask that scope for a session have one, alone and in the objects that the
container makes with it; another scope, and a request that is injected, have another.
"""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program import holding, locators, provisions
from sessionlint.program.frame import Frame, identity
from sessionlint.program.model import FunctionInfo, Hop
from sessionlint.program.values import SESSION, UNKNOWN, Ext, Handle, Injected, Inst, Obj, Site, Value, join_all

Keywords = list[tuple[str, Value]]
#: What an open scope is, by the place that opens it.
SCOPE: Final = "dishka.Scope()"
_GETS: Final = ("get", "get_sync", "resolve")
#: So deep are the objects that others are made with.
_DEPTH: Final = 4


def opened(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``container()``: a scope of its own for each place that opens one."""
    if frame.function.name == "<module>" or e[0] != "c":
        return (Ext("dishka.make_container()()"),)
    return (Obj(SCOPE, frame.site(e[1])),)


def call(frame: Frame, scope: Obj, name: str, args: list[Value], e: ir.Expr) -> Value:
    """``await scope.get(Items)``; a scope inside of the scope has what that one has."""
    if name == "__call__":
        return (scope,)
    if name not in _GETS or len(args) != 1:
        return UNKNOWN
    made = given(frame, args[0], scope.site, e)
    # of a session whose provider is out of sight, a scope has one all the same
    return made or tuple(
        [_kept(frame, a, scope.site) for a in locators.located(frame, args, e) if isinstance(a, Handle)]
    )


def asked_alone(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``container.resolve(Notes)``: each call makes it anew, with all that it is made with."""
    return given(frame, args[0], frame.site(e[1]), e) if len(args) == 1 else UNKNOWN


def given(frame: Frame, asked: Value, site: Site, e: ir.Expr) -> Value:
    """What the container makes for a type, with the sessions of the scope that was opened at a place."""
    first = provisions.first_of(frame, asked)
    return _of_scope(frame, Injected(first), site, e, _DEPTH) if first is not None else UNKNOWN


def _of_scope(frame: Frame, atom: Any, site: Site, e: ir.Expr, depth: int) -> Value:
    if atom.tag == "injected" and depth:
        views = frame.solver.ask("views", atom)
        if frame.solver.kind_of(atom) == SESSION:
            return (_session(frame, atom, views, site, e),)
        return join_all([_of_scope(frame, view, site, e, depth - 1) for view in views])
    if isinstance(atom, Inst):
        held = {key: join_all([_of_scope(frame, a, site, e, depth) for a in value]) for key, value in atom.bindings}
        for key in _sessions_taken(frame, atom):
            if key not in held:
                held[key] = (_kept(frame, Handle(SESSION, site, site, None, False, frame.solver.is_async(key)), site),)
        return (Inst(atom.info, tuple(held.items())),)
    return (atom,)


def _sessions_taken(frame: Frame, made: Inst) -> list[Any]:
    """The sessions that an object is made with."""
    init = frame.solver.method(made.info, "__init__")
    if init is None:
        return []
    frame.solver.ensure_signed(init)
    return [p for p in [identity(init, name) for name, *_ in init.params] if frame.solver.kind_of(p) == SESSION]


def _kept(frame: Frame, session: Handle, site: Site) -> Handle:
    """A session that a scope has, and closes when it is left."""
    handle = session._replace(site=site, root=site)
    if handle not in frame.scoped:
        frame.scoped.append(handle)
    return handle


def _session(frame: Frame, atom: Injected, views: Value, site: Site, e: ir.Expr) -> Handle:
    """The session of a scope: the same one for all who ask that scope."""
    made = next((v for v in views if v.tag == "handle" and v.kind == SESSION), None)
    maker = getattr(atom.source, "info", None)
    root = made.root if made is not None else (maker.path, maker.header) if isinstance(maker, FunctionInfo) else site
    handle = Handle(SESSION, site, root, None, False, frame.solver.is_async(atom))
    if handle not in frame.scoped:
        frame.scoped.append(handle)
        frame.learn(handle, "closed", False)
        frame.learn(handle, "used", False)
        # what a dependency yields of its scope is the container's to make, not the dependency's
        if isinstance(maker, FunctionInfo) and not frame.function.is_generator:
            frame.source((SESSION, root), Hop(frame.site(e[1]), "the container hands it out", maker))
            frame.begins[handle] = frame.emit(
                "obtain", e[1], ("context",), subject=(handle,), callee=maker, expr=e, name=maker.name
            )
    return handle


def left(frame: Frame, entered: Value) -> None:
    """A scope is left: what it has made is closed."""
    for scope in entered:
        if isinstance(scope, Obj) and scope.name == SCOPE:
            for handle in [h for h in frame.scoped if h.site == scope.site]:
                frame.learn(handle, "closed")
                frame.learn(handle, "open", False)
                frame.learn(handle, "used", False)
                frame.left.append(handle)
                holding.let_go(frame, handle)


SPECIAL = {
    f"{container}()": opened
    for container in (
        "dishka.make_container",
        "dishka.make_async_container",
        "dishka.Container",
        "dishka.AsyncContainer",
    )
}

SPECIAL["punq.Container().resolve"] = asked_alone
SPECIAL["lagom.Container().resolve"] = asked_alone

__all__ = ["SCOPE", "SPECIAL", "asked_alone", "call", "left"]
