"""Functions that a framework calls around what it runs, and that open the sessions which that works with.

A middleware puts the session where handlers find it, on the request or among the data that they are given; a hook
puts it into the dictionary of one job, and the base class of tasks keeps it for its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sessionlint.program import middleware
from sessionlint.program.api import Program
from sessionlint.program.model import Event, FunctionInfo, ModuleInfo
from sessionlint.program.values import SESSION, Value

_PUTS = ("setattr", "setitem", "store")
#: What an event of the kind ``store`` says of what is kept as long as one request, or one job, lasts.
_VARIABLE, _OF_JOB = "context variable", "job"
_TASKS = ("celery.Task", "celery.app.task.Task")
_OPENING = ("create", "obtain")
_CLOSES = ("close", "remove")
_ENDS = ("commit", "rollback")


def hooks(program: Program) -> Mapping[FunctionInfo, tuple[Value, tuple[FunctionInfo, ...]]]:
    """All of them, with the sessions that they put there, and the functions that work with these.

    None of a file that does more: ends transactions elsewhere, opens other sessions or answers requests.
    """
    put: dict[FunctionInfo, list[Any]] = {}
    for event in program.events(*_PUTS):
        sessions = [a for a in event.value if a.tag == "handle" and a.kind == SESSION]
        if sessions and _is_called_around(program, event):
            opened = {a for e in event.function.events if e.kind in _OPENING for a in e.subject}
            put.setdefault(event.function, []).extend(a for a in sessions if a in opened)
    found = {f: tuple(dict.fromkeys(sessions)) for f, sessions in put.items() if sessions}
    paths = {f.path for f in found}
    others = {path for path in paths if _does_more(program.solver.modules[path], found)}
    users = _users(program, {a.root: f for f, sessions in found.items() for a in sessions}) if found else {}
    return {f: (value, tuple(users.get(f, ()))) for f, value in found.items() if f.path not in others}


def of_requests(program: Program, function: FunctionInfo) -> bool:
    """Whether it stands before endpoints, which might ask a dependency as well."""
    return "middleware" in function.registrations or any(
        base.startswith(("starlette.", "fastapi.")) for base in _bases(program, function)
    )


def _is_called_around(program: Program, event: Event) -> bool:
    """Whether a framework calls the function around its work, and what is put there is for that."""
    function = event.function
    if event.kind == "store":
        return event.name == _OF_JOB or (event.name == _VARIABLE and _is_middleware(program, function))
    if any(a.tag == "inst" and a.info is function.class_info for a in event.subject):
        return event.kind == "setattr" and any(b in _TASKS for b in _bases(program, function)) and _is_closed(event)
    return _is_middleware(program, function)


def _is_closed(event: Event) -> bool:
    """Whether a method of the same class closes what is kept: it lasts as long as one task, not as the worker."""
    info = event.function.class_info
    kept = {a.root for a in event.value if a.tag == "handle"}
    ends = (e for f in (info.methods.values() if info is not None else ()) for e in f.events if e.kind == "txn")
    return any(e.name in _CLOSES and any(getattr(a, "root", None) in kept for a in e.subject) for e in ends)


def _is_middleware(program: Program, function: FunctionInfo) -> bool:
    return middleware.is_one(program.solver, function)


def _bases(program: Program, function: FunctionInfo) -> Collection[str]:
    return program.solver.external_bases(function.class_info) if function.class_info is not None else ()


def _does_more(module: ModuleInfo, found: Collection[FunctionInfo]) -> bool:
    """Whether others in a file open sessions, end transactions by hand or serve requests: they are to be judged."""
    others = [f for f in (module.body, *module.functions) if f not in found]
    given = {a.root for f in found for e in f.events if e.kind in _OPENING for a in e.subject if a.tag == "handle"}
    for function in others:
        if function.routes:
            return True
        for event in function.events:
            opens = event.kind in _OPENING and any(
                a.tag == "handle" and a.kind == SESSION and a.root not in given for a in event.subject
            )
            if opens or (event.kind == "txn" and event.name in _ENDS and not _is_hook_beside(function, found)):
                return True
    return False


def _is_hook_beside(function: FunctionInfo, found: Collection[FunctionInfo]) -> bool:
    """Whether a method ends what another one of its class has opened."""
    return function.class_info is not None and any(f.class_info is function.class_info for f in found)


def _users(program: Program, roots: Mapping[Any, FunctionInfo]) -> Mapping[FunctionInfo, list[FunctionInfo]]:
    found: dict[FunctionInfo, dict[FunctionInfo, None]] = {}
    for event in program.events("use", "txn"):
        for atom in event.subject:
            opener = roots.get(atom.root) if atom.tag == "handle" else None
            beside = opener is None or event.function is opener or _is_hook_beside(event.function, (opener,))
            if opener is not None and not beside:
                found.setdefault(opener, {})[event.function] = None
    return {opener: list(users) for opener, users in found.items()}
