"""Repositories with a context manager beside their own work: data access, though others get a session from it."""

from __future__ import annotations

from sessionlint.infer.sources import Source, enters
from sessionlint.infer.survey import Survey
from sessionlint.infer.words import plural
from sessionlint.program.knowledge import SESSION_WRITES
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import SESSION


def works_for_itself(survey: Survey, source: Source) -> bool:
    """Whether a method that hands out sessions is one of a class that writes and commits on ones that it opens, and
    as many methods of it open their own as there are others that get theirs from it."""
    info = source.function.class_info
    if info is None or enters(source.function):
        return False
    return any(map(_saves, info.methods.values())) and len(_opening(survey, source)) >= _others(source)


def left_for_that(survey: Survey, source: Source) -> str:
    """The sentence on such a method."""
    opening = _opening(survey, source)
    does = "works and commits on a session" if len(opening) == 1 else "work and commit on sessions"
    own = "its own" if len(opening) == 1 else "their own"
    return (
        f"{source.name}() of {source.path} hands its sessions to {plural(_others(source), 'function')}, while "
        f"{plural(len(opening), 'other method')} of its class {does} of {own}"
    )


def _others(source: Source) -> int:
    return sum(user.class_info is not source.function.class_info for user in source.users)


def _opening(survey: Survey, source: Source) -> list[FunctionInfo]:
    """The methods beside a source that open a session for themselves."""
    info = source.function.class_info
    known = {s.function for s in survey.sources if s.path == source.path}
    methods = info.methods.values() if info is not None else ()
    return [f for f in methods if f not in known and _opened(f)]


def _opened(function: FunctionInfo) -> set[object]:
    made = (e for e in function.events if e.kind == "create" and e.name == SESSION)
    return {a.root for e in made for a in e.subject if a.tag == "handle"}


def _saves(function: FunctionInfo) -> bool:
    """Whether a function writes on a session that it opens, and commits it: what is handed one writes by itself."""
    opened = _opened(function)
    if not opened or function.is_generator:
        return False
    events = [(e, a) for e in function.events for a in e.subject if a.tag == "handle" and a.root in opened]
    writes = any(e.kind == "use" and e.name in SESSION_WRITES for e, _ in events)
    return writes and any(a.begun or (e.kind == "txn" and e.name in ("commit", "begin")) for e, a in events)


__all__ = ["left_for_that", "works_for_itself"]
