"""Callbacks that a helper keeps as long as a transaction is open: ``on_commit(lambda: send.delay(order_id))``.

The helper asks a context variable whether somebody collects callbacks. The context manager that has the transaction
open has put something there, so the helper does not call what it is given, but keeps it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sessionlint.facts import ir
from sessionlint.program.model import FunctionInfo
from sessionlint.program.stdlib import CONTEXT_VARIABLE
from sessionlint.program.values import Site
from sessionlint.rules.walking import own_nodes_below
from sessionlint.rules.watching import is_within

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event


def is_put_off(program: Program, event: Event) -> bool:
    """Whether a call starts something only where a variable is empty, which the block around it has filled."""
    callee = event.callee
    if event.kind != "effect" or callee is None or not event.transactions:
        return False
    filled = {v for manager in _managers(event) for v in _filled(program, manager)}
    return bool(filled) and _starts_where_empty(program, callee, filled, set())


def _starts_where_empty(program: Program, function: FunctionInfo, filled: set[Site], seen: set[FunctionInfo]) -> bool:
    """Whether all that a function starts, in it or below, it starts where one of the variables is empty."""
    if function in seen:
        return True
    seen.add(function)
    starts = [e for e in function.events if e.kind == "schedule" or (e.kind == "effect" and e.text == "schedule")]
    return bool(starts) and all(
        _is_where_empty(program, function, e.span, filled)
        or (e.kind == "effect" and e.callee is not None and _starts_where_empty(program, e.callee, filled, seen))
        for e in starts
    )


def _managers(event: Event) -> Iterator[FunctionInfo]:
    """The context managers of the project whose blocks a call stands in."""
    for begun in event.transactions:
        if isinstance(begun.source, FunctionInfo):
            yield begun.source
    for entered in event.open_sessions:
        info = getattr(entered, "info", None)
        if isinstance(info, FunctionInfo):
            yield info


def _filled(program: Program, manager: FunctionInfo) -> Iterator[Site]:
    """The context variables that a context manager sets to something before it yields."""
    body = ir.body_of(manager.facts)
    given = next((n[1][:2] for n in own_nodes_below(body) if n[0] == "y" and len(n) > 2), None)
    for node in own_nodes_below(body):
        if node[0] != "c" or len(node) != 5 or node[2][0] != "a" or node[2][3] != "set" or len(node[3]) != 1:
            continue
        something = not (node[3][0][0] == "k" and node[3][0][2] is None)
        if something and given is not None and node[1][:2] < given:
            yield from _variable(program, manager, node[2][2])


def _variable(program: Program, function: FunctionInfo, expr: ir.Expr) -> Iterator[Site]:
    """Where the one context variable of a module is made that a name stands for."""
    known = program.solver.member(function.path, expr[2]) if expr[0] == "n" else ()
    if len(known) == 1 and known[0].tag == "obj" and known[0].name == CONTEXT_VARIABLE:
        yield known[0].site


def _is_where_empty(program: Program, function: FunctionInfo, span: ir.Span4, filled: set[Site]) -> bool:
    """Whether a place lies in ``if callbacks is None:``, of what one of the variables holds."""
    body = ir.body_of(function.facts)
    read = {
        target[2]
        for node in own_nodes_below(body)
        if node[0] == "=" and len(node) == 4 and _reads(program, function, node[3], filled)
        for target in node[2]
        if target[0] == "n"
    }
    for node in own_nodes_below(body):
        if node[0] == "I" and len(node) == 5 and _asks_for_none(node[2]):
            subject = node[2][2]
            empty = (subject[0] == "n" and subject[2] in read) or _reads(program, function, subject, filled)
            block = node[3] if node[2][3][0] == "is" else node[4]
            if empty and any(is_within(span, statement[1]) for statement in block):
                return True
    return False


def _asks_for_none(test: ir.Expr) -> bool:
    """``x is None``, ``x is not None``."""
    plain = test[0] == "x" and len(test[3]) == 1 and test[3][0] in ("is", "is not")
    return bool(plain and test[4][0][0] == "k" and test[4][0][2] is None)


def _reads(program: Program, function: FunctionInfo, expr: ir.Expr, filled: set[Site]) -> bool:
    """``variable.get()``, ``variable.get(None)`` of one of the variables."""
    if expr[0] != "c" or expr[2][0] != "a" or expr[2][3] != "get":
        return False
    return any(place in filled for place in _variable(program, function, expr[2][2]))
