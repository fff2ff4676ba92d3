"""Who calls a function."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo


def calls_by_callee(program: Program) -> dict[FunctionInfo, list[Event]]:
    """The calls of each function of the project."""
    found: dict[FunctionInfo, list[Event]] = {}
    for event in program.events("call"):
        if event.callee is not None:
            found.setdefault(event.callee, []).append(event)
    return found
