"""Units of work that a decorator enters around the function it is put on: ``async with self.unit: await fn(self)``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessionlint.program.frame import identity
from sessionlint.rules.units import has_units, own_units_around

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo, Transaction
    from sessionlint.program.values import Value

_MAX_HOPS = 8


def units_of_decorators(program: Program, function: FunctionInfo) -> tuple[Transaction, ...]:
    """The transactions that units of work commit in which a decorator runs the function."""
    return program.shared(_decorated).get(function, ()) if function.wrappers else ()


def runs_in_units(program: Program, function: FunctionInfo) -> bool:
    """Whether a function enters units of work, or a decorator does around it."""
    return has_units(program, function) or bool(units_of_decorators(program, function))


def units_around(program: Program, event: Event) -> tuple[Transaction, ...]:
    """The transactions that units of work around an event commit, the outermost first."""
    own = own_units_around(program, event)
    return (*units_of_decorators(program, event.function), *own) if event.function.wrappers else own


def is_told_below(program: Program, event: Event) -> bool:
    """Whether what a call does happens in a function that a decorator runs in a unit of work: it is told there."""
    current, wanted = event.callee, event.effect
    known = program.shared(_decorated)
    for _ in range(_MAX_HOPS if known else 0):
        if current is None or wanted is None:
            return False
        if current in known:
            return True
        hop = current.summary.hop(wanted)
        current, wanted = (hop.callee, hop.inner) if hop is not None else (None, None)
    return False


def is_decorators_call(program: Program, event: Event) -> bool:
    """Whether a decorator calls in its unit of work what it is put on."""
    callee = event.callee
    return callee is not None and event.function in callee.wrappers and callee in program.shared(_decorated)


def _decorated(program: Program) -> dict[FunctionInfo, tuple[Transaction, ...]]:
    found: dict[FunctionInfo, tuple[Transaction, ...]] = {}
    for wrapper in dict.fromkeys(w for f in program.functions for w in f.wrappers):
        for event in wrapper.events:
            callee = event.callee
            if event.kind != "call" or callee is None or wrapper not in callee.wrappers or callee in found:
                continue
            units = own_units_around(program, event)
            if units:
                found[callee] = tuple(u._replace(subjects=_known_as(event, wrapper, u.subjects)) for u in units)
    return found


def _known_as(call: Event, wrapper: FunctionInfo, sessions: Value) -> Value:
    """What the decorated function knows the sessions as."""
    found = [key for key, value in call.bindings if not set(value).isdisjoint(sessions)]
    named = {p[0] for p in call.callee.params} if call.callee is not None else set()
    for session in sessions:
        if session.tag != "param" or session.info is not wrapper:
            found.append(session)
        elif session.name in named and call.callee is not None:
            found.append(identity(call.callee, session.name))
    return tuple(dict.fromkeys(found))
