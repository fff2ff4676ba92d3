"""Decorators that open what a function needs, and let through whatever it raises: nobody records it there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessionlint.facts import ir
from sessionlint.rules.failing import failures, told_blocks
from sessionlint.rules.walking import nodes_below
from sessionlint.rules.watching import is_within

if TYPE_CHECKING:
    from sessionlint.program.model import Event, FunctionInfo

#: Who runs it otherwise than by a call of its own may ask what came of it.
_RUN_ELSEWHERE = frozenset({"schedule", "concurrent"})
#: Blocks of libraries may record what leaves them.
_OF_LIBRARIES = frozenset({"external", "unknown"})


def lets_all_through(function: FunctionInfo) -> bool:
    """Whether all decorators of a function are the project's own, and none stands in the way of its errors."""
    wrappers = list(function.wrappers)
    for _, value in function.decorator_values:
        if not value or any(a.tag != "fn" for a in value):
            return False
        made = [w for w in wrappers if any(_is_made_in(w, a.info) for a in value)]
        if not made or not all(_is_plain(wrapper, function) for wrapper in made):
            return False
    return len(function.decorator_values) == len(function.decorators)


def failure_around(function: FunctionInfo) -> Event | None:
    """What can fail in the decorators around a function, as the commit of their block does."""
    for wrapper in function.wrappers:
        for event in failures(wrapper):
            if event.kind != "call" or event.callee is None or wrapper not in event.callee.wrappers:
                return event
    return None


def _is_made_in(wrapper: FunctionInfo, decorator: FunctionInfo) -> bool:
    current: FunctionInfo | None = wrapper.parent
    while current is not None and current is not decorator:
        current = current.parent
    return current is decorator


def _is_plain(wrapper: FunctionInfo, function: FunctionInfo) -> bool:
    """Whether an inner function calls what it is put around in no ``try``, and in no block that records."""
    calls = [e for e in wrapper.events if e.kind == "call" and e.callee is function]
    if not calls or any(n[0] == "T" for n in nodes_below(ir.body_of(wrapper.facts))):
        return False
    for event in wrapper.events:
        if event.kind in _RUN_ELSEWHERE or event.kind == "handler":
            return False
        if event.kind in _OF_LIBRARIES and "context" in event.flags:
            return False
    told = told_blocks(wrapper)
    return not any(is_within(call.span, block) for call in calls for block in told)
