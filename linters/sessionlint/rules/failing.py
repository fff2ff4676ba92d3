"""What can fail in a function, and what its ``except`` clauses do about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program import network
from sessionlint.program.api import Program
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.values import Value, contained
from sessionlint.rules.gathered_errors import recorded_errors
from sessionlint.rules.kept_errors import told_later
from sessionlint.rules.leaving_finally import leaving
from sessionlint.rules.noted_in_finally import noted_outcomes
from sessionlint.rules.noted_on_exit import noted_blocks, noted_by_callbacks
from sessionlint.rules.other_libraries import calls_others, raise_their_own
from sessionlint.rules.walking import nodes_below
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
_LOGGER = regex(r"(?:^|[._])log(?:s|ger|ging)?(?:$|[._])|^(?:structlog|loguru)\b", re.I)
_LOUD = {"exception", "error", "critical", "fatal", "warning", "warn"}
_QUIET = {
    "print", "str", "repr", "type", "len", "isinstance", "format", "getattr", "join", "items", "sleep", "rollback",
    "close", "aclose", "format_exc", "print_exc", "print_exception", "exc_info", "time", "now", "utcnow", "isoformat",
}  # fmt: skip
_MAX_NESTING = 5
_LOGGERS = ("structlog.", "loguru.")
_STANDARD = "logging.getLogger()"
#: Helpers that log are followed this far.
_MAX_HELPERS = 2


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
            told = [*told_blocks(function), *recorded_errors(function, _only_tells)] if told is None else told
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
    # a statement that nothing is known of may change rows
    unknown = event.name == "execute" and not any(event.args[:1])
    return event.kind in _TRACES or (event.kind == "use" and ("write" in event.flags or unknown))


def effort(program: Program, handler: Event) -> str:
    """What an ``except`` clause does: ``"records"``, ``"logs"``, ``"whispers"`` (print, debug, info) or ``"nothing"``.

    Whatever is not logging counts as recording: a status, a retry, a callback, a flag that is read later.
    """
    if "suppress" in handler.flags:
        left = left_by(handler)
        return _effort_of(program, left) if left is not None else "nothing"
    found = clause_of(program, handler)
    if found is None or any(e.kind == "raise" for e in handled(handler)):
        return "records"
    clause, body = found
    return clause.effort(body)


def left_by(handler: Event) -> FunctionInfo | None:
    """The ``__exit__`` that keeps the errors of a block, of an object of the project."""
    if "suppress" not in handler.flags or not handler.args:
        return None
    method: FunctionInfo = handler.args[0][0].function
    return method


def _effort_of(program: Program, method: FunctionInfo) -> str:
    """What a method does about an error that it is handed, all its branches together."""
    if any(e.kind == "raise" for e in method.events):
        return "records"
    return Clause(program, method, tuple(method.events), frozenset()).effort(ir.body_of(method.facts))


def clause_of(program: Program, handler: Event) -> tuple[Clause, Any] | None:
    """An ``except`` clause and its statements, where they are in sight."""
    statements = ir.body_of(handler.function.facts)
    body = _clause(statements, handler.span)
    if body is None:
        return None
    return Clause(program, handler.function, handled(handler), _names_beyond(statements, body)), body


def names_error(handler: Event) -> bool:
    """Whether an ``except`` clause mentions the error: its name, or what formats the one at hand."""
    clause = next((c for c in _clauses(ir.body_of(handler.function.facts)) if c[0] == handler.span), None)
    if clause is None:
        return False
    wanted = {clause[2], "exc_info", "exception", "format_exc", "print_exc", "print_exception"}
    pending: list[Any] = [clause[3]]
    while pending:
        current = pending.pop()
        if type(current) is str and current in wanted:
            return True
        pending.extend(current) if type(current) is tuple else None
    return False


def _clauses(statements: Any) -> Iterator[tuple[Any, ...]]:
    """The ``except`` clauses among statements: place, type, name and body."""
    for node in tries(statements):
        yield from node[3]


def _span_of(statements: Any) -> ir.Span4:
    return (*statements[0][1][:2], *statements[-1][1][2:])


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


def cut_short(program: Program, function: FunctionInfo) -> Iterator[ir.Span4]:
    """The ``return``, ``break`` and ``continue`` in ``finally`` clauses that swallow errors which nothing records."""
    statements = ir.body_of(function.facts)
    for node in tries(statements):
        if not node[2] or not node[5]:
            continue
        left, body = leaving(statements, node)
        if left is None or not any(can_fail(e) for e in function.events if is_within(e.span, body)):
            continue
        clauses = {where for where, *_ in node[3]}
        handlers = [e for e in function.events if e.kind == "handler" and e.span in clauses and is_broad(e)]
        final = (*node[5][0][1][:2], *node[5][-1][1][2:])
        events = tuple(e for e in function.events if is_within(e.span, final))
        done = Clause(program, function, events, _names_beyond(statements, node[5])).effort(node[5])
        if done != "records" and not any(effort(program, h) == "records" for h in handlers):
            yield left[1]


def _names_beyond(node: Any, clause: Any) -> frozenset[str]:
    """The names that a function mentions outside of a clause, or shares with others (``global``)."""
    found: set[str] = set()
    pending = [node]
    while pending:
        for child in pending.pop():
            if type(child) is tuple and child and child is not clause:
                if child[0] == "n" and len(child) == 3:
                    found.add(child[2])
                elif child[0] == "glob" and len(child) == 3:
                    found.update(child[2])
                pending.append(child)
    return frozenset(found)


class Clause(NamedTuple):
    """An ``except`` clause, or a function it calls: what happens there, and the names that are read elsewhere."""

    program: Program
    function: FunctionInfo
    events: tuple[Event, ...]
    read_later: frozenset[str]
    depth: int = 0

    def effort(self, body: Any) -> str:
        """The most that the statements do."""
        found = {self._of(node) for node in nodes_below(body)}
        return next((word for word in ("records", "logs", "whispers") if word in found), "nothing")

    def _of(self, node: Any) -> str:
        op = node[0]
        if op in ("=", "+=", ":") and len(node) > 2:
            # a name that only the clause itself uses, for its log line
            targets = node[2] if op == "=" else (node[2],)
            kept = [t for t in targets if t[0] != "n" or t[2] in self.read_later]
            if op == "+=" or any(t[0] != "n" for t in kept):
                return "records" if kept else "nothing"
            return self._told_later(node, [t[2] for t in kept]) if kept else "nothing"
        if op in ("y", "yf", "!") and len(node) > 2:
            return "records"
        return self._of_call(node) if op == "c" and len(node) == 5 else "nothing"

    def _told_later(self, node: Any, names: list[str]) -> str:
        """What is done with names that the clause gives something, once it is left."""
        body = self.function.body
        # a clause that only passes has no statements
        filled = [c[3] for c in _clauses(body) if c[3]]
        clause = next((c for c in reversed(filled) if is_within(node[1], _span_of(c))), None)
        if clause is None or self.function.name == "<module>":
            return "records"
        beyond = Clause(self.program, self.function, tuple(self.function.events), frozenset(), self.depth + 1)
        found = {told_later(body, clause, name, beyond.effort) for name in names}
        return next((word for word in ("records", "logs", "whispers") if word in found), "nothing")

    def _of_call(self, node: Any) -> str:
        callee = node[2]
        name = callee[3] if callee[0] == "a" else callee[2] if callee[0] == "n" else ""
        owner = (ir.dotted(callee[2]) or "") if callee[0] == "a" else ""
        if callee[0] == "a" and callee[2][0] == "c":
            # ``getLogger(__name__).error(…)``
            owner = ir.dotted(callee[2][2]) or ""
        elif callee[0] == "n":
            name = self._logging_method(name) or name
        if _LOGGER.search(owner) or owner.endswith("logger") or self._is_logger(node, owner):
            return "logs" if name in _LOUD else "whispers"
        if name in ("print", "print_exc", "print_exception"):
            return "whispers"
        if name in _QUIET or owner.startswith("traceback"):
            return "nothing"
        return self._of_callee(node)

    def _is_logger(self, node: Any, owner: str) -> bool:
        """Whether a call goes to a logger that is not called so, by what is known of it."""
        if any(e.kind == "external" and e.span == node[1] and e.name.startswith(_LOGGERS) for e in self.events):
            return True
        callee = node[2]
        if callee[0] == "n":
            return self._logging_method(callee[2]) is not None
        kept = callee[0] == "a" and callee[2][0] == "i"
        known = self._known((ir.dotted(callee[2][2]) or "") if kept else owner)
        loggers = [a for a in contained(known, 2) if a.tag == "ext"] if kept else [a for a in known if a.tag == "ext"]
        return any(a.name.startswith((_STANDARD, *_LOGGERS)) for a in loggers)

    def _logging_method(self, name: str) -> str | None:
        """The method of a logger that a name of the module stands for: ``warn = logger.warning``."""
        known = self._known(name)
        found = known[0].name if len(known) == 1 and known[0].tag == "ext" else ""
        return found.rpartition(".")[2] if found.startswith((_STANDARD, *_LOGGERS)) and "()." in found else None

    def _known(self, name: str) -> Value:
        return self.program.solver.member(self.function.path, name) if name.isidentifier() else ()

    def _of_callee(self, node: Any) -> str:
        """A function of the project that does nothing but log does no more than its log line."""
        callees = [e.callee for e in self.events if e.kind == "call" and e.span == node[1] and e.callee is not None]
        if len(callees) != 1 or self.depth >= _MAX_HELPERS or callees[0].is_generator:
            return "records"
        callee = callees[0]
        inner = Clause(self.program, callee, tuple(callee.events), frozenset(), self.depth + 1)
        return inner.effort(callee.body) if any(_is_call(n) for n in nodes_below(callee.body)) else "records"


def _only_tells(call: Any) -> bool:
    """Whether a call logs, or works out what to say."""
    callee = call[2]
    name = callee[3] if callee[0] == "a" else callee[2] if callee[0] == "n" else ""
    owner = (ir.dotted(callee[2]) or "") if callee[0] == "a" else ""
    return name in _QUIET or bool(_LOGGER.search(owner)) or owner.endswith("logger")


def _is_call(node: Any) -> bool:
    return node[0] == "c" and len(node) == 5


def _clause(node: Any, span: ir.Span4) -> Any:
    """The body of the ``except`` clause at ``span``."""
    for child in node:
        if type(child) is not tuple or not child:
            continue
        if child[0] == "T" and len(child) == 6:
            found = next((body for where, _, _, body in child[3] if where == span), None)
            if found is not None:
                return found
        inner = _clause(child, span)
        if inner is not None:
            return inner
    return None
