"""Generator expressions, and what ``map`` makes, that a name takes out of the block of their session.

They run where they are gone through.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from sessionlint.program.values import Handle
from sessionlint.rules.walking import own_nodes_below
from sessionlint.rules.watching import is_within

if TYPE_CHECKING:
    from sessionlint.facts import ir
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo


_MAPS = ("map", "filter")


class Late(NamedTuple):
    """A use of a session, the place behind its block that may run it, and the block's item."""

    use: Event
    place: ir.Span4
    item: ir.Span4


def gone_through_later(program: Program) -> Iterator[Late]:
    """The first such use of each generator expression that nothing mentions in the block it is made in."""
    seen: dict[FunctionInfo, list[ir.Stmt]] = {}
    told: set[tuple[str, ir.Span4]] = set()
    for use in program.events("use", "effect"):
        if "loop" not in use.flags or (use.kind == "effect" and use.text != "use"):
            continue
        function = use.function
        if use.kind == "effect" and _is_told(use):
            continue
        if function not in seen:
            seen[function] = list(_lazy(function))
        for statement in seen[function]:
            place = (function.path, statement[1])
            late = _late(use, statement) if place not in told and _runs_late(statement[3], use) else None
            if late is not None:
                told.add(place)
                yield late


def _is_told(use: Event) -> bool:
    """Whether a call is known to get a session that is closed by then: a coroutine that is awaited later."""
    return any(e.kind == "call" and e.span == use.span and e.subject for e in use.function.events)


def _lazy(function: FunctionInfo) -> Iterator[ir.Stmt]:
    """``rows = (… for …)``, ``rows = map(load, ids)``."""
    for node in own_nodes_below(function.body):
        named = node[0] == "=" and len(node) == 4 and len(node[2]) == 1 and node[2][0][0] == "n"
        if named and ((node[3][0] == "g" and node[3][2] == "GeneratorExp") or _maps(node[3])):
            yield node


def _maps(expr: ir.Expr) -> bool:
    return bool(expr[0] == "c" and expr[2][0] == "n" and expr[2][2] in _MAPS)


def _runs_late(expr: ir.Expr, use: Event) -> bool:
    """Whether a use is in a generator expression, and not what that goes through, which is asked for at once.

    Of what ``map`` is given, the function alone is called later: where the call of ``map`` stands, as far as is known.
    """
    if expr[0] == "c":
        return use.kind == "effect" and use.span == expr[1]
    return is_within(use.span, expr[1]) and not is_within(use.span, expr[4][0][1][1])


def _late(use: Event, statement: ir.Stmt) -> Late | None:
    """The use at the first mention of the generator's name behind the block that closes the session."""
    body, name = use.function.body, statement[2][0][2]
    blocks = (n for n in own_nodes_below(body) if n[0] == "w/" and len(n) == 5 and is_within(statement[1], n[1]))
    for block in blocks:
        item = next((i[1] for i, _ in block[2] if _opens(i[1], use)), None)
        if item is None:
            continue
        given = {s[1][:2] for s in _targets(body, name)}
        named = [n[1] for n in own_nodes_below(body) if n[0] == "n" and len(n) == 3 and n[2] == name]
        inside = any(is_within(span, block[1]) and span[:2] > statement[1][2:] for span in named)
        later = sorted(span for span in named if span[:2] >= block[1][2:])
        if inside or not later or later[0][:2] in given:
            return None
        return Late(use, later[0], item)
    return None


def _targets(body: Any, name: str) -> Iterator[ir.Expr]:
    """Where a name is given something."""
    for node in own_nodes_below(body):
        if node[0] == "=" and len(node) == 4:
            yield from (t for t in node[2] if t[0] == "n" and t[2] == name)


def _opens(item: ir.Span4, use: Event) -> bool:
    return any(isinstance(a, Handle) and a.site == (use.path, item) for a in use.subject)


__all__ = ["gone_through_later"]
