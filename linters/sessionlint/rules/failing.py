"""What can fail in a function, and which of its ``except`` clauses catch that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program import network
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.rules.gathered_errors import recorded_errors
from sessionlint.rules.noted_in_finally import noted_outcomes
from sessionlint.rules.noted_on_exit import noted_blocks, noted_by_callbacks
from sessionlint.rules.other_libraries import calls_others, raise_their_own
from sessionlint.rules.said_only import only_tells
from sessionlint.rules.watching import is_within, watched

_BROAD = {
    "builtins.Exception", "builtins.BaseException", "sqlalchemy.exc.SQLAlchemyError", "sqlalchemy.exc.DBAPIError",
}  # fmt: skip
#: Errors of a single step, not of the connection or the database.
_STEP_ERRORS = regex(
    r"builtins\.(?:Value|Key|Index|Type|Attribute|Assertion|Unicode\w*|ZeroDivision|Lookup|NotImplemented|StopIteration"
    r"|StopAsyncIteration|FileNotFound|FileExists|Recursion|Import|ModuleNotFound)(?:Error)?\Z|.*(?:Validation|Decode|Cancelled)Error\Z"
)
#: The errors that stand for whatever a library raises when a request or a statement fails.
_BASES = {
    "httpx": {"HTTPError", "RequestError", "TransportError", "NetworkError"},
    "requests": {"RequestException", "ConnectionError"},
    "aiohttp": {"ClientError", "ClientConnectionError"},
    "sqlalchemy": {"SQLAlchemyError", "DBAPIError", "StatementError", "DatabaseError", "OperationalError"},
}
_SINGLE = {"builtins": {"TimeoutError"}, "asyncio": {"TimeoutError"}}
#: An escape is a session in the hands of a library, which works with it.
_FAILS = {"use", "network", "txn", "escape"}
#: What others may learn of an outcome by: rows that change, requests, work that is handed on.
_TRACES = frozenset({"network", "escape", "change", "schedule"})
_MAX_NESTING = 5


def is_broad(handler: Event) -> bool:
    """Whether an ``except`` clause catches what nobody foresaw."""
    return "bare" in handler.flags or any(a.tag == "ext" and a.name in _BROAD for a in types_of(handler))


def guards(handler: Event) -> bool:
    """Whether an ``except`` clause may catch that a database or network failed."""
    if is_broad(handler):
        return True
    return any(a.tag in ("cls", "ext") and not _STEP_ERRORS.match(getattr(a, "name", "")) for a in types_of(handler))


def is_narrow(handler: Event) -> bool:
    """Whether an ``except`` clause catches single errors only, of libraries known to raise others."""
    named = list(types_of(handler))
    return "bare" not in handler.flags and bool(named) and all(a.tag == "ext" and _is_single(a.name) for a in named)


def _is_single(name: str) -> bool:
    library, _, rest = name.partition(".")
    error = rest.rpartition(".")[2]
    return error in _SINGLE.get(library, ()) or (library in _BASES and error not in _BASES[library])


def misses(handler: Event) -> bool:
    """Whether an ``except`` clause names the errors of libraries, and its ``try`` works with others alone."""
    named = [getattr(a, "name", "") for a in types_of(handler)]
    named = [name for name in named if not _STEP_ERRORS.match(name)]
    if "bare" in handler.flags or not raise_their_own(named):
        return False
    tried = next((t for t in tries(handler.function.body) if any(c[0] == handler.span for c in t[3])), None)
    return tried is not None and calls_others(named, body_of(handler), tried[2])


def types_of(handler: Event) -> Iterator[Any]:
    """The exception classes that an ``except`` clause names."""
    pending = list(handler.value)
    while pending:
        atom = pending.pop(0)
        if atom.tag == "seq":
            pending[:0] = [inner for item in atom.items for inner in item]
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
    return next(failures(function, nesting), None)


def failure_before(function: FunctionInfo, handlers: list[Event]) -> Event | None:
    """The first such thing before the ``try`` of the first of these clauses; what records an outcome not counted."""
    recorders = {e.callee for handler in handlers for e in handled(handler) if e.kind == "call"}
    first = min(handler.span[:2] for handler in handlers)
    found = (e for e in failures(function) if e.kind != "call" or e.callee not in recorders)
    return next((e for e in found if e.span[:2] < first), None)


def failures(function: FunctionInfo, nesting: int = 0) -> Iterator[Event]:
    """Everything in a function that can fail so."""
    # a clause of the function itself tells what its author thinks of; one below, only what does not come from there
    clauses = (h for h in function.events if h.kind == "handler" and guards(h))
    guarding = (h for h in clauses if not (nesting and is_narrow(h)) and not misses(h))
    guarded = {e.span for h in guarding for e in body_of(h)}
    open_to_failure = (e for e in function.events if e.span not in guarded and "handler" not in e.flags)
    told: list[ir.Span4] | None = None
    for event in open_to_failure:
        if can_fail(event, nesting):
            told = [*told_blocks(function), *recorded_errors(function, only_tells)] if told is None else told
            if not any(is_within(event.span, block) for block in told):
                yield event


def told_blocks(function: FunctionInfo) -> list[ir.Span4]:
    """The blocks of a function whose errors are logged or recorded on their way out, by whatever stands around them."""
    return [
        *watched(function),
        *noted_blocks(function, _notes_errors, may_record),
        *noted_by_callbacks(function, may_record),
        *noted_outcomes(function, may_record),
    ]


def _notes_errors(manager: FunctionInfo) -> bool:
    """Whether a generator that is a context manager records, in an ``except`` clause, what leaves its block."""
    clauses = (h for h in manager.events if h.kind == "handler" and is_broad(h))
    return any(any(e.kind == "yield" for e in body_of(h)) and any(may_record(e) for e in handled(h)) for h in clauses)


def can_fail(event: Event, nesting: int = 0) -> bool:
    """Whether an event waits on a database or network, or calls a function of the project that does, unguarded."""
    if event.kind in _FAILS:
        return event.name not in ("close", "rollback") and event.name not in network.SLEEPS
    if event.kind == "create":
        # ``factory.begin()`` commits at the end of its block
        return any(getattr(a, "begun", False) for a in event.subject)
    if event.kind != "call" or event.callee is None or nesting >= _MAX_NESTING:
        return False
    if event.callee is event.function or first_failure(event.callee, nesting + 1) is None:
        return False
    return not any(_catches(wrapper, event) for wrapper in event.callee.wrappers)


def _catches(wrapper: FunctionInfo, call: Event) -> bool:
    """Whether a decorator stands around what a call runs with a clause that sees its errors first."""
    if call.function is wrapper:
        return False
    guarding = (h for h in wrapper.events if h.kind == "handler" and guards(h) and not is_narrow(h))
    return any(e.callee is not None and wrapper in e.callee.wrappers for h in guarding for e in body_of(h))


def may_record(event: Event) -> bool:
    """Whether an event leaves a trace that may tell of an outcome: to open or to read leaves none.

    A function of the project leaves it also where it keeps its own errors: the work goes on there.
    """
    return (event.kind == "call" or event.kind in _TRACES or can_fail(event)) and _leaves_trace(event, 0)


def _leaves_trace(event: Event, nesting: int) -> bool:
    if event.kind == "call" and event.callee is not None:
        return nesting >= _MAX_NESTING or any(_leaves_trace(e, nesting + 1) for e in event.callee.events)
    if event.name in network.SLEEPS:
        return False
    # a statement that nothing is known of may change rows
    unknown = event.name == "execute" and not any(event.args[:1])
    return event.kind in _TRACES or (event.kind == "use" and ("write" in event.flags or unknown))


def tries(statements: Any) -> Iterator[Any]:
    """The ``try`` statements among these and in their blocks, those of inner functions left out."""
    for statement in statements:
        op = statement[0]
        if op == "T":
            yield statement
            blocks = [statement[2], *(clause[3] for clause in statement[3]), statement[4], statement[5]]
        elif op in ("I", "W"):
            blocks = [statement[3], statement[4]]
        elif op == "L":
            blocks = [statement[4], statement[5]]
        elif op == "w/":
            blocks = [statement[3]]
        elif op == "M":
            blocks = [case[4] for case in statement[3]]
        else:
            continue
        for block in blocks:
            yield from tries(block)
