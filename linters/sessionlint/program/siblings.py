"""Objects with one session: ``Service(session, Repository(session))``, or two repositories that got the same one.

In the methods of ``Service`` its own session has one name and that of the repository another, the parameters of two
constructors. Where all that make a ``Service`` in sight give both the same, they are one there: what a parameter stands
for goes by the name that the session has for who was handed both. So it is with what a function is handed.
"""

from __future__ import annotations

from typing import Any, Final

from sessionlint.program import handed_by_name
from sessionlint.program.frame import Frame, identity
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import MAX_ATOMS, SESSION, UNKNOWN, Inst, Seq, Value

#: Cells of a parameter: what its object was made with, by the names of sessions that are the same, or are others.
_ONE: Final = "siblings"
_APART: Final = "no siblings"
#: So deep are the objects that an argument was made with.
_DEPTH: Final = 2


def note(frame: Frame, function: FunctionInfo | None, bindings: dict[Any, Value]) -> None:
    """An object is made, or a function called: notes which sessions that its arguments are or hold are the same.

    Without a ``function`` they are the fields of a data class.
    """
    if len(bindings) < 2 or (function is not None and len(function.params) < 2):
        return
    for key, value in bindings.items():
        if len(value) == 1 and key.tag == "param" and (function is None or key.info is function):
            tag = value[0].tag
            if tag == "injected" or tag == "param" or (tag == "inst" and value[0].bindings):
                break
    else:
        return
    held = _of_arguments(frame, function, bindings)
    for holder, own, name in _same(held):
        frame.solver.write((_ONE, holder), (Seq(((own,), (name,))),))
    for index, (holder, own, session) in enumerate(held):
        for before, other, another in held[:index]:
            if before != holder and another != session and other != own:
                frame.solver.write((_APART, holder), (Seq(((own,), (other,))),))


def _same(held: list[tuple[Any, Any, Any]]) -> list[tuple[Any, Any, Any]]:
    """What holds a session that another one has, too: the parameter, the name there, and the one both go by."""
    found: list[tuple[Any, Any, Any]] = []
    named: dict[Any, tuple[Any, Any]] = {}
    for holder, own, session in held:
        first = named.setdefault(session, (holder, own))
        if first[0] != holder:
            found.append((holder, own, first[1]))
            if first[0] != first[1]:
                found.append((first[0], first[1], first[1]))
    return found


def _handed(frame: Frame, holder: Any) -> Value:
    """What a bot's middlewares say of a handler's parameter, as calls in sight say it of others."""
    if holder.tag != "param":
        return UNKNOWN
    bindings = handed_by_name.given(frame, holder.info)
    if len(bindings) < 2 or holder not in bindings:
        return UNKNOWN
    held = _of_arguments(frame, holder.info, bindings)
    return tuple([Seq(((own,), (name,))) for other, own, name in _same(held) if other == holder])


def _of_arguments(
    frame: Frame, function: FunctionInfo | None, bindings: dict[Any, Value]
) -> list[tuple[Any, Any, Any]]:
    """The sessions among arguments and in them: the parameter, the name of the session there, and the session.

    What is passed itself comes first.
    """
    sessions: list[tuple[Any, Any, Any]] = []
    inside: list[tuple[Any, Any, Any]] = []
    keys = list(bindings)
    if function is not None:
        names = [p[0] for p in function.params]
        keys = [identity(function, name) for name in (names[1:] if function.class_info is not None else names)]
    for key in keys:
        value = bindings.get(key, UNKNOWN)
        if key.tag != "param" or len(value) != 1:
            continue
        if frame.solver.kind_of(value[0]) == SESSION:
            sessions.append((key, key, value[0]))
        else:
            inside += [(key, own, session) for own, session in _held(frame, value, _DEPTH)]
    return sessions + inside


def _held(frame: Frame, value: Value, depth: int) -> list[tuple[Any, Any]]:
    """The sessions that an object was made with, and those of the objects that it was made with."""
    if len(value) == 1 and value[0].tag in ("injected", "param"):
        views = frame.solver.ask("views", value[0])
        value = told(frame, value[0], views) if value[0].tag == "param" else views
    if len(value) != 1 or value[0].tag != "inst":
        return []
    found: list[tuple[Any, Any]] = []
    for key, inner in value[0].bindings:
        if key.tag == "param" and len(inner) == 1:
            if frame.solver.kind_of(inner[0]) == SESSION:
                found.append((key, inner[0]))
            elif depth > 1:
                found += _held(frame, inner, depth - 1)
    return found


def told(frame: Frame, holder: Any, views: Value) -> Value:
    """What a parameter stands for, with the sessions that all give it and another one by the name of that."""
    for view in views:
        if view.tag == "inst" or view.tag == "injected":
            break
    else:
        return views
    found = frame.solver.read((_ONE, holder)) or _handed(frame, holder)
    if not found:
        return views
    apart = frame.solver.read((_APART, holder))
    if len(apart) == MAX_ATOMS:
        return views  # of many it is not told which
    names: dict[Any, Value] = {}
    for pair in found:
        own, name = pair.items[0][0], pair.items[1]
        if pair not in apart and (own not in names or name[0].info is holder.info):
            names[own] = name
    if not names:
        return views
    out: dict[Any, None] = {}
    for view in views:
        for seen in frame.solver.ask("views", view) if view.tag == "injected" else (view,):
            out[_named(seen, names) if seen.tag == "inst" else seen] = None
    return tuple(out)


def _named(made: Inst, names: dict[Any, Value]) -> Inst:
    return Inst(made.info, tuple({**dict(made.bindings), **names}.items()))


__all__ = ["note", "told"]
