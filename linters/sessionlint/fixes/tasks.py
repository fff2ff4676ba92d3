"""TXN605: a task that nobody holds may be collected before it has run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import libcst as cst

from sessionlint.fixes.context import Context
from sessionlint.fixes.model import Proposal, refuse
from sessionlint.fixes.moves import Edit, statements
from sessionlint.fixes.moves_imports import add_import, bound_names, free_name
from sessionlint.fixes.source import Source
from sessionlint.report import Finding

if TYPE_CHECKING:
    from sessionlint.program.model import FunctionInfo

_HELD = "_background_tasks"


def keep_until_done(context: Context, finding: Finding) -> Proposal:
    """The task goes into a set of the module until it is done, as the documentation of ``create_task`` advises.

    Source: https://docs.python.org/3/library/asyncio-task.html#asyncio.create_task
    """
    path = finding.path
    source = context.source(path)
    call = source.node_at(finding.span, cst.Call)
    line = source.statement(call)
    if not _is_statement(line, call):
        refuse("the task is used where it is made")
    if source.code(call.func).endswith("gather"):
        refuse("what is gathered may have been meant to be awaited")
    function = source.function(call)
    if function is None:
        refuse("it is started when the module is imported")
    edit = context.edit()
    kind, fitting = _kinds(edit, source, call, finding)
    names = bound_names(context, path)
    held = _HELD
    while held in names and _kept_in(source, held) not in fitting:
        held += "_"
    if held not in names:
        (made,) = statements(f"{held}: set[{kind}] = set()")
        made = made.with_changes(leading_lines=[cst.EmptyLine(indent=False)])
        last = _last_import(source)
        edit.file(path).wrap(last, last, lambda old: cst.FlattenSentinel([*old, made]))
    # tasks of one function may have results of different types, and all are fixed in one go
    alike = [f for f in context.findings if (f.code, f.path, f.qualname) == (finding.code, path, finding.qualname)]
    number = sum(other.sort_key < finding.sort_key for other in alike)
    task = free_name(context, path, "task", line=finding.span.line, passing=number)
    edit.replace_statement(
        path, line, f"{task} = {source.code(call)}\n{held}.add({task})\n{task}.add_done_callback({held}.discard)\n"
    )
    return edit.proposal(finding, "Keep the task until it is done", "safe")


def _is_statement(line: cst.BaseStatement, call: cst.Call) -> bool:
    if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1:
        return False
    only = line.body[0]
    if isinstance(only, cst.Assign):
        return only.value is call and all(
            isinstance(t.target, cst.Name) and t.target.value == "_" for t in only.targets
        )
    return isinstance(only, cst.Expr) and only.value is call


def _kinds(edit: Edit, source: Source, call: cst.Call, finding: Finding) -> tuple[str, frozenset[str]]:
    """What a new set is declared to hold, and all declarations that take this task; type checkers agree with both.

    ``Task`` is covariant, so one of objects takes every task; ``Future`` is not.
    """
    context = edit.context
    function = source.code(call.func)
    started = [f for event in context.events_at(finding.span) for f in context.program.started_by(event)]
    made = function.endswith(".create_task") or any(f.is_async for f in started)
    if not (function.startswith("asyncio.") and made):
        return "object", frozenset({"object", "Any"})
    kind = f"{add_import(edit, source.path, 'asyncio')}.Task[object]"
    fitting = {"object", "Any", kind, "asyncio.Task", "asyncio.Task[Any]"}
    if started and all(_gives_nothing(context, each) for each in started):
        fitting.add("asyncio.Task[None]")
    return kind, frozenset(fitting)


def _gives_nothing(context: Context, function: FunctionInfo) -> bool:
    """Whether a function is declared to return None."""
    returns = context.node_of(function).returns
    return returns is not None and isinstance(returns.annotation, cst.Name) and returns.annotation.value == "None"


def _kept_in(source: Source, name: str) -> str:
    """What a set of the module is declared to hold; nothing for what is no such set."""
    declared = re.search(rf"^{name}: set\[(.+)\] = set\(\)$", source.text, re.M)
    return declared[1] if declared else ""


def _last_import(source: Source) -> cst.BaseStatement:
    """The statement behind which the set is made: the last import above the first definition, or the docstring."""
    last: cst.BaseStatement | None = None
    for statement in source.module.body:
        if isinstance(statement, cst.SimpleStatementLine) and isinstance(
            statement.body[0], cst.Import | cst.ImportFrom
        ):
            last = statement
        elif isinstance(statement, cst.FunctionDef | cst.ClassDef):
            break
    if last is None:
        refuse("the module imports nothing above its first definition", source.path, 1)
    return last
