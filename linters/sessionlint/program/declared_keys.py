"""Dictionaries that are declared to have members of an enumeration, or some literals, as their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sessionlint.facts import ir
from sessionlint.program.values import UNKNOWN, Ext, Value

if TYPE_CHECKING:
    from sessionlint.program.frame import Frame

_LITERAL: Final = Ext("typing.Literal()")
#: What most dictionaries have as keys: nothing to look at.
_PLAIN: Final = frozenset({"str", "int", "float", "bool", "bytes", "Any", "object"})


class Members(NamedTuple):
    """The keys of such a dictionary: ``value`` is what each of them is."""

    value: Any
    tag: str = "members"


def of_annotation(frame: Frame, key: ir.Expr) -> Value:
    """The type of the keys in ``dict[Order, int]``, where it is one whose texts are written in the source."""
    if key[0] == "n" and key[2] in _PLAIN:
        return UNKNOWN
    declared = frame.evaluate(key)
    made = frame.solver.instances(declared)
    return declared if made and all(_is_written(frame, a) for a in made) else UNKNOWN


def _is_written(frame: Frame, atom: Any) -> bool:
    if atom == _LITERAL:
        return True
    return atom.tag == "inst" and any(b.startswith("enum.") for b in frame.solver.external_bases(atom.info))


def are_told(atom: Any) -> bool:
    """Whether a dictionary is one of these."""
    return atom.tag == "map" and any(isinstance(k, Members) for k, _ in atom.items)


__all__ = ["Members", "are_told", "of_annotation"]
