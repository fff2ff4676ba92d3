"""``finally: if flag: session.close()``: a condition that tells nothing of the session leaves it open.

Only a parameter that decides nothing else is known to tell nothing: whatever else a condition asks (a flag set beside
the session, an attribute, a parameter that also says whether one is opened) may well stand for the session.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.program.model import Event
from sessionlint.rules.failing import tries
from sessionlint.rules.watching import is_within


def on_other_condition(made: Event, closing: Event) -> bool:
    """Whether ``closing`` stands in ``finally`` under a condition that has nothing to do with what ``made`` opened."""
    if "finally" not in closing.flags or "branch" not in closing.flags:
        return False
    function = made.function
    body = ir.body_of(function.facts)
    parameters = {name for name, *_ in function.params}
    for test in _tests(body, closing):
        names = set(_names(test))
        if names and names <= parameters and not any(n in names for n in _told(body, test, made.span)):
            return True
    return False


def _tests(body: Any, closing: Event) -> Iterator[ir.Expr]:
    """The conditions in ``finally`` clauses under which alone a place is reached."""
    for node in tries(body):
        for statement in node[5]:
            if (
                statement[0] == "I"
                and (statement[3] or statement[4])
                and is_within(closing.span, _span(statement))
                and not _closes_twice(statement, closing)
            ):
                yield statement[2]


def _closes_twice(statement: Any, closing: Event) -> bool:
    """Whether both branches close: the other calls the same."""
    wanted = closing.name
    ends = [
        any(is_within(e.span, _block(block)) for e in closing.function.events if e.name == wanted)
        for block in statement[3:5]
        if block
    ]
    return len(ends) == 2 and all(ends)


def _told(node: Any, test: Any, made: ir.Span4) -> Iterator[str]:
    """The names in statements, but for those in ``test`` and what calls other than the one at ``made`` are given."""
    if node is test:
        return
    if _is_name(node):
        yield node[2]
        return
    passes = len(node) > 3 and node[0] == "c" and node[1] != made and type(node[2]) is tuple
    for part in (node[2],) if passes else node:
        if type(part) is tuple:
            yield from _told(part, test, made)


def _names(node: Any) -> Iterator[str]:
    """What an expression asks; ``?`` for what is no name, constant, comparison or negation."""
    if _is_name(node):
        yield node[2]
    elif node[0] in ("c", "a", "i"):
        yield "?"
    else:
        for part in node:
            if type(part) is tuple and part:
                yield from _names(part)


def _is_name(node: Any) -> bool:
    return len(node) == 3 and node[0] == "n" and isinstance(node[2], str)


def _span(statement: Any) -> ir.Span4:
    last = (statement[4] or statement[3])[-1][1]
    first: ir.Span4 = statement[1]
    return (first[0], first[1], last[2], last[3])


def _block(block: Any) -> ir.Span4:
    return (block[0][1][0], block[0][1][1], block[-1][1][2], block[-1][1][3])
