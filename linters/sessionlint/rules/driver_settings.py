"""How a driver of PostgreSQL is told to connect: by a URL, a text of ``key=value`` pairs, or arguments of the call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sessionlint.patterns import regex
from sessionlint.program.strings import HOLE, texts_of
from sessionlint.program.values import UNKNOWN_KEYWORDS, Map, Value
from sessionlint.rules.branches import for_tests
from sessionlint.rules.database_urls import Url, urls_in
from sessionlint.rules.engine_settings import EngineCall, resolved, stands_in

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event

_DRIVERS = ("asyncpg.", "psycopg.", "psycopg2.", "psycopg_pool.", "aiopg.", "pg8000.")
_MADE = ("driver connection", "driver pool")
_TEXTS = ("dsn", "conninfo")
#: What may say more of the connection than the call shows.
_ELSEWHERE = frozenset({"kwargs", "connect", "service", "passfile", UNKNOWN_KEYWORDS})
_PAIR = regex(r"(\w+)\s*=\s*('[^']*'|\S+)")


def driver_calls(program: Program) -> Iterator[EngineCall]:
    """The calls by which a driver connects or makes a pool, outside tests and migrations, as those of engines."""
    for event in program.events("create"):
        connects = event.name in _MADE and any(a.tag == "ext" and a.name.startswith(_DRIVERS) for a in event.value)
        exempt = not connects or program.role(event.function) in ("test", "migration")
        if not exempt and not stands_in(program, event, for_tests):
            yield _read(program, event)


def _read(program: Program, event: Event) -> EngineCall:
    options = dict(event.keywords)
    first = event.args[0] if event.args else next((options[k] for k in _TEXTS if k in options), ())
    host = options.get("host")
    if host is not None:
        found = [Url("postgresql", None, None, h, None) for h in _hosts(resolved(program, host))]
    else:
        found = [*urls_in(program, first), *_of_pairs(resolved(program, first))]
    urls = tuple(dict.fromkeys(found))
    known = _ELSEWHERE.isdisjoint(options)
    given = (Map(tuple(options.items()), not known),)
    return EngineCall(event, urls, bool(urls), options, given, known, known, False, direct=True)


def _hosts(value: Value) -> list[str]:
    return [t.text for t in texts_of(value)] if value and all(a.tag in ("const", "text") for a in value) else [HOLE]


def _of_pairs(value: Value) -> Iterator[Url]:
    """``host=db.example.com sslmode=require``."""
    for text in (t.text for t in texts_of(value)):
        pairs = {key: given.strip("'") for key, given in _PAIR.findall(text)} if "://" not in text else {}
        if "host" in pairs:
            query = tuple((k, v) for k, v in pairs.items() if k.startswith("ssl"))
            yield Url("postgresql", None, None, pairs["host"], None, query)
