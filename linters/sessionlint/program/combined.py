"""Conditions put together of several: ``keep = self.commits if commit is None else commit``, ``if commit or always:``.

What happens under one happens in a call whose arguments, with those that its object was made with, leave it possible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sessionlint.program.values import MORE, Const, Param, Value

if TYPE_CHECKING:
    from sessionlint.facts import ir
    from sessionlint.program.frame import Frame

#: The kind of guard of several conditions together.
COMBINED: Final = "combined"
#: So many conditions may go into one.
_MAX_CONDITIONS = 8
#: Expressions that may put conditions together, and those that take an option out of several.
PUT_TOGETHER: Final = frozenset({"o", "q"})
TAKES: Final = frozenset({"c", "i"})
_PLAIN = frozenset({"bool", "NoneType", "int", "str"})
#: What a name was found to say: the conditions under which it is true, as long as it has this value.
Said = tuple[Value, Any]


class Conditions(NamedTuple):
    """All of these hold (``every``), or one of them: guards, others put together, what is known; ``None``: unknown."""

    every: bool
    parts: tuple[Any, ...]


def together(every: bool, parts: Iterable[Any]) -> Any:
    """The conditions as one: what decides alone is that, and what changes nothing is left out."""
    found: dict[Any, None] = {}
    for part in parts:
        if isinstance(part, Conditions) and part.every is every:
            found.update(dict.fromkeys(part.parts))
        elif part is (not every):
            return part
        elif part is not every:
            found[part] = None
    if len(found) > 1:
        return Conditions(every, tuple(found))
    return next(iter(found)) if found else every


def negated(conditions: Any) -> Any:
    """Where they do not hold."""
    if conditions is None:
        return None
    if isinstance(conditions, bool):
        return not conditions
    if isinstance(conditions, Conditions):
        return Conditions(not conditions.every, tuple([negated(part) for part in conditions.parts]))
    return conditions._replace(holds=not conditions.holds)


def settled(conditions: Any, asked: Callable[[Any], Any]) -> Any:
    """The same where ``asked`` tells of a guard whether it holds, which one has to hold instead, or nothing."""
    if isinstance(conditions, Conditions):
        return together(conditions.every, [settled(part, asked) for part in conditions.parts])
    return conditions if conditions is None or isinstance(conditions, bool) else asked(conditions)


def guards_of(conditions: Any) -> list[Any]:
    """The guards among them."""
    if isinstance(conditions, Conditions):
        return [guard for part in conditions.parts for guard in guards_of(part)]
    return [] if conditions is None or isinstance(conditions, bool) else [conditions]


def written(frame: Frame, test: ir.Expr, told: Callable[[Frame, ir.Expr], Any]) -> Any:
    """What an expression says of parameters where it is true; ``told`` gives the guard of one that stands alone."""
    if test[0] == "u" and test[2] == "not":
        return negated(written(frame, test[3], told))
    if test[0] == "o":
        return together(test[2] == "and", [written(frame, part, told) for part in test[3]])
    if test[0] == "q":
        condition = written(frame, test[2], told)
        return chosen(condition, written(frame, test[3], told), written(frame, test[4], told))
    if test[0] == "k":
        return bool(test[2])
    return told(frame, test)


def chosen(condition: Any, one: Any, other: Any) -> Any:
    """One where a condition holds, and the other where it does not."""
    if one == other:
        return one
    ways = (together(True, (condition, one)), together(True, (negated(condition), other)))
    return together(False, ways)


def is_too_much(conditions: Any) -> bool:
    """Whether nothing is known of them, or so many are that nobody follows them."""
    return not 0 < len(guards_of(conditions)) <= _MAX_CONDITIONS


def said_of(frame: Frame, name: str) -> Any:
    """The conditions under which a name is true, as it was put together; ``None`` for any other."""
    noted = frame.said.get(name)
    return noted[1] if noted is not None and noted[0] is frame.env.get(name) else None


def note(frame: Frame, name: str, conditions: Any) -> None:
    """A name was given what is true under these conditions."""
    if name in frame.env and not is_too_much(conditions):
        frame.said[name] = (frame.env[name], conditions)


def note_all(frame: Frame, met: dict[str, Any]) -> None:
    """What names say is this, and nothing else."""
    if frame.said or met:
        frame.said = {}
        for name, conditions in met.items():
            note(frame, name, conditions)


class Way(NamedTuple):
    """One way through an ``if``: what its names stand for, whether it ends there, and what the names say."""

    names: dict[str, Value]
    ends: bool
    said: dict[str, Said]


def met(frame: Frame, condition: Any, body: Way, true_of: Callable[[Any], Any]) -> dict[str, Any]:
    """What names say where the two ways of an ``if`` meet: ``if commit is None: commit = self.commits``."""
    other = Way(frame.env, frame.dead, frame.said)
    if body.ends or other.ends:
        return {name: noted[1] for name, noted in (other if body.ends else body).said.items()}
    found: dict[str, Any] = {}
    for name, value in body.names.items():
        beside = other.names.get(name)
        if beside is None:
            continue
        if value is beside and body.said.get(name) is other.said.get(name):
            if name in body.said:
                found[name] = body.said[name][1]
        elif _may_say(value) and _may_say(beside):
            found[name] = chosen(condition, _says(frame, name, body, true_of), _says(frame, name, other, true_of))
    return found


def _may_say(value: Value) -> bool:
    return len(value) < 4 and all(a.tag in ("param", "const", "ext") for a in value)


def _says(frame: Frame, name: str, way: Way, true_of: Callable[[Any], Any]) -> Any:
    value, noted = way.names[name], way.said.get(name)
    if noted is not None and noted[0] is value:
        return noted[1]
    if len(value) != 1:
        return None
    atom = value[0]
    if isinstance(atom, Const):
        # in the next round of a loop it may be another one
        return bool(atom.value) if atom.kind in _PLAIN and "loop" not in frame.flags else None
    return true_of(atom) if isinstance(atom, Param) else None


def option(frame: Frame, taken: ir.Expr) -> tuple[Param, str, Value] | None:
    """``options.get("commit", False)``, ``options["commit"]`` of the function's own ``**options``.

    The parameter, the name of the option, and what it is where it is not given.
    """
    if taken[0] == "i":
        base, key, default = taken[2], taken[3], None
    elif taken[2][0] == "a" and taken[2][3] in ("get", "pop") and taken[3] and not taken[4]:
        base, key = taken[2][2], taken[3][0]
        default = taken[3][1] if len(taken[3]) == 2 else None
    else:
        return None
    if base[0] != "n" or key[0] != "k" or not isinstance(key[2], str) or (default is not None and default[0] != "k"):
        return None
    holder: Param = Param(frame.function, base[2])
    held = frame.env.get(base[2], ())
    if not held or not all(_is_passed(a, holder, key[2]) for a in held):
        return None
    literal = default[2] if default is not None else None
    return holder, key[2], (Const(literal, type(literal).__name__),)


def _is_passed(atom: Any, holder: Param, name: str) -> bool:
    """Whether what stands under a name in a dictionary is what the function is passed for it."""
    if atom.tag != "map" or MORE in atom.whole:
        return False
    return [key for key, _ in atom.whole if key == name or not isinstance(key, str)] == [holder]


__all__ = [
    "COMBINED", "PUT_TOGETHER", "TAKES", "Conditions", "Said", "Way", "chosen", "guards_of", "is_too_much", "met",
    "negated", "note", "option", "said_of", "settled", "together", "written",
]  # fmt: skip
