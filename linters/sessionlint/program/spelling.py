"""Objects whose methods put a text together: each is told by what it was made with, and by what it was given later.

``Filter("name").clause()`` has the literal of this very object in it; what ``query.where(term)`` adds is told by the
place where the object was made, so that what one caller adds is in none of the others.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program.frame import Frame
from sessionlint.program.model import ClassInfo
from sessionlint.program.picking import ADDED
from sessionlint.program.values import UNKNOWN, Const, Ext, Operation, Param, Text, Value, join

#: Says that a field stands in such a text that nothing but its type is known of.
_FIELD: Value = (Const("field", "spelled"),)
_DECLARED = Ext("builtins.str()")
_MOST = 12
#: What a part of a query has in it, and a message or the name of something has not.
_OF_QUERIES = regex(
    r"[=<>]|\b(?:SELECT|INSERT|UPDATE|DELETE|FROM|WHERE|JOIN|ORDER|GROUP|HAVING|AND|OR|SET|VALUES|LIMIT|IN|LIKE|IS|ASC|DESC)\b"
    r"|\b(?:select|insert into|delete from|where|join|order by|group by)\b"
)


def note(frame: Frame) -> bool:
    """Whether the method gives a text with what its object holds in it; its class is told so."""
    owner = frame.function.class_info
    if owner is None or frame.function.parent is not None:
        return False
    stands: Value = UNKNOWN
    for atom in frame.returns:
        if atom.tag == "text" and atom.holes and (_OF_QUERIES.search(atom.text) or spelled(frame, owner)):
            for hole in atom.holes:
                stands = join(stands, _standing(frame, hole), _MOST)
    if stands:
        frame.solver.write(("spells", owner), stands)
    return bool(stands)


def note_sql(frame: Frame, texts: Iterable[Text]) -> None:
    """What stands in SQL that is run of what other objects were given: their classes are told so, too."""
    for hole in dict.fromkeys([h for t in texts for h in t.holes]):
        for param in _standing(frame, hole):
            if isinstance(param, Param):
                frame.solver.write(("spells", param.info.class_info), (param,))


def _standing(frame: Frame, hole: Any) -> Value:
    """The parameter of another method that a hole is, or is taken out of; a field of which only the type is known."""
    while hole.tag == "operation":
        hole = hole.receiver
    if hole == _DECLARED:
        return _FIELD
    is_kept = isinstance(hole, Param) and hole.info is not frame.function and hole.info.class_info is not None
    return (hole,) if is_kept else UNKNOWN


def is_part(frame: Frame, value: Value) -> bool:
    """Whether a constant of a module or class body is made with what reads like a part of a query."""
    if frame.function is not frame.module.body or not value:
        return False
    return all(a.tag == "const" and a.kind == "str" and bool(_OF_QUERIES.search(a.value)) for a in value)


def spelled(frame: Frame, info: ClassInfo) -> Value:
    """What stands in texts that methods of a class give: parameters through which an object got it."""
    found: Value = UNKNOWN
    for cls in frame.solver.mro(info):
        found = join(found, frame.solver.read(("spells", cls)), _MOST)
    return found


def added(frame: Frame, stands: Value, span: ir.Span4) -> tuple[tuple[Any, Value], ...]:
    """What stands in a new object for what its methods will be given: the same, of the object that is made here."""
    place = (Const(frame.site(span), "place"),)
    later = [a for a in stands if a.tag == "param" and a.info.params and a.info.name != "__init__"]
    return tuple([(param, (Operation(param, ADDED, place),)) for param in later])


__all__ = ["added", "is_part", "note", "note_sql", "spelled"]
