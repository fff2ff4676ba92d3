"""Queries that filter by whatever column a call tells them: ``find(**columns)``, ``by(column, value)``."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.api import Program
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.values import Param

#: Callers of which nothing else is said.
_UNTOLD = ("auth", "model")
_MOST_HOPS = 8


def is_told_by_calls(program: Program, event: Event) -> bool:
    """Whether a condition is on a column that only calls name, where each is told of by itself."""
    if not program.policy.enabled("TXN303") or mentions(event.function.body, event.name):
        return False
    return (event.function, event.name) in program.shared(_told)


def _told(program: Program) -> frozenset[tuple[FunctionInfo, str]]:
    """The functions that calls have filter by a column, with that."""
    filtering = frozenset(e.function for e in program.events("predicate"))
    found = set()
    for event in program.events("call") if filtering else ():
        callee = event.callee
        if callee is not None and callee in filtering and program.role(event.function) not in _UNTOLD:
            name = filtered(event, callee)
            if name is not None:
                found.add((callee, name))
    return frozenset(found)


def filtered(event: Event, callee: FunctionInfo) -> str | None:
    """The tenant column by which a call makes a general query filter: a keyword, a key or a name it passes."""
    columns = {e.name for e in callee.events if e.kind == "predicate"}
    columns = {c for c in columns if not mentions(callee.body, c)}
    for identity, value in event.bindings if columns else ():
        if isinstance(identity, Param) and identity.info is callee:
            for atom in value:
                keys = [k for k, _ in atom.items] if atom.tag == "map" else [atom.value] if atom.tag == "const" else []
                name = next((k for k in keys if isinstance(k, str) and k in columns), None)
                if name:
                    return name
    return None


def hands_on(event: Event) -> bool:
    """Whether a call spreads the keywords that its function is given: ``find(**filters)``."""
    rest = next((p[0] for p in event.function.params if p[1] == ir.KIND_KWARGS), None)
    if rest is None or event.expr is None or event.expr[0] != "c":
        return False
    return any(key is None and value[0] == "n" and value[2] == rest for key, value in event.expr[4])


def written_column(program: Program, event: Event, callee: FunctionInfo) -> str | None:
    """The tenant column that a call names to a function that hands its keywords on to a general query."""
    columns = program.shared(_handed_on).get(callee)
    if not columns or event.expr is None or event.expr[0] != "c":
        return None
    return next((key for key, _ in event.expr[4] if key in columns), None)


def _handed_on(program: Program) -> dict[FunctionInfo, frozenset[str]]:
    """The functions that hand their keywords on to general queries, with the columns these are told."""
    found: dict[FunctionInfo, frozenset[str]] = {}
    calls = [e for e in program.events("call") if e.callee is not None and hands_on(e)]
    for _ in range(_MOST_HOPS if calls else 0):
        before = dict(found)
        for event in calls:
            assert event.callee is not None
            columns = {e.name for e in event.callee.events if e.kind == "predicate"}
            told = {c for c in columns if not mentions(event.callee.body, c)} | found.get(event.callee, frozenset())
            if told:
                found[event.function] = found.get(event.function, frozenset()) | told
        if found == before:
            break
    return found


def mentions(body: Any, column: str) -> bool:
    """Whether a function writes the column's name itself: then it filters by it whatever it is passed."""
    pending = [body]
    while pending:
        current = pending.pop()
        if current == column:
            return True
        pending.extend(part for part in current if type(part) in (tuple, str)) if type(current) is tuple else ()
    return False


__all__ = ["filtered", "hands_on", "is_told_by_calls", "mentions", "written_column"]
