"""Work in a thread or another loop that is waited for where it was started: ``run_coroutine_threadsafe(…).result()``.

Whether anybody else has to know that it was started at all is said when the function is at its end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from sessionlint.facts import ir
from sessionlint.program import carrying, network, waiting
from sessionlint.program.frame import Frame
from sessionlint.program.values import TASK, UNKNOWN, Obj, Seq, Value, contained, join_all

#: Name of the :class:`Obj` that stands for what a pool gives back; its site is the call that gave it the work.
FUTURE = "concurrent.futures.Future()"
#: The name of the effect where an event loop's executor is given work that this function does not wait for.
THREADED = "threaded"
#: The fact that work may still go on; kept where a caller goes on if it holds on some path only, too.
_RUNS = "open"
#: Functions that wait for futures, and give them.
WAITS = frozenset({"concurrent.futures.as_completed", "concurrent.futures.wait"})
#: Pools whose block ends when all work has.
POOLS = frozenset({"concurrent.futures.ThreadPoolExecutor()", "concurrent.futures.ProcessPoolExecutor()"})
#: Pools whose methods wait for what they give.
OF_THREADS = "multiprocessing.pool.ThreadPool()."
_GONE_THROUGH = frozenset({"map", "imap", "imap_unordered", "starmap", "apply"})
_ASKS = frozenset({"result", "exception"})
#: What may use a session, so that two do at the same time.
_MEANWHILE = frozenset({"use", "txn", "call", "effect", "change", "schedule", "concurrent"})


class Start(NamedTuple):
    """What is to be told of a start unless its end is waited for: as :func:`~.announcing.tell` takes it."""

    targets: Value
    args: tuple[Value, ...]
    call: ir.Expr
    how: str
    guards: tuple[Any, ...]


def started(frame: Frame, future: Obj, targets: Value, args: list[Value], e: ir.Expr, how: str) -> None:
    """Work begins of which this function may see the end."""
    frame.futures[future] = Start(targets, tuple(args), e, how, tuple(frame.guards))
    frame.learn(future, _RUNS)


def in_thread(frame: Frame, given: list[Value], e: ir.Expr) -> Value:
    """``loop.run_in_executor(None, work, session)`` that is not awaited at once: its future, which may be later."""
    if "awaited" in frame.flags or not given:
        return UNKNOWN
    future = Obj(TASK, frame.site(e[1]))
    started(frame, future, given[0], given[1:], e, THREADED)
    return (future,)


def waited_for(frame: Frame, value: Value) -> None:
    """An ``await``, or a ``gather``, of futures among others: their work has ended."""
    for atom in contained(value, 2):
        if atom in frame.futures and frame.futures[atom].how == THREADED:
            frame.learn(atom, _RUNS, False)


def asked(frame: Frame, future: Obj, name: str, e: ir.Expr) -> Value:
    """A method of a future: asking for the result waits for the work, which has then run here."""
    start = frame.futures.get(future)
    if start is None or not (name in _ASKS or name == "cancel"):
        return UNKNOWN
    frame.learn(future, _RUNS, False)
    if name == "cancel":
        return UNKNOWN
    if future.name == TASK:
        frame.emit("await", e[1], subject=(future,), expr=e)
    _waits(frame, start, e)
    given = contained((Seq((start.targets, *start.args)),), 2)
    work = dict.fromkeys(a for a in given if a.tag == "pending" and a.kind == "coro")
    return join_all([waiting.run_to_end(frame, (pending,), e) for pending in work])


def mapped(frame: Frame, targets: Value, e: ir.Expr) -> None:
    """``pool.map(fetch, urls)``: who goes through what it gives, or leaves the pool's block, waits for all of it."""
    _waits(frame, Start(targets, (), e, "", ()), e)


def left(frame: Frame, block: ir.Span4) -> None:
    """The block of a pool is left: what was submitted in it and not asked for is waited for there."""
    for future, start in frame.futures.items():
        inside = block[:2] <= start.call[1][:2] and start.call[1][2:] <= block[2:]
        if inside and future.name == FUTURE and frame.know(future, _RUNS):
            _waits(frame, start, start.call)


def waited_for_all(frame: Frame, name: str, futures: Value, e: ir.Expr) -> Value:
    """``as_completed(futures)``, ``wait(futures)``"""
    found = tuple([one for one in contained(futures, 2) if one in frame.futures])
    for future in found:
        frame.learn(future, _RUNS, False)
        _waits(frame, frame.futures[future], e)
    many: Value = (Seq((found,), True),)
    return many if name.endswith("completed") else (Seq((many, many)),)


def runs_here(name: str) -> bool:
    """``ThreadPool(4).map``"""
    return name.startswith(OF_THREADS) and name.rpartition(".")[2] in _GONE_THROUGH


def _waits(frame: Frame, start: Start, e: ir.Expr) -> None:
    """Who waits for plain functions in threads waits for the network as they do."""
    for atom in start.targets:
        if atom.tag == "ext" and network.is_network(atom.name):
            waiting.wait(frame, atom.name, e)
    for atom in _functions(start.targets):
        summary = frame.solver.summary_of(atom.info)
        for effect in [one for one in summary.effects if one.kind == "network"][:1]:
            carrying.happens(frame, atom.info, effect, effect, {}, ("z", e[1], ()), frozenset())


def _functions(targets: Value) -> list[Any]:
    inner = [function for atom in targets if atom.tag == "partial" for function in _functions(atom.function)]
    return [*[atom for atom in targets if atom.tag == "fn" and not atom.info.is_async], *inner]


def settle(frame: Frame, tell: Callable[..., None]) -> None:
    """Tells callers of the work that may go on when this function has ended."""
    dead, guards = frame.dead, frame.guards
    for future, start in frame.futures.items():
        if start.how == THREADED and any(a == future for a in contained(frame.returns, 2)):
            continue  # whoever gets it may wait for it
        at_end = not dead and frame.know(future, _RUNS)
        if at_end or any((future, _RUNS) in held for held in frame.exits):
            frame.dead, frame.guards = False, list(start.guards)
            tell(frame, start.targets, list(start.args), start.call, start.how)
        elif future.name == TASK:
            _is_no_task(frame, future)
    frame.dead, frame.guards = dead, guards


def _is_no_task(frame: Frame, future: Obj) -> None:
    """A coroutine that another loop runs while this function does nothing but wait is as good as awaited."""
    events = frame.events
    places = [i for i, e in enumerate(events) if e.kind == "schedule" and e.site == future.site]
    ends = [i for i, e in enumerate(events) if e.kind == "await" and future in e.subject]
    for place in places:
        end = min([i for i in ends if i > place], default=place)
        if end > place and not any(e.kind in _MEANWHILE for e in events[place + 1 : end]):
            events[place] = events[place]._replace(text="thread")
