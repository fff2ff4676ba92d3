"""Which mentions of a function stand against changing how it is called."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from sessionlint.fixes.callers import Callers, Mention
from sessionlint.fixes.context import Context

if TYPE_CHECKING:
    from sessionlint.program.model import FunctionInfo

#: Functions that reach an attribute by its name.
_BY_NAME = frozenset(("setattr", "getattr", "hasattr", "delattr", "patch", "object", "multiple", "attrgetter"))

_METHODS = frozenset(("get", "put", "post", "patch", "delete", "head", "options", "trace"))


def unknown_mentions(context: Context, function: FunctionInfo, callers: Callers) -> Iterator[Mention]:
    """The mentions that are not understood, without those that cannot be about this function.

    A bare word in a text names it only as an argument of ``getattr``, ``patch`` and the like, a dotted one only with
    its module or class before it; a method of the result of a call is no function of a module.
    """
    return (mention for mention in callers.unknown if not _is_another(context, function, mention))


def _is_another(context: Context, function: FunctionInfo, mention: Mention) -> bool:
    lines = _lines(context.tree(mention.path))
    here = lines.get(mention.line, [])
    if mention.why.startswith("named in a text"):
        owner = function.class_info.name if function.class_info is not None else function.module.name.rpartition(".")[2]
        texts = [node for node in here if isinstance(node, ast.Constant)]
        named = [str(node.value) for node in texts if str(node.value).rpartition(".")[2] == function.name]
        if any("." in text for text in named):
            return all(text.split(".")[-2:-1] not in ([], [owner]) for text in named if "." in text)
        around = [node for line in range(mention.line - 6, mention.line + 1) for node in lines.get(line, [])]
        asked = [node for node in around if isinstance(node, ast.Call) and _last(node.func) in _BY_NAME]
        return not any(text in call.args for text in texts for call in asked)
    if not mention.why.startswith("perhaps"):
        return False
    named_here = [n for n in here if isinstance(n, ast.Attribute) and n.attr == function.name]
    if function.class_info is None and named_here and all(isinstance(n.value, ast.Call) for n in named_here):
        return True
    return any(_is_route(node, mention.line) for node in lines.get(-mention.line, []))


def _is_route(node: ast.AST, line: int) -> bool:
    """``@router.put("/items")`` is a route, whatever methods are called ``put`` elsewhere."""
    for decorator in getattr(node, "decorator_list", ()):
        call = decorator.func if isinstance(decorator, ast.Call) else None
        if decorator.lineno == line and isinstance(call, ast.Attribute) and call.attr in _METHODS:
            return True
    return False


_indexed: WeakKeyDictionary[ast.Module, Mapping[int, list[ast.AST]]] = WeakKeyDictionary()


def _lines(tree: ast.Module) -> Mapping[int, list[ast.AST]]:
    """The nodes that begin on each line; under the negative line of a decorator what it decorates."""
    if tree not in _indexed:
        found: dict[int, list[ast.AST]] = {}
        for node in ast.walk(tree):
            found.setdefault(getattr(node, "lineno", 0), []).append(node)
            for decorator in getattr(node, "decorator_list", ()):
                found.setdefault(-decorator.lineno, []).append(node)
        _indexed[tree] = found
    return _indexed[tree]


def _last(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
