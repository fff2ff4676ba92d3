"""Places that are called after background work, and what something outside of the program runs there."""

from __future__ import annotations

import re

from sessionlint.patterns import regex
from sessionlint.program.api import Program
from sessionlint.program.entries import takes_session
from sessionlint.program.events import Effect
from sessionlint.program.model import FunctionInfo
from sessionlint.program.reached import calling
from sessionlint.rules.session_decorators import session_decorators

_NAMES = regex(r"(?:background(?:_\w+)?|consumers?|cron|jobs?|scheduled|schedulers?|tasks?|workers?)\Z", re.I)
_CREATES = Effect("create", "session")


def background_places(path: str) -> list[str]:
    """The folders above a file, and the file, that have the name of background work."""
    parts = path.removesuffix(".py").split("/")
    return ["/".join(parts[: at + 1]) for at, part in enumerate(parts) if _NAMES.match(part)]


def jobs(program: Program) -> frozenset[FunctionInfo]:
    """Functions in a place of background work that open their own session and that nothing of the program calls.

    Something outside of it runs them: a scheduler's configuration, a process manager. A place with endpoints is none,
    it is about tasks or jobs.
    """
    served = program.shared(_served)
    decorated = {f for wrapped in program.shared(session_decorators).values() for f in wrapped}
    found: set[FunctionInfo] = set()
    for function in program.functions:
        places = background_places(function.path)
        if not places or not served.isdisjoint(places) or function.parent is not None or function.name == "<module>":
            continue
        if function.is_generator or function in program.dependency_functions or not _is_uncalled(program, function):
            continue
        if function in decorated or (_opens(function) and not takes_session(program, function)):
            found.add(function)
    return frozenset(found)


def is_place_of_work(program: Program, path: str) -> bool:
    """Whether a file lies in a place that has the name of background work, and no endpoints."""
    places = background_places(path)
    return bool(places) and program.shared(_served).isdisjoint(places)


def takes_from_nobody(program: Program, function: FunctionInfo) -> bool:
    """Whether a function of a place of background work takes a session, and nobody was seen to call it."""
    if not _is_uncalled(program, function) or not takes_session(program, function):
        return False
    return is_place_of_work(program, function.path)


def _served(program: Program) -> frozenset[str]:
    """Such places with endpoints."""
    return frozenset(place for f in program.functions if f.routes for place in background_places(f.path))


def _is_uncalled(program: Program, function: FunctionInfo) -> bool:
    """Whether nothing of the program but its own decorators calls a function."""
    callers, _ = program.shared(calling)
    return all(caller in function.wrappers for caller in callers.get(function, ()))


def _opens(function: FunctionInfo) -> bool:
    """Whether a function opens a session or connection, itself or by what it calls."""
    return _CREATES in function.summary.effects or any(e.kind in ("create", "obtain") for e in function.events)
