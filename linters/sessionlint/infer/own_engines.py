"""Engines and factories that a function makes for its own work, a command's for example: nobody else is given them."""

from __future__ import annotations

from collections.abc import Iterable

from sessionlint.infer.files import makes_application
from sessionlint.program.api import Program
from sessionlint.program.model import Event
from sessionlint.program.values import ENGINE, FACTORY, Site, contained

_KEEPS = frozenset({"store", "setattr", "setitem", "inject"})


def of_one_function(program: Program) -> frozenset[Site]:
    """The places where such an engine or factory is made."""
    made = (e for e in program.events("create") if e.name in (ENGINE, FACTORY))
    return frozenset(e.site for e in made if e.function.name != "<module>" and not _is_given(e))


def of_the_application(program: Program, engines: Iterable[Site]) -> frozenset[Site]:
    """Those of a factory's engines that serve the application: where no function keeps its own, none; else those of
    the function that puts the application together, or the only one."""
    found = frozenset(engines)
    if not found <= program.shared(of_one_function):
        return frozenset()
    modules = program.solver.modules
    serving = frozenset(site for site in found if makes_application(modules[site[0]]))
    return serving or (found if len(found) == 1 else frozenset())


def _is_given(event: Event) -> bool:
    """Whether what is made is handed out, yielded, kept or put where a module has it."""
    function = event.function
    handed = (*function.summary.returns, *function.summary.yields)
    kept = (e for e in function.events if e.kind in _KEEPS or (e.kind == "bind" and "global" in e.flags))
    values = (handed, *((*e.subject, *e.value) for e in kept))
    return any(getattr(a, "root", None) == event.site for value in values for a in contained(value))
