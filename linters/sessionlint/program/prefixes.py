"""Methods that are called by a name put together: ``getattr(self, f"visit_{kind}")`` is one of those named so."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.guards import Guard
from sessionlint.program.values import UNKNOWN, Inst, Param, Text, Value

#: A prefix shorter than this says nothing of what is meant.
_LEAST = 3


def methods(frame: Frame, base: Value, text: Text, e: ir.Expr) -> Value:
    """The methods of an object whose names fit; those of classes below where it is one of them.

    Which class that is, the object says whose method is called: what each does is noted to happen for these only.
    """
    prefix, _, suffix = text.text.partition("\0")
    if len(prefix) < _LEAST or not prefix.isidentifier():
        return UNKNOWN
    found: dict[Any, None] = {}
    for atom in base:
        for view in frame.solver.views(atom) if atom.tag == "param" else (atom,):
            if view.tag == "inst" and frame.solver.class_kind(view.info) is None:
                found.update(_fitting(frame, view, _through(frame, atom), prefix, suffix))
    kind = _kind(text, e) if found else None
    if kind is not None:
        for callee in found:
            name: str = callee.info.name
            frame.named_by[callee] = Guard(kind, "equal", name[len(prefix) : len(name) - len(suffix)], True)
    return tuple(found)


def _kind(text: Text, e: ir.Expr) -> Param | None:
    """The parameter that is put into the name as it is."""
    hole = text.holes[0] if len(text.holes) == 1 else None
    written = e[3][1] if e[0] == "c" and len(e[3]) > 1 else None
    return hole if isinstance(hole, Param) and written is not None and _is_joined(written) else None


def _is_joined(node: ir.Expr) -> bool:
    """Whether texts and one name, and nothing else, are put together: ``f"do_{kind}"``, ``"do_" + kind``."""
    if node[0] == "f":
        names = [part for part in node[2] if part[0] != "k"]
        return len(names) == 1 and names[0][0] == "n"
    return bool(node[0] == "b" and node[2] == "+" and node[3][0] == "k" and node[4][0] == "n")


def _fitting(frame: Frame, atom: Inst, through: Param | None, prefix: str, suffix: str) -> dict[Any, None]:
    solver = frame.solver
    below = [] if atom.bindings or through is None else solver.subclasses(atom.info)
    found: dict[Any, None] = {}
    for cls in (atom.info, *below):
        names = dict.fromkeys([n for c in solver.mro(cls) for n in c.methods])
        for name in [n for n in names if n.startswith(prefix) and n.endswith(suffix)]:
            method = solver.method(cls, name)
            owner = method.class_info if method is not None else None
            if method is None or owner is None or method.is_property:
                continue
            callee = solver.bound(method, Inst(owner, atom.bindings))
            found[callee] = None
            if through is not None:
                frame.under[callee] = Guard(through, "of", (owner, name), True)
    return found


def _through(frame: Frame, atom: Any) -> Param | None:
    """The parameter that is the object: the method's own, or one that is passed."""
    if isinstance(atom, Param):
        return atom
    function = frame.function
    is_own = function.class_info is not None and atom == Inst(function.class_info) and bool(function.params)
    return Param(function, function.params[0][0]) if is_own else None


__all__ = ["methods"]
