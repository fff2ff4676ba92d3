"""What a decorator's inner function does for some of the functions it is put around: ``@finishing(commit=False)``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessionlint.program.decorator_flags import FLAGS
from sessionlint.rules.raised_later import outcome
from sessionlint.rules.told_apart import assigned_in, tests_around

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event


def is_switched_off(program: Program, call: Event, other: Event) -> bool:
    """Whether the literals of a function's decorator say that it does not do ``other`` around this call of it."""
    inner = other.function
    outer, own = inner.parent, {p[0] for p in inner.params} | assigned_in(inner)
    put_on = program.solver.peek((FLAGS, call.callee)) if call.callee is not None else ()
    while outer is not None and put_on:
        for made in put_on:
            if made.function[0].info is outer:
                told = {n: v[0].value for n, v in made.keywords if n not in own and isinstance(v[0].value, bool)}
                if any(outcome(test, told) is (not holds) for test, holds in tests_around(inner.body, other.span)):
                    return True
        outer = outer.parent
    return False


__all__ = ["is_switched_off"]
