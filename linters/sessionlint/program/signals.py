"""Signals (``blinker``): what is connected with one runs when it is sent."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import UNKNOWN, Ext, Fn, Method, Obj, PartialCall, Value, literal

Keywords = list[tuple[str, Value]]
SIGNAL = "blinker.Signal()"
_SENDS = ("send", "send_async")
_CALLED = frozenset({"fn", "partial", "method", "inst"})


def made(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``Signal()``: one of its own."""
    return (Obj(SIGNAL, frame.site(e[1])),)


def named(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``signal("sent")``: the same one wherever it is asked for by that name."""
    name = literal(args[0]) if args else None
    return (Obj(SIGNAL, (name, (0, 0, 0, 0))),) if isinstance(name, str) else made(frame, args, keywords, e)


def decorated(frame: Frame, info: FunctionInfo, signal: Any, method: str) -> None:
    """``@sent.connect``, ``@sent.connect_via(sender)``."""
    if method in ("connect", "connect_via"):
        _connect(frame, signal, (Fn(info),))


def call(frame: Frame, signal: Any, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """A method of a signal."""
    if name == "connect" and args:
        _connect(frame, signal, args[0])
        return args[0]
    if name == "connect_via":
        return (PartialCall((Method(signal, "connect"),), (), ()),)
    return _send(frame, signal, args, keywords, e) if name in _SENDS else UNKNOWN


def _connect(frame: Frame, signal: Any, receivers: Value) -> None:
    receivers = tuple([a for a in receivers if a.tag in _CALLED])
    frame.solver.write(("signal", signal.site), receivers)
    for atom in receivers:
        if atom.tag == "fn":
            frame.solver.want(atom.info)


def _send(frame: Frame, signal: Any, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """All that is connected runs, one after the other; what is a coroutine is awaited by the library."""
    given = [k for k in keywords if not k[0].startswith("_")]
    for receiver in frame.solver.read(("signal", signal.site)):
        for atom in frame.machine.call(frame, receiver, args, given, e):
            if atom.tag == "pending" and atom.kind == "coro":
                frame.machine.run_pending(frame, atom, e[1], e)
    return (Ext("blinker.results"),)


__all__ = ["SIGNAL", "call", "decorated", "made", "named"]
