"""Objects that a class makes of itself: ``cls(session)``, ``type(self)(self.session)``.

In an object of a class below, or called on that, it makes one of the class below: such an object knows the parameter
that says of which. What the base's own methods do happens unless a class below has others in their place.
"""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.values import Const, Inst, Param, Value

#: The key under which an object has the parameter whose class, or whose object's class, it is of.
_OF: Final = Const("<own class>", "class")


def made(frame: Frame, called: ir.Expr, value: Value) -> Value:
    """What calling the function's own class has made, with the parameter that says which class that is."""
    function = frame.function
    if not function.params or function.parent is not None or function.is_staticmethod:
        return value
    name = function.params[0][0]
    if not (_is_named(called, name) if function.is_classmethod else _is_class_of(called, name)):
        return value
    if not frame.solver.read(("subclasses", function.class_info)):
        return value
    frame.makes_own = True
    mark = (_OF, (Param(function, name),))
    return tuple([_marked(a, mark) if _is_told_apart(a) and a.info is function.class_info else a for a in value])


def _is_told_apart(atom: Any) -> bool:
    """Whether an object was made with something: of one that was not, nobody takes the class for settled."""
    return isinstance(atom, Inst) and bool(atom.bindings)


def _is_named(expr: ir.Expr, name: str) -> bool:
    return bool(expr[0] == "n" and expr[2] == name)


def _is_class_of(expr: ir.Expr, name: str) -> bool:
    """``type(self)``, ``self.__class__``."""
    if expr[0] == "a":
        return bool(expr[3] == "__class__" and _is_named(expr[2], name))
    return bool(expr[0] == "c" and _is_named(expr[2], "type") and len(expr[3]) == 1 and _is_named(expr[3][0], name))


def _marked(atom: Inst, mark: tuple[Any, Value]) -> Inst:
    return Inst(atom.info, (*[b for b in atom.bindings if b[0] != _OF], mark))


def said_by(atom: Any) -> Any:
    """The parameter that says of which class an object is, if one does."""
    said: Value = next((v for k, v in atom.bindings if k == _OF), ()) if atom.tag == "inst" else ()
    return said[0] if len(said) == 1 and isinstance(said[0], Param) else None


def through(frame: Frame, callee: Any) -> Any:
    """The function's own parameter that says of which class the object is whose method is called."""
    param = said_by(callee.receiver) if callee.tag == "fn" and callee.receiver is not None else None
    return param if param is not None and param.info is frame.function else None


def given_back(frame: Frame, value: Value) -> Value:
    """What a function has made of its own class, with the class that it was called on, or whose object's method."""
    for atom in value:
        if atom.tag == "inst" and atom.bindings and atom.bindings[-1][0] == _OF:
            break
    else:
        return value
    out: list[Any] = []
    for atom in value:
        said: Value = next((v for k, v in atom.bindings if k == _OF), ()) if atom.tag == "inst" else ()
        if not said or said_by(atom) is not None:
            frame.makes_own = frame.makes_own or bool(said)
            out.append(atom)
            continue
        plain = Inst(atom.info, tuple([b for b in atom.bindings if b[0] != _OF]))
        below = [a.info for a in said if a.tag in ("inst", "cls") and atom.info in frame.solver.mro(a.info)]
        out += [plain._replace(info=info) for info in below] if len(below) == len(said) else [plain]
    return tuple(dict.fromkeys(out))


__all__ = ["given_back", "made", "said_by", "through"]
