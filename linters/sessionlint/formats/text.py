"""The text report: what a person reads in the terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from sessionlint.codes import CODES
from sessionlint.formats.escaping import visible
from sessionlint.report import CheckError, Finding, Report, Severity, Suppressed

SourceLine = Callable[[str, int], str | None]
Style = Callable[[str, str], str]
"""Marks a text as one of ``path``, ``code``, ``error``, ``warning``, ``info``, ``caret``, ``dim``, ``good``."""

_NOT_CHECKED = "TXN901"
_TAB = 4
_WIDTH = 160


def plain(text: str, _role: str) -> str:
    """No marking at all."""
    return text


def render(
    report: Report,
    source_line: SourceLine,
    *,
    style: Style = plain,
    statistics: bool = False,
    show_suppressed: bool = False,
) -> str:
    """The whole text report, ending in a newline.

    ``source_line(path, line)`` gives a line of source without its end, or None when there is none;
    ``style`` marks the parts, for colour. ``show_suppressed`` lists what does not count as well.
    """
    blocks = [_finding(finding, source_line, style) for finding in report.findings]
    blocks += [_error(error, style) for error in report.errors]
    if show_suppressed:
        blocks += [_suppressed(entry, style) for entry in report.suppressed]
        blocks += [_absorbed(finding, report.compared_with, style) for finding in report.absorbed]
    if statistics:
        blocks.append(_statistics(report))
    blocks.append(summary(report, style))
    return "\n\n".join(blocks) + "\n"


def _where(path: str, line: int, column: int) -> str:
    return f"{visible(path)}:{line}:{column}"


def _head(finding: Finding, style: Style) -> str:
    span = finding.span
    level = "" if finding.severity == "error" else f" {style(f'({finding.severity})', finding.severity)}"
    head = f"{style(_where(span.path, span.line, span.column), 'path')}: {style(finding.code, _role(finding.severity))}"
    return f"{head}{level} {visible(finding.message)}"


def _finding(finding: Finding, source_line: SourceLine, style: Style) -> str:
    span = finding.span
    lines = [_head(finding, style)]
    source = source_line(span.path, span.line)
    if source is not None and source.strip():
        end = span.end_column if span.end_line == span.line else len(source) + 1
        lines += _excerpt(source, span.line, span.column, end, style)
    for number, step in enumerate(finding.trace, start=1):
        where = style(_where(step.path, step.line, step.column), "dim")
        lines.append(f"    {number}. {where}  {visible(step.note)}")
    return "\n".join(lines)


def _role(severity: Severity) -> str:
    return "code" if severity == "error" else severity


def _excerpt(source: str, line: int, column: int, end: int, style: Style) -> list[str]:
    """The source line and its underline, aligned for tabs and wide characters; long lines are cut around it."""
    start, stop = column - 1, max(end - 1, column)
    offset = 0
    if len(source) > _WIDTH:
        offset = max(0, min(start - 40, len(source) - _WIDTH))
        source = source[offset : offset + _WIDTH]
    before = _shown(source[: start - offset])
    marked = _shown(source[start - offset : stop - offset].rstrip())
    gutter = str(line)
    under = " " * _columns(before) + style("^" * max(1, _columns(marked)), "caret")
    return [
        f"  {style(f'{gutter} |', 'dim')} {_shown(source).rstrip()}",
        f"  {style(' ' * len(gutter) + ' |', 'dim')} {under}",
    ]


def _shown(text: str) -> str:
    return "".join(
        " " * _TAB if char == "\t" else char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text
    )


def _columns(text: str) -> int:
    """Width of ``text`` in terminal cells: wide characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def _suppressed(entry: Suppressed, style: Style) -> str:
    until = f" (until {entry.by.until})" if entry.by.until else ""
    reason = f"suppressed in line {entry.by.line}: {visible(entry.by.reason)}{until}"
    return f"{_head(entry.finding, style)}\n    {style(reason, 'dim')}"


def _absorbed(finding: Finding, by: str, style: Style) -> str:
    return f"{_head(finding, style)}\n    {style(f'known: absorbed by {visible(by)}', 'dim')}"


def _error(error: CheckError, style: Style) -> str:
    where = style(_where(error.path, error.line, error.column), "path")
    # a rule that failed is named by its code in place of a path
    code = "" if error.path in CODES else f"{style(_NOT_CHECKED, 'code')} "
    return f"{where}: {code}{style('not checked', 'error')}: {visible(error.message)}"


def _statistics(report: Report) -> str:
    lines = ["Statistics"]
    lines += [f"  {count:>6}  {code} {CODES.get(code, '')}".rstrip() for code, count in report.by_code.items()]
    lines += [f"  {count:>6}  {name}" for name, count in sorted(report.statistics.items())]
    return "\n".join(lines)


def summary(report: Report, style: Style = plain) -> str:
    """The totals in a sentence or two: what counts, what is known or suppressed, what could not be checked."""
    files = _count(len(report.files), "file")
    passed_over = _passed_over(report)
    share = f" ({report.compliance_percent}% of files compliant)"
    if report.findings:
        found = f"{_count(len(report.findings), 'finding')} in {report.files_with_findings} of {files}"
        line = f"{style(found, 'error')}{passed_over}{share}."
    elif report.errors:
        line = f"No findings in what could be read of {files}{passed_over}."
    else:
        line = f"{style('No findings', 'good')} in {files}{passed_over}{share if report.absorbed else ''}."
    if report.errors:
        line += f" {style(_count(len(report.errors), 'problem') + ' kept something from being checked', 'error')}."
    return line


def _passed_over(report: Report) -> str:
    """``; 41 known ones absorbed by …, 3 suppressed``, or nothing."""
    parts = []
    if report.absorbed:
        known = _count(len(report.absorbed), "known one" if report.findings else "known finding")
        parts.append(f"{known} absorbed by {visible(report.compared_with)}")
    if report.suppressed:
        parts.append(f"{len(report.suppressed)} suppressed")
    return f"; {', '.join(parts)}" if parts else ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
