"""The audit as plain frozen data."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

#: What the rules say of the way to a session (or engine, or connection) and of what the function does with it: an
#: error asks for a fix, a warning for a review; without either it is correct where the policy names the way.
Status = Literal["correct", "review", "fix required"]

CORRECT: Status = "correct"
REVIEW: Status = "review"
FIX: Status = "fix required"
#: From best to worst.
ORDER: tuple[Status, ...] = (CORRECT, REVIEW, FIX)

Lines = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Point:
    """Places in one file that get at the database by the same ``method`` and with the same result.

    ``module`` is a name for people, ``lines`` are first and last line of each place, ``note`` is one or more
    sentences, ``codes`` the rules that object.
    """

    module: str
    path: str
    lines: tuple[Lines, ...]
    method: str
    status: Status
    note: str
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """How one file outside the session modules gets its sessions, on the whole."""

    module: str
    path: str
    status: Status
    note: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """All connection points and the usage of every file that works with sessions, by path."""

    points: tuple[Point, ...] = ()
    usages: tuple[Usage, ...] = ()

    @property
    def point_counts(self) -> dict[Status, int]:
        """Places (not rows) by status."""
        counts: Counter[Status] = Counter()
        for point in self.points:
            counts[point.status] += len(point.lines)
        return {status: counts[status] for status in ORDER}

    @property
    def usage_counts(self) -> dict[Status, int]:
        """Files by status."""
        counts = Counter(usage.status for usage in self.usages)
        return {status: counts[status] for status in ORDER}


def lines_text(lines: tuple[Lines, ...]) -> str:
    """``149-154, 160``."""
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in lines)
