"""The literals that a container has, where all of it is told: what a name that is found in it may be."""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program import checked_sets, mapped
from sessionlint.program.frame import Frame
from sessionlint.program.values import Ext, Seq, Value, const, join_all

_DISPLAYS: Final = ("t", "l", "e", "d")
#: What is known of a literal that is not told.
ONE_OF: Value = (Ext("typing.Literal()"),)
#: The function that gives the literals of ``Literal[…]``, and what it gives.
_GIVES = Ext("typing.get_args")
OF_LITERAL: Value = (Seq((ONE_OF,), True),)


def among_literals(frame: Frame, among: ir.Expr) -> Value:
    """The literals that a container has, or what stands for the names of mapped columns that it has."""
    named = checked_sets.under_keys(among)
    if named is not None:
        return literals_under(frame.evaluate(named)) if is_fixed(frame, named) else ()
    among = checked_sets.container(among)
    if among[0] == "n" and not literals_in(frame.evaluate(among)):
        found: Value = ()  # before its whole function is looked through
    else:
        found = literals_in(frame.evaluate(among)) if is_fixed(frame, among) else ()
    return found or (ONE_OF if mapped.are_columns(frame, among) else ())


def is_fixed(frame: Frame, among: ir.Expr) -> bool:
    """Whether all is told of what a container has: it is written out, here or where a name gets it and nothing more."""
    if among[0] in _DISPLAYS:
        return _is_written(among)
    if among[0] == "c":
        # what it does has been told where the test was evaluated
        told = len(frame.events)
        called = frame.evaluate(among[2])
        del frame.events[told:]
        return called == (_GIVES,)
    if among[0] != "n" or among[2] not in frame.env:
        return among[0] in ("a", "n")
    if frame.env[among[2]] == OF_LITERAL:
        return True
    known = frame.written_once.get(among[2])
    if known is None:
        known = frame.written_once[among[2]] = _is_written_once(frame.function.body, among[2])
    return known


def _is_written(display: ir.Expr) -> bool:
    return display[0] in _DISPLAYS and all(item is not None and item[0] == "k" for item in display[2])


def _is_written_once(body: Any, name: str) -> bool:
    """Whether a function gives a name of its own one display of literals, and never changes that."""
    written = 0
    pending: list[Any] = [body]
    while pending:
        node = pending.pop()
        op = node[0] if node else None
        if op == "=" and len(node) == 4 and node[2] and node[2][0][0] == "n" and node[2][0][2] == name:
            if len(node[2]) > 1 or not _is_written(node[3]):
                return False
            written += 1
            continue
        if op == "x" and len(node) == 5 and type(node[3]) is tuple and node[3] and node[3][0] in ("in", "not in"):
            # what is only asked
            pending.append(node[2])
            continue
        if op == "n" and len(node) == 3 and node[2] == name:
            return False
        if (op == "f" and len(node) == 3) or (op == "!" and len(node) >= 3):
            # what is only shown
            continue
        pending.extend(child for child in node if type(child) is tuple)
    return written == 1


def literals_in(named: Value) -> Value:
    """The literals that a container has, when it has nothing else."""
    if len(named) != 1 or named[0].tag not in ("seq", "map"):
        return ()
    if named[0].tag == "map":
        names = [] if named[0].partial else [k for k, _ in named[0].items]
        return join_all([const(k) for k in names]) if all(isinstance(k, str) for k in names) else ()
    items = named[0].items
    if items == (ONE_OF,):
        return ONE_OF
    if named[0].many:
        return ()
    known = all(len(i) == 1 and i[0].tag == "const" and i[0].kind == "str" for i in items)
    return join_all(list(items)) if known else ()


def literals_under(named: Value) -> Value:
    """The literals that a dictionary has under its keys, when it has nothing else there."""
    if len(named) != 1 or named[0].tag != "map" or named[0].partial:
        return ()
    values = [v for _, v in named[0].items]
    known = all(len(v) == 1 and v[0].tag == "const" and v[0].kind == "str" for v in values)
    return join_all(values) if known else ()
