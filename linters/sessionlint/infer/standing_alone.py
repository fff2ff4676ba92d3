"""Programs of their own in one repository: a worker beside an API, a second worker beside the first.

What two programs share, models for example, makes them no one program: what gives each its sessions does.
"""

from __future__ import annotations

from collections.abc import Iterable

from sessionlint.infer.doors import Door
from sessionlint.infer.survey import Survey
from sessionlint.program.importing import are_apart, importing, reached_from_files


def stands_alone(survey: Survey, door: Door) -> bool:
    """Whether neither what imports a door's files nor what that runs, however many hops away, is an application's.

    A library of classes that nobody in sight makes objects of is no program.
    """
    bodies = {survey.program.solver.modules[path].body for path in door.files}
    if not (door.users or door.scripts) and not any(e.kind == "create" for body in bodies for e in body.events):
        return False
    run = reached_from_files(survey.program, importing(survey.program, door.files))
    return all(survey.application_around(path) is None for path in run)


def stands_apart(survey: Survey, door: Door, others: Iterable[Door]) -> bool:
    """Whether other files work with a door, and none of those that run it runs any of the ``others``, too."""
    around = importing(survey.program, door.files)
    if around <= door.files.keys():
        return False
    return all(are_apart(survey.program, around, importing(survey.program, other.files)) for other in others)
