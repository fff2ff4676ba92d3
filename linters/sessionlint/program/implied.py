"""Calls that nobody writes: an object is put into a text, counted, gone through, made, assigned to.

What is called then happens here if it does anything that its caller needs to know of; most such methods only compute.
"""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program import memo as memory
from sessionlint.program import network
from sessionlint.program.frame import Frame
from sessionlint.program.guards import Guard
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import UNKNOWN, Const, Ext, Inst, Seq, Value, join_all

#: What puts an object into a text: the first that its class has.
_SHOWN: Final = ("__format__", "__str__", "__repr__")
_NUMBER: Final[Value] = (Ext("builtins.len()"),)


def acts(frame: Frame, atom: Any) -> bool:
    """Whether a function, or what it calls, has an effect that outlives its call."""
    if atom.tag == "fn":
        return does(frame, atom.info)
    if atom.tag == "partial":
        return any(acts(frame, inner) for inner in atom.function)
    if atom.tag == "inst":
        method = frame.solver.method(atom.info, "__call__")
        return method is not None and does(frame, method)
    return bool(atom.tag == "ext") and network.is_network(atom.name)


def does(frame: Frame, function: FunctionInfo) -> bool:
    """The same of a function itself."""
    summary = frame.solver.summary_of(function)
    return bool(summary.effects or summary.possible) or summary.forwards is not None


def run(frame: Frame, method: FunctionInfo, owner: Any, args: list[Value], e: ir.Expr) -> None:
    """Runs a method of an object that no call names."""
    if method is frame.function or method.is_async or not does(frame, method):
        return
    dead = frame.dead
    frame.machine.call(frame, frame.solver.bound(method, owner), args, [], e)
    frame.dead = dead


def declared(frame: Frame, param: Any) -> Inst | None:
    """The object of the project that a parameter is declared to be."""
    if param.info is not frame.function:
        frame.solver.remember(memory.SIGNATURE, param.info, param.info.signature)
    annotation = param.info.param_values.get(param.name)
    if annotation is None or len(annotation[0]) != 1 or annotation[0][0].tag != "cls":
        return None
    return Inst(annotation[0][0].info)


def shown(frame: Frame, value: Value, span: ir.Span4) -> None:
    """``f"{price}"``, ``"{}".format(price)``: an object says what it reads like."""
    for atom in value:
        if atom.tag == "inst" or atom.tag == "param":
            ask(frame, atom, _SHOWN, span)


def said(frame: Frame, value: Value, span: ir.Span4) -> Value:
    """The value with the texts that its objects read like in their place, where their classes say so."""
    shown(frame, value, span)
    for atom in value:
        if atom.tag == "inst":
            return join_all([_reading(frame, a, span) if a.tag == "inst" else (a,) for a in value])
    return value


def _reading(frame: Frame, atom: Inst, span: ir.Span4) -> Value:
    """The texts that the first of the methods gives that its class has; the object where that is not known."""
    for name in _SHOWN:
        method = frame.solver.method(atom.info, name)
        if method is not None:
            break
    else:
        return (atom,)
    if method is frame.function or method.is_async:
        return (atom,)
    dead, events = frame.dead, len(frame.events)
    args = [(Const("", "str"),)] if name == "__format__" else []
    given = frame.machine.call(frame, frame.solver.bound(method, atom), args, [], ("z", span, ()))
    # what it does has been told
    del frame.events[events:]
    frame.dead = dead
    return given if given and all(a.tag == "text" or a.tag == "const" for a in given) else (atom,)


def counted(frame: Frame, args: list[Value], keywords: list[tuple[str, Value]], e: ir.Expr) -> Value:
    """``len(basket)``."""
    for atom in args[0] if args else UNKNOWN:
        if atom.tag == "inst" or atom.tag == "param":
            ask(frame, atom, ("__len__",), e[1])
    return _NUMBER


def ask(frame: Frame, atom: Any, names: tuple[str, ...], span: ir.Span4) -> None:
    """Calls the first of these methods that an object has, or a parameter that is declared to be one."""
    owner = atom if atom.tag == "inst" else declared(frame, atom)
    if owner is None:
        return
    for name in names:
        method = frame.solver.method(owner.info, name)
        if method is not None:
            if atom is not owner:
                frame.guards.append(Guard(atom, "is", owner, True))
            run(frame, method, owner, [], ("z", span, ()))
            if atom is not owner:
                frame.guards.pop()
            return


def gone_through(frame: Frame, atom: Any, span: ir.Span4) -> Any:
    """``[*basket]``, ``list(basket)``: a list of what the object gives, or the atom where it does not say."""
    owner = atom if atom.tag == "inst" else declared(frame, atom)
    start = frame.solver.method(owner.info, "__iter__") if owner is not None else None
    if start is None or start is frame.function or start.is_async:
        return atom
    return Seq((frame.machine.element(frame, (atom,), span),), True)


__all__ = ["acts", "ask", "counted", "declared", "does", "gone_through", "run", "said", "shown"]
