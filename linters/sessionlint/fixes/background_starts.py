"""Where a function is started in the background, and what it is given there."""

from __future__ import annotations

import libcst as cst

from sessionlint.facts import ir
from sessionlint.fixes.callers import Mention
from sessionlint.fixes.context import Context
from sessionlint.fixes.model import CannotFixError, refuse
from sessionlint.fixes.moves_calls import argument
from sessionlint.program.model import Event, FunctionInfo


def starts_of(context: Context, function: FunctionInfo) -> list[Event]:
    """Every place that starts a function: ``add_task(f, …)``, ``create_task(f(…))``. Threads are none."""
    program = context.program
    return [e for e in program.events("schedule") if function in program.started_by(e) and e.text != "thread"]


def is_start(starts: list[Event], mention: Mention) -> bool:
    """Whether a mention of a function stands in one of its starts."""
    return any(e.path == mention.path and e.span[0] <= mention.line <= e.span[2] for e in starts)


def given(context: Context, start: Event, function: FunctionInfo, name: str) -> cst.Arg | None:
    """The argument that a start gives for a parameter; None when it gives none. Refuses when unclear."""
    source = context.source(start.path)
    call = source.node_at(start.span, cst.Call)
    positional = [p[0] for p in function.params if p[1] in (ir.KIND_POSONLY, ir.KIND_NORMAL)]
    bound = function.class_info is not None and not function.is_staticmethod
    index = positional.index(name) - bound if name in positional else None
    try:
        for inner in (n for arg in call.args for n in source.walk(arg.value) if isinstance(n, cst.Call)):
            if _names(inner.func, function):
                return argument(inner, name, index)
        at = next((i for i, arg in enumerate(call.args) if not arg.star and _names(arg.value, function)), None)
        if at is not None:
            return argument(call, name, None if index is None else at + 1 + index)
    except CannotFixError as error:
        refuse(error.reason, start.path, start.span[0])
    return refuse("the start is not written out", start.path, start.span[0])


def _names(value: cst.BaseExpression, function: FunctionInfo) -> bool:
    name = value.attr if isinstance(value, cst.Attribute) else value
    return isinstance(name, cst.Name) and name.value == function.name
