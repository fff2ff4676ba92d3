"""Where a decorator was put on the function that a call runs, for those who look for what happens in that call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo
    from sessionlint.report import TraceStep


def put_on(program: Program, event: Event) -> Iterator[TraceStep]:
    """The line of the decorator, when what an event tells of is done by what that puts around the called function."""
    wrapper = event.callee
    if wrapper is None or (wrapper.parent is None and wrapper.name != "__call__"):
        return
    for call in event.function.events:
        callee = call.callee
        if call.kind == "call" and call.span == event.span and callee is not None and wrapper in callee.wrappers:
            for decorator, value in callee.decorator_values:
                if any(_makes(atom, wrapper) for atom in value):
                    note = f"@{ir.text_of(decorator)} is put around {callee.name}()"
                    yield program.step((callee.path, decorator[1]), note)
                    return


def _makes(decorator: Any, wrapper: FunctionInfo) -> bool:
    """Whether an inner function is made in a decorator, or in a method of its class."""
    if decorator.tag not in ("fn", "cls", "inst"):
        return False
    current: FunctionInfo | None = wrapper
    while current is not None:
        if decorator.info in (current, current.class_info):
            return True
        current = current.parent
    return False
