"""TXN602: coroutines that share a session run one after the other."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

from sessionlint.fixes.background_tasks import unwind
from sessionlint.fixes.context import Context
from sessionlint.fixes.model import Proposal, refuse
from sessionlint.fixes.source import Source
from sessionlint.report import Finding

_TITLE = "Await them one after the other"
_ELSEWHERE = "the coroutines are not written out in an awaited gather()"


def one_after_the_other(context: Context, finding: Finding) -> Proposal:
    """``await gather(a, b)`` becomes ``await a``, ``await b``, in that order; what it gives back stays the same.

    A task group, and tasks that are awaited by name, give way to their coroutines as well.
    The session, its transaction and the order stay, so that each coroutine sees what those before it have done.
    """
    source = context.source(finding.path)
    gather = source.node_at(finding.span, cst.Call)
    awaited = source.parents[gather]
    if not source.code(gather.func).endswith("gather"):
        edit = context.edit()
        unwind(edit, source, gather)
        return edit.proposal(finding, _TITLE, "unsafe")
    if not isinstance(awaited, cst.Await):
        refuse(_ELSEWHERE)
    if any(arg.keyword is not None for arg in gather.args):
        refuse("gather() is to give back exceptions, too")
    edit = context.edit()
    path = finding.path
    coroutines = [arg.value for arg in gather.args]
    statement, only = source.statement(awaited), source.parents[awaited]
    alone = isinstance(statement, cst.SimpleStatementLine) and len(statement.body) == 1
    if len(gather.args) == 1 and gather.args[0].star == "*":
        made = _comprehension(source, coroutines[0])
        if alone and isinstance(only, cst.Expr) and _is_free(source, made):
            edit.replace_statement(path, statement, _loop(source, made))
        else:
            edit.replace(path, awaited, f"[await {source.code(made.elt)} {source.code(made.for_in).strip()}]")
        return edit.proposal(finding, _TITLE, "safe")
    if any(arg.star for arg in gather.args) or not all(isinstance(c, cst.Call) for c in coroutines):
        refuse(_ELSEWHERE)
    awaits = [f"await {source.code(coroutine)}" for coroutine in coroutines]
    targets = _targets(source, only, coroutines) if alone else None
    if alone and isinstance(only, cst.Expr):
        edit.replace_statement(path, statement, "\n".join(awaits) + "\n")
    elif targets is not None:
        lines = [f"{target} = {code}" for target, code in zip(targets, awaits, strict=True)]
        edit.replace_statement(path, statement, "\n".join(lines) + "\n")
    else:
        edit.replace(path, awaited, f"[{', '.join(awaits)}]")
    return edit.proposal(finding, _TITLE, "safe")


def _comprehension(source: Source, value: cst.BaseExpression) -> cst.ListComp | cst.GeneratorExp:
    if not isinstance(value, cst.ListComp | cst.GeneratorExp) or not isinstance(value.elt, cst.Call):
        refuse(_ELSEWHERE)
    if value.for_in.asynchronous is not None or value.for_in.inner_for_in is not None:
        refuse("the coroutines come from a nested or asynchronous loop")
    return value


def _loop(source: Source, made: cst.ListComp | cst.GeneratorExp) -> str:
    loop = made.for_in
    lines = [f"for {source.code(loop.target)} in {source.code(loop.iter)}:"]
    conditions = [source.code(condition.test) for condition in loop.ifs]
    if conditions:
        lines.append(f"    if {' and '.join(f'({c})' if len(conditions) > 1 else c for c in conditions)}:")
    lines.append(f"{'    ' * len(lines)}await {source.code(made.elt)}")
    return "\n".join(lines) + "\n"


def _is_free(source: Source, made: cst.ListComp | cst.GeneratorExp) -> bool:
    """Whether the variables of a comprehension may live on behind a loop: nothing else uses their names."""
    inside = set(source.walk(made))
    names = {node.value for node in source.walk(made.for_in.target) if isinstance(node, cst.Name)}
    scope = source.function(made) or source.module
    return not any(n.value in names for n in source.walk(scope) if isinstance(n, cst.Name) and n not in inside)


def _targets(source: Source, only: cst.CSTNode, coroutines: Sequence[cst.BaseExpression]) -> list[str] | None:
    """The names of ``a, b = await gather(…)``, where none of the coroutines reads one of them."""
    if not isinstance(only, cst.Assign) or len(only.targets) != 1 or not isinstance(only.targets[0].target, cst.Tuple):
        return None
    elements = [element.value for element in only.targets[0].target.elements]
    names = [element.value for element in elements if isinstance(element, cst.Name)]
    if not len(names) == len(elements) == len(coroutines):
        return None
    read = {n.value for c in coroutines for n in source.walk(c) if isinstance(n, cst.Name)}
    return None if read & set(names) else names
