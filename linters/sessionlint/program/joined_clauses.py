"""Texts that a function takes as ``*clauses`` and joins: what any call passes, of which each call knows its own."""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import Param, Seq, Value

_MAY_BE_TEXT: Final = frozenset({"const", "text", "ext", "param", "operation"})
#: What ``*clauses`` are in a call that passes none.
NONE_PASSED: Final[Value] = (Seq(()),)


def of_this_call(frame: Frame, name: str, value: Value) -> Value:
    """The parameter in the place of what all calls pass for it, where that is nothing but texts."""
    function = frame.function
    if len(value) != 1 or value[0].tag != "seq" or not any(_is_starred(p, name) for p in function.params):
        return value
    passed = [item for a in frame.solver.read(("param", function, name)) if a.tag == "seq" for item in a.items]
    texts = all(item in passed and all(a.tag in _MAY_BE_TEXT for a in item) for item in value[0].items)
    return (Param(function, name),) if texts else value


def given(atom: Any, function: FunctionInfo, value: Value) -> Value:
    """What a call gives for a parameter of a function, ``value`` if it passes anything."""
    if value or atom.tag != "param" or atom.info is not function:
        return value
    return NONE_PASSED if any(_is_starred(p, atom.name) for p in function.params) else value


def _is_starred(param: Any, name: str) -> bool:
    return bool(param[0] == name and param[1] == ir.KIND_VARARGS)
