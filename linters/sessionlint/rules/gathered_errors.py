"""Errors that come back as results, of ``gather(…, return_exceptions=True)`` or a callee that caught them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import contained
from sessionlint.rules.walking import own_nodes_below

_ERRORS = regex(r"(?:.*\.)?\w*(?:Exception|Error)\Z")


def recorded_errors(function: FunctionInfo, only_tells: Callable[[Any], bool]) -> list[ir.Span4]:
    """The places whose errors become results that an ``if`` asks for and records, and those where it does.

    ``only_tells`` says of a call that it does nothing but log, or work out what to say.
    """
    gathered = [e for e in function.events if e.kind == "concurrent" and gives_errors(e.expr)]
    returned = [e for e in function.events if e.kind == "call" and e.callee is not None and _returns_error(e.callee)]
    if not gathered and not returned:
        return []
    first = min(e.span for e in (*gathered, *returned))
    asking = list(_asking(ir.body_of(function.facts), first))
    recording = [node[1] for node in asking if _records(node[3], only_tells)]
    if not recording:
        return []
    started = (a for e in gathered for value in e.args for a in contained(value) if a.tag == "pending")
    return [*recording, *(e.span for e in gathered), *(a.site[1] for a in started)]


def _returns_error(callee: FunctionInfo) -> bool:
    """Whether an ``except`` clause of a function returns the error: its caller has to look at the result."""
    if not any(e.kind == "handler" for e in callee.events):
        return False
    clauses = [c for n in own_nodes_below(callee.body) if n[0] == "T" and len(n) == 6 for c in n[3]]
    return any(
        n[0] == "R" and len(n) == 3 and n[2] is not None and n[2][0] == "n" and n[2][2] == name
        for _, _, name, body in clauses
        for n in own_nodes_below(body)
    )


def gives_errors(call: ir.Expr | None) -> bool:
    """Whether a call has ``return_exceptions=True``."""
    if call is None or call[0] != "c":
        return False
    return any(name == "return_exceptions" and e[0] == "k" and e[2] is True for name, e in call[4])


def _asking(body: Any, after: ir.Span4) -> Iterator[ir.Stmt]:
    """The ``if`` statements behind a place that ask whether a result is an error, or for those that were picked out."""
    picked: set[str] = set()
    for node in own_nodes_below(body):
        if len(node) < 4 or type(node[1]) is not tuple or node[1][:2] < after[:2]:
            continue
        if node[0] == "=" and (_asks_for_error(node[3]) or _names(node[3]) & picked):
            picked.update(target[2] for target in node[2] if target[0] == "n")
        elif node[0] == "I" and (_asks_for_error(node[2]) or _names(node[2]) & picked):
            yield node


def _asks_for_error(expr: ir.Expr) -> bool:
    """Whether ``isinstance(result, Exception)`` stands in an expression, and not its opposite."""
    if expr[0] == "u":
        return False
    calls = (n for n in (expr, *own_nodes_below(expr[2:])) if n[0] == "c" and len(n) == 5 and len(n[3]) == 2)
    return any(
        ir.dotted(call[2]) == "isinstance" and _ERRORS.match(ir.dotted(call[3][1]) or "") is not None for call in calls
    )


def _names(expr: ir.Expr) -> set[str]:
    return {node[2] for node in (expr, *own_nodes_below(expr[2:])) if node[0] == "n" and len(node) == 3}


def _records(block: Any, only_tells: Callable[[Any], bool]) -> bool:
    """Whether statements raise, or do more than tell: write a status, keep the error somewhere."""
    for node in own_nodes_below(block):
        if node[0] == "!" or (node[0] == "c" and len(node) == 5 and not only_tells(node)):
            return True
        if node[0] == "=" and len(node) == 4 and any(target[0] != "n" for target in node[2]):
            return True
    return False
