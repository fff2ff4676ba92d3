"""Decorators of the session modules that commit what the function they stand on has done: they own that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sessionlint.rules.decorated import ASKS

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo
    from sessionlint.program.values import Value

_SOMETIMES = frozenset({"branch", "loop", "handler"})


def committed_around(program: Program, event: Event) -> Event | None:
    """The commit, behind the call of the function around ``event``, of a decorator that owns the same transaction."""
    for wrapper in event.function.wrappers:
        if program.is_exempt(wrapper) and not _asks(wrapper):
            for commit in _commits(wrapper, event.function, event.subject):
                return commit
    return None


def _asks(wrapper: FunctionInfo) -> bool:
    """Whether it goes by an answer: inside of a transaction it may leave that to whoever began it."""
    return any(e.kind == "use" and e.name in ASKS for e in wrapper.events)


def _commits(wrapper: FunctionInfo, function: FunctionInfo, subjects: Value) -> Iterator[Event]:
    calls = [e for e in wrapper.events if e.kind == "call" and e.callee is function]
    if len({e.span for e in calls}) != 1:
        # one of several ways may be that of calls inside of such a transaction
        return
    given = dict(calls[0].bindings)
    ended = {a for subject in subjects for a in given.get(subject, (subject,))}
    for event in wrapper.events:
        told = event.kind == "txn" or (event.kind == "effect" and event.text == "txn")
        if not told or event.name != "commit" or event.span[:2] <= calls[0].span[:2] or event.flags & _SOMETIMES:
            continue
        inside = event.callee is not None and wrapper in event.callee.wrappers
        if not inside and not ended.isdisjoint(event.subject):
            yield event
