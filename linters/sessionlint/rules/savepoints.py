"""Whether savepoints inside of a call hold all that is done to a session there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from sessionlint.program.values import contained
from sessionlint.rules.failing import body_of, handled

if TYPE_CHECKING:
    from sessionlint.program.model import Event, FunctionInfo

#: Calls are followed this far.
_MOST_HOPS = 5
_DEEP = 4


def spans_with_savepoints(events: Iterable[Event]) -> frozenset[Any]:
    """The places of calls that open a savepoint somewhere below."""
    return frozenset(e.span for e in events if e.kind == "effect" and e.name == "begin_nested")


def undoes(handler: Event, sessions: Collection[Any]) -> bool:
    """Whether an ``except`` clause rolls back a savepoint of these sessions that is older than its ``try``."""
    tried = body_of(handler)
    for event in handled(handler):
        if event.kind == "savepoint" and event.name == "rollback" and tried:
            begun = [s.site for s in event.subject if s.parent in sessions]
            if any(path != event.path or at < tried[0].span for path, at in begun):
                return True
    return False


def leaves_bare(call: Event) -> bool:
    """Whether a call that opens a savepoint also uses the session outside of every savepoint."""
    if call.text != "use" or call.callee is None or call.effect is None:
        return False
    calls = [e for e in call.function.events if e.kind == "call" and e.span == call.span and e.callee is call.callee]
    given = [a for e in calls for _, value in e.bindings for a in contained(value, _DEEP)]
    return _Walk(frozenset(a.info for a in given if a.tag == "fn")).uses_bare(call.callee, call.effect.subject, 0)


class _Walk(NamedTuple):
    """From a call downwards; ``given`` are the functions that its arguments, and what they keep, bring along."""

    given: frozenset[FunctionInfo]

    def uses_bare(self, function: FunctionInfo, session: Any, hops: int) -> bool:
        if hops >= _MOST_HOPS or any(e.name == "begin_nested" for w in function.wrappers for e in w.events):
            return False
        if any(_is_by_hand(e) for e in function.events):
            return False  # what it holds cannot be told
        nested = spans_with_savepoints(function.events)
        several = Counter(span for span, _ in {(e.span, e.callee) for e in function.events if e.span in nested})
        for event in function.events:
            if session not in event.subject or any(t.savepoint for t in event.transactions):
                continue
            if event.kind == "use" or (event.text == "use" and event.span not in nested):
                return True
            if event.text == "use" and event.callee is not None and event.callee is not function:
                # one of several functions that may be called here
                if several[event.span] > 1 and event.callee not in self.given:
                    continue
                if event.effect is not None and self.uses_bare(event.callee, event.effect.subject, hops + 1):
                    return True
        return False


def _is_by_hand(event: Event) -> bool:
    """A savepoint that no ``with`` enters."""
    if event.kind != "txn" or event.name != "begin_nested":
        return False
    return "context" not in event.flags or event.text == "sql"
