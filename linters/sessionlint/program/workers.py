"""Workers (arq, SAQ): the functions they run, and the dictionary that these receive first.

What is called when the worker starts gets the one dictionary of the worker, each job and its hooks a copy of their own.

https://arq-docs.helpmanual.io/#startup-shutdown-coroutines, https://saq-py.readthedocs.io/en/latest/#example
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.model import ClassInfo
from sessionlint.program.values import JOB_CONTEXT, UNKNOWN, WORKER_CONTEXT, Ext, Map, Obj, Value, join

Keywords = list[tuple[str, Value]]
#: What a worker is told to run, and what it calls around that.
_RUNS = ("functions", "cron_jobs")
_STARTS = ("on_startup", "on_shutdown", "startup", "shutdown")
_OF_JOBS = ("on_job_start", "on_job_end", "after_job_end", "before_process", "after_process")
_HOOKS = (*_STARTS, *_OF_JOBS)
#: The dictionaries of workers and of jobs.
CONTEXTS = frozenset({WORKER_CONTEXT, JOB_CONTEXT})
_SETTINGS = ("arq.Worker", "arq.worker.Worker", "saq.Worker", "saq.worker.Worker", "saq.types.SettingsDict")


def of_class(frame: Frame, info: ClassInfo) -> None:
    """The settings of an arq worker, as a class."""
    if not any(name in info.attributes for name in _RUNS):
        return
    if not any(name in info.attributes for name in _HOOKS) and "redis_settings" not in info.attributes:
        return
    _share(frame, {name: entry[2] for name, entry in info.attributes.items()}, "arq.worker", info.header)


def of_dictionary(frame: Frame, value: Value, span: ir.Span4) -> None:
    """The settings of a SAQ worker, as a dictionary of a module: it is the queue that tells."""
    for atom in value:
        if isinstance(atom, Map):
            queue = atom.get("queue") or UNKNOWN
            if any(a.tag == "ext" and a.name.startswith("saq.") for a in queue):
                _share(frame, {k: v for k, v in atom.items if isinstance(k, str)}, "saq.worker", span)


def _maker(name: str) -> Callable[[Frame, list[Value], Keywords, ir.Expr], Value]:
    def call(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
        """``Worker(queue, functions=[…], startup=…)``."""
        listed = next((v for v in args[:2] if any(a.tag == "seq" for a in v)), UNKNOWN)
        _share(frame, {"functions": listed, **dict(keywords)}, f"{name.partition('.')[0]}.worker", e[1])
        return (Ext(f"{name}()"),)

    return call


SPECIAL = {name: _maker(name) for name in _SETTINGS}


def _share(frame: Frame, settings: dict[str, Value], name: str, span: ir.Span4) -> None:
    """What is run, with what one hook has put into the dictionary for it."""
    listed = [a for n in _RUNS for a in settings.get(n, UNKNOWN)]
    runs = [f for a in listed if a.tag == "seq" for item in a.items for f in _functions(item)]
    hooks = [f for n in _OF_JOBS for f in settings.get(n, UNKNOWN)]
    starts = tuple([f for n in _STARTS for f in settings.get(n, UNKNOWN)])
    if starts:
        frame.emit("starts", span, name=name, value=starts)
    if runs:
        frame.emit("schedule", span, name=name, value=tuple(dict.fromkeys(runs)))
    _give(frame, starts, Obj(WORKER_CONTEXT, frame.site(span)))
    _give(frame, (*runs, *hooks), Obj(JOB_CONTEXT, frame.site(span)))


def _give(frame: Frame, functions: Value, context: Obj) -> None:
    """Passes the dictionary to what the worker calls with it."""
    for atom in functions:
        if atom.tag == "fn" and atom.info.params:
            frame.solver.want(atom.info)
            frame.solver.flow(atom.info, atom.info.params[0][0], (context,))


def held(frame: Frame, context: Obj, key: Any) -> Value:
    """What such a dictionary has under a key: a job's has what the worker's has, too."""
    found = frame.solver.read(("state", context, key))
    if context.name != JOB_CONTEXT:
        return found
    return join(found, frame.solver.read(("state", context._replace(name=WORKER_CONTEXT), key)))


def put(frame: Frame, context: Obj, key: str, value: Value, text: str, span: ir.Span4) -> None:
    """Something is kept there: a job's is gone when the job is done."""
    frame.solver.write(("state", context, key), value)
    frame.store("state" if context.name == WORKER_CONTEXT else "job", text, value, span)


def _functions(item: Value) -> list[Any]:
    """What an element of the list runs: itself, or what stands behind a name in a pair."""
    return [f for a in item for f in ([b for part in a.items for b in part] if a.tag == "seq" else [a])]
