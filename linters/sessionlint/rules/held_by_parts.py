"""Sessions that a method gets at through what its object holds: ``self.repository.find()`` of a service."""

from __future__ import annotations

from typing import Any

from sessionlint.program.api import Program
from sessionlint.program.model import ClassInfo, FunctionInfo
from sessionlint.program.values import Param, Value, contained
from sessionlint.rules.core_connections import is_worked_with


def is_held_by_parts(program: Program, function: FunctionInfo, owner: ClassInfo, session: Any) -> bool:
    """Whether objects of a class are made with objects that keep this session, which none of its arguments brings."""
    return session in _kept_below(program, owner) and not any(
        session in _of_objects(program, _views(program, Param(function, name))) for name, *_ in function.params[1:]
    )


def is_bare(bindings: dict[Any, Value]) -> bool:
    """Whether nothing is known of what an object was made with beside its class, as of ``self`` in its methods."""
    made_with = any(key.tag == "param" and key.info.name == "__init__" for key in bindings)
    return not made_with and not any(a.tag == "inst" and a.bindings for value in bindings.values() for a in value)


def _kept_below(program: Program, owner: ClassInfo) -> frozenset[Any]:
    known = program.shared(_known)
    if owner not in known:
        known[owner] = frozenset()
        parts = (a for c in program.solver.mro(owner) for a in program.shared(_given_parts).get(c, ()))
        known[owner] = frozenset(s for part in parts for s in _of_objects(program, _views(program, part)))
    return known[owner]


def _of_objects(program: Program, made: Value) -> frozenset[Any]:
    """The sessions that objects keep: what they were made with, and what their classes are given."""
    found = set(contained(made))
    for cls in {c for a in made if a.tag == "inst" for c in program.solver.mro(a.info)}:
        found.update(a for a in program.shared(_direct).get(cls, ()))
        found.update(_kept_below(program, cls))
    return frozenset(a for a in found if a.tag in ("param", "injected") and is_worked_with(program, a))


def _views(program: Program, part: Param) -> Value:
    """What a part is: as passed, as dependencies make it where that says more than a protocol, and as declared."""
    passed = program.solver.views(part)
    made = [a for v in passed if v.tag == "injected" for a in program.solver.views(v) if a.tag == "inst"]
    return (*passed, *made, *program.solver.declared_classes(part))


def _direct(program: Program) -> dict[ClassInfo, dict[Any, None]]:
    """What the attributes of the objects of each class hold."""
    found: dict[ClassInfo, dict[Any, None]] = {}
    for owner, value in program.solver.held():
        found.setdefault(owner, {}).update(dict.fromkeys(value))
    return found


def _given_parts(program: Program) -> dict[ClassInfo, list[Param]]:
    """The arguments of its constructor that a class's objects keep, and that are no sessions themselves."""
    return {
        owner: [a for a in held if isinstance(a, Param) and a.info.name == "__init__" and not program.kind(a)]
        for owner, held in program.shared(_direct).items()
    }


def _known(program: Program) -> dict[ClassInfo, frozenset[Any]]:
    """What :func:`_kept_below` has found out."""
    return {}
