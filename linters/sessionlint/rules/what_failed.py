"""Which of the open sessions an error may have come from: those that the ``try`` of the clause works with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.program.model import Event
from sessionlint.program.values import Handle, contained
from sessionlint.rules.failing import body_of, handled

if TYPE_CHECKING:
    from sessionlint.program.api import Program


def may_have_failed(program: Program, event: Event, atom: Any) -> bool:
    """Whether a ``try`` around whose ``except`` clause an event stands works with the session, or what holds it."""
    clauses = [h for h in event.function.events if h.kind == "handler" and _stands_in(event, h)]
    if any(_works_with(program, e, atom) for h in clauses for e in body_of(h)):
        return True
    # what nothing is known of may be handed the session: then its name stands there
    statements = event.function.body
    spans = {h.span for h in clauses}
    tried = [t[2] for t in _nodes(statements, "T", 6) if any(clause[0] in spans for clause in t[3])]
    named = set(_names_of(statements, atom, event.path))
    return any(n[2] in named for block in tried for n in _nodes(block, "n", 3))


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


def _names_of(statements: Any, atom: Any, path: str) -> Iterator[str]:
    """The names that a function gives what it gets where a session, or what holds it, was made."""
    path_made, made = getattr(atom, "site", None) or ("", None)
    given = [item for node in _nodes(statements, "w/", 5) for item in node[2]]
    given += [(node[3], target) for node in _nodes(statements, "=", 4) for target in node[2]]
    for value, target in given if path_made == path else ():
        if target is not None and target[0] == "n" and value[1][:2] <= made[:2] and made[2:] <= value[1][2:]:
            yield target[2]


def _nodes(node: Any, op: str, size: int) -> Iterator[ir.Stmt]:
    """The nodes of one kind in these, those of inner functions included."""
    for child in node:
        if type(child) is tuple and child:
            if child[0] == op and len(child) == size:
                yield child
            yield from _nodes(child, op, size)
