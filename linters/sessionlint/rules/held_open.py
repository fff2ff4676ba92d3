"""Since when a transaction that began by itself is open around a call: a write, a lock, or a dependency's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sessionlint.facts import ir
from sessionlint.facts.blocks import blocks_of
from sessionlint.program.holding import ASKED, FLUSHED, LASTING
from sessionlint.program.model import Effect
from sessionlint.program.values import Const, Value
from sessionlint.report import TraceStep
from sessionlint.rules.decorated_units import units_around
from sessionlint.rules.never_given import is_never_given
from sessionlint.rules.request_blocks import request_blocks
from sessionlint.rules.sent_by_queries import sending, sends_and_waits, unsent
from sessionlint.rules.transactions import behind, called, closing_commits, down_to, owner_of, request_dependencies
from sessionlint.rules.watching import is_within

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo

#: What leaving a context manager does depends on what happened inside.
_EXITS = ("__exit__", "__aexit__")
_ENTERS = ("__enter__", "__aenter__")
_ENDS = ("commit", "rollback", "close")
_SOMETIMES = frozenset({"branch", "handler"})


class Opening(NamedTuple):
    """Who opened the transaction, for messages, and the steps that show it."""

    who: str
    steps: list[TraceStep]
    #: by entering an object that begins, or a generator that does: as with the block of a session itself
    entered: bool = False
    #: in a loop: in the round before
    before: bool = False
    #: what a query sends there, in the call that waits
    sent: str = ""
    #: where the session module runs what the call hands it
    work: Event | None = None


def held_open(program: Program, event: Event) -> Opening | None:
    """How the transaction was opened that is still open when ``event`` happens; ``None`` when nothing proves one.

    A session that has only read does not count, nor one whose transaction a block around the event owns.
    """
    if event.callee is not None and event.callee.name in _EXITS:
        return None
    told = event.args if event.kind in ("network", "effect") else ()
    certain, flushed, changed, _, sometimes, sent, alike = (*told, (), (), (), (), (), (), ())[:7]
    if not program.shared(_autoflushes):
        flushed = sent = ()
    sessions = (*certain, *flushed, *sometimes, *sent)
    for session in dict.fromkeys((*sessions, *changed)):
        if owner_of(event, (session,)) is not None or is_never_given(program, session):
            continue
        if session in sessions:
            opening = _in_function(program, event, session, session in (*sometimes, *sent) and session not in alike)
        else:
            opening = _of_change(program, event, session)
        if opening is not None:
            return opening
    return _by_dependency(program, event)


def _in_function(program: Program, event: Event, session: object, sometimes: bool) -> Opening | None:
    """The last statement before the event that opened it; in a loop, the last one of the round before.

    Where it is open ``sometimes``, callers that pass a parameter may decide that, unless the wait asks for as much:
    requests pass what they like.
    """
    events = event.function.events
    here = next((i for i, other in enumerate(events) if other is event), 0)
    again = "loop" in event.flags
    earlier = [e for e in (*events[here:], *events[:here]) if _opens(e, session)]
    opens = [e for e in earlier if again or e.span != event.span or e.kind == "hold"]
    if again and len(opens) > 1:
        opens = _not_ended(events, here, opens, session)
    if not opens or (sometimes and ASKED in opens[-1].flags and not event.function.routes):
        return None
    # of what one call does, in no order
    last = min((e for e in opens if e.span == opens[-1].span), key=lambda e: (e.name == FLUSHED, e.name, e.text))
    if last.name == FLUSHED and last.callee is None:
        steps = sending(program, events, last, session)
        if sends_and_waits(events, event, last):
            return _of_own_query(program, unsent(events, last, session), event, steps)
    else:
        steps = down_to(program, last) or [program.step(last.site, f"{called(last)} opens a transaction")]
    entered = last.callee is not None and (last.callee.name in _ENTERS or "context" in last.flags)
    before = "loop" in last.flags and (last.span == event.span or not any(e is last for e in events[:here]))
    return Opening(f"`{called(last)}` on line {program.line_of(*last.site)}", steps, entered, again and before)


def _of_own_query(program: Program, write: Event | None, event: Event, steps: list[TraceStep]) -> Opening:
    """The query of the call that waits, which sends what was written before; in a loop, maybe in the round before."""
    if write is None:
        return Opening("its own query", steps, sent="what was added or changed before")
    before = "loop" in write.flags and write.span > event.span
    sent = f"what `{called(write)}` on line {program.line_of(*write.site)} left to be written"
    return Opening("its own query", steps, before=before, sent=sent)


def _not_ended(events: list[Event], here: int, opens: list[Event], session: object) -> list[Event]:
    """Those of several in a loop that no commit on every way has ended before it: where all have, that proves nothing.

    What one call does has no order; what stands further down counts in the same loop only.
    """
    event, spans = events[here], {e.span for e in opens}
    ends = [i for i, e in enumerate(events[:here]) if session in e.subject and _ends(e) and e.span not in spans]
    ended = events[: ends[-1]] if ends else []
    loop = _loop_around(event.function.body, event)
    past = [e for e in events[here:] if loop is None or not is_within(e.span, loop)]
    return [e for e in opens if not any(e is other for other in (*ended, *past))] or opens


def _loop_around(body: tuple[ir.Stmt, ...], event: Event) -> ir.Span4 | None:
    """The outermost loop that an event stands in."""
    around = next((s for s in body if is_within(event.span, s[1])), None)
    if around is None:
        return None
    if around[0] in ("L", "W"):
        span: ir.Span4 = around[1]
        return span
    found = [_loop_around(block, event) for block in blocks_of(around)]
    return next((loop for loop in found if loop is not None), None)


def _ends(event: Event) -> bool:
    """Whether a transaction is ended here or below, whatever way was taken."""
    told = event.kind == "txn" or (event.kind == "effect" and event.text == "txn")
    return told and event.name in _ENDS and event.flags.isdisjoint(_SOMETIMES)


def _of_change(program: Program, event: Event, session: Any) -> Opening | None:
    """The read that opened it, of a row that is changed and that a unit of work around the event will write."""
    events = event.function.events
    changes = (i for i, e in enumerate(events) if "change" in (e.kind, e.text) and session in e.subject)
    # in one call nobody knows what comes first
    change = next((i for i in changes if events[i].span != event.span), None)
    in_unit = any(session in unit.subjects for unit in units_around(program, event))
    if change is None or not (in_unit or closing_commits(program, event.function, session)):
        return None
    reads = [e for e in events[:change] if "use" in (e.kind, e.text) and session in e.subject]
    steps = [program.step(read.site, f"{called(read)} opens a transaction") for read in reads[-1:]]
    steps.append(program.step(events[change].site, "this row is changed in it, and it is open until that is committed"))
    if not reads:
        return Opening("the first read", steps)
    return Opening(f"`{called(reads[-1])}` on line {program.line_of(reads[-1].path, reads[-1].span)}", steps)


def _opens(event: Event, session: object) -> bool:
    if session not in event.subject or "hold" not in (event.kind, event.text):
        return False
    if event.callee is None or event.effect is None:
        return event.kind == "hold"
    summary = event.callee.summary
    return (event.effect.subject, event.effect.name) in summary.leaves or event.effect in summary.guards


def _by_dependency(program: Program, event: Event) -> Opening | None:
    """A dependency holds its block open, or wrote on a session that stays open until the response is out."""
    for block in request_blocks(program, event.function):
        if not any(_ended_before(event, session) for session in block.transaction.subjects):
            return Opening(f"the dependency {block.dependency.in_full}", block.steps(program))
    if not event.function.routes or event.flags & {"handler"}:
        return None
    for function, session in program.shared(_left_open).get(event.function, ()):
        if not _ended_before(event, session) and owner_of(event, (session,)) is None:
            holds = (Effect("hold", fact, session) for fact in LASTING)
            effect = next(e for e in holds if e in function.summary.effects)
            steps = [program.step(function.site, f"the dependency {function.in_full} runs first")]
            return Opening(f"the dependency {function.in_full}", steps + program.effect_trace(function, effect))
    return None


def _ended_before(event: Event, session: object) -> bool:
    for other in event.function.events:
        if other is event:
            return False
        ends = other.kind == "txn" or (other.kind == "effect" and other.text in ("txn", "escape"))
        if ends and session in other.subject and (other.name in _ENDS or other.text == "escape"):
            return True
    return False


def _left_open(program: Program) -> dict[FunctionInfo, list[tuple[FunctionInfo, object]]]:
    """Endpoints, with the dependencies that leave a transaction open and its session."""
    lasting = LASTING if program.shared(_autoflushes) else tuple(f for f in LASTING if f != FLUSHED)
    found: dict[FunctionInfo, list[tuple[FunctionInfo, object]]] = {}
    for endpoint in program.functions:
        for dependency in request_dependencies(program, endpoint) if endpoint.routes else ():
            for function in behind(program, dependency):
                left = [a for a, fact in function.summary.leaves if fact in lasting and a.tag == "injected"]
                found.setdefault(endpoint, []).extend((function, a) for a in left)
    return found


def _autoflushes(program: Program) -> bool:
    """Whether reading sends what was added before: no session or factory of the project switches that off."""
    off: Value = (Const(False, "bool"),)
    return not any(value == off for e in program.events("create") for name, value in e.keywords if name == "autoflush")
