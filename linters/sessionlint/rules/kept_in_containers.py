"""Sessions in what a container of dependencies is told to make: it asks for that as long as it lives.

``container.register(Users, factory=lambda: Users(session))``: the function is called when somebody needs what it makes,
and the session is that of the call which wrote it down. A container that the same call makes, and gives to nobody, ends
with it. Sources: the documentation of punq, svcs, rodi, injector, wireup, dependency-injector and kink.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sessionlint.patterns import regex
from sessionlint.program.values import Injected, contained
from sessionlint.rules.background_work import captured_sessions, enclosing

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo

_REGISTERS: Final = regex(
    r"(?P<container>(?:punq|svcs|rodi|injector|wireup|antidote|aioinject|that_depends|dishka|dependency_injector)"
    r"\.(?:\w+\.)*[A-Z]\w*)\(\)\.(?:register\w*|add_\w+|bind|multibind|provide|override|set_kwargs|add_kwargs|factory)"
)
#: One object for all who ask; those of a thread or a context go with that.
_SINGLETON: Final = "dependency_injector.providers.Singleton"


class KeptInContainer(NamedTuple):
    """Where a container is told what to make, and the session in that."""

    event: Event
    session: Any


def kept_in_containers(program: Program) -> Iterator[KeptInContainer]:
    """The first session of each such call."""
    for event in program.events("external"):
        if event.name == _SINGLETON:
            yield from (KeptInContainer(event, session) for session in list(_of_resources(program, event))[:1])
            continue
        found = _REGISTERS.fullmatch(event.name)
        if found is not None and _outlives(event.function, found["container"]):
            session = next(_sessions(program, event), None)
            if session is not None:
                yield KeptInContainer(event, session)


def _of_resources(program: Program, event: Event) -> Iterator[Any]:
    """The sessions of other providers that the one object of a singleton is made with."""
    for value in (*event.args[1:], *(v for _, v in event.keywords)):
        for atom in value:
            given = Injected(atom) if atom.tag == "partial" else None
            if given is not None and program.kind(given) == "session":
                yield given


def _outlives(function: FunctionInfo, container: str) -> bool:
    """Whether the container is there when the function has returned."""
    if not any(e.kind == "external" and e.name == container for e in function.events):
        return True
    handed = (a for value in (function.summary.returns, function.summary.yields) for a in contained(value))
    return any(a.tag == "ext" and a.name == f"{container}()" for a in handed)


def _sessions(program: Program, event: Event) -> Iterator[Any]:
    """Those of the call that a function which it wrote, or an object that it made, has with it."""
    for value in (*event.args, *(v for _, v in event.keywords)):
        for atom in value:
            held: list[Any] = []
            if atom.tag == "fn":
                held = [*captured_sessions(program, atom.info, {}), *contained(atom.info.summary.returns)]
            elif atom.tag == "inst":
                held = contained((atom,))
            yield from (s for s in held if program.kind(s) == "session" and _is_of_call(event.function, s))


def _is_of_call(function: FunctionInfo, session: Any) -> bool:
    """Whether a session was given to the function, or to one around it, or opened there."""
    return any(
        (session.tag == "param" and session.info is owner)
        or any(session in e.subject for e in owner.events if e.kind in ("create", "obtain"))
        for owner in enclosing(function)
        if owner.name != "<module>"
    )
