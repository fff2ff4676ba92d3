"""What a fixer may ask: the solved program, the texts, and the trees of files."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from sessionlint.facts.source import Parsed, SourceError, decode, parse
from sessionlint.fixes.line_lengths import LineLengths
from sessionlint.fixes.mentions import Mentions, mentions_in
from sessionlint.fixes.model import refuse
from sessionlint.fixes.moves import Edit
from sessionlint.fixes.requirements import Requirements
from sessionlint.fixes.source import Function, Source
from sessionlint.report import Finding, Span

if TYPE_CHECKING:
    from sessionlint.fixes.callers import Callers
    from sessionlint.policy_model import Policy
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo


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


class Context:
    """One state of the program. ``sources`` are all its files; ``findings`` all that the rules say about them."""

    def __init__(
        self,
        program: Program,
        sources: Mapping[str, bytes],
        findings: Sequence[Finding] = (),
        trees: Trees | None = None,
        requirements: Requirements | None = None,
        line_lengths: LineLengths | None = None,
    ) -> None:
        self.program = program
        self.sources = sources
        self.findings = tuple(findings)
        self.trees = trees or Trees()
        #: which versions of packages the project asks for
        self.requirements = requirements or Requirements()
        #: how long lines may be
        self.line_lengths = line_lengths or LineLengths()
        self._texts: dict[str, str] = {}

    @property
    def policy(self) -> Policy:
        """The policy the program was solved under."""
        return self.program.policy

    # files

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

    def edit(self) -> Edit:
        """A fresh set of moves."""
        return Edit(self)

    # what the program knows of a place

    @cached_property
    def _events(self) -> dict[str, list[Event]]:
        table: dict[str, list[Event]] = {}
        for function in self.program.functions:
            table.setdefault(function.path, []).extend(function.events)
        return table

    def events(self, path: str, *kinds: str) -> Iterator[Event]:
        """The events of a file, of all kinds or of those named."""
        return (event for event in self._events.get(path, ()) if not kinds or event.kind in kinds)

    def events_at(self, span: Span, *kinds: str) -> list[Event]:
        """The events with exactly this span."""
        place = (span.line, span.column, span.end_line, span.end_column)
        return [event for event in self.events(span.path, *kinds) if event.span == place]

    def function_at(self, path: str, line: int, column: int = 1_000_000) -> FunctionInfo | None:
        """The innermost function around a place (by default: around the end of a line); None at module level."""
        found = [f for f in self._functions.get(path, ()) if f.span[:2] <= (line, column) and (line, 1) <= f.span[2:]]
        return max(found, key=lambda f: f.span[:2]) if found else None

    @cached_property
    def _functions(self) -> dict[str, list[FunctionInfo]]:
        table: dict[str, list[FunctionInfo]] = {}
        for function in self.program.functions:
            if function.name != "<module>" and function.name != "<lambda>":
                table.setdefault(function.path, []).append(function)
        return table

    def node_of(self, function: FunctionInfo) -> Function:
        """The ``def`` of a function of the program."""
        found = self.source(function.path).functions().get((function.header[0], function.header[1]))
        if found is None:
            refuse(f"{function.qualname} is not written as a def", function.path, function.header[0])
        return found

    def callers(self, function: FunctionInfo) -> Callers:
        """Every place of the program that calls a function, and every place that may."""
        from sessionlint.fixes.callers import callers_of

        if function not in self._callers:
            self._callers[function] = callers_of(self, function)
        return self._callers[function]

    def is_handed_around(self, path: str) -> bool:
        """Whether a module of the program is anywhere used as a value: as an argument, in a dict."""
        from sessionlint.fixes.callers_bindings import is_handed_around

        if path not in self._handed_around:
            self._handed_around[path] = is_handed_around(self, path)
        return self._handed_around[path]

    @cached_property
    def _handed_around(self) -> dict[str, bool]:
        return {}

    @cached_property
    def _callers(self) -> dict[FunctionInfo, Callers]:
        return {}
