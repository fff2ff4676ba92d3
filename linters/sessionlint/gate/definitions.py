"""Which functions and classes a file defines."""

from __future__ import annotations

import ast
from functools import lru_cache

from sessionlint.facts.source import SourceError, parse


def defined_in(data: bytes, path: str, qualname: str) -> bool:
    """Whether the file's bytes define a function or class of this qualified name; unreadable code counts as yes."""
    names = _defined(data, path)
    return names is None or _plain(qualname) in names


@lru_cache(maxsize=64)
def _defined(data: bytes, path: str) -> frozenset[str] | None:
    try:
        tree = parse(data, path).tree
    except SourceError:
        return None
    found: set[str] = set()
    pending: list[tuple[ast.AST, str]] = [(tree, "")]
    while pending:
        node, prefix = pending.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.add(prefix + child.name)
                pending.append((child, f"{prefix}{child.name}."))
            else:
                pending.append((child, prefix))
    return frozenset(found)


def _plain(qualname: str) -> str:
    """``qualname`` without the marks that Python puts between a function and what is defined in it."""
    parts = [part for part in qualname.split(".") if not part.startswith("<")]
    return ".".join(parts)
