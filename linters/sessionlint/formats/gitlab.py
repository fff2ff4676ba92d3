"""GitLab Code Quality: the array a merge request compares with its target branch.

Fields: "Code Quality report format" in GitLab's documentation (ci/testing/code_quality). Entries of equal
fingerprint collapse into one, hence the numbered keys; a byte order mark makes the file unreadable.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sessionlint.formats.context import RenderContext
from sessionlint.formats.entries import Entry, entries
from sessionlint.formats.escaping import encodable, visible
from sessionlint.report import Report, Severity

_SEVERITY: Mapping[Severity, str] = {"error": "major", "warning": "minor", "info": "info"}


def render(report: Report, context: RenderContext) -> str:
    """All entries as a JSON array, ending in a newline; an empty report is an empty array."""
    rows = [_row(entry, context.prefix) for entry in entries(report)]
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"


def _row(entry: Entry, prefix: str) -> dict[str, Any]:
    return {
        "description": f"{entry.code}: {visible(entry.message)}",
        "check_name": entry.title.replace(" ", "-", 1),
        "fingerprint": entry.key,
        "severity": "critical" if entry.is_error else _SEVERITY[entry.severity],
        "location": {
            "path": encodable(prefix + entry.file) if entry.file else prefix or ".",
            "lines": {"begin": entry.line, "end": entry.end_line},
        },
    }
