"""Functions that open a session for others and run what they are handed with it: ``run(save, order)``.

Those of a session module, and those of no layer that open it by an approved way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.program.values import Handle, Param, contained
from sessionlint.rules.opening import is_approved, way

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo


def session_run_with(program: Program, event: Event) -> Handle | None:
    """The session that a called function opens for what this call hands it."""
    callee = event.callee
    opened = program.shared(_runners).get(callee) if callee is not None else None
    if opened is None:
        return None
    handed = {a.info for _, value in event.bindings for a in contained(value) if a.tag == "fn"}
    return next((handle for function, handle in opened if function in handed), None)


def _runners(program: Program) -> dict[FunctionInfo, list[tuple[FunctionInfo, Handle]]]:
    """For each such function what it runs, and with which session."""
    found: dict[FunctionInfo, list[tuple[FunctionInfo, Handle]]] = {}
    for event in program.events("call"):
        runner = event.function
        if event.callee is None or runner.is_generator or not runner.params:
            continue
        of_module = program.policy.is_session_module(runner.path)
        if not of_module and program.role(runner) is not None:
            continue
        own = [a for a in _given(event) if isinstance(a, Handle) and a.kind == "session" and _opens(runner, a)]
        if not of_module:
            own = [a for a in own if any(is_approved(program, f) for f in way(runner, a))]
        if own and event.callee in _handed_to(program, runner):
            found.setdefault(runner, []).append((event.callee, own[0]))
    return found


def _given(event: Event) -> Iterator[Any]:
    for _, value in event.bindings:
        yield from contained(value)


def _opens(function: FunctionInfo, handle: Handle) -> bool:
    return any(e.kind in ("create", "obtain") and handle in e.subject for e in function.events)


def _handed_to(program: Program, function: FunctionInfo) -> set[FunctionInfo]:
    """The functions that callers pass to a function."""
    passed = (program.solver.arguments_of(Param(function, name)) for name, *_ in function.params)
    return {a.info for value in passed for a in contained(value) if a.tag == "fn"}
