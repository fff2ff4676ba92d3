"""SARIF 2.1.0: for GitHub code scanning, editors and whatever else reads findings with their paths through the code.

Fields and limits: "SARIF support for code scanning" and "SARIF results exceed one or more limits" in GitHub's
documentation; all else: the OASIS standard (docs.oasis-open.org/sarif). GitHub shows an alert on a pull request only
when its whole primary region was changed, hence regions of one line; it ignores ``suppressions``, hence results that
do not count are left out unless they are asked for.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from sessionlint.formats.context import RenderContext
from sessionlint.formats.entries import Entry, entries, most_important, of_finding
from sessionlint.formats.escaping import encodable, visible
from sessionlint.formats.line_hash import line_hashes
from sessionlint.formats.sarif_rules import LEVELS, rule_descriptors
from sessionlint.formats.text import summary
from sessionlint.report import Report, TraceStep

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MOST_RESULTS = 25_000
"""More results in a run make GitHub refuse the file; it keeps 5,000 of them, by severity."""
MOST_STEPS = 1_000
"""Steps of one path that GitHub keeps."""
MOST_BYTES = 10_000_000
"""Size after gzip at which GitHub refuses a file; it allows 10 MB, whichever way those are counted."""


def render(report: Report, context: RenderContext) -> str:
    """One run as SARIF, ending in a newline; over GitHub's limits, the least important results are left out."""
    found = entries(report)
    room = min(len(found), MOST_RESULTS)
    while True:
        text = _json(_log(report, context, most_important(found, room), len(found)))
        packed = len(gzip.compress(text.encode(), mtime=0)) if len(text) > MOST_BYTES // 4 else 0
        if packed <= MOST_BYTES or not room:
            return text
        room = room * 9 * MOST_BYTES // packed // 10


def _json(log: dict[str, Any]) -> str:
    return json.dumps(log, indent=1, ensure_ascii=False) + "\n"


def _log(report: Report, context: RenderContext, shown: Sequence[Entry], total: int) -> dict[str, Any]:
    passed_over = _passed_over(report, context) if context.show_suppressed else []
    rules = rule_descriptors({entry.code for entry in shown} | {result["ruleId"] for result in passed_over})
    positions = {rule["id"]: index for index, rule in enumerate(rules)}
    placed = [entry for entry in shown if entry.file]
    hashes = _line_hashes(placed, context)
    results = [_result(entry, context, hashes) for entry in placed] + passed_over
    for result in results:
        result["ruleIndex"] = positions[result["ruleId"]]
    run = {
        "tool": {"driver": _driver(rules)},
        "automationDetails": {"id": f"sessionlint/{context.prefix}"},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(report, context, positions, total - len(shown))],
        "properties": _totals(report, total - len(shown)),
        "results": results,
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _driver(rules: list[dict[str, Any]]) -> dict[str, Any]:
    number = version("sessionlint")
    return {"name": "sessionlint", "version": number, "semanticVersion": number, "rules": rules}


def _totals(report: Report, left_out: int) -> dict[str, Any]:
    return {
        "findings": len(report.findings),
        "suppressed": len(report.suppressed),
        "absorbed": len(report.absorbed),
        "resultsLeftOut": left_out,
        "files": len(report.files),
        "compliancePercent": report.compliance_percent,
    }


def _invocation(report: Report, context: RenderContext, positions: dict[str, int], left_out: int) -> dict[str, Any]:
    """Whether everything was checked, and what was not: a broken file must not look like a clean one."""
    notifications = []
    for entry in entries(Report(errors=report.errors)):
        notification: dict[str, Any] = {"level": "error", "message": {"text": visible(entry.message)}}
        if entry.file:
            notification["locations"] = [_location(context.prefix + entry.file, _region(entry, context))]
        if entry.code in positions:
            notification["associatedRule"] = {"id": entry.code, "index": positions[entry.code]}
        notifications.append(notification)
    told = summary(report)
    if left_out:
        told += f" This file leaves out the {left_out} least important results, for GitHub would refuse more."
    notifications.append({"level": "warning" if left_out else "note", "message": {"text": told}})
    return {
        "executionSuccessful": not report.errors,
        "exitCode": report.exit_status,
        "toolExecutionNotifications": notifications,
    }


def _passed_over(report: Report, context: RenderContext) -> list[dict[str, Any]]:
    """What does not count, each with the reason; viewers hide it, GitHub would not."""
    rows = []
    for entry in report.suppressed:
        reason = {"kind": "inSource", "status": "accepted", "justification": visible(entry.by.reason)}
        rows.append((of_finding(entry.finding), reason))
    for finding in report.absorbed:
        reason = {"kind": "external", "status": "accepted", "justification": f"known: {visible(report.compared_with)}"}
        rows.append((of_finding(finding), reason))
    hashes = _line_hashes([entry for entry, _ in rows], context)
    return [{**_result(entry, context, hashes), "suppressions": [reason]} for entry, reason in rows]


def _result(entry: Entry, context: RenderContext, hashes: dict[tuple[str, int], str]) -> dict[str, Any]:
    location = _location(context.prefix + entry.file, _region(entry, context))
    if entry.end_line > entry.line:
        location["physicalLocation"]["contextRegion"] = {"startLine": entry.line, "endLine": entry.end_line}
    result: dict[str, Any] = {
        "ruleId": entry.code,
        "level": LEVELS[entry.severity],
        "message": {"text": _plain(entry.message)},
        "locations": [location],
        "partialFingerprints": {"sessionlint/v1": entry.key},
    }
    if entry.qualname:
        location["logicalLocations"] = [{"fullyQualifiedName": visible(entry.qualname)}]
    if (entry.file, entry.line) in hashes:
        result["partialFingerprints"]["primaryLocationLineHash"] = hashes[entry.file, entry.line]
    if entry.trace:
        steps = [*entry.trace[: MOST_STEPS - 1], entry.trace[-1]] if len(entry.trace) > MOST_STEPS else entry.trace
        proof = steps[-1]
        result["message"]["text"] += f" Proof: [{_link_text(proof.note)}](1)."
        result["relatedLocations"] = [{"id": 1, **_step(proof, context.prefix)}]
        result["codeFlows"] = [
            {"threadFlows": [{"locations": [{"location": _step(step, context.prefix)} for step in steps]}]}
        ]
    return result


def _region(entry: Entry, context: RenderContext) -> dict[str, int]:
    """The part of ``entry`` on its first line."""
    end = entry.end_column
    if entry.end_line > entry.line:
        end = len(context.source_line(entry.file, entry.line) or "") + 1
    return {
        "startLine": entry.line,
        "startColumn": entry.column,
        "endLine": entry.line,
        "endColumn": max(entry.column, end),
    }


def _location(path: str, region: dict[str, int]) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(path)}, "region": region}}


def _step(step: TraceStep, prefix: str) -> dict[str, Any]:
    region = {"startLine": max(1, step.line), "startColumn": max(1, step.column)}
    return {**_location(prefix + step.path, region), "message": {"text": _plain(step.note)}}


def _uri(path: str) -> str:
    return quote(encodable(path))


def _plain(text: str) -> str:
    """``text`` in which nothing reads as a link, which SARIF writes ``[text](target)``."""
    return visible(text).replace("](", "] (")


def _link_text(text: str) -> str:
    shown = visible(text)
    for special in "\\[]":
        shown = shown.replace(special, f"\\{special}")
    return shown


def _line_hashes(shown: Iterable[Entry], context: RenderContext) -> dict[tuple[str, int], str]:
    """GitHub's hash of the first line of every entry whose file can be read."""
    lines: dict[str, set[int]] = {}
    for entry in shown:
        lines.setdefault(entry.file, set()).add(entry.line)
    found = {}
    for file, wanted in lines.items():
        try:
            data = context.read(file)
        except (OSError, ValueError):
            continue
        for line, value in line_hashes(data, wanted).items():
            found[file, line] = value
    return found
