"""Sessions that a context variable keeps: who calls what reads it may have that very session at hand.

``db()`` reads the variable that the approved opener sets, so in a handler that an endpoint calls it is the endpoint's
own session, whatever that is called there: injected, or opened by the ``with`` around the call.
"""

from __future__ import annotations

from typing import Any

from sessionlint.program.frame import Frame
from sessionlint.program.model import Summary
from sessionlint.program.values import SESSION, Handle, Injected, Value, join_all


def read(frame: Frame, value: Value) -> Value:
    """What a context variable gives: sessions as they are known here, and noted for callers where they are not."""
    value = frame.solver.told(value)
    return join_all([_known(frame, a) if frame.solver.kind_of(a) == SESSION else (a,) for a in value])


def carry(frame: Frame, summary: Summary, mapped: dict[Any, Value]) -> None:
    """A callee reads sessions out of context variables: puts those in that are at hand here."""
    for handle in summary.ambient:
        known = _known(frame, handle)
        if known != (handle,):
            mapped.setdefault(handle, known)


def _known(frame: Frame, kept: Any) -> Value:
    """The session at hand that was opened where the one in the variable was: the one entered last, else an injected."""
    if not isinstance(kept, Handle | Injected):
        return (kept,)
    if kept in frame.opened_below and frame.in_block(frame.opened_below[kept]):
        return (frame.opened_below[kept],)
    for atom in frame.entered[::-1]:
        if isinstance(atom, Handle) and isinstance(kept, Handle) and (atom.root, atom.kind) == (kept.root, SESSION):
            return (atom,)
    if frame.function.dependencies:
        for _, default in frame.function.param_values.values():
            for atom in default:
                if atom.tag == "injected" and (atom == kept or _is_of(frame, atom, kept)):
                    return (atom,)
    frame.ambient[kept] = None
    return (kept,)


def _is_of(frame: Frame, injected: Any, kept: Any) -> bool:
    """Whether a dependency hands on what is kept in the variable."""
    views = frame.solver.views(injected)
    if not isinstance(kept, Handle):
        return kept in frame.solver.read(("injected", injected.source))
    return any(isinstance(a, Handle) and a.kind == SESSION and a.root == kept.root for a in views)
