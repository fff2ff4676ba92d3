"""Objects that open a session when they are made, and are kept for as long as the application runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.program.handles import HELD
from sessionlint.program.knowledge import APPLICATION_STATES
from sessionlint.program.model import KEPT
from sessionlint.program.substitution import is_made_by
from sessionlint.program.values import Handle
from sessionlint.rules.kept_while_yielding import takes_out

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import ClassInfo, Event


def kept_with_objects(program: Program) -> Iterator[tuple[Event, ClassInfo, Handle]]:
    """``app.state.desk = Desk()`` of a class whose constructor opens a session and keeps it."""
    for event in program.events("setattr"):
        if not any(a.tag in ("ext", "obj") and a.name in APPLICATION_STATES for a in event.subject):
            continue
        made = [(a.info, handle) for a in event.value if a.tag == "inst" for handle in _opened(program, a)]
        if made and not takes_out(event.function, event.text):
            yield event, *made[0]


def _opened(program: Program, instance: Any) -> Iterator[Handle]:
    """What this very object has opened when it was made; a registry opens one for each thread."""
    init = program.solver.method(instance.info, "__init__")
    if init is None or init.class_info is None:
        return
    known = dict(instance.bindings)
    for cls in program.solver.mro(instance.info):
        for kept in program.solver.peek(("attr", cls, KEPT)):
            own = kept in known and isinstance(kept, Handle) and kept.kind in HELD and not kept.registry
            # what another method opens is told where that keeps it
            if own and is_made_by(kept, init):
                yield kept


__all__ = ["kept_with_objects"]
