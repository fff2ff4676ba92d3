"""Writes that a ``begin()`` further down, which must raise, stops: that is TXN206, and nothing is lost in silence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.facts.blocks import blocks_of
from sessionlint.rules.walking import own_nodes_below
from sessionlint.rules.watching import is_within

if TYPE_CHECKING:
    from sessionlint.facts import ir
    from sessionlint.program.model import Event

#: What leaves the way from a write to what follows it.
_LEAVES = ("R", "J")


def stopped_by_begin(write: Event, session: Any) -> bool:
    """Whether every way on from a write comes to a ``begin()`` on the same session, which it has made raise."""
    begins = [
        e for e in write.function.events
        if e.kind == "txn" and e.name == "begin" and "autobegun" in e.flags and session in e.subject
    ]  # fmt: skip
    places = [e.span for e in begins if e.span[:2] >= write.span[2:]]
    if not places:
        return False
    return any(_stops(rest, places) for rest in reversed([*_following(write.function.body, write.span)]))


def _following(body: Any, span: ir.Span4) -> Iterator[Any]:
    """The statement at a place and those after it, in each block around it from the outermost on."""
    for index, statement in enumerate(body):
        if is_within(span, statement[1]):
            yield body[index:]
            for block in blocks_of(statement):
                yield from _following(block, span)
            return


def _stops(statements: Any, places: list[ir.Span4]) -> bool:
    for index, statement in enumerate(statements):
        if index and any(is_within(place, first) for place in places for first in _first_done(statement)):
            return True
        if any(node[0] in _LEAVES for node in (statement, *own_nodes_below([statement]))):
            return False
    return False


def _first_done(statement: Any) -> list[ir.Span4]:
    """The parts of a statement that are done whatever else it does."""
    if statement[0] == "w/":
        return [item[1] for item, _ in statement[2]]
    return [] if blocks_of(statement) else [statement[1]]


__all__ = ["stopped_by_begin"]
