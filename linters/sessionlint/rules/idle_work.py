"""Background work that neither reads rows nor tells anybody: it restarts a timer, or runs an event loop in a thread.

What it does must be known to the last call, and nothing may be handed to it: then no transaction creates its rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.program import network
from sessionlint.program.values import Fn, Pending, Site, Value, contained
from sessionlint.rules.background_work import done_by
from sessionlint.rules.made_threads import made_threads

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo

#: Events that stay inside the process, and those of which the name has to say so.
_INSIDE = frozenset({
    "call", "construct", "return", "leave", "raise", "yield", "handler", "setattr", "setitem", "identifier", "import",
    "await", "outcome", "value", "concurrent", "external", "network", "schedule", "started", "bind", "keep",
})  # fmt: skip
_LIBRARIES = (
    "builtins.", "asyncio.", "threading.", "time.", "datetime.", "logging.", "structlog.", "loguru.", "contextlib.",
    "functools.", "collections.", "math.", "random.", "typing.",
)  # fmt: skip
#: Library functions among these that reach out of the process all the same.
_OUTSIDE = ("open", "connection", "server", "subprocess", "exec", "eval", "input", "__import__")
#: Methods of tasks, timers, loops, events and loggers, on whatever they are called.
_METHODS = frozenset({
    "cancel", "cancelled", "done", "is_set", "set", "clear", "run_forever", "is_running", "is_closed", "is_alive",
    "locked", "debug", "info", "warning", "error", "exception", "critical", "total_seconds", "append", "discard",
    "add_done_callback",
})  # fmt: skip
_RUNS_LOOP = ".run_forever"
#: Starts that are no message to another process, besides tasks and background tasks.
_HERE = ("threading.", "asyncio.", "uvloop.", "fastapi.", "starlette.")


def is_idle(program: Program, event: Event, waited_for: frozenset[Site]) -> bool:
    """Whether all the work that a start or call leaves behind is of that kind."""
    if event.kind == "schedule":
        return _is_idle_start(program, event)
    if event.kind == "started":
        made = made_threads(program, event)
        return bool(made) and all(e is not None and _is_idle_start(program, e) for e in made)
    return event.callee is not None and _starts_idle(program, event.callee, waited_for)


def _starts_idle(program: Program, function: FunctionInfo, waited_for: frozenset[Site]) -> bool:
    """The same of all that a function starts, in it or below."""
    known = program.shared(_known)
    if function not in known:
        known[function] = True  # one that calls itself asks again
        known[function] = all(is_idle(program, e, waited_for) for e in _starts(function, waited_for))
    return known[function]


def _known(program: Program) -> dict[FunctionInfo, bool]:
    """What :func:`_starts_idle` has found out."""
    return {}


def _starts(function: FunctionInfo, waited_for: frozenset[Site]) -> Iterator[Event]:
    for event in function.events:
        own = event.kind == "schedule" and event.text != "thread" and event.site not in waited_for
        if own or event.kind == "started" or (event.kind == "effect" and event.text == "schedule"):
            yield event


def _is_idle_start(program: Program, event: Event) -> bool:
    """Whether a start in this process, not one by a message to another, leaves nothing but such work behind."""
    here = event.text == "task" or event.name.startswith(_HERE) or event.name.endswith(".add_task")
    return here and bool(event.value) and all(_is_idle_atom(program, atom, event) for atom in event.value)


def _is_idle_atom(program: Program, atom: Any, event: Event) -> bool:
    if atom.tag == "ext":
        return bool(atom.name.startswith("asyncio.") and atom.name.endswith(_RUNS_LOOP))
    if atom.tag == "method":
        # ``cache.clear``
        return atom.receiver.tag in ("map", "seq") and not event.args and not event.keywords
    if isinstance(atom, Pending):
        given = [v for key, v in atom.bindings if key.tag != "handle" and not _is_receiver(atom, key)]
    elif isinstance(atom, Fn):
        given = [*event.args, *(v for _, v in event.keywords)]
    else:
        return False
    return all(_says_nothing(value) for value in given) and _does_nothing(program, atom.info)


def _is_receiver(pending: Pending, key: Any) -> bool:
    work = pending.info
    is_method = work.class_info is not None and not work.is_staticmethod
    return is_method and bool(work.params) and getattr(key, "name", None) == work.params[0][0]


def _says_nothing(value: Value) -> bool:
    """Whether a value is an event loop, or another part of asyncio: nothing that a row could be found by."""
    return bool(value) and all(a.tag == "ext" and a.name.startswith("asyncio.") for a in value)


def _does_nothing(program: Program, work: FunctionInfo) -> bool:
    known = program.shared(_inside)
    if work not in known:
        known[work] = True  # a timer that starts itself again
        known[work] = all(_stays_inside(program, f) for f in done_by(program, work))
    return known[work]


def _inside(program: Program) -> dict[FunctionInfo, bool]:
    """What :func:`_does_nothing` has found out."""
    return {}


def _stays_inside(program: Program, function: FunctionInfo) -> bool:
    """Whether all events of a function stay in the process, and each of its calls is known to be one of them."""
    seen: set[ir.Span4] = set()
    for event in function.events:
        if not _is_inside(program, event):
            return False
        if event.kind != "handler":
            seen.add(event.span)
        values = (event.value, event.subject, *event.args)
        made = [a for v in values for a in contained(v, 1) if isinstance(a, Pending)]
        seen.update(a.site[1] for a in made if a.site[0] == function.path)
        if event.kind != "call" and not all(_does_nothing(program, a.info) for a in made):
            return False
    return all(c[1] in seen or (c[2][0] == "a" and c[2][3] in _METHODS) for c in _calls(ir.body_of(function.facts)))


def _is_inside(program: Program, event: Event) -> bool:
    if event.kind not in _INSIDE:
        return False
    if event.kind == "network":
        return event.name in network.SLEEPS
    if event.kind == "external":
        return event.name.startswith(_LIBRARIES) and not any(word in event.name for word in _OUTSIDE)
    if event.kind == "schedule":
        return _is_idle_start(program, event)
    if event.kind == "started":
        return is_idle(program, event, frozenset())
    if event.kind == "setattr":
        return not any(a.tag == "row" or program.kind(a) for a in event.subject)
    return True


def _calls(node: Any) -> Iterator[ir.Expr]:
    for child in node:
        if type(child) is tuple and child:
            if len(child) == 5 and child[0] == "c":
                yield child
            yield from _calls(child)
