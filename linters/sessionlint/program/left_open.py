"""Sessions of a function's own that are open where its caller goes on: in the block of a ``with``, or after a call.

A context manager that opens a session before its ``yield`` or after it, and closes it there, holds none meanwhile.
"""

from __future__ import annotations

from sessionlint.program.frame import Frame
from sessionlint.program.model import Effect, FunctionInfo, Summary
from sessionlint.program.values import SESSION, Handle, contained

#: Somewhere below a session is opened.
OPENS = Effect("create", SESSION, None)
#: What keeps handles for somebody who comes later.
_KEEPS = frozenset({"store", "setattr", "setitem"})
#: Managers in whose blocks a session is open, as ``with`` statements note them; and exit stacks.
_MANAGERS = frozenset({"inst", "pending", "ext"})


def at_yield(frame: Frame, delegated: bool = False) -> None:
    """A generator hands over to its caller: notes whether it has a session open meanwhile."""
    if not frame.holds_open and OPENS in frame.effects:
        frame.holds_open = delegated or frame.left_open or _is_open(frame)


def _is_open(frame: Frame) -> bool:
    if any(a.tag in _MANAGERS or _is_session(a) for a in frame.entered):
        return True
    return any(fact == "open" and _is_session(atom) for atom, fact in frame.facts)


def _is_session(atom: object) -> bool:
    return isinstance(atom, Handle) and atom.kind == SESSION


def after_call(frame: Frame, function: FunctionInfo, certain: bool) -> None:
    """A callee opens a session; ``certain`` unless only classes below its own do."""
    if not certain or (not function.is_generator and function.summary.holds_open):
        frame.left_open = True


def entered_by_hand(frame: Frame, summary: Summary) -> None:
    """``manager.__enter__()``: nothing here says when it is left."""
    if summary.holds_open:
        frame.left_open = True


def holds_open(frame: Frame) -> bool:
    """Whether a session of the function, other than what it hands out, may be open where its caller goes on."""
    if OPENS not in frame.effects:
        return False
    if frame.holds_open or frame.left_open or frame.function.is_generator:
        return frame.holds_open or frame.left_open
    kept = {a for e in frame.events if e.kind in _KEEPS for a in contained(e.value)}
    given = set(contained(frame.returns)) - kept
    return any(fact == "open" and _is_session(a) and a not in given for held in frame.exits for a, fact in held)
