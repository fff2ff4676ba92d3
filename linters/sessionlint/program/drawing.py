"""Functions and objects taken out of a container that a parameter holds: ``self.handlers[name](session)``.

All objects of a class share what is known of its constructor's parameters. What one of several functions does happens
where the container that was passed has it.
"""

from __future__ import annotations

from typing import Any

from sessionlint.program.frame import Frame
from sessionlint.program.guards import AMONG, Guard
from sessionlint.program.values import contained

_CALLED = frozenset({"fn", "partial", "method", "inst", "param"})
#: Methods of containers that give what is in them.
_GIVES = frozenset({"get", "pop", "setdefault", "values", "items", "popleft", "copy"})


def holds_function(atom: Any) -> bool:
    """Whether a container has functions or objects of the project in it."""
    inner = atom.items if atom.tag == "seq" else [v for _, v in atom.items]
    return any(a.tag in ("fn", "inst") for v in inner for a in v)


def draw(frame: Frame, param: Any, view: Any) -> None:
    """What is in the container ``view`` is taken as what the parameter holds."""
    for atom in contained((view,), 2):
        if atom.tag in _CALLED:
            frame.drawn.setdefault(atom, param)


def draw_by(frame: Frame, param: Any, view: Any, method: str) -> None:
    """The same, through a method of the container."""
    if view.tag in ("map", "seq") and method in _GIVES:
        draw(frame, param, view)


def guard_of(frame: Frame, callee: Any, expr: Any) -> Guard | None:
    """The condition under which what was drawn is what is called; a plain name of the module is no drawn one."""
    if not frame.drawn or (expr[0] == "n" and expr[2] not in frame.env):
        return None
    for atom in (callee, getattr(callee, "receiver", None)):
        if atom is not None and atom.tag in _CALLED and atom.tag != "param" and _is_drawn(frame, atom):
            return Guard(frame.drawn[atom], AMONG, atom, True)
    return None


def _is_drawn(frame: Frame, atom: Any) -> bool:
    # a method of a large dictionary takes long to look up
    if atom.tag == "method" and all(a.tag != "method" or a.name != atom.name for a in frame.drawn):
        return False
    return atom in frame.drawn


def handed(frame: Frame, callee: Any, view: Any) -> Guard:
    """The condition under which a parameter is the function ``view``: the caller's own, drawn out of ``*functions``."""
    if callee.tag == "param" and callee in frame.drawn:
        return Guard(frame.drawn[callee], AMONG, view, True)
    return Guard(callee, "is", view, True)
