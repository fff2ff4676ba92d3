"""Factories of the session module that are put into objects: what opens sessions from them is told of where it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.program.values import Handle
from sessionlint.rules.for_approved import goes_only_to, passed
from sessionlint.rules.naming import nodes

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event

#: So many objects a factory is handed on to, one by another.
_DEEP = 3


def is_wired(program: Program, event: Event, handle: Handle) -> bool:
    """Whether nothing but factories is obtained, and put where sessions are opened from them: TXN101 tells there.

    By itself a factory is no session, engine or connection.
    """
    if any(a.tag == "handle" and a.kind != "factory" for a in event.subject):
        return False
    if not any(_is_told(program, e, handle) for e in program.whole.events("create")):
        return goes_only_to(program, event, handle, _opens_from)
    kept = _attributes(event)
    return event.span in kept or goes_only_to(program, event, handle, _opens_from, kept)


def _opens_from(program: Program, call: Event, given: Any, depth: int = 0) -> bool:
    """Whether what a call passes on is called in what the project makes of it, and given to no library there."""
    kept = passed(call, given)
    if not kept or depth >= _DEEP:
        return False
    whole = program.whole
    if any(key in value for e in whole.events("external") for value in _given(e) for key in kept):
        return False
    uses = [(e, key) for e in whole.events("call") for key in kept if passed(e, key)]
    called = any(_is_told(program, e, key) for e in whole.events("create") for key in kept)
    return (called or bool(uses)) and all(_opens_from(program, e, key, depth + 1) for e, key in uses)


def _attributes(event: Event) -> list[ir.Span4]:
    """What a function has attributes keep, out of which it is called: ``container.factory = get_factory()``."""
    return [n[3][1] for n in nodes(event.function.body, "=", 4) if all(t[0] == "a" for t in n[2])]


def _is_told(program: Program, event: Event, factory: Any) -> bool:
    return factory in event.value and event.name == "session" and not program.is_exempt(event.function)


def _given(event: Event) -> tuple[Any, ...]:
    return (*event.args, *(value for _, value in event.keywords))
