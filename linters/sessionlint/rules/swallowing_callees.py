"""Functions that keep the errors of what they do with a session that they are handed, so that their caller goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from sessionlint.facts import ir
from sessionlint.program import decorator_flags
from sessionlint.rules.failing import body_of, handled
from sessionlint.rules.raised_later import raised_later
from sessionlint.rules.savepoints import undoes
from sessionlint.rules.translating import catches_database_errors, stands_for

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo, Transaction

#: Calls are followed this far.
_MOST_HOPS = 3


class Kept(NamedTuple):
    """A call whose errors do not come back: in which transaction it stands, which clause keeps them, of what.

    ``becomes`` is the ``raise`` by which the failure becomes the error that the clause catches.
    """

    call: Event
    transaction: Transaction
    handler: Event
    use: Event
    becomes: Event | None = None


def kept_below(program: Program) -> Iterator[Kept]:
    """The calls in a transaction, their results dropped, of functions that keep the errors of its session."""
    told: set[Any] = set()
    for event in program.events("effect"):
        callee = event.callee
        if event.text != "use" or callee is None or event.effect is None or event.site in told:
            continue
        inner = event.transactions[-1:]
        if not inner or inner[0].savepoint or set(event.subject).isdisjoint(inner[0].subjects):
            continue
        if program.is_exempt(event.function) or "handler" in event.flags:
            continue
        found = _keeps(program, callee, event.effect.subject, 0)
        if found is not None and is_dropped(event):
            told.add(event.site)
            yield Kept(event, inner[0], *found)


def _keeps(
    program: Program, function: FunctionInfo, session: Any, hops: int
) -> tuple[Event, Event, Event | None] | None:
    """The clause of a function, or of one it hands the session to, that keeps errors; what fails there, and as what."""
    uses = [e for e in function.events if works_with(e, session)]
    for handler in _going_on(function) if uses else ():
        found = _failing(program, handler, uses)
        if found is not None and not rolls_back(handler, session):
            return (handler, *found)
    for wrapper in function.wrappers if uses else ():
        for handler in (as_decorated(program, function, h) for h in _going_on(wrapper)):
            if catches_database_errors(handler) and any(
                e.kind in ("call", "declared") or e.effect == uses[0].effect for e in body_of(handler)
            ):
                return handler, uses[0], None
    for use in uses if hops < _MOST_HOPS else ():
        if use.kind == "effect" and use.callee is not None and use.callee is not function and use.effect is not None:
            below = _keeps(program, use.callee, use.effect.subject, hops + 1)
            if below is not None:
                return below
    return None


def as_decorated(program: Program, function: FunctionInfo, handler: Event) -> Event:
    """A clause of a decorator's inner function, with the errors that its options name where it is put on a function."""
    given = decorator_flags.given(program.solver, function, handler.function, handler.text)
    return handler._replace(value=given) if given else handler


def _failing(program: Program, handler: Event, uses: list[Event]) -> tuple[Event, Event | None] | None:
    """What works with the session in the ``try`` of a clause and fails with an error that it catches."""
    inside = [e for e in body_of(handler) if e in uses]
    if not inside or catches_database_errors(handler):
        return (inside[0], None) if inside else None
    told = ((use, stands_for(program, handler, use)) for use in inside)
    return next((found for found in told if found[1] is not None), None)


def works_with(event: Event, session: Any) -> bool:
    """Whether an event works with a session, in no transaction that is opened in its own function."""
    if event.kind not in ("use", "effect") or (event.kind == "effect" and event.text != "use"):
        return False
    return session in event.subject and not event.transactions


def keeping_clauses(function: FunctionInfo) -> Iterator[Event]:
    """The ``except`` clauses outside of transactions that catch database errors, and after which nothing raises."""
    return (event for event in _going_on(function) if catches_database_errors(event))


def _going_on(function: FunctionInfo) -> Iterator[Event]:
    """The ``except`` clauses outside of transactions after which nothing raises."""
    for event in function.events:
        if event.kind != "handler" or "swallows" not in event.flags or event.transactions:
            continue
        if any(e.kind == "raise" for e in handled(event)):
            continue
        if "suppress" in event.flags or not raised_later(event):
            yield event


def rolls_back(handler: Event, session: Any) -> bool:
    """Whether a clause gives the session up itself."""
    if undoes(handler, (session,)):
        return True
    return any(e.name in ("rollback", "close") and session in e.subject for e in handled(handler))


def is_dropped(event: Event) -> bool:
    """Whether a call is a statement of its own: nobody looks at what it says."""
    return any(span == event.span for span in _dropped(ir.body_of(event.function.facts)))


def _dropped(node: Any) -> Iterator[ir.Span4]:
    for child in node:
        if type(child) is not tuple or not child or child[0] in ("F", "C"):
            continue
        if child[0] == "E" and len(child) == 3:
            called = child[2][2] if child[2][0] == "aw" else child[2]
            if called[0] == "c":
                yield called[1]
        else:
            yield from _dropped(child)
