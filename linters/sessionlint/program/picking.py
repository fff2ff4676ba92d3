"""What is taken out of a parameter under a literal key, in texts that it is put into: only callers know what it is.

``record["name"]`` of a parameter is nothing known, and stays that everywhere else; in a text it is a hole that says
where to look in what a call passes.
"""

from __future__ import annotations

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.values import UNKNOWN, Operation, Value, const, join, literal

#: The operation that stands in a hole for an entry of a parameter; its result is the key.
ENTRY = "entry"
#: Expressions that may take something out.
_TAKES = ("i", "c")


def note(frame: Frame, name: str, value: Value, source: ir.Expr | None) -> None:
    """``name = record["name"]``: remembers what an unknown value was taken out of."""
    if not value and source is not None and source[0] in _TAKES:
        found = _entry(frame, source)
        if found:
            frame.picked[name] = found


def known(frame: Frame, expr: ir.Expr, value: Value) -> Value:
    """The value of an expression that goes into a text; for an entry of a parameter the hole that says so."""
    if value:
        return value
    return frame.picked.get(expr[2], UNKNOWN) if expr[0] == "n" else _entry(frame, expr)


def _entry(frame: Frame, expr: ir.Expr) -> Value:
    """``record["name"]`` or ``record.get("name")`` of a parameter."""
    if expr[0] == "i":
        base, key = expr[2], expr[3]
    elif expr[0] == "c" and len(expr[3]) == 1 and expr[2][0] == "a" and expr[2][3] == "get":
        base, key = expr[2][2], expr[3][0]
    else:
        return UNKNOWN
    if base[0] != "n" or key[0] != "k" or not isinstance(key[2], str | int):
        return UNKNOWN
    given = frame.env.get(base[2], UNKNOWN)
    return _taken(given, const(key[2])) if len(given) == 1 and given[0].tag == "param" else UNKNOWN


def _taken(given: Value, key: Value) -> Value:
    return (Operation(given[0], ENTRY, key),)


def filled(key: Value, given: Value) -> Value:
    """What stands under the key in what is passed; unknown unless all that may be passed has it."""
    wanted = literal(key)
    if len(given) == 1 and given[0].tag == "param":
        return _taken(given, key)
    out: Value = UNKNOWN
    for atom in given:
        held: Value | None = None
        if atom.tag == "map":
            held = atom.get(wanted)
        elif atom.tag == "seq" and isinstance(wanted, int) and not atom.many and 0 <= wanted < len(atom.items):
            held = atom.items[wanted]
        if not held:
            return UNKNOWN
        out = join(out, held)
    return out
