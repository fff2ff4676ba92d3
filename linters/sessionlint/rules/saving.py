"""Whether what was written on a session is ever committed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.program.model import Effect
from sessionlint.rules.transactions import behind, closing_commits, owned, request_dependencies

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo


def is_lost(program: Program, function: FunctionInfo, index: int, session: Any) -> bool:
    """Whether nothing commits the write that is event ``index`` of ``function``; doubt means no."""
    event = function.events[index]
    if "closed" in event.flags:
        return False  # TXN208
    if program.kind(session) != "session" or any(session in t.subjects for t in owned(event)):
        return False
    if closing_commits(program, function, session) is not False:
        return False
    around = (e for wrapper in function.wrappers for e in wrapper.events if not _is_wrapped(e))
    if any(e.name in ("begin", "commit") for e in around if e.kind in ("txn", "effect")):
        return False  # a decorator commits
    if any(_may_commit(other, session, event, later=i > index) for i, other in enumerate(function.events)):
        return False
    ends = {Effect("txn", "commit", session), Effect("escape", "unknown", session)}
    before = (target for asked in request_dependencies(program, function) for target in behind(program, asked))
    return not any(ends & target.summary.effects.keys() for target in before)


def _is_wrapped(event: Event) -> bool:
    """Whether a decorator's event is what one of the functions does that it is put around."""
    return event.callee is not None and event.function in event.callee.wrappers


def _may_commit(other: Event, session: Any, write: Event, later: bool) -> bool:
    """Whether an event of the function can save what was written on ``session`` at ``write``."""
    if other.kind == "schedule":
        return any(session in value for value in other.args)
    if session not in other.subject:
        return False
    if other.kind in ("store", "escape") or (other.kind == "effect" and other.text == "escape"):
        return True
    if other.kind == "effect" and other.name == "begin" and other.span == write.span:
        return True  # the callee owns a transaction of its own
    if other.name == "commit" and other.callee is not None and other.callee.summary.commits_after_yield:
        return True  # a context manager that commits when its block is left
    again = later or other.span == write.span or bool({"loop"} & other.flags & write.flags)
    return again and other.name == "commit" and other.kind in ("txn", "effect")
