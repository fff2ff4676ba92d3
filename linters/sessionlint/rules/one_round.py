"""Loops that are none: ``async for session in get_session():`` goes one round, which is how some open a session."""

from __future__ import annotations

from sessionlint.facts import ir
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.rules.raised_later import levels


def comes_again(handler: Event) -> bool:
    """Whether an ``except`` clause stands in a loop that may come to it again."""
    if "loop" not in handler.flags:
        return False
    around = [node for _, node in levels(ir.body_of(handler.function.facts), handler.span)]
    loops = [node for node in around if node[0] in ("L", "W")]
    return not loops or not all(node[0] == "L" and _gives_once(handler.function, node[3][1]) for node in loops)


def _gives_once(function: FunctionInfo, iterable: ir.Span4) -> bool:
    """Whether what is called there is a generator of the project with one ``yield``, outside of loops."""
    called = [e for e in function.events if e.kind == "call" and e.span == iterable and e.callee is not None]
    return bool(called) and all(e.callee is not None and e.callee.summary.yields_once for e in called)
