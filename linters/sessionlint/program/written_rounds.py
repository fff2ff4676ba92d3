"""Loops that write: what a round leaves open is open behind the loop, but where there was none to go through.

As for ``if``, see :mod:`sessionlint.program.sometimes`: another condition on what decided about the rounds counts for
the code, and so does a round that ends its transaction on any way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.program import sometimes
from sessionlint.program.frame import Frame
from sessionlint.program.holding import ON_SOME, OVER

Facts = dict[tuple[Any, str], int]
_ENDED = (OVER, "ended")
_FILLS = frozenset({"append", "add", "extend", "update", "insert", "setdefault"})


def left_open(frame: Frame, before: Facts) -> list[sometimes.Open]:
    """The sessions that some way out of a round leaves open; ``before`` is what was known before the loop."""
    ways = [facts for _, facts, _ in frame.loop_exits]
    if not frame.dead:
        ways.append(frame.facts)
    found: list[sometimes.Open] = []
    for subject, fact in sometimes.opened_in(ways):
        if sometimes.is_so(before, subject, fact):
            continue
        held = [sometimes.is_so(way, subject, fact) for way in ways]
        if True in held and all(so or _is_untouched(way, before, subject) for way, so in zip(ways, held, strict=True)):
            found.append((subject, fact))
    return found


def keep(frame: Frame, loop: ir.Stmt, opened: list[sometimes.Open]) -> None:
    """There are no more rounds: it is open unless there was none, which goes by what the loop is about."""
    names = frozenset(_decides(loop))
    for subject, fact in opened:
        key = (subject, ON_SOME[fact])
        known = frame.doubts.get(key)
        told = names if known is None else names | known.names
        frame.doubts[key] = sometimes.Doubt(told, loop[1], False, asked=known is not None and known.asked)
    sometimes.keep(frame, opened)


def still_open(frame: Frame, opened: list[sometimes.Open]) -> list[sometimes.Open]:
    """Those that the loop's ``else`` has not ended."""
    return opened if frame.dead else [(s, fact) for s, fact in opened if sometimes.is_so(frame.facts, s, fact)]


def _is_untouched(facts: Facts, before: Facts, subject: Any) -> bool:
    """Whether a way that does not leave it open, for all the round before, has not ended it either."""
    return all(facts.get((subject, fact)) == before.get((subject, fact)) for fact in _ENDED)


def _decides(loop: ir.Stmt) -> Iterator[str]:
    """The names that tell whether there was a round: in the head of the loop, and those that it gives something."""
    if loop[0] == "L":
        yield from sometimes.names_in((loop[2], loop[3]))
    else:
        yield from sometimes.names_in((loop[2],))
    yield from _given(loop[4 if loop[0] == "L" else 3])


def _given(node: Any) -> Iterator[str]:
    for child in node:
        if type(child) is not tuple or not child or child[0] in ("F", "C", "lam"):
            continue
        if child[0] == "=" and len(child) == 4:
            yield from sometimes.names_in(child[2])
        elif child[0] == "+=" and len(child) == 5:
            yield from sometimes.names_in((child[2],))
        elif child[0] == "c" and len(child) > 4 and child[2][0] == "a" and child[2][3] in _FILLS:
            yield from sometimes.names_in((child[2][2],))
        yield from _given(child)
