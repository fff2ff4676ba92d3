"""Functions and methods of a session module that end a transaction for their caller: ``await save(session)``.

Nothing is reported where they stand, so the call is told. What a session module puts around the work of others owns it:
context managers, decorators, and functions that run what they are handed. So it does an object whose session it gave.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.program.model import Effect
from sessionlint.program.values import Param, contained

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import ClassInfo, Event, FunctionInfo

_RUN = frozenset({"fn", "method", "partial", "closed", "pending"})


def by_helpers(program: Program, name: str) -> Iterator[Event]:
    """Calls of a session module's functions that end the transaction (``name``) of a session the caller has."""
    for event in program.events("effect"):
        callee = event.callee
        if event.text != "txn" or event.name != name or callee is None:
            continue
        if not program.policy.is_session_module(callee.path) or program.is_exempt(event.function):
            continue
        # what a dependency does after its yield is TXN211
        if event.function.is_generator and event.function in program.dependency_functions:
            continue
        if callee.name == name or _ends_what_it_is_given(program, event, callee):
            yield event


def _ends_what_it_is_given(program: Program, event: Event, callee: FunctionInfo) -> bool:
    """Whether a function ends what this caller hands to it, or to the constructor of its object, and no more."""
    effect = event.effect
    if effect is None or not (_is_parameter(program, effect.subject, callee) or _is_among_given(event)):
        return False
    if callee.is_generator or callee.parent is not None or callee.name.startswith("__"):
        return False
    # inside the block of an owner it is TXN205
    subjects = set(event.subject)
    if any(not t.savepoint and not subjects.isdisjoint(t.subjects) for t in event.transactions):
        return False
    # one that commits, and rolls back what fails, is told once
    both = effect.name == "rollback" and Effect("txn", "commit", effect.subject) in callee.summary.effects
    return not both and not _runs_others(program, callee)


def does_more(event: Event) -> bool:
    """Whether what is called also writes on the session that it ends."""
    callee, effect = event.callee, event.effect
    if callee is None or effect is None:
        return False
    return Effect("use", "write", effect.subject) in callee.summary.effects


def left_by(program: Program, helper: FunctionInfo) -> str | None:
    """What leaves the block of a unit of work that is told to commit by hand, and commits nothing itself."""
    owner = helper.class_info
    if owner is None or helper.name != "commit":
        return None
    ways = (program.solver.method(owner, name) for name in ("__aexit__", "__exit__"))
    leaving = next((way for way in ways if way is not None), None)
    if (
        leaving is None
        or leaving.class_info is None
        or any(e[:2] == ("txn", "commit") for e in leaving.summary.effects)
    ):
        return None
    return f"{leaving.in_full}"


def _is_parameter(program: Program, subject: Any, callee: FunctionInfo) -> bool:
    """Whether it is an argument of the function; or of the object's constructor, which others call, too."""
    if not isinstance(subject, Param):
        return False
    taker = subject.info
    if taker is callee:
        return True
    return taker.name == "__init__" and callee.class_info in program.shared(_made_outside)


def _is_among_given(event: Event) -> bool:
    """Whether it is one of several that this call hands over, as ``*sessions`` or in a list."""
    if event.effect is None or event.effect.subject is None:
        return False
    calls = (e for e in event.function.events if e.kind == "call" and e.span == event.span and e.callee is event.callee)
    given = (atom for call in calls for _, value in call.bindings for atom in value if atom.tag in ("seq", "map"))
    return any(event.effect.subject in contained((atom,)) for atom in given)


def _made_outside(program: Program) -> frozenset[ClassInfo]:
    """The classes of which objects are made outside of session modules, with those that they have their methods of."""
    made = {a.info for e in program.events("construct") if not program.is_exempt(e.function) for a in e.value
            if a.tag in ("inst", "cls")}  # fmt: skip
    return frozenset(base for info in made for base in program.solver.mro(info))


def _runs_others(program: Program, function: FunctionInfo) -> bool:
    """Whether a function is handed what it runs in the transaction that it ends."""
    for name, _, *_ in function.params:
        declared = function.param_values.get(name, ((), ()))[0]
        if any("Callable" in getattr(a, "name", "") for a in declared):
            return True
        if any(a.tag in _RUN for a in program.solver.arguments_of(Param(function, name))):
            return True
    return False
