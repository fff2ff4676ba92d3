"""The names a file mentions, found once: what asks for one name need not walk the tree again."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Mentions:
    """Nodes of one tree by the name they are about, in the order of :func:`ast.walk`.

    ``texts`` are string constants by
    their last part (``place`` of ``app.orders:place``); ``bound`` are names that are assigned or defined.
    """

    loads: dict[str, list[ast.Name]] = field(default_factory=dict)
    attributes: dict[str, list[ast.Attribute]] = field(default_factory=dict)
    texts: dict[str, list[ast.Constant]] = field(default_factory=dict)
    functions: dict[str, list[Function]] = field(default_factory=dict)
    imports: list[ast.Import | ast.ImportFrom] = field(default_factory=list)
    bound: set[str] = field(default_factory=set)


def mentions_in(tree: ast.Module) -> Mentions:
    """Walks a tree once."""
    found = Mentions()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Load):
                found.loads.setdefault(node.id, []).append(node)
            elif isinstance(node.ctx, ast.Store):
                found.bound.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.attributes.setdefault(node.attr, []).append(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.texts.setdefault(_last(node.value), []).append(node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.functions.setdefault(node.name, []).append(node)
            found.bound.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found.bound.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found.imports.append(node)
    return found


def _last(text: str) -> str:
    return text.rpartition(".")[2].rpartition(":")[2]
