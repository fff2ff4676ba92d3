"""``except`` clauses that record the error for good before they raise it again: whoever keeps it then loses nothing."""

from __future__ import annotations

from sessionlint.facts import ir
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.rules.failing import body_of, handled, is_broad
from sessionlint.rules.watching import is_within

_MAX_NESTING = 5
#: Traces that no rollback takes back.
_OUT_OF_REACH = frozenset({"network", "schedule", "escape"})


def recorded_clauses(function: FunctionInfo) -> list[ir.Span4]:
    """The clauses that record before they raise, of a ``try`` of which one clause catches whatever comes."""
    clauses = [e for e in function.events if e.kind == "handler"]
    found = [h for h in clauses if any(e.kind == "raise" for e in handled(h)) and _records_first(h)]
    return [
        h.span for h in found if is_broad(h) or any(is_broad(o) and body_of(o) == body_of(h) for o in clauses)
    ]  # fmt: skip


def _records_first(handler: Event) -> bool:
    # what is written in a transaction around the ``try`` is rolled back by the error that goes on
    if handler.transactions:
        return False
    traces = [e.span[:2] for e in handled(handler) if _stays(e, handler.span)]
    return bool(traces) and min(traces) < min(e.span[:2] for e in handled(handler) if e.kind == "raise")


def _stays(event: Event, clause: ir.Span4 | None, nesting: int = 0) -> bool:
    """Whether an event leaves something that the error does not take back: a commit, a request, work handed on."""
    if event.kind == "call" and event.callee is not None:
        return nesting < _MAX_NESTING and any(_stays(e, None, nesting + 1) for e in event.callee.events)
    if event.kind in _OUT_OF_REACH or (event.kind == "txn" and event.name == "commit"):
        return True
    if event.kind == "change" or (event.kind == "use" and "write" in event.flags):
        return bool(event.transactions) or any(_is_own(a, clause) for a in event.subject if a in event.open_sessions)
    return False


def _is_own(session: object, clause: ir.Span4 | None) -> bool:
    """Whether a session is opened in the clause, or in what it calls: the one that failed commits nothing."""
    site = getattr(session, "site", None)
    return site is not None and (clause is None or is_within(site[1], clause))
