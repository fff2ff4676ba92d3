"""Modules in which an object of a library is made that keeps the sessions of an application."""

from __future__ import annotations

from sessionlint.infer.doors import Door
from sessionlint.infer.survey import Survey


def keeps_for_others(survey: Survey, door: Door) -> bool:
    """Whether other files work with such a session, and its module is about that alone, without tables."""
    solver = survey.program.solver
    defined = (info for info in survey.program.classes if info.path in door.files)
    return door.kept and bool(door.users) and not any(map(solver.is_model, defined))
