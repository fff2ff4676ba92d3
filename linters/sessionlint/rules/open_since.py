"""Since when a session's transaction is open at a ``begin()``: a block, a statement, or a dependency of the request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.program.model import Effect
from sessionlint.program.values import Injected
from sessionlint.report import TraceStep
from sessionlint.rules.transactions import (
    behind,
    called,
    commit_trace,
    down_to,
    injector,
    owner_of,
    request_dependencies,
)

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo


def open_since(program: Program, event: Event) -> tuple[str, list[TraceStep]]:
    """Since when the transaction is open, and the steps that show it; no steps when nothing proves it."""
    if "already begun" in event.flags:
        owner = owner_of(event, event.subject)
        if owner is not None:
            return f"line {owner.site[1][0]}", [program.step(owner.site, "the transaction is opened here")]
    if event.flags & {"already begun", "autobegun"}:
        earlier = _earlier(event)
        if earlier is None:
            return "", []
        steps = [program.step(earlier.site, f"{called(earlier)} already opened a transaction")]
        steps += down_to(program, earlier)[1:]
        return f"line {earlier.span[0]}", steps
    for atom in event.subject:
        if isinstance(atom, Injected):
            source = begun_by(program, atom)
            if source is not None:
                return f"the dependency {source.qualname}() opened it", commit_trace(program, source)
            found = _by_dependency(program, event.function, atom)
            if found[1]:
                return found
    return "", []


def begun_by(program: Program, atom: Any) -> FunctionInfo | None:
    """The dependency that hands out an injected session inside the transaction that it opened."""
    source = injector(program, atom) if isinstance(atom, Injected) else None
    if source is None:
        return None
    yielded = set(source.summary.yields)
    begun = any(yielded & set(t.subjects) for t in source.summary.yield_transactions if not t.savepoint)
    return source if begun else None


def _earlier(event: Event) -> Event | None:
    """The last event before the ``begin()`` that opened a transaction on the same session."""
    found: Event | None = None
    for other in event.function.events:
        if other is event:
            break
        opens = other.kind == "use" or (other.kind == "txn" and other.name in ("begin", "begin_nested"))
        opens = opens or (other.kind == "effect" and (other.text == "use" or other.name == "begin"))
        if opens and set(other.subject) & set(event.subject) and not other.transactions:
            found = other
    return found


def _by_dependency(program: Program, function: FunctionInfo, session: Injected) -> tuple[str, list[TraceStep]]:
    """A dependency of the request that leaves a transaction open on the session the endpoint also gets."""
    opened: tuple[str, list[TraceStep]] = ("", [])
    for dependency in request_dependencies(program, function):
        for target in behind(program, dependency):
            effects = target.summary.effects
            if any(Effect("txn", end, session) in effects for end in ("commit", "rollback", "close")):
                return "", []
            if {(session, "used"), (session, "begun")} & target.summary.leaves and not opened[1]:
                used = next((e for e in effects if e.subject == session and e.kind in ("use", "txn")), None)
                steps = [program.step(dependency.site, f"the dependency {target.qualname}() gets the same session")]
                opened = (
                    f"the dependency {target.qualname}() used the same session",
                    steps + (program.effect_trace(target, used) if used is not None else []),
                )
    return opened
