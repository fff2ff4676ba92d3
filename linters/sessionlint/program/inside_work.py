"""What background work was given to call: ``add_task(logged, work)``, ``add_task(Job(work).run)``, a queue too."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.reached import calling
from sessionlint.program.values import Value, contained

if TYPE_CHECKING:
    from sessionlint.program.api import Program

#: Work hands what it was given on to so many functions below it.
_MOST_HOPS = 2


def called_inside(program: Program, started: Value) -> Iterator[FunctionInfo]:
    """The functions that what is started was given, its object included, and calls."""
    for work in started:
        if work.tag == "pending" and work.bindings:
            given = {f for _, value in work.bindings for f in functions_in(value)}
            if given:
                yield from (f for f in _called_by(program, work.info) if f in given)


def functions_in(value: Value) -> Iterator[FunctionInfo]:
    """The functions of the project that a value is or holds."""
    return (a.info for a in contained(value) if a.tag == "fn")


def _called_by(program: Program, function: FunctionInfo) -> dict[FunctionInfo, None]:
    _, calls = program.shared(calling)
    found: dict[FunctionInfo, None] = {}
    last: list[FunctionInfo] = [function, *function.children.values()]
    for _ in range(_MOST_HOPS):
        last = [c for f in last for c in calls.get(f, ()) if c not in found]
        found.update(dict.fromkeys(last))
    return found


def queued(program: Program, background: Collection[FunctionInfo]) -> Iterator[tuple[Event, FunctionInfo]]:
    """The functions that are put into a queue of a module, out of which background work takes them."""
    taken: set[Any] = set()
    for event in program.events("taken"):
        function: FunctionInfo | None = event.function
        if program.policy.layer_of(event.path) == "background":
            taken.add(event.subject[0])
        while function is not None and function not in background:
            function = function.parent
        if function is not None:
            taken.add(event.subject[0])
    for event in program.events("handed") if taken else ():
        if event.subject[0] in taken and program.policy.layer_of(event.path) not in ("test", "migration"):
            yield from ((event, function) for value in event.args for function in functions_in(value))


__all__ = ["called_inside", "functions_in", "queued"]
