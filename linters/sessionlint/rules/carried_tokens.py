"""Objects that carry something from where they are made: kept in a variable first, or filled by their constructor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sessionlint.facts import ir
from sessionlint.rules.walking import own_nodes_below

if TYPE_CHECKING:
    from sessionlint.program.model import ClassInfo, Event


def is_handed(call: Event, made: Event) -> bool:
    """Whether an object is made among the arguments of a call, or for a variable that is one of them."""
    outer, inner = call.span, made.span
    if outer[:2] <= inner[:2] and inner[2:] <= outer[2:]:
        return True
    if call.expr is None or call.expr[0] != "c" or inner[:2] > outer[:2]:
        return False
    names = {a[2] for a in (*call.expr[3], *[value for _, value in call.expr[4]]) if a[0] == "n"}
    return any(name in names for name in _named_so(call, inner))


def _named_so(call: Event, span: ir.Span4) -> Iterator[str]:
    """The variables of a call's function that what stands at a place is assigned to."""
    for node in own_nodes_below(call.function.body):
        if node[0] == "=" and len(node) == 4 and node[3][1] == span:
            yield from (target[2] for target in node[2] if target[0] == "n")


def kept_attributes(info: ClassInfo) -> Iterator[str]:
    """The attributes that a constructor assigns."""
    init = info.methods.get("__init__")
    if init is None or not init.params:
        return
    own = init.params[0][0]
    for node in own_nodes_below(init.body):
        if node[0] == "=" and len(node) == 4:
            yield from (t[3] for t in node[2] if t[0] == "a" and t[2][0] == "n" and t[2][2] == own)


__all__ = ["is_handed", "kept_attributes"]
