"""What a fixer may ask: the solved program, and the texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from sessionlint.fixes.model import refuse
from sessionlint.fixes.moves import Edit
from sessionlint.fixes.source import Function
from sessionlint.fixes.texts import Texts
from sessionlint.report import Finding, Span

if TYPE_CHECKING:
    from sessionlint.fixes.callers import Callers
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo


class Context(Texts):
    """One state of the program, while nothing else is solved; ``findings`` are all that the rules say, in order."""

    def __init__(self, program: Program, texts: Texts, findings: Sequence[Finding] = ()) -> None:
        known = (texts.trees, texts.requirements, texts.line_lengths, texts.unread)
        super().__init__(texts.sources, texts.policy, texts.names, *known)
        self.program = program
        self.findings = tuple(sorted(findings, key=lambda finding: finding.sort_key))

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
