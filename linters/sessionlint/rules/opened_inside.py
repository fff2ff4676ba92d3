"""Sessions that a dependency opens for the object that it yields: the request has them, and closes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.program.api import Program
from sessionlint.program.literals import owner_of
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import SESSION, Handle, Injected, Site, contained
from sessionlint.rules.transactions import injector

_ENTERS = ("__enter__", "__aenter__")


def opened_inside(program: Program) -> frozenset[Any]:
    """All such sessions, as the functions know them that the objects are injected into."""
    return program.shared(_opened_inside)


def _opened_inside(program: Program) -> frozenset[Any]:
    injected = dict.fromkeys(a for e in program.events("inject") for a in e.subject if isinstance(a, Injected))
    return frozenset(session for atom in injected for session in opened_in(program, atom))


def opened_in(program: Program, injected: Injected) -> list[Any]:
    """Those that the dependency behind one injected object opens: kept by the object itself, or put into it."""
    units = [a for a in program.solver.views(injected) if a.tag == "inst" and a.bindings]
    kept = [a for unit in units for key, held in unit.bindings if key.tag == "handle" for a in held]
    put = [a for a in contained(tuple(units)) if a.tag == "handle"]
    handed_on = [a for a in program.solver.views(injected) if a.tag == "injected"]
    source = injector(program, injected) if kept or put or handed_on else None
    if source is None or not source.is_generator or not source.summary.holds_open:
        return []
    kept += [a for a in put if a.root in _opened_by(source)]
    kept += _by_entering(source, handed_on)
    return list(dict.fromkeys(a for a in kept if a.tag == "handle" and a.kind == SESSION))


def _by_entering(source: FunctionInfo, handed_on: list[Any]) -> Iterator[Any]:
    """What objects of other dependencies open when this one enters them: ``async with unit: yield unit``."""
    given = {a for a in handed_on if a in source.summary.yields}
    for event in source.events if given else ():
        enters = event.callee if event.kind == "call" and "context" in event.flags else None
        if enters is not None and enters.name in _ENTERS and not given.isdisjoint(event.value):
            yield from (a for e in enters.events if e.kind in ("create", "obtain") for a in e.subject)


def _opened_by(source: FunctionInfo) -> frozenset[Site]:
    """Where what a dependency opens itself is made: what else it gives may be a module's, and go on."""
    given = (a for a in contained(source.summary.yields) if isinstance(a, Handle))
    return frozenset(a.root for a in given if a.site[0] == source.path and owner_of(source.module, a.site[1]) is source)
