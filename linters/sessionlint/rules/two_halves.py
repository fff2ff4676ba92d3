"""Transaction blocks that an object of the project writes in two halves: ``__enter__`` begins, ``__exit__`` ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessionlint.program.beginning import ASKED
from sessionlint.rules.done_flags import ends_unless_done
from sessionlint.rules.matched_conditions import comes_along

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo

#: What enters the block of an object, and what leaves it.
EXITS = {"__aenter__": "__aexit__", "__enter__": "__exit__"}
_ENTERS = {leave: enter for enter, leave in EXITS.items()}
_BY_HAND = ("commit", "rollback")
_SOMETIMES = frozenset({"branch", "handler", "loop"})


def is_half_of_block(program: Program, event: Event) -> bool:
    """Whether what begins when an object is entered ends when that object is left."""
    return _left_on_exit(program, event) or _ended_on_exit(program, event)


def _left_on_exit(program: Program, event: Event) -> bool:
    """Whether an object that begins when it is entered leaves the transaction by its ``__exit__`` when it is left.

    That is a ``with`` block written in two halves: the transaction is told of the error, and commits or rolls back.
    """
    leave = _other_half(program, event)
    return leave is not None and any(
        e.kind == "left"
        and (e.flags.isdisjoint(_SOMETIMES) or comes_along(event, e))
        and any(getattr(a, "site", None) == event.site for a in e.subject)
        for e in leave.events
    )


def joins(program: Program, event: Event) -> bool:
    """Whether leaving an object ends no more than what entering it has begun, where no transaction was open."""
    leave, effect = event.callee, event.effect
    enters = _ENTERS.get(leave.name) if leave is not None and leave.class_info is not None else None
    if leave is None or leave.class_info is None or enters is None or effect is None:
        return False
    hop, enter = leave.summary.hop(effect), program.solver.method(leave.class_info, enters)
    if hop is None or hop.callee is not None or enter is None:
        return False
    if any(e.kind == "txn" and e.name in _BY_HAND and effect.subject in e.subject for e in leave.events):
        return False
    left = {getattr(a, "site", None) for e in leave.events if e.kind == "left" for a in e.subject}
    begun = [e for e in enter.events if e.kind == "txn" and e.name == "begin" and e.site in left]
    return bool(begun) and all(ASKED in e.flags for e in begun)


def _ended_on_exit(program: Program, event: Event) -> bool:
    """Whether such an object commits or rolls back by hand, or closes, whichever way its block is left."""
    leave = _other_half(program, event) if event.name == "begin" else None
    if leave is None or not event.subject:
        return False
    left = leave.summary.leaves
    return all((s, "ended") in left or (s, "closed") in left or ends_unless_done(leave, s) for s in event.subject)


def _other_half(program: Program, event: Event) -> FunctionInfo | None:
    info = event.function.class_info
    if info is None or event.function.name not in EXITS:
        return None
    return program.solver.method(info, EXITS[event.function.name])
