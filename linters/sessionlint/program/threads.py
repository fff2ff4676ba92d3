"""Threads, processes and timers: which of their arguments is the work, and what is passed to it."""

from __future__ import annotations

from typing import Any, NamedTuple

from sessionlint.facts import ir
from sessionlint.program import arguments
from sessionlint.program.frame import Frame
from sessionlint.program.model import Effect
from sessionlint.program.values import UNKNOWN, Ext, Obj, Value

Keywords = list[tuple[str, Value]]
_OF_THREAD = ("group", "target", "name", "args", "kwargs")
_PLACES = {
    "threading.Thread": _OF_THREAD,
    "multiprocessing.Process": _OF_THREAD,
    "threading.Timer": ("interval", "function", "args", "kwargs"),
}
#: Classes whose ``start()`` runs a target, or the method ``run`` of a class that is derived from them.
THREADS = tuple(_PLACES)
#: Names of the :class:`Obj` that stand for such an object; its site is the call that made it.
OBJECTS = frozenset([f"{name}()" for name in THREADS])
#: Somewhere in a function background work is started.
STARTS = Effect("schedule", "background", None)
#: The name of the effect where a pool's result is kept: somebody may ask for it.
POOLED = "pooled"
#: The name of the effect on what work that is started calls, or passes on: it sees to the errors of that.
INSIDE = "inside"
#: What is started by these gets the very objects that it is passed; nothing but data comes through a queue.
IN_PROCESS = ("concurrent.futures.", "threading.", "fastapi.BackgroundTask", "asyncio.", "uvloop.")


class Work(NamedTuple):
    """What runs, and its arguments."""

    target: Value
    args: list[Value]
    keywords: Keywords


def work_of(name: str, args: list[Value], keywords: Keywords) -> Work:
    """``Thread(None, work, None, (db,))``, ``Timer(5.0, work, args=[db])``."""
    given: dict[str, Value] = dict(zip(_PLACES[name], args, strict=False))
    given.update(keywords)
    target = given.get("target") or given.get("function", UNKNOWN)
    passed = [i for a in given.get("args", UNKNOWN) if a.tag == "seq" for i in a.items]
    return Work(target, passed, named(given.get("kwargs", UNKNOWN)))


def named(given: Value) -> Keywords:
    """``kwargs={…}``: the keyword arguments that something started later gets."""
    return [(k, v) for a in given if a.tag == "map" for k, v in a.items if isinstance(k, str)]


def pass_on(frame: Frame, name: str, work: Any, args: list[Value], keywords: Keywords) -> None:
    """Tells a plain function, which runs later, what it is started with: ``pool.submit(save, maker)``.

    Calling others only makes a coroutine or generator, which is done where they are started.
    """
    if work.tag == "partial":
        for inner in work.function:
            pass_on(frame, name, inner, [*work.args, *args], [*work.keywords, *keywords])
    elif work.tag == "fn" and not (work.info.is_async or work.info.is_generator or name.endswith(".map")):
        arguments.bind(frame, work.info, work, args, keywords)


def begin(frame: Frame, thread: Obj | Ext, e: ir.Expr) -> None:
    """``thread.start()``: only now its work begins, which may be behind the block that the thread was made in.

    Of a thread that is no more than declared, the place is not known where it was made.
    """
    path, span = thread.site if isinstance(thread, Obj) else ("", e[1])
    made_here = isinstance(thread, Obj) and path == frame.path and frame.is_own(thread)
    at_once = path == frame.path and e[0] == "c" and e[2][0] == "a" and e[2][2][1] == span
    if not at_once:
        name = f"{thread.name[:-2]}.start"
        subject = (thread,) if isinstance(thread, Obj) else UNKNOWN
        frame.emit("started", e[1], name=name, subject=subject, text="schedule", expr=e)
    # where this function has made it, rules ask there what it was given
    frame.effect(STARTS, span if made_here else e[1], "background work is started here")
