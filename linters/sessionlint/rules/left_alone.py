"""Methods of objects that keep a session, and that do nothing with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.program.values import Pending, Value, contained

if TYPE_CHECKING:
    from sessionlint.program.api import Program

#: What attributes of an object may hold that says of itself what it does with sessions.
_TOLD = frozenset({"const", "text", "fn", "cls", "inst", "mod"})


def left_alone(program: Program, started: Pending, session: Any) -> bool:
    """Whether a method provably does not touch a session that only its object brings along; doubt means no."""
    function, given = started.info, dict(started.bindings)
    if function.class_info is None or not function.params or not function.evaluated:
        return False
    receiver = next((v for k, v in started.bindings if k.tag == "param" and k == _self(started)), ())
    if not receiver or any(a.tag != "inst" for a in receiver):
        return False
    keys = {session, *_names(receiver, session)}
    if any(session in contained(v) for k, v in given.items() if k not in keys and k != _self(started)):
        return False
    summary = function.summary
    effects = (*summary.effects, *(effect for effect, _ in summary.possible))
    return not any(effect.subject in keys for effect in effects) and not _may_touch(program, started)


def _self(started: Pending) -> Any:
    name = started.info.params[0][0]
    return next((k for k, _ in started.bindings if k.tag == "param" and (k.info, k.name) == (started.info, name)), None)


def _names(value: Value, session: Any) -> Iterator[Any]:
    """What the methods of an object, and of those it holds, know a session by."""
    for atom in value:
        for key, held in atom.bindings if atom.tag == "inst" else ():
            if session in held:
                yield key
            yield from _names(held, session)


def _may_touch(program: Program, started: Pending) -> bool:
    """Whether a method hands its object on, or uses something of it that cannot be told from a session."""
    function, solver = started.info, program.solver
    owner, name = function.class_info, function.params[0][0]
    for attribute in _read(function.body, name):
        if attribute is None or owner is None:
            return True
        if solver.method(owner, attribute) is not None:
            continue  # what it does is among the effects
        value = solver.attribute(owner, attribute)
        if not value or any(a.tag not in _TOLD or program.kind(a) for a in value):
            return True
    return False


def _read(node: Any, name: str) -> Iterator[str | None]:
    """The attributes of a name that are mentioned; ``None`` where the name itself is."""
    for child in node:
        if type(child) is not tuple or not child:
            continue
        if child[0] == "a" and len(child) == 4 and child[2][:1] == ("n",) and child[2][2] == name:
            yield child[3]
        elif child[0] == "n" and len(child) == 3 and child[2] == name:
            yield None
        else:
            yield from _read(child, name)
