"""TXN605: a task that nobody holds may be collected before it has run."""

from __future__ import annotations

import libcst as cst

from sessionlint.fixes.context import Context
from sessionlint.fixes.model import Proposal, refuse
from sessionlint.fixes.moves import statements
from sessionlint.fixes.moves_imports import add_import, bound_names, free_name
from sessionlint.fixes.source import Source
from sessionlint.report import Finding

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
    function = source.function(call)
    if function is None:
        refuse("it is started when the module is imported")
    names = bound_names(context, path)
    held = _HELD
    while held in names and not _is_set(source, held):
        held += "_"
    edit = context.edit()
    if held not in names:
        kind = "object"
        if source.code(call.func).startswith("asyncio."):
            kind = f"{add_import(edit, path, 'asyncio')}.Task[None]"
        (made,) = statements(f"{held}: set[{kind}] = set()")
        made = made.with_changes(leading_lines=[cst.EmptyLine(indent=False)])
        last = _last_import(source)
        edit.file(path).wrap(last, last, lambda old: cst.FlattenSentinel([*old, made]))
    task = free_name(context, path, "task", line=finding.span.line)
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


def _is_set(source: Source, name: str) -> bool:
    """Whether a name of the module holds a set that an earlier fix made."""
    return f"\n{name}: set[" in source.text


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
