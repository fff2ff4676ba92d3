"""What happens several times while something else happens once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.program.model import FunctionInfo
from sessionlint.rules.watching import is_within

_REPEATS = ("L", "W", "g", "lam")


def is_repeated(function: FunctionInfo, inner: ir.Span4, outer: ir.Span4) -> bool:
    """Whether what stands at ``inner`` may happen several times while what stands at ``outer`` happens once."""
    return any(is_within(inner, around) and not is_within(outer, around) for around in _repeating(function.body))


def _repeating(node: Any) -> Iterator[ir.Span4]:
    """Where the loops, comprehensions and lambdas of a function stand."""
    for child in node:
        if type(child) is tuple and child and child[0] not in ("F", "C"):
            # a name may be spelled like the mark of a node
            if child[0] in _REPEATS and type(child[1]) is tuple and type(child[1][0]) is int:
                yield child[1]
            yield from _repeating(child)
