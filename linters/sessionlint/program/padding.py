"""Numbers filled up with zeros, ``f"{n:06d}"``: digits whatever they are of, and what numbered ids are made of."""

from __future__ import annotations

import re

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.values import UNKNOWN, Ext, Value, literal

#: What such a number is inside a text.
PADDED = "builtins.format()"
_NUMBER = Ext("builtins.int()")
_SPEC = re.compile(r"0\d+[dxX]\Z")


def formatted(frame: Frame, args: list[Value], keywords: list[tuple[str, Value]], e: ir.Expr) -> Value:
    """``format(value, spec)``; fields of f-strings that fill up with zeros are calls of it, too."""
    given = args[0] if args else UNKNOWN
    spec = literal(args[1]) if len(args) > 1 else None
    return padded(given, spec) if isinstance(spec, str) else given


def padded(value: Value, spec: str) -> Value:
    """A value as its format says: where it is nothing but some number, its digits."""
    if not _SPEC.match(spec) or any(a.tag != "param" and a != _NUMBER for a in value):
        return value
    return (Ext(PADDED),)
