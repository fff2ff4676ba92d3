"""``return``, ``break`` and ``continue`` in a ``finally`` clause: they keep the error that was on its way out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.rules.decorated_units import runs_in_units
from sessionlint.rules.failing import is_broad, tries
from sessionlint.rules.leaving_finally import leaving
from sessionlint.rules.watching import is_within

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo

#: What may fail in a transaction.
_USES = ("use", "effect")


def left_by_finally(program: Program) -> Iterator[Event]:
    """For each such statement in a function with transactions, the ``except`` clause that it is around its ``try``."""
    for function in program.functions:
        if any(e.transactions for e in function.events) or runs_in_units(program, function):
            yield from _clauses(function)


def _clauses(function: FunctionInfo) -> Iterator[Event]:
    statements = ir.body_of(function.facts)
    for node in tries(statements):
        if not node[2] or not node[5]:
            continue
        left, tried = leaving(statements, node)
        if left is None or _kept_before(function, node):
            continue
        body = tuple([e for e in function.events if is_within(e.span, tried)])
        final = _within(function, node[5])
        use = next((e for e in body if e.kind in _USES), None)
        if use is None:
            continue
        around = tuple(t for t in use.transactions if not is_within(t.site[1], _span(node[2])))
        word = "return" if left[0] == "R" else left[2]
        yield use._replace(
            kind="handler",
            span=left[1],
            value=(),
            flags=frozenset(("bare", "finally", "suppress", "swallows")),
            text=f"finally: {word}",
            expr=("handler", body, final),
            args=(),
            transactions=around,
        )


def _kept_before(function: FunctionInfo, node: Any) -> bool:
    """Whether an ``except`` clause of the ``try`` keeps what fails: that is told of the clause."""
    clauses = {where for where, *_ in node[3]}
    handlers = (e for e in function.events if e.kind == "handler" and e.span in clauses)
    return any("swallows" in e.flags and is_broad(e) for e in handlers)


def _within(function: FunctionInfo, block: Any) -> tuple[Event, ...]:
    return tuple(e for e in function.events if is_within(e.span, _span(block)))


def _span(block: Any) -> ir.Span4:
    first, last = block[0][1], block[-1][1]
    return (first[0], first[1], last[2], last[3])
