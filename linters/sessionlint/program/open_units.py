"""Objects that have been entered, and have the sessions open that they opened for themselves: kept, they keep these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.program.values import CONNECTION, DRIVER, SESSION, UNKNOWN, Handle, Value, contained

if TYPE_CHECKING:
    from sessionlint.program.frame import Frame

_KINDS = frozenset({SESSION, CONNECTION, DRIVER})


def sessions_open_in(frame: Frame, value: Value) -> Value:
    """Those of the objects in a value that a ``with`` around this place, or the dependency that injects it, entered."""
    found: list[Any] = []
    for atom in contained(value):
        if atom.tag == "inst":
            found.extend(_entered_here(frame, atom))
        elif atom.tag == "injected":
            views = [v for v in frame.solver.views(atom) if v.tag == "inst" and _own(v)]
            by_dependency = bool(views) and _is_entered_by(frame, atom.source)
            found.extend(a for v in views for a in (_own(v) if by_dependency else _entered_here(frame, v)))
    return tuple(dict.fromkeys(found)) if found else UNKNOWN


def _own(unit: Any) -> list[Any]:
    held = [a for key, value in unit.bindings if key.tag == "handle" for a in value]
    return [a for a in held if isinstance(a, Handle) and a.kind in _KINDS]


def _entered_here(frame: Frame, unit: Any) -> list[Any]:
    own = _own(unit)
    if not own or not frame.entered:
        return []
    places = {o.site for o in frame.entered if o.tag == "pending"}
    held = {a for o in frame.entered if o.tag == "inst" for a in _own(o)}
    return [a for a in own if a in held or a.site in places]


def _is_entered_by(frame: Frame, source: Any) -> bool:
    """Whether a dependency is a generator that has a session open at its ``yield``."""
    if source.tag != "fn" or not source.info.is_generator:
        return False
    return bool(frame.solver.summary_of(source.info).holds_open)
