"""Connections that coroutines work on: like a session, one does one thing at a time.

asyncpg answers a second statement with "another operation is in progress", and SQLAlchemy's connections are made of
one; those of psycopg and aiosqlite let statements wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from sessionlint.program.api import Program
from sessionlint.program.values import CONNECTION, DRIVER, POOL, Site

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
    return _is_asyncpg(program, atom, program.shared(_by_asyncpg))


def _is_asyncpg(program: Program, atom: Any, made: frozenset[Site]) -> bool:
    """Whether a connection or pool is asyncpg's, whatever it may be: of handles the place tells where they are made."""
    views = program.solver.views(atom) if atom.tag in ("param", "injected") else (atom,)
    for view in views:
        if view.tag == "handle":
            # a function hands out the one that it makes
            if view.root not in made:
                return False
        elif view.tag != "ext" or not view.name.startswith(_ASYNCPG):
            return False
    return bool(views)


def _by_asyncpg(program: Program) -> frozenset[Site]:
    """Where asyncpg's connections are made, or taken out of a pool of its."""
    pools = _made(program, POOL, frozenset())
    return _made(program, DRIVER, pools)


def _made(program: Program, kind: str, pools: frozenset[Site]) -> frozenset[Site]:
    """Where handles of a kind are made by a function of asyncpg's, or by one of its pools."""
    made = (e for e in program.whole.events("create") if e.name == kind)
    return frozenset([e.site for e in made if any(_is_asyncpg(program, a, pools) for a in e.value)])
