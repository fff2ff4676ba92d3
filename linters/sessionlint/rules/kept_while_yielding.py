"""Sessions that a context manager keeps on its object while it hands them out, and that nobody takes away again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.values import Value

_TAKE_OUT = frozenset({"remove", "discard", "pop", "clear"})


def stays(event: Event, held: Value) -> bool:
    """Whether the object still has the session of ``event`` when the block that it is handed out to has ended.

    One that is set up by the block (``yield self``, a bare ``yield``) is left with it; one that also hands the
    session out is not, and whoever asks it for one next gets a closed one.
    """
    function = event.function
    if not function.is_context_manager or not any(a in event.open_sessions for a in held):
        return False
    handed = [e for e in function.events if e.kind == "yield" and e.span > event.span and set(e.value) & set(held)]
    return bool(handed) and not any(_takes_away(function, event.text, e.span) for e in handed)


def _takes_away(function: FunctionInfo, kept: str, after: ir.Span4) -> bool:
    attribute = kept.rpartition(".")[2]
    later = [e for e in function.events if e.span > after]
    for event in later:
        if event.kind == "setattr" and event.name == attribute:
            return True
        below = event.callee.events if event.kind == "call" and event.callee is not None else ()
        if any(e.kind == "setattr" and e.name == attribute for e in below):
            return True
    return any(
        target[0] == "a" and target[3] == attribute
        for statement in _deletions(ir.body_of(function.facts))
        for target in statement[2]
    )


def takes_out(function: FunctionInfo, kept: str) -> bool:
    """Whether a function takes something out of the container again that it has put it into."""
    name = kept.partition("[")[0]
    body = ir.body_of(function.facts)
    if any(t[0] == "i" and ir.text_of(t[2]) == name for statement in _deletions(body) for t in statement[2]):
        return True
    return any(
        call[2][0] == "a" and call[2][3] in _TAKE_OUT and ir.text_of(call[2][2]) == name for call in _calls(body)
    )


def _calls(node: Any) -> Iterator[ir.Expr]:
    for child in node:
        if type(child) is tuple and child:
            if child[0] == "c" and len(child) == 5:
                yield child
            yield from _calls(child)


def _deletions(node: Any) -> Iterator[ir.Stmt]:
    for child in node:
        if type(child) is tuple and child:
            if child[0] == "del" and len(child) == 3:
                yield child
            yield from _deletions(child)
