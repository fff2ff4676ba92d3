"""Sessions that a bot's middleware opens around its handlers, which the dispatcher passes to them by name.

https://docs.aiogram.dev/en/latest/dispatcher/middlewares.html: what is put into ``data`` arrives as the arguments that
are called so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from sessionlint.program.handed_by_name import is_middleware
from sessionlint.program.values import Value
from sessionlint.rules.transactions import closing_commits

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import FunctionInfo

_SAVES = frozenset({"commit", "begin"})


class Handed(NamedTuple):
    """What one middleware puts into the data under a name; ``held``: what the object there calls its session."""

    middleware: FunctionInfo
    sessions: Value
    held: Any = None


def commits_after_handler(program: Program, function: FunctionInfo, session: Any) -> bool | None:
    """Whether what gives a handler its session commits it then; ``None`` when that is not in sight."""
    if session.tag != "param" or function not in program.message_handlers:
        return None
    given = _given(program, function, session)
    answers = [closing_commits(program, g.middleware, a) for g in given for a in g.sessions]
    begun = any(getattr(a, "begun", False) for g in given for a in g.sessions)
    return False if answers and not begun and all(answer is False for answer in answers) else None


def openers(program: Program, function: FunctionInfo, session: Any) -> list[FunctionInfo]:
    """The middleware that opens such a session."""
    return [g.middleware for g in _given(program, function, session)]


def _given(program: Program, function: FunctionInfo, session: Any) -> list[Handed]:
    """What middlewares put under the handler's own name for a session, or made the object with that is put there."""
    handed = program.shared(_handed) or {}
    if session.info is function:
        return [g for g in handed.get(session.name, ()) if g.held is None]
    return [g for name, *_ in function.params for g in handed.get(name, ()) if g.held == session]


def _handed(program: Program) -> dict[str, list[Handed]] | None:
    """The sessions by the name that they are passed under; ``None`` where some middleware begins or commits."""
    found: dict[str, list[Handed]] = {}
    for info in program.classes:
        if not is_middleware(program.solver, info):
            continue
        for method in info.methods.values():
            events = method.events
            if any(e.name in _SAVES and (e.kind in ("txn", "unknown") or e.text == "txn") for e in events):
                return None
            for event in events:
                if event.kind == "setitem" and any(a.tag == "param" and a.info is method for a in event.subject):
                    found.setdefault(event.name, []).extend(_put(program, method, event.value))
    return found


def _put(program: Program, middleware: FunctionInfo, value: Value) -> Iterator[Handed]:
    if sessions := program.sessions(value):
        yield Handed(middleware, sessions)
    for made in value:
        for key, given in made.bindings if made.tag == "inst" else ():
            if key.tag == "param" and (sessions := program.sessions(given)):
                yield Handed(middleware, sessions, key)
