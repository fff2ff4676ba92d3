"""Transactions begun by code that asks ``session.in_transaction()``: only where none is open, or after ending that."""

from __future__ import annotations

from typing import Any

from sessionlint.program.frame import YES, Frame
from sessionlint.program.values import Value

#: Effects of a callee that begins where nothing is open, and of one that first ends what is.
IF_NONE, ANEW = "begin if none", "begin anew"
#: All by which a callee begins a transaction of its own.
BEGINS = ("begin", IF_NONE, ANEW)
#: Facts about a session: it was asked whether a transaction is open; then one was ended.
ASKED, ANSWERED = "asked", "answered"


def ask(frame: Frame, subject: Any) -> None:
    """``session.in_transaction()``."""
    frame.learn(subject, ASKED)
    frame.learn(subject, ANSWERED, False)


def answer(frame: Frame, subject: Any) -> None:
    """What was found open is committed or rolled back."""
    if frame.know(subject, ASKED):
        frame.learn(subject, ANSWERED)


def how(frame: Frame, subject: Any) -> str:
    """The name of the effect that a ``begin()`` has here."""
    if not frame.know(subject, ASKED):
        return BEGINS[0]
    return ANEW if frame.know(subject, ANSWERED) else IF_NONE


def where_none(frame: Frame, subjects: Value) -> Value:
    """The sessions on which a callee begins that asks first: their transactions are not known to be open here."""
    return tuple([s for s in subjects if frame.know(s, "used") != YES])
