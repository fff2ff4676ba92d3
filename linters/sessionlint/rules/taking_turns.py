"""Coroutines that use a session only while they hold a lock: one after the other, however many are started."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.program.contexts import LOCKS
from sessionlint.program.values import contained
from sessionlint.rules.walking import own_nodes_below
from sessionlint.rules.watching import is_within

if TYPE_CHECKING:
    from sessionlint.program.model import Event, FunctionInfo

_ENTERED = frozenset(f"{name}.__enter__" for name in LOCKS)
#: What says that a function ends, or is about one, and does nothing itself.
_NOTHING = frozenset({"leave", "handler", "import"})


def lock_around(started: Any, session: Any) -> str | None:
    """The name of the lock that a coroutine holds whenever it uses a session, if there is one that others share."""
    if started.tag != "pending" or not started.info.evaluated or started.info.is_generator:
        return None
    function = started.info
    held = list(_held(function))
    if not held:
        return None
    keys = {session, *(key for key, value in started.bindings if session in contained(value))}
    used = [e.span for e in function.events if e.kind not in _NOTHING and _concerns(e, keys)]
    for name, block in held:
        if used and all(is_within(span, block) for span in used):
            return name
    return None


def _held(function: FunctionInfo) -> Iterator[tuple[str, ir.Span4]]:
    """The locks that a function enters, which it did not make itself, and their blocks."""
    entered = {e.span for e in function.events if e.kind == "external" and e.name in _ENTERED}
    if not entered:
        return
    own = {p[0] for p in function.params} | set(_assigned(function.body))
    for node in own_nodes_below(function.body):
        if node[0] != "w/" or len(node) != 5 or not node[3]:
            continue
        for item, _ in node[2]:
            # a lock that is handed in, or taken out of a container, may be another one for each
            if item[1] in entered and item[0] == "n" and item[2] not in own:
                yield item[2], (*node[3][0][1][:2], *node[3][-1][1][2:])


def _assigned(body: Any) -> Iterator[str]:
    """The names that statements give a value."""
    for node in own_nodes_below(body):
        targets: Any = ()
        if node[0] in ("=", ":", "L", "w") and len(node) > 3:
            targets = node[2]
        elif node[0] == "w/" and len(node) == 5:
            targets = tuple(target for _, target in node[2] if target is not None)
        yield from (n[2] for n in own_nodes_below((targets,)) if n[0] == "n" and len(n) == 3)
        if targets and targets[0] == "n":
            yield targets[2]


def _concerns(event: Event, keys: set[Any]) -> bool:
    given = (*event.args, *(v for _, v in event.keywords), *(v for _, v in event.bindings), event.value)
    return not keys.isdisjoint(event.subject) or any(not keys.isdisjoint(contained(v)) for v in given)
