"""Sessions that anybody can reach, by a context variable or a global registry: who commits them out of sight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.program.model import Event
from sessionlint.program.reached import calling
from sessionlint.program.values import Handle, Site

if TYPE_CHECKING:
    from sessionlint.program.api import Program

#: What ends the transaction of a session that is there for all, or hands it to who may.
_SAVES = frozenset({("txn", "commit"), ("txn", "begin"), ("escape", "unknown")})


def is_kept_in_variable(event: Event) -> bool:
    """``current.set(session)``: who reads the variable has the session itself, not an object that holds it."""
    return event.kind == "store" and event.name == "context variable" and all(a in event.value for a in event.subject)


def may_be_committed(program: Program, session: Any) -> bool:
    """Whether somebody whom nobody in sight calls (middleware, a dependency) commits what all can reach.

    What calls in sight commit is told of at those calls; endpoints and background work commit for their own scope.
    """
    return isinstance(session, Handle) and session.root in program.shared(_committed)


def _committed(program: Program) -> frozenset[Site]:
    callers, _ = program.shared(calling)
    called = {*callers, *(w for f in program.functions for w in f.wrappers)}
    alone = [f for f in program.functions if f not in called and not f.routes and program.role(f) != "background"]
    bodies = [module.body for module in program.solver.modules.values()]
    subjects = (e.subject for f in (*alone, *bodies) for e in f.summary.effects if (e.kind, e.name) in _SAVES)
    # what is entered and does not give the session commits it where it is left, unseen by who entered
    left = (a for f in program.functions for a, _ in f.summary.commits_after_yield)
    return frozenset(a.root for a in (*subjects, *left) if isinstance(a, Handle))
