"""Objects with one session: ``Service(session, Repository(session))``, or two repositories that got the same one.

In the methods of ``Service`` its own session has one name and that of the repository another, the parameters of two
constructors. Where all that make a ``Service`` in sight give both the same, they are one there.
"""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import MAX_ATOMS, SESSION, Param, Seq, Value

#: Cells of what the arguments of a constructor have as one, and of what they have apart.
_ONE: Final = "siblings"
_APART: Final = "no siblings"


def note(frame: Frame, init: FunctionInfo, bindings: dict[Any, Value]) -> None:
    """An object is made: notes which of the sessions that its arguments are or hold are the same."""
    if len(init.params) < 3:
        return
    for value in bindings.values():
        if len(value) == 1 and (value[0].tag == "injected" or (value[0].tag == "inst" and value[0].bindings)):
            break
    else:
        return
    held = [(key, *found) for key, value in bindings.items() for found in _held(frame, init, key, value)]
    named: dict[Any, Any] = {}
    for index, (given, first, session) in enumerate(held):
        if session in named and named[session] != first:
            frame.solver.write((_ONE, init), (Seq(((named[session],), (first,))),))
        named.setdefault(session, first)
        for other, second, another in held[index + 1 :]:
            if other != given and another != session:
                frame.solver.write((_APART, init), (Seq(((first,), (second,))),))


def _held(frame: Frame, init: FunctionInfo, key: Any, value: Value) -> list[tuple[Any, Any]]:
    """The session that an argument is, or those that the object keeps which it is, by their names in methods."""
    if key.tag != "param" or key.info is not init or len(value) != 1:
        return []
    (atom,) = value
    if frame.solver.kind_of(atom) == SESSION:
        return [(key, atom)]
    made = frame.solver.views(atom) if atom.tag == "injected" else value
    if len(made) != 1 or made[0].tag != "inst":
        return []
    inner = [(k, v[0]) for k, v in made[0].bindings if k.tag == "param" and len(v) == 1]
    return [(k, session) for k, session in inner if frame.solver.kind_of(session) == SESSION]


def name(frame: Frame, e: ir.Expr, bindings: dict[Any, Value]) -> None:
    """``self.repository.save()``: the session of what is kept there goes by the name of the one that it is here."""
    function = frame.function
    own = function.class_info
    if own is None or e[0] != "c" or e[2][0] != "a" or e[2][2][0] != "a" or not function.params:
        return
    if e[2][2][2] != ("n", e[2][2][2][1], function.params[0][0]):
        return
    init = frame.solver.method(own, "__init__")
    found = frame.solver.read((_ONE, init)) if init is not None else ()
    if not found:
        return
    apart = frame.solver.read((_APART, init))
    # of many it is not told which
    for pair in found if len(apart) < MAX_ATOMS else ():
        if pair not in apart:
            first: Param = pair.items[0][0]
            bindings.setdefault(pair.items[1][0], (first,))
            if first.info is not init:
                bindings.setdefault(first, (first,))


__all__ = ["name", "note"]
