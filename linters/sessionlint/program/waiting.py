"""Who waits for what: tasks that are awaited, loops that run something to its end, and calls that ask nobody."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import awaited_services, connecting, holding, network, streams, strings
from sessionlint.program.frame import Frame
from sessionlint.program.model import Effect
from sessionlint.program.values import TASK, UNKNOWN, Pending, Seq, Value, join, literal

#: Methods of event loops that run a coroutine to its end, or wait for a task.
RUNS_TO_END = (".run_until_complete", "asyncio.Runner().run")

_REMOTE = (
    "http://", "https://", "ftp://", "sftp://", "s3://", "s3a://", "gs://", "gcs://", "abfs://", "abfss://", "az://",
    "hf://", "hdfs://", "webhdfs://", "github://",
)  # fmt: skip


def note_awaited(frame: Frame, value: Value, e: ir.Expr) -> None:
    """The tasks in a value are waited for: those that callers pass, too."""
    tasks = tuple([a for a in value if a.tag == "obj" and a.name == TASK])
    for param in [a for a in value if a.tag == "param"]:
        tasks = join(tasks, frame.solver.ask("passed_tasks", param))
    if tasks:
        frame.emit("await", e[1], subject=tasks, expr=e)


def keep(frame: Frame, target: ir.Expr, added: tuple[Value, ...]) -> None:
    """``self.tasks.append(create_task(work()))``: what the attribute holds as long as the function runs."""
    name = ir.dotted(target)
    started = tuple([v for v in added if any(a.tag == "obj" and a.name == TASK for a in v)])
    if name is not None and started:
        frame.keeps_tasks = True
        frame.env[name] = join(frame.env.get(name, UNKNOWN), (Seq(started, True),))


def kept(frame: Frame, e: ir.Expr, value: Value) -> Value:
    """An attribute with the tasks that this function has put there."""
    name = ir.dotted(e)
    return join(value, frame.env.get(name, UNKNOWN)) if name is not None else value


def run_to_end(frame: Frame, value: Value, e: ir.Expr) -> Value:
    """``loop.run_until_complete(work)``: an ``await`` in code that is not asynchronous."""
    note_awaited(frame, value, e)
    out: Value = UNKNOWN
    for atom in value:
        if isinstance(atom, Pending) and atom.kind == "coro":
            out = join(out, frame.machine.run_pending(frame, atom, e[1], e))
        else:
            out = join(out, atom.result if atom.tag == "operation" else (atom,))
    return out


def asks_nobody(name: str, args: list[Value], keywords: list[tuple[str, Value]]) -> bool:
    """``sleep(0)``, which lets the other tasks go on and waits for nothing; a reader that is given no URL."""
    if connecting.is_only_made(name, args, keywords):
        return True
    if name not in network.SLEEPS and name not in network.READERS:
        return False
    given = args[0] if args else keywords[0][1] if keywords else UNKNOWN
    if name in network.READERS:
        text = strings.text_of(given)
        return text is None or not text.text.startswith(_REMOTE)
    slept = literal(given)
    return slept is not None and slept == 0


def for_service(frame: Frame, atom: Any, e: ir.Expr) -> None:
    """A library's coroutine is awaited that asks a service; those that are known by name have told it themselves."""
    name = atom.name.removesuffix("()")
    if name != atom.name and not network.is_network(name) and awaited_services.asks(frame, name):
        wait(frame, name, e)


def wait(frame: Frame, name: str, e: ir.Expr) -> None:
    """The call waits on the network or sleeps."""
    frame.emit("network", e[1], name=name, args=holding.held(frame), expr=e)
    note = f"{name.replace('()', '')}() waits here"
    frame.effect(Effect("network", name, None), e[1], note)
    holding.waits_after(frame, name, e[1], note)


def goes_through(frame: Frame, value: Value, e: ir.Expr) -> None:
    """What arrives piece by piece is waited for by who goes through it."""
    for atom in value:
        if atom.tag == "ext" and streams.waits(atom.name):
            wait(frame, atom.name.removesuffix("()"), e)
