"""Findings as the protocol's diagnostics."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lsprotocol import types

from sessionlint.report import Finding
from sessionlint.server.positions import Units
from sessionlint.server.workspace import Shown

SOURCE = "sessionlint"
_SEVERITIES = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "info": types.DiagnosticSeverity.Information,
}
_UNUSED_SUPPRESSION = "TXN903"


class Presenter:
    """Turns findings into diagnostics for one client.

    ``uri_of`` gives the URI of a file, ``page_of`` that of a rule's page in a project ("" when there is none).
    """

    def __init__(self, units: Units, uri_of: Callable[[Path], str], page_of: Callable[[Shown], str]) -> None:
        self._units = units
        self._uri_of = uri_of
        self._page_of = page_of

    def diagnostic(self, shown: Shown) -> types.Diagnostic:
        """The diagnostic of one finding; its ``data`` finds it again."""
        finding = shown.finding
        page = self._page_of(shown)
        return types.Diagnostic(
            range=self.range(shown),
            severity=_SEVERITIES[finding.severity],
            code=finding.code,
            code_description=types.CodeDescription(page) if page else None,
            source=SOURCE,
            message=finding.message,
            tags=[types.DiagnosticTag.Unnecessary] if finding.code == _UNUSED_SUPPRESSION else None,
            related_information=[self._related(shown, index) for index in range(len(finding.trace))] or None,
            data=key_of(finding),
        )

    def range(self, shown: Shown) -> types.Range:
        """The range of a finding; an end behind the end of its line is there."""
        span = shown.finding.span
        start = self._position(shown, span.path, span.line, span.column)
        end = self._position(shown, span.path, span.end_line, span.end_column)
        return types.Range(start, end)

    def _position(self, shown: Shown, path: str, line: int, column: int) -> types.Position:
        text = shown.line_of(path, line)
        return types.Position(line - 1, self._units.to_client(text, column) if text is not None else 0)

    def _related(self, shown: Shown, index: int) -> types.DiagnosticRelatedInformation:
        step = shown.finding.trace[index]
        start = self._position(shown, step.path, step.line, step.column)
        text = shown.line_of(step.path, step.line) or ""
        end = types.Position(start.line, max(start.character, self._units.to_client(text, len(text.rstrip()) + 1)))
        location = types.Location(self._uri_of(shown.project.root / step.path), types.Range(start, end))
        return types.DiagnosticRelatedInformation(location, f"{index + 1}. {step.note}")


def key_of(finding: Finding) -> dict[str, str | int]:
    """What tells a finding from all others of its file."""
    return {"fingerprint": finding.fingerprint, "line": finding.span.line, "column": finding.span.column}
