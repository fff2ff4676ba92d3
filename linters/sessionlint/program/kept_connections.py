"""Connections that a generator keeps to itself: what it commits on one behind its ``yield`` is nothing of its caller's.

``async with AsyncSession(bind=connection) as session: yield session``, and a ``SET`` that is committed afterwards: the
session is closed by then, and what nobody has committed on it is undone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.program.values import CONNECTION, DRIVER, SESSION, Value, contained

if TYPE_CHECKING:
    from sessionlint.program.frame import Frame
    from sessionlint.program.model import Effect, Event

#: What is done with a connection and gives it to nobody but a session that is made here.
_OWN = frozenset({"use", "txn", "create", "options"})
_HELD = frozenset({SESSION, CONNECTION, DRIVER})


def at_yield(frame: Frame, given: Value) -> None:
    """A generator hands over: notes the connections on which nothing is open yet, and what has to be closed first."""
    own = [h for h, e in frame.begins.items() if h.kind == CONNECTION and e.kind == "create" and not h.begun]
    if not own and not frame.kept_connections:
        return
    handed = [a for a in contained(given) if a.tag == "handle"]
    first = not frame.yielded
    known, frame.kept_connections = frame.kept_connections, {}
    for connection in own:
        if (first or connection in known) and _is_kept(frame, connection, handed):
            bound = [h for h, e in frame.begins.items() if e.kind == "create" and _takes(e, connection)]
            lent = [a for a in (*bound, *handed) if a.kind in _HELD]
            frame.kept_connections[connection] = tuple(dict.fromkeys((*known.get(connection, ()), *lent)))


def commits_nothing(frame: Frame, effect: Effect) -> bool:
    """Whether a commit behind the ``yield`` finds nothing on a connection but what was read or set since."""
    lent = frame.kept_connections.get(effect.subject) if effect.name == "commit" else None
    if lent is None or frame.know(effect.subject, "written"):
        return False
    return all(frame.know(handle, "closed") == 1 for handle in lent)


def _is_kept(frame: Frame, connection: Any, handed: list[Any]) -> bool:
    if frame.know(connection, "used") or frame.know(connection, "begun") or frame.in_block(connection):
        return False
    if any(a == connection or a.parent == connection for a in handed):
        return False
    return not any(e.kind not in _OWN and _takes(e, connection) for e in frame.events)


def _takes(event: Event, connection: Any) -> bool:
    values = (event.value, *event.args, *(v for _, v in event.keywords), *(v for _, v in event.bindings))
    return any(connection in contained(value) for value in values)
