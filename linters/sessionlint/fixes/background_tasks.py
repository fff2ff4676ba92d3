"""TXN602: tasks and task groups whose coroutines share a session give way to the coroutines, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import libcst as cst

from sessionlint.fixes.model import refuse
from sessionlint.fixes.moves import Edit
from sessionlint.fixes.source import Source, Statement

_STARTS = ("create_task", "ensure_future")
_GROUPS = frozenset(("TaskGroup", "create_task_group"))


def unwind(edit: Edit, source: Source, call: cst.Call) -> None:
    """The coroutine that ``call`` starts is awaited where it is started, and so are the others of its task group."""
    block = _group(source, call)
    if block is not None:
        _unwind_group(edit, source, block)
    elif source.code(call.func).endswith(_STARTS):
        for one in _sharing(source, call):
            _unwind_task(edit, source, one)
    else:
        refuse("the coroutines are not written out in an awaited gather(), a task group or tasks that are awaited")


# task groups


def _group(source: Source, call: cst.Call) -> cst.With | None:
    """The ``async with asyncio.TaskGroup() as tasks:`` whose task a call starts."""
    if not isinstance(call.func, cst.Attribute) or not isinstance(call.func.value, cst.Name):
        return None
    for outer in source.ancestors(call):
        if isinstance(outer, cst.With) and _group_name(source, outer) == call.func.value.value:
            return outer
    return None


def _group_name(source: Source, block: cst.With) -> str:
    """The name of the group that a ``with`` opens; empty when it opens something else, or more."""
    item = block.items[0]
    if len(block.items) > 1 or not isinstance(item.item, cst.Call) or item.asname is None:
        return ""
    made = source.code(item.item.func).rpartition(".")[2]
    return item.asname.name.value if made in _GROUPS and isinstance(item.asname.name, cst.Name) else ""


def _unwind_group(edit: Edit, source: Source, block: cst.With) -> None:
    name = _group_name(source, block)
    if not isinstance(block.body, cst.IndentedBlock):
        refuse("the block stands on the line of what holds it", source.path, source.line(block))
    _refuse_groups_of_errors(source, block)
    inside = set(source.walk(block))
    scope = source.function(block) or source.module
    if any(isinstance(n, cst.Name) and n.value == name and n not in inside for n in source.walk(scope)):
        refuse(f"{name} is used outside the task group, too", source.path, source.line(block))
    started = list(_started(source, block.body.body, name))
    uses = [n for n in source.walk(block.body) if isinstance(n, cst.Name) and n.value == name]
    if len(uses) != len(started):
        refuse(f"{name} is used for more than starting tasks", source.path, source.line(block))
    for line, call in started:
        _await_here(edit, source, line, call, _coroutine(source, call))
    edit.unwrap(source.path, block)


def _started(
    source: Source, body: Sequence[cst.CSTNode], name: str
) -> Iterator[tuple[cst.SimpleStatementLine, cst.Call]]:
    """The tasks that a block starts. Refuses for a block that does anything else: a task may wait for that."""
    for statement in body:
        inner = statement.body if isinstance(statement, cst.For | cst.If) and statement.orelse is None else None
        if isinstance(inner, cst.IndentedBlock):
            yield from _started(source, inner.body, name)
            continue
        only = (
            statement.body[0] if isinstance(statement, cst.SimpleStatementLine) and len(statement.body) == 1 else None
        )
        value = only.value if isinstance(only, cst.Expr | cst.Assign) else None
        wanted = isinstance(value, cst.Call) and source.code(value.func) in (
            f"{name}.create_task",
            f"{name}.start_soon",
        )
        if not wanted or not isinstance(statement, cst.SimpleStatementLine) or not isinstance(value, cst.Call):
            refuse("the block does more than starting tasks, and one of them may wait for it", source.path,
                   source.line(statement))  # fmt: skip
        yield statement, value


def _coroutine(source: Source, call: cst.Call) -> str:
    """What a start awaits: its argument, or for ``start_soon(f, x)`` the call ``f(x)``."""
    if source.code(call.func).endswith("start_soon"):
        arguments = [source.code(arg).strip().removesuffix(",") for arg in call.args[1:] if arg.keyword is None]
        return f"{source.code(call.args[0].value)}({', '.join(arguments)})"
    made = call.args[0].value if call.args and call.args[0].keyword is None else None
    if not isinstance(made, cst.Call):
        refuse("the coroutine is made elsewhere", source.path, source.line(call))
    return source.code(made)


def _refuse_groups_of_errors(source: Source, block: cst.With) -> None:
    """A group raises what its tasks raise as a group of errors, which handlers may ask for."""
    for outer in source.ancestors(block):
        if isinstance(outer, cst.FunctionDef):
            return
        handlers = outer.handlers if isinstance(outer, cst.Try | cst.TryStar) else ()
        for handler in handlers:
            grouped = isinstance(handler, cst.ExceptStarHandler) or "Group" in source.code(handler.type or cst.Name(""))
            if grouped:
                refuse("a handler asks for the group of errors", source.path, source.line(handler))


# single tasks


def _sharing(source: Source, call: cst.Call) -> list[cst.Call]:
    """The tasks started in the block of ``call`` that are given something it is given, too."""
    found = []
    for statement in source.block(source.statement(call)).body:
        for node in source.walk(statement) if isinstance(statement, cst.SimpleStatementLine) else ():
            starts = isinstance(node, cst.Call) and source.code(node.func).endswith(_STARTS)
            if starts and isinstance(node, cst.Call) and _given(source, node) & _given(source, call):
                found.append(node)
    return found


def _given(source: Source, call: cst.Call) -> set[str]:
    """The names in the arguments of a call, but for the functions that are called there."""
    nodes = [n for arg in call.args for n in source.walk(arg)]
    called = {n.func.value for n in nodes if isinstance(n, cst.Call) and isinstance(n.func, cst.Name)}
    return {n.value for n in nodes if isinstance(n, cst.Name)} - called


def _unwind_task(edit: Edit, source: Source, call: cst.Call) -> None:
    line = source.statement(call)
    only = line.body[0] if isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1 else None
    if (
        not isinstance(line, cst.SimpleStatementLine)
        or not isinstance(only, cst.Assign)
        or only.value is not call
        or not isinstance(only.targets[0].target, cst.Name)
        or len(only.targets) > 1
    ):
        refuse("the task has no name of its own")
    body = list(source.block(line).body)
    name = only.targets[0].target.value
    uses = [n for n in _names(source, call) if n.value == name and n is not only.targets[0].target]
    awaited = [(node, source.parents[node]) for node in uses]
    if not uses or not all(isinstance(held, cst.Await) for _, held in awaited):
        refuse(f"{name} is used for more than being awaited")
    awaits = [source.statement(node) for node in uses]
    if not all(statement in body for statement in awaits):
        refuse(f"{name} is awaited in another block")
    given = _given(source, call)
    between = body[body.index(line) + 1 : min(body.index(statement) for statement in awaits)]
    for statement in between:
        if not _is_use_of_a_session(source, statement, given):
            refuse("what is done meanwhile may be what the task waits for", source.path, source.line(statement))
    _await_here(edit, source, line, call, _coroutine(source, call))


def _names(source: Source, node: cst.CSTNode) -> Iterator[cst.Name]:
    scope = source.function(node) or source.module
    return (n for n in source.walk(scope) if isinstance(n, cst.Name))


def _is_use_of_a_session(source: Source, statement: cst.BaseStatement, given: set[str]) -> bool:
    """Whether a statement, as far as it shares anything with the task, awaits something, or starts another task."""
    shared = [n for n in source.walk(statement) if isinstance(n, cst.Name) and n.value in given]
    if not shared:
        return True
    if not isinstance(statement, cst.SimpleStatementLine):
        return False
    return all(any(isinstance(o, cst.Await) or _starts(source, o) for o in source.ancestors(n)) for n in shared)


def _starts(source: Source, node: cst.CSTNode) -> bool:
    return isinstance(node, cst.Call) and source.code(node.func).endswith(_STARTS)


# both


def _await_here(edit: Edit, source: Source, line: cst.SimpleStatementLine, call: cst.Call, coroutine: str) -> None:
    """``task = create_task(f())`` becomes ``task = await f()``; where it was awaited stands its result."""
    path, only = source.path, line.body[0]
    edit.replace(path, call, f"await {coroutine}")
    if not isinstance(only, cst.Assign):
        return
    target = only.targets[0].target
    if not isinstance(target, cst.Name) or len(only.targets) > 1:
        refuse("the task has no name of its own", path, source.line(line))
    kept = False
    lone: list[Statement] = []
    for node in _names(source, call):
        held = source.parents[node]
        if node.value != target.value or node is target:
            continue
        result = source.parents.get(held) if isinstance(held, cst.Attribute) and held.attr.value == "result" else held
        if not isinstance(result, cst.Await | cst.Call):
            refuse(f"{target.value} is used for more than its result", path, source.line(node))
        if isinstance(source.parents[result], cst.Expr):
            lone.append(source.statement(result))
        else:
            kept = True
            edit.replace(path, result, target.value)
    for statement in lone:
        edit.remove(path, statement)
    if not kept:
        edit.replace_statement(path, line, f"await {coroutine}\n")
