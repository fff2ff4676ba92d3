"""How a source of sessions ends in one call of it: by its arguments, and by the class of the object that is entered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.program.conditions import left_of
from sessionlint.program.frame import identity
from sessionlint.program.model import ClassInfo, Event, FunctionInfo
from sessionlint.program.values import Handle, Inst, Value
from sessionlint.rules.two_halves import EXITS

if TYPE_CHECKING:
    from sessionlint.program.api import Program

#: What a function is passed, by parameter, and what the objects among that were made with.
Given = dict[Any, Value]


def given_for(
    program: Program, function: FunctionInfo, callee: FunctionInfo, session: Handle, outer: Given
) -> Given:  # fmt: skip
    """What the one call is passed in which a function gets a session; ``outer`` is what the function was passed."""
    calls = [e for e in function.events if e.kind == "call" and e.callee is callee and _gives(e, session)]
    if len(calls) != 1:
        return {}
    bindings = [(key, outer.get(value[0], value) if len(value) == 1 else value) for key, value in calls[0].bindings]
    made = [a for _, value in bindings for a in value if a.tag == "inst"]
    given = {**{key: value for inst in made for key, value in inst.bindings}, **dict(bindings)}
    if callee.name in EXITS and callee.params:
        key = identity(callee, callee.params[0][0])
        given[key] = _may_be(program, function, given.get(key, ()))
    return given


def _gives(call: Event, session: Handle) -> bool:
    """Whether a call gives the session, or its object, made before, keeps it."""
    if call.site == session.site:
        return True
    return any(session in held for _, v in call.bindings for a in v if a.tag == "inst" for _, held in a.bindings)


def _may_be(program: Program, function: FunctionInfo, objects: Value) -> Value:
    """The objects, and those of classes below where they are not made here."""
    made = {a.info for e in function.events if e.kind == "construct" for a in e.value if a.tag == "cls"}
    found: list[Any] = []
    for atom in objects:
        below = [] if atom.tag != "inst" or atom.info in made else program.solver.subclasses(atom.info)
        found += [atom, *[Inst(info, atom.bindings) for info in below]]
    return tuple(found)


def commits_when_left(program: Program, function: FunctionInfo, given: Given) -> bool:
    """Whether the block of an object that this method enters ends with a commit."""
    owner = function.class_info
    entered = [a for a in given.get(identity(function, function.params[0][0]), ()) if a.tag == "inst"]
    if entered:
        return any(_leaving_commits(program, function, a.info, given | dict(a.bindings), a) for a in entered)
    return owner is not None and _leaving_commits(program, function, owner, given, None)


def _leaving_commits(program: Program, function: FunctionInfo, owner: ClassInfo, given: Given, entered: Any) -> bool:
    leaving = program.solver.method(owner, EXITS[function.name])
    if leaving is None:
        return False
    if entered is not None and leaving.params:
        given = given | {identity(leaving, leaving.params[0][0]): (entered,)}
    summary = leaving.summary
    ways = [summary.guards.get(e, frozenset()) for e in summary.effects if e[:2] == ("txn", "commit")]
    if entered is not None:
        ways += [guards for effect, guards in summary.possible if effect[:2] == ("txn", "commit")]
    return any(left_of(guards, given, program.solver) is not None for guards in ways)


__all__ = ["Given", "commits_when_left", "given_for"]
