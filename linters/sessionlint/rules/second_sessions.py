"""Sessions opened in an ``except`` clause while the session that failed is still open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from sessionlint.facts import ir
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.values import Handle, Injected, Value
from sessionlint.report import TraceStep
from sessionlint.rules.core_connections import is_worked_with
from sessionlint.rules.opening import RECEIVERS
from sessionlint.rules.opening_on_failure import is_opened, may_open, opener_around, opening_of
from sessionlint.rules.raised_later import outcome
from sessionlint.rules.told_apart import assigned_in, tests_around
from sessionlint.rules.transactions import behind, injector, request_dependencies
from sessionlint.rules.what_failed import may_have_failed

if TYPE_CHECKING:
    from sessionlint.program.api import Program

_TOUCHES = frozenset({"use", "txn", "effect"})
#: Where an opening stands that runs when something has failed.
_CLAUSES = frozenset({"handler", "finally"})
_OPENINGS = frozenset({"obtain", "create", "call"})


class Second(NamedTuple):
    """An opening in a handler, and the session (or what holds it) that is still open there."""

    event: Event
    first: Any
    #: what opens it, when that is not the callee itself
    opener: FunctionInfo | None = None


def second_sessions(program: Program) -> Iterator[Second]:
    """Every opening, one per place: in sight, or inside the project function that is called.

    ``finally`` runs after a failure, too.
    """
    told: set[Any] = set()
    for event in program.events("obtain", "create", "call"):
        if _CLAUSES.isdisjoint(event.flags) or event.site in told or program.is_exempt(event.function):
            continue
        open_ones = tuple(a for a in event.open_sessions if _is_session(program, a) and not _hands_out_again(event, a))
        open_ones = _beside_which(event, open_ones)
        if open_ones and _opens_session(program, event, open_ones):
            failed = [a for a in open_ones if may_have_failed(event, a)]
            if failed:
                told.add(event.site)
                yield Second(event, failed[-1])
    for handler in program.events("handler"):
        yield from _beside_received(program, handler, told)
    yield from _in_failed_block(program, told)


def _in_failed_block(program: Program, told: set[Any]) -> Iterator[Second]:
    """Openings by what stands around a block, or a function, inside of the first session's block."""
    for event in program.events("call"):
        if not event.open_sessions or event.callee is None or "handler" in event.flags or event.site in told:
            continue
        opener = None if program.is_exempt(event.function) else opener_around(program, event)
        first = next((a for a in event.open_sessions if is_worked_with(program, a)), None)
        if opener is not None and first is not None and _is_tried(event, opener, first):
            told.add(event.site)
            yield Second(event, first, opener)


def _is_tried(event: Event, opener: FunctionInfo, session: Any) -> bool:
    """Whether what may fail works with the session, and the opener is not given it to close it first."""
    given = any(session in value for _, value in event.bindings)
    if event.callee is not None and opener in event.callee.wrappers:
        return given and not any(e.name == "close" for e in opener.events)
    return not given and any(
        e.span > event.span and e.kind in _TOUCHES and session in e.subject for e in event.function.events
    )


def _beside_received(program: Program, handler: Event, told: set[Any]) -> Iterator[Second]:
    """Openings beside the session the function received: its caller cannot have closed it yet."""
    if program.is_exempt(handler.function) or handler.expr is None:
        return
    receives = program.role(handler.function) in RECEIVERS
    _, body, events = handler.expr
    touched = dict.fromkeys(a for e in body if e.kind in _TOUCHES for a in e.subject)
    closed = {a for e in (*body, *events) if e.kind in ("txn", "effect") and e.name == "close" for a in e.subject}
    received = tuple(a for a in touched if _is_received(program, handler.function, a) and a not in closed)
    if receives:
        received = tuple(a for a in received if a.tag == "param" or _is_injected_here(program, handler.function, a))
    for event in events:
        if event.kind not in _OPENINGS or event.site in told:
            continue
        open_ones = _beside_which(event, received)
        if open_ones and _opens_session(program, event, open_ones):
            told.add(event.site)
            yield Second(event, open_ones[0])


def _beside_which(event: Event, sessions: Value) -> Value:
    """Those beside which an event may open a session: others are only given where it opens none."""
    absent = event.args[0] if event.args and event.kind in ("call", "obtain") else ()
    return tuple(a for a in sessions if a not in absent and not _is_absent_at(event, a))


def _is_absent_at(event: Event, session: Any) -> bool:
    """Whether an event comes under ``if session is None:`` of the function's own parameter."""
    function = event.function
    if session.tag != "param" or session.info is not function or session.name in assigned_in(function):
        return False
    given = {session.name: True}
    tests = tests_around(ir.body_of(function.facts), event.span)
    return any(outcome(test, given) is (not holds) for test, holds in tests)


def _hands_out_again(event: Event, atom: Any) -> bool:
    """Whether the opening hands out the open session itself, as a property does that keeps what it made."""
    if atom in event.subject:
        return True
    if event.callee is None or not isinstance(atom, Handle):
        return False
    kept = (a for e in event.callee.events if e.kind == "store" and e.name == "attribute" for a in e.value)
    given = dict(event.bindings)
    return any(
        # of an object that was made in sight it is known which session it keeps
        (atom in given[a] if a in given else (a.kind, a.root) == (atom.kind, atom.root))
        for a in kept
        if isinstance(a, Handle)
    )


def _opens_session(program: Program, event: Event, open_ones: Value) -> bool:
    if event.kind == "call":
        passed = {a for _, value in event.bindings for a in value}
        return event.callee is not None and may_open(event.callee) and passed.isdisjoint(open_ones)
    if not any(is_opened(a) for a in event.subject):
        return False
    # a session of the connection that is open takes no other
    return not any(a in value for a in open_ones for value in (*event.args, *[v for _, v in event.keywords]))


def _is_session(program: Program, atom: Any) -> bool:
    return atom.tag in ("inst", "pending") or is_worked_with(program, atom)


def _is_received(program: Program, function: FunctionInfo, atom: Any) -> bool:
    """A session the function, a function around it or its class was given: another's parameter is no proof."""
    if atom.tag == "param" and atom.info is not function:
        own_class = atom.info.class_info is not None and atom.info.class_info is function.class_info
        if not own_class and not _is_around(atom.info, function):
            return False
    return atom.tag in ("param", "injected") and is_worked_with(program, atom)


def _is_injected_here(program: Program, function: FunctionInfo, atom: Any) -> bool:
    """Whether what FastAPI injects is among what this endpoint asks for, its dependencies' own included."""
    source = injector(program, atom)
    return any(source in behind(program, asked) for asked in request_dependencies(program, function))


def _is_around(outer: FunctionInfo, function: FunctionInfo) -> bool:
    current = function.parent
    while current is not None and current is not outer:
        current = current.parent
    return current is outer


def proof(program: Program, second: Second) -> list[TraceStep]:
    """Where the first session comes from, and how the second is opened."""
    steps: list[TraceStep] = []
    first, event = second.first, second.event
    if isinstance(first, Handle):
        steps.append(program.step(first.site, "this session is open around the failure"))
    elif first.tag == "param":
        steps.append(program.step(first.info.site, f"parameter {first.name!r} is still open in the caller"))
    elif isinstance(first, Injected) and (source := injector(program, first)) is not None:
        steps.append(program.step(source.site, f"the session that {source.called} injects is open for the request"))
    opener = second.opener or event.callee
    if opener is not None:
        steps += program.effect_trace(opener, opening_of(opener))
    return steps
