"""Code that asks a session whether a transaction is open, and begins one by the answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.program.beginning import ASKED
from sessionlint.program.operations import ASKS, ASKS_FOR
from sessionlint.rules.walking import own_nodes_below
from sessionlint.rules.watching import is_within

if TYPE_CHECKING:
    from sessionlint.facts import ir
    from sessionlint.program.model import Event


def goes_by_answer(event: Event) -> bool:
    """Whether a ``begin()`` comes after such a question, the answer to which is not merely shown to somebody."""
    if ASKED not in event.flags:
        return False
    asks = [e for e in event.function.events if e.kind == "use" and e.name in (*ASKS, *ASKS_FOR)]
    shown = list(_shown(event.function.body, event.span)) if asks else []
    return not asks or any(not any(is_within(e.span, statement) for statement in shown) for e in asks)


def _shown(body: Any, begun: ir.Span4) -> Iterator[ir.Span4]:
    """The statements that keep no value and do not hold the ``begin()``: ``log.debug(session.in_transaction())``."""
    for node in own_nodes_below(body):
        if node[0] == "E" and len(node) == 3 and not is_within(begun, node[1]):
            yield node[1]
