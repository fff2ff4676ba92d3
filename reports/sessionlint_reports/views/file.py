"""One source file: its code with the findings where they are, their traces and suggested fixes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from sessionlint.inventory.naming import module_title
from sessionlint_reports.snapshot import FileRecord, StoredFinding
from sessionlint_reports.subject import Subject
from sessionlint_reports.views.page import Data, Page, Rows, file_page, rule_page


def file_pages(subject: Subject, rows: Rows) -> Iterator[Page]:
    """The pages of all files worth one, by path."""
    marks = _trace_marks(subject)
    links: dict[str, set[int]] = defaultdict(set)
    for node in subject.session_map["nodes"]:
        links[node["path"]].add(node["line"])
    remedies = {page.rule.code: page.rule.remedy for page in subject.rules}
    for record in subject.snapshot.files:
        if record.path in rows.pages:
            yield _file_page(subject, rows, record, marks.get(record.path, ()), links[record.path], remedies)


def _trace_marks(subject: Subject) -> Mapping[str, list[int]]:
    """Lines of each file that some trace passes through."""
    found: dict[str, list[int]] = defaultdict(list)
    for stored in subject.snapshot.findings:
        for step in stored.finding.trace:
            found[step.path].append(step.line)
    return found


def _file_page(
    subject: Subject,
    rows: Rows,
    record: FileRecord,
    marks: Iterable[int],
    links: set[int],
    remedies: Mapping[str, str],
) -> Page:
    own = rows.by_path.get(record.path, ())
    findings = [
        _finding(subject, rows, row, stored, remedies) for row, stored in zip(own, record.findings, strict=True)
    ]
    lines = {row["line"] for row in own}
    lines.update(step.line for s in record.findings for step in s.finding.trace if step.path == record.path)
    lines.update(marks)
    links = links | {first for point in record.points for first, _ in point.lines}
    data: Data = {
        "path": record.path,
        "module": module_title(record.path),
        "lines": record.lines,
        "layer": record.layer,
        "owners": list(record.owners),
        "debt": record.debt,
        "status": record.status,
        "findings": findings,
        "marked_lines": sorted(lines),
        "linked_lines": sorted(links),
        "points": [
            {"method": point.method, "lines": [list(pair) for pair in point.lines], "status": point.status}
            for point in record.points
        ],
        "has_source": record.path in subject.texts,
    }
    return Page(file_page(record.path), "file.html", record.path, "findings.html", data)


def _finding(subject: Subject, rows: Rows, row: Data, stored: StoredFinding, remedies: Mapping[str, str]) -> Data:
    finding = stored.finding
    span = finding.span
    fix = subject.fixes.get((span.path, span.line, span.column, finding.code))
    return {
        **row,
        "end_line": span.end_line,
        "end_column": span.end_column,
        "rule_page": rule_page(finding.code) if finding.code in remedies else "",
        "remedy": remedies.get(finding.code, ""),
        "fix": {key: fix[key] for key in ("title", "safety", "diff")} if fix else None,
        "trace": [
            {
                "path": step.path,
                "line": step.line,
                "column": step.column,
                "note": step.note,
                "page": rows.link(step.path, step.line),
            }
            for step in finding.trace
        ],
    }
