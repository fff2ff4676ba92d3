"""One file as LibCST reads it, with the places of its nodes in the coordinates of findings."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import cache, cached_property
from typing import Any, TypeVar

import libcst as cst
from libcst.metadata import CodeRange, MetadataWrapper, PositionProvider

from sessionlint.facts.ir import Span4
from sessionlint.fixes.model import refuse
from sessionlint.report import Span

NodeT = TypeVar("NodeT", bound=cst.CSTNode)
Function = cst.FunctionDef
Statement = cst.SimpleStatementLine | cst.BaseCompoundStatement


class Source:
    """The tree of a file. Lines and columns count from 1, columns in characters, ends are exclusive.

    ``text`` has line feeds at the ends of its lines and no byte order mark. Raises
    :class:`~sessionlint.fixes.model.CannotFixError` when LibCST cannot read the text, or cannot give it back as it was.
    """

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        try:
            self.module = cst.parse_module(text)
        except cst.ParserSyntaxError as error:
            refuse(f"the file cannot be read: {error.message}", path, error.raw_line)
        if self.module.code != text:
            refuse("the file cannot be rewritten: its layout would not survive", path, 1)

    # places

    @cached_property
    def _positions(self) -> dict[cst.CSTNode, Span4]:
        # The tree is fresh from the parser, so no node is in it twice and none needs to be copied.
        wrapper = MetadataWrapper(self.module, unsafe_skip_copy=True)
        return {node: _span4(place) for node, place in wrapper.resolve(PositionProvider).items()}

    @cached_property
    def _by_span(self) -> dict[Span4, list[cst.CSTNode]]:
        table: dict[Span4, list[cst.CSTNode]] = {}
        for node, span in self._positions.items():
            table.setdefault(span, []).append(node)
        return table

    @cached_property
    def parents(self) -> dict[cst.CSTNode, cst.CSTNode]:
        """Every node but the module, with the one that holds it."""
        found: dict[cst.CSTNode, cst.CSTNode] = {}
        pending: list[cst.CSTNode] = [self.module]
        while pending:
            node = pending.pop()
            for child in children(node):
                found[child] = node
                pending.append(child)
        return found

    def walk(self, below: cst.CSTNode | None = None) -> Iterator[cst.CSTNode]:
        """A node (the module) and all below it, outer ones first, in the order of the text."""
        pending = [below or self.module]
        while pending:
            node = pending.pop()
            yield node
            pending.extend(reversed(children(node)))

    def span(self, node: cst.CSTNode) -> Span4:
        """Line, column, end line and end column of a node, without its comments and parentheses."""
        return self._positions[node]

    def line(self, node: cst.CSTNode) -> int:
        """The line a node begins on."""
        return self._positions[node][0]

    # finding nodes

    def node_at(self, span: Span | Span4, kind: type[NodeT]) -> NodeT:
        """The innermost node of a class at a finding's or an event's span.

        A node with exactly that span comes first, then the smallest one around it. Refuses when there is none.
        """
        place = _plain(span)
        # the provider meets the end of inner nodes first
        exact = [node for node in self._by_span.get(place, ()) if isinstance(node, kind)]
        if exact:
            return exact[0]
        around = [node for node in self._of(kind) if _holds(self.span(node), place)]
        if not around:
            refuse(f"no {kind.__name__} is written there", self.path, place[0])
        return min(around, key=lambda node: _extent(self.span(node)))

    def nodes_in(self, span: Span | Span4, kind: type[NodeT]) -> list[NodeT]:
        """All nodes of a class that lie within a span, in the order of the text."""
        place = _plain(span)
        found = [node for node in self._of(kind) if _holds(place, self.span(node))]
        return sorted(found, key=self.span)

    def _of(self, kind: type[NodeT]) -> list[NodeT]:
        return [node for node in self._positions if isinstance(node, kind)]

    def ancestors(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """The nodes around a node, innermost first; the module is the last."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def around(self, node: cst.CSTNode, kind: type[NodeT]) -> NodeT | None:
        """The node itself or the innermost one around it that is of a class; None when there is none."""
        for candidate in (node, *self.ancestors(node)):
            if isinstance(candidate, kind):
                return candidate
        return None

    def statement(self, node: cst.CSTNode) -> Statement:
        """The statement a node belongs to: a line of simple statements, or a compound one."""
        for candidate in (node, *self.ancestors(node)):
            if isinstance(candidate, cst.SimpleStatementLine | cst.BaseCompoundStatement):
                return candidate
        return refuse("no statement is written there", self.path, self.line(node))

    def block(self, statement: cst.CSTNode) -> cst.IndentedBlock | cst.Module:
        """The block that holds a statement. Refuses for a statement on the line of its ``if``, ``with``…"""
        parent = self.parents[statement]
        if isinstance(parent, cst.IndentedBlock | cst.Module):
            return parent
        return refuse("the statement stands on the line of what holds it", self.path, self.line(statement))

    def function(self, node: cst.CSTNode) -> Function | None:
        """The innermost ``def`` around a node, not the node itself; None at module level."""
        return next((n for n in self.ancestors(node) if isinstance(n, cst.FunctionDef)), None)

    def functions(self) -> dict[tuple[int, int], Function]:
        """Every ``def`` by line and column of its ``def`` or ``async def``."""
        return self._functions

    @cached_property
    def _functions(self) -> dict[tuple[int, int], Function]:
        return {self.span(node)[:2]: node for node in self._positions if isinstance(node, cst.FunctionDef)}

    def code(self, node: cst.CSTNode) -> str:
        """The source of a node (of statements: with the comments above them)."""
        return self.module.code_for_node(node)

    @cached_property
    def pieces(self) -> tuple[str, tuple[str, ...], str]:
        """The text before the first statement, that of each statement of the module, and the text after the last."""
        header = "".join(self.code(line) for line in self.module.header)
        statements = tuple(self.code(statement) for statement in self.module.body)
        return header, statements, "".join(self.code(line) for line in self.module.footer)


def children(node: cst.CSTNode) -> list[cst.CSTNode]:
    """The nodes right below a node in the order of its fields; many times quicker than LibCST's own ``children``."""
    found: list[cst.CSTNode] = []
    for name in _fields(type(node)):
        value = getattr(node, name)
        if isinstance(value, cst.CSTNode):
            found.append(value)
        elif type(value) in (list, tuple):
            found.extend(item for item in value if isinstance(item, cst.CSTNode))
    return found


@cache
def _fields(kind: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


def _span4(place: CodeRange) -> Span4:
    return (place.start.line, place.start.column + 1, place.end.line, place.end.column + 1)


def _plain(span: Span | Span4) -> Span4:
    return (span.line, span.column, span.end_line, span.end_column) if isinstance(span, Span) else span


def _holds(outer: Span4, inner: Span4) -> bool:
    return outer[:2] <= inner[:2] and inner[2:] <= outer[2:]


def _extent(span: Span4) -> tuple[int, int, int]:
    """Smaller for a smaller one of several spans around one place."""
    return (span[2] - span[0], -span[0], span[3] - span[1])
