"""Sessions taken out of a generator by ``async for session in get_db(): break`` and used after that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.program.model import Event
from sessionlint.program.values import Handle, contained

_USES = frozenset({"use", "txn", "effect", "call"})


def outlives_generator(event: Event, handle: Handle) -> bool:
    """Whether the session of ``event`` is used behind the loop over its generator, which a ``break`` leaves.

    Python ends the generator then, at once or as soon as it is collected, and the session with it: what is done
    with it later opens it anew, and nobody closes it again.
    """
    loop = next((s for s in _loops(ir.body_of(event.function.facts)) if s[3][1] == event.span), None)
    # a generator that has a name may be ended by it
    if loop is None or loop[3][0] != "c" or not _breaks(loop[4]):
        return False
    after = (e for e in event.function.events if e.kind in _USES and e.span[:2] >= loop[1][2:])
    return any(handle in contained(value) for e in after for value in (e.subject, *(v for _, v in e.bindings)))


def _loops(node: Any) -> Iterator[ir.Stmt]:
    for child in node:
        if type(child) is tuple and child:
            if child[0] == "L" and len(child) == 7:
                yield child
            yield from _loops(child)


def _breaks(body: Any) -> bool:
    """Whether statements have a ``break`` that is not an inner loop's own."""
    for child in body:
        if type(child) is not tuple or not child or child[0] == "lam":
            continue
        if child[0] == "J" and len(child) == 3:
            if child[2] == "break":
                return True
        elif not ((child[0] == "L" and len(child) == 7) or (child[0] == "W" and len(child) == 5)) and _breaks(child):
            return True
    return False
