"""The one context manager of an application: used once or often, who no request runs has no other way."""

from __future__ import annotations

from sessionlint.infer.sources import Source
from sessionlint.infer.survey import Survey
from sessionlint.infer.votes import outermost, runs_apart


def is_there_for_sessions(survey: Survey, source: Source) -> bool:
    """Whether a context manager is used in other files, by what no request runs, and its file has no other purpose."""
    users = [user for user in source.users if user.path != source.path]
    apart = survey.program.shared(runs_apart) if users else frozenset()
    if not users or not all(outermost(user) in apart for user in users):
        return False
    ways = {s.function for s in survey.sources if s.path == source.path}
    entered = {f.class_info for f in ways if f.class_info is not None}
    module = survey.program.solver.modules[source.path]
    return all(outermost(f) in ways or f.class_info in entered for f in module.functions)
