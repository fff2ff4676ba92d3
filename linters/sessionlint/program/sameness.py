"""Sessions of objects that others put together: what one of them ends may be another's, if nobody in sight says not.

A class that takes a unit of work and a repository is given, as a rule, two objects with one session. What both were
made with is known where they are made; elsewhere each has the parameter of its own constructor for a session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sessionlint.program.values import Handle, Value

if TYPE_CHECKING:
    from sessionlint.program.frame import Frame
    from sessionlint.program.model import Summary

_FROM_OUTSIDE = frozenset({"param", "injected"})
#: States of a session that last until its transaction ends; what ends that, here or at the end of a block.
OPEN: Final = frozenset({"used", "written", "pending", "holds", "flushed", "changed", "holds sometimes"})
_ENDING: Final = frozenset({"begin", "commit", "rollback"})


def may_be(frame: Frame, ended: Any, other: Any) -> bool:
    """Whether a session that was ended may be this other one, which goes by another name here."""
    if other == ended or other.tag not in _FROM_OUTSIDE or not (_of_object(frame, ended) or _of_object(frame, other)):
        return False
    if ended.tag == other.tag == "param" and ended.info is other.info:
        return False
    if frame.solver.kind_of(ended) != frame.solver.kind_of(other):
        return False
    left, right = _given(frame, ended), _given(frame, other)
    if isinstance(ended, Handle):
        # another function may call it by the place where it was made alone
        left, right = {ended.root}, {a.root if isinstance(a, Handle) else a for a in right}
    return not left or not right or not left.isdisjoint(right)


def ended_as_another(summary: Summary, atom: Any, subject: Any, mapped: dict[Any, Value]) -> bool:
    """Whether what a callee leaves open of a session (``atom``) may have ended with what it has by another name.

    It works through an object that it was given, in a block of its own on the session that it was given beside.
    """
    others = [key for key, value in mapped.items() if subject in value and key != atom]
    return bool(others) and any(e.kind == "txn" and e.name in _ENDING and e.subject in others for e in summary.effects)


def comes_from_outside(atom: Any) -> bool:
    """Whether a session was received, not made here."""
    return atom.tag in _FROM_OUTSIDE


def is_of_an_object(atom: Any) -> bool:
    """Whether it is what an object was made with."""
    return atom.tag == "param" and atom.info.name == "__init__" and atom.info.class_info is not None


def _of_object(frame: Frame, atom: Any) -> bool:
    """Whether it is the session of an object, of another class than the method's own."""
    if not is_of_an_object(atom):
        return False
    own = frame.function.class_info
    return own is None or atom.info.class_info not in frame.solver.mro(own)


def _given(frame: Frame, atom: Any) -> set[Any]:
    """The sessions that it may be."""
    if atom.tag == "param":
        passed: Value = frame.solver.arguments_of(atom)
        return {a for a in passed if a.tag in ("handle", "injected")}
    return {atom}
