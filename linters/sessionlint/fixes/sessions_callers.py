"""Which mentions of a function stand against changing how it is called."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sessionlint.fixes.callers import Callers, Mention
from sessionlint.fixes.context import Context

if TYPE_CHECKING:
    from sessionlint.program.model import FunctionInfo

#: Functions that reach an attribute by its name.
_BY_NAME = frozenset(("setattr", "getattr", "hasattr", "delattr", "patch", "object", "multiple", "attrgetter"))

_METHODS = frozenset(("get", "put", "post", "patch", "delete", "head", "options", "trace"))


def unknown_mentions(context: Context, function: FunctionInfo, callers: Callers) -> list[Mention]:
    """The mentions that are not understood, without those that cannot be about this function.

    A bare word in a text names it only as an argument of ``getattr``, ``patch`` and the like, a dotted one only with
    its module or class before it; a method of the result of a call is no function of a module.
    """
    return [mention for mention in callers.unknown if not _is_another(context, function, mention)]


def _is_another(context: Context, function: FunctionInfo, mention: Mention) -> bool:
    tree = context.tree(mention.path)
    if mention.why.startswith("named in a text"):
        owner = function.class_info.name if function.class_info is not None else function.module.name.rpartition(".")[2]
        texts = [node for node in _at(tree, mention.line) if isinstance(node, ast.Constant)]
        named = [str(node.value) for node in texts if str(node.value).rpartition(".")[2] == function.name]
        if any("." in text for text in named):
            return all(text.split(".")[-2:-1] not in ([], [owner]) for text in named if "." in text)
        asked = [node for node in _at(tree, mention.line, depth=6) if isinstance(node, ast.Call)]
        return not any(_last(call.func) in _BY_NAME and any(t in call.args for t in texts) for call in asked)
    if mention.why.startswith("perhaps") and _is_route(tree, mention.line):
        return True
    if mention.why.startswith("perhaps") and function.class_info is None:
        named_here = [n for n in _at(tree, mention.line) if isinstance(n, ast.Attribute) and n.attr == function.name]
        return bool(named_here) and all(isinstance(node.value, ast.Call) for node in named_here)
    return False


def _is_route(tree: ast.Module, line: int) -> bool:
    """``@router.put("/items")`` is a route, whatever methods are called ``put`` elsewhere."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in node.decorator_list:
                call = decorator.func if isinstance(decorator, ast.Call) else None
                if decorator.lineno == line and isinstance(call, ast.Attribute) and call.attr in _METHODS:
                    return True
    return False


def _at(tree: ast.Module, line: int, depth: int = 0) -> Iterator[ast.AST]:
    """The nodes that begin on a line, or up to ``depth`` lines above it."""
    for node in ast.walk(tree):
        begins = getattr(node, "lineno", 0)
        if line - depth <= begins <= line and (not depth or (getattr(node, "end_lineno", 0) or 0) >= line):
            yield node


def _last(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
