"""SQL text that begins a transaction as no ``begin()`` can: with a lock at once, as SQLite's ``BEGIN IMMEDIATE``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sessionlint.patterns import regex
from sessionlint.program.model import Event
from sessionlint.program.values import contained
from sessionlint.rules.failing import body_of, handled
from sessionlint.rules.translating import catches_database_errors
from sessionlint.rules.watching import is_within

_LOCKS = regex(r"\s*begin\s+(?:immediate|exclusive|concurrent)\b[^;]*;?\s*\Z", re.I)


def locks_and_ends(event: Event) -> bool:
    """Whether a ``begin`` by SQL text takes such a lock, and its function commits, or rolls back what failed."""
    if event.text != "sql":
        return False
    texts = set(_texts(event))
    return bool(texts) and all(_LOCKS.match(text) for text in texts) and _is_ended(event)


def _texts(event: Event) -> Iterator[str]:
    for other in event.function.events:
        if other.kind in ("sql", "use") and is_within(other.span, event.span):
            for atom in (a for value in (*other.args, other.value) for a in contained(value)):
                if atom.tag == "text":
                    yield atom.text
                elif atom.tag == "const" and atom.kind == "str":
                    yield atom.value


def _is_ended(event: Event) -> bool:
    """Whether a commit follows in a ``try`` that has a clause for what the database refuses, which rolls back."""
    clauses = (e for e in event.function.events if e.kind == "handler" and catches_database_errors(e))
    return any(
        any(_is(e, "commit", event) and e.span > event.span for e in body_of(clause))
        and any(_is(e, "rollback", event) for e in handled(clause))
        for clause in clauses
    )


def _is(event: Event, name: str, begun: Event) -> bool:
    same = not begun.subject or not set(event.subject).isdisjoint(begun.subject)
    return event.kind == "txn" and event.name == name and same and "branch" not in event.flags
