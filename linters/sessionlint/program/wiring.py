"""Containers of dependency-injector that stand in one another: what the outer one tells the inner.

``Dependency()`` and ``DependenciesContainer()`` in the body of a container hold the places of what the container around
it passes where ``Container(Inner, session=session)`` makes it.
"""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.values import UNKNOWN, Value, join_all

Keywords = list[tuple[str, Value]]
CONTAINER: Final = "dependency_injector.providers.Container"
_PLACES: Final = ("dependency_injector.providers.Dependency()", "dependency_injector.providers.DependenciesContainer()")
#: The cell of what a container is told that a name in its body is.
_TOLD: Final = "told by container"


def told(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> tuple[list[Value], Keywords]:
    """The arguments of a provider, with what the container around says in the place of what is left open."""
    if frame.class_scope is None or e[0] != "c" or len(e[3]) != len(args):
        return args, keywords
    named: dict[Any, ir.Expr] = {key: value for key, value in e[4] if key is not None}
    given = [_told(frame, value, expr) for value, expr in zip(args, e[3], strict=True)]
    return given, [(key, _told(frame, value, named[key]) if key in named else value) for key, value in keywords]


def _told(frame: Frame, value: Value, expr: ir.Expr) -> Value:
    if not any(a.tag == "ext" and a.name.startswith(_PLACES) for a in value):
        return value
    return _meant(frame, expr) or value


def _meant(frame: Frame, expr: ir.Expr) -> Value:
    """What a place stands for, and what is read of it: ``sources.database.provided.session``."""
    if expr[0] == "n":
        return frame.solver.read((_TOLD, frame.class_scope, expr[2]))
    if expr[0] != "a":
        return UNKNOWN
    found: list[Value] = []
    for atom in _meant(frame, expr[2]):
        if atom.tag == "cls":
            found.append(frame.solver.attribute(atom.info, expr[3]))
        else:
            found.append(frame.machine.attribute(frame, (atom,), expr[3], expr))
    return join_all(found)


def inner(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``Container(Inner, session=session)``: as good as the class, which is told what it needs."""
    given, named = told(frame, args, keywords, e)
    for container in given[0] if given else ():
        for key, value in named if container.tag == "cls" else ():
            frame.solver.write((_TOLD, container.info, key), value)
    return given[0] if given else ()
