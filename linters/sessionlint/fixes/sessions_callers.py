"""Which mentions of a function stand against changing how it is called."""

from __future__ import annotations

import ast

from sessionlint.fixes.callers import Callers, Mention
from sessionlint.fixes.context import Context


def unknown_mentions(context: Context, callers: Callers) -> list[Mention]:
    """The mentions that are not understood, without the names a module lists in ``__all__``."""
    return [mention for mention in callers.unknown if not _is_listed(context, mention)]


def _is_listed(context: Context, mention: Mention) -> bool:
    for node in context.tree(mention.path).body:
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            is_list = any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets)
            if is_list and node.lineno <= mention.line <= (node.end_lineno or node.lineno):
                return True
    return False
