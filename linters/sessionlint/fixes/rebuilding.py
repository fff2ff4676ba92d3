"""Changes to a tree, collected by node and made in one walk that leaves everything else as it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import libcst as cst

from sessionlint.fixes.source import Source

NodeT = TypeVar("NodeT", bound=cst.CSTNode)
Result = cst.CSTNode | cst.RemovalSentinel | cst.FlattenSentinel[Any]
Change = Callable[[Any], Result]


class Rebuilding:
    """Changes to one file. Several changes of a node are made in the order they were asked for, inner nodes first.

    What takes the place of a statement may hold loose :class:`libcst.EmptyLine`: they go above what follows.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._changes: dict[cst.CSTNode, list[Change]] = {}
        self._wraps: dict[cst.CSTNode, list[_Wrap]] = {}
        self._touched: set[cst.CSTNode] = set()

    def change(self, node: cst.CSTNode, change: Change, *, first: bool = False) -> None:
        """``change`` gets the node (with what became of its parts) and gives what takes its place."""
        made = self._changes.setdefault(node, [])
        made.insert(0 if first else len(made), change)
        self._touch(node)

    def wrap(self, first: cst.CSTNode, last: cst.CSTNode, around: Callable[[Sequence[Any]], Result]) -> None:
        """``around`` gets what became of the statements from ``first`` to ``last`` and gives what replaces them."""
        block = self.source.block(first)
        body = list(block.body)
        start, stop = _index(body, first), _index(body, last)
        self._wraps.setdefault(block, []).append(_Wrap(start, stop, around))
        self._touched.add(block)
        self._touch(block)

    def text(self) -> str:
        """The text of the file with all changes made."""
        header, statements, footer = self.source.pieces
        module = self.source.module
        if module in self._wraps:
            made = self._statements(module, module.body)
            return self._joined([header, *(module.code_for_node(node) for node in made), footer])
        parts = [header]
        for statement, code in zip(module.body, statements, strict=True):
            if statement in self._touched:
                parts += [module.code_for_node(node) for node in self._results(statement)]
            else:
                parts.append(code)
        return self._joined([*parts, footer])

    def _joined(self, parts: Sequence[str]) -> str:
        text = "".join(parts)
        return text if self.source.module.has_trailing_newline else text.removesuffix("\n")

    def _touch(self, node: cst.CSTNode) -> None:
        self._touched.add(node)
        for outer in self.source.ancestors(node):
            if outer in self._touched:
                break
            self._touched.add(outer)

    def _results(self, node: cst.CSTNode) -> list[cst.CSTNode]:
        """What takes the place of a node: nothing, itself, one or several."""
        if node not in self._touched:
            return [node]
        results: list[cst.CSTNode] = [self._with_parts(node)]
        if isinstance(results[0], cst.SimpleStatementLine) and not results[0].body:
            results = list(results[0].leading_lines)
        for change in self._changes.get(node, ()):
            results = [made for current in results[:1] for made in _nodes(change(current))] + results[1:]
        return results

    def _with_parts(self, node: cst.CSTNode) -> cst.CSTNode:
        parts: dict[str, Any] = {}
        for field in dataclasses.fields(cast(Any, node)):
            value = getattr(node, field.name)
            if isinstance(value, cst.CSTNode):
                if value in self._touched:
                    parts[field.name] = _one(self._results(value))
            elif field.name == "body" and isinstance(node, cst.IndentedBlock):
                parts.update(_settled(self._statements(node, value), node))
            elif isinstance(value, list | tuple) and any(item in self._touched for item in value if _is_node(item)):
                parts[field.name] = [made for item in value for made in self._results(item)]
        return node.with_changes(**parts) if parts else node

    def _statements(self, block: cst.CSTNode, nodes: Sequence[Any]) -> list[Any]:
        results = [self._results(node) for node in nodes]
        # inner stretches first, so that an outer one gets them wrapped
        for wrap in sorted(self._wraps.get(block, ()), key=lambda wrap: wrap.stop - wrap.start):
            inner = [node for made in results[wrap.start : wrap.stop + 1] for node in made]
            results[wrap.start] = _nodes(wrap.around(inner))
            for index in range(wrap.start + 1, wrap.stop + 1):
                results[index] = []
        return [node for made in results for node in made]


@dataclasses.dataclass(frozen=True, slots=True)
class _Wrap:
    start: int
    stop: int
    around: Callable[[Sequence[Any]], Result]


def _index(body: Sequence[cst.CSTNode], node: cst.CSTNode) -> int:
    return next(index for index, candidate in enumerate(body) if candidate is node)


def _is_node(value: object) -> bool:
    return isinstance(value, cst.CSTNode)


def _nodes(result: Result) -> list[cst.CSTNode]:
    if isinstance(result, cst.RemovalSentinel):
        return []
    return list(result) if isinstance(result, cst.FlattenSentinel) else [result]


def _one(results: list[cst.CSTNode]) -> Any:
    return results[0] if results else None


def _settled(made: Sequence[Any], block: cst.IndentedBlock) -> dict[str, Any]:
    """Body and footer of a block: loose lines go above what follows them; an empty block gets ``pass``."""
    body: list[Any] = []
    loose: list[cst.EmptyLine] = []
    for node in made:
        if isinstance(node, cst.EmptyLine):
            loose.append(node)
        else:
            body.append(node.with_changes(leading_lines=[*loose, *node.leading_lines]) if loose else node)
            loose = []
    if body and not _opens_blank(next(iter(block.body), None)):
        body[0] = _without_blank(body[0])
    if not body:
        body, loose = [cst.SimpleStatementLine([cst.Pass()], leading_lines=loose)], []
    return {"body": body, "footer": [*loose, *block.footer]}


def _opens_blank(statement: Any) -> bool:
    """Whether a blank line stands above a statement and its comments."""
    above: list[cst.EmptyLine] = list(getattr(statement, "leading_lines", ()))
    return bool(above) and above[0].comment is None


def _without_blank(statement: Any) -> Any:
    above = list(getattr(statement, "leading_lines", ()))
    while above and above[0].comment is None:
        del above[0]
    return statement.with_changes(leading_lines=above) if len(above) < len(statement.leading_lines) else statement
