"""Threads, processes and timers that are made at one place and started at another: only the start begins their work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessionlint.program.values import Site

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event


def begun_later(program: Program) -> frozenset[Site]:
    """Where threads are made that something in sight starts by their names."""
    return frozenset(a.site for e in program.events("started") for a in e.subject)


def is_only_made(program: Program, event: Event, later: frozenset[Site]) -> bool:
    """Whether a thread is made here, or in the function that is called, and started elsewhere."""
    if event.kind == "schedule":
        return event.site in later
    if event.kind != "effect" or not later or event.effect is None or event.effect.subject is None:
        return False
    # that a callee starts what it makes is an effect of its own
    return event.callee is not None and program.effect_site(event.callee, event.effect) in later


def made_threads(program: Program, event: Event) -> list[Event | None]:
    """What each of the threads that start here is given, where that is in sight."""
    made = program.shared(_starts)
    return [made.get(atom.site) for atom in event.subject]


def _starts(program: Program) -> dict[Site, Event]:
    """Where something is scheduled."""
    return {e.site: e for e in program.events("schedule")}
