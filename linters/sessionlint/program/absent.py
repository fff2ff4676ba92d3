"""Paths on which a name has nothing in it: what a session is kept under, ``if session: session.close()``.

Where such a test fails nothing was opened, or it is closed and forgotten: no session is open there under that name.
"""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.values import Value

#: Conditions that may say so.
TESTS = ("n", "u", "x")
_OPEN = "open"


def tested(frame: Frame, test: ir.Expr) -> tuple[Value, Value]:
    """The open handles of a name that has nothing in it where a condition holds, and where it does not."""
    if test[0] == "u" and test[2] == "not":
        holds, fails = tested(frame, test[3])
        return fails, holds
    if test[0] == "n":
        return (), _kept(frame, test[2])
    if test[0] == "x" and test[2][0] == "n" and len(test[3]) == 1 and test[4][0][0] == "k" and test[4][0][2] is None:
        if test[3][0] in ("is", "=="):
            return _kept(frame, test[2][2]), ()
        if test[3][0] in ("is not", "!="):
            return (), _kept(frame, test[2][2])
    return (), ()


def _kept(frame: Frame, name: str) -> Value:
    """The open handles that stand under a name alone, or under another that has the same in it."""
    kept = frame.env.get(name, ())
    handles = [a for a in kept if a.tag == "handle" and (a, _OPEN) in frame.facts]
    if not handles:
        return ()
    others: list[Any] = []
    for other, value in frame.env.items():
        if other != name and value != kept:
            others.extend(value)
    return tuple([a for a in handles if a not in others])


def forget(frame: Frame, handles: Value) -> None:
    """None of them is open on this path."""
    for handle in handles:
        frame.learn(handle, _OPEN, False)
