"""What ``gather`` and its kin run: coroutines, tasks and calls in threads, all at the same time."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import awaitables, joining, late_awaits, revealing, waiting
from sessionlint.program.frame import Frame
from sessionlint.program.values import UNKNOWN, Pending, Seq, Value, contained, join_all


def run(frame: Frame, name: str, args: list[Value], e: ir.Expr) -> Value:
    """``gather`` and its kin: all run at the same time, and are awaited."""
    args = [awaitables.as_keys(value) for value in args]
    tasks = [task for value in args for task in late_awaits.tasks_in(value)]
    ended = bool(tasks) and late_awaits.ended_before(frame.events, set(tasks))
    frame.emit("concurrent", e[1], name=name, args=tuple(args), expr=e)
    results: list[Value] = []
    if e[0] == "c":
        revealing.note_together(frame, e[3])
    if frame.facts:
        late_awaits.note_late_together(frame, args, e)
    if frame.tx and not tasks:
        late_awaits.made_before(frame, args, e)
    if frame.futures:
        joining.waited_for(frame, join_all(args))
    for value in args:
        for item in coroutines(value):
            if tasks and not _is_within(frame, item, e):
                # a task that was started before
                results.append(late_awaits.outcome(frame, item, e, not ended))
            else:
                at = item.site[1] if item.site[0] == frame.path else e[1]
                results.append(frame.machine.run_pending(frame, item, at, e))
    if not ended:
        for thread in [a for value in args for a in _threads(value)]:
            results.append(frame.machine.call(frame, thread, [], [], ("z", e[1], ())))
        # ``create_task(client.get(url))``
        for awaitable in [a for value in args if tasks for a in _of_libraries(value)]:
            late_awaits.outcome(frame, awaitable, e, True)
        if not tasks and e[0] == "c":
            _wait_for_services(frame, args, e[3])
    if name == "asyncio.run":
        return results[0] if results else UNKNOWN
    return (Seq(tuple(results[:20])),)


def _wait_for_services(frame: Frame, args: list[Value], written: tuple[ir.Expr, ...]) -> None:
    """``gather(mailer.send(a), mailer.send(b))``"""
    for value, place in zip(args, written, strict=False):
        for atom in contained(value, 2):
            if atom.tag == "ext":
                waiting.for_service(frame, atom, place)


def _is_within(frame: Frame, pending: Pending, e: ir.Expr) -> bool:
    path, span = pending.site
    return path == frame.path and e[1][:2] <= span[:2] and span[2:] <= e[1][2:]


def coroutines(value: Value) -> list[Pending]:
    """The coroutines in a value, and in the collections in it."""
    out: list[Pending] = []
    for atom in value:
        if isinstance(atom, Pending) and atom.kind == "coro":
            out.append(atom)
        elif atom.tag == "seq":
            for item in atom.items:
                out.extend(coroutines(item))
    return out


def _threads(value: Value) -> list[Any]:
    """Calls that ``to_thread`` makes ready, in what is waited for."""
    inner = [a for atom in value if atom.tag == "seq" for item in atom.items for a in _threads(item)]
    return [*[a for a in value if a.tag == "partial"], *inner]


def _of_libraries(value: Value) -> list[Any]:
    """What functions of libraries gave that tasks in a value wait for."""
    items = [item for atom in value if atom.tag == "seq" for item in atom.items]
    if late_awaits.tasks_in(value, 0):
        return [a for item in items for a in item if a.tag == "ext"]
    return [a for item in items for a in _of_libraries(item)]
