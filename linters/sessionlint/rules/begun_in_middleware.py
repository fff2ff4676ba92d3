"""Sessions that middleware keeps for the request in a context variable, inside the transaction that it holds open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sessionlint.program.values import Handle, Injected

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event

_APPLICATION: Final = "fastapi.FastAPI"
_SOMETIMES = frozenset({"branch", "loop", "handler", "finally"})


def begun_in_middleware(program: Program, event: Event) -> Event | None:
    """Where middleware keeps the session of an endpoint's event in the block that it has opened around the request."""
    if program.role(event.function) != "endpoint" or not event.subject:
        return None
    kept: dict[Any, Event] = program.shared(_kept)
    if not kept:
        return None
    found: Event | None = None
    for atom in event.subject:
        # what it is declared to be says nothing of where it was opened
        views = [v for v in program.solver.views(atom) if v.tag != "ext"] if isinstance(atom, Injected) else [atom]
        if not views or any(view not in kept for view in views):
            return None
        found = kept[views[0]]
    return found


def _kept(program: Program) -> dict[Any, Event]:
    """The sessions that middleware of the one application keeps so, on every request."""
    if sum(options.get("name") == _APPLICATION for options in program.solver.routers.values()) != 1:
        return {}
    return {
        atom: event
        for event in program.events("store")
        if event.name == "context variable" and "middleware" in event.function.registrations
        if _SOMETIMES.isdisjoint(event.flags)
        for atom in event.subject
        if isinstance(atom, Handle) and any(atom in t.subjects and not t.savepoint for t in event.transactions)
    }
