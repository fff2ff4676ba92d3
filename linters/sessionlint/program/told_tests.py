"""Tests that one call's arguments decide: ``if cached:`` in a function that is called with ``cached=False``.

Asked only where a function is gone through once more for what it gives to one call (:mod:`.configured`): for any call
both branches may run.
"""

from __future__ import annotations

from sessionlint.facts import ir
from sessionlint.program.frame import Frame

_SAME = {"is": True, "==": True, "is not": False, "!=": False}
_AMONG = {"in": True, "not in": False}


def outcome(frame: Frame, test: ir.Expr) -> bool | None:
    """Whether a test of names holds that stand for literals here; ``None`` when that cannot be told."""
    op = test[0]
    if op == "n":
        return _only([bool(v) for v in _literals(frame, test)])
    if op == "u" and test[2] == "not":
        inner = outcome(frame, test[3])
        return None if inner is None else not inner
    if op == "o":
        ends = test[2] == "or"
        parts = [outcome(frame, part) for part in test[3]]
        return ends if ends in parts else None if None in parts else not ends
    if op == "x" and len(test[3]) == 1 and test[3][0] in _SAME and test[4][0][0] == "k":
        wanted = test[4][0][2]
        return _only(
            [(v == wanted and type(v) is type(wanted)) is _SAME[test[3][0]] for v in _literals(frame, test[2])]
        )
    return _among(frame, test) if op == "x" and len(test[3]) == 1 and test[3][0] in _AMONG else None


def _among(frame: Frame, test: ir.Expr) -> bool | None:
    """``kind in ("raw", "plain")``."""
    named = test[4][0]
    if named[0] not in ("t", "l", "e") or any(element[0] != "k" for element in named[2]):
        return None
    listed = [element[2] for element in named[2]]
    return _only([(v in listed) is _AMONG[test[3][0]] for v in _literals(frame, test[2])])


def _literals(frame: Frame, expr: ir.Expr) -> list[object]:
    """The literals that a name may stand for; none when it may be anything else."""
    value = frame.env.get(expr[2], ()) if expr[0] == "n" else ()
    return [a.value for a in value] if all(a.tag == "const" for a in value) else []


def _only(outcomes: list[bool]) -> bool | None:
    return outcomes[0] if outcomes and len(set(outcomes)) == 1 else None
