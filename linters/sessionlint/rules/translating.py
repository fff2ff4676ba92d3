"""Errors that stand for a failed statement: what a function raises in its place, and what ends a wait for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sessionlint.patterns import regex
from sessionlint.rules.failing import body_of, handled, types_of

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo

_DATABASE = regex(
    r"builtins\.(?:Base)?Exception$|sqlalchemy\.exc\.(?:SQLAlchemy|DBAPI|Integrity|Operational|Statement|Programming|Data"
    r"|Internal|Interface|Database|NotSupported|InvalidRequest|PendingRollback|Timeout|Disconnection)Error$"
    r"|sqlalchemy\.orm\.exc\.(?:FlushError|StaleDataError)$|(?:asyncpg|psycopg|psycopg2|sqlite3)\.(?:exceptions\.|errors\.)?\w+Error$"
)
_TIMEOUTS = {"builtins.TimeoutError", "asyncio.TimeoutError", "asyncio.exceptions.TimeoutError"}
_MAY_FAIL = {"use", "effect", "yield", "call"}
_MAX_NESTING = 5


def catches_database_errors(handler: Event) -> bool:
    """Whether an ``except`` clause names errors of the database, or catches everything."""
    return "bare" in handler.flags or any(a.tag == "ext" and _DATABASE.match(a.name) for a in types_of(handler))


def stands_for(program: Program, handler: Event, use: Event) -> Event | None:
    """The place where a failure of ``use``, in the ``try`` of ``handler``, becomes an error that it catches.

    That is the ``raise`` of another error in an ``except`` clause, in a callee or around the statement itself, or the
    ``asyncio.wait_for`` that cancels it.
    """
    caught, body = list(types_of(handler)), body_of(handler)
    around = [h for h in body if h.kind == "handler" and any(e.span == use.span for e in body_of(h))]
    calls = [e for e in body if e.kind == "call" and (e.span == use.span or "context" in e.flags)]
    return (
        _raised(program, around, caught)
        or next((r for e in calls if e.callee and (r := _translated(program, e.callee, caught, 0))), None)
        or (_cancelled(body, use) if any(a.tag == "ext" and a.name in _TIMEOUTS for a in caught) else None)
    )


def _translated(program: Program, function: FunctionInfo, caught: list[Any], nesting: int) -> Event | None:
    """The ``raise`` by which a function, or one that it calls, turns a database error into one of ``caught``.

    A context manager's own statement is its ``yield``; a decorator's is the call of what it is put around.
    """
    events = function.events
    handlers = [e for e in events if e.kind == "handler"]
    around = [e for wrapper in function.wrappers for e in wrapper.events if e.kind == "handler"]
    fallible = [h for h in (*handlers, *around) if any(e.kind in _MAY_FAIL for e in body_of(h))]
    found = _raised(program, fallible, caught)
    if found is not None or nesting >= _MAX_NESTING:
        return found
    kept = {e.span for h in handlers if "swallows" in h.flags and set(types_of(h)) & set(caught) for e in body_of(h)}
    below = (e.callee for e in events if e.kind == "call" and e.callee is not None and e.span not in kept)
    return next((r for callee in below if (r := _translated(program, callee, caught, nesting + 1))), None)


def _raised(program: Program, handlers: Iterable[Event], caught: list[Any]) -> Event | None:
    """The ``raise`` of one of ``caught`` in a clause for database errors."""
    raises = (e for h in handlers if catches_database_errors(h) for e in handled(h) if e.kind == "raise")
    return next((e for e in raises if any(_is_one_of(program, atom, caught) for atom in e.value)), None)


def _is_one_of(program: Program, raised: Any, caught: list[Any]) -> bool:
    if raised.tag in ("inst", "cls"):
        mro = program.solver.mro(raised.info)
        return any(c.tag == "cls" and c.info in mro for c in caught)
    return raised.tag == "ext" and any(c.tag == "ext" and c.name == raised.name.removesuffix("()") for c in caught)


def _cancelled(body: tuple[Event, ...], use: Event) -> Event | None:
    """The ``wait_for`` around a statement: it cancels it, and the connection's transaction is lost with it."""
    waits = (e for e in body if e.kind == "external" and e.name == "asyncio.wait_for")
    return next((e for e in waits if e.span[:2] <= use.span[:2] and use.span[2:] <= e.span[2:]), None)
