"""Which of the open sessions an error may have come from: those that the ``try`` of the clause works with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.program.model import Event
from sessionlint.program.values import Handle, contained
from sessionlint.rules.failing import body_of, handled
from sessionlint.rules.naming import names_of, nodes, uses_of
from sessionlint.rules.watching import is_within


def may_have_failed(event: Event, atom: Any) -> bool:
    """Whether a ``try`` in whose ``except`` or ``finally`` clause an event stands works with the session.

    What is done with one that an entered object keeps for itself does not show.
    """
    if not isinstance(atom, Handle):
        return "handler" in event.flags
    statements = event.function.body
    if "handler" in event.flags:
        clauses = [h for h in event.function.events if h.kind == "handler" and _stands_in(event, h)]
        spans = {h.span for h in clauses}
        done = [e for h in clauses for e in body_of(h)]
        tried = [t[2] for t in nodes(statements, "T", 6) if any(clause[0] in spans for clause in t[3])]
    else:
        clauses_at_end = [t for t in nodes(statements, "T", 6) if t[2] and t[5]]
        tried = [t[2] for t in clauses_at_end if _is_behind(event, atom, _span_of(t[5]))]
        done = [e for e in event.function.events if any(is_within(e.span, _span_of(block)) for block in tried)]
    if any(_is_of(a, atom) for e in done for a in _at_hand(e)):
        return True
    # what nothing is known of may be handed the session: then its name stands there
    path, made = atom.site
    named = names_of(statements, made) if path == event.path else set()
    return bool(named) and any(True for block in tried for _ in uses_of(block, named))


def _is_behind(event: Event, session: Handle, final: ir.Span4) -> bool:
    """Whether an event stands in a ``finally`` clause, and the session was neither opened nor closed in there."""
    path, made = session.site
    if not is_within(event.span, final) or (path == event.path and is_within(made, final)):
        return False
    before = (e for e in event.function.events if e.name == "close" and e.span < event.span)
    return not any(is_within(e.span, final) and session in e.subject for e in before)


def _span_of(block: Any) -> ir.Span4:
    return (*block[0][1][:2], *block[-1][1][2:])


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
