"""TXN605: ``create_task`` whose result nobody keeps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.program.api import Program
from sessionlint.program.model import Event
from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule

META = Rule(
    code="TXN605",
    name="task-reference-dropped",
    summary="The result of create_task is kept nowhere.",
    rationale="The event loop holds only a weak reference to a task. One that nobody keeps can be collected in the "
    'middle of its work: its session is never closed, its transaction never ends, and the only trace is "Task '
    'was destroyed but it is pending" at some later time. Its exception, too, is seen by nobody.',
    remedy="Keep the task until it is done: tasks.add(task); task.add_done_callback(tasks.discard), or await it, or "
    "use asyncio.TaskGroup, BackgroundTasks or a queue.",
    not_flagged="Tasks that are awaited, returned, stored, put in a collection or passed on; TaskGroup tasks; tests.",
)

_STARTERS = ("create_task", "ensure_future")
_CALLS_BACK = frozenset({
    "call_soon", "call_soon_threadsafe", "call_later", "call_at", "add_signal_handler", "add_reader", "add_writer",
    "add_done_callback",
})  # fmt: skip
_CALLBACK = "add_done_callback"
#: https://docs.python.org/3/library/weakref.html: what is only referred to so can be collected.
_REFERRING = frozenset({"weakref.ref", "weakref.proxy", "weakref.WeakSet().add"})
_WEAK = "weakly"
#: What a task only says of itself: whoever asks has not kept it. Asking whether it is done is a way to wait for it.
_ASKS = frozenset({"get_name", "set_name", "get_coro", "get_context", "get_stack", "print_stack"})

BAD = [
    Bad(
        path="app/services/scanning.py",
        source="""
import asyncio
from asyncio import create_task as start


async def scan(item_id):
    pass


def done(task):
    pass


async def drop(item_id):
    asyncio.create_task(scan(item_id))  # TXN605@5
    start(scan(item_id))  # TXN605@5
    asyncio.ensure_future(scan(item_id))  # TXN605@5
    asyncio.get_running_loop().create_task(scan(item_id))  # TXN605@5
    loop = asyncio.get_event_loop()
    loop.create_task(scan(item_id))  # TXN605@5


async def forget(item_id):
    _ = asyncio.create_task(scan(item_id))  # TXN605@9
    task = asyncio.create_task(scan(item_id))  # TXN605@12
    watched = asyncio.create_task(scan(item_id))  # TXN605@15
    watched.add_done_callback(done)
    asyncio.create_task(scan(item_id)).add_done_callback(done)  # TXN605@5


def start_scan(item_id):
    task = asyncio.create_task(scan(item_id))
    task.add_done_callback(done)
    return task


def start_at_once(item_id):
    return asyncio.ensure_future(scan(item_id))


async def forget_what_a_helper_made(item_id):
    start_scan(item_id)  # TXN605@5
    start_at_once(item_id)  # TXN605@5
""",
    ),
]

GOOD = [
    Good(
        path="app/services/scanning.py",
        source="""
import asyncio

tasks = set()
background = None


async def scan(item_id):
    pass


class Scanner:
    async def start(self):
        self.task = asyncio.create_task(scan(1))


async def keep(item_id, given):
    task = asyncio.create_task(scan(item_id))
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    tasks.add(asyncio.create_task(scan(item_id)))
    waited = asyncio.create_task(scan(item_id))
    await waited
    await asyncio.create_task(scan(item_id))
    jobs = [asyncio.create_task(scan(i)) for i in range(3)]
    await asyncio.gather(*jobs)
    async with asyncio.TaskGroup() as group:
        group.create_task(scan(item_id))
    given.create_task(scan(item_id))
    return asyncio.create_task(scan(item_id))


async def remember():
    global background
    background = asyncio.create_task(scan(1))


async def stop_later(stop: asyncio.Event):
    ticker = asyncio.create_task(scan(1))
    try:
        await stop.wait()
    finally:
        ticker.cancel()


def start(item_id):
    task = asyncio.create_task(scan(item_id))
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return task


def begin(item_id):
    return asyncio.create_task(scan(item_id))


async def rely_on_the_helper(item_id):
    start(item_id)
    await begin(item_id)
    job = begin(item_id)
    return job


def create_task(title):
    return title


def board():
    create_task("paint the wall")
""",
    ),
    Good(
        path="tests/test_scan.py",
        source="""
import asyncio


async def scan():
    pass


async def test_scan():
    asyncio.create_task(scan())
""",
    ),
    Good(
        """
import asyncio
import signal

draining = set()


async def drain(feed):
    pass


def drained(feed):
    draining.add(asyncio.create_task(drain(feed)))


def watch(loop, feed, retry):
    loop.add_signal_handler(signal.SIGHUP, lambda: draining.add(asyncio.create_task(drain(feed))))
    loop.call_later(5, drained, feed)
    retry(lambda: asyncio.create_task(drain(feed)))
""",
        path="app/services/feeds.py",
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """Every started task that is dropped at once, or given a name that nothing reads."""
    for event in program.events("schedule"):
        if not _is_task(event):
            continue
        if program.role(event.function) in ("test", "migration"):
            continue
        fate = "dropped" if "dropped" in event.flags or _given_to_loop(event) else _fate(event)
        if fate:
            what = ir.text_of(event.expr) if event.expr is not None and event.expr[0] == "c" else event.name
            yield program.finding(
                META, event,
                f"The task made by {what} is {fate}, so it can be collected before it is done. Keep it in a set "
                "until its done callback removes it, or await it.",
            )  # fmt: skip

    for event in program.events("call"):
        if event.callee is None or "statement" not in event.flags or "awaited" in event.flags:
            continue
        if program.role(event.function) in ("test", "migration"):
            continue
        made = next((e for e in event.callee.events if _is_task(e) and _only_returned(event.callee.body, e.span)), None)
        if made is not None:
            yield program.finding(
                META, event,
                f"The task that {event.callee.name}() returns is dropped, so it can be collected before it is done. "
                "Keep it in a set until its done callback removes it, or await it.",
                [program.step(made.site, "the task is made here, and only returned")],
            )  # fmt: skip


def _is_task(event: Event) -> bool:
    if event.kind != "schedule" or event.text != "task" or not event.name.endswith(_STARTERS):
        return False
    # what is not known to be a loop may be a task group, which keeps its tasks
    return event.name != ".create_task" or "loop" in ir.text_of(event.expr).rpartition(".create_task")[0].lower()


def _only_returned(body: Any, span: ir.Span4) -> bool:
    """Whether a function does nothing with the task it makes but return it, perhaps with a callback."""
    returned = [expr for expr in _returns(body) if expr is not None]
    if any(expr[1] == span for expr in returned):
        return True
    for statement in _statements(body):
        if statement[0] == "=" and len(statement[2]) == 1 and statement[2][0][0] == "n" and statement[3][1] == span:
            name = statement[2][0][2]
            kept = sum(not watched for watched in _reads(body, name))
            given_back = sum(expr[0] == "n" and expr[2] == name for expr in returned)
            return 0 < given_back == kept and name not in _globals(body)
    return False


def _returns(node: Any) -> Iterator[Any]:
    """The expressions of all ``return`` statements."""
    for child in node:
        if type(child) is tuple:
            if len(child) == 3 and child[0] == "R":
                yield child[2]
            yield from _returns(child)


def _given_to_loop(event: Event) -> bool:
    """Whether a lambda makes the task and gives it back to an event loop, which has no use for it."""
    function, around = event.function, event.function.parent
    if function.name != "<lambda>" or around is None or not _only_returned(function.body, event.span):
        return False
    return any(
        argument[0] == "lam" and argument[1] == function.span for call in _calls(around.body) for argument in call[3]
    )


def _calls(node: Any) -> Iterator[ir.Expr]:
    """The calls of methods that only event loops and futures have, and that call what they are given."""
    for child in node:
        if type(child) is tuple:
            if len(child) == 5 and child[0] == "c" and child[2][0] == "a" and child[2][3] in _CALLS_BACK:
                yield child
            yield from _calls(child)


def _fate(event: Event) -> str | None:
    """How a task that is not dropped at once is lost all the same; ``None`` when it is kept."""
    body = event.function.body
    weak = frozenset(e.span for e in event.function.events if e.kind == "external" and e.name in _REFERRING)
    for statement in _statements(body):
        if statement[0] == "E":
            if statement[2][1] in weak and any(given[1] == event.span for given in statement[2][3]):
                return "kept by a weak reference only"
            if _only_watched(statement[2], event.span):
                return "given a callback but kept nowhere"
            if _falls_through(statement[2], event.span):
                return "dropped"
        elif statement[-1] is not None and statement[-1][1] == event.span:
            target = statement[2][0] if statement[0] == "=" else statement[2]
            if statement[0] == "=" and len(statement[2]) > 1:
                return None
            if target[0] != "n" or event.function.name == "<module>" or target[2] in _globals(body):
                return None
            name = target[2]
            if name == "_":
                return "given to _"
            reads = list(_reads(body, name, weak))
            if not reads:
                return f"given to {name}, which nothing reads"
            if all(reads):
                only = "only gets a callback" if set(reads) == {_CALLBACK} else "is only asked what it is"
                only = "is only referred to weakly" if _WEAK in reads else only
                return f"given to {name}, which {only}"
            return None
    return None


def _only_watched(expr: ir.Expr, span: ir.Span4) -> bool:
    return bool(
        expr[0] == "c" and expr[2][0] == "a" and expr[2][3] == "add_done_callback" and expr[2][2][1] == span
    )  # fmt: skip


def _falls_through(expr: ir.Expr, span: ir.Span4) -> bool:
    """Whether the task is the value of a statement by way of ``and``, a conditional or a comprehension."""
    if expr[1] == span:
        return True
    if expr[0] == "o":
        return any(_falls_through(e, span) for e in expr[3])
    if expr[0] == "q":
        return any(_falls_through(e, span) for e in expr[3:])
    return expr[0] == "g" and any(_falls_through(e, span) for e in expr[3])


def _statements(node: Any) -> Iterator[Any]:
    """All statements below a node that may hold or name a task."""
    for child in node:
        if type(child) is tuple:
            if child and child[0] in ("E", "=", ":") and len(child) > 2:
                yield child
            yield from _statements(child)


def _globals(node: Any) -> set[str]:
    found: set[str] = set()
    for child in node:
        if type(child) is tuple:
            if child and child[0] == "glob" and len(child) == 3:
                found.update(child[2])
            found |= _globals(child)
    return found


def _reads(node: Any, name: str, weak: frozenset[ir.Span4] = frozenset()) -> Iterator[str]:
    """Every read of a name: by which method, where that keeps nothing of it (``name.get_name()``), else ``""``.

    Calls at the places ``weak`` only refer to what they are given.
    """
    for child in node:
        if type(child) is not tuple or not child:
            if type(child) is bytes and name.encode() in child:
                yield ""
            continue
        op = child[0]
        if op == "c" and len(child) == 5 and child[1] in weak:
            # the collection or reference keeps none of its arguments alive
            yield from (_WEAK for given in child[3] if given[0] == "n" and given[2] == name)
            yield from _reads(tuple(given for given in child[3] if given[0] != "n"), name, weak)
        elif op == "del" and len(child) == 3:
            yield from _reads(tuple(t for t in child[2] if t[0] != "n"), name, weak)
        elif op == "c" and len(child) == 5 and _is_method_of(child[2], name) and child[2][3] in _ASKS:
            yield child[2][3]
            yield from _reads(child[3:], name, weak)
        elif op == "a" and _is_method_of(child, name) and child[3] == _CALLBACK:
            yield _CALLBACK
        elif op == "n" and len(child) == 3 and child[2] == name:
            yield ""
        elif op == "=" and len(child) == 4:
            yield from _reads(tuple(t for t in child[2] if t[0] != "n"), name, weak)
            yield from _reads((child[3],), name, weak)
        elif op == ":" and len(child) == 5 and child[2][0] == "n":
            yield from _reads((child[4],), name, weak)
        else:
            yield from _reads(child, name, weak)


def _is_method_of(expr: ir.Expr, name: str) -> bool:
    """Whether an expression is an attribute of a name."""
    return bool(expr[0] == "a" and len(expr) == 4 and expr[2][0] == "n" and expr[2][2] == name)
