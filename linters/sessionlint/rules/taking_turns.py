"""Coroutines that use a session only while they hold a lock: one after the other, however many are started."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.program.locks import LOCKS
from sessionlint.program.values import contained
from sessionlint.rules.handed_locks import assigned, handed_as, locks_given
from sessionlint.rules.walking import own_nodes_below
from sessionlint.rules.watching import is_within

if TYPE_CHECKING:
    from sessionlint.program.model import Event, FunctionInfo

_ENTERED = frozenset(f"{name}.__enter__" for name in LOCKS)
#: What says that a function ends, or is about one, and does nothing itself.
_NOTHING = frozenset({"leave", "handler", "import"})


def lock_around(started: Any, session: Any, starter: FunctionInfo | None) -> str | None:
    """The name of the lock that a coroutine holds whenever it uses a session, if there is one that others share.

    It is called what ``starter`` calls it, the function that makes the coroutine, where that hands the lock over.
    """
    if started.tag != "pending" or not started.info.evaluated or started.info.is_generator:
        return None
    function = started.info
    held = list(_held(started, starter))
    if not held:
        return None
    keys = {session, *(key for key, value in started.bindings if session in contained(value))}
    used = [e.span for e in function.events if e.kind not in _NOTHING and _concerns(e, keys)]
    for name, block in held:
        if used and all(is_within(span, block) for span in used):
            return name
    return None


def _held(started: Any, starter: FunctionInfo | None) -> Iterator[tuple[str, ir.Span4]]:
    """The locks that a function enters, which it did not make itself, and their blocks."""
    function = started.info
    given = locks_given(started)
    entered = {e.span for e in function.events if e.kind == "external" and e.name in _ENTERED}
    if not entered and not given:
        return
    own = {p[0] for p in function.params} | set(assigned(function.body))
    for node in own_nodes_below(function.body):
        if node[0] != "w/" or len(node) != 5 or not node[3]:
            continue
        for item, _ in node[2]:
            # a lock that is taken out of a container may be another one for each
            name = ir.dotted(item) if item[0] in ("n", "a") else None
            root, _, rest = (name or "").partition(".")
            if name and item[1] in entered and root not in own:
                pass
            elif item[1] in entered and rest and _is_kept(function, root, rest):
                name = handed_as(started, starter, root, rest)
            elif name in given:
                name = handed_as(started, starter, root, "")
            else:
                name = None
            if name:
                yield name, (*node[3][0][1][:2], *node[3][-1][1][2:])


def _is_kept(function: FunctionInfo, receiver: str, attribute: str) -> bool:
    """Whether a method takes a lock from its own object, where nothing makes one for each time it is asked for."""
    owner = function.class_info
    if owner is None or function.is_staticmethod or not function.params or function.params[0][0] != receiver:
        return False
    return "." not in attribute and attribute not in owner.methods and not _puts(function.body, receiver, attribute)


def _puts(body: Any, receiver: str, attribute: str) -> bool:
    nodes = (n for n in own_nodes_below(body) if n[0] == "=" and len(n) == 4)
    return any(ir.dotted(target) == f"{receiver}.{attribute}" for n in nodes for target in n[2])


def _concerns(event: Event, keys: set[Any]) -> bool:
    given = (*event.args, *(v for _, v in event.keywords), *(v for _, v in event.bindings), event.value)
    return not keys.isdisjoint(event.subject) or any(not keys.isdisjoint(contained(v)) for v in given)
