"""Errors that an ``except`` clause logs and raises again: whoever calls the function need not say it once more."""

from __future__ import annotations

from sessionlint.facts import ir
from sessionlint.program.model import Event
from sessionlint.rules.failing import is_broad, tries
from sessionlint.rules.walking import nodes_below
from sessionlint.rules.watching import is_loud, is_within


def is_said(event: Event) -> bool:
    """Whether a ``raise`` lets out what the clause around it, which catches whatever comes, has logged before."""
    if "handler" not in event.flags:
        return False
    around = [h for h in event.function.events if h.kind == "handler" and is_within(event.span, h.span)]
    wanted = {h.span for h in around if is_broad(h)}
    clauses = (c for node in tries(ir.body_of(event.function.facts)) for c in node[3]) if wanted else ()
    return any(_says_before(clause[3], event.span) for clause in clauses if clause[0] in wanted)


def _says_before(body: tuple[ir.Stmt, ...], span: ir.Span4) -> bool:
    """Whether one of the clause's own statements before a place logs."""
    before = (s for s in body if s[0] == "E" and s[1][:2] < span[:2])
    return any(is_loud(node) or _prints(node) for statement in before for node in nodes_below((statement,)))


def _prints(node: ir.Expr) -> bool:
    return node[0] == "c" and len(node) == 5 and node[2][0] == "n" and node[2][2] == "print"
