"""Places of a function of which one run comes to one at most, what loops repeat aside."""

from __future__ import annotations

from sessionlint.facts import ir
from sessionlint.facts.blocks import Block, blocks_of
from sessionlint.program.model import FunctionInfo
from sessionlint.rules.branches import conditions
from sessionlint.rules.watching import is_within

_CHOICES = ("I", "M")
_LEAVES = ("R", "!")


def are_apart(function: FunctionInfo, one: ir.Span4, other: ir.Span4) -> bool:
    """Whether two places stand in branches that exclude each other, or the first in one that leaves the function."""
    taken = dict(conditions(function, one))
    if any(taken.get(test, holds) is not holds for test, holds in conditions(function, other)):
        return True
    block: Block = function.body
    first, second = min(one, other), max(one, other)
    while (at := _index(block, first)) is not None:
        inner = next((b for b in blocks_of(block[at]) if _index(b, first) is not None), None)
        if inner is None or not is_within(second, block[at][1]):
            return inner is not None and _leaves(inner, first)
        if _index(inner, second) is None and block[at][0] in _CHOICES:
            return any(_index(b, second) is not None for b in blocks_of(block[at]))
        block = inner
    return False


def _index(block: Block, span: ir.Span4) -> int | None:
    return next((i for i, statement in enumerate(block) if is_within(span, statement[1])), None)


def _leaves(block: Block, span: ir.Span4) -> bool:
    """Whether who comes to a place of a block leaves the function from there on."""
    at = _index(block, span)
    if at is None:
        return False
    inner = blocks_of(block[at])
    return any(s[0] in _LEAVES for s in block[at:]) or any(_leaves(b, span) for b in inner)
