"""Starts that never come about: a ``def`` endpoint runs in a thread in which there is no event loop to start tasks in.

``asyncio.get_running_loop()`` raises there, and helpers that catch that go another way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessionlint.rules.callers import calls_by_callee

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo

#: What raises an error where no event loop is running.
_NEEDS_LOOP = frozenset({"asyncio.create_task", "asyncio.get_running_loop.create_task"})
#: Who calls a function is followed this far.
_MOST_HOPS = 3


def lacks_loop(program: Program, event: Event) -> bool:
    """Whether a start, or a call that starts something below, needs a running event loop, and none runs there."""
    if event.function.is_async or event.kind not in ("schedule", "effect") or not _needs_loop(event, set()):
        return False
    others = (e for e in event.function.events if e.kind == event.kind and e.span == event.span)
    return all(_needs_loop(e, set()) for e in others) and _is_in_thread(program, event.function, 0)


def _needs_loop(event: Event, seen: set[FunctionInfo]) -> bool:
    if event.kind == "schedule":
        return event.name in _NEEDS_LOOP
    if event.text != "schedule":
        return True
    callee = event.callee
    if callee is None or callee.is_async:
        return False
    if callee in seen:
        return True
    seen.add(callee)
    starts = [e for e in callee.events if e.kind == "schedule" or (e.kind == "effect" and e.text == "schedule")]
    return bool(starts) and all(_needs_loop(e, seen) for e in starts)


def _is_in_thread(program: Program, function: FunctionInfo, hops: int) -> bool:
    """Whether a function is a ``def`` endpoint, or only such ones call it."""
    if function.is_async or any(wrapper.is_async for wrapper in function.wrappers):
        return False
    if function.routes:
        return True
    calls = program.shared(calls_by_callee).get(function, ()) if hops < _MOST_HOPS else ()
    return bool(calls) and all(_is_in_thread(program, e.function, hops + 1) for e in calls)
