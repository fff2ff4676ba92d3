"""TXN603: background work is scheduled after the transaction that makes its rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import libcst as cst

from sessionlint.fixes.context import Context
from sessionlint.fixes.model import Proposal, refuse
from sessionlint.fixes.moves import Edit, statements
from sessionlint.fixes.moves_imports import free_name
from sessionlint.fixes.source import Source, Statement
from sessionlint.fixes.tenancy_conditions import is_store, is_variable
from sessionlint.program.model import Event
from sessionlint.report import Finding

_TASKS = ("create_task", "ensure_future", "spawn", "start_soon")
_CALLBACKS = ("add_task", "add_job", "enqueue", "submit", "call_soon")
_TITLE = "Schedule the work after the transaction"


@dataclass(frozen=True)
class _Start:
    """A statement that schedules, and the statement of its block behind which it belongs."""

    line: cst.SimpleStatementLine
    call: cst.Call
    end: Statement


def schedule_afterwards(context: Context, finding: Finding) -> Proposal:
    """The scheduling goes below the transaction block, or below the commit; what it reads of rows is read before.

    A ``return`` that ends the block goes along, its value taken before. All starts of one transaction move together.
    """
    source = context.source(finding.path)
    start = _start(context, source, finding)
    others = [f for f in context.findings if f.code == finding.code and f.path == finding.path]
    function = source.function(start.call)
    starts = [s for f in others if (s := _start_or_none(context, source, f)) is not None and s.end is start.end]
    edit = context.edit()
    _Moving(context, edit, source, start.end, starts, function).run()
    return edit.proposal(finding, _TITLE, "unsafe")


def _start_or_none(context: Context, source: Source, finding: Finding) -> _Start | None:
    from sessionlint.fixes.model import CannotFixError

    try:
        return _start(context, source, finding)
    except CannotFixError:
        return None


def _start(context: Context, source: Source, finding: Finding) -> _Start:
    event = next(iter(context.events_at(finding.span, "schedule", "effect", "started")), None)
    call = source.node_at(finding.span, cst.Call)
    line = source.statement(call)
    if event is None or not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1:
        refuse("the work is scheduled within another statement")
    if event.callee is not None and any(effect.kind != "schedule" for effect in event.callee.summary.effects):
        refuse(f"{event.callee.name}() does other things, too", event.callee.path, event.callee.header[0])
    if not isinstance(line.body[0], cst.Expr | cst.Assign):
        refuse("what scheduling gives back is used at once")
    return _Start(line, call, _end(context, source, event, line))


def _end(context: Context, source: Source, event: Event, line: Statement) -> Statement:
    """The ``with`` of the transaction, or the commit behind the scheduling."""
    begun = next((t for t in event.transactions if not t.savepoint), None)
    if begun is None:
        body = source.block(line).body
        for later in body[list(body).index(line) + 1 :]:
            if isinstance(later, cst.SimpleStatementLine) and source.code(later).strip().endswith(".commit()"):
                return later
        refuse("the commit is not in the same block")
    for outer in source.ancestors(line):
        if isinstance(outer, cst.With) and any(
            source.span(item.item)[:2] <= begun.site[1][:2] and begun.site[1][2:] <= source.span(item.item)[2:]
            for item in outer.items
        ):
            if source.block(line) is not outer.body:
                refuse("the work is scheduled only on some ways through the transaction block")
            return outer
    return refuse("the transaction is begun elsewhere", begun.site[0], begun.site[1][0])


class _Naming(cst.CSTTransformer):
    """Puts names in the place of expressions."""

    def __init__(self, names: Mapping[cst.BaseExpression, str]) -> None:
        super().__init__()
        self._names = names

    def on_leave(self, original_node: Any, updated_node: Any) -> Any:
        """Called for every node, inner ones first."""
        name = self._names.get(original_node)
        return super().on_leave(original_node, updated_node) if name is None else cst.Name(name)


class _Moving:
    def __init__(
        self, context: Context, edit: Edit, source: Source, end: Statement, starts: list[_Start],
        function: cst.FunctionDef | None,
    ) -> None:  # fmt: skip
        self._context, self._edit, self._source, self._end = context, edit, source, end
        self._starts = {start.line: start for start in starts}
        self._function = function
        self._hoisted: set[str] = set()
        block = end.body if isinstance(end, cst.With) else source.block(end)
        body = list(block.body)
        first = min(body.index(line) for line in self._starts)
        last = len(body) if isinstance(end, cst.With) else body.index(end)
        self._behind = body[first:last]

    def run(self) -> None:
        """Makes the moves."""
        moved = self._moved()
        stays = [line for line in self._behind if line not in moved]
        returning = self._returning(stays)
        self._check(moved, stays, returning)
        below: list[str] = []
        for line in moved:
            start = self._starts.get(line)
            taken = list(self._taken(start.call)) if start is not None else []
            code = self._source.code(line.with_changes(leading_lines=[]))
            if start is not None:
                code = self._with_names(line, taken)
            self._replace(line, [f"{name} = {self._source.code(value)}" for value, name in taken])
            comments = [c.comment.value for c in line.leading_lines if c.comment is not None]
            below += [*comments, code.strip()]
        if returning is not None:
            below.append(self._return(returning))
        self._edit.insert_after(self._source.path, self._end, "\n".join(below) + "\n")

    def _moved(self) -> list[cst.SimpleStatementLine]:
        """The starts, and what is done with the tasks they make."""
        moved: list[cst.SimpleStatementLine] = []
        made: set[str] = set()
        for line in self._behind:
            uses = {n.value for n in self._names(line) if not is_store(self._source, n)}
            follows = isinstance(line, cst.SimpleStatementLine) and isinstance(line.body[0], cst.Expr) and uses & made
            if isinstance(line, cst.SimpleStatementLine) and (line in self._starts or follows):
                moved.append(line)
                made |= {n.value for n in self._names(line) if is_store(self._source, n)}
        return moved

    def _names(self, node: cst.CSTNode) -> Iterator[cst.Name]:
        return (n for n in self._source.walk(node) if isinstance(n, cst.Name) and is_variable(self._source, n))

    def _returning(self, stays: list[cst.CSTNode]) -> cst.SimpleStatementLine | None:
        last = stays[-1] if stays and isinstance(self._end, cst.With) else None
        only = last.body[0] if isinstance(last, cst.SimpleStatementLine) and len(last.body) == 1 else None
        return last if isinstance(only, cst.Return) and isinstance(last, cst.SimpleStatementLine) else None

    def _check(
        self, moved: list[cst.SimpleStatementLine], stays: list[cst.CSTNode], returning: cst.CSTNode | None
    ) -> None:
        """Refuses when something between the old place and the new one meddles."""
        read = {n.value for line in moved for n in self._names(line)}
        for line in stays:
            if line is returning:
                continue
            for node in self._source.walk(line):
                if isinstance(node, cst.Return | cst.Break | cst.Continue):
                    self._refuse(node, "the block may be left before its end")
                if isinstance(node, cst.Name) and is_variable(self._source, node) and node.value in read:
                    made = any(
                        is_store(self._source, n) and n.value == node.value for m in moved for n in self._names(m)
                    )
                    if is_store(self._source, node) or made:
                        self._refuse(node, f"{node.value} is set or used between here and the end of the transaction")
        if returning is not None and any(
            is_store(self._source, n) and n.value in {r.value for r in self._names(returning)}
            for line in moved for n in self._names(line)
        ):  # fmt: skip
            self._refuse(returning, "what scheduling gives back is returned")

    def _taken(self, call: cst.Call) -> Iterator[tuple[cst.BaseExpression, str]]:
        """The arguments that have to be read while the transaction is open, with the names they get."""
        name = self._source.code(call.func).rpartition(".")[2]
        for position, arg in enumerate(call.args):
            if arg.star:
                self._refuse(call, "the arguments are not written out")
            value = arg.value
            is_work = position == 0 and name in (*_TASKS, *_CALLBACKS)
            if is_work and name in _TASKS and isinstance(value, cst.Call):
                yield from self._taken(value)
            elif not self._is_settled(value) and not (is_work and isinstance(value, cst.Attribute)):
                yield value, self._name(value, arg.keyword)

    def _is_settled(self, value: cst.BaseExpression) -> bool:
        """Whether an expression gives the same after the transaction: names, literals, parts of the request."""
        if isinstance(value, cst.Attribute) and isinstance(value.value, cst.Name):
            place = (self._source.path, *self._source.span(value)[:2])
            function = self._context.function_at(*place)
            given = {p[0] for p in function.params} - set(function.dependencies) if function and function.routes else ()
            return value.value.value in given
        return isinstance(value, cst.Name | cst.BaseString | cst.Integer | cst.Float) and not any(
            isinstance(part, cst.FormattedStringExpression) for part in self._source.walk(value)
        )

    def _name(self, value: cst.BaseExpression, keyword: cst.Name | None) -> str:
        wanted = keyword.value if keyword is not None else "argument"
        if isinstance(value, cst.Attribute) and isinstance(value.value, cst.Name):
            wanted = f"{value.value.value}_{value.attr.value}"
        name, number = free_name(self._context, self._source.path, wanted, line=self._source.line(value)), 2
        while name in self._hoisted:
            name, number = f"{wanted}_{number}", number + 1
        self._hoisted.add(name)
        return name

    def _with_names(self, line: cst.SimpleStatementLine, taken: list[tuple[cst.BaseExpression, str]]) -> str:
        """The source of a statement with names for some of its expressions."""
        made = line.visit(_Naming(dict(taken)))
        assert isinstance(made, cst.SimpleStatementLine)
        return self._source.code(made.with_changes(leading_lines=[]))

    def _return(self, line: cst.SimpleStatementLine) -> str:
        only = line.body[0]
        assert isinstance(only, cst.Return)
        if only.value is None or self._is_settled(only.value):
            self._replace(line, [])
            return self._source.code(line.with_changes(leading_lines=[])).strip()
        name = free_name(self._context, self._source.path, "result", line=self._source.line(line))
        self._replace(line, [f"{name} = {self._source.code(only.value)}"])
        return f"return {name}"

    def _replace(self, line: cst.SimpleStatementLine, codes: list[str]) -> None:
        made = statements("\n".join(codes) + "\n") if codes else []
        moves = line in self._starts or not codes

        def change(old: cst.SimpleStatementLine) -> cst.FlattenSentinel[cst.SimpleStatementLine]:
            kept = [] if moves else list(old.leading_lines)
            first = [made[0].with_changes(leading_lines=[*kept])] if made else []
            return cst.FlattenSentinel([*first, *made[1:]])

        self._edit.change(self._source.path, line, change)

    def _refuse(self, node: cst.CSTNode, reason: str) -> None:
        refuse(reason, self._source.path, self._source.line(node))
