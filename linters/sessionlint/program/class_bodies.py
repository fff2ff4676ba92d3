"""What stands in a class body, read through an object: descriptors, ``property(f)``, methods under other names."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import calls
from sessionlint.program.frame import Frame
from sessionlint.program.stdlib import PROPERTY
from sessionlint.program.values import UNKNOWN, Inst, Value, join


def described(frame: Frame, value: Value, owner: Inst, e: ir.Expr) -> Value:
    """What class attributes give through an instance: descriptors, ``property(f)``, partial methods."""
    if all(a.tag not in ("inst", "partial") for a in value):
        return value
    out: Value = UNKNOWN
    for atom in value:
        getter = frame.solver.method(atom.info, "__get__") if atom.tag == "inst" else None
        if getter is not None:
            out = join(out, calls.call_function(frame, frame.solver.bound(getter, atom), [(owner,)], [], e, run=True))
        elif atom.tag == "partial" and atom.function == PROPERTY:
            for read in atom.args[0]:
                found = frame.machine.call(frame, read, [(owner,)], [], e)
                out = join(out, found)
        elif atom.tag == "partial":
            bound = tuple(_bound_to(frame, owner, function) for function in atom.function)
            out = join(out, (atom._replace(function=bound),))
        else:
            out = join(out, (atom,))
    return out


def methods(frame: Frame, value: Value, owner: Inst, name: str) -> Value:
    """``settle = store`` in a class body: a method under another name."""
    for atom in value:
        if atom.tag == "fn" and atom.receiver is None and atom.info.class_info is not None:
            break
    else:
        return value
    if not any(cls.assigns(name) for cls in frame.solver.mro(owner.info)):
        return value
    return tuple([_bound_to(frame, owner, atom) for atom in value])


def _bound_to(frame: Frame, owner: Inst, function: Any) -> Any:
    """A method that stands unbound in its class body, read through an instance."""
    if function.tag != "fn" or function.receiver is not None:
        return function
    own = function.info.class_info in frame.solver.mro(owner.info)
    return frame.solver.bound(function.info, owner) if own else function


__all__ = ["described", "methods"]
