"""Where an engine or a factory comes to life: in the files that have it made, not in the one that says how."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from sessionlint.program.importing import are_apart, importing
from sessionlint.program.reached import calling
from sessionlint.rules.mounting import applications, same_application

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo

_ELSEWHERE = frozenset({"test", "migration"})


def live_together(program: Program, event: Event, other: Event) -> bool:
    """Whether what two events make can be alive in one application.

    Of two classes in a library that two applications share, each may be made by one of them alone.
    """
    if not same_application(program, event.path, other.path) or _are_apart(program, event.path, other.path):
        return False
    if event.function is other.function or len(program.shared(applications)) < 2:
        return True
    theirs = _places(program, other)
    return any(same_application(program, place, there) for place in _places(program, event) for there in theirs)


def is_left_to_migrations(program: Program, event: Event) -> bool:
    """Whether what a function makes and gives away is asked for by migrations and tests, if by anybody."""
    return _is_left(program, event.function, set())


def _is_left(program: Program, function: FunctionInfo, seen: set[FunctionInfo]) -> bool:
    """The same of a function, and of those that call it."""
    if function.name == "<module>" or function in program.dependency_functions or function.routes:
        return False
    if function in program.approved_contexts:
        return False  # the policy says that sessions come from it
    callers = program.shared(calling)[0].get(function, ())
    if _is_mentioned(program, function, callers):
        return False
    # a session module's own files are looked at above
    others = (path for path in program.solver.names.primary if not program.policy.is_session_module(path))
    layers = {program.policy.layer_of(p) for p in others if program.solver.mentions(p, _name(function))}
    if not layers <= _ELSEWHERE:
        return False
    seen.add(function)
    if not all(caller in seen or _is_left(program, caller, seen) for caller in callers):
        return False
    # called by nobody else, and made for nothing but to be given away
    return bool(layers) or bool(program.handles((*function.summary.returns, *function.summary.yields)))


def _are_apart(program: Program, path: str, other: str) -> bool:
    """Whether two files are of programs, each in a folder of its own, and nothing runs both."""
    mine, theirs = importing(program, (path,)), importing(program, (other,))
    is_module = program.policy.is_session_module
    if all(map(is_module, mine)) or all(map(is_module, theirs)):
        return False  # who uses them is not seen
    return are_apart(program, mine, theirs)


def _places(program: Program, event: Event) -> set[str]:
    """The files that call, or import by name, what makes an engine; its own where that is not all."""
    callers, _ = program.shared(calling)
    found: set[str] = set()
    seen: set[FunctionInfo] = set()
    pending = [event.function]
    while pending:
        function = pending.pop()
        if function in seen:
            continue
        seen.add(function)
        if not program.policy.is_session_module(function.path):
            found.add(function.path)
            continue
        importers = _importers(program, function)
        if function in program.dependency_functions or not (function in callers or importers):
            return {event.path}
        if function not in callers and _is_mentioned(program, function, ()):
            return {event.path}
        pending.extend(callers.get(function, ()))
        found |= importers
    return found


def _name(function: FunctionInfo) -> str:
    return function.name if function.class_info is None else function.class_info.name


def _is_mentioned(program: Program, function: FunctionInfo, callers: Collection[FunctionInfo]) -> bool:
    """Whether a session module has a use for what it is not seen to call: a container's provider, for example."""
    modules = (m for m in program.modules if program.policy.is_session_module(m.path))
    others = (f for m in modules for f in (m.body, *m.functions) if f not in callers)
    return any(_name(function) in f.facts[8].split(" ") for f in others)


def _importers(program: Program, function: FunctionInfo) -> set[str]:
    """The files beside the session modules that import a function, or the class it is a method of, by name."""
    name, path_of = _name(function), program.solver.names.path_of
    importing = (
        module.path
        for module in program.modules
        if any(entry[1] == name and path_of(entry[0], module.path) == function.path for entry in module.imports)
    )
    policy = program.policy
    outside = (path for path in importing if not policy.is_session_module(path))
    return {path for path in outside if policy.layer_of(path) not in _ELSEWHERE}
