"""Engines and factories of the session module that go nowhere but to the approved ways which ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessionlint.facts import ir
from sessionlint.program.model import Event
from sessionlint.program.values import Handle
from sessionlint.rules.naming import names_of, nodes, uses_of
from sessionlint.rules.opening import is_approved
from sessionlint.rules.watching import is_within

if TYPE_CHECKING:
    from sessionlint.program.api import Program


def is_for_approved(program: Program, event: Event, handle: Handle) -> bool:
    """Whether what an ``obtain`` event gets is an argument of approved functions, and of nothing else."""
    calls = [e for e in event.function.events if e.kind == "call" and any(handle in v for _, v in e.bindings)]
    takers = [e.span for e in calls if e.callee is not None and is_approved(program, e.callee)]
    if not takers or len(takers) != len(calls):
        return False
    if any(is_within(event.span, taker) for taker in takers):
        return True
    statements = event.function.body
    names = names_of(statements, event.span)
    elsewhere = [n[1] for n in uses_of(statements, names) if not any(is_within(n[1], taker) for taker in takers)]
    return bool(names) and set(elsewhere) <= {*_given(statements), *_disposed(statements)}


def _given(statements: tuple[ir.Stmt, ...]) -> list[ir.Span4]:
    """Where names are given."""
    targets = [target for node in nodes(statements, "w/", 5) for _, target in node[2] if target is not None]
    return [t[1] for t in (*targets, *(t for node in nodes(statements, "=", 4) for t in node[2]))]


def _disposed(statements: tuple[ir.Stmt, ...]) -> list[ir.Span4]:
    return [node[2][1] for node in nodes(statements, "a", 4) if node[3] == "dispose"]
