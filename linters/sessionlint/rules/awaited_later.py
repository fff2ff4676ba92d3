"""Coroutines of a library that are made inside a block and kept by a name: they run where that is awaited."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sessionlint.facts import ir
from sessionlint.program.model import Event
from sessionlint.program.values import Site
from sessionlint.rules.walking import nodes_below
from sessionlint.rules.watching import is_within

#: What runs the coroutines that it is given; an answer that is there already is given to none of them.
_RUNS: Final = frozenset({
    "gather", "wait", "wait_for", "shield", "as_completed", "create_task", "ensure_future", "start_soon",
})  # fmt: skip
_PUTS: Final = frozenset({"append", "add"})
_COMPREHENSIONS: Final = frozenset({"ListComp", "SetComp", "DictComp"})


def is_awaited_later(event: Event, opened: Site) -> bool:
    """Whether a coroutine that is made here is only awaited behind the block that ``opened`` the transaction."""
    if event.kind != "network" or not event.function.is_async or opened[0] != event.path:
        return False
    nodes = [n for n in nodes_below(event.function.body) if len(n) > 2 and type(n[1]) is tuple]
    name = next((kept for n in nodes if is_within(event.span, n[1]) and (kept := _keeps(n, event.span))), None)
    blocks = [n for n in nodes if n[0] == "w/"]
    around = next((b for b in blocks if any(is_within(opened[1], item[0][1]) for item in b[2])), None)
    if name is None or around is None:
        return False
    others = [b for b in blocks if not is_within(event.span, b[1])]
    put = {n[2][2][1] for n in nodes if n[0] == "c" and n[2][0] == "a" and n[2][3] in _PUTS and n[2][2][0] == "n"}
    put |= {target[1] for n in nodes if n[0] in ("=", ":") for target in _targets(n)}
    reads = [n[1] for n in nodes if n[0] == "n" and n[2] == name and n[1] not in put]
    if any(is_within(read, b[1]) for read in reads for b in (around, *others)):
        return False
    return any(read in reads for n in nodes for read in _awaited(n))


def _targets(node: ir.Stmt) -> Iterator[ir.Expr]:
    """The names that an assignment fills, or fills an entry of."""
    for target in node[2] if node[0] == "=" else (node[2],):
        yield target[2] if target[0] == "i" else target


def _keeps(node: ir.Stmt, span: ir.Span4) -> str | None:
    """The name by which a statement keeps what the call at a place gives, alone or among others."""
    if node[0] == "=" and len(node[2]) == 1:
        target, value = node[2][0], node[3]
        if target[0] == "i" and value[1] == span:
            target = target[2]
        return target[2] if target[0] == "n" and any(part[1] == span for part in _parts(value)) else None
    if node[0] != "E" or node[2][0] != "c" or node[2][2][0] != "a" or node[2][2][3] not in _PUTS:
        return None
    holder, given = node[2][2][2], node[2][3]
    return holder[2] if holder[0] == "n" and len(given) == 1 and given[0][1] == span else None


def _parts(value: ir.Expr) -> tuple[ir.Expr, ...]:
    """A value, or the elements of a list or comprehension."""
    if value[0] in ("l", "t", "e"):
        return tuple(value[2])
    if value[0] == "g" and value[2] in _COMPREHENSIONS:
        return (value[3][-1],)
    return (value,)


def _awaited(node: ir.Expr) -> Iterator[ir.Span4]:
    """The names whose coroutines a node awaits, by their places."""
    if node[0] == "aw":
        yield from _named(node[2])
    elif node[0] == "c" and (node[2][3] if node[2][0] == "a" else node[2][2]) in _RUNS:
        for given in node[3]:
            yield from _named(given[2] if given[0] == "*" else given)
    elif node[0] == "L":
        yield from _gone_through(node[2], node[3], node[4])
    elif node[0] == "g":
        for target, iterated, _ in node[4]:
            yield from _gone_through(target, iterated, node[3])


def _gone_through(target: ir.Expr, iterated: ir.Expr, body: tuple[ir.Expr, ...]) -> Iterator[ir.Span4]:
    """``for call in calls: await call``."""
    if target[0] == "n" and any(n[0] == "aw" and n[2][0] == "n" and n[2][2] == target[2] for n in nodes_below((body,))):
        yield from _named(iterated)


def _named(expr: ir.Expr) -> Iterator[ir.Span4]:
    """A name, or the entries of the dictionary that goes by it."""
    if expr[0] == "c" and expr[2][0] == "a" and expr[2][3] == "values":
        expr = expr[2][2]
    if expr[0] == "i":
        expr = expr[2]
    if expr[0] == "n":
        yield expr[1]


__all__ = ["is_awaited_later"]
