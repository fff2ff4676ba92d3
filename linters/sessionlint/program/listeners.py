"""What SQLAlchemy passes the functions that listen to its events: the session, or the connection that is in use."""

from __future__ import annotations

from typing import Final

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.knowledge import SESSION_EVENTS
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import UNKNOWN, Ext, Value, literal

DECORATOR: Final = "sqlalchemy.event.listens_for"
#: Events of tables and of mapped classes, whose listeners receive the connection second.
_CONNECTION_EVENTS: Final = frozenset(
    [f"{when}_{what}" for when in ("before", "after") for what in ("create", "drop", "insert", "update", "delete")]
)
_SESSION: Final = (Ext("sqlalchemy.orm.Session()"),)
_CONNECTION: Final = (Ext("sqlalchemy.Connection()"),)


def decorated(frame: Frame, info: FunctionInfo, decorator: ir.Expr) -> None:
    """``@event.listens_for(target, "after_create")``."""
    if decorator[0] == "c" and len(decorator[3]) == 2:
        _pass(frame, info, frame.evaluate(decorator[3][1]))


def listen(frame: Frame, args: list[Value], keywords: list[tuple[str, Value]], e: ir.Expr) -> Value:
    """``event.listen(target, "after_create", seed)``."""
    for atom in args[2] if len(args) > 2 else ():
        if atom.tag == "fn" and atom.receiver is None:
            frame.solver.want(atom.info)
            _pass(frame, atom.info, args[1])
    return UNKNOWN


def _pass(frame: Frame, info: FunctionInfo, named: Value) -> None:
    event = literal(named)
    if not isinstance(event, str):
        return
    if event in SESSION_EVENTS and info.params:
        frame.solver.flow(info, info.params[0][0], _SESSION)
    elif (
        event in _CONNECTION_EVENTS and len(info.params) > 1 and info.params[1][1] in (ir.KIND_POSONLY, ir.KIND_NORMAL)
    ):
        frame.solver.flow(info, info.params[1][0], _CONNECTION)
