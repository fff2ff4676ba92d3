"""Findings at the lines where things stand, where a program numbers the lines of an edited file its own way."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from sessionlint.report import Finding, Span, TraceStep

if TYPE_CHECKING:
    from sessionlint.facts.numbering import Numbering


def placed(findings: Iterable[Finding], numberings: Mapping[str, Numbering]) -> list[Finding]:
    """The findings of a program whose files have these numberings, by path."""
    return [_placed(finding, numberings) if _concerned(finding, numberings) else finding for finding in findings]


def _concerned(finding: Finding, numberings: Mapping[str, Numbering]) -> bool:
    return finding.path in numberings or any(step.path in numberings for step in finding.trace)


def _placed(finding: Finding, numberings: Mapping[str, Numbering]) -> Finding:
    span = finding.span
    numbering = numberings.get(span.path)
    if numbering is not None:
        start, end = numbering.real(span.line, span.column), numbering.real(span.end_line, span.end_column)
        span = Span(span.path, *start, *end)
    trace = tuple(_step(step, numberings.get(step.path)) for step in finding.trace)
    return dataclasses.replace(finding, span=span, trace=trace)


def _step(step: TraceStep, numbering: Numbering | None) -> TraceStep:
    if numbering is None:
        return step
    line, column = numbering.real(step.line, step.column)
    return TraceStep(step.path, line, column, step.note)
