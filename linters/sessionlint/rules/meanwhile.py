"""What a function does itself while a task runs that it has started: it waits on the session that the task has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.program.values import Pending
from sessionlint.rules.naming import nodes
from sessionlint.rules.taking_turns import lock_around

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sessionlint.program.model import Event

_DEEP = 8
#: What the end of a transaction has to send.
_WORKS = frozenset({"use", "effect", "change"})


def used_meanwhile(task: Event, session: Any, end: tuple[int, int], wait: Event | None = None) -> bool:
    """Whether the function that starts a task waits on its session before ``end`` and ``wait``, or a callee does.

    Not where the task and the callee use it behind one lock.
    """
    events = task.function.events
    started = _in_groups(events)
    for event in events[events.index(task) + 1 : None if wait is None else events.index(wait)]:
        if session not in event.subject or event.span[2:] > end:
            continue
        if event.kind == "use" and "awaited" in event.flags and event.span[:2] >= task.span[2:]:
            return True
        if event.kind == "txn" and event.span[:2] >= task.span[2:] and _ends_in_wait(event, session, end):
            return True
        if event.span in started or not _is_awaited_use(event):
            continue
        if _waits_in_callee(event, 0) and not _in_turns(task, event, session):
            return True
    return False


def _ends_in_wait(event: Event, session: Any, end: tuple[int, int]) -> bool:
    """Whether a transaction that is ended here, or by the block that is entered here, is waited for before ``end``."""
    if event.name in ("commit", "rollback"):
        return "awaited" in event.flags
    if event.name != "begin" or "context" not in event.flags:
        return False
    blocks = (s for s in nodes(event.function.body, "w/", 5) if any(item[1] == event.span for item, _ in s[2]))
    block = next((s for s in blocks if s[4] and s[1][2:] <= end), None)
    return block is not None and any(
        other.kind in _WORKS and session in other.subject and block[1][:2] <= other.span[:2] < block[1][2:]
        for other in event.function.events
    )


def _in_groups(events: list[Event]) -> set[Any]:
    """Where the coroutines stand that task groups run: those are tasks, not what the function itself awaits."""
    groups = [e for e in events if e.kind == "concurrent" and e.name == "TaskGroup.create_task"]
    coroutines = (a for e in groups for value in e.args for a in value if isinstance(a, Pending))
    return {*(e.span for e in groups), *(c.site[1] for c in coroutines)}


def _is_awaited_use(event: Event) -> bool:
    """Whether an event tells that a coroutine, which the function awaits here, uses a session."""
    return event.kind == "effect" and event.text == "use" and any(_awaited_calls(event))


def _awaited_calls(effect: Event) -> Iterator[Event]:
    """The calls by which the effect of a coroutine comes about."""
    for event in effect.function.events:
        same = event.kind == "call" and event.span == effect.span and event.callee is effect.callee
        if same and "coro" in event.flags:
            yield event


def _waits_in_callee(effect: Event, depth: int) -> bool:
    """Whether a callee waits on the session: what only adds a row to it gives no other coroutine a turn."""
    if effect.callee is None or effect.effect is None or depth > _DEEP:
        return False
    subject = effect.effect.subject
    for event in effect.callee.events:
        if subject not in event.subject:
            continue
        if event.kind == "use" and "awaited" in event.flags:
            return True
        if _is_awaited_use(event) and _waits_in_callee(event, depth + 1):
            return True
    return False


def _in_turns(task: Event, effect: Event, session: Any) -> bool:
    """Whether a task and a coroutine that is awaited meanwhile hold one lock whenever they use a session."""
    locks = {lock_around(atom, session, task.function) for atom in task.value}
    if None in locks or len(locks) != 1:
        return False
    return all(lock_around(_coroutine(call), session, call.function) in locks for call in _awaited_calls(effect))


def _coroutine(call: Event) -> Pending:
    assert call.callee is not None
    return Pending(call.callee, call.bindings, "coro", call.site)
