"""What constructors that classes inherit are given for which class: ``Opening(direct)`` says nothing of ``A(Opening)``.

A parameter of such a constructor stands for what anybody passes. In methods of a class below, what was passed for
objects of other classes alone is not meant.
"""

from __future__ import annotations

from typing import Any, Final

from sessionlint.program.frame import Frame
from sessionlint.program.model import ClassInfo, FunctionInfo
from sessionlint.program.values import UNKNOWN, Param, Value, join

_CALLED: Final = frozenset({"fn", "cls", "partial", "method", "handle"})
#: So many classes of one family are asked.
_MOST: Final = 24


def note(frame: Frame, info: ClassInfo, init: FunctionInfo, bindings: dict[Any, Value]) -> None:
    """An object of a class is made by a constructor that other classes may have, too."""
    for key, value in bindings.items():
        for atom in value if key.tag == "param" else ():
            if atom.tag in _CALLED:
                if init.class_info is not None and frame.solver.read(("subclasses", init.class_info)):
                    frame.solver.write(("made", info, key), value)
                break


def of_own_class(frame: Frame, param: Param) -> Value:
    """What a parameter of a constructor is in a method of a class below; nothing where that is what anybody passes."""
    own, init, solver = frame.function.class_info, param.info, frame.solver
    if own is None or init.class_info is None or own is init.class_info or init.class_info not in solver.mro(own):
        return UNKNOWN
    family = [own, *solver.subclasses(own)]
    everybody = [init.class_info, *solver.subclasses(init.class_info)]
    if len(everybody) > _MOST or any(solver.method(cls, "__init__") is not init for cls in family):
        return UNKNOWN
    mine, others = _passed(frame, family, param), _passed(frame, [c for c in everybody if c not in family], param)
    default = init.param_values.get(param.name, (UNKNOWN, UNKNOWN))[1]
    if not mine or set(others) <= {*mine, *default}:
        return UNKNOWN
    views = solver.ask("views", param)
    return tuple([v for v in views if v in mine or v in default or v not in others])


def passed_below(frame: Frame, param: Param) -> Value:
    """What is passed for a parameter of a constructor where objects of the class around, one below, are made."""
    own, init, solver = frame.function.class_info, param.info, frame.solver
    if own is None or init.class_info is None or own is init.class_info or init.class_info not in solver.mro(own):
        return UNKNOWN
    return _passed(frame, [own, *solver.subclasses(own)], param)


def _passed(frame: Frame, classes: list[ClassInfo], param: Param) -> Value:
    found: Value = UNKNOWN
    for cls in classes:
        found = join(found, frame.solver.read(("made", cls, param)))
    return found


__all__ = ["note", "of_own_class", "passed_below"]
