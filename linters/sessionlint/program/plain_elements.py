"""What is declared to hold numbers, UUIDs or some literals: ``ids: list[int]``, ``counts: dict[UUID, int]``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sessionlint.facts import ir
from sessionlint.program import memo as memory
from sessionlint.program import texts
from sessionlint.program.values import UNKNOWN, Value

if TYPE_CHECKING:
    from sessionlint.program.frame import Frame

#: What most dictionaries have as keys: nothing to look at.
_NO_KEYS: Final = frozenset({"str", "float", "bool", "bytes", "Any", "object"})


def are_plain(value: Value) -> bool:
    """Whether whatever a declared element is, no foreign text can be in it."""
    return bool(value) and all(_is_plain(a) for a in value)


def _is_plain(atom: Any) -> bool:
    if atom.tag == "seq":
        return all(are_plain(item) for item in atom.items)
    return atom.tag == "ext" and texts.is_harmless(atom.name)


def keys_of(frame: Frame, key: ir.Expr) -> Value:
    """The type of the keys in ``dict[Order, int]``, ``dict[UUID, int]``, where their texts carry nothing foreign."""
    if key[0] == "n" and key[2] in _NO_KEYS:
        return UNKNOWN
    named = frame.evaluate(key)
    made = frame.solver.instances(named)
    return named if made and all(_is_plain_key(frame, a) for a in made) else UNKNOWN


def _is_plain_key(frame: Frame, atom: Any) -> bool:
    if atom.tag == "inst":
        return any(b.startswith("enum.") for b in frame.solver.external_bases(atom.info))
    return atom.tag == "ext" and texts.is_harmless(atom.name)


def declared(frame: Frame, param: Any) -> Value:
    """The lists that a parameter is declared to be, whatever is passed: such an annotation is believed of numbers."""
    frame.solver.remember(memory.SIGNATURE, param.info, param.info.signature)
    annotation = param.info.param_values.get(param.name, (UNKNOWN, UNKNOWN))[0]
    if not any(a.tag == "annotated" for a in annotation):
        return UNKNOWN
    lists = [a for a in frame.solver.instances(annotation) if a.tag == "seq"]
    return tuple([a for a in lists if all(are_plain(item) for item in a.items)])
