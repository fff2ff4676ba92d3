"""Sessions that properties give: also those of classes below a base, or of what a mixin is mixed into.

``await self.session.commit()`` in a mixin that only declares ``session``, or says nothing of it: the class that mixes
it in has ``session`` as a property over what its constructor keeps.
"""

from __future__ import annotations

from sessionlint.facts import ir
from sessionlint.program import calls
from sessionlint.program.frame import Frame
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import ABSENT, UNKNOWN, Inst, Value, join


def is_left_open(frame: Frame, atom: Inst, value: Value) -> bool:
    """Whether a class and those above assign nothing to an attribute of this value: it is at most declared there."""
    solver = frame.solver
    for item in value:
        if item == ABSENT:
            continue
        if item.tag == "param" and item.info.class_info is not None:
            if item.info.class_info in solver.mro(atom.info):
                return False
        elif item.tag != "ext" or not solver.kind_of(item):
            return False
    return True


def sessions(frame: Frame, atom: Inst, name: str, e: ir.Expr) -> Value:
    """What properties of this name give in the classes below, where that is a database handle."""
    solver = frame.solver
    out: Value = UNKNOWN
    for found in solver.overrides(atom.info, name):
        owner = found.class_info if found.is_property else None
        if owner is not None and any(solver.kind_of(a) for a in solver.summary_of(found).returns):
            given = calls.call_function(frame, solver.bound(found, Inst(owner)), [], [], e, run=True)
            out = join(out, told(frame, found, given))
    return out


def told(frame: Frame, read: FunctionInfo, given: Value) -> Value:
    """What a property gives, and the handle its annotation promises where the code does not tell."""
    if any(frame.solver.kind_of(a) for a in given):
        return given
    typed = frame.solver.instances(frame.solver.returned(read))
    return join(given, tuple(a for a in typed if a.tag == "ext" and frame.solver.kind_of(a)))


__all__ = ["is_left_open", "sessions", "told"]
