"""Sessions that a context variable keeps: who calls what reads it may have that very session at hand.

``db()`` reads the variable that the approved opener sets, so in a handler that an endpoint calls it is the endpoint's
own session, whatever that is called there: injected, or opened by the ``with`` around the call.
"""

from __future__ import annotations

from typing import Any, Final

from sessionlint.program.frame import Frame
from sessionlint.program.model import FunctionInfo, Summary
from sessionlint.program.values import SESSION, UNKNOWN, Handle, Injected, Value, join_all

#: The cell that says which context variables keep a session, where they keep others, too.
_VARIABLE: Final = "variable of"


def read(frame: Frame, value: Value, variable: Any = None) -> Value:
    """What a context variable gives: sessions as they are known here, and noted for callers where they are not."""
    value = frame.solver.told(value)
    sessions = [a for a in value if frame.solver.kind_of(a) == SESSION]
    if not sessions:
        return value
    if variable is not None and len(sessions) > 1:
        for atom in sessions:
            frame.solver.write((_VARIABLE, atom), (variable,))
    known = _all_known(frame, sessions)
    return join_all([known.get(a, (a,)) for a in value])


def carry(frame: Frame, function: FunctionInfo, summary: Summary, mapped: dict[Any, Value]) -> None:
    """A callee reads sessions out of context variables: puts those in that are at hand here.

    ``summary``: that of ``function``, or of a decorator's inner function around it.
    """
    wrapping = function.wrappers and frame.function in function.wrappers
    left = list(summary.ambient)
    if function.wrappers and not wrapping:
        for handle in [h for h in left if is_opened_around(frame.solver, function, h)]:
            mapped.setdefault(handle, UNKNOWN)
            left.remove(handle)
    for handle, known in _all_known(frame, left).items():
        if known == (handle,):
            continue
        if handle not in mapped:
            mapped[handle] = known
        if wrapping and known[0].tag == "handle":
            frame.at_hand[handle] = None


def is_opened_around(solver: Any, function: FunctionInfo, session: Any) -> bool:
    """Whether a decorator opens the session that a function reads out of a context variable, at every call of it."""
    for wrapper in function.wrappers:
        summary = solver.summary_of(wrapper)
        if session in summary.at_hand and session not in summary.ambient:
            return True
    return False


def _all_known(frame: Frame, kept: list[Any]) -> dict[Any, Value]:
    """What each of them is here; a block around this place has put its own into the variable of all the others."""
    found: dict[Any, Value] = {}
    entered = [a for a in kept if _entered(frame, a) is not None]
    for atom in kept:
        own = _entered(frame, atom)
        if own is None and entered:
            own = next((_entered(frame, a) for a in entered if _share_variable(frame, atom, a)), None)
        found[atom] = (own,) if own is not None else _known(frame, atom)
    return found


def _share_variable(frame: Frame, one: Any, other: Any) -> bool:
    kept = frame.solver.read((_VARIABLE, one))
    return bool(kept) and not set(kept).isdisjoint(frame.solver.read((_VARIABLE, other)))


def _entered(frame: Frame, kept: Any) -> Any:
    """The session of a block around this place that was opened where the one in the variable was."""
    if kept in frame.opened_below and frame.in_block(frame.opened_below[kept]):
        return frame.opened_below[kept]
    for atom in frame.entered[::-1]:
        if isinstance(atom, Handle) and isinstance(kept, Handle) and (atom.root, atom.kind) == (kept.root, SESSION):
            return atom
    return None


def _known(frame: Frame, kept: Any) -> Value:
    """The session at hand that was opened where the one in the variable was: an injected one."""
    if isinstance(kept, Handle | Injected) and frame.function.dependencies:
        for _, default in frame.function.param_values.values():
            for atom in default:
                if atom.tag == "injected" and (atom == kept or _is_of(frame, atom, kept)):
                    return (atom,)
    if isinstance(kept, Handle | Injected):
        frame.ambient[kept] = None
    return (kept,)


def _is_of(frame: Frame, injected: Any, kept: Any) -> bool:
    """Whether a dependency hands on what is kept in the variable."""
    views = frame.solver.views(injected)
    if not isinstance(kept, Handle):
        return kept in frame.solver.read(("injected", injected.source))
    return any(isinstance(a, Handle) and a.kind == SESSION and a.root == kept.root for a in views)
