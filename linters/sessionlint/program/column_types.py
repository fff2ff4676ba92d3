"""Types of columns that are another one on some databases."""

from __future__ import annotations

from sessionlint.program.values import UNKNOWN, Ext, Value, join

VARIANT = ".with_variant"
_DATABASE = "postgresql"


def on_postgresql(name: str, args: list[Value]) -> Value:
    """``BigInteger().with_variant(Integer(), "sqlite")``: the type on PostgreSQL, either where that cannot be told."""
    plain: Value = (Ext(name[: -len(VARIANT)]),)
    instead = args[0] if args else UNKNOWN
    dialects = [a.value if a.tag == "const" else None for value in args[1:] for a in value]
    if _DATABASE in dialects:
        return instead
    if len(args) < 2 or None in dialects or UNKNOWN in args[1:]:
        return join(plain, instead) if instead else UNKNOWN
    return plain
