"""Generators that have come to their end: what they committed, rolled back or closed behind their ``yield``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sessionlint.program import holding
from sessionlint.program.frame import MAYBE, YES, Frame
from sessionlint.program.substitution import stand_in, substitution
from sessionlint.program.values import SESSION, Handle, Pending, Value, contained

#: What ends a transaction.
_ENDS: Final = ("commit", "rollback")
#: What is known of a session whose transaction is open.
_OPEN: Final = ("used", "begun")


def at_end(frame: Frame) -> None:
    """A generator ends here: the sessions whose transactions it may leave open."""
    frame.left_begun.update([subject for subject, fact in frame.facts if fact in _OPEN])
    held = contained(frame.yields) if frame.yields else ()
    own = [a for a in held if isinstance(a, Handle) and a.kind == SESSION and not a.registry]
    frame.closed_at_last = frozenset([a.root for a in own if frame.know(a, "closed") == YES])


def ended(frame: Frame) -> Value:
    """The sessions of others whose transactions a generator ends behind a ``yield``, whichever way it comes to its end.

    What is done behind a ``yield`` without coming to the end (``finally``) counts for those alone who come there.
    """
    found = dict.fromkeys([subject for name, subject, _ in frame.after_yield if name in _ENDS])
    return tuple([s for s in found if s not in frame.left_begun and (s.tag != "handle" or not frame.is_local(s))])


def came_to_end(frame: Frame, pending: Any) -> None:
    """A ``with`` around a context manager is left."""
    for subject in _subjects(frame, pending):
        _learn(frame, subject)


def gone_through(frame: Frame, since: int, iterable: Value) -> None:
    """All that a value gives was taken from it: so has the generator that was found in it come to its end."""
    pending = frame.run_out[since:]
    del frame.run_out[since:]
    _over(frame, pending, iterable)


def when_over(frame: Frame, since: int, iterable: Value) -> Callable[[], None]:
    """What to do where a ``for`` finds no more."""
    pending = frame.run_out[since:]
    del frame.run_out[since:]
    return lambda: _over(frame, pending, iterable)


def _over(frame: Frame, pending: list[Any], iterable: Value) -> None:
    """Where the value has alternatives, transactions are open on some ways only."""
    certain = len(iterable) == 1 and len(pending) == 1
    for source, given in pending:
        if certain:
            _close(frame, source, given)
        for subject in _subjects(frame, source):
            if certain:
                _learn(frame, subject)
            else:
                _may_be(frame, subject)


def _close(frame: Frame, source: Pending, given: Value) -> None:
    """What the generator gave, or put into what it gave, is closed behind its ``yield``; where the loop fails, not."""
    roots = frame.solver.summary_of(source.info).closed_at_last
    for handle in [a for a in contained(given) if isinstance(a, Handle) and a.root in roots] if roots else ():
        _learn(frame, handle)
        frame.learn(handle, "closed")


def _subjects(frame: Frame, pending: Pending) -> list[Any]:
    settled = frame.solver.summary_of(pending.info).ends_at_last
    if not settled:
        return []
    mapped = substitution(frame, pending.info, pending.bindings)
    return [given for s in settled for given in (mapped[s] if s in mapped else stand_in(frame, s, mapped))]


def _learn(frame: Frame, subject: Any) -> None:
    for fact in _OPEN:
        frame.learn(subject, fact, False)
    holding.let_go(frame, subject)


def _may_be(frame: Frame, subject: Any) -> None:
    for fact in _OPEN:
        if frame.know(subject, fact) == YES:
            frame.facts[(subject, fact)] = MAYBE
