"""Objects that each make an engine of their own: ``replica = Database(url)`` next to ``primary = Database(url)``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.program.api import Program
from sessionlint.program.model import ClassInfo, Effect, Event
from sessionlint.rules.branches import conditions
from sessionlint.rules.engine_makers import Held
from sessionlint.rules.kept_for_good import keeps_its_object
from sessionlint.rules.walking import own_nodes_below


def objects_beside(program: Program, by: Held, event: Event) -> Iterator[tuple[Event, Event]]:
    """The objects that session modules make, at import, of a class whose constructor makes and keeps an engine.

    Each after the first, with that; those which another one replaces, under a name or in another branch, are none.
    """
    info = event.function.class_info
    if by.owner[0] != "attribute" or event.function.name != "__init__" or info is None:
        return
    if "branch" in event.flags or Effect("create", event.name, None) in event.function.summary.guards:
        return  # where it is given none
    kept: list[tuple[Any, Event]] = []
    for made in program.shared(_made_at_import).get(info, ()):
        if any(owner == _owner(made) or _is_other_branch(first, made) for owner, first in kept):
            continue
        if kept and not keeps_its_object(program, info):
            yield made, kept[0][1]
        kept.append((_owner(made), made))


def _made_at_import(program: Program) -> dict[ClassInfo, list[Event]]:
    """The objects that the bodies of session modules make, by class and by each class above that."""
    found: dict[ClassInfo, list[Event]] = {}
    for event in program.events("construct"):
        if event.function.name != "<module>" or not program.in_session_module(event.site):
            continue
        for cls in (c for a in event.value if a.tag == "cls" for c in program.solver.mro(a.info)):
            found.setdefault(cls, []).append(event)
    return found


def _owner(made: Event) -> tuple[str, Any]:
    """The name that an object is given; its place where it is given none."""
    for node in own_nodes_below(made.function.body):
        if node[0] == "=" and len(node) == 4 and node[3][1] == made.span:
            return made.path, ",".join([ir.text_of(target) for target in node[2]])
        if node[0] == ":" and len(node) == 5 and node[4] is not None and node[4][1] == made.span:
            return made.path, ir.text_of(node[2])
    return made.path, made.span


def _is_other_branch(one: Event, other: Event) -> bool:
    """Whether an ``if`` that is decided once makes one or the other."""
    if one.function is not other.function:
        return False
    taken = dict(conditions(one.function, one.span))
    return any(taken.get(test, holds) is not holds for test, holds in conditions(other.function, other.span))
