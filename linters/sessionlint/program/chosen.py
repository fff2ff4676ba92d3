"""Objects of a class that is an argument: ``movements(db)`` is what the caller's class makes."""

from __future__ import annotations

from typing import Any

from sessionlint.program.guards import Guard
from sessionlint.program.values import Cls, Const, Inst, Param, Value

#: The key under which an object has the parameter that its class was passed for.
_CLASS = Const("<class>", "class")


def made_of(made: Value, of: Cls, param: Param) -> Value:
    """What calling a parameter has made of one class that is passed for it: the object knows by which parameter."""
    return tuple(
        [
            a._replace(bindings=(*a.bindings, (_CLASS, (param,)))) if isinstance(a, Inst) and a.info is of.info else a
            for a in made
        ]
    )


def class_passed(callee: Any) -> Guard | None:
    """The condition under which an object has the method that is called: that its class is what was passed."""
    if callee.tag != "fn" or not isinstance(callee.receiver, Inst) or not callee.receiver.bindings:
        return None
    chosen: Value = next((value for key, value in callee.receiver.bindings if key == _CLASS), ())
    if len(chosen) != 1 or not isinstance(chosen[0], Param):
        return None
    return Guard(chosen[0], "is", Cls(callee.receiver.info), True)
