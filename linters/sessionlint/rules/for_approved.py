"""Engines and factories of the session module that go nowhere but to the approved ways which ask for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.program.model import Event
from sessionlint.program.values import Handle
from sessionlint.rules.naming import names_of, nodes, uses_of
from sessionlint.rules.opening import is_approved
from sessionlint.rules.watching import is_within

if TYPE_CHECKING:
    from sessionlint.program.api import Program


#: So many objects a factory is handed on to, one by another.
_DEEP = 3


def is_for_approved(program: Program, event: Event, handle: Handle) -> bool:
    """Whether what an ``obtain`` event gets goes to approved functions alone, or to objects that hand it to these."""
    return goes_only_to(program, event, handle, _takes_for_approved)


def goes_only_to(
    program: Program, event: Event, handle: Handle, takes: Callable[[Program, Event, Any], bool],
    kept: Sequence[ir.Span4] = (),
) -> bool:  # fmt: skip
    """Whether what an ``obtain`` event gets is passed in calls that take it, and goes nowhere else but to ``kept``."""
    calls = [e for e in event.function.events if e.kind == "call" and passed(e, handle)]
    takers = [e.span for e in calls if takes(program, e, handle)]
    if not takers or len(takers) != len(calls):
        return False
    if any(is_within(event.span, taker) for taker in takers):
        return True
    statements = event.function.body
    names = names_of(statements, event.span) | {t[2] for t in _parts(statements, event.span)}
    elsewhere = [n[1] for n in uses_of(statements, names) if not any(is_within(n[1], taker) for taker in takers)]
    return bool(names) and set(elsewhere) <= {*_given(statements), *_disposed(statements), *kept}


def is_dropped(event: Event) -> bool:
    """Whether nobody takes what a call gives: it is a statement of its own."""
    written = (node[2] for node in nodes(event.function.body, "E", 3))
    return any(event.span in (e[1], e[2][1] if e[0] == "aw" else None) for e in written)


def passed(call: Event, given: Any) -> list[Any]:
    """The parameters that a call passes something for; what the object was made with whose method it is, is none."""
    return [k for k, value in call.bindings if given in value and k.tag == "param" and k.info is call.callee]


def _takes_for_approved(program: Program, call: Event, given: Any, depth: int = 0) -> bool:
    """Whether a call is one of an approved function, or makes an object that gives what it is given to these alone."""
    callee = call.callee
    if callee is None or is_approved(program, callee):
        return callee is not None
    if callee.name != "__init__" or depth >= _DEEP:
        return False
    kept = passed(call, given)
    if any(key in value for e in program.whole.events("create") for value in (e.value, *e.args) for key in kept):
        return False  # called, or made a session of, there
    uses = [(e, key) for e in program.whole.events("call") for key in kept if passed(e, key)]
    return bool(uses) and all(_takes_for_approved(program, e, key, depth + 1) for e, key in uses)


def _parts(statements: tuple[ir.Stmt, ...], made: ir.Span4) -> list[ir.Expr]:
    """The names that the parts of what is made at a place are given: ``engine, factory = open()``."""
    given = [(node[3], t) for node in nodes(statements, "=", 4) for t in node[2] if t[0] in ("t", "l")]
    return [n for value, target in given if is_within(made, value[1]) for n in target[2] if n[0] == "n"]


def _given(statements: tuple[ir.Stmt, ...]) -> list[ir.Span4]:
    """Where names are given."""
    targets = [target for node in nodes(statements, "w/", 5) for _, target in node[2] if target is not None]
    targets += [t for node in nodes(statements, "=", 4) for t in node[2]]
    return [t[1] for target in targets for t in ((target,) if target[0] not in ("t", "l") else target[2])]


def _disposed(statements: tuple[ir.Stmt, ...]) -> list[ir.Span4]:
    return [node[2][1] for node in nodes(statements, "a", 4) if node[3] == "dispose"]
