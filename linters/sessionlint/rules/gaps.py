"""Where background work can fail and no ``except`` stands around it: in its function, or in the callee with the try."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sessionlint.program.model import Event, FunctionInfo
from sessionlint.rules.efforts import effort
from sessionlint.rules.failing import failure_before, failures, is_broad
from sessionlint.rules.raising import first_file, first_raise

if TYPE_CHECKING:
    from sessionlint.program.api import Program

#: Functions that hand the work on are followed this far.
_MOST_HOPS = 3


class Gap(NamedTuple):
    """What can fail unrecorded, and the function whose gap it is; ``tried``: before a ``try`` that it has."""

    function: FunctionInfo
    failure: Event
    tried: bool
    #: the calls through which the background function comes to it
    way: tuple[Event, ...] = ()


def gaps(program: Program, function: FunctionInfo, handlers: list[Event]) -> list[Gap]:
    """The gaps of a background function, with its clauses that catch whatever comes.

    Those of callees whose own ``except`` records the rest are the callees', whoever hands work on to them.
    """
    if handlers:
        # what comes after a ``try`` may record its outcome
        failure = failure_before(function, handlers)
        return [] if failure is None else [Gap(function, failure, tried=True)]
    found = _of_callees(program, function, 0)
    if found:
        return found
    failure = next(failures(function), None) or first_raise(function) or first_file(function)
    return [] if failure is None else [Gap(function, failure, tried=False)]


def _of_callees(program: Program, function: FunctionInfo, hops: int) -> list[Gap]:
    """The gaps of callees with a ``try``, if all that is unguarded in a function comes through such."""
    found: dict[FunctionInfo, Gap] = {}
    for failure in failures(function):
        inner = _of_callee(program, failure, hops)
        if not inner:
            return []
        for gap in inner:
            found.setdefault(gap.function, gap)
    return list(found.values())


def _of_callee(program: Program, call: Event, hops: int) -> list[Gap]:
    callee = call.callee if call.kind == "call" else None
    # who else calls it learns of the error
    if callee is None or callee not in program.background_helpers:
        return []
    handlers = [e for e in callee.events if e.kind == "handler" and is_broad(e)]
    if not handlers:
        inner = _of_callees(program, callee, hops + 1) if hops < _MOST_HOPS else []
        return [gap._replace(way=(call, *gap.way)) for gap in inner]
    failure = failure_before(callee, handlers) if any(effort(program, h) == "records" for h in handlers) else None
    return [] if failure is None else [Gap(callee, failure, tried=True, way=(call,))]
