"""Coroutines of objects that are gone through one by one, each of which opens a session for itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.program.values import contained
from sessionlint.rules.background_work import maker_of, sessions_in
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


def _has_another_each_time(function: FunctionInfo, call: ir.Span4, together: ir.Span4) -> bool:
    """Whether the one loop or comprehension in which a method is called goes through the objects."""
    body = function.body
    around = [n for n in _repeating(body) if is_within(call, n[1]) and not is_within(together, n[1])]
    called = next((n for n in nodes_below(body) if n[0] == "c" and len(n) == 5 and n[1] == call), None)
    if len(around) != 1 or called is None or called[2][0] != "a":
        return False
    receiver = called[2][2]
    # ``pools[name].stop()``
    told = receiver[3] if receiver[0] == "i" else receiver
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
