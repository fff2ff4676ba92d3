"""Objects that a ``with`` around a place has entered, with the sessions they opened there: no task may have them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.program.values import SESSION, contained
from sessionlint.rules.handed_units import ENTERS

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event
    from sessionlint.program.values import Value

#: What is started at once, inside of the block; all else may be started when it has been left.
_AT_ONCE = "task"


def open_in(program: Program, event: Event, value: Value) -> Any:
    """The session of an object among what is handed to background work that a ``with`` around the call has entered.

    What enters the object once more, behind the block, opens its own.
    """
    around = _around(event)
    if not around:
        return None
    ours = {a for o in around if o.tag == "inst" for a in _own(o)}
    places = {o.site for o in around if o.tag == "pending"}
    for unit in _objects(program, value):
        found = next((a for a in _own(unit) if a in ours or a.site in places), None)
        if found is not None and (event.text == _AT_ONCE or not _enters_itself(program, event)):
            return found
    return None


def _around(event: Event) -> Value:
    """What the blocks around have entered; a helper that starts the work is called inside of them."""
    if event.kind != "effect":
        return event.open_sessions
    calls = (e for e in event.function.events if e.kind == "call" and e.span == event.span and e.callee is event.callee)
    return next((e.open_sessions for e in calls), ())


def _objects(program: Program, value: Value) -> Iterator[Any]:
    for atom in contained(value):
        if atom.tag == "inst":
            yield atom
        elif atom.tag == "injected":
            yield from (v for v in program.solver.views(atom) if v.tag == "inst")


def _own(unit: Any) -> list[Any]:
    held = [a for key, value in unit.bindings if key.tag == "handle" for a in value]
    return [a for a in held if a.tag == "handle" and a.kind == SESSION]


def _enters_itself(program: Program, event: Event) -> bool:
    """Whether what is started enters an object that it is given."""
    started = program.started_by(event)
    entering = ((f, e) for f in started for e in f.events if e.kind == "call" and e.name in ENTERS)
    return any(a.tag == "param" and a.info is f for f, e in entering for a in e.value)
