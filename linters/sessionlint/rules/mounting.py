"""How a router reaches the application: through which ``include_router`` calls, prefixes and dependencies."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from sessionlint.program.api import Program
from sessionlint.program.importing import application_folders, below
from sessionlint.program.middleware import MOUNTED
from sessionlint.program.registering import path_of
from sessionlint.program.values import Dependency, Value, const

#: What is included in applications, and is none.
_ROUTER = "fastapi.APIRouter"
#: Stands for a path that the source does not tell.
UNTOLD = "/…"
_MAX_HOPS = 8
_MAX_MOUNTS = 24


class Mount(NamedTuple):
    """One way to a router: the path in front of its routes, all dependencies on the way.

    ``unknown`` when dependencies are given that cannot be read; ``applications`` are the places of those it belongs to
    and of those around them.
    """

    prefix: str
    dependencies: tuple[Dependency, ...]
    unknown: bool = False
    applications: tuple[Any, ...] = ()


def mounts(program: Program, router: Any) -> list[Mount]:
    """Every way a router is mounted; itself alone when nothing includes it or it cannot be traced."""
    site = getattr(router, "site", None)
    known = program.shared(_known)
    if site not in known:
        known[site] = _mounts(program, site, 0)
    return known[site]


def _known(_: Program) -> dict[Any, list[Mount]]:
    """The mounts of each router that was asked for, by its place."""
    return {}


def _including(program: Program) -> dict[Any, list[tuple[Any, Any, dict[str, Value]]]]:
    """The routers that include one, by its place, where they do, and with which keywords."""
    found: dict[Any, list[tuple[Any, Any, dict[str, Value]]]] = {}
    for parent, child, told, place in program.solver.includes:
        ways = [dict(way) for way in told] or [program.solver.include_options.get(place, {})]
        found.setdefault(getattr(child, "site", None), []).extend((parent, place, way) for way in ways)
    return found


def _mounts(program: Program, site: Any, depth: int) -> list[Mount]:
    options = program.solver.routers.get(site, {}) if site is not None else {}
    own = _step(program, options)
    if options.get("name", _ROUTER) != _ROUTER:
        own = own._replace(applications=(site,))
    if site is None or depth > _MAX_HOPS:
        return [own]
    found: list[Mount] = []
    for parent, place, given in program.shared(_including).get(site, ()):
        if program.policy.layer_of(place[0]) in ("test", "migration"):
            continue  # an application that serves nobody
        between = _step(program, given)
        for outer in _mounts(program, getattr(parent, "site", None), depth + 1):
            if MOUNTED in given:
                found.append(own._replace(applications=(*own.applications, *outer.applications)))
            else:
                found.append(_joined(outer, between, own))
    return found[:_MAX_MOUNTS] or [own]


def _step(program: Program, options: dict[str, Value]) -> Mount:
    prefix = _prefix(options["prefix"]) if "prefix" in options else ""
    given = options.get("dependencies")
    added = tuple(a for k, v in options.items() if k.startswith("dependencies ") for a in v)
    dependencies = tuple(program.dependencies_in((*(given or ()), *added)))
    return Mount(prefix, dependencies, given == ())


def _prefix(value: Value) -> str:
    """A prefix as written, :data:`UNTOLD` where the source does not tell it."""
    known = "" if value == const(None) else path_of(value)
    return UNTOLD if known is None else known


def _joined(*parts: Mount) -> Mount:
    return Mount(
        "".join(p.prefix for p in parts),
        tuple(d for p in parts for d in p.dependencies),
        any(p.unknown for p in parts),
        tuple(a for p in parts for a in p.applications),
    )


def path_pattern(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """URL paths that match: ``*`` within one segment, ``**`` over several."""
    parts = []
    for pattern in patterns:
        written = re.escape(pattern.rstrip("/") or "/")
        parts.append(written.replace(r"/\*\*", "(?:/.*)?").replace(r"\*\*", ".*").replace(r"\*", "[^/]*"))
    return re.compile("|".join(parts) or r"(?!)")


def same_application(program: Program, path: str, other: str) -> bool:
    """Whether two files run in one application: one holds or imports both, or one of the files belongs to none."""
    folders = program.shared(applications)
    if len(folders) < 2 or any(path.startswith(folder) and other.startswith(folder) for folder in folders):
        return True
    held = program.shared(_held)
    mine = {folder for folder in folders if path in held[folder]}
    theirs = {folder for folder in folders if other in held[folder]}
    return not mine or not theirs or not mine.isdisjoint(theirs)


def _held(program: Program) -> dict[str, frozenset[str]]:
    """The files of each application, with what it imports from beside its folder."""
    return {folder: below(program, folder) for folder in program.shared(applications)}


def applications(program: Program) -> tuple[str, ...]:
    """The folders of the repository's applications."""
    return application_folders(program.solver, program.policy)
