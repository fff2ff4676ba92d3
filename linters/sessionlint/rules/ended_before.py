"""Waits after the transaction has ended: a callee rolls back or commits what its caller began, and waits then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.rules.transactions import owned

if TYPE_CHECKING:
    from sessionlint.program.model import Event, Transaction

_MAX_HOPS = 6


def open_around(event: Event) -> tuple[Transaction, ...]:
    """The transactions of blocks around a wait that are still open when it waits, savepoints left out."""
    around = owned(event)
    if not around:
        return ()
    ended = _ended(event, 0)
    return tuple(t for t in around if not t.subjects or not ended.issuperset(t.subjects)) if ended else around


def _ended(event: Event, hops: int) -> frozenset[Any]:
    """The sessions whose transaction has ended when a call waits, as the function of the event knows them."""
    own = frozenset(event.args[3] if len(event.args) > 3 else ())
    callee = event.callee
    if event.kind != "effect" or callee is None or event.effect is None or hops > _MAX_HOPS:
        return own
    name = event.effect.name
    below = [e for e in callee.events if e.name == name and "network" in (e.kind, e.text)]
    if not below:
        return own
    ended = frozenset.intersection(*[_ended(e, hops + 1) for e in below])
    return own | _as_here(event, ended) if ended else own


def _as_here(event: Event, ended: frozenset[Any]) -> frozenset[Any]:
    """What the caller passes for sessions of a callee; those that are no parameters are the same everywhere."""
    calls = (e for e in event.function.events if e.kind == "call" and e.span == event.span and e.callee is event.callee)
    given = dict(next((e.bindings for e in calls), ()))
    # one parameter that may be several sessions says of none that it has ended
    passed = (given.get(atom, (atom,)) for atom in ended)
    return frozenset(value[0] for value in passed if len(value) == 1)
