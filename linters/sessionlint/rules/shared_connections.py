"""Connections that coroutines work on: like a session, one does one thing at a time.

asyncpg answers a second statement with "another operation is in progress", and SQLAlchemy's connections are made of
one; those of psycopg and aiosqlite let statements wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from sessionlint.program.api import Program
from sessionlint.program.values import CONNECTION, DRIVER, Site

_ASYNCPG: Final = "asyncpg."


def connections_in(program: Program, started: Iterable[Any]) -> Iterator[Any]:
    """The connections whose statements are started, or that are given to functions which run statements on them."""
    for atom in started:
        if atom.tag == "operation":
            worked_on = (atom.receiver,)
        elif atom.tag == "pending":
            used = {e.subject for e in atom.info.summary.effects if e.kind in ("use", "txn")}
            worked_on = tuple([a for key, value in atom.bindings if key in used for a in value])
        else:
            continue
        yield from (a for a in worked_on if _does_one_thing(program, a))


def _does_one_thing(program: Program, atom: Any) -> bool:
    """Whether it is a connection of SQLAlchemy's asyncio side, or of asyncpg."""
    kind = program.kind(atom)
    if kind == CONNECTION:
        return program.solver.is_async(atom)
    if kind != DRIVER:
        return False
    if atom.tag == "handle":
        return atom.site in program.shared(_by_asyncpg)
    views = program.solver.views(atom) if atom.tag in ("param", "injected") else (atom,)
    return bool(views) and all(_is_asyncpg(program, view) for view in views)


def _is_asyncpg(program: Program, view: Any) -> bool:
    if view.tag == "handle":
        return view.site in program.shared(_by_asyncpg)
    return bool(view.tag == "ext" and view.name.startswith(_ASYNCPG))


def _by_asyncpg(program: Program) -> frozenset[Site]:
    """Where asyncpg's connections are made."""
    made = (e for e in program.whole.events("create") if e.name == DRIVER)
    return frozenset(e.site for e in made if any(a.tag == "ext" and a.name.startswith(_ASYNCPG) for a in e.value))
