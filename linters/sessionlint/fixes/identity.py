"""TXN702: ids with a prefix become plain UUIDs."""

from __future__ import annotations

import ast

import libcst as cst

from sessionlint.fixes.context import Context
from sessionlint.fixes.model import Proposal, refuse
from sessionlint.fixes.source import Source
from sessionlint.report import Finding

_MAKERS = frozenset({"uuid1", "uuid4", "uuid6", "uuid7"})


def plain_uuid(context: Context, finding: Finding) -> Proposal:
    """``f"job_{uuid4()}"`` becomes ``str(uuid4())``, text as it was, where nothing in the program knows the prefix.

    Refuses parts of a UUID: the column may be too short for a whole one.
    """
    source = context.source(finding.path)
    value = source.node_at(finding.span, cst.BaseExpression)  # type: ignore[type-abstract]
    if not isinstance(value, cst.FormattedString | cst.BinaryOperation):
        refuse("the id is put together elsewhere, or of a part of a UUID")
    made = [n for n in source.walk(value) if isinstance(n, cst.Call) and _called(source, n) in _MAKERS]
    if len(made) != 1 or made[0].args:
        refuse("the id is not made of one new UUID")
    if any(isinstance(node, cst.Subscript) for node in source.walk(value)):
        refuse("the id holds a part of a UUID; the column may be too short for a whole one")
    for text in _fixed(source, value, made[0]):
        _check_unknown(context, source, text, finding)
    edit = context.edit()
    edit.replace(finding.path, value, f"str({source.code(made[0])})")
    return edit.proposal(finding, "Use the UUID as it is", "unsafe")


def _called(source: Source, call: cst.Call) -> str:
    return source.code(call.func).rpartition(".")[2]


def _fixed(source: Source, value: cst.BaseExpression, made: cst.Call) -> list[str]:
    """The written parts of an id. Refuses when it has other parts that are worked out."""
    texts: list[str] = []
    inside = set(source.walk(made))
    for node in source.walk(value):
        if isinstance(node, cst.FormattedStringText):
            texts.append(node.value)
        elif isinstance(node, cst.SimpleString):
            texts.append(str(ast.literal_eval(node.value)))
        elif isinstance(node, cst.Name) and node not in inside and node.value not in ("str", "hex"):
            refuse(f"{node.value} is part of the id, and may be needed from it", source.path, source.line(node))
    return [text.strip("_-:") for text in texts if text.strip("_-:")]


def _check_unknown(context: Context, source: Source, text: str, finding: Finding) -> None:
    """Refuses when other code looks for the prefix, or may."""
    for path, data in context.sources.items():
        if text.encode() not in data:
            continue
        for node in ast.walk(context.tree(path)):
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
                continue
            here = path == finding.path and finding.span.line <= node.lineno <= finding.span.end_line
            found = node.value.startswith(text) and node.value[len(text) :].strip("%*._-: ") == ""
            if found and node.value != text and not here:
                refuse(f"{node.value!r} may be looked for in ids", path, node.lineno)
