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
    passed = _passed_for(callee.receiver)
    return Guard(passed, "is", Cls(callee.receiver.info), True) if passed is not None else None


def of_given(value: Value, mapped: dict[Any, Value]) -> Value:
    """What a function makes of the class that a parameter is, with the classes that this call passes for it."""
    if not any(_passed_for(a) in mapped for a in value):
        return value
    out: list[Any] = []
    for atom in value:
        given: Value = mapped.get(_passed_for(atom), ())
        if not given or any(a.tag != "cls" for a in given):
            out.append(atom)
            continue
        for cls in given:
            made = [a for a in value if isinstance(a, Inst) and a.info is cls.info] or [Inst(cls.info)]
            out.append(made[0]._replace(bindings=tuple([b for b in made[0].bindings if b[0] != _CLASS])))
    return tuple(dict.fromkeys(out))


def _passed_for(atom: Any) -> Any:
    """The parameter that passes the class of which an object is."""
    chosen: Value = next((value for key, value in atom.bindings if key == _CLASS), ()) if atom.tag == "inst" else ()
    return chosen[0] if len(chosen) == 1 and isinstance(chosen[0], Param) else None
