"""Transactions begun by code that asks ``session.in_transaction()``: only where none is open, or after ending that."""

from __future__ import annotations

from typing import Any, NamedTuple

from sessionlint.facts import ir
from sessionlint.program.frame import YES, Frame
from sessionlint.program.values import CONNECTION, SESSION, UNKNOWN, Value, join

#: Effects of a callee that begins where nothing is open, and of one that first ends what is.
IF_NONE, ANEW = "begin if none", "begin anew"
#: All by which a callee begins a transaction of its own.
BEGINS = ("begin", IF_NONE, ANEW)
#: Facts about a session: it was asked whether a transaction is open; then one was ended; one was found open.
ASKED, ANSWERED, FOUND = "asked", "answered", "found open"
#: What asks, and what a transaction that is found open was begun by.
_ASKS = ("in_transaction", "in_nested_transaction")
_OPENED = ("used", "begun")


class Asked(NamedTuple):
    """The sessions whose transaction is open where a condition holds, those where it does not, and how it began."""

    where_it_holds: Value
    where_not: Value
    opened: tuple[tuple[Any, str], ...]


def ask(frame: Frame, subject: Any) -> None:
    """``session.in_transaction()``."""
    frame.learn(subject, ASKED)
    frame.learn(subject, ANSWERED, False)
    frame.learn(subject, FOUND, False)


def answer(frame: Frame, subject: Any) -> None:
    """What was found open is committed or rolled back."""
    if frame.know(subject, ASKED):
        frame.learn(subject, ANSWERED)


def how(frame: Frame, subject: Any) -> str:
    """The name of the effect that a ``begin()`` has here."""
    if not frame.know(subject, ASKED):
        return BEGINS[0]
    if frame.know(subject, ANSWERED):
        return ANEW
    return BEGINS[0] if frame.know(subject, FOUND) == YES else IF_NONE


def where_none(frame: Frame, subjects: Value) -> Value:
    """The sessions on which a callee begins that asks first: their transactions are not known to be open here."""
    return tuple([s for s in subjects if frame.know(s, "used") != YES])


def asked(frame: Frame, test: ir.Expr) -> Asked | None:
    """What a condition that is evaluated next asks of sessions; ``None`` for all others."""
    holds, fails = _asked(frame, test)
    if not holds and not fails:
        return None
    return Asked(holds, fails, tuple([key for key in frame.facts if key[1] in _OPENED and key[0] in (holds + fails)]))


def _asked(frame: Frame, test: ir.Expr) -> tuple[Value, Value]:
    if test[0] == "u" and test[2] == "not":
        holds, fails = _asked(frame, test[3])
        return fails, holds
    if test[0] == "o" and test[2] == "and":
        found: Value = UNKNOWN
        for part in test[3]:
            found = join(found, _asked(frame, part)[0])
        return found, UNKNOWN
    if test[0] != "c" or test[2][0] != "a" or test[2][3] not in _ASKS or test[2][2][0] not in ("n", "a"):
        return UNKNOWN, UNKNOWN
    value = frame.evaluate(test[2][2])
    return tuple([a for a in value if frame.solver.kind_of(a) in (SESSION, CONNECTION)]), UNKNOWN


def note(frame: Frame, subjects: Value, condition: Asked) -> None:
    """On this path a transaction was found open."""
    for subject in subjects:
        frame.learn(subject, FOUND)
        for key in condition.opened:
            if key[0] == subject:
                frame.facts[key] = YES
