"""Listeners of SQLAlchemy's events: what they receive, and those that it calls before it connects."""

from __future__ import annotations

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


def listen(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``event.listen(engine, "do_connect", function)``: nothing calls the function in sight."""
    if len(args) > 2 and literal(args[1]) == CONNECTING:
        for atom in args[2]:
            if atom.tag == "fn":
                frame.solver.want(atom.info)
    return UNKNOWN


def decorated(frame: Frame, info: FunctionInfo, decorator: ir.Expr) -> None:
    """``@event.listens_for(target, "name")``: what the function receives, and what it listens to."""
    event = literal(frame.evaluate(decorator[3][1]))
    if isinstance(event, str) and event in knowledge.SESSION_EVENTS:
        frame.solver.flow(info, info.params[0][0], (Ext("sqlalchemy.orm.Session()"),))
    elif event == CONNECTING:
        info.eager = True
        given = tuple(frame.evaluate(value) for value in decorator[3])
        options = tuple((key, frame.evaluate(value)) for key, value in decorator[4] if key)
        frame.emit("external", decorator[1], name=LISTEN, args=(*given, (Fn(info),)), keywords=options, expr=decorator)
