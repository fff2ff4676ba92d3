"""Registries whose scope is what a context variable says: tasks copy the variable, so they get one session."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.program.stdlib import CONTEXT_SET, CONTEXT_VARIABLE
from sessionlint.rules.background_work import done_by

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import FunctionInfo
    from sessionlint.program.values import Site

_KINDS = ("use", "txn")


def registries_in(program: Program, coroutines: list[Any]) -> Iterator[Any]:
    """The registries of this kind that coroutines use without setting a context variable of their own."""
    scoped = program.shared(_of_variables)
    for atom in coroutines if scoped else ():
        if atom.tag != "pending":
            continue
        used = {e.subject for e in atom.info.summary.effects if e.kind in _KINDS and e.subject is not None}
        found = [s for s in used if s.tag == "handle" and s.registry and s.site in scoped]
        if found and not any(_sets_own(f) for f in (atom.info, *done_by(program, atom.info))):
            yield from found


def _sets_own(function: FunctionInfo) -> bool:
    return any(e.kind == "external" and e.name == CONTEXT_SET for e in function.events)


def _of_variables(program: Program) -> frozenset[Site]:
    """Where such registries are made."""
    return frozenset(
        event.site
        for event in program.events("create")
        if any(a.tag == "handle" and a.registry for a in event.subject)
        for name, value in event.keywords
        if name == "scopefunc" and len(value) == 1 and _reads_variable(program, value[0])
    )


def _reads_variable(program: Program, scope: Any) -> bool:
    """``variable.get``, or a function that returns ``variable.get()``."""
    if scope.tag == "method":
        return bool(scope.name == "get" and scope.receiver.tag == "obj" and scope.receiver.name == CONTEXT_VARIABLE)
    if scope.tag != "fn":
        return False
    returned = [s[2] for s in scope.info.body if s[0] == "R"]
    if len(returned) != 1 or returned[0] is None or returned[0][0] != "c" or returned[0][2][0] != "a":
        return False
    variable, method = returned[0][2][2], returned[0][2][3]
    held = program.solver.peek(("name", scope.info.path, variable[2])) if variable[0] == "n" else ()
    return bool(method == "get" and any(a.tag == "obj" and a.name == CONTEXT_VARIABLE for a in held))
