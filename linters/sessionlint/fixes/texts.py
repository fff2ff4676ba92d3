"""The texts of one state of a program, and the trees of its files."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sessionlint.facts.source import Parsed, SourceError, decode, parse
from sessionlint.fixes.line_lengths import LineLengths
from sessionlint.fixes.mentions import Mentions, mentions_in
from sessionlint.fixes.model import refuse
from sessionlint.fixes.requirements import Requirements
from sessionlint.fixes.source import Source

if TYPE_CHECKING:
    from sessionlint.policy_model import Policy
    from sessionlint.program.modules import ModuleNames


class Trees:
    """Parsed files by path and text, so that a file is parsed once however many fixers look at it."""

    def __init__(self) -> None:
        self._sources: dict[str, Source] = {}
        self._trees: dict[str, tuple[bytes, Parsed]] = {}
        self._parents: dict[str, tuple[ast.Module, dict[ast.AST, ast.AST]]] = {}
        self._mentions: dict[str, tuple[ast.Module, Mentions]] = {}

    def source(self, path: str, text: str) -> Source:
        """The tree of a text. Raises :class:`~sessionlint.fixes.model.CannotFixError` when it cannot be read."""
        known = self._sources.get(path)
        if known is None or known.text != text:
            known = self._sources[path] = Source(path, text)
        return known

    def parsed(self, path: str, data: bytes) -> Parsed:
        """The tree of :mod:`ast`, many times quicker. Raises :class:`~sessionlint.facts.source.SourceError`."""
        known = self._trees.get(path)
        if known is None or known[0] != data:
            known = self._trees[path] = (data, parse(data, path))
        return known[1]

    def parents(self, path: str, data: bytes) -> dict[ast.AST, ast.AST]:
        """Every node of that tree but the module, with the one that holds it."""
        tree = self.parsed(path, data).tree
        known = self._parents.get(path)
        if known is None or known[0] is not tree:
            holding = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
            known = self._parents[path] = (tree, holding)
        return known[1]

    def mentions(self, path: str, data: bytes) -> Mentions:
        """What that tree mentions, by name."""
        tree = self.parsed(path, data).tree
        known = self._mentions.get(path)
        if known is None or known[0] is not tree:
            known = self._mentions[path] = (tree, mentions_in(tree))
        return known[1]


class Texts:
    """All files of a state (``sources``), their trees and the ``names`` of their modules: true of it for good.

    ``unread`` are files and folders that cannot be read: what is in them, nobody knows.
    """

    def __init__(
        self,
        sources: Mapping[str, bytes],
        policy: Policy,
        names: ModuleNames,
        trees: Trees | None = None,
        requirements: Requirements | None = None,
        line_lengths: LineLengths | None = None,
        unread: frozenset[str] = frozenset(),
    ) -> None:
        self.sources = sources
        self.unread = unread
        #: the policy the program was solved under
        self.policy = policy
        self.names = names
        self.trees = trees or Trees()
        #: which versions of packages the project asks for
        self.requirements = requirements or Requirements()
        #: how long lines may be
        self.line_lengths = line_lengths or LineLengths()
        self._texts: dict[str, str] = {}

    def text(self, path: str) -> str:
        """The text of a file with line feeds at the ends of its lines. Refuses for a file that cannot be decoded."""
        if path not in self._texts:
            if path not in self.sources:
                refuse("is no file of the checked program", path, 1)
            try:
                self._texts[path] = decode(self.sources[path], path)
            except SourceError as error:
                refuse(error.message, path, error.line)
        return self._texts[path]

    def source(self, path: str) -> Source:
        """The tree of a file, parsed once. Refuses for a file that LibCST cannot read or give back."""
        return self.trees.source(path, self.text(path))

    def tree(self, path: str) -> ast.Module:
        """The tree of a file as :mod:`ast` has it, for searching. Refuses for a file that cannot be parsed."""
        self.text(path)
        try:
            return self.trees.parsed(path, self.sources[path]).tree
        except SourceError as error:
            refuse(error.message, path, error.line)

    def parsed(self, path: str) -> Parsed | None:
        """:meth:`tree` with its text; None for a file that cannot be parsed."""
        try:
            return self.trees.parsed(path, self.sources[path])
        except SourceError:
            return None
