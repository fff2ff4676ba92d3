"""What an object that a function enters came as: injected, or passed in. It is not the function that opens it."""

from __future__ import annotations

from typing import Any

from sessionlint.program.frame import Frame
from sessionlint.program.values import Value

ENTERS = ("__aenter__", "__enter__")
_GIVEN = ("injected", "param")
_RUNS = ("call", "obtain")


def note(frame: Frame, start: int, given: Any) -> None:
    """Tells it with each entering since ``start``."""
    for index in range(start, len(frame.events)):
        event = frame.events[index]
        if event.kind in _RUNS and event.name in ENTERS:
            frame.events[index] = event._replace(value=(given,))


def note_by_hand(frame: Frame, base: Value, e: Any) -> None:
    """Keeps it where ``unit.__aenter__`` is looked up, which may be called, and awaited, later."""
    if base and all(a.tag in _GIVEN for a in base):
        frame.entered_by_hand[e[1]] = base


def tell_by_hand(frame: Frame) -> None:
    """Tells it with the calls of what was looked up."""
    for index, event in enumerate(frame.events):
        if event.kind in _RUNS and event.name in ENTERS and event.expr is not None and event.expr[0] == "c":
            given = frame.entered_by_hand.get(event.expr[2][1])
            if given is not None:
                frame.events[index] = event._replace(value=given)
