"""Options that a function only passes on: ``async def save_all(rows, **options): … await save(row, **options)``.

What ``save`` does under ``if commit:`` happens in the calls of ``save_all`` that say so, or leave out what ``save`` has
by default; what others pass says nothing of them. So the condition goes on, as one on what the options have.
"""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.program.compared import TOLD
from sessionlint.program.guards import ENTRY, Guard, decided
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import MORE, UNKNOWN, UNKNOWN_KEYWORDS, Const, Map, Param, Value, contained

#: The binding of a call that has which parameters it leaves to such options, with their defaults.
LEFT: Final = Const(UNKNOWN_KEYWORDS, "passed on")
#: The name among those that options may have that says that others are given by place, nobody knows which.
STARRED: Final = "*"


def left_to(function: FunctionInfo, by_name: dict[str, Value], placed: int) -> Value:
    """The parameters with defaults that a call leaves to the options its own function is passed."""
    maps = [a for a in by_name[UNKNOWN_KEYWORDS] if a.tag == "map"]
    # those before the last are what others passed on
    if not maps or sum([isinstance(k, Param) for k, _ in maps[-1].whole]) != 1:
        return UNKNOWN
    spread = maps[-1]
    names = {k for k, _ in spread.items}
    found: list[tuple[Any, Value]] = []
    for index, (name, kind, _, _, _) in enumerate(function.params):
        by_place = kind == ir.KIND_NORMAL and (index < placed or STARRED in names)
        if by_place or kind not in (ir.KIND_NORMAL, ir.KIND_KWONLY) or (name in by_name and name not in names):
            continue
        default: Value = function.param_values.get(name, (UNKNOWN, UNKNOWN))[1]
        if len(default) == 1 and default[0].tag == "const":
            found.append((Param(function, name), default))
    return (Map(tuple(found), True, None, spread.whole),) if found else UNKNOWN


def moved(guard: Guard, left: Value) -> Guard | None:
    """The condition on such a parameter as one on the options, if the call leaves it to them."""
    if guard.kind not in TOLD:
        return None
    (options,) = left
    default = options.get(guard.param)
    if default is None or MORE in options.whole or any(k == guard.param.name for k, _ in options.whole):
        return None
    (param,) = [k for k, _ in options.whole if isinstance(k, Param)]
    return Guard(param, ENTRY, (guard.param.name, guard.kind, guard.value, default), guard.holds)


def settled(guard: Guard, given: Value) -> tuple[bool | None, Guard | None]:
    """Whether the condition holds for the options that a call passes, and what is left of it to be asked."""
    name, kind, value, default = guard.value
    held: Value = default
    for atom in given:
        if len(given) > 1 or atom.tag != "map":
            return None, None
        if atom.partial:
            return _further(guard, atom)
        held = default if (found := atom.get(name)) is None else found
    asked = Guard(guard.param, kind, value, guard.holds)
    if len(held) == 1 and isinstance(held[0], Param):
        return None, asked._replace(param=held[0])
    return decided(asked, held, _no_classes), None


def _further(guard: Guard, options: Any) -> tuple[bool | None, Guard | None]:
    """The same for a call that passes on the options it was passed, and perhaps more."""
    name, kind, value, _ = guard.value
    for key, held in options.whole:
        if key == name:
            return decided(Guard(guard.param, kind, value, guard.holds), held, _no_classes), None
    passed = [k for k, _ in options.whole if isinstance(k, Param)]
    if len(passed) != 1 or MORE in options.whole:
        return None, None
    return None, guard._replace(param=passed[0])


def handing_on(value: Value, wanted: Value) -> Param | None:
    """The options that a call hands on where these alone may have what is ``wanted`` among them."""
    if len(value) != 1 or value[0].tag != "map" or not value[0].partial or MORE in value[0].whole:
        return None
    passed = [k for k, _ in value[0].whole if isinstance(k, Param)]
    own = contained(tuple([a for k, held in value[0].whole if not isinstance(k, Param) for a in held]), 2)
    if len(passed) != 1 or any(a.tag == "param" or a in wanted for a in own):
        return None
    return passed[0]


def _no_classes(info: Any) -> tuple[Any, ...]:
    return (info,)


__all__ = ["ENTRY", "LEFT", "STARRED", "handing_on", "left_to", "moved", "settled"]
