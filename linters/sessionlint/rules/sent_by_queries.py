"""What a query sends before it asks: the write that waited for it, and the query, here or in what is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sessionlint.program.holding import AWAITS, PENDING, WAITS_FOR_FLUSH
from sessionlint.program.operations import PASSIVE
from sessionlint.report import TraceStep
from sessionlint.rules.transactions import called

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo

_MAX_HOPS: Final = 12
#: What sends nothing, though it may ask.
_SENDS_NOTHING: Final = frozenset({"get", *WAITS_FOR_FLUSH, *PASSIVE})


def unsent(events: list[Event], sent: Event, session: object) -> Event | None:
    """The last write before the query that has sent it; in a loop, the last one of the round before."""
    here = next((i for i, other in enumerate(events) if other is sent), 0)
    around = (*events[here + 1 :], *events[:here]) if "loop" in sent.flags else events[:here]
    writes = [e for e in around if session in e.subject and e.span != sent.span and _adds(e)]
    return writes[-1] if writes else None


def sending(program: Program, events: list[Event], sent: Event, session: object) -> list[TraceStep]:
    """The steps from the write that waited down to the query that has sent it."""
    steps = [program.step(sent.site, f"{called(sent)} sends what waits to be written")]
    below = next((e for e in events if e.span == sent.span and session in e.subject and _asks_below(e)), None)
    if below is not None and (way := _down_to_query(program, below)):
        steps = [program.step(sent.site, f"{called(sent)} is called"), *way]
    waiting = unsent(events, sent, session)
    if waiting is not None:
        steps.insert(0, program.step(waiting.site, f"{called(waiting)} leaves something to be written"))
    return steps


def sends_and_waits(events: list[Event], event: Event, sent: Event) -> bool:
    """Whether one call, or what it calls, asks with a query that sends something and waits on the network then."""
    return sent.span == event.span and any(
        e.span == event.span and e.effect is not None and e.effect.kind == AWAITS for e in events
    )


def _adds(event: Event) -> bool:
    """Whether something is added, merged, deleted or changed, here or by what is called."""
    if event.kind == "use":
        return event.name in WAITS_FOR_FLUSH
    if event.callee is None or event.effect is None:
        return event.kind == "change"
    return event.text == "change" or (event.effect.subject, PENDING) in event.callee.summary.leaves


def _asks_below(event: Event) -> bool:
    return event.kind == "effect" and event.text == "use" and event.callee is not None and event.effect is not None


def _down_to_query(program: Program, event: Event) -> list[TraceStep]:
    """The calls below one, and the query that stands last."""
    steps: list[TraceStep] = []
    below = event
    seen: set[FunctionInfo] = set()
    while below.callee is not None and below.effect is not None and len(steps) < _MAX_HOPS:
        callee, atom = below.callee, below.effect.subject
        if callee in seen:
            break
        seen.add(callee)
        own = [e for e in callee.events if atom in e.subject]
        found = next((e for e in own if _sends(e) or _asks_below(e)), None)
        if found is None:
            break
        if found.kind == "use":
            return [*steps, program.step(found.site, f"{called(found)} sends what waits to be written")]
        steps.append(program.step(found.site, f"{called(found)} is called here"))
        below = found
    return []


def _sends(event: Any) -> bool:
    return event.kind == "use" and event.name not in _SENDS_NOTHING
