"""Tasks that a helper of the project starts and gives back: ``task = spawn(work(session))``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sessionlint.program.model import Event
from sessionlint.program.values import TASK, Site, Value


def given_back(event: Event) -> frozenset[Site]:
    """Where the tasks are started that a call of such a helper gives."""
    if event.kind != "effect" or event.text != "schedule" or event.callee is None:
        return frozenset()
    return frozenset([a.site for a in event.callee.summary.returns if a.tag == "obj" and a.name == TASK])


def is_awaited_there(event: Event) -> bool:
    """Whether the function that is given the task keeps it, and awaits such a task later on."""
    sites = given_back(event)
    if not sites or ("statement" in event.flags and "awaited" not in event.flags):
        return False
    return any(e.span[2:] >= event.span[2:] and _is_awaited_by(e, sites) for e in event.function.events)


def _is_awaited_by(event: Event, sites: frozenset[Site]) -> bool:
    if event.kind == "await":
        return any(a.site in sites for a in event.subject)
    return event.kind == "concurrent" and any(_has(value, sites) for value in event.args)


def _has(value: Value, sites: frozenset[Site]) -> bool:
    return any(
        a.site in sites if a.tag == "obj" else a.tag == "seq" and any(_has(i, sites) for i in a.items) for a in value
    )


def places_of(event: Event) -> frozenset[Site]:
    """Where the task is started that an event makes or is given."""
    return frozenset((event.site,)) if event.kind == "schedule" else given_back(event)


def started_by_helpers(events: Iterable[Event]) -> Iterator[tuple[Event, Value]]:
    """The calls of such helpers whose tasks are awaited, with all that they start."""
    found: dict[Site, tuple[Event, Value]] = {}
    for event in events:
        if is_awaited_there(event):
            first, started = found.get(event.site, (event, ()))
            found[event.site] = (first, (*started, *event.subject))
    yield from found.values()
