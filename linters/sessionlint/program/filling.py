"""Objects that a function fills and gives away: what it put in holds what its call was given.

``bus = Bus(); bus.register(Add, AddHandler(session)); return bus``: what stands under a key is known by the place where
the bus is made, as the function sees it. Whose session that is, the object has to say, like one that was made with it.
"""

from __future__ import annotations

from typing import Any

from sessionlint.program.frame import Frame
from sessionlint.program.values import MAX_DEPTH, Inst, Value, contained, mark_of

#: What callers of the function know better.
_CALLERS = frozenset({"param", "handle"})
_OTHERS = _CALLERS | {"injected"}


def note(frame: Frame, mark: Any, value: Value) -> None:
    """Something is put into the object that ``mark`` tells from others."""
    held = [a for a in contained(value) if a.tag in _CALLERS]
    if held:
        frame.filled.setdefault(mark, {}).update(dict.fromkeys(held))


def given(frame: Frame, atom: Inst, value: Value) -> dict[Any, Any]:
    """``made.inner.session = session``: what stands for an object in one made here, given a session later."""
    if atom.tag != "inst":
        return {}
    known = {key for key, _ in atom.bindings}
    held = [a for a in value if a.tag in _OTHERS and a not in known and frame.solver.kind_of(a) is not None]
    return {atom: atom._replace(bindings=(*atom.bindings, *[(a, (a,)) for a in held]))} if held else {}


def filled(frame: Frame, value: Value, depth: int = MAX_DEPTH) -> Value:
    """What a function hands out, where objects that it has filled know whose what they hold is."""
    if not frame.filled or depth <= 0:
        return value
    return tuple([_one(frame, atom, depth) for atom in value])


def _one(frame: Frame, atom: Any, depth: int) -> Any:
    tag = atom.tag
    if tag == "inst" and atom.bindings:
        known = tuple([(key, filled(frame, held, depth - 1)) for key, held in atom.bindings])
        there = {key for key, _ in known}
        added = [(key, (key,)) for key in frame.filled.get(mark_of(atom), ()) if key not in there]
        return atom._replace(bindings=(*known, *added))
    if tag == "seq":
        return atom._replace(items=tuple([filled(frame, held, depth - 1) for held in atom.items]))
    if tag == "map":
        return atom._replace(items=tuple([(key, filled(frame, held, depth - 1)) for key, held in atom.items]))
    if tag == "fn" and atom.receiver is not None and atom.receiver.tag == "inst":
        return atom._replace(receiver=_one(frame, atom.receiver, depth))
    return atom


__all__ = ["filled", "given", "note"]
