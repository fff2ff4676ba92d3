"""Ends of a transaction that are handed to a helper: ``await retry(session.commit)`` is written where it is handed on.

The helper calls what it is given, for whoever calls it; what is only started runs it by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.program.model import Event
from sessionlint.program.values import CONNECTION, SESSION, TRANSACTION, Value
from sessionlint.rules.walking import nodes_below

if TYPE_CHECKING:
    from sessionlint.program.api import Program

_ENDS = ("commit", "rollback")
_OWN_TRANSACTIONS = (SESSION, CONNECTION, TRANSACTION)


def handed_over(program: Program) -> dict[Event, list[Event]]:
    """The calls of methods that end a transaction, by what a function is given as its parameter, with the calls that
    hand these over. Those of which no such call is seen are left out."""
    ends = [e for e in program.events("txn") if e.name in _ENDS and _is_parameter(e)]
    if not ends:
        return {}
    helpers = {e.function for e in ends}
    given = [e for e in program.events("effect") if e.callee in helpers and e.text == "txn"]
    found = {end: [e for e in given if e.callee is end.function and _hands(e, end.name)] for end in ends}
    return {end: calls for end, calls in found.items() if calls}


def scheduled(program: Program, name: str) -> Iterator[Event]:
    """The calls that have a method that ends a transaction called later: ``tasks.add_task(session.commit)``."""
    for event in program.events("schedule"):
        ends = [a.receiver for a in _called(event.value) if a.tag == "method" and a.name == name]
        if any(_has_transaction(program, a) for a in ends) and not program.is_exempt(event.function):
            yield event


def _has_transaction(program: Program, atom: Any) -> bool:
    """Whether it has a transaction, and is no savepoint."""
    return program.kind(atom) in _OWN_TRANSACTIONS and not getattr(atom, "savepoint", False)


def _called(value: Value) -> Iterator[Any]:
    for atom in value:
        yield atom
        if atom.tag == "partial":
            yield from atom.function


def _is_parameter(end: Event) -> bool:
    call = end.expr
    if call is None or call[0] != "c" or call[2][0] != "n":
        return False
    return any(name == call[2][2] for name, *_ in end.function.params)


def _hands(call: Event, name: str) -> bool:
    return call.name == name and any(_mentions(a, name) for a in _arguments(call.expr))


def _arguments(expr: ir.Expr | None) -> Iterator[ir.Expr]:
    if expr is not None and expr[0] == "c":
        yield from expr[3]
        yield from (value for _, value in expr[4])


def _mentions(argument: ir.Expr, name: str) -> bool:
    """Whether an argument is the method, or has it: ``partial(session.commit)``."""
    return any(node[0] == "a" and len(node) == 4 and node[3] == name for node in nodes_below((argument,)))
