"""File records and findings to JSON texts and back; equal records give equal texts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from sessionlint.inventory.model import Point, Usage
from sessionlint.report import CheckError, Finding, Span, TraceStep
from sessionlint_reports.snapshot import FileRecord, StoredFinding


def dumps(value: Any) -> str:
    """Compact JSON in ASCII, which any database holds."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def digest(text: str) -> str:
    """32 hexadecimal digits for a text."""
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()


def record_digest(record: FileRecord) -> str:
    """32 hexadecimal digits that are equal for equal records."""
    findings = [[finding_row(stored), finding_details(stored)] for stored in record.findings]
    return digest(dumps([record.path, record.lines, record.layer, record_details(record), findings]))


def record_details(record: FileRecord) -> str:
    """What is stored of a record beside its columns and findings."""
    values: dict[str, Any] = {}
    if record.owners:
        values["owners"] = record.owners
    if record.points:
        values["points"] = [[p.module, p.lines, p.method, p.status, p.note, p.codes] for p in record.points]
    if record.usage is not None:
        values["usage"] = [record.usage.module, record.usage.status, record.usage.note]
    return dumps(values)


def record_of(path: str, lines: int, layer: str, details: str, findings: Iterable[StoredFinding]) -> FileRecord:
    """The record that was stored."""
    values = json.loads(details)
    points = [
        Point(module, path, tuple((first, last) for first, last in places), method, status, note, tuple(codes))
        for module, places, method, status, note, codes in values.get("points", ())
    ]
    usage = values.get("usage")
    return FileRecord(
        path=path,
        lines=lines,
        layer=layer,
        owners=tuple(values.get("owners", ())),
        findings=tuple(findings),
        points=tuple(points),
        usage=Usage(usage[0], path, usage[1], usage[2]) if usage else None,
    )


def finding_row(stored: StoredFinding) -> dict[str, Any]:
    """The columns of a finding."""
    found = stored.finding
    return {
        "identity": found.identity,
        "code": found.code,
        "state": stored.state,
        "severity": found.severity,
        "line": found.span.line,
        "qualname": found.qualname,
        "message": found.message,
    }


def finding_details(stored: StoredFinding) -> str:
    """What is stored of a finding beside its columns."""
    found, span = stored.finding, stored.finding.span
    values: dict[str, Any] = {
        "name": found.name,
        "span": [span.column, span.end_line, span.end_column],
        "fingerprint": found.fingerprint,
    }
    if found.fixable:
        values["fixable"] = True
    if found.trace:
        values["trace"] = [[step.path, step.line, step.column, step.note] for step in found.trace]
    if stored.state == "suppressed":
        values["suppression"] = [stored.reason, stored.until]
    return dumps(values)


def finding_of(path: str, row: Mapping[str, Any]) -> StoredFinding:
    """The finding that was stored in ``row`` (columns by name)."""
    values = json.loads(row["details"])
    column, end_line, end_column = values["span"]
    found = Finding(
        code=row["code"],
        name=values["name"],
        span=Span(path, row["line"], column, end_line, end_column),
        message=row["message"],
        severity=row["severity"],
        fixable=values.get("fixable", False),
        qualname=row["qualname"],
        fingerprint=values["fingerprint"],
        trace=tuple(TraceStep(*step) for step in values.get("trace", ())),
        identity=row["identity"],
    )
    reason, until = values.get("suppression", ("", ""))
    return StoredFinding(found, row["state"], reason, until)


def errors_text(errors: Iterable[CheckError]) -> str:
    """What could not be checked, as text."""
    return dumps([[error.path, error.line, error.message, error.column] for error in errors])


def errors_of(text: str) -> tuple[CheckError, ...]:
    """What :func:`errors_text` was given."""
    return tuple(CheckError(*row) for row in json.loads(text))
