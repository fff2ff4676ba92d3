"""Which dependency of a request commits a session, and when: before or after the background work is started."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.program.values import Dependency, Handle, Injected
from sessionlint.rules.called_objects import called, commits_late, source_of
from sessionlint.rules.transactions import commits_on_exit, injector, request_dependencies

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import FunctionInfo


def committing_dependency(program: Program, endpoint: FunctionInfo, session: Any) -> tuple[FunctionInfo, bool] | None:
    """The dependency that commits the session after its ``yield``, and whether that is before the response.

    FastAPI runs what follows the ``yield`` after the response and its background tasks, with ``scope="function"``
    before them (measured with 0.165; https://fastapi.tiangolo.com/advanced/advanced-dependencies/).
    """
    for dependency, source, function in _resolved(program, endpoint) if endpoint.routes else ():
        if _commits(program, function, session, source):
            return function, dependency.scope == "function"
    return None


def _resolved(program: Program, endpoint: FunctionInfo) -> Iterator[tuple[Dependency, Any, FunctionInfo]]:
    """Every dependency FastAPI resolves for the endpoint, those of dependencies too: what it calls, what runs."""
    pending = request_dependencies(program, endpoint)
    seen: set[tuple[Any, FunctionInfo, str | None]] = set()
    while pending:
        dependency = pending.pop(0)
        for source, function in called(program, dependency):
            if (source, function, dependency.scope) not in seen:
                seen.add((source, function, dependency.scope))
                pending.extend(function.dependencies.values())
                yield dependency, source, function


def _commits(program: Program, function: FunctionInfo, session: Any, source: Any) -> bool:
    if isinstance(session, Injected) and injector(program, session) is function:
        return commits_on_exit(program, function, source=source_of(session)) is True
    ended = [subject for subject, _ in commits_late(program, function, source)]
    ended += [subject for t in function.summary.yield_transactions if not t.savepoint for subject in t.subjects]
    return any(subject == session or _of_one_source(subject, session) for subject in ended)


def _of_one_source(left: Any, right: Any) -> bool:
    """Sessions that an object which the dependency hands out opens for itself, when it is asked for one."""
    return isinstance(left, Handle) and isinstance(right, Handle) and (left.kind, left.root) == (right.kind, right.root)
