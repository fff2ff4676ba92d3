"""Attributes that a function of a module is given: ``load.session = session`` is there for as long as the module is."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.values import Fn, Value

#: Cells of what attributes of functions hold.
_KEPT = "function attribute"


def keep(frame: Frame, function: Fn, name: str, value: Value, target: ir.Expr) -> None:
    """A function, or a method, is given an attribute; one that a call makes has it no longer than that."""
    if value and function.info.parent is None and function.info.name != "<lambda>":
        frame.solver.write((_KEPT, function.info, name), value)
        frame.store("global", ir.text_of(target), value, target[1])


def held(frame: Frame, function: Any, name: str) -> Value:
    """What an attribute of a function was given."""
    return frame.solver.read((_KEPT, function.info, name))


__all__ = ["held", "keep"]
