"""Functions that only work in the background calls: what a started function does is background work, too."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Set
from typing import TYPE_CHECKING, TypeVar

from sessionlint.program.listing import FileListing
from sessionlint.program.model import ClassInfo, FunctionInfo

if TYPE_CHECKING:
    from sessionlint.program.api import Program

_T = TypeVar("_T")
Near = Callable[[FunctionInfo, FunctionInfo], bool]


def all_from(start: _T, leads_to: Mapping[_T, Set[_T]]) -> set[_T]:
    """``start``, what it leads to, and what that leads to."""
    found = {start}
    pending = [start]
    while pending:
        more = leads_to.get(pending.pop(), frozenset()) - found
        found |= more
        pending.extend(more)
    return found


def reached_from(program: Program, started: Collection[FunctionInfo], near: Near) -> frozenset[FunctionInfo]:
    """What ``started`` functions call, overriding methods included, when nobody else calls it.

    ``near`` tells whether a callee counts as part of its caller's work. Calls of tests and migrations do not count.
    """
    callers, calls = program.shared(calling)
    families = program.shared(_families)
    found = set(started)
    pending = list(started)
    #: how many callers of a function that may be reached are not found yet
    missing: dict[FunctionInfo, int] = {}
    while pending:
        current = pending.pop()
        called = calls.get(current, ())
        for callee in (*families.get(current, ()), *(c for c in called if near(current, c))):
            if callee in found or callee in missing or callee.routes or callee in program.dependency_functions:
                continue
            # a decorator's inner function calls on behalf of those who call the decorated one
            others = [c for c in callers.get(callee, ()) if c is not callee and c not in callee.wrappers]
            missing[callee] = len([c for c in others if c not in found])
            if not missing[callee]:
                _add(callee, found, pending, calls, missing)
    return frozenset(found.difference(started))


def _add(
    reached: FunctionInfo,
    found: set[FunctionInfo],
    pending: list[FunctionInfo],
    calls: Mapping[FunctionInfo, list[FunctionInfo]],
    missing: dict[FunctionInfo, int],
) -> None:
    """A function is found, and with it those that have been waiting for it as the last of their callers."""
    adding = [reached]
    while adding:
        function = adding.pop()
        found.add(function)
        pending.append(function)
        for callee in calls.get(function, ()):
            if callee in missing and callee not in found and callee is not function and function not in callee.wrappers:
                missing[callee] -= 1
                if not missing[callee]:
                    adding.append(callee)


def calling(program: Program) -> tuple[dict[FunctionInfo, set[FunctionInfo]], dict[FunctionInfo, list[FunctionInfo]]]:
    """Who calls each function, and what each function calls, but for tests and migrations."""
    callers: dict[FunctionInfo, set[FunctionInfo]] = {}
    calls: dict[FunctionInfo, list[FunctionInfo]] = {}
    for caller, callees in program.by_file(_callees):
        if program.policy.layer_of(caller.path) not in ("test", "migration"):
            calls[caller] = callees
            for callee in callees:
                known = callers.get(callee)
                if known is None:
                    callers[callee] = {caller}
                else:
                    known.add(caller)
    return callers, calls


def _callees(listing: FileListing) -> Iterable[tuple[FunctionInfo, list[FunctionInfo]]]:
    calls: dict[FunctionInfo, dict[FunctionInfo, None]] = {}
    for event in listing.by_kind.get("call", ()):
        if event.callee is not None:
            calls.setdefault(event.function, {})[event.callee] = None
    for event in listing.by_kind.get("concurrent", ()):
        # a task group calls what it is given, for the function that waits for it
        for value in (event.value, *event.args):
            for atom in value:
                if atom.tag in ("fn", "pending"):
                    calls.setdefault(event.function, {})[atom.info] = None
    return [(caller, list(callees)) for caller, callees in calls.items()]


def _families(program: Program) -> dict[FunctionInfo, list[FunctionInfo]]:
    """For every method, the same method of the other classes below the one that first declares it."""
    below: dict[tuple[ClassInfo, str], list[FunctionInfo]] = {}
    for info in program.classes:
        for name, method in info.methods.items():
            if not name.startswith("__"):
                first = [c for c in program.solver.mro(info) if name in c.methods][-1]
                below.setdefault((first, name), []).append(method)
    return {method: family for family in below.values() if len(family) > 1 for method in family}


def beside(program: Program) -> Near:
    """Near is what lies in the same file, or is a method of the same family of classes."""

    def near(caller: FunctionInfo, callee: FunctionInfo) -> bool:
        if caller.path == callee.path:
            return True
        if caller.class_info is None or callee.class_info is None:
            return False
        return bool(set(program.solver.mro(caller.class_info)) & set(program.solver.mro(callee.class_info)))

    return near


def anywhere(_: FunctionInfo, __: FunctionInfo) -> bool:
    """Every callee is near."""
    return True
