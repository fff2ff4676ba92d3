"""Texts written piece by piece: ``io.StringIO`` holds what a list of its pieces would, joined."""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program import string_methods, strings
from sessionlint.program.frame import Frame
from sessionlint.program.targets import renew
from sessionlint.program.values import UNKNOWN, Ext, Map, Seq, Text, Value

#: The key under which such an object, a dictionary to the engine, keeps its pieces.
PIECES: Final = ("io.StringIO",)
METHODS: Final = frozenset({"write", "writelines", "getvalue", "read"})
_MAX_PIECES: Final = 40
_NOTHING: Final = Text("", False)
_PRINTED: Final[Value] = (Ext("builtins.print()"),)


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
    """``write`` adds to the buffer under all its names, in dictionaries, too; ``getvalue`` joins."""
    known = [a for a in buffer.get(PIECES) if isinstance(a, Seq)]
    held = Seq(tuple([i for s in known for i in s.items])[:_MAX_PIECES], any(s.many for s in known))
    if name in ("getvalue", "read"):
        return string_methods.method(frame, _NOTHING, "join", [(held,)], [], ("z", e[1], ()))
    if not args:
        return UNKNOWN
    added = [i for a in args[0] if a.tag == "seq" for i in a.items] if name == "writelines" else [args[0]]
    again = "loop" in frame.flags
    pieces = (*held.items, *[piece for piece in added if not again or piece not in held.items])[:_MAX_PIECES]
    grown = buffer._replace(items=((PIECES, (Seq(pieces, held.many or again),)),))
    renew(frame, (buffer,), (grown,))
    for variable, value in list(frame.env.items()):
        if buffer in value:
            frame.env[variable] = tuple([grown if a == buffer else a for a in value])
    return UNKNOWN


def printed(frame: Frame, args: list[Value], keywords: list[tuple[str, Value]], e: ir.Expr) -> Value:
    """``print(part, file=buffer)``: writes the line into the buffer."""
    named = dict(keywords)
    for atom in named.get("file", UNKNOWN):
        if isinstance(atom, Map) and is_buffer(atom):
            between = strings.texts_of(named["sep"])[:1] if "sep" in named else (Text(" ", False),)
            line = string_methods.joined_items(between, (Seq(tuple(args)),))
            end = named.get("end", (Text("\n", False),))
            call(frame, atom, "writelines", [(Seq((line, end)),)], e)
    return _PRINTED
