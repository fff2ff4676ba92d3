"""``for check, given in ((is_old, (a, b)), (is_new, (c,))): check(*given)``: what stands beside what in one round."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program.arguments import Keywords, arguments
from sessionlint.program.frame import Frame
from sessionlint.program.values import Value, join_all

#: What a name of the target stands for in a round.
Round = dict[str, Value]
#: What is called, and routers, which are included one by one.
_TOLD_APART = frozenset({"fn", "cls", "partial", "method", "obj"})


def note(frame: Frame, target: ir.Expr, iterable: Value) -> None:
    """Names are given the parts of each of several written tuples, functions or routers among them."""
    if len(iterable) != 1 or iterable[0].tag != "seq" or iterable[0].many or len(iterable[0].items) < 2:
        return
    names = [t[2] for t in target[2] if t[0] == "n"]
    if len(names) < len(target[2]):
        return
    rounds: list[Round] = []
    for item in iterable[0].items:
        parts = item[0] if len(item) == 1 else None
        if parts is None or parts.tag != "seq" or parts.many or len(parts.items) != len(names):
            return
        rounds.append(dict(zip(names, parts.items, strict=True)))
    for name in names:
        if any(a.tag in _TOLD_APART for held in rounds for a in held[name]):
            frame.paired[name] = (rounds, {n: frame.env.get(n, ()) for n in names})


def beside(frame: Frame, e: ir.Expr, callee: Any) -> tuple[list[Value], Keywords] | None:
    """The arguments of a call of such a name, as far as they stand beside this one of the functions it may be."""
    rounds, bound = frame.paired[e[2][2]]
    given = (*e[3], *(value for _, value in e[4]))
    if any((a[2] if a[0] == "*" else a)[0] not in ("n", "k") for a in given):
        return None
    if any(frame.env.get(name) is not value for name, value in bound.items()):
        return None
    here = [r for r in rounds if callee in r[e[2][2]]]
    if not here or len(here) == len(rounds):
        return None
    frame.env.update({name: join_all([r[name] for r in here]) for name in bound})
    told = arguments(frame, e)
    frame.env.update(bound)
    return told


def each(frame: Frame, e: ir.Expr, name: str) -> list[tuple[list[Value], Keywords]]:
    """The arguments of a call in each of the rounds in which a name is told apart; none where it is not."""
    known = frame.paired.get(name)
    if known is None:
        return []
    rounds, bound = known
    if any(frame.env.get(other) is not value for other, value in bound.items()):
        return []
    told: list[tuple[list[Value], Keywords]] = []
    events = len(frame.events)
    for given in rounds:
        frame.env.update(given)
        told.append(arguments(frame, e))
    frame.env.update(bound)
    # what the arguments do has been told where the call was come to
    del frame.events[events:]
    return told


def side_by_side(frame: Frame, one: ir.Expr, other: ir.Expr | None) -> list[tuple[Value, Value]]:
    """What two names of the target are in each of the rounds; none where they are not told apart."""
    known = frame.paired.get(one[2]) if one[0] == "n" else None
    if known is None or other is None or other[0] != "n":
        return []
    rounds, bound = known
    if other[2] not in bound or any(frame.env.get(name) is not value for name, value in bound.items()):
        return []
    return [(r[one[2]], r[other[2]]) for r in rounds]
