"""Which of the open sessions an error may have come from: those that the ``try`` of the clause works with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.program.model import Event
from sessionlint.program.values import Handle, contained
from sessionlint.rules.failing import body_of, handled
from sessionlint.rules.naming import names_of, nodes, uses_of

if TYPE_CHECKING:
    from sessionlint.program.api import Program


def may_have_failed(program: Program, event: Event, atom: Any) -> bool:
    """Whether a ``try`` around whose ``except`` clause an event stands works with the session, or what holds it."""
    clauses = [h for h in event.function.events if h.kind == "handler" and _stands_in(event, h)]
    if any(_works_with(program, e, atom) for h in clauses for e in body_of(h)):
        return True
    # what nothing is known of may be handed the session: then its name stands there
    statements = event.function.body
    path, made = getattr(atom, "site", None) or ("", None)
    named = names_of(statements, made) if made is not None and path == event.path else set()
    spans = {h.span for h in clauses}
    tried = [t[2] for t in nodes(statements, "T", 6) if any(clause[0] in spans for clause in t[3])] if named else []
    return any(True for block in tried for _ in uses_of(block, named))


def _stands_in(event: Event, handler: Event) -> bool:
    return any(e.span == event.span and e.kind == event.kind for e in handled(handler))


def _works_with(program: Program, event: Event, atom: Any) -> bool:
    if isinstance(atom, Handle):
        return any(_is_of(a, atom) for a in _at_hand(event))
    # what holds a session is open: it may be any that the block did not open itself
    opened = event.kind in ("create", "obtain")
    return not opened and any(a == atom or program.kind(a) in ("session", "transaction") for a in _at_hand(event))


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
