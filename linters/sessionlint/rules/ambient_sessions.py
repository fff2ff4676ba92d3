"""Sessions that background work finds by itself: in a context variable, or on the request it is given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.program.ambient import is_opened_around
from sessionlint.program.api import Program
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.values import Ext, Value, contained
from sessionlint.rules.background_work import done_by, enclosing, runs_in_background, started_values

_STATE, _REQUEST = Ext("request.state"), Ext("fastapi.Request()")
#: Where an ``Event`` of the kind ``store`` says that a context variable keeps something.
_VARIABLE = "context variable"
#: Starts whose work sees none of the starter's context variables.
_NEW_CONTEXTS = ("concurrent.futures.", "threading.", "multiprocessing.")


def ambient_sessions(program: Program, event: Event) -> Iterator[Any]:
    """The request's sessions that what ``event`` starts will read, although nobody hands them over."""
    ways = [program.shared(_in_variables)]
    if _brings_request(program, event):
        ways.append(program.shared(_on_requests))
    if not any(ways):
        return
    starts = _starts(program, event)
    if starts and all(start.name.startswith(_NEW_CONTEXTS) for start in starts):
        del ways[0]
    around = [f for start in starts for f in program.started_by(start)]
    for keepers in ways:
        for started in program.started_by(event) if keepers else ():
            # unless it, or what is started to call it, keeps a session of its own there
            if not any(f in keepers for work in (started, *around) for f in done_by(program, work)):
                for session in _used_by(program, started):
                    if started.wrappers and is_opened_around(program.solver, started, session):
                        continue
                    if any(session in kept and _keeps_for(program, event, f) for f, kept in keepers.items()):
                        yield session


def _starts(program: Program, event: Event) -> list[Event]:
    """The starts that a call of a helper comes down to; a start itself."""
    if event.kind == "schedule" or event.callee is None or event.effect is None:
        return [event]
    site = program.effect_site(event.callee, event.effect)
    return [start for start in program.whole.events("schedule") if start.site == site]


def is_on_request(program: Program, event: Event, session: Any) -> bool:
    """Whether a middleware or dependency keeps the session on the request in which ``event`` happens."""
    keepers = program.shared(_on_requests)
    return any(session in kept and _keeps_for(program, event, keeper) for keeper, kept in keepers.items())


def is_in_variable(program: Program, session: Any) -> bool:
    """Whether a context variable keeps a session: who reads it gets that of its own context."""
    return any(session in kept for kept in program.shared(_in_variables).values())


def _used_by(program: Program, function: FunctionInfo) -> Iterator[Any]:
    for effect in function.summary.effects:
        if effect.kind in ("use", "txn") and effect.subject is not None and program.kind(effect.subject) == "session":
            yield effect.subject


def _in_variables(program: Program) -> dict[FunctionInfo, set[Any]]:
    """Functions that put a session into a context variable, with these sessions."""
    found: dict[FunctionInfo, set[Any]] = {}
    for event in program.events("store"):
        if event.name == _VARIABLE:
            found.setdefault(event.function, set()).update(program.sessions(event.subject))
    return found


def _on_requests(program: Program) -> dict[FunctionInfo, set[Any]]:
    """Functions that put a session on ``request.state``, with these sessions."""
    found: dict[FunctionInfo, set[Any]] = {}
    for event in program.events("setattr"):
        if _STATE in event.subject and (sessions := program.sessions(event.value)):
            found.setdefault(event.function, set()).update(sessions)
    return found


def _brings_request(program: Program, event: Event) -> bool:
    """Whether the request, or its state, is among what is handed over."""
    given: Value = (*started_values(event), *event.subject)
    atoms = set(contained(given))
    return not atoms.isdisjoint((_STATE, _REQUEST)) or any(_is_request(program, a) for a in atoms)


def _is_request(program: Program, atom: Any) -> bool:
    """Whether a parameter is the request, or what a dependency returns is the one that it was given."""
    if atom.tag == "injected":
        return any(_is_request(program, view) for view in program.solver.views(atom) if view.tag == "param")
    return bool(atom.tag == "param") and _REQUEST in program.solver.views(atom)


def _keeps_for(program: Program, event: Event, keeper: FunctionInfo) -> bool:
    """Whether a function keeps its session for the request in which ``event`` happens."""
    if keeper in enclosing(event.function):
        return True
    if runs_in_background(program, keeper):
        return False
    if keeper in program.dependency_functions or "middleware" in keeper.registrations or keeper.name == "dispatch":
        return True
    return any(e.kind == "call" and e.callee is keeper for e in event.function.events)
