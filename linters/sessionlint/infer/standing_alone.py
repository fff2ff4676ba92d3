"""Files that no import joins to an application: a program of its own beside it, in the same repository."""

from __future__ import annotations

from sessionlint.infer.doors import Door
from sessionlint.infer.survey import Survey
from sessionlint.program.importing import programs


def stands_alone(survey: Survey, door: Door) -> bool:
    """Whether neither what imports a door's files nor what they import, however many hops away, is an application's.

    A library of classes that nobody in sight makes objects of is no program.
    """
    bodies = {survey.program.solver.modules[path].body for path in door.files}
    if not door.users and not any(e.kind == "create" for body in bodies for e in body.events):
        return False
    joined = survey.program.shared(programs)
    found = (other for path in door.files for other in joined.get(path, (path,)))
    return all(survey.application_around(path) is None for path in found)
