"""Line numbers that last: the lines of an edited file that are as they were keep the numbers they had.

Facts, and all that a solution makes of them, name places by line and column. A line put in at the top of a file would
make each of these another place, although nothing else happens there. So a changed file is read with the numbers of
its state before: a line that was put in has the number of the one above it, and a column to the right of all of that
one's. Places keep their order, and nothing that is told of them needs more than two numbers. Findings are put back to
where they stand before anybody sees them (:meth:`Numbering.real`).
"""

from __future__ import annotations

import difflib
import zlib
from collections.abc import Sequence
from typing import Final

from sessionlint.facts.ir import Span4

#: How far to the right of a line's own columns those of the lines put in below it begin, for each.
_SHIFT: Final = 32
#: Between two lines that are put in there is room for so many more.
_ROOM: Final = 1 << 10
_LAST: Final = 1 << 28
#: More lines than these are not compared one with another, when they changed in one run.
_COMPARED: Final = 2_000

Place = tuple[int, int]
"""The number of a line, and how many times its columns are moved to the right."""


def marks(text: str) -> tuple[int, ...]:
    """Numbers that stand for the lines of a text."""
    return tuple([zlib.crc32(line.encode("utf-8", "surrogatepass")) for line in text.split("\n")])


def first_column(column: int) -> int:
    """The first column of the line that a place with ``column`` is on."""
    return column - column % (1 << _SHIFT) + 1


class Numbering:
    """The places of a file's lines, from the first to the last, each behind the one before it."""

    __slots__ = ("_lines", "places")

    def __init__(self, places: Sequence[Place]) -> None:
        self.places = places
        self._lines: dict[Place, int] = {}

    @staticmethod
    def plain(count: int) -> Numbering:
        """That of a file of ``count`` lines as it is read for the first time."""
        return Numbering([(line, 0) for line in range(1, count + 1)])

    @property
    def is_plain(self) -> bool:
        """Whether each line has its own number."""
        return all(place == (line, 0) for line, place in enumerate(self.places, 1))

    def span(self, span: Span4) -> Span4:
        """Where facts say that something at ``span`` of the file is."""
        line, column, end, end_column = span
        if end > len(self.places):
            return span
        number, times = self.places[line - 1]
        end_number, end_times = self.places[end - 1]
        return (number, column + (times << _SHIFT), end_number, end_column + (end_times << _SHIFT))

    def real(self, line: int, column: int) -> tuple[int, int]:
        """The line and column of the file for a place that facts name."""
        if not self._lines:
            self._lines = {place: number for number, place in enumerate(self.places, 1)}
        return (self._lines.get((line, column >> _SHIFT), line), column & ((1 << _SHIFT) - 1))

    def after(self, before: Sequence[int], now: Sequence[int]) -> Numbering | None:
        """The numbering of the file when its lines (as :func:`marks`) have become ``now`` from ``before``.

        ``None`` where there is no room left between two lines for what was put in.
        """
        places: list[Place | None] = [None] * len(now)
        for old, new, size in _same(before, now):
            places[new : new + size] = self.places[old : old + size]
        return _filled(places)


def _same(before: Sequence[int], now: Sequence[int]) -> list[tuple[int, int, int]]:
    """Runs of lines that are there before and after, or in each other's place: where each begins, and its size."""
    shorter = min(len(before), len(now))
    head = 0
    while head < shorter and before[head] == now[head]:
        head += 1
    tail = 0
    while tail < shorter - head and before[-1 - tail] == now[-1 - tail]:
        tail += 1
    old, new = before[head : len(before) - tail], now[head : len(now) - tail]
    found = [(0, 0, head), (len(before) - tail, len(now) - tail, tail)]
    if len(old) == len(new) or not old or not new or max(len(old), len(new)) > _COMPARED:
        return [*found, (head, head, min(len(old), len(new)))]
    for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag in ("equal", "replace"):
            found.append((head + a, head + c, min(b - a, d - c)))
    return found


def _filled(places: list[Place | None]) -> Numbering | None:
    """The numbering in which lines without a place have one between those around them."""
    found: list[Place] = []
    at = 0
    while at < len(places):
        place = places[at]
        if place is not None:
            found.append(place)
            at += 1
            continue
        end = at
        while end < len(places) and places[end] is None:
            end += 1
        number, times = found[-1] if found else (0, 0)
        if end == len(places):
            found += [(number + count, 0) for count in range(1, end - at + 1)]
            break
        behind = places[end]
        room = (behind[1] if behind is not None and behind[0] == number else _LAST) - times
        step = min(_ROOM, room // (end - at + 1))
        if step == 0:
            return None
        found += [(number, times + step * count) for count in range(1, end - at + 1)]
        at = end
    return Numbering(found)
