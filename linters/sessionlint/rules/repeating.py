"""What happens several times while something else happens once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.facts.blocks import blocks_of
from sessionlint.program.model import FunctionInfo
from sessionlint.rules.watching import is_within

_REPEATS = ("L", "W", "g", "lam")


def is_repeated(function: FunctionInfo, inner: ir.Span4, outer: ir.Span4) -> bool:
    """Whether what stands at ``inner`` may happen several times while what stands at ``outer`` happens once."""
    return any(is_within(inner, around) and not is_within(outer, around) for around in _repeating(function.body))


def is_left_behind(function: FunctionInfo, inner: ir.Span4) -> bool:
    """Whether the loop around a place is left for good once it was come to: ``for i in ids: start(i); break``."""
    block, left = function.body, False
    while True:
        at = next((i for i, s in enumerate(block) if is_within(inner, s[1])), None)
        if at is None:
            return left
        inside = blocks_of(block[at])
        if not inside:
            return (left or _leaves(block[at:])) and not any(is_within(inner, a) for a in _repeating((block[at],)))
        left = (left or _leaves(block[at + 1 :])) and block[at][0] not in ("L", "W")
        block = next((b for b in inside if any(is_within(inner, s[1]) for s in b)), ())


def _leaves(block: tuple[ir.Stmt, ...]) -> bool:
    return any(s[0] in ("R", "!") or (s[0] == "J" and s[2] == "break") for s in block)


def _repeating(node: Any) -> Iterator[ir.Span4]:
    """Where the loops, comprehensions and lambdas of a function stand."""
    for child in node:
        if type(child) is tuple and child and child[0] not in ("F", "C"):
            # a name may be spelled like the mark of a node
            if child[0] in _REPEATS and type(child[1]) is tuple and type(child[1][0]) is int:
                yield child[1]
            yield from _repeating(child)
