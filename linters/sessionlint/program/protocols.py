"""Attributes that a protocol declares, and a class below it assigns: what is assigned is what is there."""

from __future__ import annotations

from sessionlint.program.frame import Frame
from sessionlint.program.values import Inst, Value


def without_fulfilled(frame: Frame, value: Value) -> Value:
    """The alternatives without protocols of which one of the others is known to be."""
    made = [a for a in value if isinstance(a, Inst) and a.bindings]
    if not made or len(made) == len(value):
        return value
    declared = [a for a in value if isinstance(a, Inst) and not a.bindings and _is_protocol(frame, a)]
    if not declared:
        return value
    above = {info for a in made for info in frame.solver.mro(a.info) if info is not a.info}
    return tuple([a for a in value if a not in declared or a.info not in above])


def _is_protocol(frame: Frame, atom: Inst) -> bool:
    return any(base.endswith(".Protocol") for base in frame.solver.external_bases(atom.info))
