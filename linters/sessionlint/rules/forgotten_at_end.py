"""Sessions that an object keeps no longer than the block which opened them: a ``finally`` takes them away."""

from __future__ import annotations

from itertools import takewhile
from typing import Any

from sessionlint.facts import ir
from sessionlint.facts.blocks import all_blocks
from sessionlint.program.model import Event
from sessionlint.program.values import Value, contained
from sessionlint.rules.failing import tries
from sessionlint.rules.walking import own_nodes_below
from sessionlint.rules.watching import is_within

_FAILS = frozenset({"c", "aw", "y", "yf", "!", "R", "J", "w/", "L"})


def is_forgotten(store: Event, held: Value) -> bool:
    """Whether the attribute of a store is given something else, or deleted, by a ``finally`` that is sure to run."""
    attribute = store.text.rpartition(".")[2]
    return any(
        bool(node[5]) and _is_sure(store, node) and _takes_away(store, attribute, held, node[5])
        for node in tries(store.function.body)
    )


def _is_sure(store: Event, node: Any) -> bool:
    """Whether the ``try`` holds the store, or comes next to it with nothing between that could fail."""
    body = node[2]
    if body and is_within(store.span, (*body[0][1][:2], *body[-1][1][2:])):
        return True
    for block in all_blocks(store.function.body):
        if node in block:
            before = block[: block.index(node)]
            between = list(takewhile(lambda s: not is_within(store.span, s[1]), reversed(before)))
            return len(between) < len(before) and not any(_may_fail(s) for s in between)
    return False


def _may_fail(statement: ir.Stmt) -> bool:
    return any(n[0] in _FAILS for n in (statement, *own_nodes_below(statement)))


def _is_statement(node: Any) -> bool:
    return type(node[0]) is str and type(node[1]) is tuple and len(node[1]) == 4


def _takes_away(store: Event, attribute: str, held: Value, final: Any) -> bool:
    """Whether the statements give the attribute something else than what was stored, themselves or by a method."""
    where = (*final[0][1][:2], *final[-1][1][2:])
    for event in store.function.events:
        if is_within(event.span, where):
            below = event.callee.events if event.kind == "call" and event.callee is not None else ()
            if any(_gives(e, attribute, held) for e in (event, *below)):
                return True
    deleted = (n for n in own_nodes_below(final) if n[0] == "del" and len(n) == 3)
    return any(t[0] == "a" and t[3] == attribute for n in deleted for t in n[2])


def _gives(event: Event, attribute: str, held: Value) -> bool:
    return event.kind == "setattr" and event.name == attribute and not set(contained(event.value)) & set(held)
