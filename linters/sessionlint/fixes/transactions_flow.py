"""What the statements of one function do with one session: where it is used, written through, committed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import libcst as cst

from sessionlint.facts.ir import Span4
from sessionlint.fixes.model import refuse
from sessionlint.fixes.source import Function, Statement
from sessionlint.program.library_objects import BY_LIBRARY
from sessionlint.rules.transactions import owner_of

if TYPE_CHECKING:
    from sessionlint.fixes.context import Context
    from sessionlint.program.model import Event, FunctionInfo

#: Calls that change no row and no object, whatever they are given.
_HARMLESS = frozenset((
    "len", "str", "int", "float", "bool", "print", "isinstance", "repr", "list", "dict", "set", "tuple", "sorted",
    "sum", "min", "max", "range", "enumerate", "zip", "any", "all", "debug", "info", "warning", "error", "exception",
    "critical", "isoformat", "utcnow", "now", "time", "monotonic", "perf_counter",
))  # fmt: skip
#: Events that say that a transaction is committed: by hand, or where a block begins.
ENDS = ("commit", "begin")
_MUTATORS = frozenset(("append", "remove", "extend", "insert", "add", "clear", "update"))


@dataclass(frozen=True, slots=True)
class Session:
    """One session of one function: the value it is for the program, and how the function writes it."""

    atom: Any
    code: str
    is_async: bool

    @property
    def begin(self) -> str:
        """The head of a block that owns the transaction."""
        return f"{'async ' if self.is_async else ''}with {self.code}.begin():"

    @property
    def savepoint(self) -> str:
        """The head of a block that may fail on its own."""
        return f"{'async ' if self.is_async else ''}with {self.code}.begin_nested():"

    @property
    def flush(self) -> str:
        """The statement that sends what is pending."""
        return f"{'await ' if self.is_async else ''}{self.code}.flush()"


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """A place that ends the transaction: a ``commit`` of the function (``direct``), or a call that commits below."""

    statement: cst.SimpleStatementLine
    event: Event
    direct: bool


class Flow:
    """One function and one of its sessions. ``wanted``: the functions below whose commits are to go."""

    def __init__(
        self, context: Context, function: FunctionInfo, session: Session, wanted: frozenset[FunctionInfo] = frozenset()
    ) -> None:
        self.context = context
        self.function = function
        self.session = session
        self.wanted = wanted
        self.path = function.path
        self.source = context.source(function.path)
        self.node: Function = context.node_of(function)

    @cached_property
    def events(self) -> list[Event]:
        """What the function does with the session, in order."""
        return [event for event in self.function.events if concerns(event, self.session.atom)]

    # ends of the transaction

    @cached_property
    def commits(self) -> list[Point]:
        """The commits that are to go, and the calls that reach one; those inside a transaction block left out."""
        return [*self._direct("commit"), *self._calls]

    @cached_property
    def rollbacks(self) -> list[Point]:
        """The rollbacks of the function itself."""
        return self._direct("rollback", inside=True)

    @cached_property
    def inner_commits(self) -> list[Point]:
        """The commits inside a transaction block of the same session, which end it too early."""
        outside = {point.statement for point in self._direct("commit")}
        return [point for point in self._direct("commit", inside=True) if point.statement not in outside]

    def _direct(self, name: str, *, inside: bool = False) -> list[Point]:
        found: dict[Span4, Point] = {}
        for event in self.events:
            if event.kind != "txn" or event.name != name or (not inside and owner_of(event, event.subject)):
                continue
            if BY_LIBRARY in event.flags:
                refuse("a method of a library commits there besides what else it does", self.path, event.span[0])
            if event.text not in ("session", "transaction") or self._is_savepoint(event):
                refuse(f"it is ended by the {event.text}, not by the session", self.path, event.span[0])
            call = self.source.node_at(event.span, cst.Call)
            statement = self.source.statement(call)
            if not isinstance(statement, cst.SimpleStatementLine) or not is_alone(statement, call):
                refuse(f"the {name} is part of a larger statement", self.path, event.span[0])
            found[event.span] = Point(statement, event, True)
        return list(found.values())

    def _is_savepoint(self, event: Event) -> bool:
        return any(getattr(atom, "savepoint", False) for atom in event.subject)

    @cached_property
    def _calls(self) -> list[Point]:
        found: dict[Span4, Point] = {}
        for event in self.events:
            if not is_committing_call(event) or owner_of(event, event.subject) or event.callee is None:
                continue
            if event.effect is None:
                continue
            if self.wanted.isdisjoint(f for f, _ in committing(event.callee, event.effect.subject)):
                continue
            statement = self.source.statement(self.source.node_at(event.span, cst.Call))
            if not isinstance(statement, cst.SimpleStatementLine):
                refuse("a call that commits stands in the head of a block", self.path, event.span[0])
            found[event.span] = Point(statement, event, False)
        return list(found.values())

    @cached_property
    def other_calls(self) -> list[Event]:
        """Calls that commit below and are not to change."""
        mine = {point.event.span for point in self._calls}
        return [event for event in self.events if is_committing_call(event) and event.span not in mine]

    @cached_property
    def blocks(self) -> list[tuple[cst.With, cst.WithItem, Event]]:
        """The ``with`` statements that begin a transaction of the session, each with its item."""
        found = []
        for event in self.events:
            if event.kind == "txn" and event.name == "begin" and "context" in event.flags:
                call = self.source.node_at(event.span, cst.Call)
                item = self.source.parents[call]
                outer = self.source.parents.get(item)
                if isinstance(item, cst.WithItem) and isinstance(outer, cst.With) and item.item is call:
                    found.append((outer, item, event))
        return found

    @cached_property
    def begins(self) -> dict[cst.CSTNode, str]:
        """The statements that begin a transaction without a block, with the name they give it."""
        found: dict[cst.CSTNode, str] = {}
        for event in self.events:
            if event.kind == "txn" and event.name == "begin" and not event.flags & {"context", "returned"}:
                call = self.source.node_at(event.span, cst.Call)
                statement = self.source.statement(call)
                name = bound_name(statement, call)
                if name is None:
                    refuse("the begin is part of a larger statement", self.path, event.span[0])
                found[statement] = name
        return found

    def points_in(self, node: cst.CSTNode, points: Sequence[Point] | None = None) -> list[Point]:
        """The commits (or other ``points``) at or below a node, in order."""
        found = [p for p in (self.commits if points is None else points) if self.holds(node, p.event.span)]
        return sorted(found, key=lambda point: point.event.span)

    # statements

    def holds(self, node: cst.CSTNode, span: Span4) -> bool:
        """Whether a span lies inside a node."""
        outer = self.source.span(node)
        return outer[:2] <= span[:2] and span[2:] <= outer[2:]

    def mentions(self, node: cst.CSTNode) -> bool:
        """Whether a node names the session, or something that holds it is used there."""
        name = self.session.code.partition(".")[0]
        for inner in self.source.walk(node):
            if isinstance(inner, cst.Name) and inner.value == name and name not in ("self", "cls"):
                return True
        return any(self.holds(node, event.span) for event in self.events)

    def uses(self, statement: cst.CSTNode) -> bool:
        """Whether a statement may do something with the session, not only hand it to an object that keeps it."""
        return self.mentions(statement) and not self.only_hands_over(statement)

    def owns_a_block(self, statement: cst.CSTNode) -> bool:
        """``async with session.begin():``, which leaves nothing open."""
        return any(block is statement for block, _, _ in self.blocks)

    def opened_by(self, statement: cst.CSTNode) -> bool:
        """A ``with`` that opens the session itself, or an ``async for`` over a generator that hands it out."""
        if isinstance(statement, cst.For):
            return self.source.code(statement.target) == self.session.code
        if not isinstance(statement, cst.With) or not isinstance(statement.body, cst.IndentedBlock):
            return False
        names = [item.asname.name if item.asname is not None else item.item for item in statement.items]
        return any(self.source.code(name) == self.session.code for name in names)

    def is_harmless(self, statement: cst.CSTNode, *, expires: bool) -> bool:
        """Whether a statement surely neither reads nor changes rows or mapped objects (``expires``: loads count)."""
        if not isinstance(statement, cst.SimpleStatementLine) or self.mentions(statement):
            return False
        for node in self.source.walk(statement):
            if isinstance(node, cst.Await | cst.AugAssign | cst.Del | cst.Yield):
                return False
            if isinstance(node, cst.AssignTarget) and not isinstance(node.target, cst.Name | cst.Tuple):
                return False
            if isinstance(node, cst.Call) and last_name(node.func) not in _HARMLESS:
                return False
            if expires and isinstance(node, cst.Attribute) and not isinstance(self.source.parents[node], cst.Call):
                return False
        return True

    def only_hands_over(self, statement: cst.CSTNode) -> bool:
        """Whether a statement only gives the session to an object of the program that does nothing with it yet."""
        if not isinstance(statement, cst.SimpleStatementLine):
            return False
        if any(self.holds(statement, event.span) for event in self.events):
            return False
        calls = [node for node in self.source.walk(statement) if isinstance(node, cst.Call)]
        made = {e.span for e in self.function.events if e.kind == "call" and e.name == "__init__"}
        return bool(calls) and all(self.source.span(call) in made for call in calls)

    @cached_property
    def writes(self) -> list[Span4]:
        """Where rows or mapped objects may be changed, calls that commit left out, in order."""
        points = {point.event.span for point in self._calls}
        found = {event.span for event in self.events if is_write(event) and event.span not in points}
        found |= {event.span for event in self.function.events if event.kind == "setattr"}
        for node in self.source.walk(self.node.body):
            if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute):
                if isinstance(node.func.value, cst.Attribute) and last_name(node.func) in _MUTATORS:
                    found.add(self.source.span(node))
            elif isinstance(node, cst.AssignTarget | cst.AugAssign) and isinstance(node.target, cst.Attribute):
                found.add(self.source.span(node.target))
        return sorted(found)

    def line(self, node: cst.CSTNode) -> int:
        """The line a node begins on."""
        return self.source.line(node)


def concerns(event: Event, atom: Any) -> bool:
    """Whether an event is about a session, or about a transaction or connection of it."""
    return any(one == atom or getattr(one, "parent", None) == atom for one in event.subject)


def is_write(event: Event) -> bool:
    """Whether an event changes rows."""
    if "change" in (event.kind, event.text):
        return True
    if event.kind == "effect":
        return event.text == "use" and event.name == "write"
    return event.kind == "use" and "write" in event.flags


def is_committing_call(event: Event) -> bool:
    """Whether an event says that calling a function of the program commits, by hand or by a block of its own."""
    return event.kind == "effect" and event.text == "txn" and event.name in ENDS


def committing(function: FunctionInfo, atom: Any, *names: str) -> frozenset[tuple[FunctionInfo, Any]]:
    """Who commits (or ``names``) what ``function`` has as ``atom``: it or functions below, and what it is for them.

    A savepoint is none of them.
    """
    found: set[tuple[FunctionInfo, Any]] = set()
    seen: set[tuple[FunctionInfo, Any]] = set()
    pending = [(function, atom)]
    while pending:
        current = pending.pop()
        if current in seen:
            continue
        seen.add(current)
        for event in current[0].events:
            if event.name not in (names or ENDS) or not concerns(event, current[1]):
                continue
            if event.kind == "txn":
                found.add(current)
            elif event.kind == "effect" and event.text == "txn" and event.callee is not None and event.effect:
                pending.append((event.callee, event.effect.subject))
    return frozenset(found)


def is_alone(statement: Statement, call: cst.Call) -> bool:
    """Whether a call, awaited or not, is all that a statement does."""
    if not isinstance(statement, cst.SimpleStatementLine) or len(statement.body) != 1:
        return False
    only = statement.body[0]
    value = only.value if isinstance(only, cst.Expr) else None
    return value is call or (isinstance(value, cst.Await) and value.expression is call)


def bound_name(statement: Statement, call: cst.Call) -> str | None:
    """The name that a statement gives the result of a call, "" for none; None when it does more than that."""
    if is_alone(statement, call):
        return ""
    only = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else None
    if not isinstance(only, cst.Assign) or len(only.targets) != 1 or not isinstance(only.targets[0].target, cst.Name):
        return None
    value = only.value.expression if isinstance(only.value, cst.Await) else only.value
    return only.targets[0].target.value if value is call else None


def last_name(expression: cst.BaseExpression) -> str:
    """The last part of a dotted name."""
    if isinstance(expression, cst.Attribute):
        return expression.attr.value
    return expression.value if isinstance(expression, cst.Name) else ""


def blocks(statement: cst.CSTNode) -> Iterator[cst.BaseSuite]:
    """The blocks right below a compound statement."""
    if isinstance(statement, cst.If):
        yield statement.body
        if isinstance(statement.orelse, cst.Else):
            yield statement.orelse.body
        elif statement.orelse is not None:
            yield from blocks(statement.orelse)
    elif isinstance(statement, cst.Try | cst.TryStar):
        yield statement.body
        yield from (handler.body for handler in statement.handlers)
        yield from (part.body for part in (statement.orelse, statement.finalbody) if part is not None)
    elif isinstance(statement, cst.For | cst.While):
        yield statement.body
        if statement.orelse is not None:
            yield statement.orelse.body
    elif isinstance(statement, cst.With):
        yield statement.body
    elif isinstance(statement, cst.Match):
        yield from (case.body for case in statement.cases)


def ends_in(body: Sequence[cst.CSTNode], *kinds: type[cst.CSTNode]) -> bool:
    """Whether the last statement of a block surely is one of ``kinds``: ``return``, ``raise``…; branches included."""
    if not body:
        return False
    last = body[-1]
    if isinstance(last, cst.SimpleStatementLine):
        return isinstance(last.body[-1], kinds)
    if isinstance(last, cst.If) and isinstance(innermost_else(last), cst.Else):
        return all(ends_in(block.body, *kinds) for block in blocks(last))
    if isinstance(last, cst.With):
        return ends_in(last.body.body, *kinds)
    if isinstance(last, cst.Try):
        parts = [last.body, *(handler.body for handler in last.handlers)]
        return all(ends_in(part.body, *kinds) for part in parts)
    return False


def innermost_else(statement: cst.If) -> Any:
    """The ``else`` at the end of an ``if`` and its ``elif``, if there is one."""
    following: Any = statement.orelse
    while isinstance(following, cst.If):
        following = following.orelse
    return following


def exits(flow: Flow, statement: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """The ``return``, ``break`` and ``continue`` that leave a statement without an error."""
    pending: list[tuple[cst.CSTNode, bool]] = [(statement, False)]
    while pending:
        node, in_loop = pending.pop()
        if isinstance(node, cst.Return) or (isinstance(node, cst.Break | cst.Continue) and not in_loop):
            yield node
        elif isinstance(node, cst.SimpleStatementLine):
            pending += [(small, in_loop) for small in node.body]
        else:
            looping = in_loop or isinstance(node, cst.For | cst.While)
            pending += [(inner, looping) for block in blocks(node) for inner in block.body]
