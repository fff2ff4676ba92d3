"""Dictionaries of whose keys more is told than their names.

They are declared to be members of an enumeration, some literals, numbers or UUIDs (:mod:`.plain_elements`), or are put
together of literals and numbers.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from sessionlint.program.values import UNKNOWN, Const, Ext, Map, Value

_LITERAL: Final = Ext("typing.Literal()")
#: Stands for keys of which nothing is told.
_OPEN: Final = ("?",)
#: What nobody looks for under a key.
_DATA: Final = frozenset({"const", "text", "ext"})


class Members(NamedTuple):
    """The keys of such a dictionary: ``value`` is what each of them is."""

    value: Any
    tag: str = "members"


#: A list or dictionary that has nothing but literals, which are not told.
CHECKED: Final[Value] = (Map(((Members((_LITERAL,)), UNKNOWN),), True),)


def spelled(keys: Value, value: Value) -> Any:
    """The key that texts of literals and numbers stand for, where nothing that has to be found again is under it."""
    if not keys or any(a.tag != "text" or a.dynamic for a in keys) or any(a.tag not in _DATA for a in value):
        return None
    return Members(keys)


def all_told(atom: Any) -> bool:
    """Whether every key of a dictionary is a literal, or put together of literals and numbers."""
    if atom.partial or not atom.items:
        return False
    return all(isinstance(k, str) or (isinstance(k, Members) and k.value[0].tag == "text") for k, _ in atom.items)


def elements(atom: Any) -> tuple[Value, ...]:
    """What a dictionary of which all keys are told has one after the other, each in its own place."""
    if not all_told(atom) and not (are_told(atom) and all(k.value[0].tag != "text" for k in _members(atom))):
        return ()
    return tuple([(Const(k, "str"),) if isinstance(k, str) else tuple(k.value) for k, _ in atom.items if k != _OPEN])


def _members(atom: Any) -> list[Members]:
    return [k for k, _ in atom.items if isinstance(k, Members)]


def are_told(atom: Any) -> bool:
    """Whether a dictionary is one of these."""
    return atom.tag == "map" and any(isinstance(k, Members) for k, _ in atom.items)


__all__ = ["CHECKED", "Members", "all_told", "are_told", "elements", "spelled"]
