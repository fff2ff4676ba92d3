"""``for`` and ``while``: what each round finds, and what is left when there are no more."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from sessionlint.facts import ir
from sessionlint.program import (
    checked_lists,
    closed_rounds,
    contexts,
    ended_generators,
    generators,
    holding,
    listed,
    operators,
    pairs,
    picking,
    rounds,
    sometimes,
    waiting,
    written_rounds,
)
from sessionlint.program.expressions import element_of
from sessionlint.program.frame import Frame
from sessionlint.program.iterating import is_sure_to_go_on
from sessionlint.program.stepping import PASSES
from sessionlint.program.targets import assign
from sessionlint.program.values import Value

#: What a round adds, the query of the next one sends, and so a third one finds that open.
_ROUNDS = 3
#: A ``begin()`` with one of these raises.
_RAISING = frozenset({"already begun", "autobegun"})


def _loop(
    frame: Frame,
    loop: ir.Stmt,
    body: tuple[ir.Stmt, ...],
    orelse: tuple[ir.Stmt, ...],
    before_each: Callable[[], None],
    endless: bool = False,
    at_end: Callable[[], None] | None = None,
    tested: bool = False,
    once: bool = False,
) -> None:
    before = entered = frame.snapshot()
    frame.flags.append("loop")
    exits, frame.loop_exits = frame.loop_exits, []
    events, made, blocks = len(frame.events), len(frame.begins), len(frame.left)
    raising: dict[Any, frozenset[str]] = {}
    left: rounds.Left = []
    closed: list[Any] = []
    first: rounds.Facts = {}
    broken: list[Any] = []
    written: list[sometimes.Open] = []
    for number in range(_ROUNDS):
        before_each()
        if tested and not number:
            # the test of a ``while`` is asked once at least
            entered = frame.snapshot()
        frame.machine.block(frame, body)
        known = left
        if number + 1 < _ROUNDS and not once:
            found = rounds.left_open(frame, loop, before[1], events)
            left = [*left, *[key for key in found if key not in left]] if left else found
        last = once or (number > 0 and (len(left) == len(known) or not known))
        ended = not number and not once and len(frame.begins) > made
        if ended:
            left = [*left, *rounds.used_by_now(frame, before[1], events)]
        closed = closed_rounds.closed_by_now(frame, made, blocks, before[1]) if ended else closed
        written = written_rounds.left_open(frame, before[1]) if frame.facts or frame.loop_exits else written
        # what breaks off does not come to an ``else``
        apart = bool(orelse) or at_end is not None
        broken = [exit for exit in frame.loop_exits if not exit[2]] if apart else []
        for env, facts, goes_on in frame.loop_exits:
            if goes_on or not apart:
                frame.merge((env, facts, False))
        frame.loop_exits = []
        if last or frame.dead or not (left or _changes_the_next_round(frame, before, made)):
            break
        if not number:
            first = dict(frame.facts) if left else first
            raising = {(e.span, e.name): e.flags & _RAISING for e in frame.events[events:] if e.flags & _RAISING}
        # The next round sees what this one left; its events replace this round's.
        del frame.events[events:]
        frame.merge(before)
        rounds.begin_again(frame, left)
        closed_rounds.begin_again(frame, closed, before[0])
    rounds.no_more(frame, left, first)
    if raising:
        _raise_as_at_first(frame, events, raising)
    frame.loop_exits = exits
    frame.flags.pop()
    if endless and frame.dead and not broken:
        # nothing leaves it: what follows is looked at all the same
        frame.restore(before)
    elif not endless:
        frame.merge(entered)
    if written:
        written_rounds.keep(frame, loop, written)
    if at_end is not None:
        at_end()
    closes = bool(body) and len(frame.left) > blocks
    if not frame.dead and orelse:
        if closes:
            closed_rounds.over(frame, blocks, body, before[0])
        frame.machine.block(frame, orelse)
    written = written_rounds.still_open(frame, written) if written else written
    for env, facts, _ in broken:
        frame.merge((env, facts, False))
    if written:
        written_rounds.keep(frame, loop, written)
    if closes and not frame.dead:
        closed_rounds.over(frame, blocks, body, before[0])


def _raise_as_at_first(frame: Frame, start: int, raising: dict[Any, frozenset[str]]) -> None:
    """What raises in the first round raises, whatever later rounds would find."""
    for index in range(start, len(frame.events)):
        event = frame.events[index]
        if event.kind == "txn" and (event.span, event.name) in raising:
            flags = event.flags | raising[event.span, event.name]
            frame.events[index] = event._replace(flags=flags)


def _changes_the_next_round(frame: Frame, before: Any, made: int) -> bool:
    """Whether a loop's body left something behind that it could see when it runs again."""
    env, facts, _ = before
    for name, value in env.items():
        after = frame.env.get(name, value)
        if after is not value and any(a not in value and a.tag not in ("const", "text") for a in after):
            return True
    if any(frame.facts.get(key) != held for key, held in facts.items()):
        return True
    left = frame.facts.keys() - facts.keys()
    if any((key[0].tag != "handle" and key[0] != PASSES) or (key[0], "closed") in facts for key in left):
        return True
    held = [handle for handle, fact in left if fact in holding.LASTING]
    return bool(held) and not set(held).isdisjoint(islice(frame.begins, made))


def run_for(frame: Frame, s: ir.Stmt) -> None:
    """``for`` and ``async for``."""
    iterable = frame.evaluate(s[3])
    frame.flags.append("iterated")
    begun = len(frame.run_out)
    item = element_of(frame, iterable, s[3][1])
    frame.flags.pop()
    waiting.goes_through(frame, iterable, s[3])
    for atom in iterable if s[6] else ():
        if atom.tag == "ext":
            waiting.for_service(frame, atom, s[3])
    at_end = None
    if len(frame.run_out) > begun and not generators.is_left_at_once(s[4]):
        at_end = ended_generators.when_over(frame, begun, iterable)
    item = generators.handed(frame, s, iterable, item)
    if frame.in_one_call and rounds.goes_round_by_round(iterable, s[4]):
        for item in iterable[0].items:
            if not frame.dead:
                _next(frame, s[2], item, iterable)
                frame.machine.block(frame, s[4])
        if not frame.dead:
            frame.machine.block(frame, s[5])
        return
    depth = len(frame.flags)
    inside = contexts.gone_into(frame, iterable, item, s[3])
    frame.flags.extend(("several",) if is_sure_to_go_on(frame, s[3], iterable) else ())
    once = bool(iterable) and all(_gives_once(frame, atom) for atom in iterable)
    _loop(frame, s, s[4], s[5], lambda: _next(frame, s[2], item, iterable), False, at_end, once=once)
    del frame.flags[depth:]
    contexts.gone_out(frame, inside)
    if s[4] and s[4][0][0] == "I" and not frame.dead:
        checked_lists.checked_by_loop(frame, s)
    for atom in iterable:
        if atom.tag == "pending" and atom.kind == "gen":
            generators.resume(frame, atom, s[3][1])
            generators.dropped(frame, s, atom)


def _gives_once(frame: Frame, atom: Any) -> bool:
    """Whether a generator has one ``yield``: ``async for session in get_session():`` goes one round."""
    return bool(atom.tag == "pending") and atom.kind == "gen" and frame.solver.summary_of(atom.info).yields_once


def _next(frame: Frame, target: ir.Expr, item: Value, iterable: Value) -> None:
    assign(frame, target, item, None)
    if target[0] == "t":
        pairs.note(frame, target, iterable)
    if not item:
        picking.note_each(frame, target, iterable)


def run_while(frame: Frame, s: ir.Stmt) -> None:
    """``while``."""
    endless = s[2][0] == "k" and bool(s[2][2])
    at_end = (lambda: _told_at_end(frame, s[2])) if listed.compares(s[2]) else None

    def ask() -> None:
        operators.asked(frame, frame.evaluate(s[2]), s[2][1])

    _loop(frame, s, s[3], s[4], ask, endless, at_end, tested=True)


def _told_at_end(frame: Frame, test: ir.Expr) -> None:
    """``while order not in ORDERS: order = next(orders)``: behind it, the name is one of these."""
    outside = listed.tested(frame, test)[1] if not frame.dead else ()
    if outside:
        listed.note(frame, outside)


def run_jump(frame: Frame, s: ir.Stmt) -> None:
    """``break`` and ``continue``."""
    frame.loop_exits.append((dict(frame.env), dict(frame.facts), s[2] == "continue"))
    frame.dead = True
