"""Types that are only declared, where what fulfils them is known: what is assigned or passed is what is there."""

from __future__ import annotations

from sessionlint.program.frame import Frame
from sessionlint.program.model import ClassInfo
from sessionlint.program.parameters import is_protocol
from sessionlint.program.values import Inst, Value


def without_fulfilled(frame: Frame, info: ClassInfo, name: str, value: Value) -> Value:
    """What ``info`` has under a name, without declared types of which another alternative is known to be.

    ``users: Users`` in the body of a unit of work says nothing of which session they work on.
    """
    made = [a for a in value if isinstance(a, Inst) and a.bindings]
    bare = [a for a in value if isinstance(a, Inst) and not a.bindings] if made else []
    if not bare:
        return value
    said = [
        a
        for a in bare
        if _is_only_said(frame, info, name, a) and any(frame.solver.fulfils(m.info, a.info) for m in made)
    ]
    return tuple([a for a in value if a not in said]) if said else value


def without_declared(frame: Frame, value: Value) -> Value:
    """The alternatives without types that are no more than what a parameter among them is declared to be."""
    params = [a for a in value if a.tag == "param"]
    if not params or not any(isinstance(a, Inst) and not a.bindings for a in value):
        return value
    said = [a for param in params for a in frame.solver.ask("declared_as", param)]
    return tuple([a for a in value if a not in said]) if said else value


def _is_only_said(frame: Frame, info: ClassInfo, name: str, atom: Inst) -> bool:
    """Whether the annotation of a class body says so, and nothing that is assigned there; or it is a protocol."""
    if is_protocol(atom.info):
        return True
    for cls in frame.solver.mro(info):
        entry = cls.attributes.get(name)
        if entry is not None and atom not in entry[2] and atom in frame.solver.instances(entry[1]):
            return True
    return False
