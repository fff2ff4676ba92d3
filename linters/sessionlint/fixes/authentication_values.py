"""TXN403: a service gets what it reads from a token or its claims, not the whole of it."""

from __future__ import annotations

import ast

import libcst as cst

from sessionlint.facts import ir
from sessionlint.fixes.callers import CallSite
from sessionlint.fixes.context import Context
from sessionlint.fixes.model import Proposal, refuse
from sessionlint.fixes.moves import Edit
from sessionlint.fixes.moves_calls import argument, parameters, remove_argument, remove_parameter
from sessionlint.fixes.source import Function, Source
from sessionlint.fixes.tenancy_words import docstring, without_parameter
from sessionlint.program.model import FunctionInfo
from sessionlint.report import Finding
from sessionlint.rules.txn403_token_passed_to_service import secret_in

#: The claim of RFC 7519, section 4.1.2, and what else names a user's id among claims.
_IDS = ("sub", "id", "uid", "user_id")


def pass_what_is_used(context: Context, finding: Finding) -> Proposal:
    """A parameter that the service does not use goes; of one it reads one entry of, the callers give that entry.

    Refuses when the service does anything else with it, or when not every call can be changed.
    """
    events = [e for e in context.events_at(finding.span, "call") if e.callee is not None]
    found = secret_in(context.program, events[0]) if events else None
    if found is None or events[0].callee is None:
        refuse("what is handed over is not one argument of the call")
    function, name = events[0].callee, found[0]
    source, node = context.source(function.path), context.node_of(function)
    if function.name == "__init__" or not any(p.name.value == name for p in parameters(node)):
        refuse("the service keeps it, or takes it with others", function.path, function.header[0])
    read = _read(source, node, name)
    edit = context.edit()
    callers = context.callers(function)
    for mention in callers.unknown:
        refuse(f"{function.qualname}() is {mention.why}", mention.path, mention.line)
    if callers.routed:
        refuse(f"{function.qualname}() is also called by a framework", function.path, function.header[0])
    new = _new_name(source, node, name, read[0]) if read else ""
    for call in callers.calls:
        _hand_over(context, edit, call, function, name, (new, source.code(read[0])) if read else None)
    _change_function(edit, source, node, name, new, read)
    return edit.proposal(finding, f"Pass {new} instead" if read else f"Do not pass {name}", "unsafe")


def _read(source: Source, node: Function, name: str) -> list[cst.BaseExpression]:
    """The places that read one entry of the parameter: always the same one."""
    found: list[cst.BaseExpression] = []
    for use in source.walk(node.body):
        if not isinstance(use, cst.Name) or use.value != name or _is_label(source, use):
            continue
        held = source.parents[use]
        entry: cst.CSTNode | None = held if isinstance(held, cst.Subscript) and held.value is use else None
        if isinstance(held, cst.Attribute) and held.value is use:
            call = source.parents[held]
            is_get = held.attr.value == "get" and isinstance(call, cst.Call) and call.func is held
            entry = call if is_get else held
        if not isinstance(entry, cst.Subscript | cst.Attribute | cst.Call) or not _is_fixed(source, entry):
            refuse(f"{name} itself is used here", source.path, source.line(use))
        if isinstance(source.parents[entry], cst.AssignTarget | cst.AugAssign | cst.Del):
            refuse(f"{name} is changed here", source.path, source.line(use))
        found.append(entry)
    if len({source.code(entry) for entry in found}) > 1:
        refuse(f"more than one entry of {name} is read", source.path, source.line(found[-1]))
    return found


def _is_label(source: Source, use: cst.Name) -> bool:
    """Whether a name is that of an attribute or of an argument."""
    held = source.parents[use]
    return (isinstance(held, cst.Attribute) and held.attr is use) or (isinstance(held, cst.Arg) and held.keyword is use)


def _is_fixed(source: Source, entry: cst.CSTNode) -> bool:
    """Whether an entry is named by constants alone."""
    if isinstance(entry, cst.Attribute):
        return not isinstance(source.parents[entry], cst.Call)
    parts = entry.slice if isinstance(entry, cst.Subscript) else entry.args if isinstance(entry, cst.Call) else ()
    inside = [n for part in parts for n in source.walk(part)]
    return not any(isinstance(n, cst.Call | cst.Await) for n in inside) and all(
        n.value in ("None", "True", "False") for n in inside if isinstance(n, cst.Name)
    )


def _new_name(source: Source, node: Function, name: str, entry: cst.BaseExpression) -> str:
    """What the parameter is called now: after the entry that is read."""
    key = entry.attr.value if isinstance(entry, cst.Attribute) else ""
    for text in (n for n in source.walk(entry) if not key and isinstance(n, cst.SimpleString)):
        key = str(ast.literal_eval(text.value))
    new = "user_id" if key in _IDS else key
    if not new.isidentifier():
        refuse(f"what is read of {name} has no name", source.path, source.line(entry))
    if any(isinstance(n, cst.Name) and n.value == new and not _is_label(source, n) for n in source.walk(node)):
        refuse(f"the name {new} is taken in the function", source.path, source.line(node))
    return new


def _hand_over(
    context: Context, edit: Edit, call: CallSite, function: FunctionInfo, name: str, read: tuple[str, str] | None
) -> None:
    positional = [p[0] for p in function.params if p[1] in (ir.KIND_POSONLY, ir.KIND_NORMAL)]
    bound = function.class_info is not None and not function.is_staticmethod
    given = argument(call.node, name, positional.index(name) - bound if name in positional else None)
    if read is None:
        if given is not None:
            remove_argument(edit, call.path, call.node, given)
        return
    if given is None:
        refuse(f"the call gives no {name}", call.path, call.line)
    source = context.source(call.path)
    code = source.code(given.value)
    if not code.replace(".", "").isidentifier():
        refuse(f"{name} is put together in the call", call.path, call.line)
    new, entry = read
    value = cst.parse_expression(code + entry.removeprefix(name))
    keyword = cst.Name(new) if given.keyword is not None else None
    edit.change(call.path, given, lambda old: old.with_changes(keyword=keyword, value=value))


def _change_function(
    edit: Edit, source: Source, node: Function, name: str, new: str, read: list[cst.BaseExpression]
) -> None:
    path = source.path
    words = docstring(node)
    if words is not None:
        edit.change(path, words, lambda old: old.with_changes(value=without_parameter(old.value, name)))
    if not read:
        remove_parameter(edit, path, node, name)
        return
    for entry in read:
        edit.replace(path, entry, new)
    parameter = next(p for p in parameters(node) if p.name.value == name)
    text = (
        cst.Annotation(cst.Name("str")) if parameter.annotation is not None and "sub" in source.code(read[0]) else None
    )
    edit.change(path, parameter, lambda old: old.with_changes(name=cst.Name(new), annotation=text))
