"""Names in a set that is written out where a test compares it: ``if bad := {sort, way} - NAMES: raise``.

Each of them is one of the literals where the comparison finds all of the set among these.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sessionlint.facts import ir

_SET: Final = "e"
_DISPLAYS: Final = ("t", "l", "e")
_WITHIN: Final = ("<=", "<")
_AROUND: Final = (">=", ">")
#: What makes the same names another container.
_SETS: Final = frozenset({"set", "frozenset", "list", "tuple", "sorted"})
#: What may be found among literals: names, attributes, names in another case.
_NAMED: Final = ("n", "a", "c")


class Told(NamedTuple):
    """What is compared, with what, and whether that is told where the condition holds or where it does not."""

    elements: tuple[ir.Expr, ...]
    whole: ir.Expr
    holds: bool


def told(test: ir.Expr) -> Told | None:
    """What a condition compares so: ``{sort} <= NAMES``, ``NAMES.issuperset([sort])``, ``{sort} - NAMES``."""
    op = test[0]
    if op == "b":
        return _told(test[3], test[4], False) if test[2] == "-" else None
    if op == "x":
        if len(test[3]) != 1:
            return None
        if test[3][0] in _WITHIN:
            return _told(test[2], test[4][0], True)
        return _told(test[4][0], test[2], True) if test[3][0] in _AROUND else None
    if op != "c" or test[2][0] != "a" or len(test[3]) != 1:
        return None
    method = test[2][3]
    if method == "issuperset":
        return _told(test[3][0], test[2][2], True, _DISPLAYS)
    if method == "issubset" or method == "difference":
        return _told(test[2][2], test[3][0], method == "issubset")
    return None


def _told(part: ir.Expr, whole: ir.Expr, holds: bool, displays: tuple[str, ...] = (_SET,)) -> Told | None:
    elements = tuple([e for e in part[2] if e[0] in _NAMED]) if part[0] in displays else ()
    return Told(elements, whole, holds) if elements else None


def names(e: ir.Expr) -> tuple[str, ...]:
    """The names that something is what is left of: ``{sort, payload.way} - NAMES``."""
    left = told(e)
    if left is None or left.holds:
        return ()
    found: list[str] = []
    for element in left.elements:
        while element[0] in ("a", "c"):
            element = element[2]
        if element[0] == "n":
            found.append(element[2])
    return tuple(found)


def under_keys(e: ir.Expr) -> ir.Expr | None:
    """The dictionary whose values are in a container: ``SORTS.values()``, ``set(SORTS.values())``."""
    e = container(e)
    asked = e[0] == "c" and e[2][0] == "a" and e[2][3] == "values" and not e[3] and not e[4]
    return e[2][2] if asked else None


def container(e: ir.Expr) -> ir.Expr:
    """What has the same names in it: ``NAMES`` of ``set(NAMES)``, ``SORTS`` of ``SORTS.keys()``."""
    while e[0] == "c" and not e[4]:
        if e[2][0] == "n" and e[2][2] in _SETS and len(e[3]) == 1:
            e = e[3][0]
        elif e[2][0] == "a" and e[2][3] == "keys" and not e[3]:
            e = e[2][2]
        else:
            break
    return e


__all__ = ["Told", "container", "names", "told", "under_keys"]
