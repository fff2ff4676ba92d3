"""What ``isinstance`` and ``case Order():`` ask of an argument: whether it is of one of the classes that they name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sessionlint.facts import ir
from sessionlint.program import row_classes
from sessionlint.program.values import Value, join_all

if TYPE_CHECKING:
    from sessionlint.program.frame import Frame

#: Types of which literals are, and of which no object of a plain class of the project is.
_LITERALS: Final = frozenset({"str", "int", "float", "bool", "bytes"})
_BUILTIN: Final = "builtins."
#: So many classes may have one below them in common with those that are asked for.
_MAX_RELATED: Final = 40


class Asked(NamedTuple):
    """The classes (``()``: not known), and those of which an object may be one of these, too.

    ``no_row``: no row is an instance of one of them.
    """

    no_row: bool
    classes: tuple[Any, ...]
    related: frozenset[Any]


def named_classes(frame: Frame, expr: ir.Expr) -> Value:
    """The classes that the second argument of ``isinstance`` names."""
    named = frame.evaluate(expr)
    return tuple(a for c in named for a in (join_all(list(c.items)) if c.tag == "seq" else (c,)))


def asked(frame: Frame, expr: ir.Expr, of_itself: bool) -> Asked | None:
    """What a test asks that names these classes; ``None`` where no argument could tell.

    ``of_itself``: the object is that whose method it is, which may be of any class below.
    """
    classes = named_classes(frame, expr)
    no_row = row_classes.rule_out(frame, classes)
    written = expr[2] if expr[0] == "t" else (expr,)
    known = not of_itself and all(frame.evaluate(one) for one in written)
    if not known or any(a.tag != "cls" and not _is_literals(a) for a in classes):
        return Asked(no_row, (), frozenset()) if no_row else None
    solver = frame.solver
    found = [a.info for a in classes if a.tag == "cls"]
    if any(b.endswith("Protocol") for info in found for b in solver.external_bases(info)):
        return Asked(no_row, (), frozenset()) if no_row else None
    below = [c for info in found for c in solver.subclasses(info)]
    related = frozenset([c for info in below for c in solver.mro(info)])
    if len(below) > _MAX_RELATED // 2 or len(related) > _MAX_RELATED:
        return Asked(no_row, (), frozenset()) if no_row else None
    return Asked(no_row, classes, related)


def _is_literals(atom: Any) -> bool:
    return bool(atom.tag == "ext" and atom.name.startswith(_BUILTIN) and atom.name[9:] in _LITERALS)


def is_of(wanted: Asked, atom: Any, mro: Callable[[Any], Sequence[Any]]) -> bool | None:
    """Whether an argument is an instance of one of the classes; ``None`` when that cannot be told."""
    if atom.tag == "const" and atom.value is None:
        return False
    if atom.tag == "row":
        return False if wanted.no_row else None
    if not wanted.classes:
        return None
    if atom.tag == "const":
        names = {a.name[9:] for a in wanted.classes if a.tag == "ext"}
        if atom.kind not in _LITERALS:
            return None
        return atom.kind in names or (atom.kind == "bool" and "int" in names)
    if atom.tag != "inst":
        return None
    above = mro(atom.info)
    if any(a.tag == "cls" and a.info in above for a in wanted.classes):
        return True
    if atom.info in wanted.related:
        return None
    # a class of the project may be one of texts or numbers
    literals = any(a.tag == "ext" for a in wanted.classes)
    return None if literals and any(b.tag != "cls" for c in above for b in c.bases) else False
