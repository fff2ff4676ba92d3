"""Background functions that leave all their work to one callee: the clause that swallows its error stands there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sessionlint.facts import ir
from sessionlint.program.reached import calling
from sessionlint.rules.failing import can_fail, may_record
from sessionlint.rules.walking import own_nodes_below

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo

#: Functions that hand the work on are followed this far.
_MOST_HOPS = 3
#: Of how a call runs: to the end before the next statement, or as a coroutine in the hands of what runs it.
_RUNS = frozenset({"call", "coro"})


class Left(NamedTuple):
    """A function that does all the work of another, and the calls on the way to it."""

    function: FunctionInfo
    way: tuple[Event, ...]


def left_to(program: Program, function: FunctionInfo) -> list[Left]:
    """The functions to which one leaves all its work, the nearest first, as far as nobody else calls them."""
    found: list[Left] = []
    known = {function}
    while len(found) < _MOST_HOPS:
        current, way = found[-1] if found else (function, ())
        call = _only_work(program, current, known)
        if call is None or call.callee is None:
            break
        known.add(call.callee)
        found.append(Left(call.callee, (*way, call)))
    return found


def _may_be_left(program: Program, callee: FunctionInfo, known: set[FunctionInfo]) -> bool:
    """Whether those ``known`` call a function, or others that run in the background and do nothing else.

    And it is not looked at for itself.
    """
    # what is started elsewhere is looked at for itself, and a session module may keep what it likes
    if callee in known or callee.is_generator or callee.routes or callee in program.background_functions:
        return False
    if program.is_exempt(callee):
        return False
    others = program.shared(calling)[0].get(callee, set()) - known - {callee}
    return all(other in program.background_functions and _does_nothing_else(other, callee) for other in others)


def _does_nothing_else(function: FunctionInfo, callee: FunctionInfo) -> bool:
    """Whether a function only calls this one, once, and drops or gives back what it says."""
    if any(e.kind in ("schedule", "handler") for e in function.events):
        return False
    calls = {e.span for e in function.events if e.kind == "call" and e.callee is callee}
    work = {e.span for e in function.events if may_record(e) or can_fail(e)}
    return len(calls) == 1 and work <= calls and calls <= _unseen_calls(ir.body_of(function.facts))


def _catches(function: FunctionInfo, hops: int) -> bool:
    """Whether a function has an ``except`` clause, or calls one that has; nothing else is looked for."""
    if any(e.kind == "handler" for e in function.events):
        return True
    below = (e.callee for e in function.events if e.kind == "call" and e.callee is not None)
    return hops > 1 and any(_catches(callee, hops - 1) for callee in dict.fromkeys(below))


def _works(function: FunctionInfo, hops: int) -> bool:
    """Whether anything in a function, or in one that it calls, can fail or be recorded: an ``except`` is no matter."""
    if any(may_record(e) or can_fail(e) for e in function.events):
        return True
    below = (e.callee for e in function.events if e.kind == "call" and e.callee is not None)
    return hops > 1 and any(_works(callee, hops - 1) for callee in dict.fromkeys(below))


def _only_work(program: Program, function: FunctionInfo, known: set[FunctionInfo]) -> Event | None:
    """The one call by which a function does anything that could be recorded, its result not looked at."""
    calls = [e for e in function.events if e.kind == "call" and e.callee is not None and not _RUNS.isdisjoint(e.flags)]
    calls = [e for e in calls if e.callee is not None and _may_be_left(program, e.callee, known)]
    if not any(e.callee is not None and _catches(e.callee, _MOST_HOPS) for e in calls):
        return None
    if any(e.kind == "schedule" for e in function.events):
        return None
    clauses = {e.span for e in function.events if e.kind == "handler"}
    sure: ir.Span4 | None = None
    for event in function.events:
        if "handler" in event.flags or event.span in clauses or not (may_record(event) or can_fail(event)):
            continue
        if sure not in (None, event.span):
            return None
        sure = event.span
    work = [e for e in calls if sure in (None, e.span) and e.flags.isdisjoint(("loop", "handler", "finally"))]
    work = [e for e in work if e.callee is not None and _works(e.callee, _MOST_HOPS)]
    if not work:
        return None
    unseen = _unseen_calls(ir.body_of(function.facts))
    work = [e for e in work if e.span in unseen]
    return work[0] if len(work) == 1 else None


def _unseen_calls(body: Any) -> set[ir.Span4]:
    """The calls that are a statement of their own or returned as they are, those that something else runs included."""
    found: set[ir.Span4] = set()
    for node in (*body, *own_nodes_below(body)):
        if node[0] in ("E", "R") and len(node) == 3 and type(node[2]) is tuple:
            call = _called(node[2])
            found.update((call[1],) if call is not None else ())
            # ``asyncio.run(work())``
            run = _called(call[3][0]) if call is not None and len(call[3]) == 1 else None
            found.update((run[1],) if run is not None else ())
    return found


def _called(expr: Any) -> Any:
    """The call that an expression is, awaited or not."""
    inner = expr[2] if expr[0] == "aw" else expr
    return inner if inner[0] == "c" and len(inner) == 5 else None
