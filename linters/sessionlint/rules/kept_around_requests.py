"""Sessions that middleware opens around each request and keeps in a context variable, where endpoints find them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sessionlint.program import middleware
from sessionlint.program.values import Handle, Site
from sessionlint.rules.out_of_sight import is_kept_in_variable, may_be_committed
from sessionlint.rules.transactions import closing_commits

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo

_SAVES: Final = frozenset({"begin", "commit"})


def commits_around_request(program: Program, write: Event, session: Any) -> bool | None:
    """Whether what opens the session that an endpoint finds in a variable commits it; ``None`` when that is not told.

    Where the variable may keep another one, too, it is not told which the endpoint finds.
    """
    endpoint = write.function
    if not endpoint.routes or not isinstance(session, Handle) or session not in endpoint.summary.ambient:
        return None
    opened = program.shared(_opened).get(session.root, ())
    found = {a for e in endpoint.events if (e.span, e.kind) == (write.span, write.kind) for a in e.subject}
    if not opened or len(found) > 1 or may_be_committed(program, session):
        return None
    if any(kept.begun or _ends(opener, kept) for opener, kept in opened):
        return None
    answers = [closing_commits(program, opener, kept) for opener, kept in opened]
    return None if None in answers else any(answers)


def _ends(opener: FunctionInfo, kept: Handle) -> bool:
    """Whether middleware begins or commits for all who find the session, or enters what does."""
    for event in opener.events:
        sessions = list(event.subject) if event.name in _SAVES else []
        sessions += [a for t in event.transactions for a in t.subjects]
        if event.kind == "call" and event.callee is not None:
            summary = event.callee.summary
            sessions += [a for t in summary.yield_transactions for a in t.subjects]
            sessions += [a for a, _ in summary.commits_after_yield]
        if any(isinstance(a, Handle) and a.root == kept.root for a in sessions):
            return True
    return False


def _opened(program: Program) -> dict[Site, list[tuple[FunctionInfo, Handle]]]:
    """The sessions that context variables keep, with the middleware that opens them."""
    kept = {a.root for e in program.events("store") if is_kept_in_variable(e) for a in e.subject if a.tag == "handle"}
    found: dict[Site, list[tuple[FunctionInfo, Handle]]] = {}
    for event in program.events("create", "obtain") if kept else ():
        if "context" in event.flags and middleware.is_one(program.solver, event.function):
            for atom in event.subject:
                if isinstance(atom, Handle) and atom.root in kept:
                    found.setdefault(atom.root, []).append((event.function, atom))
    return found
