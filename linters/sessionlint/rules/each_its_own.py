"""Coroutines of objects that are gone through one by one, each of which opens a session for itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.program.values import contained
from sessionlint.rules.background_work import maker_of, sessions_in
from sessionlint.rules.held_by_parts import is_bare
from sessionlint.rules.walking import nodes_below
from sessionlint.rules.watching import is_within

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import FunctionInfo
    from sessionlint.program.values import Value

#: Where one object after the other gets to what all of them see.
_SHARED = frozenset({"global", "class", "state"})


def opened_by_each(
    program: Program, function: FunctionInfo, started: Iterable[Value], session: Any, together: ir.Span4
) -> bool:
    """Whether every coroutine with the session has it from an object of its own: ``[pool.stop() for pool in pools]``.

    ``together`` is where the coroutines run at the same time. The session is one that a method of the object opens.
    """
    if session.tag == "param":
        return session.info.name == "__init__" and _of_each_object(program, function, started, session, together)
    if session.tag != "handle" or session.registry:
        return False
    owner = maker_of(program, session).class_info
    if owner is None:
        return False
    given = dict.fromkeys(a for value in started for a in contained(value) if a.tag == "pending")
    work = [a for a in given if session in sessions_in(program, (a,))]
    if len({a.site for a in work}) != 1 or work[0].site[0] != function.path:
        return False
    if not all(a.info.class_info is not None and owner in program.solver.mro(a.info.class_info) for a in work):
        return False
    if not _has_another_each_time(function, work[0].site[1], together):
        return False
    return not any(session in contained(e.value) for e in program.events("store") if e.name in _SHARED)


def _of_each_object(
    program: Program, function: FunctionInfo, started: Iterable[Value], session: Any, together: ir.Span4
) -> bool:
    """The same for a session that objects are given when they are made: of each round's only the class is known."""
    given = dict.fromkeys(a for value in started for a in contained(value) if a.tag in ("pending", "fn"))
    work = [a for a in given if a.info.class_info is not None and session in sessions_in(program, (a,))]
    names = {a.info.name for a in work}
    asked = [n for n in nodes_below(function.body) if n[0] == "a" and len(n) == 4 and n[3] in names]
    if not asked or not all(_is_of_round(function, method, together) for method in asked):
        return False
    return all(is_bare(dict(getattr(a.receiver, "bindings", ()) if a.tag == "fn" else a.bindings)) for a in work)


def _has_another_each_time(function: FunctionInfo, call: ir.Span4, together: ir.Span4) -> bool:
    """Whether the one loop or comprehension in which a method is called goes through the objects."""
    called = next((n for n in nodes_below(function.body) if n[0] == "c" and len(n) == 5 and n[1] == call), None)
    return called is not None and called[2][0] == "a" and _is_of_round(function, called[2], together)


def _is_of_round(function: FunctionInfo, method: ir.Expr, together: ir.Span4) -> bool:
    around = [n for n in _repeating(function.body) if is_within(method[1], n[1]) and not is_within(together, n[1])]
    if len(around) != 1:
        return False
    # ``pools[name].stop()``
    told = method[2][3] if method[2][0] == "i" else method[2]
    return told[0] == "n" and told[2] in _targets(around[0])


def _repeating(node: Any) -> Iterator[Any]:
    """The loops and comprehensions of a function."""
    for child in node:
        if type(child) is tuple and child and child[0] not in ("F", "C"):
            # a name may be spelled like the mark of a node
            if child[0] in ("L", "W", "g", "lam") and type(child[1]) is tuple and type(child[1][0]) is int:
                yield child
            yield from _repeating(child)


def _targets(repeating: Any) -> set[str]:
    """The names that a ``for`` gives something each time; of several one in the other, none."""
    target: Any = ()
    if repeating[0] == "L":
        target = repeating[2]
    elif repeating[0] == "g" and len(repeating[4]) == 1:
        target = repeating[4][0][0]
    return {n[2] for n in nodes_below((target,)) if n[0] == "n" and len(n) == 3}
