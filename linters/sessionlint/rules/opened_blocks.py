"""Sessions that objects open for a ``with`` block of a function, and let go of when it is left without committing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.program.values import SESSION, Handle

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo

_EXITS = ("__aexit__", "__exit__")
_LETS_GO = ("rollback", "close")
_OVER = ("closed", "ended")
_OPENS = ("create", "obtain")


def let_go_by_blocks(program: Program, function: FunctionInfo) -> frozenset[Any]:
    """The sessions that blocks of a function end, whatever happens in them: nobody commits them after that."""
    found: set[Any] = set()
    for event in function.events:
        if event.kind == "effect" and event.name in _LETS_GO and event.text == "txn" and _is_left(event):
            found.update(a for a in event.subject if _is_its_own(program, event, a))
    return frozenset(found)


def queried_in_blocks(function: FunctionInfo) -> frozenset[Any]:
    """The sessions that context managers open and close around a block which they give a query, not the session."""
    found: set[Any] = set()
    for event in function.events:
        manager = event.callee
        if event.kind != "call" or manager is None or not {"cm", "context"} <= event.flags:
            continue
        opened = {a for e in manager.events if e.kind in _OPENS and "context" in e.flags for a in e.subject}
        sessions = (a.session for a in manager.summary.yields if a.tag == "row" and a.query)
        found.update(s for s in sessions if s in opened and s.kind == SESSION and not s.registry)
    return frozenset(found)


def _is_left(event: Event) -> bool:
    """Whether leaving an object's block does this on every way."""
    method, effect = event.callee, event.effect
    if method is None or effect is None or method.name not in _EXITS:
        return False
    return any((effect.subject, fact) in method.summary.leaves for fact in _OVER)


def _is_its_own(program: Program, event: Event, session: Any) -> bool:
    """Whether the object made the session itself; one that is known by its class alone may be of a class below."""
    method = event.callee
    if not isinstance(session, Handle) or session.kind != SESSION or session.registry or method is None:
        return False
    owner = method.class_info
    if session.site != session.root or owner is None:
        return True
    return all(below is method for below in program.solver.overrides(owner, method.name))
