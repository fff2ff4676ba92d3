"""Transactions that begin by themselves: what keeps one open until somebody ends it, and what only reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.program import row_locks, sameness
from sessionlint.program.frame import MAYBE, YES, Frame
from sessionlint.program.guards import Guard, decided
from sessionlint.program.model import Effect, FunctionInfo
from sessionlint.program.values import CONNECTION, FACTORY, SESSION, UNKNOWN, Handle, Inst, Value

#: Facts about a session: changes wait for a flush; rows are written or locked; written by autoflush, if that is on.
#: A row is changed in the transaction that has read it, and nothing has sent that yet.
PENDING, HOLDS, FLUSHED, CHANGED = "pending", "holds", "flushed", "changed"
#: Facts about a caller's session: a query has sent what the caller may have added; its transaction has ended here.
QUERIED, OVER = "queried", "over"
#: Its transaction was begun by an assignment to a row: nothing has asked for a connection.
ASSIGNED = "assigned"
#: It is open on some of the ways to here; in a summary also: wherever something is given back.
SOMETIMES, IF_SO = "holds sometimes", "holds if so"
#: On some of the ways to here changes wait for a flush; a query has sent them, if autoflush is on.
UNSENT, SENT = "pending sometimes", "flushed sometimes"
#: What is so on every way, and what says that it is so on some.
ON_SOME = {HOLDS: SOMETIMES, PENDING: UNSENT, FLUSHED: SENT}
#: Marks what begins a transaction only where a parameter says so, by what is passed for it.
ASKED = "asked of callers"
#: Those of them that hold rows.
LASTING = (HOLDS, FLUSHED)
#: Those, and what a later statement sends.
UNENDED: tuple[str, ...] = (PENDING, HOLDS, FLUSHED)
#: What a round of a loop may leave behind that the wait of the next one finds.
GOES_ON: tuple[str, ...] = (*UNENDED, CHANGED)
_STATE = (PENDING, *LASTING, CHANGED, QUERIED, SOMETIMES, UNSENT, SENT)
_TOLD = (*LASTING, CHANGED, "ended", SOMETIMES, SENT)
#: Marks what stands in ``with session.no_autoflush:``.
UNFLUSHED = "unflushed"
#: The effect of a function that waits after such a query.
AWAITS = "awaits"
#: Marks of places that not every call of a function comes to.
_SOMETIMES = frozenset({"branch", "loop", "handler"})
_ENDS = ("commit", "rollback", "close")
#: What runs, and leaves sessions open that belong to others, too.
_ALTERNATIVES = ("fn", "cls", "partial", "inst", "pending")
#: What none of them sees of the others: what those leave open or have ended, and that they have written.
_APART = (*_STATE, "written", "ended", OVER)
_OWN_TRANSACTIONS = (SESSION, CONNECTION, FACTORY)
#: What a flush sends later.
WAITS_FOR_FLUSH = {"add", "add_all", "delete", "merge"}
_AUTOFLUSHES = {"execute", "scalar", "scalars", "exec", "stream", "stream_scalars", "refresh"}


def operated(
    frame: Frame, subject: Any, kind: str, name: str, args: list[Value], keywords: list[tuple[str, Value]],
    write: bool, e: ir.Expr, query: bool = False,
) -> None:  # fmt: skip
    """An operation on a session or connection: what it leaves open there outside every transaction block.

    ``query``: a ``Query`` is sent, and ``delete()`` is none of an object that waits for a flush.
    """
    if kind not in _OWN_TRANSACTIONS or frame.in_block(subject):
        return
    if name in WAITS_FOR_FLUSH and kind != CONNECTION and not query:
        frame.learn(subject, PENDING)
    elif write or name == "flush":
        hold(frame, subject, e)
    elif (guards := row_locks.asked(frame, name, args, keywords)) is not None:
        hold_if(frame, subject, e, guards)
    elif name in _AUTOFLUSHES or (query and name != "get"):
        asked(frame, subject, e)


def asked(frame: Frame, subject: Any, e: ir.Expr, always: bool = False) -> None:
    """A query, here or in a callee, sends what was added before: in this function, or maybe by its callers.

    ``always``: not only where autoflush is on, as the end of a savepoint.
    """
    if frame.in_block(subject) or (UNFLUSHED in frame.flags and not always):
        return
    if _waits_for_flush(frame, subject):
        hold(frame, subject, e, HOLDS if always else FLUSHED)
        return
    if frame.know(subject, UNSENT) == YES:
        _send_sometimes(frame, subject, e, SOMETIMES if always else SENT)
    if sameness.comes_from_outside(subject) and not frame.know(subject, OVER):
        frame.learn(subject, QUERIED)


def _send_sometimes(frame: Frame, subject: Any, e: ir.Expr, fact: str) -> None:
    """Something was added on some of the ways to this query, which sends it there."""
    by_callers = _callers_decide(frame, subject)
    flags = note_asked(frame, (subject,), () if by_callers else frame.guards) or ((ASKED,) if by_callers else ())
    frame.emit("hold", e[1], flags, name=FLUSHED if fact == SENT else HOLDS, subject=(subject,), expr=e)
    if (subject, UNSENT) in frame.doubts:
        frame.doubts[(subject, fact)] = frame.doubts[(subject, UNSENT)]
    frame.learn(subject, fact)


def _callers_decide(frame: Frame, subject: Any) -> bool:
    doubt = frame.doubts.get((subject, UNSENT))
    return doubt is not None and bool(doubt.asked)


def _waits_for_flush(frame: Frame, subject: Any) -> bool:
    """Whether a query sends something first: rows that were added, or loaded and changed."""
    return frame.know(subject, PENDING) == YES or frame.know(subject, CHANGED) == YES


def waits_after(frame: Frame, name: str, span: ir.Span4, note: str, *through: Any) -> None:
    """The function waits: of sessions that were asked before, callers know whether that has sent anything.

    ``through``: the callee that waits, its effect and the conditions on it.
    """
    for subject in [a for (a, fact), known in frame.facts.items() if fact == QUERIED and known == 1]:
        frame.effect(Effect(AWAITS, name, subject), span, note, *through)


def awaited(frame: Frame, function: FunctionInfo, effect: Effect, subjects: Value, e: ir.Expr) -> Value:
    """A callee asks these sessions and waits then; those of them of which callers further up know more."""
    further: list[Any] = []
    for subject in subjects:
        if frame.in_block(subject) or frame.know(subject, OVER):
            continue
        certain = _waits_for_flush(frame, subject)
        if certain or frame.know(subject, UNSENT) == YES:
            flags = (ASKED,) if not certain and _callers_decide(frame, subject) else ()
            frame.emit("hold", e[1], flags, name=FLUSHED, subject=(subject,), expr=e)
            frame.emit(
                "effect", e[1], callee=function, name=effect.name, text="network", subject=(subject,),
                args=(UNKNOWN, (subject,)) if certain else (*[UNKNOWN] * 5, (subject,)), effect=effect, expr=e,
            )  # fmt: skip
        elif sameness.comes_from_outside(subject):
            further.append(subject)
    return tuple(further)


def hold(frame: Frame, subject: Any, e: ir.Expr, fact: str = HOLDS) -> None:
    """The transaction of a session holds rows from here on."""
    flags = note_asked(frame, (subject,), frame.guards)
    frame.emit("hold", e[1], flags, name=fact, subject=(subject,), expr=e)
    what = "sends what waits to be written" if fact == FLUSHED else "opens a transaction"
    how = f"{ir.text_of(e[2])}()" if e[2] else "iterating over the query"
    frame.effect(Effect("hold", fact, subject), e[1], f"{how} {what}, and nothing here ends it")
    frame.learn(subject, fact)


def asked_of_callers(guards: Iterable[Guard]) -> tuple[str, ...]:
    """The flag of what happens only where a parameter says so."""
    return (ASKED,) if any(guard.kind in row_locks.ASKED_OF_CALLERS for guard in guards) else ()


def note_asked(frame: Frame, subjects: Iterable[Any], guards: Iterable[Guard]) -> tuple[str, ...]:
    """The same flag of what begins transactions; what the parameters say is kept to be compared where one waits."""
    asking = frozenset([guard for guard in guards if guard.kind in row_locks.ASKED_OF_CALLERS])
    for subject in subjects:
        if asking:
            frame.asked_under[subject] = asking
        elif frame.asked_under:
            frame.asked_under.pop(subject, None)
    return (ASKED,) if asking else ()


def hold_if(frame: Frame, subject: Any, e: ir.Expr, guards: tuple[Guard, ...]) -> None:
    """The same if parameters say so: as in a branch of its own."""
    known, depth = frame.know(subject, HOLDS), len(frame.guards)
    frame.guards.extend(guards)
    hold(frame, subject, e)
    del frame.guards[depth:]
    if guards and known != YES:
        frame.facts[(subject, HOLDS)] = MAYBE


def changed(frame: Frame, sessions: Value) -> None:
    """Loaded rows are assigned to: a transaction that is open since they were read is to write that."""
    for session in sessions:
        begun = frame.know(session, "used") == 1 and not frame.know(session, ASSIGNED)
        if begun and not frame.in_block(session):
            frame.learn(session, CHANGED)


def let_go(frame: Frame, subject: Any) -> None:
    """The transaction of a session has ended, or may have."""
    for fact in _STATE:
        frame.learn(subject, fact, False)
    received = sameness.comes_from_outside(subject)
    if received:
        frame.learn(subject, OVER)
    if received or (isinstance(subject, Handle) and not frame.is_own(subject)):
        _let_go_all(frame, [a for a in _open_ones(frame) if sameness.may_be(frame, subject, a)])


def let_go_of_objects(frame: Frame) -> None:
    """Something is done that nobody in sight has written: what objects were given may have ended by it."""
    _let_go_all(frame, [a for a in _open_ones(frame) if sameness.is_of_an_object(a)])


def _open_ones(frame: Frame) -> list[Any]:
    return list(dict.fromkeys([a for a, fact in frame.facts if fact in _STATE]))


def _let_go_all(frame: Frame, subjects: list[Any]) -> None:
    for subject in subjects:
        for fact in _STATE:
            frame.learn(subject, fact, False)


def used_again(frame: Frame, subject: Any) -> None:
    """A session is used: a transaction begins anew, but for one that was ended in its block, which nothing works in."""
    if frame.tx and any(t.source is None and not t.savepoint and subject in t.subjects for t in frame.tx):
        return
    frame.learn(subject, "ended", False)
    frame.learn(subject, ASSIGNED, False)


def outlasts(fact: str) -> bool:
    """Whether a fact about a session is still true when a savepoint has ended."""
    return fact in _STATE


def held(frame: Frame, guards: Iterable[Guard] = ()) -> tuple[Value, ...]:
    """The sessions whose transactions hold rows here on every path; those that do with autoflush; that change rows.

    And those whose transaction has ended, and has not begun anew; those that hold rows on some paths, or do with
    autoflush; last those of which parameters ask for nothing that the wait, under these ``guards``, does not ask, too.
    """
    found = tuple([tuple([a for (a, f), known in frame.facts.items() if f == fact and known == 1]) for fact in _TOLD])
    if frame.asked_under and (found[-2] or found[-1]):
        here = {*guards, *frame.guards}
        under = frame.asked_under
        alike = [a for a in (*found[-2], *found[-1]) if a in under and here.issuperset(under[a])]
        return (*found, tuple(alike))
    return found if any(found) else ()


def each(frame: Frame, alternatives: Value) -> Iterator[Any]:
    """Goes through what may run at one place: none of it sees what another would leave open.

    Of several methods of one handle (``begin = session.begin_nested if nested else session.begin``) none sees anything
    of the others.
    """
    if len(alternatives) < 2:
        yield from alternatives
        return
    kept = None if _are_rivals(alternatives) else _APART
    if kept and all(a.tag not in _ALTERNATIVES for a in alternatives):
        yield from alternatives
        return
    before, after = _state(frame, kept), []
    for alternative in alternatives:
        _put(frame, before, kept)
        yield alternative
        after.append(_state(frame, kept))
    keys = {key for state in after for key in state}
    same = _is_same_method(alternatives)
    _put(frame, {key: known for key in keys if (known := _after(key, before, after, same)) is not None}, kept)


def _after(key: Any, before: dict[Any, int], after: list[dict[Any, int]], same: bool) -> int | None:
    """What is known after one of several: 1 if it holds in any case, 2 perhaps.

    Where it is the ``same`` method of several objects, those decide about a handle that do something to it.
    """
    found = [state.get(key) for state in after]
    if same:
        found = [known for known in found if known != before.get(key)] or found
    if all(known == 1 for known in found):
        return 1
    return None if not any(found) else 2


def _is_same_method(alternatives: Value) -> bool:
    """One method of objects that differ in what they were made with, to be called or awaited here."""
    first = alternatives[0]
    if first.tag == "pending":
        own = first.info.class_info is not None
        return own and all(a.tag == "pending" and a.info is first.info and a.site == first.site for a in alternatives)
    return all(a.tag == "fn" and a.info is first.info and isinstance(a.receiver, Inst) for a in alternatives)


def _are_rivals(alternatives: Value) -> bool:
    receivers = [a.receiver for a in alternatives if a.tag == "method"]
    # compared, as large dictionaries take long to hash and differ soon
    return any(one == other for at, one in enumerate(receivers) for other in receivers[:at])


def _state(frame: Frame, kept: tuple[str, ...] | None) -> dict[Any, int]:
    """These facts, or all of them."""
    return {key: known for key, known in frame.facts.items() if kept is None or key[1] in kept}


def _put(frame: Frame, state: dict[Any, int], kept: tuple[str, ...] | None) -> None:
    for key in [key for key in frame.facts if kept is None or key[1] in kept]:
        del frame.facts[key]
    frame.facts.update(state)


def opened_inside(function: FunctionInfo, atom: Any, given: Value) -> bool:
    """Whether a callee's session is none of the caller's: nothing is passed for it, so a decorator opens it."""
    return atom.tag == "param" and atom.info is function and all(a.tag == "const" for a in given)


def is_left(function: FunctionInfo, effect: Effect, mapped: dict[Any, Value], mro: Callable[[Any], Any]) -> bool:
    """Whether these arguments say that a callee's ``if flush:`` leaves a transaction open that nothing else ends."""
    if effect.kind != "hold":
        return False
    asked = function.summary.guards.get(effect)
    if not asked or any(_happens(function, Effect("txn", end, effect.subject), mapped, mro) for end in _ENDS):
        return False
    return all(decided(guard, mapped.get(guard.param, ()), mro) is True for guard in asked)


def _happens(function: FunctionInfo, effect: Effect, mapped: dict[Any, Value], mro: Callable[[Any], Any]) -> bool:
    """Whether a callee may do something in a call with these arguments."""
    guards = function.summary.guards.get(effect, frozenset())
    excluded = any(decided(guard, mapped.get(guard.param, ()), mro) is False for guard in guards)
    return effect in function.summary.effects and not excluded


def ended_in_branch(frame: Frame, before: dict[tuple[Any, str], int], after: dict[tuple[Any, str], int]) -> None:
    """``if commit: session.commit()``: what was written before stays open only under the conditions that hold now.

    ``before`` and ``after`` are the facts around the branch that ends it; inside of another branch or a loop nobody
    knows whether it was written at all.
    """
    if not _SOMETIMES.isdisjoint(frame.flags[:-1]):
        return
    for (subject, fact), known in before.items():
        effect = Effect("hold", fact, subject)
        if fact in LASTING and known == 1 and (subject, fact) not in after and effect in frame.effects:
            frame.guarded[effect] = frozenset(frame.guards)
