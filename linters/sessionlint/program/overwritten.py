"""What a constructor puts into an attribute and replaces unseen: ``self.make = direct; self.make = approved``."""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.model import FunctionInfo

#: Statements that go on with the next one.
_SIMPLE: Final = frozenset({"=", ":", "+=", "E"})


def is_dead(frame: Frame, target: ir.Expr) -> bool:
    """Whether an assignment of an attribute is replaced before the object can be used."""
    function = frame.function
    if function.name != "__init__" or function.class_info is None or not function.params:
        return False
    if target[2][0] != "n" or target[2][2] != function.params[0][0]:
        return False
    if function.overwritten is None:
        function.overwritten = _dead_in(function)
    return target[1] in function.overwritten


def _dead_in(function: FunctionInfo) -> frozenset[ir.Span4]:
    itself: str = function.params[0][0]
    found: set[ir.Span4] = set()
    waiting: dict[str, ir.Span4] = {}
    for statement in function.body:
        if statement[0] not in _SIMPLE:
            waiting.clear()
            continue
        waiting = {name: span for name, span in waiting.items() if _spares(statement, itself, name)}
        for target in statement[2] if statement[0] == "=" else ():
            if target[0] == "a" and target[2][0] == "n" and target[2][2] == itself:
                if target[3] in waiting:
                    found.add(waiting[target[3]])
                waiting[target[3]] = target[1]
    return frozenset(found)


def _spares(statement: ir.Stmt, itself: str, name: str) -> bool:
    """Whether a statement neither reads the attribute nor hands on the object, or calls its methods."""
    if statement[0] == "=":
        targets = [t for t in statement[2] if t[0] != "a" or t[2][0] != "n"]
        return _leaves_alone(statement[3], itself, name) and _leaves_alone(tuple(targets), itself, name)
    return _leaves_alone(statement[2:], itself, name)


def _leaves_alone(node: tuple[Any, ...], itself: str, name: str) -> bool:
    if len(node) == 3 and node[0] == "n":
        return bool(node[2] != itself)
    if len(node) == 4 and node[0] == "a" and node[2][0] == "n" and node[2][2] == itself:
        return bool(node[3] != name)
    if len(node) == 5 and node[0] == "c" and node[2][0] == "a" and node[2][2][:1] == ("n",) and node[2][2][2] == itself:
        return False
    return all(_leaves_alone(child, itself, name) for child in node if type(child) is tuple)


__all__ = ["is_dead"]
