"""Methods that are replaced from outside of their class: ``Ledger.save = audited``, also by a class's decorator.

Objects of the class then run the other function, and so do those of the classes below that have no method of their own.
Through the class itself the method stays what it was: that is how a replacement gets hold of it, to go on to it. What
one inner function closes over is not told apart by the methods it wraps: one that wraps several is left out.
"""

from __future__ import annotations

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.model import ClassInfo, FunctionInfo
from sessionlint.program.values import UNKNOWN, Cls, Const, Fn, Inst, Value, join

#: Cells of the classes in which a method of some name is replaced, of what replaces it there, and whether surely.
_REPLACED, _INSTEAD, _SURELY = "replaced", "instead", "surely instead"
#: Cells of the names and classes of all methods that a function takes the place of.
_PLACES = "places taken"
_YES: Value = (Const(True, "mark"),)


def note(frame: Frame, owner: Cls, name: str, value: Value, target: ir.Expr) -> None:
    """An attribute of a class is given functions: they may take the place of a method, outside of tests."""
    method = frame.solver.method(owner.info, name)
    if method is None or method.is_property or frame.solver.policy.layer_of(frame.path) == "test":
        return
    others = tuple(a for a in value if a.tag == "fn" and a.info is not method and not a.info.is_staticmethod)
    if not others:
        return
    frame.solver.write((_REPLACED, name), (Cls(owner.info),))
    frame.solver.write((_INSTEAD, owner.info, name), others)
    for atom in others:
        frame.solver.write((_PLACES, atom.info), (Cls(owner.info), Const(name, "str")))
    if _is_sure(frame, target):
        frame.solver.write((_SURELY, owner.info, name), _YES)


def _is_sure(frame: Frame, target: ir.Expr) -> bool:
    """Whether an assignment is a statement of a module that nothing skips."""
    if frame.function is not frame.module.body:
        return False
    return any(s[0] == "=" and any(t is target for t in s[2]) for s in ir.body_of(frame.function.facts))


def replaced(frame: Frame, atom: Inst, name: str, method: FunctionInfo) -> Value:
    """What an object has in the place of one of its methods, or may have; nothing when that is not replaced."""
    read = frame.solver.read
    classes = read((_REPLACED, name))
    if not classes:
        return UNKNOWN
    found: Value = UNKNOWN
    for info in frame.solver.mro(atom.info):
        if Cls(info) in classes:
            instead = tuple(Fn(a.info, atom) for a in read((_INSTEAD, info, name)) if _is_told(frame, a.info))
            found = join(found, instead)
            if instead and read((_SURELY, info, name)):
                return found
        if name in info.methods:
            break
    return join((frame.solver.bound(method, atom),), found) if found else UNKNOWN


def below(frame: Frame, info: ClassInfo, name: str) -> list[tuple[ClassInfo, FunctionInfo]]:
    """What took the place of a method in classes below one, with the class of which objects have that."""
    found: list[tuple[ClassInfo, FunctionInfo]] = []
    for atom in frame.solver.read((_REPLACED, name)):
        if atom.info is not info and info in frame.solver.mro(atom.info):
            instead = frame.solver.read((_INSTEAD, atom.info, name))
            found += [(atom.info, a.info) for a in instead if _is_told(frame, a.info)]
    return found


def _is_told(frame: Frame, function: FunctionInfo) -> bool:
    """Whether it is known what a function goes on to: it closes over nothing, or takes the place of one method only."""
    return function.parent is None or len(frame.solver.read((_PLACES, function))) == len(("class", "name"))
