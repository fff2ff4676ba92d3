"""Sessions of objects that a call gives, and that nobody closes.

``session = Desk().session``: of the object that opened it nobody has anything that could close it. ``desk = opened()``
of a helper that gives ``Desk(session_factory())``: who has the object has the session to close.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sessionlint.program.handles import HELD
from sessionlint.program.substitution import is_made_by
from sessionlint.program.values import Handle
from sessionlint.rules.ownership import closes
from sessionlint.rules.walking import nodes_below
from sessionlint.rules.watching import is_within

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event


def dropped_holders(program: Program) -> Iterator[tuple[Event, Handle]]:
    """Calls of a class that opens a session when it is made, of which no more than this session is taken."""
    for event in program.events("call"):
        callee = event.callee
        if callee is None or callee.name != "__init__" or event.function.name == "<module>":
            continue
        for kept, opened in event.bindings:
            own = isinstance(kept, Handle) and kept.kind in HELD and not kept.registry and is_made_by(kept, callee)
            new = [a for a in opened if isinstance(a, Handle) and a.site == event.site] if own else []
            if new and _is_taken_alone(program, event, kept):
                yield event, new[0]


def handed_in_objects(program: Program) -> Iterator[tuple[Event, Handle]]:
    """Calls of a function that opens a session and gives it in an object, whose class does not close it.

    The session is the one that the caller works with.
    """
    for event in program.events("call"):
        callee = event.callee
        if callee is None or callee.is_generator or not callee.summary.returns or event.function.name == "<module>":
            continue
        for atom in callee.summary.returns:
            for kept, given in atom.bindings if atom.tag == "inst" else ():
                opened = [a for a in given if isinstance(a, Handle) and a.kind in HELD and not a.registry]
                for handle in opened if kept.tag != "handle" else ():
                    if closes(program, atom.info, kept) or closes(program, atom.info, handle):
                        continue
                    if any(handle in e.open_sessions for e in callee.events):
                        continue  # closed when it is handed out: who uses it is told of that
                    new = _worked_with(event, handle) if is_made_by(handle, callee) else None
                    if new is not None:
                        yield event, new


def _worked_with(event: Event, handle: Handle) -> Handle | None:
    """The session of this call among those that its function works with, unless a ``with`` enters it."""
    events = event.function.events
    subjects = (a for e in events for a in e.subject if isinstance(a, Handle))
    new = next((a for a in subjects if a.site == event.site and (a.kind, a.root) == (handle.kind, handle.root)), None)
    return None if any(new in e.open_sessions for e in events) else new


def _is_taken_alone(program: Program, event: Event, kept: Handle) -> bool:
    """Whether the session is read from the object where that is made, and no ``with`` is entered there."""
    body = event.function.body
    read = (n for n in nodes_below(body) if n[0] == "a" and len(n) == 4 and type(n[2]) is tuple)
    taken = [n for n in read if n[2][1] == event.span]
    cls = event.callee.class_info if event.callee is not None else None
    if len(taken) != 1 or cls is None:
        return False
    if not any(kept in program.solver.peek(("attr", c, taken[0][3])) for c in program.solver.mro(cls)):
        return False
    entered = [item for n in nodes_below(body) if n[0] == "w/" and len(n) == 5 for item, _ in n[2]]
    return not any(is_within(event.span, item[1]) for item in entered)
