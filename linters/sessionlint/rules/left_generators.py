"""Sessions taken by hand out of a generator that commits at its end, which nobody lets it come to.

``for session in get_db(): …; break`` and ``next(get_db())``: Python ends the generator at its ``yield``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.facts.blocks import blocks_of
from sessionlint.program.generators import STEPS
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.rules.ways_out import Step, steps_to

_TAKES = ("next", "anext")
_ENDS = ("close", "aclose")
_EXITS = ("__exit__", "__aexit__")
_LOOPS = ("L", "W")
_MAX_HOPS = 8
_FINAL = frozenset({"finally", "handler"})
_SOMETIMES = frozenset({"branch", "handler"})


def left_at_yield(write: Event, session: Any) -> Event | None:
    """How the session was taken out of a generator whose commit does not come after a write; doubt means none."""
    function = write.function
    for taken in function.events:
        if taken.kind != "obtain" or "gen" not in taken.flags or session not in taken.subject:
            continue
        source = taken.callee
        if source is None or not source.is_generator or not _commits_at_end(source):
            continue
        if _closed_after(write, session):
            return taken
        if "iterated" in taken.flags:
            loop = next(_loops_over(function.body, taken.span), None)
            return taken if loop is not None and _breaks_off(loop, write) else None
        return taken if _is_taken_once(function, taken) else None
    return None


def _commits_at_end(source: FunctionInfo, depth: int = 0) -> bool:
    """Whether a generator commits only where it goes on behind its ``yield``, not in a ``finally``."""
    summary = source.summary
    for _, hop in summary.commits_after_yield:
        inner = hop.callee
        if inner is not None and inner.name in _EXITS:
            return False
        if inner is not None and inner.is_generator:
            if depth > _MAX_HOPS or not _commits_at_end(inner, depth + 1):
                return False
        elif not _FINAL.isdisjoint(f for e in source.events if e.site == hop.site for f in e.flags):
            return False
    blocks = [t for t in summary.yield_transactions if not t.savepoint]
    for inner in [t.source for t in blocks if t.source is not None]:
        if depth > _MAX_HOPS or not inner.is_generator or not _commits_at_end(inner, depth + 1):
            return False
    return bool(summary.commits_after_yield or blocks)


def _closed_after(write: Event, session: Any) -> bool:
    """Whether the session is closed by hand after the write: what was not committed by then is undone."""
    ends = [e for e in write.function.events if e.kind == "txn" and e.name == "close" and e.text == "close"]
    return any(session in e.subject and e.span > write.span and e.flags.isdisjoint(_SOMETIMES) for e in ends)


def _loops_over(body: tuple[ir.Stmt, ...], source: ir.Span4) -> Iterator[ir.Stmt]:
    for statement in body:
        if statement[0] == "L" and statement[3][1] == source:
            yield statement
        for block in blocks_of(statement):
            yield from _loops_over(block, source)


def _breaks_off(loop: ir.Stmt, write: Event) -> bool:
    """Whether every way from a write in a loop leaves it by ``break`` or ``return``."""
    steps = steps_to(loop[4], write.span)
    if steps and steps[-1].block[steps[-1].number][0] == "R":
        return True
    for number in range(len(steps) - 1, -1, -1):
        inside = any(step.owner is not None and step.owner[0] in _LOOPS for step in steps[: number + 1])
        for statement in _further(steps[number]):
            if statement[0] == "R":
                return True
            if statement[0] == "J" and not inside:
                return bool(statement[2] == "break")
            if statement[0] in ("J", "!"):
                break
            if not inside and _may_go_on(statement):
                return False
        if not inside and any(_may_go_on(s) for s in _clauses(steps[number])):
            return False
    return False


def _further(step: Step) -> tuple[ir.Stmt, ...]:
    """What runs behind a statement in its block, and when a ``try`` around that has come to its end."""
    rest, owner = step.block[step.number + 1 :], step.owner
    if owner is None or owner[0] != "T":
        return rest
    return (*rest, *(owner[4] if step.block is owner[2] else ()), *owner[5])


def _clauses(step: Step) -> tuple[ir.Stmt, ...]:
    owner = step.owner
    if owner is None or owner[0] != "T" or step.block is not owner[2]:
        return ()
    return tuple([s for clause in owner[3] for s in clause[3]])


def _may_go_on(statement: ir.Stmt) -> bool:
    """Whether there is a ``continue`` below, not of an inner loop."""
    if statement[0] == "J":
        return bool(statement[2] == "continue")
    if statement[0] in _LOOPS:
        return False
    return any(_may_go_on(s) for block in blocks_of(statement) for s in block)


def _is_taken_once(function: FunctionInfo, taken: Event) -> bool:
    """Whether ``next(source)`` is all that is done with a generator, but for closing it."""
    if "loop" in taken.flags:
        return False
    call = next(_calls_at(function.body, taken.span), None)
    source = _source(call) if call is not None else None
    if source is None or source[0] == "c":
        return source is not None
    return source[0] == "n" and _uses(function.body, source[2]) == 1


def _source(call: ir.Expr) -> ir.Expr | None:
    """What a call takes the next element from."""
    if call[2][0] == "n" and call[2][2] in _TAKES and call[3]:
        first: ir.Expr = call[3][0]
        return first
    if call[2][0] == "a" and call[2][3] in STEPS:
        of: ir.Expr = call[2][2]
        return of
    return None


def _calls_at(node: Any, span: ir.Span4) -> Iterator[ir.Expr]:
    for child in node:
        if type(child) is tuple and child:
            if child[0] == "c" and len(child) == 5 and child[1] == span:
                yield child
            yield from _calls_at(child, span)


def _uses(node: Any, name: str) -> int:
    """How often a name is mentioned, but for giving it a value and closing what it has."""
    found = 0
    for child in node:
        if type(child) is not tuple or not child:
            continue
        if child[0] == "n" and len(child) == 3 and child[2] == name:
            found += 1
        elif child[0] == "=" and len(child) == 4 and any(t[0] == "n" and t[2] == name for t in child[2]):
            found += _uses(child[3:], name)
        elif not (child[0] == "a" and len(child) == 4 and child[3] in _ENDS and child[2][0] == "n"):
            found += _uses(child, name)
    return found
