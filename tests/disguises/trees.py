"""Going through syntax trees: as :mod:`ast` does it, but for what has no place in a text, and several times as fast."""

from __future__ import annotations

import ast
from collections.abc import Iterator

#: Fields that hold texts, numbers, operators or whether a name is read: nothing that a disguise looks at.
_LEAVES = frozenset({"id", "attr", "arg", "ctx", "op", "ops", "kind", "type_comment", "asname", "module", "level"})


class _Fields(dict[type[ast.AST], tuple[str, ...]]):
    """The fields of each kind of node in which there may be others."""

    def __missing__(self, kind: type[ast.AST]) -> tuple[str, ...]:
        return self.setdefault(kind, tuple(name for name in kind._fields if name not in _LEAVES))


_FIELDS = _Fields({ast.Constant: (), ast.alias: (), ast.Global: (), ast.Nonlocal: ()})


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes directly inside a node, in the order of the text."""
    found: list[ast.AST] = []
    for name in _FIELDS[type(node)]:
        value = getattr(node, name, None)
        if isinstance(value, list):
            found += [item for item in value if isinstance(item, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all below it, those nearer to it first."""
    found = [node]
    for each in found:
        found += children(each)
        yield each


class Replace:
    """Replaces nodes, found by identity."""

    def __init__(self, by: dict[int, ast.expr]) -> None:
        self.by = by
        self._new = {id(node) for node in by.values()}

    def visit(self, node: ast.AST) -> ast.AST:
        """The replacement, or the node with what is below it replaced."""
        if id(node) in self.by:
            return self.by[id(node)]
        pending = [node]
        for each in pending:
            for name in _FIELDS[type(each)]:
                value = getattr(each, name, None)
                if isinstance(value, list):
                    value[:] = [self.by.get(id(item), item) for item in value]
                elif id(value) in self.by:
                    setattr(each, name, self.by[id(value)])
            pending += [child for child in children(each) if id(child) not in self._new]
        return node
