"""URLs that lead elsewhere once they are used: ``make_url(text).set(port=6543)`` goes to the port that is set."""

from __future__ import annotations

from typing import NamedTuple

from sessionlint.program.api import Program
from sessionlint.program.strings import HOLE
from sessionlint.program.values import Site
from sessionlint.rules.database_urls import FoundUrl, Url, created_url, given_urls


class _Changes(NamedTuple):
    """The URLs whose host or port ``set()`` replaces, with the parts it does, and those that are connected to.

    ``own`` are the parts of a URL that are written in the call that makes it.
    """

    replaced: tuple[tuple[Url, frozenset[str]], ...]
    used: tuple[tuple[Url, Site | None], ...]
    own: dict[Site | None, frozenset[str]]


def leads_elsewhere(program: Program, found: FoundUrl, part: str) -> bool:
    """Whether a part of a URL is only ever used with another value that is set in its place."""
    return all(_is_replaced(program, found, url, part) for url in found.urls)


def _is_replaced(program: Program, found: FoundUrl, url: Url, part: str) -> bool:
    changes = program.shared(_changes)
    if not any(part in parts and _is_same(url, before) for before, parts in changes.replaced):
        return False
    here = (found.function.path, found.span)
    others = (
        used
        for used, site in changes.used
        if found.before is not None or site == here or part not in changes.own.get(site, ())
    )
    return not any(_is_same(url, used) for used in others)


def _changes(program: Program) -> _Changes:
    replaced: list[tuple[Url, frozenset[str]]] = []
    own: dict[Site | None, frozenset[str]] = {}
    for event in program.events("external"):
        if event.name != "sqlalchemy.URL.create" or event.expr is None or event.expr[0] != "c":
            continue
        parts = frozenset(key for key, _ in event.expr[4] if key)
        changes = event.expr[2][0] == "a" and event.expr[2][3] == "set"
        own[event.site] = parts if changes else frozenset(("host", "port"))
        replaced.extend((created_url(program, atom), parts) for atom in event.value if atom.tag == "map")
    return _Changes(tuple(replaced), tuple(given_urls(program)) if replaced else (), own)


def _is_same(url: Url, other: Url) -> bool:
    """Whether two URLs may lead to the same host and port."""
    pairs = ((url.host, other.host), (url.port, other.port))
    return all(a == b or HOLE in (a or "") or HOLE in (b or "") for a, b in pairs)
