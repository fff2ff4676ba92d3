"""A parameter of which nothing is declared is all that its callers pass, each of them: whose session is meant?

``store.session.commit()`` of such a ``store`` is evaluated with the objects that callers pass, and commits the sessions
that these hold. For one caller that is the session of its own object, not those of the others.
"""

from __future__ import annotations

from typing import Any

from sessionlint.program.frame import Frame, identity
from sessionlint.program.model import FunctionInfo
from sessionlint.program.substitution import is_made_by
from sessionlint.program.values import CONNECTION, DRIVER, SESSION, Handle, Value, contained

#: Handles that one caller has and another has not, and what may be or hold one.
_OWN = frozenset({SESSION, CONNECTION, DRIVER})
_HOLDING = frozenset({"handle", "inst", "seq", "map", "param", "row"})


def is_anothers(frame: Frame, function: FunctionInfo, subject: Handle, mapped: dict[Any, Value]) -> bool:
    """Whether a function has a session from its callers in an object, and from another call than this one.

    Only where this call is known to pass one of its own in that place.
    """
    if subject.registry or subject.kind not in _OWN or is_made_by(subject, function):
        return False
    given = [(name, mapped.get(identity(function, name), ())) for name, *_ in function.params]
    holding = [(name, value) for name, value in given if value and not _HOLDING.isdisjoint([a.tag for a in value])]
    places = [(name, value) for name, value in holding if _has(frame, function, name, subject)]
    if not places or any(_is_passed_or_unknown(subject, _held(frame, value)) for _, value in places):
        return False
    # nor is it passed where nothing is known of what this call passes
    return not any(_has(frame, function, name, subject) for name, value in given if (name, value) not in holding)


def _has(frame: Frame, function: FunctionInfo, name: str, subject: Handle) -> bool:
    """Whether some caller passes the session, or what holds it, for a parameter."""
    passed = frame.solver.peek(("param", function, name))
    return bool(passed) and subject in _sessions(contained(passed))


def _is_passed_or_unknown(subject: Handle, given: list[Any]) -> bool:
    """Whether what this call passes is the session itself, or none at all."""
    return subject in given or not any(isinstance(a, Handle) and a.kind == subject.kind for a in given)


def without_others(frame: Frame, function: FunctionInfo, result: Value, mapped: dict[Any, Value]) -> Value:
    """What a function gives back, without the sessions that other calls passed it."""
    own = [a for a in result if a.tag != "handle" or not is_anothers(frame, function, a, mapped)]
    return tuple(own) if len(own) < len(result) else result


def _held(frame: Frame, given: Value) -> list[Any]:
    """What an argument is or holds; what is known of it where it is an argument itself."""
    known = [v for a in given for v in (frame.solver.views(a) if a.tag == "param" else (a,))]
    return _sessions(contained(tuple(known)))


def _sessions(held: list[Any]) -> list[Any]:
    """The same, with the sessions that loaded the rows among them."""
    return [*held, *[a.session for a in held if a.tag == "row"]]
