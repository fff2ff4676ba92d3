"""What can fail in a function, and what its ``except`` clauses do about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.program import knowledge
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.rules.watching import is_within, watched

_BROAD = {
    "builtins.Exception", "builtins.BaseException", "sqlalchemy.exc.SQLAlchemyError", "sqlalchemy.exc.DBAPIError",
}  # fmt: skip
#: Errors of a single step, not of the connection or the database.
_STEP_ERRORS = re.compile(
    r"builtins\.(?:Value|Key|Index|Type|Attribute|Assertion|Unicode\w*|ZeroDivision|Lookup|NotImplemented|StopIteration"
    r"|StopAsyncIteration|FileNotFound|FileExists|Recursion|Import|ModuleNotFound)(?:Error)?\Z|.*(?:Validation|Decode|Cancelled)Error\Z"
)
#: An escape is a session in the hands of a library, which works with it.
_FAILS = {"use", "network", "txn", "escape"}
_LOGGER = re.compile(r"(?:^|[._])log(?:s|ger|ging)?(?:$|[._])|^(?:structlog|loguru)\b", re.I)
_LOUD = {"exception", "error", "critical", "fatal", "warning", "warn"}
_QUIET = {
    "print", "str", "repr", "type", "len", "isinstance", "format", "getattr", "join", "items", "sleep", "rollback",
    "close", "aclose", "format_exc", "print_exc", "print_exception", "exc_info", "time", "now", "utcnow", "isoformat",
}  # fmt: skip
_MAX_NESTING = 5


def is_broad(handler: Event) -> bool:
    """Whether an ``except`` clause catches what nobody foresaw."""
    return "bare" in handler.flags or any(a.tag == "ext" and a.name in _BROAD for a in _types(handler))


def guards(handler: Event) -> bool:
    """Whether an ``except`` clause may catch that a database or network failed."""
    if is_broad(handler):
        return True
    return any(a.tag in ("cls", "ext") and not _STEP_ERRORS.match(getattr(a, "name", "")) for a in _types(handler))


def _types(handler: Event) -> Iterator[Any]:
    for atom in handler.value:
        if atom.tag == "seq":
            for item in atom.items:
                yield from item
        else:
            yield atom


def body_of(handler: Event) -> tuple[Event, ...]:
    """What happens in the ``try`` that the clause belongs to."""
    events: tuple[Event, ...] = handler.expr[1] if handler.expr is not None else ()
    return events


def handled(handler: Event) -> tuple[Event, ...]:
    """What happens in the clause."""
    events: tuple[Event, ...] = handler.expr[2] if handler.expr is not None else ()
    return events


def first_failure(function: FunctionInfo, nesting: int = 0) -> Event | None:
    """The first thing in a function that can fail without an ``except`` around it that may catch it, calls followed.

    What an ``except`` clause itself does to record the failure is not counted.
    """
    guarded = {e.span for h in function.events if h.kind == "handler" and guards(h) for e in body_of(h)}
    open_to_failure = (e for e in function.events if e.span not in guarded and "handler" not in e.flags)
    failing = (e for e in open_to_failure if can_fail(e, nesting))
    first = next(failing, None)
    told = watched(function) if first is not None else []
    while first is not None and any(is_within(first.span, block) for block in told):
        first = next(failing, None)
    return first


def can_fail(event: Event, nesting: int = 0) -> bool:
    """Whether an event waits on a database or network, or calls a function of the project that does, unguarded."""
    if event.kind in _FAILS:
        return event.name not in ("close", "rollback") and event.name not in knowledge.SLEEPS
    if event.kind == "create":
        # ``factory.begin()`` commits at the end of its block
        return any(getattr(a, "begun", False) for a in event.subject)
    if event.kind != "call" or event.callee is None or nesting >= _MAX_NESTING:
        return False
    return event.callee is not event.function and first_failure(event.callee, nesting + 1) is not None


def effort(handler: Event) -> str:
    """What an ``except`` clause does: ``"records"``, ``"logs"``, ``"whispers"`` (print, debug, info) or ``"nothing"``.

    Whatever is not logging counts as recording: a status, a retry, a callback, a flag that is read later.
    """
    if "suppress" in handler.flags:
        return "nothing"
    body = _clause(ir.body_of(handler.function.facts), handler.span)
    if body is None or any(e.kind == "raise" for e in handled(handler)):
        return "records"
    found = {_effort_of(node) for node in _nodes(body)}
    return next((word for word in ("records", "logs", "whispers") if word in found), "nothing")


def _clause(node: Any, span: ir.Span4) -> Any:
    """The body of the ``except`` clause at ``span``."""
    for child in node:
        if type(child) is not tuple or not child:
            continue
        if child[0] == "T":
            found = next((body for where, _, _, body in child[3] if where == span), None)
            if found is not None:
                return found
        inner = _clause(child, span)
        if inner is not None:
            return inner
    return None


def _nodes(node: Any) -> Iterator[Any]:
    for child in node:
        if type(child) is tuple and child:
            if type(child[0]) is str:
                yield child
            yield from _nodes(child)


def _effort_of(node: Any) -> str:
    op = node[0]
    if op in ("=", "+=", ":", "y", "yf", "!") and len(node) > 2:
        return "records"
    if op != "c" or len(node) < 5:
        return "nothing"
    callee = node[2]
    name = callee[3] if callee[0] == "a" else callee[2] if callee[0] == "n" else ""
    owner = (ir.dotted(callee[2]) or "") if callee[0] == "a" else ""
    if _LOGGER.search(owner) or owner.endswith("logger"):
        return "logs" if name in _LOUD else "whispers"
    if name in ("print", "print_exc", "print_exception"):
        return "whispers"
    return "nothing" if name in _QUIET or owner.startswith("traceback") else "records"
