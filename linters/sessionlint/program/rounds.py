"""Rounds of a loop: a transaction that each round leaves open is open around the waits with which the next begins."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import holding
from sessionlint.program.frame import MAYBE, YES, Frame
from sessionlint.program.values import Value

Facts = dict[tuple[Any, str], int]
Left = list[tuple[Any, str]]

_MAKES = frozenset({"create", "obtain", "inject"})
#: Longer lists are not gone through element by element.
_MOST_ROUNDS = 8


def left_open(frame: Frame, before: Facts, start: int) -> Left:
    """What every round leaves open or unsent that goes on to another, if something in it waits on the network.

    ``before`` is what was known before the loop, ``start`` where its events begin; ``break`` goes on to no other round.
    """
    states = [facts for _, facts, goes_on in frame.loop_exits if goes_on]
    if not frame.dead:
        states.append(frame.facts)
    if not states:
        return []
    left = [
        key
        for key, known in states[0].items()
        if key[1] in holding.GOES_ON
        and known == YES
        and before.get(key) != YES
        and all(s.get(key) == YES for s in states[1:])
    ]
    if not left:
        return left
    events = frame.events[start:]
    if not any(e.kind == "network" or e.text == "network" for e in events):
        return []
    # each round has its own of what is made in it
    made = {atom for e in events if e.kind in _MAKES for atom in e.subject}
    return [key for key in left if key[0] not in made]


def used_by_now(frame: Frame, before: Facts, start: int) -> Left:
    """Sessions that every round begins on and uses afterwards: the next one finds the transaction of that open."""
    begun = {s for e in frame.events[start:] if e.kind == "txn" and e.name == "begin" for s in e.subject}
    states = [facts for _, facts, goes_on in frame.loop_exits if goes_on]
    if not frame.dead:
        states.append(frame.facts)
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
