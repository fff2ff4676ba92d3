"""What stands outside of a ``try`` and may tell of its outcome, so that an error that is kept is not lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.rules.failing import body_of, can_fail, handled, may_record
from sessionlint.rules.one_round import comes_again
from sessionlint.rules.raised_later import levels
from sessionlint.rules.walking import nodes_below
from sessionlint.rules.watching import is_within


def holds_all_work(function: FunctionInfo, handler: Event, unseen: bool) -> bool:
    """Whether the clause's ``try`` holds all the work: what writes or sends outside of it may record the outcome.

    ``unseen`` says that the clause does nothing about the error.
    """
    inside = {e.span for e in (*body_of(handler), *handled(handler))}
    handlers = [h for h in function.events if h.kind == "handler"]
    others = {h.span for h in handlers} | {e.span for h in handlers for e in handled(h)}
    # what has an ``except`` of its own, or stands around one in a loop, is one step among several
    steps = {e.span for e in function.events} if comes_again(handler) else set()
    steps |= {e.span for h in handlers for e in body_of(h)}
    outside = (e for e in function.events if e.span not in inside | others)
    telling = [e for e in outside if (can_fail(e) if e.span in steps else may_record(e))]
    apart = list(_apart(function, handler, unseen)) if telling else []
    return all(any(is_within(e.span, span) for span in apart) for e in telling)


def _apart(function: FunctionInfo, handler: Event, unseen: bool) -> Iterator[ir.Span4]:
    """The statements behind a ``try`` that cannot tell of an error it kept.

    They are reached only when there was none, or (``unseen``) have to do with nothing that the ``try`` works with.
    """
    around = list(levels(ir.body_of(function.facts), handler.span))
    if not around:
        return
    step = around[-1][1]
    clause: Any = ()
    if step[0] == "T":
        yield from (statement[1] for statement in step[4])
        clause = next((body for where, _, _, body in step[3] if where == handler.span), ())
    left = clause[-1][0] if clause else ""
    loops = [depth for depth, (_, node) in enumerate(around) if node[0] in ("L", "W")]
    # a ``return`` passes over all that follows, a ``break`` or ``continue`` over the rest of its loop's body
    passed = 0 if left == "R" else loops[-1] + 1 if left == "J" and loops else len(around)
    used = _names([step[3] if step[0] == "w/" else step[2], clause]) | _functions_in(function)
    for depth, (block, node) in enumerate(around):
        for statement in block[block.index(node) + 1 :]:
            if depth >= passed or (unseen and not _may_depend(statement, used)):
                yield statement[1]


def _may_depend(statement: ir.Stmt, used: set[str]) -> bool:
    """Whether a statement works with what is used elsewhere, or calls what is not told with what to work."""
    calls = (n for n in nodes_below([statement]) if n[0] == "c" and len(n) == 5)
    return not used.isdisjoint(_names([statement], called=True)) or any(not (call[3] or call[4]) for call in calls)


def _functions_in(function: FunctionInfo) -> set[str]:
    """The functions defined in a function: they share its variables."""
    return {node[2][0] for node in nodes_below(function.body) if node[0] == "F" and len(node) == 3}


def _names(nodes: Any, called: bool = False) -> set[str]:
    """The names in some nodes; those of functions that are only called count when ``called``."""
    found: set[str] = set()
    pending = [*nodes]
    while pending:
        node = pending.pop()
        if type(node) is not tuple or not node:
            continue
        if node[0] == "n" and len(node) == 3:
            found.add(node[2])
        elif node[0] == "c" and len(node) == 5 and node[2][0] == "n" and not called:
            pending.extend(node[3:])
        else:
            pending.extend(node)
    return found
