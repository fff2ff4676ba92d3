"""Writes of a dependency on the request's session that no request which uses the dependency ever commits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from sessionlint.program.beginning import BEGINS
from sessionlint.program.model import Effect
from sessionlint.program.values import Injected
from sessionlint.rules.background_work import sessions_in
from sessionlint.rules.request_commits import committing_dependency
from sessionlint.rules.saving import around, changes_row, commits_when_run, is_lost, is_write, reads_only
from sessionlint.rules.transactions import behind, request_dependencies

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo
    from sessionlint.program.values import Site


class LostWrite(NamedTuple):
    """A write in a dependency: the event there, the place where rows are written, and the session."""

    event: Event
    place: tuple[FunctionInfo, Any]
    session: Injected


def lost_writes(program: Program) -> Iterator[LostWrite]:
    """The first write of each dependency and session that is lost, each place once."""
    reported: set[Site] = set()
    for function in program.dependency_functions:
        if program.is_exempt(function) or program.role(function) in ("endpoint", "background"):
            continue
        told: set[Any] = set()
        for index, event in enumerate(function.events):
            for session in event.subject if _writes(program, event) else ():
                if session in told or not isinstance(session, Injected) or not _takes(program, function, session):
                    continue
                if is_lost(program, function, index, session) and _is_left(program, function, session):
                    told.add(session)
                    place = _place(program, event)
                    if (place[0].path, place[1]) not in reported:
                        reported.add((place[0].path, place[1]))
                        yield LostWrite(event, place, session)


def _writes(program: Program, event: Event) -> bool:
    """Whether rows are written, or changed: for requests that do more than read, or by one that hands out nothing."""
    if not changes_row(event):
        return is_write(event)
    if not any(e.kind == "yield" or (e.kind == "return" and e.expr is not None) for e in event.function.events):
        return True  # what it changes is meant for no answer
    users = program.shared(_users).get(event.function, ())
    return not all(reads_only(user) for user in users)


def _takes(program: Program, function: FunctionInfo, session: Injected) -> bool:
    """Whether FastAPI injects the session into the dependency itself: alone, in an object, or in what it loaded."""
    taken = [given for _, given in function.param_values.values()]
    if any(session in sessions_in(program, given) for given in taken):
        return True
    loaded = [v for given in taken for a in given if a.tag == "injected" for v in program.solver.views(a)]
    rows = [inner for a in loaded for inner in (a.result if a.tag == "operation" else (a,)) if inner.tag == "row"]
    return any(row.session == session for row in rows)


def _is_left(program: Program, function: FunctionInfo, session: Injected) -> bool:
    """Whether requests use the dependency, and none of them can commit the session."""
    users = program.shared(_users).get(function, ())
    return bool(users) and not any(_may_commit(program, user, session) for user in users)


def _users(program: Program) -> dict[FunctionInfo, list[FunctionInfo]]:
    """The functions in whose requests each dependency runs: endpoints, and others that FastAPI or a worker calls."""
    found: dict[FunctionInfo, dict[FunctionInfo, None]] = {}
    for user in program.functions:
        called = user.routes or (user.dependencies and user not in program.dependency_functions)
        if not called or program.role(user) == "test":
            continue
        for asked in request_dependencies(program, user):
            for function in behind(program, asked):
                found.setdefault(function, {})[user] = None
    return {function: list(users) for function, users in found.items()}


def _may_commit(program: Program, user: FunctionInfo, session: Injected) -> bool:
    ends = {Effect("txn", name, session) for name in (*BEGINS, "commit")} | {Effect("escape", "unknown", session)}
    before = (target for asked in request_dependencies(program, user) for target in behind(program, asked))
    return (
        any(ends & function.summary.effects.keys() for function in (user, *before))
        or any(_leaves(event, session) for event in user.events)
        or any(event.name in ("begin", "commit") for event in around(program, user))
        or committing_dependency(program, user, session) is not None
    )


def _leaves(event: Event, session: Injected) -> bool:
    """Whether the session goes where its commits cannot be seen: into background work, or kept."""
    if event.kind == "schedule":
        return any(session in value for value in event.args)
    return commits_when_run(event, session) or (event.kind in ("store", "escape") and session in event.subject)


def _place(program: Program, event: Event) -> tuple[FunctionInfo, Any]:
    """Where the rows are written: below the call in the dependency, if that can be told."""
    function, effect = event.function, event.effect
    place = function, event.span
    callee = event.callee
    while callee is not None and effect is not None:
        hop = callee.summary.effects.get(effect)
        if hop is None or hop.site[0] != callee.path:
            break
        place = callee, hop.site[1]
        callee, effect = hop.callee, hop.inner
    return place
