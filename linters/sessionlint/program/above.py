"""What lies above the functions that an edit changed: rules look into what is called, wanted, or stands before all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.program.editing import Editing
from sessionlint.program.model import FunctionInfo

if TYPE_CHECKING:
    from sessionlint.program.api import Program


def look_above(program: Program, solver: Editing) -> None:
    """Says in :attr:`Program.above` which files rules have to judge again for the edits that ``solver`` has taken.

    Where what was changed stands before routes of any file, all of them are (:attr:`Program.changed`).
    """
    if program.changed is None:
        return
    functions = _reaching(program, solver)
    if any("middleware" in f.registrations for f in functions) or not functions.isdisjoint(_of_routers(program)):
        program.changed = None
        return
    listing = {f.path for f in program.functions if f.routes and not functions.isdisjoint(_of_routes(program, f))}
    program.above = program.changed | {f.path for f in functions} | listing


def _reaching(program: Program, solver: Editing) -> set[FunctionInfo]:
    """What was taken, and all that calls it, wants it or asks for it as a dependency, by however many hops.

    What these see of it is the same, but rules may have looked further into what it does.
    """
    asking = program.dependency_functions
    pending = list(solver.taken_anew())
    found = set(pending)
    while pending:
        function = pending.pop()
        users = {*solver.users_of(function), *(e.function for e, _ in asking.get(function, ()) if e is not None)}
        pending += users - found
        found |= users
    return found


def _of_routers(program: Program) -> Iterator[FunctionInfo]:
    """The dependencies and classes of routes that applications and routers put before the routes of many files."""
    for entry in (*program.solver.routers.values(), *program.solver.include_options.values()):
        yield from _listed(program, tuple([a for k, v in entry.items() if k.startswith("dependencies") for a in v]))
        for atom in entry.get("route_class", ()):
            yield from atom.info.methods.values() if atom.tag == "cls" else ()


def _of_routes(program: Program, function: FunctionInfo) -> Iterator[FunctionInfo]:
    for route in function.routes:
        yield from _listed(program, route.dependencies)


def _listed(program: Program, value: Any) -> Iterator[FunctionInfo]:
    for dependency in program.dependencies_in(value) if value else ():
        yield from program.targets(dependency)
