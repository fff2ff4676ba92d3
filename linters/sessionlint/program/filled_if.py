"""Attributes that a constructor fills under a condition only: ``if unit: self.recorder = Recorder(unit.session)``.

All objects of a class share what is known of an attribute. What a method does with it happens where there is something
in it: in objects of which the condition on the constructor's arguments holds.
"""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.guards import either
from sessionlint.program.model import ClassInfo
from sessionlint.program.values import MAX_ATOMS, Const, Param, Value

#: The kind of constant that notes under which conditions an attribute was filled.
_NOTED = "filled"
_SOMEWHERE: Value = (Const(True, _NOTED),)
_NOTHING: frozenset[Any] = frozenset()


def note(frame: Frame, holder: ir.Expr, info: ClassInfo, name: str, value: Value) -> None:
    """``holder.name = value``: notes the condition, or that there is none where another assignment has one."""
    if value and all(a.tag == "const" and not a.value for a in value):
        return
    guards = _NOTHING
    if frame.guards and frame.function.name == "__init__" and _is_self(frame, holder):
        guards = frozenset([g for g in frame.guards if isinstance(g.param, Param) and g.param.info is frame.function])
    if guards:
        frame.solver.write((_NOTED, name), _SOMEWHERE)
    elif not frame.solver.read((_NOTED, name)):
        return
    for cls in frame.solver.mro(info):
        # a class above has methods that work on what one below has put there
        frame.solver.write((_NOTED, cls, name), (Const(guards, _NOTED),))


def asked(frame: Frame, called: ir.Expr) -> frozenset[Any]:
    """What is true of the constructor's arguments where ``self.name.method()`` finds something to call."""
    while called[0] == "a":
        if called[2][0] == "n":
            return _of(frame, called[3]) if _is_self(frame, called[2]) else _NOTHING
        called = called[2]
    return _NOTHING


def where(frame: Frame, test: ir.Expr) -> frozenset[Any]:
    """What is true of them where a condition says that there is something: ``if self.name is not None:``."""
    if test[0] == "o" and test[2] == "and":
        return frozenset().union(*[where(frame, part) for part in test[3]])
    if test[0] == "x" and test[3] == ("is not",) and test[4][0][0] == "k" and test[4][0][2] is None:
        test = test[2]
    return asked(frame, test)


def _of(frame: Frame, name: str) -> frozenset[Any]:
    own = frame.function.class_info
    if own is None or not frame.solver.read((_NOTED, name)):
        return _NOTHING
    noted: list[Any] = []
    for info in frame.solver.mro(own):
        noted.extend(frame.solver.read((_NOTED, info, name)))
    if not noted or len(noted) >= MAX_ATOMS:
        return _NOTHING
    found: frozenset[Any] = noted[0].value
    for other in noted[1:]:
        found = either(found, other.value)
    return found


def _is_self(frame: Frame, holder: ir.Expr) -> bool:
    function = frame.function
    if holder[0] != "n" or function.class_info is None or function.parent is not None or not function.params:
        return False
    return bool(holder[2] == function.params[0][0])
