"""What awaiting a task does and gives, and awaits that come when the session of what they wait for is closed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sessionlint.facts import ir
from sessionlint.program import waiting
from sessionlint.program.external_names import told_by
from sessionlint.program.frame import YES, Frame
from sessionlint.program.substitution import substitute, substitution
from sessionlint.program.values import TASK, UNKNOWN, Seq, Value, contained, join, join_all

#: What a task is made of that has not run where it was made.
_RUN_LATER = frozenset({"pending", "operation", "partial", "ext"})
#: Events by which a task may have been waited for.
_SEES = frozenset({"await", "concurrent", "outcome", "call"})


def results(frame: Frame, value: Value, e: ir.Expr) -> Value:
    """The value of an awaited task, which comes with its coroutine: what that returns, once it has run here."""
    out: Value = UNKNOWN
    # the event that tells of this very await stands last
    first = not ended_before(frame.events[:-1], set(tasks_in(value)))
    for atom in value:
        if atom.tag == "seq":
            for started in [a for item in atom.items for a in item]:
                out = join(out, outcome(frame, started, e, first))
        elif atom.tag != "obj" or atom.name != TASK:
            out = join(out, (atom,))
    return out


def tasks_in(value: Value, depth: int = 2) -> list[Any]:
    """The tasks that a value is, or that the collections in it hold."""
    found = [a for a in value if a.tag == "obj" and a.name == TASK]
    for atom in value:
        if depth and atom.tag == "seq":
            for item in atom.items:
                found.extend(tasks_in(item, depth - 1))
    return found


def ended_before(events: list[Any], tasks: set[Any]) -> bool:
    """Whether each of some tasks was waited for since it was started, or given to what may have done so."""
    left = set(tasks)
    for event in events[::-1]:
        if not left:
            return True
        if event.kind == "schedule":
            if any(True for task in left if task.site == event.site):
                return False
        elif event.kind in _SEES:
            given = [event.subject, *event.args, *[v for _, v in event.bindings]]
            left = left.difference([a for v in given for a in contained(v)])
    return not left


def outcome(frame: Frame, started: Any, e: ir.Expr, first: bool) -> Value:
    """What a task gives. What it does happens where the function ``first`` waits for it, and is told there."""
    here: ir.Expr = ("z", e[1], ())
    if not first:
        return _result(frame, started, e)
    if started.tag == "partial":
        # ``create_task(to_thread(work, session))``
        return frame.machine.call(frame, started, [], [], here)
    if started.tag == "ext" and started.name.endswith("()"):
        name = started.name.removesuffix("()")
        if told_by(name).network:
            waiting.wait(frame, name, here)
        else:
            waiting.for_service(frame, started, here)
    if started.tag != "pending" or started.kind != "coro":
        return _result(frame, started, e)
    task = started._replace(site=frame.site(e[1]))
    if started in frame.awaiting:
        frame.awaiting[task] = frame.awaiting[started]
    return frame.machine.run_pending(frame, task, e[1], here)


def made_before(frame: Frame, values: Iterable[Value], e: ir.Expr) -> None:
    """A library's coroutines that were made outside of blocks, and are awaited in one; others are told where made.

    ``e`` is what stands for them where they are awaited.
    """
    for atom in dict.fromkeys([a for value in values for a in contained(value, 2)]):
        if atom.tag != "ext" or not atom.name.endswith("()"):
            continue
        name = atom.name.removesuffix("()")
        made = next((v for v in frame.events[::-1] if v.kind == "network" and v.name == name), None)
        if made is not None and not made.transactions:
            waiting.wait(frame, name, e)


def asked(frame: Frame, started: Seq, e: ir.Expr) -> Value:
    """``task.result()``: what the coroutine returned that the task was made of; what it did is told elsewhere."""
    # a task group's coroutine has run where it was started, and this is what it gave
    given = [_result(frame, a, e) if a.tag in _RUN_LATER else (a,) for item in started.items for a in item]
    return join_all(given)


def _result(frame: Frame, started: Any, e: ir.Expr) -> Value:
    if started.tag == "operation":
        return tuple(started.result)
    if started.tag != "pending" or started.kind != "coro":
        return UNKNOWN
    mapped = substitution(frame, started.info, started.bindings)
    return substitute(frame, frame.solver.summary_of(started.info).returns, mapped, started.info, e[1])


def by_method(frame: Frame, instance: Any, e: ir.Expr) -> Value:
    """``await Saver(session)``: runs the ``__await__`` of an object; an object without one stands for itself."""
    method = frame.solver.method(instance.info, "__await__")
    if method is None:
        return (instance,)
    out: Value = UNKNOWN
    for atom in frame.machine.call(frame, frame.solver.bound(method, instance), [], [], e[2]):
        if atom.tag == "pending" and atom.info is method:
            frame.machine.run_pending(frame, atom, e[2][1], e[2])
            mapped = substitution(frame, method, atom.bindings)
            out = join(out, substitute(frame, frame.solver.summary_of(method).returns, mapped, method, e[1]))
        else:
            out = join(out, (atom,))
    return out


def note_late(frame: Frame, value: Value, e: ir.Expr) -> None:
    """Tells of what was made ready on a session, and is waited for when that is closed; tasks tell it themselves."""
    if YES not in [known for (_, fact), known in frame.facts.items() if fact == "closed"]:
        return
    for atom in value:
        if atom.tag == "operation":
            _note(frame, _closed_receiver(frame, atom), atom.name, e)


def note_late_together(frame: Frame, values: list[Value], e: ir.Expr) -> None:
    """The same of operations that ``gather`` runs, which were made ready before; coroutines tell it when they run."""
    if not any(fact == "closed" for _, fact in frame.facts):
        return
    for atom in [a for value in values for a in contained(value, 2) if a.tag == "operation"]:
        _note(frame, _closed_receiver(frame, atom), atom.name, e)


def _note(frame: Frame, sessions: list[Any], name: str, e: ir.Expr) -> None:
    """One event per session, and none where the use itself has told it: it stands inside of ``e``."""
    start, end = e[1][:2], e[1][2:]
    told = [a for v in frame.events if v.kind == "use" and start <= v.span[:2] and v.span[2:] <= end for a in v.subject]
    for session in dict.fromkeys(s for s in sessions if s not in told):
        frame.emit("use", e[1], ("closed",), name=name, subject=(session,), expr=e)


def _closed_receiver(frame: Frame, operation: Any) -> list[Any]:
    session = operation.receiver
    late = frame.know(session, "closed") == YES and frame.solver.is_async(session)
    return [session] if late else []
