"""Texts written piece by piece: ``io.StringIO`` holds what a list of its pieces would, joined."""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program import strings
from sessionlint.program.frame import Frame
from sessionlint.program.targets import renew
from sessionlint.program.values import UNKNOWN, Map, Seq, Text, Value

#: The key under which such an object, a dictionary to the engine, keeps its pieces.
PIECES: Final = ("io.StringIO",)
METHODS: Final = frozenset({"write", "writelines", "getvalue", "read"})
_MAX_PIECES: Final = 40
_NOTHING: Final = Text("", False)


def is_buffer(atom: Any) -> bool:
    """Whether an atom stands for a buffer of text."""
    return bool(atom.tag == "map" and atom.get(PIECES) is not None)


def make(frame: Frame, args: list[Value], keywords: list[tuple[str, Value]], e: ir.Expr) -> Value:
    """``StringIO()``, or with the text that it holds from the start."""
    site = frame.site(e[1])
    frame.made.add(site)
    first = args[0] if args else dict(keywords).get("initial_value", UNKNOWN)
    return (Map(((PIECES, (Seq((first,) if args or first else ()),)),), True, site),)


def call(frame: Frame, buffer: Map, name: str, args: list[Value], e: ir.Expr) -> Value:
    """``write`` adds to the buffer of the variable it is called on, and to its other names; ``getvalue`` joins."""
    (held,) = buffer.get(PIECES)
    if name in ("getvalue", "read"):
        return strings.method(frame, _NOTHING, "join", [(held,)], [], ("z", e[1], ()))
    if not args:
        return UNKNOWN
    added = [i for a in args[0] if a.tag == "seq" for i in a.items] if name == "writelines" else [args[0]]
    again = "loop" in frame.flags
    pieces = (*held.items, *[piece for piece in added if not again or piece not in held.items])[:_MAX_PIECES]
    grown = buffer._replace(items=((PIECES, (Seq(pieces, held.many or again),)),))
    renew(frame, (buffer,), (grown,))
    if e[0] == "c" and e[2][0] == "a" and e[2][2][0] == "n" and e[2][2][2] in frame.env:
        written = e[2][2][2]
        frame.env[written] = tuple([grown if a == buffer else a for a in frame.env[written]])
    return UNKNOWN
