"""Context managers of a session module from which somebody takes a connection to make the tables."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from sessionlint.infer.sources import Source
from sessionlint.program.api import Program
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.values import Site

#: Methods of a ``MetaData`` that make the tables, and take them away.
_TABLES = frozenset({"create_all", "drop_all"})
_WORKS = frozenset({"use", "escape"})
_KEEPS = frozenset({"txn", "store", "setattr", "return", "yield"})


def is_for_tables(program: Program, source: Source) -> bool:
    """Whether one who uses a source makes tables on its connections, as an application does when it starts.

    Whoever else uses it takes nothing from that: more use makes it no less the module's way to a connection.
    """
    made = program.shared(_made)
    return any(_makes_tables(program, user, source.function, made) for user in source.users)


def _made(program: Program) -> frozenset[Site]:
    """Where a connection makes the tables: ``connection.run_sync(x.create_all)``, ``x.create_all(connection)``."""
    return frozenset(e.site for e in program.events(*_WORKS) if _names_tables(e))


def _names_tables(event: Event) -> bool:
    call = event.expr
    if call is None or call[0] != "c":
        return False
    return any(part[0] == "a" and part[3] in _TABLES for part in (call[2], *call[3]))


def _makes_tables(program: Program, user: FunctionInfo, source: FunctionInfo, made: AbstractSet[Site]) -> bool:
    given = {a for e in user.events if e.kind == "obtain" and e.callee is source for a in e.subject}
    done: list[Site | None] = []
    for event in user.events:
        if given.isdisjoint((*event.subject, *event.value)):
            continue
        if event.kind in _KEEPS:
            return False
        if event.kind in _WORKS:
            done.append(event.site)
        elif event.kind == "effect" and event.callee is not None and event.effect is not None:
            done.append(program.effect_site(event.callee, event.effect))
    return bool(done) and all(site in made for site in done)
