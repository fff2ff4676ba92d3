"""The ways to sessions that nobody asks for one: decorators, and what frameworks call around the work they run."""

from __future__ import annotations

from collections.abc import Sequence

from sessionlint.infer.doors import Door
from sessionlint.infer.hooks import hooks, of_requests
from sessionlint.infer.sources import CONTEXT, DECORATOR, DEPENDENCY, HOOK, Source
from sessionlint.infer.survey import Survey
from sessionlint.program.values import SESSION

#: One beside other ways has at least this share of the users of the most used one, and more than one user.
_SHARE = 0.2
_FEWEST = 2


def openers(survey: Survey, door: Door, others: Sequence[Source]) -> list[Source]:
    """Those of a door; beside ``others``, its other sources, those that are no shortcut that someone took."""
    decorators = [s for s in door.sources if s.kind == DECORATOR]
    if others:
        decorators = [s for s in decorators if _is_way(s, others) and s.path not in survey.endpoint_files]
    around: list[Source] = []
    for source in _hooks(survey, door):
        # endpoints might ask a dependency as well, all others open a context
        rival = DEPENDENCY if of_requests(survey.program, source.function) else CONTEXT
        if _is_way(source, [s for s in others if s.kind == rival]):
            around.append(source)
    return [*decorators, *around]


def _is_way(source: Source, others: Sequence[Source]) -> bool:
    most = max((len(other.users) for other in others), default=0)
    return not most or len(source.users) >= max(_FEWEST, _SHARE * most)


def _hooks(survey: Survey, door: Door) -> list[Source]:
    found: list[Source] = []
    for function, (sessions, users) in survey.program.shared(hooks).items():
        behind = survey.behind(sessions) if function.path in survey.included else ()
        if any(site[0] in door.files for _, site in behind):
            found.append(Source(function, HOOK, SESSION, behind, dict.fromkeys(users)))
    return sorted(found, key=lambda s: (s.path, s.function.header))
