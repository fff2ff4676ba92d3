"""The order in which functions are evaluated again: up and down the calls, so that news is met where it ends."""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from typing import Generic, TypeVar

T = TypeVar("T")


class Sweeps(Generic[T]):
    """A work list. What is new comes first, in the order it is met; the rest in sweeps.

    A callee is done before its caller, so the order in which functions are first done leads up the calls: summaries
    travel with a rising sweep, arguments with a falling one. What lies behind a sweep waits for the next.
    """

    def __init__(self) -> None:
        self._fresh: deque[T] = deque()
        self._order: dict[T, int] = {}
        self._above: list[tuple[int, int, T]] = []
        self._below: list[tuple[int, int, T]] = []
        self._position = 0
        self._rising = True
        self._count = 0

    def __len__(self) -> int:
        return len(self._fresh) + len(self._above) + len(self._below)

    def done(self, function: T) -> None:
        """The function was evaluated."""
        self._order.setdefault(function, len(self._order) + 1)

    def add(self, function: T) -> None:
        """Has the function taken later; the caller sees to it that none is in the list twice."""
        order = self._order.get(function)
        if order is None:
            self._fresh.append(function)
            return
        self._count += 1
        if order > self._position or (order == self._position and not self._rising):
            heappush(self._above, (order, self._count, function))
        else:
            heappush(self._below, (-order, self._count, function))

    def take(self) -> T:
        """The function that is next; there must be one."""
        if self._fresh:
            return self._fresh.popleft()
        if not (self._above if self._rising else self._below):
            self._rising = not self._rising
        order, _, function = heappop(self._above if self._rising else self._below)
        self._position = abs(order)
        return function
