"""Errors that come back as results which nobody looks at: a ``gather(…, return_exceptions=True)`` on its own."""

from __future__ import annotations

from collections.abc import Iterator

from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.values import contained
from sessionlint.rules.failing import body_of, can_fail
from sessionlint.rules.gathered_errors import gives_errors


def dropped_results(function: FunctionInfo, handlers: list[Event]) -> Iterator[tuple[Event, FunctionInfo]]:
    """Where the errors of what can fail are dropped inside a ``try`` whose clause never sees them, with what fails."""
    for event in function.events:
        if event.kind != "concurrent" or "statement" not in event.flags or not gives_errors(event.expr):
            continue
        if not any(event.span == inner.span for handler in handlers for inner in body_of(handler)):
            continue
        started = {a.info for value in event.args for a in contained(value) if a.tag == "pending"}
        failing = (e.callee for e in function.events if e.callee in started and can_fail(e))
        failed = next((callee for callee in failing if callee is not None), None)
        if failed is not None:
            yield event, failed
