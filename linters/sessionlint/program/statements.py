"""Statements change the frame: names, paths, transactions."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from sessionlint.facts import ir
from sessionlint.program import (
    absent,
    annotated,
    beginning,
    contexts,
    definitions,
    generators,
    handles,
    holding,
    import_statements,
    keeping,
    listed,
    one_way,
    operators,
    pairs,
    picking,
    rounds,
    setbacks,
    told_tests,
    workers,
)
from sessionlint.program.expressions import element_of
from sessionlint.program.frame import YES, Frame, identity
from sessionlint.program.growing import remove
from sessionlint.program.guards import guards_in, literals_left, otherwise
from sessionlint.program.iterating import goes_several_times
from sessionlint.program.narrowing import narrow, narrow_to
from sessionlint.program.targets import assign
from sessionlint.program.values import UNKNOWN, Ext, Seq, Value, contained, join

_TYPING = Ext("typing.TYPE_CHECKING")


def run_block(frame: Frame, statements: tuple[ir.Stmt, ...]) -> None:
    """Runs statements in order until the path ends."""
    guards = len(frame.guards)
    for statement in statements:
        _RUN[statement[0]](frame, statement)
        if frame.dead:
            break
    del frame.guards[guards:]


def _expression(frame: Frame, s: ir.Stmt) -> None:
    value = frame.evaluate(s[2], statement=True)
    frame.emit("value", s[1], value=value, expr=s[2]) if any(a.tag in ("pending", "operation") for a in value) else None


def _assign(frame: Frame, s: ir.Stmt) -> None:
    value = frame.evaluate(s[3])
    for target in s[2]:
        assign(frame, target, value, s[3])
    if s[3][0] == "d" and frame.function.name == "<module>":
        workers.of_dictionary(frame, value, s[1])


def _augmented(frame: Frame, s: ir.Stmt) -> None:
    operation = ("b", s[1], s[3], s[2], s[4])
    if s[3] == "|" and s[2][0] == "a" and s[2][3] == "info":
        frame.evaluate(("c", s[1], ("a", s[2][1], s[2], "update"), (s[4],), ()))
        return
    made = operators.in_place(frame, s)
    assign(frame, s[2], frame.evaluate(operation) if made is None else made, operation)


def _return(frame: Frame, s: ir.Stmt) -> None:
    value = frame.evaluate(s[2]) if s[2] is not None else UNKNOWN
    frame.returns = join(frame.returns, listed.handed_back(frame, value) if frame.facts else value)
    owner = frame.function.class_info
    if frame.function.is_property and value and owner is not None and keeping.keeps_what_it_returns(frame.function):
        keeping.keep(frame, owner, value)
    if frame.guards and frame.function.name == "__getattr__":
        _give_by_name(frame, value)
    for atom in value:
        if atom.tag == "handle" and atom in frame.begins and not handles.is_awaited_begin(frame.begins[atom]):
            contexts.mark_context(frame, atom, "returned")
            handles.not_begun_here(frame, atom)
    closed = _closed(frame, value)
    ended = (frame.all_known("ended"),)
    frame.emit("return", s[1], ("closed",) if closed else (), value=value, expr=s[2], args=ended, subject=closed)
    if not frame.function.is_generator:
        frame.leaves()
    frame.returned = True
    frame.dead = True


def _give_by_name(frame: Frame, value: Value) -> None:
    """``if name == "Local": return make()`` in a module's ``__getattr__``: what that name of the module is."""
    function = frame.function
    if function.class_info is not None or function.parent is not None or not function.params:
        return
    for guard in frame.guards:
        if guard.kind == "equal" and guard.holds and guard.param == identity(function, function.params[0][0]):
            frame.solver.write(("getattr", frame.path, guard.value), value)


def _closed(frame: Frame, value: Value) -> Value:
    """The handles in a value, or in a tuple of it, that are closed."""
    closed = [handle for (handle, fact), known in frame.facts.items() if fact == "closed" and known == YES]
    return tuple([a for a in contained(value, 1) if a in closed and a.tag != "method"]) if closed else UNKNOWN


def _raise(frame: Frame, s: ir.Stmt) -> None:
    value = frame.evaluate(s[2]) if s[2] is not None else UNKNOWN
    frame.emit("raise", s[1], value=value, expr=s[2])
    frame.dead = True


def _is_type_checking(test: ir.Expr, value: Value) -> bool:
    return test[0] in ("n", "a") and (test[-1] == "TYPE_CHECKING" or _TYPING in value)


def _if(frame: Frame, s: ir.Stmt) -> None:
    asked = beginning.asked(frame, s[2])
    test = frame.evaluate(s[2])
    operators.asked(frame, test, s[2][1])
    told = told_tests.outcome(frame, s[2]) if frame.depth else None
    if told is not None:
        run_block(frame, s[3] if told else s[4])
        return
    if _is_type_checking(s[2], test):
        _for_type_checkers(frame, s[3], s[4])
        return
    if (
        s[2][0] == "u"
        and s[2][2] == "not"
        and s[2][3][0] == "n"
        and _is_type_checking(s[2][3], frame.lookup(s[2][3][2]))
    ):
        _for_type_checkers(frame, s[4], s[3])
        return
    if frame.one_way:
        one_way.doubt(frame, s[2])
    before, blocks = frame.snapshot(), len(frame.left)
    frame.flags.append("branch")
    chosen, left = literals_left(frame, s[2])
    narrowed, others = narrow(frame, s[2])
    inside, outside = listed.tested(frame, s[2]) if s[2][0] in listed.TESTS else ((), ())
    gone, missing = absent.tested(frame, s[2]) if frame.facts and s[2][0] in absent.TESTS else ((), ())
    frame.env.update(chosen)
    narrowed.update(listed.note(frame, inside))
    absent.forget(frame, gone)
    if asked is not None:
        beginning.note(frame, asked.where_it_holds, asked)
    holds, fails = guards_in(frame, s[2]), otherwise(frame, s[2])
    depth, begun = len(frame.guards), len(frame.tx)
    frame.guards.extend(holds)
    run_block(frame, s[3])
    frame.guards[depth:] = fails
    on_stack = frame.tx[begun:]
    del frame.tx[begun:]
    listed.widen(frame, narrowed)
    listed.replaced(frame, outside)
    after_body = frame.snapshot()
    if fails:
        holding.ended_in_branch(frame, before[1], after_body[1])
    frame.restore(before)
    widths = {name: (frame.env[name], value) for name, value in others.items()} if others else {}
    frame.env.update({**left, **others})
    absent.forget(frame, missing)
    kept = listed.note(frame, outside)
    kept.update(widths)
    if asked is not None:
        beginning.note(frame, asked.where_not, asked)
    # elif ladders are long: follow them with a loop
    run_block(frame, s[4])
    if not after_body[2]:
        listed.widen(frame, kept)
    listed.replaced(frame, inside)
    frame.flags.pop()
    # what follows a branch that ends the function happens under the other's condition
    frame.guards[depth:] = fails if after_body[2] and not frame.dead else holds if frame.dead else ()
    frame.tx.extend(t for t in on_stack if t not in frame.tx)
    after_else = frame.snapshot() if len(frame.left) > blocks else None
    frame.merge(after_body)
    if after_else is not None:
        one_way.closed_there(frame, s, after_body, after_else, blocks)


def _for_type_checkers(frame: Frame, body: tuple[ir.Stmt, ...], orelse: tuple[ir.Stmt, ...]) -> None:
    """``if TYPE_CHECKING:`` gives names for annotations and does nothing; what its ``else`` does is always done."""
    before, start = frame.snapshot(), len(frame.events)
    effects, guarded = dict(frame.effects), dict(frame.guarded)
    frame.flags.append("typing")
    run_block(frame, body)
    frame.flags.pop()
    frame.events[start:] = [e for e in frame.events[start:] if e.kind == "import"]
    frame.effects, frame.guarded = effects, guarded
    names = frame.env
    frame.restore(before)
    run_block(frame, orelse)
    frame.env = {**names, **frame.env}


#: A ``begin()`` with one of these raises.
_RAISING = frozenset({"already begun", "autobegun"})


def _loop(
    frame: Frame,
    body: tuple[ir.Stmt, ...],
    orelse: tuple[ir.Stmt, ...],
    before_each: Callable[[], None],
    endless: bool = False,
) -> None:
    before = frame.snapshot()
    frame.flags.append("loop")
    exits, frame.loop_exits = frame.loop_exits, []
    events, made = len(frame.events), len(frame.begins)
    raising: dict[Any, frozenset[str]] = {}
    left: rounds.Left = []
    first: rounds.Facts = {}
    broken: list[Any] = []
    for last in (False, True):
        before_each()
        run_block(frame, body)
        left = left if last else rounds.left_open(frame, before[1], events)
        # what breaks off does not come to an ``else``
        broken = [exit for exit in frame.loop_exits if not exit[2]] if orelse else []
        for env, facts, goes_on in frame.loop_exits:
            if goes_on or not orelse:
                frame.merge((env, facts, False))
        frame.loop_exits = []
        if last or frame.dead or not (left or _changes_the_next_round(frame, before, made)):
            break
        first = dict(frame.facts) if left else first
        # The second round sees what the first one left; its events replace the first round's.
        raising = {(e.span, e.name): e.flags & _RAISING for e in frame.events[events:] if e.flags & _RAISING}
        del frame.events[events:]
        frame.merge(before)
        rounds.begin_again(frame, left)
    rounds.no_more(frame, left, first)
    for index in range(events, len(frame.events) if raising else events):
        event = frame.events[index]
        if event.kind == "txn" and (event.span, event.name) in raising:
            # what raises in the first round raises, whatever later rounds would find
            flags = event.flags | raising[event.span, event.name]
            frame.events[index] = event._replace(flags=flags)
    frame.loop_exits = exits
    frame.flags.pop()
    if endless and frame.dead and not broken:
        # nothing leaves it: what follows is looked at all the same
        frame.restore(before)
    elif not endless:
        frame.merge(before)
    if not frame.dead:
        run_block(frame, orelse)
    for env, facts, _ in broken:
        frame.merge((env, facts, False))


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
    if any(key[0].tag != "handle" or (key[0], "closed") in facts for key in left):
        return True
    held = [handle for handle, fact in left if fact in holding.LASTING]
    return bool(held) and not set(held).isdisjoint(islice(frame.begins, made))


def _for(frame: Frame, s: ir.Stmt) -> None:
    iterable = frame.evaluate(s[3])
    frame.flags.append("iterated")
    item = element_of(frame, iterable, s[3][1])
    frame.flags.pop()
    item = generators.handed(frame, s, iterable, item)
    if frame.in_one_call and rounds.goes_round_by_round(iterable, s[4]):
        for item in iterable[0].items:
            if not frame.dead:
                _next(frame, s[2], item, iterable)
                run_block(frame, s[4])
        if not frame.dead:
            run_block(frame, s[5])
        return
    depth = len(frame.flags)
    frame.flags.extend(("several",) if goes_several_times(iterable) else ())
    _loop(frame, s[4], s[5], lambda: _next(frame, s[2], item, iterable))
    del frame.flags[depth:]
    for atom in iterable:
        if atom.tag == "pending" and atom.kind == "gen":
            generators.resume(frame, atom, s[3][1])
            generators.dropped(frame, s, atom)


def _next(frame: Frame, target: ir.Expr, item: Value, iterable: Value) -> None:
    assign(frame, target, item, None)
    if target[0] == "t":
        pairs.note(frame, target, iterable)
    if not item:
        picking.note_each(frame, target, iterable)


def _while(frame: Frame, s: ir.Stmt) -> None:
    endless = s[2][0] == "k" and bool(s[2][2])
    _loop(frame, s[3], s[4], lambda: operators.asked(frame, frame.evaluate(s[2]), s[2][1]), endless)


def _jump(frame: Frame, s: ir.Stmt) -> None:
    frame.loop_exits.append((dict(frame.env), dict(frame.facts), s[2] == "continue"))
    frame.dead = True


def _try(frame: Frame, s: ir.Stmt) -> None:
    before = frame.snapshot()
    start, exits, blocks = len(frame.events), len(frame.exits), len(frame.left)
    frame.flags.append("try+finally" if s[5] else "try")
    run_block(frame, s[2])
    body_events = tuple(frame.events[start:])
    frame.flags.pop()
    interrupted = frame.snapshot()
    left = contexts.left_in(frame, blocks, s[2]) if len(frame.left) > blocks else []
    if not frame.dead:
        run_block(frame, s[4])
    paths = [frame.snapshot()]
    for handler in s[3]:
        frame.restore((interrupted[0], interrupted[1], False))
        frame.merge((before[0], before[1], False))
        for handle in left:
            frame.learn(handle, "closed")
        if _tells_of_rows(frame, handler[1]):
            # a result that was no row, or several: the statement had run
            frame.facts.update({k: held for k, held in interrupted[1].items() if k[1] == "used"})
        paths.append(_handler(frame, handler, body_events))
    frame.restore(paths[0])
    open_still = setbacks.left_open(frame, before, paths[0], s[3]) if s[3] else []
    for path in paths[1:]:
        frame.merge(path)
    if open_still:
        setbacks.keep(frame, open_still)
    if s[5]:
        _finally(frame, s[5], interrupted)
        frame.narrow_exits(exits)
        _returned_then_closed(frame, start)


def _returned_then_closed(frame: Frame, start: int) -> None:
    """``finally`` closes what a ``return`` before it has handed out."""
    for index in range(start, len(frame.events)):
        event = frame.events[index]
        closed = _closed(frame, event.value) if event.kind == "return" else UNKNOWN
        if closed and not event.subject and "finally" not in event.flags:
            frame.events[index] = event._replace(subject=closed, flags=event.flags | {"closed"})


def _tells_of_rows(frame: Frame, types: ir.Expr | None) -> bool:
    """Whether only a result's own errors are caught."""
    caught = frame.evaluate(types) if types is not None else UNKNOWN
    named = [a for c in caught for a in ([i for v in c.items for i in v] if c.tag == "seq" else [c])]
    return bool(named) and all(
        a.tag == "ext" and a.name.startswith("sqlalchemy.") and a.name.endswith(_NO_ROW) for a in named
    )


_NO_ROW = (".NoResultFound", ".MultipleResultsFound")


def _finally(frame: Frame, body: tuple[ir.Stmt, ...], interrupted: Any) -> None:
    ended = frame.dead
    if ended:
        frame.restore((interrupted[0], interrupted[1], False))
    frame.flags.append("finally")
    run_block(frame, body)
    frame.flags.pop()
    frame.dead = frame.dead or ended


def _handler(frame: Frame, handler: Any, body_events: tuple[Any, ...]) -> Any:
    span, types, name, body = handler
    caught = frame.evaluate(types) if types is not None else UNKNOWN
    if name:
        # what an error of the project carries
        classes = [a for a in contained(caught, 1) if a.tag == "cls"]
        frame.bind(name, frame.solver.instances(tuple(classes)) if classes else UNKNOWN, span)
    start = len(frame.events)
    frame.flags.append("handler")
    returned, frame.returned = frame.returned, False
    outer, frame.failed = (
        frame.failed,
        tuple(dict.fromkeys((*frame.entered, *(a for a, f in frame.facts if f == "open")))),
    )
    run_block(frame, body)
    frame.failed = outer
    frame.flags.pop()
    events = tuple(frame.events[start:])
    raises = frame.dead and any(e.kind == "raise" for e in events)
    flags: tuple[str, ...] = ("bare",) if types is None else ()
    if not raises or frame.returned or not frame.dead:
        flags = (*flags, "swallows")
    frame.returned = returned or frame.returned
    dead, frame.dead = frame.dead, False
    frame.emit(
        "handler", span, flags, value=caught, args=((), ), text=ir.text_of(types), expr=("handler", body_events,
        events),
    )  # fmt: skip
    frame.dead = dead
    return frame.snapshot()


def _global(frame: Frame, s: ir.Stmt) -> None:
    frame.globals.update(s[2])


def _delete(frame: Frame, s: ir.Stmt) -> None:
    for target in s[2]:
        if target[0] == "n":
            frame.env.pop(target[2], None)
        else:
            frame.evaluate(target)
            if target[0] == "i":
                key = [frame.evaluate(target[3])]
                operators.called(frame, frame.evaluate(target[2]), "__delitem__", key, target[1])
                remove(frame, target[2], frame.evaluate(target[3]))


def _match(frame: Frame, s: ir.Stmt) -> None:
    frame.env[ir.SUBJECT] = frame.evaluate(s[2])
    before = frame.snapshot()
    paths = [] if any(always for *_, always in s[3]) else [before]
    frame.flags.append("branch")
    for names, typed, captures, guard, body, _ in s[3]:
        frame.restore(before)
        captured = {name: frame.evaluate(part) for name, part in captures}
        for name in names:
            frame.bind(name, captured.get(name, UNKNOWN), s[1])
        for name, cls in typed:
            narrow_to(frame, name, frame.evaluate(cls))
        if guard is not None:
            frame.evaluate(guard)
        run_block(frame, body)
        paths.append(frame.snapshot())
    frame.flags.pop()
    frame.restore(paths[0])
    for path in paths[1:]:
        frame.merge(path)


def _assert(frame: Frame, s: ir.Stmt) -> None:
    operators.asked(frame, frame.evaluate(s[2]), s[2][1])
    narrow(frame, s[2])
    if s[2][0] in listed.TESTS:
        listed.note(frame, listed.tested(frame, s[2])[0])


def _with(frame: Frame, s: ir.Stmt) -> None:
    depth, exits, around, stacks = len(frame.tx), len(frame.exits), len(frame.entered), len(frame.stacks)
    opened: list[contexts.Entered] = []
    for item, target in s[2]:
        value = frame.evaluate(item, context=True)
        entered = contexts.enter(frame, value, item)
        opened.append(entered)
        frame.entered.extend((*entered.closes, *entered.holds))
        if any(a.tag == "ext" and a.name in contexts.EXIT_STACKS for a in entered.holds):
            frame.stacks.append(entered)
        if target is not None:
            assign(frame, target, entered.value, item)
    was_dead, start, marks = frame.dead, len(frame.events), len(frame.flags)
    frame.flags.extend(holding.UNFLUSHED for item, _ in s[2] if item[0] == "a" and item[3] == "no_autoflush")
    run_block(frame, s[3])
    del frame.flags[marks:]
    ended, frame.dead = frame.dead, was_dead
    body_events = tuple(frame.events[start:])
    del frame.stacks[stacks:]
    frame.entered[around:] = [a for a in frame.entered[around:] if any(a in s.closes for s in frame.stacks)]
    for entered in reversed(opened):
        contexts.leave(frame, entered, s[1])
    frame.narrow_exits(exits)
    frame.dead = ended and not any(e.suppresses for e in opened)
    frame.tx[depth:] = [t for t in frame.tx[depth:] if any(t in s.begun for s in frame.stacks)]
    for (item, _), entered in zip(s[2], opened, strict=True):
        if entered.suppressed:
            for given, before in entered.suppressed:
                _suppressed(frame, given, s[1], tuple(frame.events[before : start + len(body_events)]))
        elif entered.suppresses and item[0] == "c":
            _suppressed(frame, item, s[1], body_events)


def _suppressed(frame: Frame, item: ir.Expr, statement: ir.Span4, body_events: tuple[Any, ...]) -> None:
    """``with suppress(Error):`` is an ``except Error: pass`` around its body."""
    if item[0] != "c":
        return
    caught = (Seq(tuple(frame.evaluate(argument) for argument in item[3])),)
    span = (*item[1][:2], *statement[2:])
    expr = ("handler", body_events, ())
    frame.emit("handler", span, ("suppress", "swallows"), value=caught, text=ir.text_of(item), expr=expr)


def _function(frame: Frame, s: ir.Stmt) -> None:
    definitions.define_function(frame, s[2])


def _class(frame: Frame, s: ir.Stmt) -> None:
    definitions.define_class(frame, s[2], run_block)


_RUN: dict[str, Callable[[Frame, ir.Stmt], None]] = {
    "E": _expression, "=": _assign, ":": annotated.run, "+=": _augmented, "R": _return, "!": _raise, "I": _if,
    "L": _for, "W": _while, "w/": _with, "T": _try, "F": _function, "C": _class, "imp": import_statements.run,
    "from": import_statements.run_from, "glob": _global, "del": _delete, "M": _match, "J": _jump, "as": _assert,
}  # fmt: skip
