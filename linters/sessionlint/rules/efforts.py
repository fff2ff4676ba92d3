"""What is done about an error: how much an ``except`` clause, or the exit of a block, makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from sessionlint.facts import ir
from sessionlint.program.api import Program
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.values import Value, contained
from sessionlint.rules.failing import can_fail, handled, is_broad, tries
from sessionlint.rules.kept_errors import told_later
from sessionlint.rules.leaving_finally import leaving
from sessionlint.rules.said_only import LOGGER, QUIET
from sessionlint.rules.walking import nodes_below
from sessionlint.rules.watching import is_within

_LOUD = {"exception", "error", "critical", "fatal", "warning", "warn"}
_LOGGERS = ("structlog.", "loguru.")
_STANDARD = "logging.getLogger()"
#: Helpers that log are followed this far.
_MAX_HELPERS = 2


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
        if LOGGER.search(owner) or owner.endswith("logger") or self._is_logger(node, owner):
            return "logs" if name in _LOUD else "whispers"
        if name in ("print", "print_exc", "print_exception"):
            return "whispers"
        if name in QUIET or owner.startswith("traceback"):
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
