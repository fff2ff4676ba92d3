"""``if not session.is_active:``: a session is active from the start, and no more when its transaction has failed.

What is begun there is begun on no session that works: ``begin()`` raises on one that failed. Those of
``autocommit=True`` (gone since SQLAlchemy 2) are active inside a transaction only.
"""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.values import FACTORY, SESSION, UNKNOWN, Const, Value, join

#: A fact about a session: its transaction has failed.
FAILED: Final = "failed"
#: The tests that may ask it.
TESTS: Final = frozenset({"a", "u", "o"})
_ASKS: Final = "is_active"
_AUTOCOMMIT: Final = "autocommit"
_SOMEWHERE: Final[Value] = (Const(True, _AUTOCOMMIT),)


def note_made(frame: Frame, kind: str, keywords: list[tuple[str, Value]]) -> None:
    """A session or factory is made: with ``autocommit`` its sessions begin when they are told to."""
    if kind in (SESSION, FACTORY):
        for name, value in keywords:
            if name == _AUTOCOMMIT and any(a.tag != "const" or a.value for a in value):
                frame.solver.write((_AUTOCOMMIT,), _SOMEWHERE)


def tested(frame: Frame, test: ir.Expr) -> tuple[Value, Value]:
    """The sessions that have failed where a condition holds, and those that have where it does not."""
    if test[0] == "a" and test[3] == _ASKS:
        asked = tuple([a for a in frame.evaluate(test[2]) if frame.solver.kind_of(a) == SESSION])
        return UNKNOWN, UNKNOWN if asked and frame.solver.read((_AUTOCOMMIT,)) else asked
    if test[0] == "u" and test[2] == "not":
        holds, fails = tested(frame, test[3])
        return fails, holds
    if test[0] == "o" and test[2] == "and":
        found: Value = UNKNOWN
        for part in test[3]:
            found = join(found, tested(frame, part)[0])
        return found, UNKNOWN
    return UNKNOWN, UNKNOWN


def run(frame: Frame, block: tuple[ir.Stmt, ...], failed: Value) -> None:
    """Runs what happens only where these sessions have failed."""
    for session in failed:
        frame.learn(session, FAILED)
    frame.machine.block(frame, block)
    for session in failed:
        frame.learn(session, FAILED, False)


def working(frame: Frame, subjects: Any) -> Value:
    """Those on which something may be begun here."""
    return tuple([s for s in subjects if not frame.know(s, FAILED)])
