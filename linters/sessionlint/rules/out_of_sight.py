"""Sessions that anybody can reach, by a context variable or a global registry: who commits them out of sight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sessionlint.program.flask_views import is_command, is_view
from sessionlint.program.knowledge import EMPTIED_REGISTRY
from sessionlint.program.model import Effect, Event, FunctionInfo
from sessionlint.program.reached import calling
from sessionlint.program.values import Ext, Handle, Site
from sessionlint.rules.named_somewhere import can_be_called
from sessionlint.rules.two_halves import is_half_of_block

if TYPE_CHECKING:
    from sessionlint.program.api import Program

_ALONE: Final = frozenset({"background", "test", "migration"})
#: The session of an extension that empties its registry behind each request.
EMPTIED: Final = Ext(f"{EMPTIED_REGISTRY}()")
#: What ends the transaction of a session that is there for all, or hands it to who may.
_SAVES = frozenset({("txn", "commit"), ("txn", "begin"), ("escape", "unknown")})
#: What begins for a block, here or where it is handed to.
_IN_BLOCKS = frozenset({"context", "returned"})


def is_kept_in_variable(event: Event) -> bool:
    """``current.set(session)``: who reads the variable has the session itself, not an object that holds it."""
    return event.kind == "store" and event.name == "context variable" and all(a in event.value for a in event.subject)


def may_be_committed(program: Program, session: Any) -> bool:
    """Whether somebody whom nobody in sight calls (middleware, a dependency) commits what all can reach.

    What calls in sight commit is told of at those calls; endpoints and background work commit for their own scope.
    """
    if session == EMPTIED:
        return bool(program.shared(_commits_the_emptied))
    return isinstance(session, Handle) and session.root in program.shared(_committed)


def _commits_the_emptied(program: Program) -> bool:
    """Whether something commits the extension's session that may run behind a request, as a hook does."""
    callers, _ = program.shared(calling)
    return any(
        function not in callers and not _has_its_own(program, function)
        for function in program.functions
        if any((e.kind, e.name) in _SAVES and e.subject == EMPTIED for e in function.summary.effects)
    )


def _has_its_own(program: Program, function: FunctionInfo) -> bool:
    """Whether what a function finds in the registry is there for it alone: a view, a task, a command, a script."""
    if function.routes or is_view(program.solver, function) or is_command(function):
        return True
    return function.name == "<module>" or program.role(function) in _ALONE


def _committed(program: Program) -> frozenset[Site]:
    callers, _ = program.shared(calling)
    called = {*callers, *(w for f in program.functions for w in f.wrappers)}
    alone = [f for f in program.functions if f not in called and not f.routes and program.role(f) != "background"]
    bodies = [module.body for module in program.solver.modules.values()]
    saving = [(f, e.subject) for f in (*alone, *bodies) for e in f.summary.effects if _saves(program, f, e)]
    may_run = {f: can_be_called(program, f) for f, _ in saving}
    subjects = (subject for f, subject in saving if may_run[f])
    # what is entered and does not give the session commits it where it is left, unseen by who entered
    left = (a for f in program.functions for a, _ in f.summary.commits_after_yield)
    return frozenset(a.root for a in (*subjects, *left) if isinstance(a, Handle))


def _saves(program: Program, function: FunctionInfo, effect: Effect) -> bool:
    """Whether an effect ends the transaction of its session; who begins without a block leaves that to others."""
    if (effect.kind, effect.name) not in _SAVES:
        return False
    if effect.name != "begin":
        return True
    site = program.effect_site(function, effect) if isinstance(effect.subject, Handle) else None
    begun = [e for e in program.whole.events("txn") if e.site == site] if site is not None else []
    return not begun or any(e.flags & _IN_BLOCKS or is_half_of_block(program, e) for e in begun)
