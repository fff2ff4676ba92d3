"""Failures that nobody can tell from success afterwards: ``try: await session.flush()``, ``except: await rollback()``.

What the ``try`` leaves open is open for all that follows, unless it fails. A clause that returns or remembers something
lets what follows ask, and do only where it failed what would be wrong where it did not.
"""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import YES, Frame
from sessionlint.program.holding import ON_SOME, outlasts
from sessionlint.program.sometimes import Doubt

State = tuple[dict[str, Any], dict[tuple[Any, str], int], bool]
_REMEMBERS = frozenset({
    "append", "appendleft", "add", "extend", "insert", "update", "setdefault", "put", "put_nowait", "set", "pop",
    "remove", "discard", "clear", "cancel",
})  # fmt: skip


def left_open(
    frame: Frame, before: State, ended: State, handlers: tuple[Any, ...], end: ir.Span4
) -> list[tuple[Any, str]]:  # fmt: skip
    """What is known to be left open where a ``try`` that ended well goes on, and no clause of it tells of a failure.

    ``end``: where the statement ends.
    """
    if ended[2]:
        return []
    found = [key for key, known in ended[1].items() if known == YES and outlasts(key[1]) and key not in before[1]]
    found = [key for key in found if frame.solver.kind_of(key[0])]
    if not found or not all(_says_nothing(statement) for handler in handlers for statement in handler[3]):
        return []
    given = [name for name, value in before[0].items() if ended[0].get(name) is not value]
    return _but_for(frame, found, frozenset(given), end) if given else found


def _but_for(frame: Frame, found: list[tuple[Any, str]], names: frozenset[str], end: ir.Span4) -> list[tuple[Any, str]]:
    """Names that had a value before have another where it ended well: they may tell whether it did."""
    told = [(subject, ON_SOME[fact]) for subject, fact in found if fact in ON_SOME]
    doubt = Doubt(names, (end[2], end[3], end[2], end[3]), False)
    frame.doubts.update(dict.fromkeys(told, doubt))
    return told


def keep(frame: Frame, left: list[tuple[Any, str]]) -> None:
    """It is open behind the whole statement."""
    for key in left:
        frame.facts[key] = YES


def _says_nothing(statement: ir.Stmt) -> bool:
    """Whether a statement only calls something that puts nothing down, or ends the path."""
    if statement[0] != "E":
        return statement[0] in ("!", "J")
    value = statement[2][2] if statement[2][0] == "aw" else statement[2]
    if value[0] != "c":
        return bool(value[0] == "k")
    return value[2][0] == "n" or (value[2][0] == "a" and value[2][3] not in _REMEMBERS)
