"""What holds an engine or a factory in the end: a name, an attribute, or the function that gives it to many."""

from __future__ import annotations

from typing import Any, NamedTuple

from sessionlint.facts import ir
from sessionlint.program.api import Program
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.values import MAX_ATOMS, Handle, Value
from sessionlint.rules.branches import conditions

#: So many functions may pass it on, each called at one place alone.
_MAX_HOPS = 3


class Held(NamedTuple):
    """What holds a handle (equal owners replace each other), and the place of the code that it comes to there."""

    owner: tuple[Any, ...]
    function: FunctionInfo
    span: ir.Span4


def held(program: Program, event: Event) -> Held:
    """What holds the handle that is made here; a function that one place calls hands it on to that place."""
    handle = event.subject[0]
    found = Held(_owner_in(event.function, handle, event.span), event.function, event.span)
    for _ in range(_MAX_HOPS):
        calls = _calls(program, found.function) if found.owner[0] == "returned" else []
        if len(calls) != 1 or calls[0].function is found.function:
            break
        told = handle if _has(calls[0].subject, handle) else _one_of_many(found.function, calls[0], handle)
        found = Held(_owner_in(calls[0].function, told, calls[0].span), calls[0].function, calls[0].span)
    return found


def is_ruled_out(program: Program, event: Event) -> bool:
    """Whether the one place that calls what makes a handle says by its arguments that it gets another one."""
    function, handle = event.function, event.subject[0]
    calls = _calls(program, function) if _has(function.summary.returns, handle) else []
    if len(calls) != 1 or _has(calls[0].subject, handle) or len(function.summary.returns) >= MAX_ATOMS:
        return False
    return any(a.tag == "handle" and a.kind == handle.kind for a in calls[0].subject)


def _one_of_many(function: FunctionInfo, call: Event, handle: Handle) -> Handle:
    """What goes where a handle goes that is one of more than are followed out of a function."""
    others = [a for a in call.subject if a.tag == "handle" and a.kind == handle.kind]
    return others[0] if others and len(function.summary.returns) >= MAX_ATOMS else handle


def alternatives(program: Program, one: Held, other: Held) -> bool:
    """Whether an ``if`` that is decided once makes one or the other."""
    if one.function is not other.function:
        return False
    if one.function.name != "<module>" and len(_calls(program, one.function)) > 1:
        return False
    taken = dict(conditions(one.function, one.span))
    return any(taken.get(test, holds) is not holds for test, holds in conditions(other.function, other.span))


def _calls(program: Program, function: FunctionInfo) -> list[Event]:
    """The places of the application that take what a function hands out."""
    return program.shared(_takers).get(function, [])


def _takers(program: Program) -> dict[FunctionInfo, list[Event]]:
    found: dict[FunctionInfo, dict[Any, Event]] = {}
    for event in program.events("obtain"):
        if event.callee is not None and program.policy.layer_of(event.path) not in ("test", "migration"):
            found.setdefault(event.callee, {}).setdefault(event.site, event)
    return {function: list(events.values()) for function, events in found.items()}


def _owner_in(function: FunctionInfo, handle: Handle, span: ir.Span4) -> tuple[Any, ...]:
    for event in function.events:
        if not _has(event.subject, handle) and not _has(event.value, handle):
            continue
        if event.kind == "bind":
            place = event.path if function.name == "<module>" or "global" in event.flags else function
            return ("name", place, event.name)
        if event.kind == "setattr":
            return ("attribute", event.path, function.class_info or function, event.text)
        if event.kind == "return":
            return ("returned", function)
    return ("call", function.path, span)


def _has(value: Value, handle: Handle) -> bool:
    return any(a.tag == "handle" and a.kind == handle.kind and a.root == handle.root for a in value)
