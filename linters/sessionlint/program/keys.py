"""What a registry is asked by: a literal, a class, and what a parameter is or says of itself.

``self.handlers[handler.message] = handler()`` puts in under what the handler that is given says; ``self.handlers[
type(message)]`` draws by the class of what is given. Only calls know either.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from sessionlint.facts import ir
from sessionlint.program.awaitables import Tasks
from sessionlint.program.declared_keys import Members, all_told
from sessionlint.program.frame import Frame
from sessionlint.program.model import FunctionInfo
from sessionlint.program.reflection import class_of
from sessionlint.program.values import (
    TASK,
    UNKNOWN,
    ClassOf,
    Cls,
    Column,
    Const,
    Map,
    Obj,
    Param,
    Value,
    join_all,
    literal,
)

#: Stands for a key that is not known.
ANY_KEY = Const("?", "key")


class FieldOf(NamedTuple):
    """``handler.message`` of a parameter, as a key."""

    param: Param
    name: str
    tag: str = "field of"


def is_own(function: FunctionInfo | None, owner: FunctionInfo) -> bool:
    """Whether a function is another one, or stands in it."""
    while function is not None and function is not owner:
        function = function.parent
    return function is owner


def is_known(key: Any) -> bool:
    """Whether a key is one and the same wherever it is named."""
    return bool(key.tag == "const" or key.tag == "cls")


def is_told(frame: Frame, key: Any) -> bool:
    """Whether a key is known here, or by who calls the function that is evaluated or one around it."""
    return is_known(key) or (
        (isinstance(key, Param) and is_own(frame.function, key.info))
        or (isinstance(key, FieldOf) and is_own(frame.function, key.param.info))
    )


def of_put(frame: Frame, keys: Value, expr: ir.Expr | None) -> Any:
    """The key under which something is put, as far as it can be told."""
    field = _field(frame, expr)
    if field is not None:
        return field
    key = keys[0] if len(keys) == 1 else ANY_KEY
    return key if is_told(frame, key) else ANY_KEY


def _field(frame: Frame, expr: ir.Expr | None) -> FieldOf | None:
    """``handler.message`` where the handler is a parameter of the function, or of one around it."""
    if expr is None or expr[0] != "a" or expr[2][0] != "n":
        return None
    owner = frame.lookup(expr[2][2])
    if len(owner) != 1 or not isinstance(owner[0], Param) or not is_own(frame.function, owner[0].info):
        return None
    return FieldOf(owner[0], expr[3])


def of_call(frame: Frame, key: Any, mapped: dict[Any, Value], e: ir.Expr) -> Value:
    """The keys that a call names for one that its callee has from a parameter."""
    if isinstance(key, FieldOf):
        if key.param in mapped:
            given = mapped[key.param]
            if key.name == "__name__" and given and all(a.tag in ("cls", "fn") for a in given):
                return tuple([Const(a.info.name, "str") for a in given])
            return frame.machine.attribute(frame, mapped[key.param], key.name, ("a", e[1], ("z", e[1], ()), key.name))
        return (key,) if is_own(frame.function, key.param.info) else UNKNOWN
    if isinstance(key, Param) and key in mapped:
        return mapped[key]
    return (key,) if not isinstance(key, Param) or is_own(frame.function, key.info) else UNKNOWN


def of_draw(frame: Frame, keys: Value, expr: ir.Expr | None) -> tuple[str, bool] | None:
    """The parameter by which something is drawn, and whether by its class or by what it says of itself."""
    if len(keys) == 1 and isinstance(keys[0], Param) and keys[0].info is frame.function:
        return keys[0].name, False
    if len(keys) == 1 and isinstance(keys[0], ClassOf):
        return _own(frame, keys[0].param)
    field = _field(frame, expr)
    return _own(frame, field.param) if field is not None else None


def _own(frame: Frame, atom: Any) -> tuple[str, bool] | None:
    return (atom.name, True) if isinstance(atom, Param) and atom.info is frame.function else None


def says(frame: Frame, atom: Any, by_class: bool) -> bool:
    """Whether an argument says what it is drawn by."""
    if (atom.tag == "const" and atom.kind == "str") or atom.tag == "cls":
        return True
    return by_class and (atom.tag == "inst" or any(a.tag == "cls" for a in class_of(frame, (atom,))))


def in_dictionary(keys: Value) -> Any:
    """The key that a value is in a dictionary: a literal, a class or a tuple, ``None`` when it is not known."""
    if len(keys) != 1:
        return None
    key = keys[0]
    if key.tag == "seq" and not key.many and key.items:
        parts = [in_dictionary(item) for item in key.items]
        return None if None in parts else ("tuple", *parts)
    return key if key.tag == "cls" else literal(keys)


def columns(keys: Value) -> Value:
    """The mapped columns or routers that a key may be when it is nothing else: ``{Order.owner: owner}``."""
    return keys if all(k.tag == "column" or (k.tag == "obj" and k.name != TASK) for k in keys) else UNKNOWN


def seen(key: Any) -> Value:
    """What a key of a dictionary is to who goes through it."""
    if isinstance(key, str):
        return (Const(key, "str"),)
    if isinstance(key, Tasks | Members):
        return tuple(key.value)
    return (key,) if isinstance(key, Cls | Column | Obj) else UNKNOWN


def are_seen(atom: Map) -> bool:
    """Whether going through a dictionary gives its keys: where some are put together, all must be told."""
    return all_told(atom) or not any(isinstance(k, Members) and k.value[0].tag == "text" for k, _ in atom.items)


def gone_through(atom: Map) -> Value:
    """What going through a dictionary gives."""
    return join_all([seen(k) for k, _ in atom.items]) if are_seen(atom) else UNKNOWN


def is_open(key: Any) -> bool:
    """Whether what a dictionary has under a key may be found by a key that is not spelled out."""
    return key == ("?",) or isinstance(key, Column | Obj | Tasks | Members)


__all__ = [
    "ANY_KEY", "FieldOf", "are_seen", "columns", "gone_through", "in_dictionary", "is_known", "is_open",
    "is_own", "is_told", "of_call", "of_draw",
    "of_put", "says", "seen",
]  # fmt: skip
