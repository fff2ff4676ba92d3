"""Files of the classes that a unit of work is built on: they end the transaction of the session that it opens."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from sessionlint.infer.sources import Made, Source, enters
from sessionlint.infer.survey import Survey
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import SESSION

_ENDS = ("commit", "rollback")


def built_on(survey: Survey, sources: Iterable[Source], known: Collection[str]) -> Mapping[str, Source]:
    """The other files in which classes above the units of work in ``known`` end what these open, each with its unit."""
    found: dict[str, Source] = {}
    for source in sources:
        info = source.function.class_info if enters(source.function) else None
        if info is None or info.path not in known:
            continue
        for above in survey.program.solver.mro(info)[1:]:
            if above.path in known or above.path in survey.endpoint_files or above.path not in survey.included:
                continue
            if any(_ends(method, source.behind) for method in above.methods.values()):
                found.setdefault(above.path, source)
    return found


def _ends(method: FunctionInfo, opened: Collection[Made]) -> bool:
    """Whether a method ends the transaction of a session that is opened there."""
    sessions = {site for kind, site in opened if kind == SESSION}
    ends = (e for e in method.events if e.kind == "txn" and e.name in _ENDS)
    return any(a.tag == "handle" and a.root in sessions for e in ends for a in e.subject)
