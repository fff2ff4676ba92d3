"""The servers that drivers are told by keyword: ``psycopg2.connect(host="db.….supabase.co", user="postgres")``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program.values import Map, const
from sessionlint.rules.database_urls import FoundUrl, created_url

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event

_MADE = frozenset({"driver connection", "driver pool"})
_POSTGRES = regex(r"(?:asyncpg|psycopg\w*|aiopg|pg8000)\.")
#: What drivers call the parts of a URL.
_PARTS = {"user": "username", "password": "password", "host": "host", "port": "port", "database": "database"}
#: Keywords that hold a whole URL, or all of the parts.
_WHOLE = ("dsn", "conninfo")


def told_servers(program: Program) -> Iterator[FoundUrl]:
    """The servers of PostgreSQL that a driver is told in keywords of its own, as URLs."""
    for event in program.events("create"):
        if event.name not in _MADE or program.role(event.function) in ("test", "migration") or not _is_told(event):
            continue
        if any(a.tag == "ext" and _POSTGRES.match(a.name) for a in event.value):
            named = tuple([(_PARTS.get(name, name), value) for name, value in event.keywords])
            url = created_url(program, Map((("drivername", const("postgresql")), *named)))
            yield FoundUrl(event.function, event.span, (url,), dict(_spans(event)))


def _is_told(event: Event) -> bool:
    """Whether a host is named, and no URL beside it: the numbers of a pool's connections come before it."""
    named = {name for name, _ in event.keywords}
    numbers = all(a.tag == "const" and a.kind == "int" for value in event.args for a in value)
    return "host" in named and numbers and named.isdisjoint(_WHOLE)


def _spans(event: Event) -> Iterator[tuple[str, ir.Span4]]:
    if event.expr is not None and event.expr[0] == "c":
        yield from ((_PARTS[name], value[1]) for name, value in event.expr[4] if name in _PARTS)


__all__ = ["told_servers"]
