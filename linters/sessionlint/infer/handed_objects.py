"""Dependencies that hand out no session but an object around one: a unit of work, a service that works with either."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sessionlint.infer.sources import CONTEXT, DEPENDENCY, ENTERS, Made, Source, enters
from sessionlint.infer.survey import Survey
from sessionlint.program.model import ClassInfo, FunctionInfo
from sessionlint.program.values import SESSION, Value, contained
from sessionlint.rules.opening import held_in

_Units = Mapping[FunctionInfo, Source]


def handed_objects(survey: Survey) -> list[Source]:
    """Functions that open a session and yield an object that works with it, and functions and classes that give a
    unit of work, which opens its own when it is entered, or an object that was made with one."""
    units = {s.function: s for s in survey.sources if s.kind == CONTEXT and enters(s.function)}
    known = {s.function for s in survey.sources if s.kind != CONTEXT}
    made: dict[Any, list[Source]] = {}
    for user, dependency, _ in survey.injections():
        for atom in () if dependency.provided else dependency.target:
            if atom not in made:
                made[atom] = list(_of(survey, atom, units, known))
            for source in made[atom]:
                source.users[user] = None
    return [source for found in made.values() for source in found]


def _of(survey: Survey, target: Any, units: _Units, known: set[FunctionInfo]) -> Iterator[Source]:
    """What depending on ``target`` gives such an object by."""
    if target.tag == "cls":
        unit = _unit(survey, target.info, units)
        if unit is not None and target.info.path in survey.included:
            yield Source(unit.function, DEPENDENCY, SESSION, unit.behind, named=False, owner=target.info)
    elif target.tag == "fn" and target.info not in known and _can_be_named(survey, target.info):
        function: FunctionInfo = target.info
        value = function.summary.yields if function.is_generator else function.summary.returns
        # what is returned with an open session is closed by nobody
        held: Value = tuple(held_in(function, value)) if function.is_generator else ()
        behind = survey.behind(held) or _behind_units(survey, value, units)
        if behind:
            yield Source(function, DEPENDENCY, SESSION, behind, named=False)


def _can_be_named(survey: Survey, function: FunctionInfo) -> bool:
    outermost = function.parent is None and function.class_info is None and function.name != "<lambda>"
    return outermost and function.path in survey.included and not function.is_context_manager


def _behind_units(survey: Survey, value: Value, units: _Units) -> tuple[Made, ...]:
    """The handles behind the units of work in a value, alone or kept by another object."""
    found = (_unit(survey, a.info, units) for a in contained(value) if a.tag == "inst")
    return tuple(dict.fromkeys(made for unit in found if unit is not None for made in unit.behind))


def _unit(survey: Survey, info: ClassInfo, units: _Units) -> Source | None:
    """What objects of a class open their session by, when they are entered."""
    methods = (survey.program.solver.method(info, name) for name in ENTERS)
    return next((units[m] for m in methods if m is not None and m in units), None)


def are_the_way(objects: Sequence[Source], plain: Sequence[Source]) -> list[Source]:
    """Those that are asked for more often than any dependency that hands out sessions: beside one that is asked for
    as often, an object with a session of its own is a shortcut."""
    most = max((len(source.users) for source in plain), default=0)
    return [source for source in objects if len(source.users) > most]


def of_contexts(survey: Survey, objects: Sequence[Source], contexts: Sequence[Source]) -> list[Source]:
    """Those that give a unit of work which is one of the contexts, for it is entered in several files: however few ask
    for it, no file of endpoints has it for itself."""
    known = {source.function for source in contexts}
    given = [
        (source, set(entered_by(survey, source))) for source in objects if source.path not in survey.endpoint_files
    ]
    return [source for source, methods in given if methods and methods <= known]


def entered_by(survey: Survey, source: Source) -> Iterator[FunctionInfo]:
    """The methods that enter the units of work in what a source hands out."""
    if source.owner is not None:
        yield source.function
        return
    summary = source.function.summary
    for atom in contained((*summary.yields, *summary.returns)):
        for name in ENTERS if atom.tag == "inst" else ():
            method = survey.program.solver.method(atom.info, name)
            yield from [method] if method is not None else []
