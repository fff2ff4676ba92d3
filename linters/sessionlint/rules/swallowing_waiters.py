"""Functions that wait for a coroutine which they are handed, and keep its errors: ``await quietly(put(session))``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.program.values import Param, Pending
from sessionlint.rules.failing import tries
from sessionlint.rules.swallowing_callees import Kept, is_dropped, keeping_clauses, rolls_back, works_with
from sessionlint.rules.walking import own_nodes_below

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo

#: Helpers that hand a coroutine on are followed this far.
_MOST_HOPS = 3


def kept_by_waiters(program: Program) -> Iterator[Kept]:
    """The calls in a transaction, their results dropped, of such functions with work on the transaction's session."""
    for event in program.events("call"):
        inner = event.transactions[-1:]
        if not inner or inner[0].savepoint or event.callee is None or "handler" in event.flags:
            continue
        given = [
            (key, a) for key, value in event.bindings for a in value if isinstance(a, Pending) and a.kind == "coro"
        ]
        if not given or program.is_exempt(event.function) or not is_dropped(event):
            continue
        for parameter, work in given:
            found = _kept(event.callee, parameter, work, set(inner[0].subjects))
            if found is not None:
                yield Kept(event, inner[0], *found)
                break


def _kept(callee: FunctionInfo, parameter: Any, work: Pending, sessions: set[Any]) -> tuple[Event, Event] | None:
    """The clause that keeps the errors of a coroutine, and what may fail in that."""
    known = {*sessions, *(key for key, value in work.bindings if not sessions.isdisjoint(value))}
    use = next((e for e in work.info.events for session in known if works_with(e, session)), None)
    handler = _waiting_clause(callee, parameter, 0) if use is not None else None
    if handler is None or use is None or any(rolls_back(handler, session) for session in known):
        return None
    return handler, use


def _waiting_clause(function: FunctionInfo, parameter: Any, hops: int) -> Event | None:
    """The clause around the ``await`` of a parameter, in the function that has it or one that it is handed to."""
    if not isinstance(parameter, Param) or parameter.info is not function:
        return None
    spans = {h.span: h for h in keeping_clauses(function)}
    for node in tries(ir.body_of(function.facts)) if spans else ():
        handler = next((spans[where] for where, *_ in node[3] if where in spans), None)
        if handler is not None and any(_mentions(n, parameter.name) for n in own_nodes_below(node[2]) if n[0] == "aw"):
            return handler
    for call in function.events if hops < _MOST_HOPS else ():
        for inner, value in call.bindings if call.kind == "call" and call.callee is not None else ():
            if value == (parameter,) and call.callee is not None:
                found = _waiting_clause(call.callee, inner, hops + 1)
                if found is not None:
                    return found
    return None


def _mentions(node: Any, name: str) -> bool:
    return any(n[0] == "n" and len(n) == 3 and n[2] == name for n in own_nodes_below((node,)))
