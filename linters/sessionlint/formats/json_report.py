"""The JSON report: the contract other programs read."""

from __future__ import annotations

import json
from typing import Any

from sessionlint.report import CheckError, Finding, Report

VERSION = 1


def as_mapping(report: Report) -> dict[str, Any]:
    """The report as plain data, key for key what :func:`render` writes."""
    return {
        "version": VERSION,
        "findings": [_finding(finding) for finding in report.findings],
        "errors": [_error(error) for error in report.errors],
        "summary": {
            "files": len(report.files),
            "files_with_findings": report.files_with_findings,
            "compliance_percent": report.compliance_percent,
            "by_code": report.by_code,
        },
    }


def render(report: Report) -> str:
    """The JSON text of ``report``, ending in a newline; same report, same bytes."""
    return json.dumps(as_mapping(report), indent=2, ensure_ascii=False) + "\n"


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
