"""Units of work that an approved way hands out before they are entered: to enter such a one is to use that way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.program.frame import identity
from sessionlint.program.values import Dependency, Injected
from sessionlint.rules.handed_units import ENTERS
from sessionlint.rules.naming import nodes
from sessionlint.rules.opening import approved_openers, is_approved

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo

_NOWHERE = ("", (0, 0, 0, 0))
_AWAIT = "aw"
#: So many dependencies are followed that pass on what they are injected, and so many names.
_DEEP = 4


def is_from_approved(program: Program, event: Event) -> bool:
    """Whether the object that is made or entered here was injected by an approved way, or came out of a call of one."""
    if event.name in ENTERS and event.value:
        return all(a.tag == "injected" and _gives(program, a.source) for a in event.value)
    return event.expr is not None and _comes_from(program, event.function, event.expr, 0)


def _comes_from(program: Program, function: FunctionInfo, expr: ir.Expr, depth: int) -> bool:
    """Whether an expression is a call of an approved way, or of what one injects; or a name that is given only such."""
    if expr[0] == _AWAIT:
        return _comes_from(program, function, expr[2], depth)
    if expr[0] == "c":
        called = [e.callee for e in function.events if e.kind == "call" and e.span == expr[1] and e.name not in ENTERS]
        approved = (f is not None and is_approved(program, f) for f in called)
        return (bool(called) and all(approved)) or _is_injected(program, function, expr[2])
    if expr[0] != "n" or depth >= _DEEP:
        return False
    given = _given(function, expr[2])
    return bool(given) and all(_comes_from(program, function, value, depth + 1) for value in given)


def _given(function: FunctionInfo, name: str) -> list[ir.Expr]:
    """What a name of a function is given."""
    body = function.body
    given = [item for node in nodes(body, "w/", 5) for item in node[2]]
    given += [(node[3], target) for node in nodes(body, "=", 4) for target in node[2]]
    return [value for value, target in given if target is not None and target[0] == "n" and target[2] == name]


def _is_injected(program: Program, function: FunctionInfo, called: ir.Expr) -> bool:
    """Whether a parameter is called for which an approved way injects a function or class."""
    if called[0] != "n" or not any(p[0] == called[2] for p in function.params):
        return False
    atom = identity(function, called[2])
    return isinstance(atom, Injected) and _gives(program, atom.source)


def _gives(program: Program, source: Any, depth: int = 0) -> bool:
    """Whether a dependency is an approved way, or passes on what one injects."""
    functions = program.targets(Dependency((source,), _NOWHERE))
    if not approved_openers(program).isdisjoint(functions):
        return True
    given = (a for f in functions for a in (*f.summary.returns, *f.summary.yields) if isinstance(a, Injected))
    return depth < _DEEP and any(_gives(program, a.source, depth + 1) for a in given)
