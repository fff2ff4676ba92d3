"""What dependency containers (dishka, injector and their like) do unseen: call providers, and pass what they give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sessionlint.patterns import regex
from sessionlint.program.model import FunctionInfo
from sessionlint.program.reached import calling
from sessionlint.program.values import SESSION, Param

if TYPE_CHECKING:
    from sessionlint.program.api import Program

#: A library's decorator, or method that is handed a function, which makes it one that a container calls.
_PROVIDES: Final = regex(r"(?:^|\.)(?:provides?|provider|injectable)(?:\(\))?\Z|dependency_injector\.providers\.")


def providers(program: Program) -> frozenset[FunctionInfo]:
    """The functions that a container of a library calls for what they give."""
    found = {f for f in program.functions if _is_marked(f)}
    for event in program.events("external"):
        if _PROVIDES.search(event.name):
            found.update(atom.info for value in event.args for atom in value if atom.tag == "fn")
    return frozenset(found)


def _is_marked(function: FunctionInfo) -> bool:
    values = (a for _, value in function.decorator_values for a in value)
    return any(a.tag == "ext" and _PROVIDES.search(a.name) for a in values)


def supplied(program: Program) -> tuple[FunctionInfo, ...]:
    """Functions that take a session which no code in sight passes and FastAPI does not inject: a container does."""
    callers, _ = program.shared(calling)
    return tuple(
        [f for f in program.functions if f not in callers and any(_is_supplied(program, f, p[0]) for p in f.params)]
    )


def _is_supplied(program: Program, function: FunctionInfo, name: str) -> bool:
    taken = Param(function, name)
    if name in function.dependencies or program.kind(taken) != SESSION:
        return False
    # what it is known to pass is what it injects
    return all(a.tag == "injected" for a in program.solver.arguments_of(taken))
