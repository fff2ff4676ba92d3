"""Numbers filled up with zeros, ``f"{n:06d}"``: digits whatever they are of, and what numbered ids are made of.

So are UUIDs that a field leaves some digits of: ``f"{uuid4().hex:.8}"``.
"""

from __future__ import annotations

from sessionlint.facts import ir
from sessionlint.facts.number_formats import cuts_to
from sessionlint.patterns import regex
from sessionlint.program.frame import Frame
from sessionlint.program.values import UNKNOWN, Ext, Value, literal

#: What such a number is inside a text.
PADDED = "builtins.format()"
_NUMBER = Ext("builtins.int()")
_UUIDS = "uuid.uuid"
_DIGITS_OF_UUID = 32
_SPEC = regex(r"0\d+[dxX]\Z")


def formatted(frame: Frame, args: list[Value], keywords: list[tuple[str, Value]], e: ir.Expr) -> Value:
    """``format(value, spec)``; fields of f-strings that fill up with zeros are calls of it, too."""
    given = args[0] if args else UNKNOWN
    spec = literal(args[1]) if len(args) > 1 else None
    return padded(given, spec) if isinstance(spec, str) else given


def padded(value: Value, spec: str) -> Value:
    """A value as its format says: where it is nothing but some number, its digits; of a UUID what is left of it."""
    left = cuts_to(spec) if "." in spec else None
    if left is not None and left < _DIGITS_OF_UUID:
        return tuple([Ext(f"{a.name}[]") if a.tag == "ext" and a.name.startswith(_UUIDS) else a for a in value])
    if not _SPEC.match(spec) or any(a.tag != "param" and a != _NUMBER for a in value):
        return value
    return (Ext(PADDED),)
