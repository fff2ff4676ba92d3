"""What a function of the session module is handed to run in its own block, and who hands it that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.program.values import Param, Value
from sessionlint.rules.callers import calls_by_callee

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo


def who_hands_in(program: Program, event: Event) -> list[Event]:
    """The calls of the session module that hand it what it calls here: ``await in_transaction(store)``."""
    runner, called, expr = event.function, event.callee, event.expr
    if called is None or expr is None or expr[0] != "c" or expr[2][0] != "n" or program.role(runner) != "session":
        return []
    name = expr[2][2]
    if all(name != param[0] for param in runner.params):
        return []
    calls = [e for e in program.shared(calls_by_callee).get(runner, ()) if not program.is_exempt(e.function)]
    param = Param(runner, name)
    return [e for e in calls if any(p == param and _holds(value, called) for p, value in e.bindings)]


def _holds(value: Value, function: FunctionInfo) -> bool:
    """Whether a value is this function, also with some of its arguments given."""
    return any(_is(atom, function) for atom in value)


def _is(atom: Any, function: FunctionInfo) -> bool:
    if atom.tag == "partial":
        return _holds(atom.function, function)
    return bool(atom.tag == "fn" and atom.info is function)


__all__ = ["who_hands_in"]
