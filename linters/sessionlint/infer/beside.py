"""Programs beside the application that stand for themselves: an example, a demonstration, a tool with a server."""

from __future__ import annotations

import re
from collections.abc import Collection

from sessionlint.patterns import regex
from sessionlint.program.api import Program
from sessionlint.program.importing import reached_from_files
from sessionlint.program.values import ENGINE, FACTORY, POOL

_MAKERS = (ENGINE, FACTORY, POOL)
#: What was put away, or is hidden, is no program of its own, but one more way to what the application has now.
_PUT_AWAY = regex(r"(?:archived?|archive[._-].*|attic|old|backups?|debug|\..*)\Z", re.I)


def programs_beside(program: Program, application: Collection[str], aside: Collection[str]) -> frozenset[str]:
    """The files among those ``aside`` of applications that make their own engine and import nothing of the other one.

    Whatever the folder around them is called, they are checked, and for themselves they are what the application is.
    """
    sites = program.solver.routers.items()
    made = {site[0] for site, entry in sites if entry.get("name") != "fastapi.APIRouter" and site[0] in aside}
    servers = {path for path in made if not any(map(_PUT_AWAY.match, path.split("/")[:-1]))}
    if not servers:
        return frozenset()
    makers = {e.path for e in program.events("create") if e.name in _MAKERS}
    found: set[str] = set()
    for server in servers:
        reached = reached_from_files(program, [server])
        if not reached.isdisjoint(makers) and reached.isdisjoint(application):
            found |= reached
    return frozenset(found.intersection(aside))
