"""What the session module calls inside its own block because it was handed that: ``await locked(fetch)``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sessionlint.program.guards import ANY, ONLY
from sessionlint.rules.ended_before import open_around
from sessionlint.rules.handed_in import who_hands_in
from sessionlint.rules.held_open import Opening

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Effect, Event, FunctionInfo

_MAX_HOPS: Final = 6
#: The kinds of guards of what happens through a function or object that is passed.
_HANDED: Final = frozenset({"is", "of", ANY, ONLY})


def called_inside(program: Program, event: Event) -> Opening | None:
    """The block of the session module in which a call has it wait for what the call hands it.

    What the session module does by itself there is its own affair; whoever hands it something to do can see this.
    """
    callee: FunctionInfo | None
    callee, effect = event.callee, event.effect
    for _ in range(_MAX_HOPS):
        if callee is None or effect is None or program.role(callee) != "session":
            return None
        hop = callee.summary.hop(effect)
        if hop is None or not _is_handed(callee, effect):
            return None
        waits = [e for e in callee.events if e.site == hop.site and e.kind == "effect" and e.text == "network"]
        # of what several calls hand over, what this one does
        own = [e for e in waits if any(call.site == event.site for call in who_hands_in(program, e))]
        for inside in own or waits:
            if block := open_around(inside):
                steps = [program.step(block[-1].site, "the transaction is opened here")]
                return Opening(f"{callee.name}()", steps, not own, work=inside if own else None)
        callee, effect = hop.callee, hop.inner
    return None


def _is_handed(function: FunctionInfo, effect: Effect) -> bool:
    """Whether a function does something only where it is handed what does it."""
    summary = function.summary
    ways = [summary.guards.get(effect, frozenset())] if effect in summary.effects else []
    ways += [guards for other, guards in summary.possible if other == effect]
    return any(guard.kind in _HANDED for guards in ways for guard in guards)


__all__ = ["called_inside"]
