"""Transactions begun by code that asks ``session.in_transaction()``: only where none is open, or after ending that."""

from __future__ import annotations

from typing import Any, NamedTuple

from sessionlint.facts import ir
from sessionlint.program import holding
from sessionlint.program.frame import YES, Frame
from sessionlint.program.operations import ASKS, ASKS_FOR, ASKS_NOT
from sessionlint.program.values import CONNECTION, SESSION, TRANSACTION, UNKNOWN, Const, Operation, Value, join

#: Effects of a callee that begins where nothing is open, and of one that first ends what is.
IF_NONE, ANEW = "begin if none", "begin anew"
#: All by which a callee begins a transaction of its own.
BEGINS = ("begin", IF_NONE, ANEW)
#: Facts about a session: it was asked whether a transaction is open; then one was ended; one was found open.
ASKED, ANSWERED, FOUND = "asked", "answered", "found open"
#: A fact about a block: inside of it, it was asked whether its transaction is open.
INSIDE = "asked inside"
#: What a transaction that is found open was begun by.
_OPENED = ("used", "begun")
_ASK = (*ASKS, *ASKS_FOR)
#: Outcomes of asking, kept under a name or handed back.
_OUTCOMES = (*ASKS, ASKS_NOT)
_SAME = {"is": True, "==": True, "is not": False, "!=": False}


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
    for transaction in frame.tx:
        if subject in transaction.subjects:
            frame.learn(Const(transaction.site, "block"), INSIDE)


def is_open(frame: Frame, subjects: Value) -> bool:
    """Whether a block around this place has their transaction open, and the code here does not go by that."""
    asked = [s for s in subjects if how(frame, s) != BEGINS[0]]
    for transaction in frame.tx:
        if transaction.savepoint:
            continue
        known = bool(asked) and bool(frame.know(Const(transaction.site, "block"), INSIDE))
        if any(s in transaction.subjects and (not known or s not in asked) for s in subjects):
            return True
    return False


def settle(frame: Frame, subject: Any) -> None:
    """What was known to be open is known no more: the code that asked goes by the answer."""
    for fact in _OPENED:
        frame.learn(subject, fact, False)
    holding.let_go(frame, subject)


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
    return tuple([s for s in subjects if not is_in_use(frame, s)])


def is_in_use(frame: Frame, subject: Any) -> bool:
    """Whether a statement has opened a transaction; a decorator begins before what it is put around does anything."""
    return frame.know(subject, "used") == YES if frame.used_before is None else subject in frame.used_before


def asked(frame: Frame, test: ir.Expr) -> Asked | None:
    """What a condition that is evaluated next asks of sessions; ``None`` for all others."""
    holds, fails = _asked(frame, test)
    if not holds and not fails:
        return None
    both = holds + fails
    opened = tuple([key for key in frame.facts if key[1] in _OPENED and key[0] in both])
    for subject in both:
        settle(frame, subject)
    return Asked(holds, fails, opened)


def by_outcome(frame: Frame, test: Value) -> Asked | None:
    """What a condition of this value asks of sessions: ``fresh = not session.in_transaction()``, then ``if fresh:``."""
    for atom in test:
        if atom.tag == "operation":
            break
    else:
        return None
    holds = _of_outcomes(test, ASKS)
    fails = _of_outcomes(test, (ASKS_NOT,))
    if not holds and not fails:
        return None
    for subject in holds + fails:
        if not frame.know(subject, ASKED):
            ask(frame, subject)
    return Asked(holds, fails, ())


def _of_outcomes(value: Value, names: tuple[str, ...]) -> Value:
    return tuple([a.receiver for a in value if a.tag == "operation" and a.name in names])


def negated(value: Value) -> Value:
    """``not session.in_transaction()``, of its value."""
    if len(value) == 1 and value[0].tag == "operation" and value[0].name in _OUTCOMES:
        name = ASKS[0] if value[0].name == ASKS_NOT else ASKS_NOT
        return (Operation(value[0].receiver, name),)
    return UNKNOWN


def left(leaves: frozenset[tuple[Any, str]], effects: dict[Any, Any], returns: Value) -> frozenset[tuple[Any, str]]:
    """What callers know of a function, with the sessions that it does nothing to but ask, for what it hands back."""
    found = [a for a, fact in leaves if fact == ASKED]
    if not found:
        return leaves
    says = any(a.tag in ("handle", "operation") and (a.tag == "operation" or a.kind == TRANSACTION) for a in returns)
    touched = {effect.subject for effect in effects if effect.kind in ("txn", "use")}
    return leaves - {(a, ASKED) for a in found if not says or a in touched}


def asked_below(frame: Frame, subject: Any) -> None:
    """A callee has asked, and hands back what goes by the answer."""
    ask(frame, subject)
    settle(frame, subject)


def _asked(frame: Frame, test: ir.Expr) -> tuple[Value, Value]:
    if test[0] == "u" and test[2] == "not":
        holds, fails = _asked(frame, test[3])
        return fails, holds
    if test[0] == "o" and test[2] == "and":
        found: Value = UNKNOWN
        for part in test[3]:
            found = join(found, _asked(frame, part)[0])
        return found, UNKNOWN
    if test[0] == "x" and len(test[3]) == 1 and test[3][0] in _SAME and test[4][0][0] == "k" and not test[4][0][2]:
        # ``session.get_transaction() is None``
        found = _called(frame, test[2], ASKS_FOR) if test[4][0][2] is None else UNKNOWN
        return (UNKNOWN, found) if _SAME[test[3][0]] else (found, UNKNOWN)
    return (_called(frame, test, _ASK) if test[0] == "c" else UNKNOWN), UNKNOWN


def _called(frame: Frame, expr: ir.Expr, names: tuple[str, ...]) -> Value:
    """The sessions that an expression calls one of these methods of."""
    if expr[0] != "c" or expr[2][0] != "a" or expr[2][3] not in names or expr[2][2][0] not in ("n", "a"):
        return UNKNOWN
    value = frame.evaluate(expr[2][2])
    return tuple([a for a in value if frame.solver.kind_of(a) in (SESSION, CONNECTION)])


def note(frame: Frame, subjects: Value, condition: Asked) -> None:
    """On this path a transaction was found open."""
    for subject in subjects:
        frame.learn(subject, FOUND)
        for key in condition.opened:
            if key[0] == subject:
                frame.facts[key] = YES
