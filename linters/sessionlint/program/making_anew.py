"""``__new__`` is given what the constructor is given: ``Store(session)`` hands both the session."""

from __future__ import annotations

from typing import Final

from sessionlint.facts import ir
from sessionlint.program import giving
from sessionlint.program.arguments import bound
from sessionlint.program.frame import Frame
from sessionlint.program.model import ClassInfo, FunctionInfo
from sessionlint.program.values import UNKNOWN, Cls, Fn, Inst, Value, join

#: What makes an object without its constructor: ``self = cls.__new__(cls)`` in another way to make one.
BARE: Final = "__new__"


def given(
    frame: Frame, info: ClassInfo, maker: FunctionInfo, args: list[Value], keywords: list[tuple[str, Value]]
) -> None:
    """Tells ``__new__`` of a class what its objects are made with; for the class it has a name of its own."""
    of_class: Value = (Cls(info),)
    for key, value in bound(frame, maker, Fn(maker), [of_class, *args], keywords).items():
        if key.tag == "param" and value and value != of_class:
            frame.solver.flow(maker, key.name, value)


def bare(frame: Frame, args: list[Value], e: ir.Expr) -> Value:
    """``cls.__new__(cls)``: an object that has nothing yet but what it is given from here on."""
    out: Value = UNKNOWN
    for atom in args[0] if args else UNKNOWN:
        if atom.tag == "cls":
            out = join(out, (Inst(atom.info, giving.made(frame, None, atom.info, {}, e[1])),))
    return out


__all__ = ["BARE", "bare", "given"]
