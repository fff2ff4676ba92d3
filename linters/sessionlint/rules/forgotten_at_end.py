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

_ADDS = frozenset({"add", "append"})
_TAKES_OUT = frozenset({"pop", "remove", "discard"})
_FAILS = frozenset({"c", "aw", "y", "yf", "!", "R", "J", "w/", "L"})


def is_forgotten(store: Event, held: Value) -> bool:
    """Whether the attribute of a store is given something else, or deleted, by a ``finally`` that is sure to run."""
    attribute = store.text.rpartition(".")[2]
    return any(
        bool(node[5]) and _is_sure(store, node) and _takes_away(store, attribute, held, node[5])
        for node in tries(store.function.body)
    )


def is_taken_out(store: Event) -> bool:
    """Whether an entry of its own (``OPEN[key] = session``, ``OPEN.add(session)``) is taken out by a ``finally``."""
    holder, _, key = store.text.partition("[")
    if key[:1] in ("", "'", '"', "-") or key[:1].isdigit():
        # without a key, or under one that is written out, it is one place for all
        added = _added(store)
        if key or added is None:
            return False
        holder, key = added
    else:
        key = key.removesuffix("]")
    tries_around = (node for node in tries(store.function.body) if node[5] and _is_sure(store, node))
    return any(_removes(n, holder, key) for node in tries_around for n in own_nodes_below(node[5]))


def _added(store: Event) -> tuple[str, str] | None:
    """The container and what it is given, of ``OPEN.add(session)``."""
    found = (n for n in own_nodes_below(store.function.body) if n[0] == "c" and len(n) == 5 and n[1] == store.span)
    call = next(found, None)
    if call is None or len(call[3]) != 1 or call[2][0] != "a" or call[2][3] not in _ADDS:
        return None
    return ir.text_of(call[2][2]), ir.text_of(call[3][0])


def _removes(node: Any, holder: str, key: str) -> bool:
    """``OPEN.pop(key, None)``, ``OPEN.discard(session)``, ``del OPEN[key]``."""
    if node[0] == "del" and len(node) == 3:
        return any(t[0] == "i" and ir.text_of(t[2]) == holder and ir.text_of(t[3]) == key for t in node[2])
    if node[0] != "c" or len(node) != 5 or node[2][0] != "a" or node[2][3] not in _TAKES_OUT or not node[3]:
        return False
    return ir.text_of(node[2][2]) == holder and ir.text_of(node[3][0]) == key


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
