"""What a lifespan function yields: the state of the application, which every request is given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.program.entries import lifespans
from sessionlint.program.handles import HELD
from sessionlint.program.values import Handle
from sessionlint.rules.background_work import sessions_in

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event

_STATES = ("map", "inst")


def kept_as_state(program: Program) -> Iterator[tuple[Event, Any, Any]]:
    """What lifespan functions yield with a session or connection in it: the event, the state, the handle."""
    for function in dict.fromkeys(lifespans(program)):
        for event in function.events:
            for state in event.value if event.kind == "yield" else ():
                held = next(_held(program, state), None) if state.tag in _STATES else None
                if held is not None:
                    yield event, state, held


def _held(program: Program, state: Any) -> Iterator[Any]:
    values = [v for _, v in state.items] if state.tag == "map" else [(state,)]
    for value in values:
        yield from sessions_in(program, value)
        yield from (a for a in value if isinstance(a, Handle) and a.kind in HELD)
