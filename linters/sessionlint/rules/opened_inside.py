"""Sessions that a dependency opens inside of the object that it yields: the request has them, and closes them."""

from __future__ import annotations

from typing import Any

from sessionlint.program.api import Program
from sessionlint.program.values import SESSION, Injected
from sessionlint.rules.transactions import injector


def opened_inside(program: Program) -> frozenset[Any]:
    """All such sessions, as the functions know them that the objects are injected into."""
    return program.shared(_opened_inside)


def _opened_inside(program: Program) -> frozenset[Any]:
    injected = dict.fromkeys(a for e in program.events("inject") for a in e.subject if isinstance(a, Injected))
    return frozenset(session for atom in injected for session in opened_in(program, atom))


def opened_in(program: Program, injected: Injected) -> list[Any]:
    """Those that the dependency behind one injected object opens and keeps in it."""
    units = [a for a in program.solver.views(injected) if a.tag == "inst" and a.bindings]
    kept = [a for unit in units for key, held in unit.bindings if key.tag == "handle" for a in held]
    source = injector(program, injected) if kept else None
    if source is None or not source.is_generator or not source.summary.holds_open:
        return []
    return [a for a in kept if a.tag == "handle" and a.kind == SESSION]
