"""Rounds of a loop: a transaction that each round leaves open is open around the waits with which the next begins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.program import holding, sometimes
from sessionlint.program.frame import MAYBE, YES, Frame
from sessionlint.program.holding import HOLDS, ON_SOME, SOMETIMES
from sessionlint.program.values import Value

Facts = dict[tuple[Any, str], int]
Left = list[tuple[Any, str]]

_MAKES = frozenset({"create", "obtain", "inject"})
#: Longer lists are not gone through element by element.
_MOST_ROUNDS = 8


def left_open(frame: Frame, loop: ir.Stmt, before: Facts, start: int) -> Left:
    """What a round leaves open or unsent that goes on to another, if something in it waits on the network.

    ``before`` is what was known before the loop, ``start`` where its events begin; ``break`` goes on to no other round.
    """
    states = _going_on(frame)
    if not states or not any(states):
        return []
    left = [
        key
        for key, known in states[0].items()
        if key[1] in holding.GOES_ON
        and known == YES
        and before.get(key) != YES
        and all(s.get(key) == YES for s in states[1:])
    ]
    on_some = [k for k in sometimes.opened_in(states) if any(sometimes.is_so(s, k[0], k[1]) for s in states)]
    if not left and not on_some:
        return left
    events = frame.events[start:]
    if not any(e.kind == "network" or e.text == "network" for e in events):
        return []
    # each round has its own of what is made in it
    made = {atom for e in events if e.kind in _MAKES for atom in e.subject}
    left = [key for key in left if key[0] not in made]
    for subject, fact in on_some:
        if subject not in made and (subject, fact) not in left and _goes_on(frame, loop, states, before, subject, fact):
            left.append((subject, ON_SOME[fact]))
    return left


def _going_on(frame: Frame) -> list[Facts]:
    """What is known on each way that comes to another round."""
    states = [facts for _, facts, goes_on in frame.loop_exits if goes_on]
    if not frame.dead:
        states.append(frame.facts)
    return states


def _goes_on(frame: Frame, loop: ir.Stmt, states: list[Facts], before: Facts, subject: Any, fact: str) -> bool:
    """Whether a transaction is open on some ways to the next round, none of which ends it; notes what decides."""
    if sometimes.is_so(before, subject, fact):
        return False
    if not all(sometimes.is_so(s, subject, fact) or _is_untouched(s, before, subject) for s in states):
        return False
    body = loop[4] if loop[0] == "L" else loop[3]
    names = {name for test in _skipping(body) for name in _of_rounds(loop, body, sometimes.names_in(test), test[1])}
    key = (subject, ON_SOME[fact])
    doubt = frame.doubts.get(key)
    by_callers = False
    if doubt is not None and any(s.get(key) == YES for s in states):
        by_callers = doubt.asked
        names.update(_of_rounds(loop, body, iter(doubt.names), doubt.span))
    if loop[0] == "W" and not names.isdisjoint(sometimes.related(frame, loop[2])):
        return False
    frame.doubts[key] = sometimes.Doubt(frozenset(names), loop[1], False, asked=by_callers)
    return True


def _is_untouched(facts: Facts, before: Facts, subject: Any) -> bool:
    """Whether nothing has begun or ended the transaction of a session on a way through the round."""
    if facts.get((subject, HOLDS)) != before.get((subject, HOLDS)) or (subject, SOMETIMES) in facts:
        return False
    return all(facts.get((subject, f)) in (None, before.get((subject, f))) for f in (holding.OVER, "ended"))


def _of_rounds(loop: ir.Stmt, body: tuple[ir.Stmt, ...], names: Iterator[str], test: ir.Span4) -> Iterator[str]:
    """Those names in a test that do not stand for something else in each round."""
    own = set(sometimes.names_in(loop[2])) if loop[0] == "L" else set()
    own.update(_given_before(body, test))
    for name in names:
        if name.partition(".")[0] not in own:
            yield name


def _given_before(body: tuple[ir.Stmt, ...], test: ir.Span4) -> Iterator[str]:
    """The names that every round gives something before it comes to a test."""
    for statement in body:
        if statement[1][:2] >= test[:2]:
            return
        if statement[0] == "=":
            for target in statement[2]:
                yield from sometimes.names_in(target)
        elif statement[0] == ":":
            yield from sometimes.names_in(statement[2])
        elif statement[0] in ("w/", "T"):
            yield from _given_before(statement[3] if statement[0] == "w/" else statement[2], test)


def _skipping(node: tuple[Any, ...]) -> Iterator[ir.Expr]:
    """The tests that decide whether the rest of a round is passed over."""
    for child in node:
        if type(child) is not tuple or not child or child[0] in ("F", "C", "lam", "L", "W"):
            continue
        if child[0] in ("I", "M") and len(child) > 3 and type(child[1]) is tuple and _jumps(child):
            yield child[2]
        yield from _skipping(child)


def used_by_now(frame: Frame, before: Facts, start: int) -> Left:
    """Sessions that every round begins on and uses afterwards: the next one finds the transaction of that open."""
    begun = {s for e in frame.events[start:] if e.kind == "txn" and e.name == "begin" for s in e.subject}
    states = _going_on(frame)
    if not begun or not states:
        return []
    made = {atom for e in frame.events[start:] if e.kind in _MAKES for atom in e.subject}
    keys = [(subject, "used") for subject in begun if subject not in made]
    return [key for key in keys if before.get(key) != YES and all(s.get(key) == YES for s in states)]


def begin_again(frame: Frame, left: Left) -> None:
    """The next round begins."""
    for key in left:
        frame.facts[key] = YES


def no_more(frame: Frame, left: Left, first: Facts) -> None:
    """The loop is over, maybe after the first round, which leaves it like this."""
    for key in left:
        if frame.facts.get(key) == YES and first.get(key) != YES:
            frame.facts[key] = MAYBE


def goes_round_by_round(iterable: Value, body: tuple[ir.Stmt, ...]) -> bool:
    """Whether the rounds of a loop are told: it goes through a short list of known elements, and leaves none out."""
    if len(iterable) != 1 or iterable[0].tag != "seq":
        return False
    listed = iterable[0]
    return not listed.many and len(listed.items) <= _MOST_ROUNDS and not _jumps(body)


def _jumps(node: tuple[Any, ...]) -> bool:
    """Whether there is a ``break`` or ``continue`` below."""
    for child in node:
        if type(child) is tuple and child and ((child[0] == "J" and len(child) == 3) or _jumps(child)):
            return True
    return False
