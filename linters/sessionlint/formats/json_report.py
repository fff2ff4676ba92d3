"""The JSON report: the contract other programs read."""

from __future__ import annotations

import json
from typing import Any

from sessionlint.report import CheckError, Finding, Report, Suppression

VERSION = 1


def as_mapping(report: Report, *, show_suppressed: bool = False) -> dict[str, Any]:
    """The report as plain data, key for key what :func:`render` writes."""
    passed_over = {
        "suppressed": [
            {**_finding(entry.finding), "suppression": _suppression(entry.by)} for entry in report.suppressed
        ],
        "absorbed": [_finding(finding) for finding in report.absorbed],
    }
    return {
        "version": VERSION,
        "findings": [_finding(finding) for finding in report.findings],
        "errors": [_error(error) for error in report.errors],
        **(passed_over if show_suppressed else {}),
        "summary": {
            "files": len(report.files),
            "files_with_findings": report.files_with_findings,
            "compliance_percent": report.compliance_percent,
            "by_code": report.by_code,
            "suppressed": len(report.suppressed),
            "absorbed": len(report.absorbed),
            "stale": sum(entry.count for entry in report.stale),
        },
    }


def render(report: Report, *, show_suppressed: bool = False) -> str:
    """The JSON text of ``report``, ending in a newline; same report, same bytes.

    ``show_suppressed`` adds the lists of suppressed and absorbed findings to their numbers.
    """
    return json.dumps(as_mapping(report, show_suppressed=show_suppressed), indent=2, ensure_ascii=False) + "\n"


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "name": finding.name,
        "path": finding.span.path,
        "line": finding.span.line,
        "column": finding.span.column,
        "end_line": finding.span.end_line,
        "end_column": finding.span.end_column,
        "message": finding.message,
        "severity": finding.severity,
        "fixable": finding.fixable,
        "fingerprint": finding.fingerprint,
        "trace": [
            {"path": step.path, "line": step.line, "column": step.column, "note": step.note} for step in finding.trace
        ],
    }


def _error(error: CheckError) -> dict[str, Any]:
    return {"path": error.path, "line": error.line, "message": error.message}


def _suppression(by: Suppression) -> dict[str, Any]:
    return {"path": by.path, "line": by.line, "reason": by.reason, "until": by.until or None}
