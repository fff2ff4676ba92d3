"""The Reviewdog Diagnostic Format: one ``DiagnosticResult`` in JSON.

Fields and units: ``proto/rdf/reviewdog.proto`` of github.com/reviewdog/reviewdog. Columns count bytes of UTF-8
from 1; the end is exclusive.
"""

from __future__ import annotations

import json
from typing import Any

from sessionlint.formats.context import RenderContext
from sessionlint.formats.entries import Entry, entries
from sessionlint.formats.escaping import encodable, visible
from sessionlint.report import Report


def render(report: Report, context: RenderContext) -> str:
    """All entries as diagnostics, ending in a newline."""
    result = {
        "source": {"name": "sessionlint"},
        "diagnostics": [_diagnostic(entry, context) for entry in entries(report)],
    }
    return json.dumps(result, indent=2, ensure_ascii=False) + "\n"


def _diagnostic(entry: Entry, context: RenderContext) -> dict[str, Any]:
    return {
        "message": "\n".join([visible(entry.message), *_trace(entry, context.prefix)]),
        "location": _location(entry, context),
        "severity": entry.severity.upper(),
        "code": {"value": entry.code},
    }


def _trace(entry: Entry, prefix: str) -> list[str]:
    return [
        f"{number}. {visible(prefix + step.path)}:{step.line}:{step.column} {visible(step.note)}"
        for number, step in enumerate(entry.trace, start=1)
    ]


def _location(entry: Entry, context: RenderContext) -> dict[str, Any]:
    if not entry.file:
        return {"path": context.prefix or "."}
    return {
        "path": encodable(context.prefix + entry.file),
        "range": {
            "start": {"line": entry.line, "column": _bytes(entry.file, entry.line, entry.column, context)},
            "end": {"line": entry.end_line, "column": _bytes(entry.file, entry.end_line, entry.end_column, context)},
        },
    }


def _bytes(file: str, line: int, column: int, context: RenderContext) -> int:
    source = context.source_line(file, line)
    if source is None:
        return column
    return len(source[: column - 1].encode(errors="replace")) + 1
