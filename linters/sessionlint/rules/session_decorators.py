"""Decorators of the project that open a session for what they wrap and hand it in as an argument."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import SESSION, Value, contained
from sessionlint.rules.given_back import is_given_back

if TYPE_CHECKING:
    from sessionlint.program.api import Program


def session_decorators(program: Program) -> dict[FunctionInfo, list[FunctionInfo]]:
    """Such decorators, with the functions they wrap; one that opens a session for itself alone is none."""
    found: dict[FunctionInfo, list[FunctionInfo]] = {}
    handing: dict[FunctionInfo, bool] = {}
    for function in program.functions:
        for wrapper in function.wrappers:
            if wrapper not in handing:
                handing[wrapper] = _hands_in(program, wrapper)
            if handing[wrapper] and wrapper.parent is not None:
                found.setdefault(_outermost(wrapper), []).append(function)
    return found


def opened_by(program: Program, decorator: FunctionInfo) -> Value:
    """The sessions that the wrappers of a decorator open."""
    wrappers, found = list(decorator.children.values()), []
    while wrappers:
        wrapper = wrappers.pop(0)
        found += _opened(program, wrapper)
        wrappers.extend(wrapper.children.values())
    return tuple(dict.fromkeys(found))


def _outermost(wrapper: FunctionInfo) -> FunctionInfo:
    while wrapper.parent is not None:
        wrapper = wrapper.parent
    return wrapper


def _opened(program: Program, wrapper: FunctionInfo) -> list[object]:
    found: list[object] = []
    for event in wrapper.events:
        if event.kind in ("create", "obtain"):
            opened = (a for a in event.subject if a.tag == "handle" and program.kind(a) == SESSION)
            found += [a for a in opened if event.kind == "create" or not is_given_back(program, event, a)]
    return found


def _hands_in(program: Program, wrapper: FunctionInfo) -> bool:
    """Whether a wrapper passes the session it opens to what it calls, also through its ``**kwargs``."""
    opened = set(_opened(program, wrapper))
    if not opened:
        return False
    given = [v for e in wrapper.events if e.kind == "call" for _, v in e.bindings]
    given += [e.value for e in wrapper.events if e.kind == "setitem"]
    return any(atom in opened for value in given for atom in contained(value))
