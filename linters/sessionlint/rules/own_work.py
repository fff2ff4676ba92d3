"""Work that a function starts for what it has committed itself, in a session of its own, whoever calls it.

The transaction of a caller creates no rows for it, unless one of them, or the session, comes down the calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.program.values import Param, Value, contained
from sessionlint.rules.background_work import is_made_in
from sessionlint.rules.transactions import owner_of

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo

_MAX_HOPS = 8
#: What may make a row of what it is given, or change one.
_TAKES = frozenset({"use", "construct", "setattr", "setitem", "change"})


def rests_on_its_own(program: Program, event: Event) -> bool:
    """Whether the work that a call starts below follows a commit there, and nothing of the caller gets to it."""
    function, callee, effect = event.function, event.callee, event.effect
    clean = _untouched(program, function)
    span = event.span
    for _ in range(_MAX_HOPS):
        if callee is None or effect is None:
            return False
        given = _bindings(function, callee, span)
        if given is None:
            return False
        clean = frozenset(key for key, value in given if _says_nothing(program, value, clean))
        hop = callee.summary.hop(effect)
        if hop is None:
            return False
        if hop.callee is None:
            return all(key in clean for key, _ in given) and _has_committed(program, callee, hop.site[1])
        function, callee, effect, span = callee, hop.callee, hop.inner, hop.site[1]
    return False


def _bindings(function: FunctionInfo, callee: FunctionInfo, span: Any) -> tuple[tuple[Any, Value], ...] | None:
    """What a call passes, as long as it can be told; ``None`` when it cannot."""
    calls = [e for e in function.events if e.kind == "call" and e.span == span and e.callee is callee]
    if not calls or callee.parent is not None or any(len(e.bindings) < len(callee.params) for e in calls):
        return None
    return tuple(binding for e in calls for binding in e.bindings)


def _untouched(program: Program, function: FunctionInfo) -> frozenset[Any]:
    """The parameters of a function that are no session and go into nothing that is written, alone or in an object."""
    writers = {e.span for e in function.events if e.kind == "effect" and e.text in ("use", "change")}
    used: set[Any] = set()
    for event in function.events:
        if event.kind in _TAKES or (event.kind == "call" and event.span in writers):
            values = (*event.args, event.subject, event.value, *(v for _, v in (*event.keywords, *event.bindings)))
            used.update(a for value in values for a in contained(value))
    own = (Param(function, p[0]) for p in function.params)
    return frozenset(p for p in own if p not in used and program.kind(p) is None)


def _says_nothing(program: Program, value: Value, clean: frozenset[Any]) -> bool:
    """Whether a value is known, and nothing that a transaction has made: a literal, or passed on from above."""
    return bool(value) and all(
        a.tag in ("const", "cls") or a in clean or (a.tag == "ext" and "()" not in a.name and program.kind(a) is None)
        for a in value
    )


def _has_committed(program: Program, function: FunctionInfo, start: Any) -> bool:
    """Whether a function has committed what it wrote in a session that it opened, before the work is started."""
    open_writes: set[Any] = set()
    committed: set[Any] = set()
    starts = [e for e in function.events if e.kind == "schedule" and e.span == start]
    for event in function.events:
        if event.span[:2] >= start[:2]:
            break
        for session in (s for s in event.subject if s.tag == "handle" and is_made_in(program, s, (function,))):
            owner = owner_of(event, (session,))
            ended = owner is not None and all(owner not in e.transactions for e in starts)
            if event.name == "commit" and (event.kind == "txn" or event.text == "txn"):
                open_writes.discard(session)
                committed.add(session)
            elif "write" in event.flags or (event.text == "use" and event.name == "write"):
                (committed if ended else open_writes).add(session)
    return bool(committed) and not open_writes
