"""Statements change the frame: names, paths, transactions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sessionlint.facts import ir
from sessionlint.program import (
    annotated,
    branches,
    checked_lists,
    contexts,
    definitions,
    ended_generators,
    exit_stacks,
    halves,
    handles,
    holding,
    import_statements,
    joining,
    keeping,
    listed,
    loops,
    never_returning,
    operators,
    relations,
    setbacks,
    sometimes,
    strings,
    workers,
)
from sessionlint.program.combined import TAKES
from sessionlint.program.frame import YES, Frame, identity
from sessionlint.program.growing import remove
from sessionlint.program.guards import note_said, of_value, option_of
from sessionlint.program.narrowing import narrow
from sessionlint.program.targets import assign
from sessionlint.program.values import UNKNOWN, Const, Ext, Value, contained, join


def run_block(frame: Frame, statements: tuple[ir.Stmt, ...]) -> None:
    """Runs statements in order until the path ends."""
    guards, tests = len(frame.guards), len(frame.tests)
    for statement in statements:
        _RUN[statement[0]](frame, statement)
        if frame.dead:
            break
    del frame.guards[guards:]
    if frame.tests:
        del frame.tests[tests:]


def _expression(frame: Frame, s: ir.Stmt) -> None:
    value = frame.evaluate(s[2], statement=True)
    frame.emit("value", s[1], value=value, expr=s[2]) if any(a.tag in ("pending", "operation") for a in value) else None


def _assign(frame: Frame, s: ir.Stmt) -> None:
    taken = option_of(frame, s[3]) if s[3][0] in TAKES else None
    if s[3][0] == "b" and _adds_to(s[2][0], s[3][3]):
        value, frame.added = strings.added(frame, s[3])
    else:
        value = frame.evaluate(s[3])
    if value == _NUMBERED and frame.class_scope is not None and s[2][0][0] == "n":
        # members are told apart, whatever the values are that they are given
        value = (Const(s[2][0][2].lower(), "str"),)
    conditions = taken or of_value(frame, s[3], value)
    for target in s[2]:
        assign(frame, target, value, s[3])
        note_said(frame, target, conditions)
    frame.added = None
    if s[3][0] in _LEAVES:
        checked_lists.note_left(frame, s[2][0], s[3])
    if s[3][0] == "d" and frame.function.name == "<module>":
        workers.of_dictionary(frame, value, s[1])


#: A member of an enumeration that is given its value.
_NUMBERED: Value = (Ext("enum.auto()"),)
#: Expressions that may leave something of a list.
_LEAVES = ("b", "c", "g", "n")


def _adds_to(target: ir.Expr, left: ir.Expr) -> bool:
    """``box.names = box.names + [name]``."""
    return target[0] == left[0] == "a" and ir.dotted(target) is not None and ir.dotted(target) == ir.dotted(left)


def _augmented(frame: Frame, s: ir.Stmt) -> None:
    operation = ("b", s[1], s[3], s[2], s[4])
    if s[3] == "|" and s[2][0] == "a" and s[2][3] == "info":
        frame.evaluate(("c", s[1], ("a", s[2][1], s[2], "update"), (s[4],), ()))
        return
    made = operators.in_place(frame, s)
    if made is not None or (s[2][0] == "n" and s[2][2] not in frame.globals):
        assign(frame, s[2], frame.evaluate(operation) if made is None else made, operation)
        return
    value, frame.added = strings.added(frame, operation)
    assign(frame, s[2], value, operation)
    frame.added = None


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
            halves.mark_context(frame, atom, "returned")
            handles.not_begun_here(frame, atom)
    closed = _closed(frame, value)
    ended = (frame.all_known("ended"),)
    frame.emit("return", s[1], ("closed",) if closed else (), value=value, expr=s[2], args=ended, subject=closed)
    if not frame.function.is_generator:
        frame.leaves()
        sometimes.note_return(frame, value, s[2] is not None)
    else:
        ended_generators.at_end(frame)
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
    open_still = setbacks.left_open(frame, before, paths[0], s[3], s[1]) if s[3] else []
    failed = sometimes.failed(frame, s, before, paths) if s[3] else []
    for path in paths[1:]:
        frame.merge(path)
    if open_still:
        setbacks.keep(frame, open_still)
    sometimes.keep(frame, failed)
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
    jumps = len(frame.loop_exits)
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
    if not raises or frame.returned or not frame.dead or len(frame.loop_exits) > jumps:
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
                relations.entry_changed(frame, target)
                remove(frame, target[2], frame.evaluate(target[3]))


def _assert(frame: Frame, s: ir.Stmt) -> None:
    operators.asked(frame, frame.evaluate(s[2]), s[2][1])
    never_returning.at_assertion(frame, s[2])
    narrow(frame, s[2])
    if s[2][0] in listed.TESTS:
        listed.note(frame, listed.tested(frame, s[2])[0])
    if s[2][0] in checked_lists.TESTS:
        checked_lists.note(frame, checked_lists.tested(frame, s[2])[0])


def _with(frame: Frame, s: ir.Stmt) -> None:
    depth, exits, around, stacks = len(frame.tx), len(frame.exits), len(frame.entered), len(frame.stacks)
    opened: list[contexts.Entered] = []
    depths: list[int] = []
    for item, target in s[2]:
        depths.append(len(frame.tx))
        value = frame.evaluate(item, context=True)
        entered = contexts.enter(frame, value, item)
        opened.append(entered)
        frame.entered.extend((*entered.closes, *entered.holds))
        if any(a.tag == "ext" and a.name in contexts.EXIT_STACKS for a in entered.holds):
            frame.stacks.append(entered)
            if frame.kept_calls:
                exit_stacks.take_up(frame, entered, item)
        if target is not None:
            assign(frame, target, entered.value, item)
    was_dead, start, marks = frame.dead, len(frame.events), len(frame.flags)
    frame.flags.extend(holding.UNFLUSHED for item, _ in s[2] if item[0] == "a" and item[3] == "no_autoflush")
    run_block(frame, s[3])
    del frame.flags[marks:]
    ended, frame.dead = frame.dead, was_dead
    end, open_inside = len(frame.events), list(frame.tx)
    del frame.stacks[stacks:]
    kept = {a for s in frame.stacks for a in exit_stacks.closes(s)}
    frame.entered[around:] = [a for a in frame.entered[around:] if a in kept]
    for entered in reversed(opened):
        contexts.leave(frame, entered, s[1])
        if frame.futures and any(a.tag == "ext" and a.name in joining.POOLS for a in entered.value):
            joining.left(frame, s[1])
    frame.narrow_exits(exits)
    frame.dead = ended and not any(e.suppresses for e in opened)
    frame.tx[depth:] = [t for t in frame.tx[depth:] if any(t in s.begun for s in frame.stacks)]
    for (item, _), entered, around_it in zip(s[2], opened, depths, strict=True):
        if entered.suppresses:
            # what the same statement entered before is still open around it
            left, frame.tx = frame.tx, open_inside[:around_it]
            for given, caught, before in entered.suppressed or [(item, entered.caught, start)]:
                _suppressed(frame, given, caught, s[1], tuple(frame.events[before:end]))
            frame.tx = left


def _suppressed(frame: Frame, item: ir.Expr, caught: Value, statement: ir.Span4, body_events: tuple[Any, ...]) -> None:
    """``with suppress(Error):`` is an ``except Error: pass`` around its body."""
    span = (*item[1][:2], *statement[2:])
    expr = ("handler", body_events, ())
    frame.emit("handler", span, ("suppress", "swallows"), value=caught, text=ir.text_of(item), expr=expr)


def _function(frame: Frame, s: ir.Stmt) -> None:
    definitions.define_function(frame, s[2])


def _class(frame: Frame, s: ir.Stmt) -> None:
    definitions.define_class(frame, s[2], run_block)


_RUN: dict[str, Callable[[Frame, ir.Stmt], None]] = {
    "E": _expression, "=": _assign, ":": annotated.run, "+=": _augmented, "R": _return, "!": _raise,
    "I": branches.run_if, "M": branches.run_match, "L": loops.run_for, "W": loops.run_while, "J": loops.run_jump,
    "w/": _with, "T": _try, "F": _function, "C": _class, "imp": import_statements.run,
    "from": import_statements.run_from, "glob": _global, "del": _delete, "as": _assert,
}  # fmt: skip
