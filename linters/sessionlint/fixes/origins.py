"""Where the findings of a state were when the user was last told of them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from sessionlint.facts.source import decode
from sessionlint.fixes.bench import State
from sessionlint.fixes.merging import LineEdit, line_edits
from sessionlint.fixes.model import Refusal
from sessionlint.report import Finding

if TYPE_CHECKING:
    from sessionlint.fixes.rounds import Change


class Origins:
    """Findings of the state ``now`` as they were in the state ``first``, some fixes before."""

    def __init__(self, first: State, now: State) -> None:
        self._first = first
        self._now = now
        self._edits: dict[str, tuple[LineEdit, ...]] = {}

    def finding(self, finding: Finding) -> Finding:
        """The finding in its first place, and in the words used there."""
        path = finding.path
        if self._first.sources.get(path) == self._now.sources.get(path):
            return finding
        line = self.line(path, finding.span.line)
        alike = [f for f in self._first.findings if (f.code, f.path) == (finding.code, path)]
        there = [f for f in alike if f.span.line == line]
        same = there or [f for f in alike if f.fingerprint == finding.fingerprint]
        same = same or [f for f in alike if f.qualname == finding.qualname]
        if same:
            return min(same, key=lambda f: (abs(f.span.line - line), abs(f.span.column - finding.span.column)))
        moved = line - finding.span.line
        span = dataclasses.replace(finding.span, line=line, end_line=finding.span.end_line + moved)
        return dataclasses.replace(finding, span=span)

    def change(self, change: Change) -> Change:
        """The change with what it mends in the first places."""
        return dataclasses.replace(change, targets=tuple(map(self.finding, change.targets)))

    def refusal(self, refusal: Refusal) -> Refusal:
        """The refusal, with both places in the first texts."""
        line = self.line(refusal.path, refusal.line) if refusal.path and refusal.line else refusal.line
        return dataclasses.replace(refusal, finding=self.finding(refusal.finding), line=line)

    def line(self, path: str, line: int) -> int:
        """The line where a line was; about where, when it has come or changed since."""
        moved = 0
        for edit in self._edits_of(path):
            begin = edit.start + moved
            if line - 1 < begin:
                break
            if line - 1 < begin + len(edit.lines):
                return min(edit.start + line - 1 - begin, max(edit.start, edit.stop - 1)) + 1
            moved += len(edit.lines) - (edit.stop - edit.start)
        return line - moved

    def _edits_of(self, path: str) -> tuple[LineEdit, ...]:
        """What changed in a file, but for how far its lines are indented."""
        if path not in self._edits:
            texts = (_unindented(state.sources.get(path, b""), path) for state in (self._first, self._now))
            self._edits[path] = line_edits(*texts)
        return self._edits[path]


def _unindented(data: bytes, path: str) -> str:
    return "\n".join(line.strip() for line in decode(data, path).split("\n"))
