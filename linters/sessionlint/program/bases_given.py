"""What the constructor of a class settles of the one above: ``super().__init__(session, autocommit=False)``.

What classes beside it pass there is not what its objects hold, although all keep it in one attribute of that class. So
it is with what the constructor puts into that attribute itself, behind the call.
"""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.model import ClassInfo, FunctionInfo, Summary
from sessionlint.program.values import UNKNOWN, Param, Value

_SWITCHES: Final = frozenset({"bool", "NoneType"})


def note(frame: Frame, above: FunctionInfo, summary: Summary, bindings: dict[Any, Value]) -> None:
    """A constructor calls another one: notes which of its parameters are what literal for this class's objects."""
    own = frame.function.class_info
    if own is None or above is frame.function or above.class_info not in frame.solver.mro(own):
        return
    for key, value in (*summary.not_given, *bindings.items()):
        if key.tag == "param":
            # on another path it may be given something else
            same = _is_switch(value) and frame.not_given.get(key, value) == value
            frame.not_given[key] = value if same else UNKNOWN


def assigned(frame: Frame, holder: ir.Expr, info: ClassInfo, name: str, value: Value, span: ir.Span4) -> None:
    """``self.autocommit = False`` behind ``super().__init__(session)``: what the one above was given counts no more."""
    function = frame.function
    if not frame.not_given or function.name != "__init__" or not _is_switch(value) or frame.guards:
        return
    if holder[0] != "n" or holder[2] != function.params[0][0] or info is not function.class_info:
        return
    if not any(s[0] == "=" and any(t[1] == span for t in s[2]) for s in function.body):
        return  # on some paths only
    param = _kept_above(frame, info, name)
    if param is None or param not in frame.not_given:
        return
    family = [info, *frame.solver.subclasses(info)]
    if all(set(frame.solver.read(("attr", cls, name))) <= set(value) for cls in family):
        frame.not_given[param] = value


def _kept_above(frame: Frame, info: ClassInfo, name: str) -> Any:
    """The parameter that a constructor above keeps in this attribute, and does nothing else with."""
    for cls in frame.solver.mro(info)[1:]:
        held = frame.solver.read(("attr", cls, name))
        if held:
            (kept, *others) = held
            if others or kept.tag != "param" or kept.info is not cls.methods.get("__init__"):
                return None
            return kept if _times_named(kept) == 1 else None
    return None


def _times_named(param: Param) -> int:
    named = 0
    pending: list[Any] = [s for s in param.info.body if s]
    while pending:
        node = pending.pop()
        named += len(node) == 3 and node[0] == "n" and node[2] == param.name
        pending += [child for child in node if type(child) is tuple and child]
    return named


def _is_switch(value: Value) -> bool:
    return len(value) == 1 and value[0].tag == "const" and value[0].kind in _SWITCHES


__all__ = ["assigned", "note"]
