"""Work that starts elsewhere: background tasks, task groups, schedulers, queues, threads."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import (
    announcing,
    joining,
    knowledge,
    plain_routes,
    registering,
    registries,
    remote_jobs,
    signatures,
    threads,
    timed_jobs,
    together,
    waiting,
)
from sessionlint.program.frame import Frame
from sessionlint.program.values import (
    SESSION,
    TASK,
    UNKNOWN,
    Ext,
    Obj,
    PartialCall,
    Pending,
    Seq,
    Value,
    join,
    join_all,
)

Keywords = list[tuple[str, Value]]
_STARTS = threads.STARTS
_TASK_CLASS = TASK.removesuffix("()")
_TASK_SUFFIXES = (".create_task", ".ensure_future", ".run_coroutine_threadsafe")
#: Functions that run another one in a thread.
_THREADS = {
    "asyncio.to_thread", "anyio.to_thread.run_sync", "starlette.concurrency.run_in_threadpool",
    "fastapi.concurrency.run_in_threadpool",
}  # fmt: skip
#: Functions that make one that is not asynchronous of a coroutine function, and what stands for that one.
MADE_SYNC = ("asgiref.sync.async_to_sync", "asgiref.sync.AsyncToSync")
_SYNC = "asgiref.sync.async_to_sync()"
#: Functions that run the coroutine which another one makes to its end.
_RUNS_TO_END = ("anyio.run", "anyio.from_thread.run", _SYNC)
_LOOPS = ("asyncio.", "uvloop.")
#: Methods that only event loops have, and where the function stands that they call later.
_LATER = {"call_soon": 0, "call_soon_threadsafe": 0, "call_later": 1, "call_at": 1}
_CALLED_LATER = tuple([f".{name}" for name in _LATER])
#: Queues that are told the task's name, or get signatures combined by the library.
_QUEUES = ("celery.", "arq.", "saq.", "streaq.", "dramatiq.", "taskiq", "procrastinate.")
#: Combined signatures that are called: ``chain(…)()``, ``chord(header)(body)``.
_CANVAS = {f"celery.{place}{kind}()" for place in ("", "canvas.") for kind in ("chain", "group", "chord")}
#: What sends messages that Dramatiq has combined, and what two tasks are that are combined by ``|``.
_COMBINED = {f"dramatiq.{place}{kind}().run" for place in ("", "composition.") for kind in ("group", "pipeline")}
_CHAINED = Ext("celery.chain()")
#: Methods that nothing but a queue has.
_ONLY_QUEUES = {"enqueue_job", "apply_async", "kiq", "defer_async", "send_task"}
#: What makes a starter of a function, and what that is when it is called.
_SOON = (".soonify", ".soonify()")
_SENDS = (".send_task", ".apply_async", ".delay", ".enqueue_job", ".enqueue", ".defer", ".defer_async", ".kiq")


#: What begins like none of these, and is none of the others that are looked for, starts nothing.
_STARTING = (
    *_LOOPS, *knowledge.TASK_GROUPS, *_QUEUES, "rq.", "apscheduler.", "concurrent.futures.", "fastapi.BackgroundTask",
    joining.OF_THREADS,
)  # fmt: skip


def may_start(name: str) -> bool:
    """Whether :func:`call` may know a function by its name (it also knows those that a policy names)."""
    known = name in knowledge.CALL_THROUGH or name in threads.THREADS
    known = known or timed_jobs.tells(name) or remote_jobs.starts(name)
    return known or name.startswith(_STARTING) or name.endswith("().start")


def call(frame: Frame, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value | None:
    """Library functions that start or combine coroutines; ``None`` for all others."""
    if name in knowledge.CALL_THROUGH:
        return _call_through(frame, name, args, keywords, e)
    if name.endswith(".create_task") and name.startswith(tuple(knowledge.TASK_GROUPS)):
        return together.run(frame, "TaskGroup.create_task", args, e)
    if name.endswith((".start_soon", ".start")) and name.startswith(tuple(knowledge.TASK_GROUPS)):
        return _started(frame, "concurrent", "TaskGroup.start_soon", args, keywords, e)
    if name.endswith(_SOON) and name.startswith(tuple(knowledge.TASK_GROUPS)):
        return _soon(frame, name, args, keywords, e)
    if name.startswith(_LOOPS) and (name.endswith(_TASK_SUFFIXES) or name == _TASK_CLASS):
        return _task(frame, name, args, keywords, e)
    if name in ("asyncio.gather", "asyncio.wait", "asyncio.as_completed", "asyncio.run"):
        return together.run(frame, name, args, e)
    if name.startswith(_LOOPS) and name.endswith(waiting.RUNS_TO_END):
        return waiting.run_to_end(frame, args[0] if args else join_all([v for _, v in keywords[:1]]), e)
    if name.startswith(_LOOPS) and name.endswith(_CALLED_LATER):
        given = args[1:] if name.endswith((".call_later", ".call_at")) else args
        if _makes_task(frame, name.rpartition(".")[2], args, e):
            return UNKNOWN
        # a method of a queue or future is no work of its own
        kind = "schedule" if any(_is_work(frame, a) for a in (given or [UNKNOWN])[0]) else "thread"
        return _started(frame, kind, name.replace("()", ""), given, keywords, e)
    if name.startswith(_LOOPS) and name.endswith(".run_in_executor"):
        for target in args[1] if len(args) > 1 else UNKNOWN:
            frame.machine.call(frame, target, args[2:], keywords, e)
        _started(frame, "thread", name, args[1:], keywords, e)
        return joining.in_thread(frame, args[1:], e)
    if name == "fastapi.BackgroundTasks().add_task" or name == "fastapi.BackgroundTask":
        result = _started(frame, "schedule", name.replace("()", ""), args, keywords, e)
        return (Ext("fastapi.BackgroundTask()"),) if name.endswith("Task") else result
    if name in threads.THREADS:
        work = threads.work_of(name, args, keywords)
        _started(frame, "schedule", name, [work.target, *work.args], work.keywords, e)
        return (Obj(f"{name}()", frame.site(e[1])),)
    if name.endswith("().start") and name.removesuffix("().start") in threads.THREADS:
        if args:
            return _started(frame, "schedule", name.replace("()", ""), args, keywords, e)
        threads.begin(frame, Ext(name.removesuffix(".start")), e)
        return UNKNOWN
    if name.endswith((".submit", ".map")) and is_pool(name):
        future = _started(frame, "schedule", name.replace("()", ""), args, keywords, e)
        if args and name.endswith(".map"):
            joining.mapped(frame, args[0], e)
        return future
    if args and joining.runs_here(name):
        joining.mapped(frame, args[0], e)
        return None
    if name in joining.WAITS and args:
        return joining.waited_for_all(frame, name, args[0], e)
    if name.startswith("apscheduler.") and name.rpartition(".")[2] in ("add_job", "add_schedule"):
        return _scheduler(frame, name.replace("()", ""), args, keywords, e)
    if name in frame.solver.policy.background_sinks:
        return handed_on(frame, name, args, keywords, e)
    if (name.startswith(_QUEUES) and name.endswith(_SENDS)) or name in _CANVAS or name in _COMBINED:
        return _sent(frame, name.replace("()", ""), args, keywords, e)
    if name.endswith((".enqueue", ".enqueue_in", ".enqueue_at")) and name.startswith("rq."):
        return _started(frame, "schedule", name.replace("()", ""), args, keywords, e)
    if timed_jobs.tells(name):
        _started(frame, "schedule", name.replace("()", ""), timed_jobs.work_of(name, args, keywords), [], e)
        return None
    if remote_jobs.starts(name):
        _sent(frame, name.replace("()", ""), args, keywords, e)
        return (Ext(f"{name}()"),)
    return None


def _is_work(frame: Frame, atom: Any) -> bool:
    """Whether what is called later is work of the project's own: a method of a session is, that of a future is not."""
    return atom.tag in ("fn", "partial") or (atom.tag == "method" and frame.solver.kind_of(atom.receiver) == SESSION)


def is_pool(name: str) -> bool:
    """Whether a start by this name gives work to a pool of threads or processes."""
    return name.startswith("concurrent.futures.")


def method(frame: Frame, receiver: Any, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value | None:
    """Methods of functions (``task.delay``) and of applications and routers."""
    told = signatures.method(receiver, name, args, keywords) if receiver.tag in ("fn", "partial") else None
    if told is not None:
        return told
    if receiver.tag == "fn" and name == "schedule" and signatures.enqueues(receiver.info):
        return _started(frame, "schedule", ".schedule", [(receiver,), *args], keywords, e)
    if name == "run" and receiver.tag == "partial" and receiver.function == (_CHAINED,):
        return _sent(frame, ".run", [], keywords, e)
    if receiver.tag in ("fn", "partial") and name in knowledge.QUEUE_METHODS:
        if name in signatures.SPREADING and (args or keywords):
            args, keywords = signatures.spread(args, keywords)
        return _started(frame, "schedule", f".{name}", [(receiver,), *args], keywords, e)
    if receiver.tag == "obj" and receiver.name == TASK:
        called = tuple([a for a in args[0] if _is_work(frame, a)]) if name == "add_done_callback" and args else ()
        if called:
            frame.emit("callback", e[1], name=f"asyncio.Task.{name}", subject=(receiver,), value=called, expr=e)
        return UNKNOWN
    if receiver.tag == "obj":
        if name in plain_routes.ADDS:
            plain_routes.give(frame, args, keywords, plain_routes.ADDS[name])
        return registering.router_method(frame, receiver, name, args, keywords, e)
    return None


def register_task(frame: Frame, name: str, args: list[Value], e: ir.Expr) -> None:
    """``task = actor(Work())``: a function, or an object that is called like one, becomes background work."""
    called = [_as_called(frame, atom) for atom in (args[0] if args else UNKNOWN)]
    started = [atom for atom in called if atom.tag == "fn"]
    for function in started:
        frame.solver.want(function.info)
    if started:
        frame.emit("schedule", e[1], name=name, value=tuple(started), text="register", expr=e)


def unknown(frame: Frame, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value | None:
    """Method names on unknown receivers that can only mean starting work, with a project function as target."""
    targets = args[0] if args else UNKNOWN
    if name in ("add_task", "add_job") and any(a.tag in ("fn", "partial") for a in targets):
        return _scheduler(frame, f".{name}", args, keywords, e)
    if name in _ONLY_QUEUES and _is_given(frame, e[2][2]):
        return _sent(frame, f".{name}", args, keywords, e)
    if name == "create_task" and any(isinstance(a, Pending) for a in targets):
        return _task(frame, ".create_task", args, keywords, e)
    if name in _LATER and _makes_task(frame, name, args, e):
        return UNKNOWN
    return None


def _makes_task(frame: Frame, name: str, args: list[Value], e: ir.Expr) -> bool:
    """``loop.call_soon_threadsafe(loop.create_task, work())``: the loop makes the task, and keeps nothing of it."""
    at = _LATER[name]
    if len(args) != at + 2 or not any(isinstance(a, Pending) for a in args[-1]):
        return False
    known = any(a.tag == "ext" and a.name.endswith(_TASK_SUFFIXES) for a in args[at])
    if not known and not _names_maker(e[3][at] if e[0] == "c" and len(e[3]) == len(args) else e):
        return False
    frame.emit(
        "schedule", e[1], ("dropped",), name="asyncio.create_task", value=args[-1], args=(args[-1],), text="task",
        expr=e,
    )  # fmt: skip
    announcing.tell(frame, args[-1], [], e)
    return True


def _names_maker(written: ir.Expr) -> bool:
    """``loop.create_task``, of whatever loop."""
    return bool(written[0] == "a" and written[3] == "create_task")


def _is_given(frame: Frame, receiver: ir.Expr) -> bool:
    """Whether an object comes from the application's state or a caller: not made by code that could be followed."""
    if receiver[0] == "n":
        receiver = _only_given(ir.body_of(frame.function.facts), receiver[2]) or receiver
    if receiver[0] == "i":
        # what lies under a key of it, as arq's pool does in the dictionary that jobs are given
        receiver = receiver[2]
    dotted = ir.dotted(receiver)
    if dotted is None:
        return False
    named = frame.env.get(dotted, UNKNOWN)
    return ".state." in dotted or (bool(named) and all(a.tag == "param" for a in named))


def _only_given(nodes: Any, name: str) -> ir.Expr | None:
    """What a name of a function is given, where that happens once: ``redis = ctx["redis"]``."""
    found: list[ir.Expr] = []
    pending: list[Any] = [nodes]
    while pending:
        for node in pending.pop():
            if type(node) is tuple and node:
                if len(node) == 4 and node[0] == "=" and any(t[0] == "n" and t[2] == name for t in node[2]):
                    found.append(node[3])
                pending.append(node)
    return found[0] if len(found) == 1 else None


def _scheduler(frame: Frame, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    named = dict(keywords)
    if name.endswith("add_task"):
        return _started(frame, "schedule", name, args, keywords, e)
    target = args[0] if args else named.get("func", UNKNOWN)
    passed = [i for a in named.get("args", UNKNOWN) if a.tag == "seq" for i in a.items]
    return _started(frame, "schedule", name, [target, *passed], threads.named(named.get("kwargs", UNKNOWN)), e)


def _call_through(frame: Frame, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    position = knowledge.CALL_THROUGH[name]
    if args and name in MADE_SYNC:
        return (PartialCall((Ext(_SYNC),), (args[0],), ()),)
    if position < 0 or not args:
        return args[0] if args and name == "asgiref.sync.sync_to_async" else (Ext(f"{name}()"),)
    if name in ("asyncio.wait_for", "asyncio.shield"):
        return args[0]
    if name == "asyncio.run":
        return join_all([frame.machine.run_pending(frame, c, e[1], e) for c in together.coroutines(args[0])])
    if name in _THREADS and "awaited" not in frame.flags:
        # a coroutine that somebody else awaits
        return (PartialCall(args[position], tuple(args[position + 1 :]), tuple(keywords)),)
    out: Value = UNKNOWN
    passed = [k for k in keywords if k[0] not in ("limiter", "backend", "backend_options")]
    for target in args[position]:
        out = join(out, frame.machine.call(frame, target, args[position + 1 :], passed, e))
    if name in _RUNS_TO_END:
        return join_all([frame.machine.run_pending(frame, c, e[1], e) for c in together.coroutines(out)])
    return out


def _task(frame: Frame, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``create_task(coroutine)``."""
    targets = args[0] if args else dict(keywords).get("coro", UNKNOWN)
    _waits_elsewhere(frame, e)
    frame.emit(
        "schedule", e[1], _dropped(frame), name=name.replace("()", ""), value=targets, args=tuple(args),
        text="task", expr=e,
    )  # fmt: skip
    task = Obj(TASK, frame.site(e[1]))
    if name.endswith(".run_coroutine_threadsafe"):
        joining.started(frame, task, targets, [], e, _STARTS.name)
    else:
        announcing.tell(frame, targets, [], e)
    return (task, Seq((targets,)))


def _waits_elsewhere(frame: Frame, e: ir.Expr) -> None:
    """``create_task(client.get(url))``: the library's coroutine waits in its task, not here."""
    started = e[3][0][1] if e[0] == "c" and e[3] else None
    for event in [v for v in frame.events[-4:] if v.kind == "network" and v.span == started]:
        frame.events.remove(event)
        frame.effects = {k: h for k, h in frame.effects.items() if k.kind != "network" or h.site != event.site}


def _dropped(frame: Frame) -> tuple[str, ...]:
    return ("dropped",) if frame.flags and frame.flags[-1] == "statement" and "awaited" not in frame.flags else ()


def _soon(frame: Frame, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``group.soonify(load)(session, 1)`` (asyncer): what it gives starts the function when it is called."""
    if name.endswith(_SOON[0]):
        return (PartialCall((Ext(f"{name}()"),), tuple(args), ()),)
    return _started(frame, "concurrent", "TaskGroup.start_soon", args, keywords, e)


def handed_on(frame: Frame, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``offload("weigh", work, 3)`` that the policy names: the first argument that is work, with those behind it."""
    for place, passed in enumerate(args):
        if any(_is_work(frame, a) or a.tag == "pending" for a in passed):
            return _started(frame, "schedule", name, args[place:], keywords, e)
    for key, passed in keywords:
        if any(_is_work(frame, a) or a.tag == "pending" for a in passed):
            return _started(frame, "schedule", name, [passed, *args], [k for k in keywords if k[0] != key], e)
    return _started(frame, "schedule", name, args, keywords, e)


def _started(frame: Frame, kind: str, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``add_task(function, *args)`` and its kin."""
    if not args and "func" in dict(keywords):
        args, keywords = [dict(keywords)["func"]], [k for k in keywords if k[0] != "func"]
    if not args:
        return UNKNOWN
    target, rest = registries.registered(frame, args[0]), args[1:]
    values: list[Any] = []
    for atom in [_as_called(frame, given) for given in target]:
        if atom.tag in ("fn", "partial", "inst", "cls"):
            made = frame.machine.call(frame, atom, rest, keywords, ("z", e[1], ())) if _is_lazy(atom) else UNKNOWN
            # the function of a partial is told what it is given; what is started is the partial
            values.extend(made if atom.tag == "fn" else ())
        if atom.tag == "fn":
            frame.solver.want(atom.info)
        if name.startswith(threads.IN_PROCESS):
            threads.pass_on(frame, name, atom, rest, keywords)
        values.append(atom)
    event = "concurrent" if kind == "concurrent" else "schedule"
    passed = (*rest, *(v for _, v in keywords))
    frame.emit(
        event,
        e[1],
        name=name,
        value=tuple(dict.fromkeys(values)),
        args=tuple(passed),
        keywords=tuple(keywords),
        text=kind,
        expr=e,
    )
    if event != "schedule" or kind == "thread":
        return UNKNOWN
    if is_pool(name) and "statement" not in frame.flags:
        if name.endswith(".submit"):
            future = Obj(joining.FUTURE, frame.site(e[1]))
            joining.started(frame, future, target, list(passed), e, threads.POOLED)
            return (future,)
        announcing.tell(frame, target, list(passed), e, threads.POOLED)
    else:
        announcing.tell(frame, target, list(passed), e, begins=name not in threads.THREADS)
    return UNKNOWN


def _as_called(frame: Frame, atom: Any) -> Any:
    """An object that is called like a function is its ``__call__``."""
    method = frame.solver.method(atom.info, "__call__") if atom.tag == "inst" else None
    return atom if method is None else frame.solver.bound(method, atom)


def _sent(frame: Frame, name: str, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """A message to a queue, which may have no arguments of its own: ``chain(…).delay()``."""
    if args:
        return _started(frame, "schedule", name, args, keywords, e)
    frame.emit("schedule", e[1], name=name, keywords=tuple(keywords), text="schedule", expr=e)
    frame.effect(_STARTS, e[1], "background work is started here")
    return UNKNOWN


def _is_lazy(atom: Any) -> bool:
    """Calling it only makes a coroutine (so its arguments can be bound without running it here)."""
    if atom.tag == "partial":
        return bool(atom.function) and all(_is_lazy(a) for a in atom.function)
    return bool(atom.tag == "fn" and (atom.info.is_async or atom.info.is_generator))
