"""Where an attribute that is assigned lives: as long as its class, module, application, object, or this call."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import knowledge
from sessionlint.program.frame import Frame
from sessionlint.program.values import UNKNOWN, contained

#: What the application is called where nothing says that it is one.
_APPLICATIONS = ("app", "application")


def place_of(frame: Frame, atom: Any, owner: ir.Expr) -> str:
    """Where an attribute of a project class lives: as long as its class, its module, its instance, or this call."""
    if atom.tag == "cls":
        return "class"
    root = owner
    while root[0] in ("a", "i"):
        if root[0] == "a" and root[3] == "state" and _is_application_state(frame, root):
            return "state"
        root = root[2]
    if root[0] == "n" and not _is_receiver(frame, root[2]):
        held = frame.env.get(root[2], UNKNOWN)
        if atom in (held if root is owner else contained(held)):
            return "local object"
    is_global = owner[0] == "n" and owner[2] not in frame.env and frame.function.name != "<module>"
    parent = frame.function.parent
    while is_global and parent is not None:
        is_global = not frame.solver.peek(("local", parent, owner[2]))
        parent = parent.parent
    return "global" if is_global else "attribute"


def _is_receiver(frame: Frame, name: str) -> bool:
    function = frame.function
    return function.class_info is not None and bool(function.params) and function.params[0][0] == name


def is_called_application(base: ir.Expr) -> bool:
    """Whether an expression has a name that says so."""
    return bool((base[0] == "n" and base[2] in _APPLICATIONS) or (base[0] == "a" and base[3] in _APPLICATIONS))


def _is_application_state(frame: Frame, holder: ir.Expr) -> bool:
    """Whether an expression is what the application keeps: what stands in objects there lasts as long."""
    known = frame.evaluate(holder)
    if not known:
        return is_called_application(holder[2])
    return any(a.tag == "ext" and a.name in knowledge.APPLICATION_STATES for a in known)


__all__ = ["is_called_application", "place_of"]
