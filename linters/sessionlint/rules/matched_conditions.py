"""Two methods of an object that do their halves under one condition: what the first began, the second ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from sessionlint.rules.branches import conditions
from sessionlint.rules.walking import own_nodes_below

if TYPE_CHECKING:
    from sessionlint.facts import ir
    from sessionlint.program.model import Event, FunctionInfo

_ELSEWHERE = frozenset({"handler", "loop"})
_SAME = {"is": True, "==": True, "is not": False, "!=": False}


class _Says(NamedTuple):
    """An attribute of the object is something (``so``), or nothing."""

    attribute: str
    so: bool


def comes_along(begun: Event, ended: Event) -> bool:
    """Whether the second half happens wherever the first one has.

    Each condition around it is one around the first half, too, or asks for an attribute that is assigned beside that.
    """
    if not ended.flags.isdisjoint(_ELSEWHERE):
        return False
    asked = [_says(ended.function, test, holds) for test, holds in conditions(ended.function, ended.span)]
    known = set(_known(begun))
    return bool(asked) and all(each is not None and each in known for each in asked)


def _known(begun: Event) -> Iterator[_Says]:
    """What holds of the object's attributes from the first half on."""
    function = begun.function
    around = list(conditions(function, begun.span))
    given: dict[str, bool | None] = {}
    set_here: set[str] = set()
    for statement in own_nodes_below(function.body):
        if statement[0] == "=" and len(statement) == 4:
            for name in (n for t in statement[2] if (n := _attribute(function, t)) is not None):
                set_here.add(name)
                if list(conditions(function, statement[1])) == around:
                    given[name] = _is_something(statement[3], begun)
                elif begun.span < statement[1]:
                    given[name] = None
    for test, holds in around:
        said = _says(function, test, holds)
        if said is not None and said.attribute not in set_here:
            yield said
    yield from (_Says(name, so) for name, so in given.items() if so is not None)


def _is_something(value: ir.Expr, begun: Event) -> bool | None:
    """Whether what is assigned is true: the transaction itself, or a literal; ``None`` when nobody knows."""
    while value[0] == "aw":
        value = value[2]
    if value[1] == begun.span:
        return True
    return bool(value[2]) if value[0] == "k" else None


def _says(function: FunctionInfo, test: ir.Expr, holds: bool) -> _Says | None:
    """What a condition says of an attribute of the object, also by a name that it is kept under."""
    if test[0] == "u" and test[2] == "not":
        return _says(function, test[3], not holds)
    if test[0] == "x" and len(test[3]) == 1 and test[3][0] in _SAME and test[4][0][0] == "k":
        if test[4][0][2] is not None:
            return None
        test, holds = test[2], holds is not _SAME[test[3][0]]
    name = _attribute(function, _kept(function, test[2]) if test[0] == "n" else test)
    return _Says(name, holds) if name is not None else None


def _kept(function: FunctionInfo, name: str) -> ir.Expr:
    """What a name of the function is given, if that is one thing."""
    values = [
        s[3] for s in own_nodes_below(function.body)
        if s[0] == "=" and len(s) == 4 and any(t[0] == "n" and t[2] == name for t in s[2])
    ]  # fmt: skip
    return values[0] if len(values) == 1 else ("n", function.header, name)


def _attribute(function: FunctionInfo, expr: ir.Expr) -> str | None:
    """The attribute of the method's own object that an expression is."""
    if expr[0] != "a" or expr[2][0] != "n" or not function.params or expr[2][2] != function.params[0][0]:
        return None
    name: str = expr[3]
    return name


__all__ = ["comes_along"]
