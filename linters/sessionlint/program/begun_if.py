"""Generators that begin, or commit behind their ``yield``, where a parameter says so: ``unit(write=False)``.

``if write:`` around the block, ``session.begin() if write else nullcontext()``, ``if write: await session.commit()``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sessionlint.program.conditions import left_of
from sessionlint.program.guards import either
from sessionlint.program.substitution import substitution
from sessionlint.program.values import TRANSACTION, Value

if TYPE_CHECKING:
    from sessionlint.program.frame import Frame
    from sessionlint.program.solver import Solver
    from sessionlint.program.summaries import Summary


def at_yield(frame: Frame) -> None:
    """A generator gives something inside of transactions: notes under which conditions alone that is."""
    under = frozenset(frame.guards)
    if frame.begun_under:
        begun = [frame.begun_under.get(t, frozenset()) for t in frame.tx]
        under |= frozenset.intersection(*begun)
    frame.yield_guards = either(frame.yield_guards, under) if frame.yield_transactions else under


def note(frame: Frame, value: Value, depth: int) -> None:
    """``session.begin() if write else nullcontext()``: what is entered there is this under the condition only."""
    guards = tuple(frame.guards[depth:])
    for atom in value if guards else ():
        if atom.tag == "pending" or (atom.tag == "handle" and atom.kind == TRANSACTION):
            frame.only_if[atom] = guards


def left(frame: Frame, pending: Any, summary: Summary) -> frozenset[Any] | None:
    """The conditions that stay where a generator is entered; ``None``: by its arguments it begins nothing."""
    if not summary.yield_guards:
        return frozenset()
    return left_of(summary.yield_guards, substitution(frame, pending.info, pending.bindings), frame.solver)


def begins(summary: Summary, bindings: dict[Any, Value], solver: Solver) -> bool:
    """Whether a generator may be in a transaction, no savepoint, at the ``yield`` of a call with these arguments."""
    if not any(not t.savepoint for t in summary.yield_transactions):
        return False
    return not summary.yield_guards or left_of(summary.yield_guards, bindings, solver) is not None


def committing(
    summary: Summary, commits: Iterable[tuple[Any, Any]], bindings: dict[Any, Value], solver: Solver
) -> tuple[tuple[Any, Any], ...]:
    """Those of a generator's commits behind its ``yield`` that may happen in a call with these arguments."""
    found: list[tuple[Any, Any]] = []
    for subject, hop in commits:
        guards = summary.late_guards.get(hop)
        if not guards or left_of(guards, bindings, solver) is not None:
            found.append((subject, hop))
    return tuple(found)


__all__ = ["at_yield", "begins", "committing", "left", "note"]
