"""Objects of one class that different callers make: what is done with one of them is told of what it was made with.

``Service(Store(session))`` is written twice, and ``self.store.get()`` in ``Service`` works on the session of neither:
it works on what the store of this service was made with. That each caller knows of its own service.
"""

from __future__ import annotations

from typing import Any

from sessionlint.program.frame import Frame
from sessionlint.program.values import MAX_ATOMS, Inst, Value, mark_of

#: Bindings are few, and so is what is passed where they are told apart.
_SEVERAL = 2


def as_one(frame: Frame, param: Any, views: Value) -> Value:
    """The views of an argument, with one object for all of a class: what all of them were made with is kept of it.

    Where the same function is passed another object of that class, the two have to be told apart: all stay as they are.
    """
    made = [a for a in views if a.tag == "inst" and a.bindings]
    if len(made) < _SEVERAL or param.tag != "param":
        return views
    common: dict[Any, Inst] = {}
    for info in [a.info for a in made]:
        rivals = [a for a in made if a.info is info]
        if info not in common and len(rivals) > 1 and _may_be_one(frame, param, rivals):
            common[info] = _shared(info, rivals)
    if not common:
        return views
    return tuple(dict.fromkeys([common.get(a.info, a) if a.tag == "inst" and a.bindings else a for a in views]))


def of_many(value: Value, some: Value) -> Value:
    """The elements of sequences, of which ``some`` were found: one object for all of a class, where there are more."""
    elements = dict.fromkeys([a for atom in value if atom.tag == "seq" for item in atom.items for a in item])
    if len(elements) <= len(some) or any(a.tag != "inst" or mark_of(a) is not None for a in elements):
        return some
    rivals: dict[Any, list[Any]] = {}
    for atom in elements:
        rivals.setdefault(atom.info, []).append(atom)
    return tuple([_shared(info, made) for info, made in rivals.items()])[:MAX_ATOMS]


def _shared(info: Any, made: list[Any]) -> Inst:
    """One object in the place of several, with what all of them were made with."""
    return Inst(info, tuple([item for item in made[0].bindings if all(item in a.bindings for a in made[1:])]))


def _may_be_one(frame: Frame, param: Any, rivals: list[Any]) -> bool:
    if any(mark_of(a) is not None for a in rivals):
        return False
    info = rivals[0].info
    for name, *_ in param.info.params:
        if name != param.name:
            other = param._replace(name=name)
            if any(a.tag == "inst" and a.info is info for a in frame.solver.ask("views", other)):
                return False
    return True
