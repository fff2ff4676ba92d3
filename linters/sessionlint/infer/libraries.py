"""Objects of libraries that keep the sessions of an application, which makes no factory of its own then."""

from __future__ import annotations

from sessionlint.infer.survey import Survey
from sessionlint.program import knowledge
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import Site

#: What is made once for an application, and has the session in an attribute.
_KEEPERS = ("flask_sqlalchemy.SQLAlchemy", "flask_sqlalchemy_lite.SQLAlchemy")
_WORKS = ("use", "txn", "sql")


def keepers(survey: Survey) -> dict[Site, dict[FunctionInfo, None]]:
    """Where the application makes such an object, with the functions that work with a library's session."""
    made = [e for e in survey.program.events("external") if e.name in _KEEPERS and e.path in survey.included]
    if not made:
        return {}
    kept = {knowledge.canonical(f"{event.name}().session") for event in made}
    users: dict[FunctionInfo, None] = {}
    for event in survey.program.events(*_WORKS):
        if event.path in survey.included and any(a.tag == "ext" and a.name in kept for a in event.subject):
            users[event.function] = None
    return {event.site: users for event in made[:1]}
