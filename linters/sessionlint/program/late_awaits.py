"""What awaiting a task gives, and awaits that come when the session of what they wait for is closed."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import running
from sessionlint.program.frame import YES, Frame
from sessionlint.program.substitution import substitute, substitution
from sessionlint.program.values import TASK, UNKNOWN, Pending, Value, contained, join


def results(frame: Frame, value: Value, e: ir.Expr) -> Value:
    """The value of an awaited task, which comes with its coroutine: what that returns."""
    out: Value = UNKNOWN
    for atom in value:
        if atom.tag == "seq":
            for started in [a for item in atom.items for a in item]:
                out = join(out, _result(frame, started, e))
        elif atom.tag != "obj" or atom.name != TASK:
            out = join(out, (atom,))
    return out


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
    """Tells of what was started on a session, or only made ready, and is waited for when that is closed."""
    if YES not in [known for (_, fact), known in frame.facts.items() if fact == "closed"]:
        return
    tasks = {a for a in value if a.tag == "obj" and a.name == TASK}
    for atom in value:
        if atom.tag == "operation":
            _note(frame, _closed_receiver(frame, atom), atom.name, e)
        elif atom.tag == "seq" and tasks and not _waited_before(frame, tasks):
            for started in [a for item in atom.items for a in item]:
                _note(frame, _closed_in(frame, started), "task", e)


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


def _closed_in(frame: Frame, started: Any) -> list[Any]:
    """The closed sessions that a started coroutine still uses."""
    if not isinstance(started, Pending):
        return []
    summary = frame.solver.summary_of(started.info)
    closed = running.closed_of(frame, dict(started.bindings), summary)
    mapped = substitution(frame, started.info, started.bindings) if closed else {}
    uses = [x for x in summary.effects if x.kind == "use" or (x.kind == "txn" and x.name != "close")] if closed else []
    return [a for x in uses for a in mapped.get(x.subject, (x.subject,)) if a in closed]


def _waited_before(frame: Frame, tasks: set[Any]) -> bool:
    """Whether something has seen the task since its start: it may have ended while the session was open."""
    for event in frame.events:
        if event.kind not in ("await", "concurrent", "outcome", "call", "external"):
            continue
        given = [event.subject, *event.args, *[v for _, v in event.bindings]]
        if any(a in tasks for v in given for a in contained(v)):
            return True
    return False
