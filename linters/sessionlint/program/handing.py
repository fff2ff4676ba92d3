"""Queues of a module: what one function puts in, a function that goes on when the first has ended takes out."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.values import UNKNOWN, Ext, Obj, Seq, Value, contained

Keywords = list[tuple[str, Value]]
QUEUE = "asyncio.Queue()"
PUTS = ("put", "put_nowait")
_TAKES = ("get", "get_nowait")
_HELD = ("session", "connection")


def made(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``asyncio.Queue()``: one that outlives every call is told from others, which are lists to the engine."""
    return (Obj(QUEUE, frame.site(e[1])),) if frame.function is frame.module.body else (Seq(()),)


def made_for_threads(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``queue.Queue()``: that of a call is a list to the engine."""
    return (Ext("queue.Queue()"),) if frame.function is frame.module.body else (Seq(()),)


def is_put(e: ir.Expr, callees: Value) -> bool:
    """Whether something is put into a queue that is a list to the engine."""
    return e[2][3] in PUTS and any(c.tag == "method" and c.receiver.tag == "seq" for c in callees)


def call(frame: Frame, queue: Any, name: str, args: list[Value], e: ir.Expr) -> Value:
    """A method of such a queue; what it gives is left open."""
    if name in _TAKES:
        frame.emit("taken", e[1], name=name, subject=(queue,), expr=e)
    elif name in PUTS and args and any(_is_told(frame, a) for a in contained(args[0])):
        frame.emit("handed", e[1], name=name, subject=(queue,), args=(args[0],), expr=e)
    return UNKNOWN


def _is_told(frame: Frame, atom: Any) -> bool:
    """Whether rules go by what is put in: a session, or a function that who takes it out calls."""
    return atom.tag == "fn" or frame.solver.kind_of(atom) in _HELD


__all__ = ["QUEUE", "call", "is_put", "made", "made_for_threads"]
