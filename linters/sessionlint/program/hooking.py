"""Listeners of SQLAlchemy's events: what they receive, and those that it calls before it connects."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import knowledge
from sessionlint.program.frame import Frame
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import UNKNOWN, Ext, Fn, Value, literal

Keywords = list[tuple[str, Value]]
#: What puts a function to an event, as a call and as a decorator.
LISTEN, LISTENS_FOR = "sqlalchemy.event.listen", "sqlalchemy.event.listens_for"
#: The event whose listeners receive the arguments of a connection last.
CONNECTING = "do_connect"
#: Events of tables and of mapped classes, whose listeners receive the connection that is in use second.
_CONNECTION_EVENTS = frozenset(
    [f"{when}_{what}" for when in ("before", "after") for what in ("create", "drop", "insert", "update", "delete")]
)
#: Events of pools, whose listeners receive second what the pool keeps beside the driver's connection.
_POOL_EVENTS = frozenset(["connect", "first_connect", "checkout", "checkin", "reset", "soft_invalidate", "invalidate"])
RECORD = "sqlalchemy.pool.ConnectionPoolEntry()"
#: Events that happen before the transaction has ended in which rows are written.
_INSIDE = frozenset(
    ["before_flush", "after_flush", "after_flush_postexec", "before_commit", "after_begin"]
    + [f"{when}_{what}" for when in ("before", "after") for what in ("insert", "update", "delete")]
)


def listen(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``event.listen(engine, "do_connect", function)``: nothing calls the function in sight."""
    event = literal(args[1]) if len(args) > 2 else None
    for atom in args[2] if isinstance(event, str) else ():
        if atom.tag == "fn" and event == CONNECTING:
            frame.solver.want(atom.info)
        elif atom.tag == "fn" and atom.receiver is None:
            _pass(frame, atom.info, event)
            if event in _POOL_EVENTS:
                frame.solver.want(atom.info)
            if event in _INSIDE:
                frame.solver.want(atom.info)
                frame.emit("listens", e[1], name=event, value=(atom,), expr=e)
    return UNKNOWN


def decorated(frame: Frame, info: FunctionInfo, decorator: ir.Expr) -> None:
    """``@event.listens_for(target, "name")``: what the function receives, and what it listens to."""
    event = literal(frame.evaluate(decorator[3][1]))
    _pass(frame, info, event)
    if event in _POOL_EVENTS:
        info.eager = True
    if event in _INSIDE:
        info.eager = True
        frame.emit("listens", decorator[1], name=event, value=(Fn(info),), expr=decorator)
    if event == CONNECTING:
        info.eager = True
        given = tuple(frame.evaluate(value) for value in decorator[3])
        options = tuple((key, frame.evaluate(value)) for key, value in decorator[4] if key)
        frame.emit("external", decorator[1], name=LISTEN, args=(*given, (Fn(info),)), keywords=options, expr=decorator)


def _pass(frame: Frame, info: FunctionInfo, event: Any) -> None:
    """What every listener to an event receives by its place."""
    taken = [p[0] for p in info.params if p[1] == ir.KIND_POSONLY or p[1] == ir.KIND_NORMAL]
    if event in knowledge.SESSION_EVENTS and taken:
        frame.solver.flow(info, taken[0], (Ext("sqlalchemy.orm.Session()"),))
    elif event in _CONNECTION_EVENTS and len(taken) > 1:
        frame.solver.flow(info, taken[1], (Ext("sqlalchemy.Connection()"),))
    elif event in _POOL_EVENTS and len(taken) > 1:
        frame.solver.flow(info, taken[1], (Ext(RECORD),))
