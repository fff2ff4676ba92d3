"""Tasks that a function starts for what they give it: calls that run at the same time, no work in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessionlint.program.values import Site
from sessionlint.rules.background_work import waits

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import FunctionInfo


def answering_tasks(program: Program) -> frozenset[Site]:
    """Where functions start tasks whose results they take: ``done = await gather(*tasks)``."""
    started = {e.site: e.function for e in program.events("schedule") if e.text == "task"}
    if not started:
        return frozenset()
    return frozenset(s for e, s in waits(program) if started.get(s) is e.function and "statement" not in e.flags)


def answering(program: Program) -> frozenset[FunctionInfo]:
    """The functions that run as such tasks and as nothing else that is started."""
    sites = program.shared(answering_tasks)
    if not sites:
        return frozenset()
    asked: set[FunctionInfo] = set()
    left: set[FunctionInfo] = set()
    for event in program.events("schedule", "effect"):
        if event.kind == "schedule" or event.text == "schedule":
            answers = event.kind == "schedule" and event.text == "task" and event.site in sites
            (asked if answers else left).update(program.started_by(event))
    return frozenset(f for f in asked - left if not program.is_registered(f))
