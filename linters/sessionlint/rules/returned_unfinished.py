"""What leaves the block of a session before it has run: a coroutine that nobody awaited, a generator, a ``map``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sessionlint.program.values import Pending
from sessionlint.rules.naming import nodes

if TYPE_CHECKING:
    from sessionlint.facts import ir
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo

#: Methods of asynchronous sessions and connections that do nothing until they are awaited.
_COROUTINES = frozenset({
    "execute", "scalar", "scalars", "get", "get_one", "refresh", "flush", "merge", "delete", "stream",
    "stream_scalars", "run_sync",
})  # fmt: skip
_LAZY = ("map", "filter")


def used_later(program: Program) -> Iterator[tuple[Event, Event]]:
    """The uses of a session that happen when its block is left, with what returns them unfinished."""
    for event in program.events("return"):
        if not event.open_sessions or event.expr is None or event.function.is_generator:
            continue
        expr = event.expr
        uses = (*_unawaited(program, event, expr), *_of_generators(event), *_of_expression(event, expr))
        for use in uses[:1]:
            yield use, event


def _unawaited(program: Program, event: Event, expr: ir.Expr) -> Iterator[Event]:
    """``return session.scalars(query)``: the coroutine itself."""
    for use in event.function.events:
        if use.kind != "use" or use.span != expr[1] or "awaited" in use.flags or use.name not in _COROUTINES:
            continue
        if any(s in event.open_sessions and program.solver.is_async(s) for s in use.subject):
            yield use


def _of_generators(event: Event) -> Iterator[Event]:
    """``return rows()`` of a function that is defined in the block."""
    for atom in event.value:
        if isinstance(atom, Pending) and atom.info.parent is event.function:
            yield from (e for e in atom.info.events if e.kind == "use" and _is_open(e, event))


def _of_expression(event: Event, expr: ir.Expr) -> Iterator[Event]:
    """``return (db.get(Item, key) for key in keys)``: all of it but what it goes through."""
    if expr[0] != "g" or expr[2] != "GeneratorExp":
        return
    inside, source = expr[1], expr[4][0][1][1]
    for use in event.function.events:
        at = use.span[:2]
        if use.kind == "use" and inside[:2] <= at < inside[2:] and not source[:2] <= at < source[2:]:
            yield from (use,) if _is_open(use, event) else ()


def mapped_later(event: Event) -> FunctionInfo | None:
    """The function of a returned ``map(…)`` that uses a session which is closed before anything goes through it."""
    expr = event.expr
    if expr is None or expr[0] != "c" or expr[2][0] != "n" or expr[2][2] not in _LAZY or not expr[3]:
        return None
    given, children = expr[3][0], event.function.children.values()
    for child in children:
        named = given[0] == "n" and child.name == given[2]
        written = child.name == "<lambda>" and any(True for n in nodes((given,), "lam", 3) if n[1] == child.span)
        if (named or written) and any(_is_open(e, event) for e in child.events if e.kind == "use"):
            return child
    return None


def _is_open(use: Event, event: Event) -> bool:
    return any(s in event.open_sessions for s in use.subject)
