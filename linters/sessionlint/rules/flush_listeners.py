"""Functions that SQLAlchemy calls while it writes rows: what listens to its flushes, before anything is committed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo
    from sessionlint.report import TraceStep

#: The event at which the database may not have been asked for anything yet.
BEFORE_ANY: Final = "before_flush"


def listeners(program: Program) -> dict[FunctionInfo, Event]:
    """What listens to such events, and where each was put to its event."""
    return {a.info: event for event in program.events("listens") for a in event.value}


def listening(program: Program, put: Event, function: FunctionInfo) -> TraceStep:
    """Says when a listener is called."""
    return program.step(put.site, f"{function.name}() is called at {put.name!r}")
