"""What is taken out of a parameter, in texts that it is put into: only callers know what it is.

``record["name"]`` of a parameter is nothing known, nor is each of its elements, and both stay that everywhere else; in
a text it is a hole that says where to look in what a call passes. The same spelled otherwise (``name.upper()``) is the
same as far as literals go.
"""

from __future__ import annotations

from sessionlint.facts import ir
from sessionlint.program import checked_by_makers, listed
from sessionlint.program.frame import Frame
from sessionlint.program.values import UNKNOWN, Const, Operation, Value, const, join, join_all, literal

#: The operation that stands in a hole for an entry of a parameter; its result is the key.
ENTRY = "entry"
#: The operation that stands there for what one object was given through a parameter; its result is where it was made.
ADDED = "added"
LATER: tuple[str, ...] = (ENTRY, ADDED)
#: Stands for the key of each of its elements.
EACH = Const("each", "element")
#: What an empty list leaves of a text is the text.
_NONE: Value = const("")
#: Methods that spell a text otherwise; what they replace is written out.
SPELLINGS = frozenset({
    "strip", "lstrip", "rstrip", "lower", "upper", "title", "capitalize", "casefold", "removeprefix", "removesuffix",
    "replace",
})  # fmt: skip
_OF_TEXT = ("builtins.str().", "builtins.bool().")
#: Expressions that may take something out.
_TAKES = ("i", "c")


def note(frame: Frame, name: str, value: Value, source: ir.Expr | None) -> None:
    """``name = record["name"]``: remembers what an unknown value was taken out of."""
    if not value and source is not None and source[0] in _TAKES:
        found = _entry(frame, source)
        if found:
            frame.picked[name] = found


def note_each(frame: Frame, target: ir.Expr, iterable: Value) -> None:
    """``for name in names``: remembers that an unknown value is an element of a parameter."""
    if len(iterable) == 1 and target[0] == "n" and not frame.env.get(target[2]):
        given = iterable[0]
        if given.tag == "param" or (given.tag == "operation" and given.name in LATER):
            frame.picked[target[2]] = (Operation(given, ENTRY, (EACH,)),)


def known(frame: Frame, expr: ir.Expr, value: Value) -> Value:
    """The value of an expression that goes into a text; for an entry of a parameter the hole that says so."""
    if expr[0] == "c" and expr[2][0] == "a" and expr[2][3] in SPELLINGS:
        return _spelled(frame, expr, value)
    if expr[0] == "a":
        return checked_by_makers.of_own(frame, expr, listed.of_attribute(frame, expr, value) if frame.facts else value)
    if value:
        return value
    if expr[0] == "c" and expr[2][0] == "n" and expr[2][2] == "str" and len(expr[3]) == 1:
        return known(frame, expr[3][0], UNKNOWN)
    return frame.picked.get(expr[2], UNKNOWN) if expr[0] == "n" else _entry(frame, expr)


def known_items(frame: Frame, expr: ir.Expr, value: Value) -> Value:
    """The same of what a list that is written out has in it."""
    if expr[0] not in ("l", "t") or len(value) != 1 or value[0].tag != "seq" or len(value[0].items) != len(expr[2]):
        return value
    items = [i or known(frame, part, i) for part, i in zip(expr[2], value[0].items, strict=True)]
    return (value[0]._replace(items=tuple(items)),)


def _spelled(frame: Frame, expr: ir.Expr, value: Value) -> Value:
    """``name.upper()`` of a parameter or what was taken out of one; ``str(name).upper()``, too."""
    base = expr[2][2]
    if base[0] == "c" and len(base[3]) == 1 and base[2][0] == "n" and base[2][2] == "str" and not base[4]:
        base = base[3][0]
    if base[0] != "n" or expr[4] or any(a[0] != "k" for a in expr[3]):
        return value
    if any(a.tag not in ("const", "text") and not (a.tag == "ext" and a.name.startswith(_OF_TEXT)) for a in value):
        return value
    given = frame.env.get(base[2], UNKNOWN)
    if len(given) == 1 and given[0].tag == "param":
        return given
    return value or frame.picked.get(base[2], UNKNOWN)


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
    if len(given) == 1 and (given[0].tag == "param" or (given[0].tag == "operation" and given[0].name in LATER)):
        return _taken(given, key)
    if key[0] == EACH:
        return _each(given)
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


def _each(given: Value) -> Value:
    """The elements of what is passed; unknown unless all of them are told."""
    out: Value = UNKNOWN
    for atom in given:
        if atom.tag == "map" and not atom.partial and all(isinstance(k, str) for k, _ in atom.items):
            out = join(out, join_all([const(k) for k, _ in atom.items]))
        elif atom.tag == "seq" and all(atom.items):
            out = join(out, join_all(list(atom.items)) if atom.items else _NONE)
        else:
            return UNKNOWN
    return out
