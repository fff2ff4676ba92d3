"""Since when a session's transaction is open at a ``begin()``: a block, a statement, or a dependency of the request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sessionlint.program.model import Effect
from sessionlint.program.values import Injected
from sessionlint.report import TraceStep
from sessionlint.rules.asked_first import goes_by_answer
from sessionlint.rules.begun_in_middleware import begun_in_middleware
from sessionlint.rules.decorated import begun_around
from sessionlint.rules.sessions_inside import begun_for, is_session
from sessionlint.rules.transactions import (
    behind,
    called,
    commit_trace,
    down_to,
    injector,
    owner_of,
    request_dependencies,
)

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo


#: What ends a transaction that a statement has opened.
_ENDS = ("commit", "rollback", "close")


class Reader(NamedTuple):
    """A dependency of the request that leaves a transaction open on the endpoint's session, and the steps to it."""

    function: FunctionInfo
    steps: list[TraceStep]


class Since(NamedTuple):
    """Since when a transaction is open, as the steps show; ``by`` is the dependency or decorator that opened it.

    ``holds`` tells that it hands the session out inside its own transaction.
    """

    when: str = ""
    steps: tuple[TraceStep, ...] = ()
    by: FunctionInfo | None = None
    holds: bool = False


def open_since(program: Program, event: Event) -> Since:
    """Since when the transaction is open; no steps when nothing proves it."""
    if "already begun" in event.flags:
        owner = owner_of(event, event.subject)
        if owner is not None:
            step = program.step(owner.site, "the transaction is opened here")
            return Since(f"line {program.line_of(*owner.site)}", (step,))
    if event.flags & {"already begun", "autobegun"}:
        earlier = _earlier(event)
        if earlier is None:
            return Since()
        step = program.step(earlier.site, f"{called(earlier)} already opened a transaction")
        return Since(f"line {program.line_of(*earlier.site)}", (step, *down_to(program, earlier)[1:]))
    outer = begun_around(program, event)
    if outer is not None:
        return Since(f"@{outer.decorator.name} opened it", (outer.step(program),), outer.decorator, holds=True)
    if goes_by_answer(event):
        return Since()
    kept = begun_in_middleware(program, event)
    if kept is not None and not _ended_first(event):
        step = program.step(kept.site, f"{kept.function.in_full} keeps the session for the request, in its block")
        return Since(f"the middleware {kept.function.in_full} opened it", (step,), kept.function, holds=True)
    beside = _by_unit(program, event)
    if beside is not None:
        return beside
    injected = (atom for atom in event.subject if isinstance(atom, Injected))
    return next((found for atom in injected if (found := _by_dependency(program, event, atom)).steps), Since())


def _by_unit(program: Program, event: Event) -> Since | None:
    """The dependency that injects an object on whose session it, or the object, has begun by hand."""
    source = unit_begun_for(program, event)
    if source is None:
        return None
    when = f"the dependency {source.in_full} opened it"
    return Since(when, tuple(commit_trace(program, source)), source, holds=True)


def unit_begun_for(program: Program, event: Event) -> FunctionInfo | None:
    """The dependency of the request whose object has begun by hand on a session that an event is about."""
    if not any(is_session(atom) for atom in event.subject) or _ended_first(event):
        return None
    for dependency in request_dependencies(program, event.function):
        for source in behind(program, dependency):
            if not set(event.subject).isdisjoint(begun_for(source)):
                return source
    return None


def _by_dependency(program: Program, event: Event, session: Injected) -> Since:
    """The dependency of the request in which the transaction of an injected session was opened."""
    source = begun_for_request(program, event.function, session)
    if source is not None:
        when = f"the dependency {source.in_full} opened it"
        return Since(when, tuple(commit_trace(program, source)), source, holds=True)
    reader = read_before(program, event.function, session)
    if reader is None or _ended_first(event):
        return Since()
    when = f"the dependency {reader.function.in_full} used the same session"
    return Since(when, tuple(reader.steps), reader.function)


def _ended_first(event: Event) -> bool:
    """Whether the function ends the session's transaction by hand before it begins one."""
    ends = [e for e in event.function.events if e.kind == "txn" and e.name in _ENDS and e.span < event.span]
    return any(not set(e.subject).isdisjoint(event.subject) for e in ends)


def begun_by(program: Program, atom: Any) -> FunctionInfo | None:
    """The dependency that hands out an injected session inside the transaction that it opened."""
    source = injector(program, atom) if isinstance(atom, Injected) else None
    if source is None:
        return None
    yielded = set(source.summary.yields)
    begun = any(yielded & set(t.subjects) for t in source.summary.yield_transactions if not t.savepoint)
    return source if begun else None


def begun_for_request(program: Program, function: FunctionInfo, session: Any) -> FunctionInfo | None:
    """The dependency that has begun on an injected session: the one that hands it out, or another of the request."""
    if not isinstance(session, Injected):
        return None
    return begun_by(program, session) or _begun_beside(program, function, session)


def _begun_beside(program: Program, function: FunctionInfo, session: Injected) -> FunctionInfo | None:
    """The dependency that holds a transaction open on the endpoint's session, though it does not hand it out."""
    same = set(_names_of(program, session))
    for dependency in request_dependencies(program, function):
        for target in behind(program, dependency):
            held = (t for t in target.summary.yield_transactions if not t.savepoint)
            if any(not same.isdisjoint(t.subjects) for t in held):
                return target
    return None


def _names_of(program: Program, session: Injected) -> list[Injected]:
    """An injected session, and what it is injected as where the dependencies that hand it on receive it."""
    found = [session]
    for name in found:
        source = injector(program, name)
        handed = (source.summary.yields if source.is_generator else source.summary.returns) if source else ()
        if len(handed) == 1 and isinstance(handed[0], Injected) and handed[0] not in found:
            found.append(handed[0])
    return found


def _earlier(event: Event) -> Event | None:
    """The last event before the ``begin()`` that opened a transaction on the same session.

    In a loop that may be one further down, in the round before.
    """
    events = event.function.events
    position = next((index for index, other in enumerate(events) if other is event), len(events))
    found = next((other for other in reversed(events[:position]) if _opens(other, event)), None)
    if found is None and "loop" in event.flags:
        below = (other for other in reversed(events[position + 1 :]) if "loop" in other.flags)
        found = next((other for other in below if _opens(other, event)), None)
    return found


def _opens(other: Event, event: Event) -> bool:
    """Whether another event opens a transaction on the session that an event begins on."""
    opens = other.kind == "use" or (other.kind == "txn" and other.name in ("begin", "begin_nested"))
    opens = opens or (other.kind == "change" and "begins" in other.flags)
    opens = opens or (other.kind == "effect" and (other.text == "use" or other.name == "begin"))
    opens = opens or (other.kind == "obtain" and other.callee is not None and bool(_used(other.callee)))
    # what a callee does besides its begin may come after that
    apart = event.kind != "effect" or other.span != event.span
    return opens and apart and not other.transactions and not set(other.subject).isdisjoint(event.subject)


def read_before(program: Program, function: FunctionInfo, session: Any) -> Reader | None:
    """The dependency of the request that leaves a transaction open on the session the endpoint also gets."""
    if not isinstance(session, Injected):
        return None
    found: Reader | None = None
    names = _names_of(program, session)
    for dependency in request_dependencies(program, function):
        for target in behind(program, dependency):
            effects = target.summary.effects
            leaves_open = any({(name, "used"), (name, "begun")} & target.summary.leaves for name in names)
            if not leaves_open and any(Effect("txn", end, name) in effects for end in _ENDS for name in names):
                return None
            if found is None and leaves_open:
                used = next((e for e in effects if e.subject in names and e.kind in ("use", "txn")), None)
                steps = [program.step(dependency.site, f"the dependency {target.in_full} gets the same session")]
                found = Reader(target, steps + (program.effect_trace(target, used) if used is not None else []))
            if found is None and any(injector(program, name) is target for name in names) and (own := _used(target)):
                opened = program.step(own[0].site, f"{called(own[0])} opens a transaction before it is handed out")
                found = Reader(target, [opened, *down_to(program, own[0])[1:]])
    return found


def _used(source: FunctionInfo) -> list[Event]:
    """What the sessions that a function opens have run when it hands them out: their transactions are open by then."""
    if not source.summary.hands_out_used:
        return []
    events = (e for e in source.events if e.kind in ("use", "obtain") or (e.kind == "effect" and e.text == "use"))
    roots = source.summary.hands_out_used
    used = (e for e in events if any(a.tag == "handle" and a.root in roots for a in e.subject))
    return [e for e in used if e.kind != "obtain" or (e.callee is not None and e.callee.summary.hands_out_used)]
