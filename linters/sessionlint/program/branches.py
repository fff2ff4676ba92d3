"""``if`` and ``match``: what holds on each way, and what is left where the ways meet."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import (
    absent,
    beginning,
    checked_lists,
    combined,
    filled_if,
    holding,
    inactive,
    listed,
    one_way,
    operators,
    sometimes,
    told_tests,
)
from sessionlint.program.frame import Frame
from sessionlint.program.guards import Guard, guards_in, literals_left, matched, of_outer, of_test, otherwise, true_of
from sessionlint.program.narrowing import narrow, narrow_to
from sessionlint.program.values import UNKNOWN, Ext, Value

_TYPING = Ext("typing.TYPE_CHECKING")


def _is_type_checking(test: ir.Expr, value: Value) -> bool:
    return test[0] in ("n", "a") and (test[-1] == "TYPE_CHECKING" or _TYPING in value)


def run_if(frame: Frame, s: ir.Stmt) -> None:
    """``if``: one way where it is known which, else both."""
    asked = beginning.asked(frame, s[2])
    test = frame.evaluate(s[2])
    if asked is None and test:
        asked = beginning.by_outcome(frame, test)
    operators.asked(frame, test, s[2][1])
    if _goes_one_way(frame, s, test):
        return
    if frame.one_way:
        one_way.doubt(frame, s[2])
    before, blocks, ways_out = frame.snapshot(), len(frame.left), len(frame.exits)
    frame.flags.append("branch")
    chosen, left = literals_left(frame, s[2])
    narrowed, others = narrow(frame, s[2])
    inside, outside = listed.tested(frame, s[2]) if s[2][0] in listed.TESTS else ((), ())
    lists, other_lists = checked_lists.tested(frame, s[2]) if s[2][0] in checked_lists.TESTS else ((), ())
    closed, ended = sometimes.tested(frame, s[2]) if frame.doubts else ([], [])
    failed, failing = inactive.tested(frame, s[2]) if s[2][0] in inactive.TESTS else ((), ())
    gone, missing = absent.tested(frame, s[2]) if frame.facts and s[2][0] in absent.TESTS else ((), ())
    frame.env.update(chosen)
    narrowed.update(listed.note(frame, inside))
    narrowed.update(checked_lists.note(frame, lists))
    absent.forget(frame, gone)
    sometimes.forget(frame, closed)
    if asked is not None:
        beginning.note(frame, asked.where_it_holds, asked)
    holds, fails = guards_in(frame, s[2]), otherwise(frame, s[2])
    depth, begun = len(frame.guards), len(frame.tx)
    if frame.function.class_info is not None:
        holds = (*holds, *filled_if.where(frame, s[2]))
    frame.guards.extend(holds)
    said, tests = frame.said, len(frame.tests)
    inner = frame.function.parent is not None
    if inner:
        frame.tests.append((s[2], True))
    condition = of_test(frame, s[2]) if holds or fails or said else None
    frame.said = dict(said)
    inactive.run(frame, s[3], failed)
    frame.guards[depth:] = fails
    if inner:
        frame.tests[tests:] = [(s[2], False)]
    on_stack = frame.tx[begun:]
    del frame.tx[begun:]
    listed.widen(frame, narrowed)
    listed.replaced(frame, outside)
    after_body, ways_of_body = frame.snapshot(), len(frame.exits)
    body_said, frame.said = frame.said, dict(said)
    if fails:
        holding.ended_in_branch(frame, before[1], after_body[1])
    frame.restore(before)
    widths = {name: (frame.env[name], value) for name, value in others.items()} if others else {}
    frame.env.update({**left, **others})
    absent.forget(frame, missing)
    sometimes.forget(frame, ended)
    kept = {**listed.note(frame, outside), **checked_lists.note(frame, other_lists)}
    if asked is not None:
        beginning.note(frame, asked.where_not, asked)
    # elif ladders are long: follow them with a loop
    inactive.run(frame, s[4], failing)
    if not after_body[2]:
        # but for what the other branch has given another value
        listed.widen(frame, {n: w for n, w in kept.items() if after_body[0].get(n) is w[0]} | widths)
    listed.replaced(frame, inside)
    frame.flags.pop()
    # what follows a branch that ends the function happens under the other's condition
    frame.guards[depth:] = fails if after_body[2] and not frame.dead else holds if frame.dead else ()
    if len(frame.guards) > depth and after_body[2] is not frame.dead:
        raised = ways_of_body == ways_out if after_body[2] else len(frame.exits) == ways_of_body
        sometimes.note_certain(frame, frame.guards[depth:] if raised else ())
        if inner and raised:
            # who decorates with what raises has nothing happen at all
            frame.guards[depth:] = [guard for guard in frame.guards[depth:] if not of_outer(frame, guard)]
    if inner:
        frame.tests[tests:] = [(s[2], frame.dead)] if after_body[2] or frame.dead else []
    frame.tx.extend(t for t in on_stack if t not in frame.tx)
    met: dict[str, Any] = {}
    if condition is not None or body_said or frame.said:
        met = combined.met(frame, condition, combined.Way(after_body[0], after_body[2], body_said), true_of)
    _meet(frame, s, before, after_body, blocks)
    combined.note_all(frame, met)


def _goes_one_way(frame: Frame, s: ir.Stmt, test: Value) -> bool:
    """Runs the only way there is, if so: the call tells which, or the test is for type checkers."""
    told = told_tests.outcome(frame, s[2]) if frame.depth else None
    if told is not None:
        frame.machine.block(frame, s[3] if told else s[4])
        return True
    if _is_type_checking(s[2], test):
        _for_type_checkers(frame, s[3], s[4])
        return True
    if (
        s[2][0] == "u"
        and s[2][2] == "not"
        and s[2][3][0] == "n"
        and _is_type_checking(s[2][3], frame.lookup(s[2][3][2]))
    ):
        _for_type_checkers(frame, s[4], s[3])
        return True
    return False


def _meet(frame: Frame, s: ir.Stmt, before: Any, after_body: Any, blocks: int) -> None:
    """The ways meet; ``blocks``: how many ``with`` statements had been left before."""
    after_else = frame.snapshot() if len(frame.left) > blocks else None
    open_on_one = sometimes.met(frame, s, before, after_body) if frame.facts or after_body[1] else []
    frame.merge(after_body)
    sometimes.keep(frame, open_on_one)
    if after_else is not None:
        one_way.closed_there(frame, s, after_body, after_else, blocks)


def _for_type_checkers(frame: Frame, body: tuple[ir.Stmt, ...], orelse: tuple[ir.Stmt, ...]) -> None:
    """``if TYPE_CHECKING:`` gives names for annotations and does nothing; what its ``else`` does is always done."""
    before, start = frame.snapshot(), len(frame.events)
    effects, guarded = dict(frame.effects), dict(frame.guarded)
    frame.flags.append("typing")
    frame.machine.block(frame, body)
    frame.flags.pop()
    frame.events[start:] = [e for e in frame.events[start:] if e.kind == "import"]
    frame.effects, frame.guarded = effects, guarded
    names = frame.env
    frame.restore(before)
    frame.machine.block(frame, orelse)
    frame.env = {**names, **frame.env}


def run_match(frame: Frame, s: ir.Stmt) -> None:
    """``match``."""
    frame.env[ir.SUBJECT] = frame.evaluate(s[2])
    before = frame.snapshot()
    paths = [] if any(always for *_, always in s[3]) else [before]
    frame.flags.append("branch")
    depth = len(frame.guards)
    passed: list[Guard] = []
    for names, typed, captures, guard, body, _ in s[3]:
        frame.restore(before)
        frame.guards[depth:] = passed
        narrowed: dict[str, tuple[Value, Value]] = {}
        for name, cls in typed:
            if cls[0] == "e":
                narrowed.update(listed.note(frame, listed.matched(frame, name, cls)))
        captured = {name: frame.evaluate(part) for name, part in captures}
        for name in names:
            frame.bind(name, captured.get(name, UNKNOWN), s[1])
        for name, cls in typed:
            if cls[0] != "e":
                told = matched(frame, name, cls)
                frame.guards.extend((told,) if told is not None else ())
                narrow_to(frame, name, frame.evaluate(cls))
        if guard is not None:
            outcome = told_tests.outcome(frame, guard) if frame.depth else None
            if outcome is False:
                listed.widen(frame, narrowed)
                continue
            frame.evaluate(guard)
            narrowed.update(_told_by_guard(frame, guard))
            frame.guards.extend(guards_in(frame, guard))
            passed.extend(otherwise(frame, guard))
        frame.machine.block(frame, body)
        listed.widen(frame, narrowed)
        paths.append(frame.snapshot())
    del frame.guards[depth:]
    frame.flags.pop()
    frame.restore(paths[0])
    for path in paths[1:]:
        frame.merge(path)


def _told_by_guard(frame: Frame, guard: ir.Expr) -> dict[str, tuple[Value, Value]]:
    """``case name if name in ORDERS:``: the names that are something else where that holds."""
    inside = listed.tested(frame, guard)[0] if guard[0] in listed.TESTS else ()
    lists = checked_lists.tested(frame, guard)[0] if guard[0] in checked_lists.TESTS else ()
    return {**listed.note(frame, inside), **checked_lists.note(frame, lists)}
