"""Class-based views: what FastAPI injects into the object whose methods are endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessionlint.facts import ir
from sessionlint.program.model import ClassInfo
from sessionlint.program.values import Dependency

if TYPE_CHECKING:
    from sessionlint.program.api import Program


def injected_attributes(program: Program, info: ClassInfo) -> list[tuple[ir.Span4, Dependency]]:
    """The ``Depends(…)`` in the body of a class, with the places of the attributes."""
    written = program.shared(_injected)
    found = []
    for span, annotation, default, _ in info.attributes.values():
        injected = written.get((info.path, span[:2]))
        given = [injected] if injected else [a for a in (*annotation, *default) if isinstance(a, Dependency)]
        found += [(span, dependency) for dependency in given]
    return found


def class_dependencies(program: Program, info: ClassInfo) -> list[Dependency]:
    """What is resolved for every endpoint of a class: its attributes, and what its constructor asks for.

    A constructor is called for a request only when a decorator, or a base, has made a view of the class.
    """
    classes = program.solver.mro(info)
    found = [d for cls in classes for _, d in injected_attributes(program, cls)]
    init = program.solver.method(info, "__init__")
    if init is not None and any(cls.facts[6] or "__init_subclass__" in cls.methods for cls in classes):
        found += [d for d in init.dependencies.values() if isinstance(d, Dependency)]
    return found


def _injected(program: Program) -> dict[tuple[str, tuple[int, int]], Dependency]:
    """The dependencies of annotated attributes, by where they start."""
    return {(e.path, e.span[:2]): d for e in program.events("inject") for d in e.value if isinstance(d, Dependency)}
