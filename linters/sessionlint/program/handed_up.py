"""What a constructor hands to the one above and goes on working with: ``super().__init__(session)``, ``Repo(session)``.

The class above keeps it by the name of its own parameter. So what the class below makes of its parameter goes by that
name in methods, too; and what an object was made with stands for both.
"""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.model import ClassInfo, FunctionInfo
from sessionlint.program.values import SESSION, Inst, Seq, Value

#: The cell of what a constructor hands to the one above: pairs of that one's parameter and its own.
_UP: Final = "handed up"
#: So many constructors hand on to one another.
_DEPTH: Final = 3


def note(frame: Frame, above: FunctionInfo, bindings: dict[Any, Value], e: ir.Expr) -> None:
    """A constructor calls another one: notes the parameters that it always hands on as they are."""
    function = frame.function
    own = function.class_info
    if own is None or above is function or above.class_info not in frame.solver.mro(own) or frame.guards:
        return
    if not any(s[0] == "E" and s[1] == e[1] for s in function.body):
        return  # on some paths only
    own_name = function.params[0][0]
    for key, value in bindings.items():
        given = value[0] if key.tag == "param" and len(value) == 1 else None
        if given is not None and given.tag == "param" and given.info is function and given.name != own_name:
            frame.solver.write((_UP, function), (Seq(((key,), value)),))


def made_with(frame: Frame, info: ClassInfo, bindings: dict[Any, Value]) -> None:
    """Adds what the constructors above were handed to what an object was made with."""
    for own, above in _pairs(frame, info):
        if own in bindings and above not in bindings:
            bindings[above] = bindings[own]


def named(frame: Frame, info: ClassInfo, value: Value) -> Value:
    """What an attribute holds, with sessions by the names that they have in the class above."""
    for item in value:
        if item.tag == "param" or (item.tag == "inst" and item.bindings):
            break
    else:
        return value
    names: dict[Any, Any] = {}
    for own, above in _pairs(frame, info)[::-1]:
        if frame.solver.kind_of(own) == SESSION:
            names[own] = names.get(above, above)
    return tuple(dict.fromkeys([_renamed(item, names) for item in value])) if names else value


def _renamed(item: Any, names: dict[Any, Any]) -> Any:
    if item.tag == "inst" and item.bindings:
        inner = tuple([(k, tuple([_renamed(a, names) for a in v])) for k, v in item.bindings])
        return Inst(item.info, inner) if inner != item.bindings else item
    return names.get(item, item)


def _pairs(frame: Frame, info: ClassInfo) -> list[tuple[Any, Any]]:
    """The parameters of a class's constructor, each with the one above that it is handed to; then those above that."""
    init = frame.solver.method(info, "__init__")
    found: list[tuple[Any, Any]] = []
    for _ in range(_DEPTH):
        pairs = [(p.items[1][0], p.items[0][0]) for p in frame.solver.read((_UP, init))] if init is not None else []
        if not pairs:
            break
        found += pairs
        init = pairs[0][1].info
    return found


__all__ = ["made_with", "named", "note"]
