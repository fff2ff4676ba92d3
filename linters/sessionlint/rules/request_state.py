"""Sessions that a middleware opens for each request and keeps in ``request.state``, or a worker's hook for each job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.program.values import Handle
from sessionlint.rules.ownership import is_on_request

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo

#: The method of a route's class that gives what handles its requests.
_MAKES_HANDLER = "get_route_handler"


def opener_for_request(program: Program, session: Handle) -> FunctionInfo | None:
    """The function that opens a session and keeps it where others of the request or job find it, and nowhere else."""
    keepers = program.shared(_keepers).get(session, ())
    if len(keepers) != 1 or not (is_on_request(keepers[0]) or keepers[0].name == "job"):
        return None
    opener = keepers[0].function
    leaves = any(e.kind == "escape" and session in e.subject for e in opener.events)
    return opener if not leaves and any(_opens(e, session) for e in opener.events) else None


def ends_for_all(program: Program, opener: FunctionInfo, session: Handle) -> bool:
    """Whether what stands around all requests may commit what they leave on a session."""
    kept = program.shared(_keepers)[session][0]
    if session.begun or any(session in t.subjects for t in kept.transactions if not t.savepoint):
        return True
    for event in program.shared(_commits).get(session, ()):
        function = event.function
        by_itself = not (function.routes or function in program.shared(_called) or _is_job(program, function, kept))
        if function is opener or (by_itself and function not in program.dependency_functions):
            return True
    return False


def _is_job(program: Program, function: FunctionInfo, kept: Event) -> bool:
    """Whether a worker runs a function as a job, each with a dictionary of its own: nothing of other jobs is in it."""
    return kept.name == "job" and function in program.background_functions


def is_overwritten(program: Program, use: Event, session: Any) -> bool:
    """Whether the route's own class puts another session in the place where others keep the one that is used.

    It runs inside of all middleware, whatever that has put there.
    """
    endpoint = use.function
    if not endpoint.routes or not isinstance(session, Handle):
        return False
    # what a call may be made on is told one by one
    sessions = {a for e in endpoint.events if e.span == use.span and e.kind == use.kind for a in e.subject}
    if len(sessions) < 2:
        return False
    kept = {h: opener for h in sessions if isinstance(h, Handle) and (opener := opener_for_request(program, h))}
    own = [h for h, opener in kept.items() if _is_of_route(program, endpoint, opener)]
    return session in kept and bool(own) and session not in own


def _is_of_route(program: Program, endpoint: FunctionInfo, opener: FunctionInfo) -> bool:
    """Whether a function is the handler, or its maker, of the class that all the endpoint's routes are made with."""
    current: FunctionInfo | None = opener
    while current is not None and (current.name != _MAKES_HANDLER or current.class_info is None):
        current = current.parent
    owner = current.class_info if current is not None else None
    if owner is None:
        return False
    for route in endpoint.routes:
        made = program.solver.routers.get(getattr(route.router, "site", None), {}).get("route_class", ())
        if len(made) != 1 or made[0].tag != "cls" or owner not in program.solver.mro(made[0].info):
            return False
    return True


def _opens(event: Event, session: Handle) -> bool:
    return event.kind in ("create", "obtain") and session in event.subject and event.site == session.site


def _keepers(program: Program) -> dict[Any, list[Event]]:
    found: dict[Any, list[Event]] = {}
    for event in program.events("store"):
        for atom in event.subject:
            found.setdefault(atom, []).append(event)
    return found


def _commits(program: Program) -> dict[Any, list[Event]]:
    found: dict[Any, list[Event]] = {}
    for event in program.events("txn", "effect"):
        if event.name in ("begin", "commit"):
            for atom in event.subject:
                found.setdefault(atom, []).append(event)
    return found


def _called(program: Program) -> frozenset[FunctionInfo]:
    return frozenset(e.callee for e in program.events("call") if e.callee is not None)
