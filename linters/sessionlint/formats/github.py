"""Workflow commands of GitHub Actions: annotations on the lines of a change, the rest in the log.

Syntax, escapes and the stopping of commands: "Workflow commands for GitHub Actions" in GitHub's documentation,
and ``ActionCommand`` of github.com/actions/runner, which reads a command after leading blanks and the older
``##[command]`` anywhere in a line. A step shows ten annotations of each level; more are dropped without a word.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping

from sessionlint.formats.context import RenderContext
from sessionlint.formats.entries import Entry, by_importance, entries
from sessionlint.formats.escaping import encodable, shortened, visible
from sessionlint.formats.text import summary
from sessionlint.report import Report, Severity

PER_LEVEL = 10
"""Annotations of one level that a step can have."""

_LEVEL: Mapping[Severity, str] = {"error": "error", "warning": "warning", "info": "notice"}
_LONGEST = 4000


def render(report: Report, context: RenderContext) -> str:
    """Annotations for the most important entries, a folded list of the others, and the totals."""
    annotated: list[Entry] = []
    rest: list[Entry] = []
    used: Counter[Severity] = Counter()
    for entry in by_importance(entries(report)):
        room = used[entry.severity] < PER_LEVEL
        (annotated if room else rest).append(entry)
        used[entry.severity] += room
    lines = [_annotation(entry, context.prefix) for entry in annotated]
    if rest:
        lines += _folded([_line(entry, context.prefix) for entry in rest])
    lines += _without_commands([visible(summary(report))])
    return "\n".join(lines) + "\n"


def _annotation(entry: Entry, prefix: str) -> str:
    properties: dict[str, object] = {}
    if entry.file:
        properties = {"file": encodable(prefix + entry.file), "line": entry.line}
        if entry.end_line == entry.line:
            # GitHub refuses columns of an annotation over several lines
            properties |= {"col": entry.column, "endLine": entry.line, "endColumn": entry.end_column}
        else:
            properties |= {"endLine": entry.end_line}
    properties["title"] = entry.title
    shown = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    message = _data(shortened(visible(entry.message), _LONGEST))
    return f"::{_LEVEL[entry.severity]} {shown}::{message}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _line(entry: Entry, prefix: str) -> str:
    where = f"{prefix}{entry.file}:{entry.line}:{entry.column}: " if entry.file else ""
    return visible(f"{where}{entry.code} ({entry.severity}) {shortened(entry.message, _LONGEST)}")


def _folded(lines: list[str]) -> list[str]:
    title = f"{len(lines)} more, which GitHub has no room to annotate"
    return [f"::group::{title}", *_without_commands(lines), "::endgroup::"]


def _without_commands(lines: list[str]) -> list[str]:
    """``lines`` as GitHub must show and not obey them, whatever the checked code put into its names."""
    if not any("::" in line or "##[" in line for line in lines):
        return lines
    # a text cannot hold the hash of itself, so nothing in it can end the stop
    token = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    return [f"::stop-commands::{token}", *lines, f"::{token}::"]
