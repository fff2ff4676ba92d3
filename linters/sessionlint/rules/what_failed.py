"""Which of the open sessions an error may have come from: those that the ``try`` of the clause works with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.program.model import Event
from sessionlint.program.values import Handle, contained
from sessionlint.rules.failing import body_of, handled
from sessionlint.rules.naming import names_of, nodes, uses_of


def may_have_failed(event: Event, atom: Any) -> bool:
    """Whether a ``try`` around whose ``except`` clause an event stands works with the session.

    What is done with one that an entered object keeps for itself does not show.
    """
    if not isinstance(atom, Handle):
        return True
    clauses = [h for h in event.function.events if h.kind == "handler" and _stands_in(event, h)]
    if any(_is_of(a, atom) for h in clauses for e in body_of(h) for a in _at_hand(e)):
        return True
    # what nothing is known of may be handed the session: then its name stands there
    path, made = atom.site
    statements = event.function.body
    named = names_of(statements, made) if path == event.path else set()
    spans = {h.span for h in clauses}
    tried = [t[2] for t in nodes(statements, "T", 6) if any(clause[0] in spans for clause in t[3])] if named else []
    return any(True for block in tried for _ in uses_of(block, named))


def _stands_in(event: Event, handler: Event) -> bool:
    return any(e.span == event.span and e.kind == event.kind for e in handled(handler))


def _is_of(atom: Any, session: Handle) -> bool:
    """Whether an atom is the session, or a transaction or connection of it."""
    while isinstance(atom, Handle):
        if (atom.kind, atom.root) == (session.kind, session.root):
            return True
        atom = atom.parent
    return False


def _at_hand(event: Event) -> Iterator[Any]:
    """What an event happens to or is given; the arguments of a wait are the sessions that are open then."""
    yield from contained(event.subject)
    for _, value in event.bindings:
        yield from contained(value)
