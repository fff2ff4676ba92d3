"""Dependencies that open a session and hand out an object that works with it, a unit of work for example."""

from __future__ import annotations

from sessionlint.infer.sources import DEPENDENCY, Source
from sessionlint.infer.survey import Survey
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import SESSION
from sessionlint.rules.opening import held_sessions


def holders(survey: Survey, application: str) -> list[Source]:
    """Those that the functions of an application are given, and whose sessions come about in it."""
    sources = {source.function for source in survey.sources}
    found: dict[FunctionInfo, Source] = {}
    for user, dependency, _ in survey.injections():
        if survey.application_of(user.path) != application:
            continue
        for function, session in held_sessions(survey.program, dependency):
            behind = survey.behind((session,))
            at_home = any(survey.application_of(site[0]) == application for _, site in behind)
            if at_home and function not in sources and function.parent is None and function.path in survey.included:
                source = found.setdefault(function, Source(function, DEPENDENCY, SESSION, behind, named=False))
                source.users[user] = None
    return list(found.values())
