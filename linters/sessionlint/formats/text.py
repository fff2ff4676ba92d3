"""The text report: what a person reads in the terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from sessionlint.codes import CODES
from sessionlint.report import CheckError, Finding, Report, Severity

SourceLine = Callable[[str, int], str | None]
Style = Callable[[str, str], str]
"""Marks a text as one of ``path``, ``code``, ``error``, ``warning``, ``info``, ``caret``, ``dim``, ``good``."""

_NOT_CHECKED = "TXN901"
_TAB = 4
_WIDTH = 160


def plain(text: str, _role: str) -> str:
    """No marking at all."""
    return text


def render(report: Report, source_line: SourceLine, *, style: Style = plain, statistics: bool = False) -> str:
    """The whole text report, ending in a newline.

    ``source_line(path, line)`` gives a line of source without its end, or None when there is none;
    ``style`` marks the parts, for colour.
    """
    blocks = [_finding(finding, source_line, style) for finding in report.findings]
    blocks += [_error(error, style) for error in report.errors]
    if statistics:
        blocks.append(_statistics(report))
    blocks.append(_summary(report, style))
    return "\n\n".join(blocks) + "\n"


def _where(path: str, line: int, column: int) -> str:
    return f"{_printable(path)}:{line}:{column}"


def _finding(finding: Finding, source_line: SourceLine, style: Style) -> str:
    span = finding.span
    level = "" if finding.severity == "error" else f" {style(f'({finding.severity})', finding.severity)}"
    head = f"{style(_where(span.path, span.line, span.column), 'path')}: {style(finding.code, _role(finding.severity))}"
    lines = [f"{head}{level} {_printable(finding.message)}"]
    source = source_line(span.path, span.line)
    if source is not None and source.strip():
        end = span.end_column if span.end_line == span.line else len(source) + 1
        lines += _excerpt(source, span.line, span.column, end, style)
    for number, step in enumerate(finding.trace, start=1):
        where = style(_where(step.path, step.line, step.column), "dim")
        lines.append(f"    {number}. {where}  {_printable(step.note)}")
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


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _columns(text: str) -> int:
    """Width of ``text`` in terminal cells: wide characters take two, combining ones none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def _error(error: CheckError, style: Style) -> str:
    where = style(_where(error.path, error.line, error.column), "path")
    # a rule that failed is named by its code in place of a path
    code = "" if error.path in CODES else f"{style(_NOT_CHECKED, 'code')} "
    return f"{where}: {code}{style('not checked', 'error')}: {_printable(error.message)}"


def _statistics(report: Report) -> str:
    lines = ["Statistics"]
    lines += [f"  {count:>6}  {code} {CODES.get(code, '')}".rstrip() for code, count in report.by_code.items()]
    lines += [f"  {count:>6}  {name}" for name, count in sorted(report.statistics.items())]
    return "\n".join(lines)


def _summary(report: Report, style: Style) -> str:
    files = _count(len(report.files), "file")
    if report.findings:
        found = f"{_count(len(report.findings), 'finding')} in {report.files_with_findings} of {files}"
        line = f"{style(found, 'error')} ({report.compliance_percent}% of files compliant)."
    elif report.errors:
        line = f"No findings in what could be read of {files}."
    else:
        line = f"{style('No findings', 'good')} in {files}."
    if report.errors:
        line += f" {style(_count(len(report.errors), 'problem') + ' kept something from being checked', 'error')}."
    return line


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
