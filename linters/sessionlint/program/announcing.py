"""What callers learn of work that a function starts elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.program import captured, joining, threads
from sessionlint.program.frame import Frame
from sessionlint.program.model import Effect
from sessionlint.program.values import MAX_DEPTH, Pending, Value

_STARTS = threads.STARTS


def tell(
    frame: Frame, targets: Value, args: list[Value], e: ir.Expr, how: str = _STARTS.name, begins: bool = True
) -> None:
    """Callers learn that their function or session goes to the background, and that work ``begins`` there."""
    note = "it is handed to background work here" if how != joining.THREADED else "a thread that may go on gets it here"
    called = tuple(f for a in targets if a.tag == "partial" for f in a.function)
    for atom in (*targets, *called, *(a for v in args for a in _handed_over(v))):
        if atom.tag in ("param", "injected"):
            frame.effect(Effect("schedule", how, atom), e[1], note)
        elif isinstance(atom, Pending):
            for _, value in atom.bindings:
                for inner in _handed_over(value):
                    if inner.tag in ("param", "injected"):
                        frame.effect(Effect("schedule", how, inner), e[1], note)
        if frame.function.children and atom.tag in ("fn", "pending"):
            for param in captured.handed_on(frame.function, atom.info):
                frame.effect(Effect("schedule", threads.INSIDE if how == _STARTS.name else how, param), e[1], note)
    if begins and how != joining.THREADED:
        frame.effect(_STARTS, e[1], "background work is started here")


def _handed_over(value: Value, depth: int = MAX_DEPTH) -> Iterator[Any]:
    """The atoms of an argument, and of the lists and dictionaries that it is: ``kwargs={"row": row}``."""
    for atom in value:
        yield atom
        inner = atom.items if atom.tag == "seq" else [v for _, v in atom.items] if atom.tag == "map" else ()
        for item in inner if depth else ():
            yield from _handed_over(item, depth - 1)
