"""TXN605: ``create_task``, or ``gather``, whose result nobody keeps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.program.api import Program
from sessionlint.program.model import Event
from sessionlint.program.values import TASK, Value
from sessionlint.report import Finding
from sessionlint.rules.base import Bad, Good, Rule
from sessionlint.rules.task_fates import fate_of, globals_of, reads, statements

META = Rule(
    code="TXN605",
    name="task-reference-dropped",
    summary="The result of create_task, or of a gather that nobody awaits, is kept nowhere.",
    rationale="The event loop holds only a weak reference to a task. One that nobody keeps can be collected in the "
    'middle of its work: its session is never closed, its transaction never ends, and the only trace is "Task '
    'was destroyed but it is pending" at some later time. Its exception, too, is seen by nobody.',
    remedy="Keep the task until it is done: tasks.add(task); task.add_done_callback(tasks.discard), or await it, or "
    "use asyncio.TaskGroup, BackgroundTasks or a queue.",
    not_flagged="Tasks that are awaited, returned, stored, put in a collection or passed on; TaskGroup tasks; tests.",
)

_STARTERS = ("create_task", "ensure_future", "asyncio.Task")
_GATHER = "asyncio.gather"
_CALLS_BACK = frozenset({
    "call_soon", "call_soon_threadsafe", "call_later", "call_at", "add_signal_handler", "add_reader", "add_writer",
    "add_done_callback",
})  # fmt: skip

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
    Bad(
        path="app/services/kettles.py",
        source="""
import asyncio


async def boil(kettle):
    pass


async def start(kettle, ready):
    asyncio.create_task(boil(kettle)).set_name("boil")  # TXN605@5
    (asyncio.create_task(boil(kettle)),)  # TXN605@6
    if ready and asyncio.create_task(boil(kettle)):  # TXN605@18
        print("on")


async def start_each(kettles):
    for _ in map(asyncio.create_task, map(boil, kettles)):  # TXN605@14
        pass
    for started in [asyncio.create_task(boil(k)) for k in kettles]:  # TXN605@21
        print("on")
    list(map(asyncio.create_task, map(boil, kettles)))  # TXN605@10


async def start_again(kettle):
    task = asyncio.create_task(boil(kettle))  # TXN605@12
    print("on")
    task = asyncio.create_task(boil(kettle))
    await task


async def start_all(kettles):
    for kettle in kettles:
        task = asyncio.create_task(boil(kettle))  # TXN605@16
    await task
""",
    ),
    Bad(
        path="app/services/kettles.py",
        source="""
import asyncio


async def boil(kettle):
    pass


async def start_both(first, second):
    asyncio.gather(boil(first), boil(second))  # TXN605@5
    asyncio.gather(*(boil(kettle) for kettle in (first, second)), return_exceptions=True)  # TXN605@5
    both = asyncio.gather(boil(first), boil(second))  # TXN605@12
    asyncio.Task(boil(first))  # TXN605@5
""",
    ),
    Bad(
        source="""
from asyncio import *


async def start(work):
    create_task(work())  # TXN605@5
    task = create_task(work())
    await task
"""
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
    Good(
        path="app/services/kettles.py",
        source="""
import asyncio

on = []


async def boil(kettle):
    pass


async def start(kettle, ready):
    task = asyncio.create_task(boil(kettle))
    task.set_name("boil")
    on.append(task)
    if ready and (other := asyncio.create_task(boil(kettle))):
        on.append(other)


async def start_each(kettles):
    for task in map(asyncio.create_task, map(boil, kettles)):
        on.append(task)
    await asyncio.wait(list(map(asyncio.create_task, map(boil, kettles))))


async def start_again(kettle):
    task = asyncio.create_task(boil(kettle))
    await task
    task = asyncio.create_task(boil(kettle))
    await task


async def start_one_at_a_time(kettles):
    task = None
    for kettle in kettles:
        if task is not None:
            await task
        task = asyncio.create_task(boil(kettle))
    await task


async def start_first(kettles):
    for kettle in kettles:
        task = asyncio.create_task(boil(kettle))
        break
    await task


async def start_with_a_way_to_stop(kettle):
    def stop():
        task.cancel()

    task = asyncio.create_task(boil(kettle))
    on.append(stop)
    task = asyncio.create_task(boil(kettle))
    await task
""",
    ),
    Good(
        path="app/services/kettles.py",
        source="""
import asyncio

on = set()


async def boil(kettle):
    pass


async def start_both(first, second):
    await asyncio.gather(boil(first), boil(second))
    both = asyncio.gather(boil(first), boil(second))
    task = asyncio.Task(boil(first))
    on.add(asyncio.Task(boil(first)))
    await asyncio.wait_for(asyncio.gather(boil(first), boil(second)), 5)
    for kettle in (first, second):
        on.add(asyncio.create_task(boil(kettle)))
    asyncio.gather(*on)
    await task
    return await both


def start_all(kettles):
    return asyncio.gather(*(boil(kettle) for kettle in kettles))
""",
    ),
]


def check(program: Program) -> Iterator[Finding]:
    """Every started task that is dropped at once, or given a name that nothing reads."""
    for event in program.events("schedule"):
        if not _is_task(event):
            continue
        if program.role(event.function) in ("test", "migration"):
            continue
        fate = "dropped" if "dropped" in event.flags or _given_to_loop(event) else fate_of(event)
        if fate:
            what = ir.text_of(event.expr) if event.expr is not None and event.expr[0] == "c" else event.name
            yield program.finding(
                META, event,
                f"The task made by {what} is {fate}, so it can be collected before it is done. Keep it in a set "
                "until its done callback removes it, or await it.",
            )  # fmt: skip

    for event in program.events("concurrent"):
        if event.name != _GATHER or "awaited" in event.flags or program.role(event.function) in ("test", "migration"):
            continue
        if any(_makes_tasks(value) for value in event.args) and (fate := _fate_of_gathered(event)):
            yield program.finding(
                META, event,
                f"The tasks that gather() makes are {fate}, so they can be collected before they are done. Await it, "
                "or keep it until it is done.",
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


def _makes_tasks(value: Value) -> bool:
    """Whether coroutines are among what is gathered: a task is kept, or dropped, where it was started."""
    if any(a.tag == "obj" and a.name == TASK for a in value):
        return False
    return any(a.tag == "pending" or (a.tag == "seq" and any(_makes_tasks(item) for item in a.items)) for a in value)


def _fate_of_gathered(event: Event) -> str | None:
    statement = any(s[0] == "E" and s[2][1] == event.span for s in statements(event.function.body))
    return "dropped" if statement else fate_of(event)


def _only_returned(body: Any, span: ir.Span4) -> bool:
    """Whether a function does nothing with the task it makes but return it, perhaps with a callback."""
    returned = [expr for expr in _returns(body) if expr is not None]
    if any(expr[1] == span for expr in returned):
        return True
    for statement in statements(body):
        if statement[0] == "=" and len(statement[2]) == 1 and statement[2][0][0] == "n" and statement[3][1] == span:
            name = statement[2][0][2]
            kept = sum(not watched for watched in reads(body, name))
            given_back = sum(expr[0] == "n" and expr[2] == name for expr in returned)
            return 0 < given_back == kept and name not in globals_of(body)
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
