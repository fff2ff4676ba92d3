"""Since when a session's transaction is open at a ``begin()``: a block, a statement, or a dependency of the request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sessionlint.program.model import Effect
from sessionlint.program.values import Injected
from sessionlint.report import TraceStep
from sessionlint.rules.decorated import begun_around
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


class Reader(NamedTuple):
    """A dependency of the request that leaves a transaction open on the endpoint's session, and the steps to it."""

    function: FunctionInfo
    steps: list[TraceStep]


class Since(NamedTuple):
    """Since when a transaction is open, as the steps show; ``by`` is the dependency or decorator that opened it.

    ``holds`` tells that it hands the session out inside its own transaction.
    """

    when: str = ""
    steps: tuple[TraceStep, ...] = ()
    by: FunctionInfo | None = None
    holds: bool = False


def open_since(program: Program, event: Event) -> Since:
    """Since when the transaction is open; no steps when nothing proves it."""
    if "already begun" in event.flags:
        owner = owner_of(event, event.subject)
        if owner is not None:
            return Since(f"line {owner.site[1][0]}", (program.step(owner.site, "the transaction is opened here"),))
    if event.flags & {"already begun", "autobegun"}:
        earlier = _earlier(event)
        if earlier is None:
            return Since()
        step = program.step(earlier.site, f"{called(earlier)} already opened a transaction")
        return Since(f"line {earlier.span[0]}", (step, *down_to(program, earlier)[1:]))
    outer = begun_around(program, event)
    if outer is not None:
        return Since(f"@{outer.decorator.name} opened it", (outer.step(program),), outer.decorator, holds=True)
    for atom in event.subject:
        if isinstance(atom, Injected):
            source = begun_by(program, atom)
            if source is not None:
                when = f"the dependency {source.qualname}() opened it"
                return Since(when, tuple(commit_trace(program, source)), source, holds=True)
            reader = read_before(program, event.function, atom)
            if reader is not None:
                when = f"the dependency {reader.function.qualname}() used the same session"
                return Since(when, tuple(reader.steps), reader.function)
    return Since()


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


def read_before(program: Program, function: FunctionInfo, session: Any) -> Reader | None:
    """The dependency of the request that leaves a transaction open on the session the endpoint also gets."""
    if not isinstance(session, Injected):
        return None
    found: Reader | None = None
    for dependency in request_dependencies(program, function):
        for target in behind(program, dependency):
            effects = target.summary.effects
            if any(Effect("txn", end, session) in effects for end in ("commit", "rollback", "close")):
                return None
            if found is None and {(session, "used"), (session, "begun")} & target.summary.leaves:
                used = next((e for e in effects if e.subject == session and e.kind in ("use", "txn")), None)
                steps = [program.step(dependency.site, f"the dependency {target.qualname}() gets the same session")]
                found = Reader(target, steps + (program.effect_trace(target, used) if used is not None else []))
    return found
