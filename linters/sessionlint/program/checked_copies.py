"""Copies of what a test has found among literals, where ways meet: ``by = "name"``, ``if sort in ORDERS: by = sort``.

Behind the test nothing is told of ``sort`` any more, but what ``by`` was given under it is one of the literals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sessionlint.program.values import Ext, Param, Seq, Value, join

if TYPE_CHECKING:
    from sessionlint.program.frame import Frame

_LISTED: Final = "listed"
_EACH: Final = "each listed"
#: What is known of a literal that is not told.
_ONE_OF: Final[Value] = (Ext("typing.Literal()"),)
_TOLD: Final = 1
Facts = dict[tuple[Any, str], int]


def told(facts: Facts, other: Facts) -> dict[Any, Value]:
    """What stands for the parameters that are tested on one way and not on the other, in what was copied there."""
    found: dict[Any, Value] = {}
    for (atom, fact), known in facts.items():
        if known != _TOLD or (fact != _LISTED and fact != _EACH) or other.get((atom, fact)) == _TOLD:
            continue
        if fact == _EACH:
            found[atom] = (Seq((_ONE_OF,), True),)
        elif isinstance(atom, Param):
            found.setdefault(atom, _ONE_OF)
        elif atom.result and found.get(atom.receiver, _ONE_OF) == _ONE_OF:
            found[atom.receiver] = atom.result
    return found


def settled(value: Value, literals: dict[Any, Value]) -> Value:
    """A value with the literals in the place of such parameters, in lists, too."""
    out: Value = ()
    for atom in value:
        if atom.tag == "seq":
            items = tuple([settled(item, literals) for item in atom.items])
            out = join(out, (atom._replace(items=items) if items != atom.items else atom,))
        else:
            out = join(out, literals.get(atom, (atom,)))
    return out


def keep(frame: Frame, other: tuple[dict[str, Value], Facts, bool]) -> dict[str, Value]:
    """Settles the names that two ways give different values; gives those of the other way."""
    here, there = told(frame.facts, other[1]), told(other[1], frame.facts)
    theirs = other[0]
    if here:
        for name, value in frame.env.items():
            if value and theirs.get(name) is not value:
                frame.env[name] = settled(value, here)
    if there:
        mine = frame.env
        theirs = {n: settled(v, there) if v and mine.get(n) is not v else v for n, v in theirs.items()}
    return theirs
