"""The moves fixers share: statements replaced, removed, inserted, wrapped and unwrapped, with their comments.

An :class:`Edit` collects moves over any number of files. All nodes are those of :meth:`Context.source`; a move
of a node sees what moves of its parts have made of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import libcst as cst

from sessionlint.fixes.model import Proposal, Safety, refuse
from sessionlint.fixes.rebuilding import Change, Rebuilding
from sessionlint.fixes.source import Statement
from sessionlint.patterns import regex

if TYPE_CHECKING:
    from sessionlint.fixes.context import Context
    from sessionlint.report import Finding

_DIRECTIVE = regex(r"#\s*(?:noqa\b|type:\s*ignore|pragma\b|pylint:|ruff:|mypy:|nosec\b|fmt:|sessionlint\b)", re.I)


class Edit:
    """Moves over the files of a program, made together by :meth:`changes`."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._files: dict[str, Rebuilding] = {}
        #: path -> name -> (module, member) of the imports that were asked for
        self.imports: dict[str, dict[str, tuple[str, str]]] = {}
        #: which arguments of a call go, counted from 0
        self.removed_arguments: dict[cst.Call, set[int]] = {}

    def file(self, path: str) -> Rebuilding:
        """The changes of one file."""
        if path not in self._files:
            self._files[path] = Rebuilding(self.context.source(path))
        return self._files[path]

    def change(self, path: str, node: cst.CSTNode, change: Change) -> None:
        """``change`` gets the node as other moves left it, and gives what takes its place."""
        self.file(path).change(node, change)

    def replace(self, path: str, node: cst.CSTNode, by: cst.CSTNode | str) -> None:
        """Puts an expression (a node, or its source) in place of another; parentheses around the old one go."""
        new = cst.parse_expression(by) if isinstance(by, str) else by
        self.change(path, node, lambda _: new)

    def replace_statement(self, path: str, statement: Statement, code: str) -> None:
        """Puts statements in place of one; comments above it, and behind a simple one, stay with the first."""
        made = statements(code)

        def change(old: Any) -> Any:
            new = [made[0].with_changes(leading_lines=[*old.leading_lines, *made[0].leading_lines]), *made[1:]]
            simple = next((i for i, node in enumerate(new) if isinstance(node, cst.SimpleStatementLine)), None)
            if simple is not None and isinstance(old, cst.SimpleStatementLine):
                new[simple] = new[simple].with_changes(trailing_whitespace=old.trailing_whitespace)
            return cst.FlattenSentinel(new)

        self.change(path, statement, change)

    def remove(self, path: str, statement: Statement, *, with_comments: bool = False) -> None:
        """Takes a statement out. Comments about it stay unless asked otherwise, directives (``noqa``) never do."""

        def change(old: Any) -> Any:
            return cst.FlattenSentinel([] if with_comments else [*_comments_above(old), *_comment_behind(old)])

        self.change(path, statement, change)

    def insert_before(self, path: str, statement: Statement, code: str) -> None:
        """Puts statements above one and its comments."""
        made = statements(code)
        self.change(path, statement, lambda old: cst.FlattenSentinel([*made, *_flat(old)]))

    def insert_after(self, path: str, statement: Statement, code: str) -> None:
        """Puts statements below one."""
        made = statements(code)
        self.file(path).wrap(statement, statement, lambda old: cst.FlattenSentinel([*old, *made]))

    def wrap(self, path: str, first: Statement, last: Statement, header: str) -> None:
        """Indents the statements from ``first`` to ``last`` of one block below ``header``: ``async with x.begin():``.

        Comments above the first one stay above the header.
        """
        (outer,) = statements(f"{header}\n    pass\n")
        assert isinstance(outer, cst.BaseCompoundStatement)

        def around(inner: Sequence[Any]) -> Any:
            loose = [node for node in inner if isinstance(node, cst.EmptyLine)]
            body = [node for node in inner if not isinstance(node, cst.EmptyLine)]
            if not body:
                return cst.FlattenSentinel(loose)
            above = [*loose, *body[0].leading_lines]
            body[0] = body[0].with_changes(leading_lines=[])
            return outer.with_changes(leading_lines=above, body=cst.IndentedBlock(body=body))

        self.file(path).wrap(first, last, around)

    def unwrap(self, path: str, compound: cst.BaseCompoundStatement) -> None:
        """Puts the block of a ``with``, ``if`` or ``try`` in its place, dedented; comments stay."""
        line = self.context.source(path).line(compound)

        def change(old: Any) -> Any:
            if not isinstance(old.body, cst.IndentedBlock):
                refuse("the block stands on the line of what holds it", path, line)
            return cst.FlattenSentinel(unwrapped(old))

        self.change(path, compound, change)

    def changes(self) -> dict[str, str]:
        """The new texts of the files that moves were made in."""
        from sessionlint.fixes.moves_imports import place_imports

        for path in list(self.imports):
            place_imports(self, path)
        texts = {path: file.text() for path, file in self._files.items()}
        return {path: text for path, text in texts.items() if text != self.context.text(path)}

    def proposal(self, finding: Finding, title: str, safety: Safety) -> Proposal:
        """The moves as what a fixer answers."""
        return Proposal(finding, title, safety, self.changes())


def statements(code: str) -> list[Any]:
    """The statements in a piece of source, which may be indented as a whole. Comments above them come along."""
    import textwrap

    module = cst.parse_module(textwrap.dedent(code).strip("\n") + "\n")
    body: list[Any] = list(module.body)
    if body and module.header:
        body[0] = body[0].with_changes(leading_lines=[*module.header, *body[0].leading_lines])
    return body


def unwrapped(compound: Any) -> list[Any]:
    """The statements in the block of a compound one, with the comments above, behind and below it."""
    block = compound.body
    above = [*compound.leading_lines, *_as_lines(block.header)]
    body = list(block.body)
    body[0] = body[0].with_changes(leading_lines=[*above, *body[0].leading_lines])
    return [*body, *block.footer]


def _comments_above(statement: Any) -> Iterator[cst.EmptyLine]:
    for line in statement.leading_lines:
        if line.comment is None or not _DIRECTIVE.match(line.comment.value):
            yield line


def _comment_behind(statement: Any) -> Iterator[cst.EmptyLine]:
    if isinstance(statement, cst.SimpleStatementLine):
        yield from _as_lines(statement.trailing_whitespace)


def _as_lines(behind: cst.TrailingWhitespace) -> list[cst.EmptyLine]:
    """A comment behind code as a line of its own; none for a directive, which was about that code."""
    if behind.comment is None or _DIRECTIVE.match(behind.comment.value):
        return []
    return [cst.EmptyLine(comment=behind.comment)]


def _flat(result: Any) -> list[Any]:
    return list(result) if isinstance(result, cst.FlattenSentinel) else [result]
