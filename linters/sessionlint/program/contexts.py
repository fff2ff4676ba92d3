"""Context managers: what entering gives, which transaction it opens, what leaving closes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.program import (
    alike,
    begun_if,
    begun_inside,
    calls,
    connecting,
    container_scopes,
    ended_generators,
    entering,
    generators,
    halves,
    handles,
    holding,
    knowledge,
    left_open,
    siblings,
    waiting,
)
from sessionlint.program.conditions import opens_none
from sessionlint.program.frame import Frame
from sessionlint.program.guards import Guard
from sessionlint.program.locks import LOCKS
from sessionlint.program.model import Effect, FunctionInfo, Hop, Transaction
from sessionlint.program.stdlib import SUPPRESSING
from sessionlint.program.substitution import substitution
from sessionlint.program.values import DRIVER, UNKNOWN, Fn, Handle, Inst, Seq, Value, contained, join

if TYPE_CHECKING:
    from sessionlint.program.solver import Solver

EXIT_STACKS = ("contextlib.ExitStack()", "contextlib.AsyncExitStack()")
CLOSED_BY_EXIT = ("session", "connection", "driver connection")


@dataclass(slots=True)
class Entered:
    """One ``with`` item: its value, and what leaving it ends."""

    value: Value = UNKNOWN
    closes: list[Any] = field(default_factory=list)
    #: what it closes besides, in the objects that it gives
    inside: list[Any] = field(default_factory=list)
    ends: list[Any] = field(default_factory=list)
    suppresses: bool = False
    exits: list[Any] = field(default_factory=list)
    holds: list[Any] = field(default_factory=list)
    #: the transactions that it opens until it is left; of an exit stack: that what was put on it opens
    begun: list[Transaction] = field(default_factory=list)
    #: what was put on an exit stack, see :mod:`sessionlint.program.exit_stacks`
    stacked: list[Entered] = field(default_factory=list)
    #: what it calls when it is left: functions, with their arguments
    calls: list[tuple[Value, list[Value], list[tuple[str, Value]], ir.Expr]] = field(default_factory=list)
    #: generators that go on when the ``with`` is left, and where they were entered
    resumes: list[tuple[Any, ir.Span4]] = field(default_factory=list)
    #: sessions that leaving a savepoint flushes, and where it was entered
    flushes: list[tuple[Any, ir.Expr]] = field(default_factory=list)
    #: sessions whose ``commit`` a stack calls when it is left
    commits: list[tuple[Any, Hop]] = field(default_factory=list)
    #: the errors that ``suppress(…)`` swallows
    caught: Value = UNKNOWN
    #: ``suppress(…)`` put on an exit stack: the call, its errors, and how many events came before it
    suppressed: list[tuple[ir.Expr, Value, int]] = field(default_factory=list)


def enter(frame: Frame, value: Value, item: ir.Expr) -> Entered:
    """Enters a context manager; opened transactions are pushed on ``frame.tx``."""
    entered, depth = Entered(), len(frame.tx)
    for atom in value:
        guards = frame.only_if.get(atom, ()) if frame.only_if else ()
        frame.guards.extend(guards)
        _enter(frame, atom, item, entered)
        del frame.guards[len(frame.guards) - len(guards) :]
    entered.begun.extend(frame.tx[depth:])
    return entered


def _enter(frame: Frame, atom: Any, item: ir.Expr, entered: Entered) -> None:
    tag = atom.tag
    if tag == "operation":
        for inner in atom.result:
            _enter(frame, inner, item, entered)
        return
    if tag == "pending" and atom.kind in ("cm", "gen"):
        _enter_generator(frame, atom, item, entered)
        return
    kind = frame.solver.kind_of(atom)
    if kind is not None:
        _enter_handle(frame, atom, kind, item, entered)
    elif tag == "inst":
        _enter_instance(frame, atom, item, entered)
    elif tag == "injected" and any(_is_entered(frame, view) for view in frame.solver.views(atom)):
        start = len(frame.events)
        for view in frame.solver.views(atom):
            if _is_entered(frame, view):
                _enter_instance(frame, view, item, entered)
        entering.note(frame, start, atom)
    elif tag == "param" and (views := _entered_views(frame, atom)):
        start = len(frame.events)
        _enter_param(frame, atom, views, item, entered)
        entering.note(frame, start, atom)
    elif tag == "pending":
        result = calls.run_pending(frame, atom, item[1], item)
        for inner in result:
            _enter(frame, inner, item, entered)
    elif tag == "seq" and getattr(atom, "many", False) is False and len(atom.items) == 1:
        # contextlib.closing(x)
        entered.value = join(entered.value, atom.items[0])
        entered.closes.extend(atom.items[0])
        for inner in atom.items[0]:
            halves.mark_context(frame, inner)
    else:
        if tag == "partial" and atom.function == SUPPRESSING:
            entered.suppresses = True
            entered.caught = join(entered.caught, (Seq(atom.args),))
        if tag == "ext" and atom.name in EXIT_STACKS:
            entered.holds.append(atom)
            frame.emit("external", item[1], ("context",), name=f"{atom.name}.__enter__", expr=item)
        elif tag == "ext" and atom.name in LOCKS:
            frame.emit("external", item[1], ("context",), name=f"{atom.name}.__enter__", expr=item)
        elif tag == "ext" and connecting.enters(atom.name):
            waiting.wait(frame, f"{atom.name}.__aenter__", item)
        entered.value = join(entered.value, (atom,))


def _enter_handle(frame: Frame, atom: Any, kind: str, item: ir.Expr, entered: Entered) -> None:
    stays = kind in CLOSED_BY_EXIT and stays_open(frame.solver, atom)
    if not stays:
        halves.mark_context(frame, atom)
    entered.value = join(entered.value, (atom,))
    if kind == "transaction":
        parent = getattr(atom, "parent", None)
        subjects = (parent,) if parent is not None else (atom,)
        savepoint = getattr(atom, "savepoint", False)
        _open(frame, subjects, frame.site(item[1]), savepoint, None, entered)
        entered.flushes.extend((subject, item) for subject in (subjects if savepoint else ()))
        return
    if getattr(atom, "begun", False):
        _open(frame, (atom,), frame.site(item[1]), False, None, entered)
    if kind in CLOSED_BY_EXIT and not stays:
        frame.learn(atom, "closed", False)
        frame.learn(atom, "open", False)
        entered.closes.append(atom)


def stays_open(solver: Solver, atom: Any) -> bool:
    """Whether leaving a ``with`` around a driver's connection ends its transaction and nothing more."""
    if isinstance(atom, Handle):
        made = solver.read(("driver", atom.root)) if atom.kind == DRIVER else UNKNOWN
        return any(a.name in knowledge.LEFT_OPEN for a in made)
    return bool(atom.tag == "ext" and atom.name in knowledge.LEFT_OPEN)


def _open(
    frame: Frame, subjects: Value, site: Any, savepoint: bool, source: Any, entered: Entered,
    guards: frozenset[Any] = frozenset(),
) -> None:  # fmt: skip
    frame.tx.append(Transaction(subjects, site, savepoint, source))
    if guards or frame.guards:
        frame.begun_under[frame.tx[-1]] = guards | frozenset(frame.guards)
    for subject in subjects if not savepoint else ():
        frame.learn(subject, "ended", False)
    entered.ends.extend(() if savepoint else subjects)


def _enter_generator(frame: Frame, atom: Any, item: ir.Expr, entered: Entered) -> None:
    value = calls.run_pending(frame, atom, item[1], item, context=True)
    entered.value = join(entered.value, value)
    summary = frame.solver.summary_of(atom.info)
    entered.resumes.append((atom, item[1]))
    fresh = [a for a in value if isinstance(a, Handle) and a.site == frame.site(item[1])]
    if not fresh and summary.closes_after_yield:
        entered.inside.extend(_closed_with_holder(frame, summary.closes_after_yield, value, item))
    entered.closes.extend(a for a in fresh if a.kind in CLOSED_BY_EXIT)
    for handle in fresh:
        frame.learn(handle, "closed", False)
        frame.learn(handle, "open", False)
    if not fresh and _opens(frame, atom.info) and not _spared(frame, atom):
        entered.holds.append(atom)
    _begin(frame, atom, value, item, entered)


def _begin(frame: Frame, atom: Any, value: Value, item: ir.Expr, entered: Entered) -> None:
    """Opens the transactions that a generator is in at its ``yield``."""
    summary = frame.solver.summary_of(atom.info)
    if summary.begun_at_yield:
        entered.ends.extend(begun_inside.enter(frame, atom.info, summary.begun_at_yield, value, item))
    guards = begun_if.left(frame, atom, summary)
    if summary.yield_transactions and guards is not None:
        subjects = tuple([a for a in value if frame.solver.kind_of(a) in ("session", "connection")])
        if not subjects:
            # kept in the object that it gives, or where others find it
            subjects = halves.opened_below(frame, atom, item[1])
        savepoint = all(t.savepoint for t in summary.yield_transactions)
        _open(frame, subjects, frame.site(item[1]), savepoint, atom.info, entered, guards)


def gone_into(frame: Frame, iterable: Value, given: Value, source: ir.Expr) -> Entered:
    """A round of a loop over a generator happens at its ``yield``, in the transactions that are open there."""
    entered, depth = Entered(), len(frame.tx)
    for atom in iterable:
        if atom.tag == "pending" and atom.kind == "gen":
            _begin(frame, atom, given, source, entered)
    entered.begun.extend(frame.tx[depth:])
    return entered


def gone_out(frame: Frame, entered: Entered) -> None:
    """The loop is over, and so are these transactions; what a round has put on a stack is open still."""
    if entered.begun:
        frame.tx[:] = [t for t in frame.tx if t not in entered.begun]
    for subject in entered.ends:
        handles.left_block(frame, subject)


def _closed_with_holder(frame: Frame, closed: Value, value: Value, item: ir.Expr) -> list[Handle]:
    """The sessions opened for this ``with`` that are closed at its end, in the objects that it gives."""
    roots = {a.root for a in closed if isinstance(a, Handle)}
    held = contained(tuple([a for a in value if a.tag == "inst"]))
    # what an object that it gives opens for itself, when the generator enters it
    held.extend([a for inst in value if inst.tag == "inst" for k, v in inst.bindings if k.tag == "handle" for a in v])
    return [a for a in held if isinstance(a, Handle) and a.root in roots and a.site == frame.site(item[1])]


def _is_entered(frame: Frame, atom: Any) -> bool:
    """Whether an atom is an object of the project with ``__enter__`` or ``__aenter__``."""
    return atom.tag == "inst" and any(frame.solver.method(atom.info, name) is not None for name in entering.ENTERS)


def _entered_views(frame: Frame, param: Any) -> Value:
    """The objects with ``__enter__`` that a function may have been given; alternatives of one class count once."""
    passed: Value = UNKNOWN
    for view in siblings.told(frame, param, frame.solver.ask("views", param)):
        # what a request was injected, and its endpoint passes on
        passed = join(passed, frame.solver.views(view) if view.tag == "injected" else (view,))
    views = tuple([v for v in passed if _is_entered(frame, v)])
    return alike.as_one(frame, param, views) if len(views) > 1 else views


def _enter_param(frame: Frame, param: Any, views: Value, item: ir.Expr, entered: Entered) -> None:
    """Enters what the function was given: each of them happens where such an object was passed."""
    before, given = entered.value, UNKNOWN
    for view in holding.each(frame, views):
        entered.value = UNKNOWN
        _enter_instance(frame, view, item, entered, param)
        # ``return self``: that is still what was passed
        given = join(given, tuple([param if a == view else a for a in entered.value]))
    entered.value = join(before, given)


def _enter_instance(frame: Frame, atom: Any, item: ir.Expr, entered: Entered, param: Any = None) -> None:
    for name in entering.ENTERS:
        found = _methods(frame, atom, name)
        for method in found:
            _enter_by(frame, atom, method, item, entered, param)
        if found:
            return
    entered.value = join(entered.value, (atom,))


def _enter_by(frame: Frame, atom: Any, method: Fn, item: ir.Expr, entered: Entered, param: Any) -> None:
    """Runs one ``__enter__`` of an object; at the end the method that leaves it will be run."""
    leaves = "__aexit__" if method.info.name == "__aenter__" else "__exit__"
    owner = atom if method.receiver is None else method.receiver  # a static method is bound to nothing
    # what was waited for is what is entered: ``async with await get_unit()``
    value = _run_by(frame, method, item[2] if item[0] == "aw" else item, param, context=True)
    # ``return await self.manager.__aenter__()`` of a manager that it was given: that is what is entered
    given = [a for a in value if a.tag == "pending" and a.kind == "cm"] if method.receiver is not None else []
    for manager in given:
        _enter_generator(frame, manager, item, entered)
    value = tuple([a for a in value if a not in given]) if given else value
    entered.value = join(entered.value, value)
    entered.exits.append((owner, leaves, param))
    fresh = [a for a in value if isinstance(a, Handle) and a.kind in CLOSED_BY_EXIT]
    ways = [frame.solver.summary_of(m.info) for m in _methods(frame, owner, leaves)] if fresh else []
    if any(effect.name == "close" for summary in ways for effect in summary.effects):
        entered.closes.extend(fresh)
        for handle in fresh:
            frame.learn(handle, "open", False)
    if not fresh and _opens(frame, method.info):
        entered.holds.append(owner)
    begun = halves.of_entering(frame.solver.summary_of(method.info), fresh) if fresh else UNKNOWN
    if begun:
        _open(frame, begun, frame.site(item[1]), False, method.info, entered)


def _run_by(frame: Frame, method: Fn, e: ir.Expr, param: Any, context: bool = False) -> Value:
    """Runs a special method, which happens only where ``param``, if any, was such an object."""
    if param is None or method.receiver is None:
        return calls.call_function(frame, method, [], [], e, run=True, context=context)
    frame.guards.append(Guard(param, "of", (method.receiver.info, method.info.name), True))
    frame.flags.append("received")
    value = calls.call_function(frame, method, [], [], e, run=True, context=context)
    frame.flags.pop()
    frame.guards.pop()
    return value


def _methods(frame: Frame, atom: Any, name: str) -> list[Fn]:
    """What is run for a special method: that of the object's class, or of classes below where it only declares."""
    solver = frame.solver
    method = solver.method(atom.info, name)
    if method is None:
        return []
    below = solver.overrides(atom.info, name) if solver.is_abstract(method) else []
    owned = [(m, m.class_info) for m in below]
    found = [solver.bound(m, Inst(owner, atom.bindings)) for m, owner in owned if owner is not None]
    return found or [solver.bound(method, atom)]


def _spared(frame: Frame, pending: Any) -> bool:
    """Whether a context manager that may open a session was given one."""
    mapped = substitution(frame, pending.info, pending.bindings)
    return opens_none(frame.solver.summary_of(pending.info), mapped, frame.solver)


def _opens(frame: Frame, function: FunctionInfo) -> bool:
    """Whether a function opens a session somewhere below that is still open when it has been entered."""
    summary = frame.solver.summary_of(function)
    return left_open.OPENS in summary.effects and summary.holds_open


def leave(frame: Frame, entered: Entered, span: ir.Span4) -> None:
    """Leaves a context manager; what was put on it last is left first."""
    for inner in entered.stacked[::-1]:
        leave(frame, inner, span)
    for functions, args, keywords, e in entered.calls:
        dead, frame.dead = frame.dead, False
        for function in functions:
            for made in frame.machine.call(frame, function, args, keywords, e):
                if made.tag == "pending":
                    calls.run_pending(frame, made, e[1], e)
        frame.dead = dead
    for atom, name, param in entered.exits:
        for method in _methods(frame, atom, name):
            dead, frame.dead = frame.dead, False
            _run_by(frame, method, ("z", span, ()), param)
            frame.dead = dead
    for subject, hop in entered.commits if frame.yielded else ():
        frame.after_yield.append(("commit", subject, hop))
    for pending, place in entered.resumes:
        generators.resume(frame, pending, place)
        generators.ends_given(frame, pending)
        ended_generators.came_to_end(frame, pending)
    for subject, item in entered.flushes:
        holding.asked(frame, subject, item, always=True)
    for subject in entered.ends:
        handles.left_block(frame, subject)
    for handle in (*entered.closes, *entered.inside):
        if not _made_here(frame, handle):
            frame.effect(Effect("txn", "close", handle), span, "leaving the with block closes it")
        elif frame.yielded:
            frame.after_yield.append(("close", handle, Hop(frame.site(span), "leaving the with block closes it")))
        frame.learn(handle, "closed")
        frame.learn(handle, "open", False)
        frame.learn(handle, "used", False)
        frame.left.append(handle)
        holding.let_go(frame, handle)
    if entered.value and frame.scoped:
        container_scopes.left(frame, entered.value)
    if entered.begun:
        # what was entered before is left with none of them open
        frame.tx[:] = [t for t in frame.tx if t not in entered.begun]


def left_in(frame: Frame, since: int, body: tuple[ir.Stmt, ...]) -> list[Handle]:
    """What a ``with`` inside a ``try`` has opened: whatever failed, it is closed where there is such a thing at all."""
    first, last = body[0][1], body[-1][1]
    made = [a for a in frame.left[since:] if isinstance(a, Handle) and a.site[0] == frame.path]
    return [a for a in made if first[:2] <= a.site[1][:2] and a.site[1][2:] <= last[2:]]


def _made_here(frame: Frame, handle: Any) -> bool:
    event = frame.begins.get(handle)
    return event is not None and event.function is frame.function
