"""What a history holds, as text for a terminal and as CSV and JSON for other programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sessionlint_reports.history.model import Life, ProjectInfo, SnapshotInfo

Row = Mapping[str, Any]

#: What a spreadsheet would take for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_FAMILIES = tuple(f"{digit}xx" for digit in range(1, 10))


def projects(found: Sequence[ProjectInfo]) -> str:
    """One line a project; empty without any."""
    rows = [
        (p.name, str(p.snapshots), p.latest.revision.at.date().isoformat(), *_state(p.latest), ", ".join(p.branches))
        for p in found
    ]
    return _columns(("project", "snapshots", "newest", "compliant", "findings", "branches"), rows)


def snapshots(found: Sequence[SnapshotInfo]) -> str:
    """One line a snapshot; empty without any."""
    rows = []
    for info in found:
        revision = info.revision
        commit = (revision.commit[:10] or "no commit") + ("+" if revision.dirty else "")
        at = revision.at.strftime("%Y-%m-%d %H:%M")
        rows.append((str(info.id), at, revision.branch, commit, *_state(info), revision.author))
    return _columns(("id", "at (UTC)", "branch", "commit", "compliant", "findings", "author"), rows)


def _state(info: SnapshotInfo) -> tuple[str, str]:
    return f"{info.totals.compliance_percent:.1f}%", str(info.totals.debt)


def _columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    table = [head, *([_printable(cell) for cell in row] for row in rows)]
    widths = [max(len(row[index]) for row in table) for index in range(len(head))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def snapshot_rows(found: Iterable[SnapshotInfo]) -> list[Row]:
    """One row a snapshot, with findings to mend in all and per family."""
    rows: list[Row] = []
    for info in found:
        revision, totals = info.revision, info.totals
        families = totals.debt_by_family
        rows.append(
            {
                "project": info.project,
                "branch": revision.branch,
                "commit": revision.commit,
                "at": revision.at.isoformat(),
                "author": revision.author,
                "dirty": revision.dirty,
                "policy": info.yardstick.policy_digest,
                "sessionlint": info.yardstick.tool_version,
                "files": totals.files,
                "files_to_mend": totals.files_with_debt,
                "lines": totals.lines,
                "compliance_percent": totals.compliance_percent,
                "findings": totals.debt,
                "open": totals.count("open"),
                "absorbed": totals.count("absorbed"),
                "suppressed": totals.count("suppressed"),
                "not_checked": totals.errors,
                **{f"findings_{family}": families.get(family, 0) for family in _FAMILIES},
            }
        )
    return rows


def life_rows(found: Iterable[Life]) -> list[Row]:
    """One row a finding, living or mended."""
    rows: list[Row] = []
    for life in found:
        finding = life.stored.finding
        rows.append(
            {
                "identity": life.identity,
                "code": finding.code,
                "name": finding.name,
                "severity": finding.severity,
                "path": finding.path,
                "line": finding.span.line,
                "qualname": finding.qualname,
                "state": "gone" if life.gone else life.stored.state,
                "first_commit": life.first.revision.commit,
                "first_at": life.first.revision.at.isoformat(),
                "introduced_by": life.first.revision.author if life.by_code else "",
                "gone_commit": life.gone.revision.commit if life.gone else "",
                "gone_at": life.gone.revision.at.isoformat() if life.gone else "",
                "fixed_by": life.fixed_by,
                "message": finding.message,
            }
        )
    return rows


def as_csv(rows: Sequence[Row]) -> str:
    """The rows with their names above; no cell is taken for a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if rows:
        writer.writerow(rows[0])
    for row in rows:
        writer.writerow(_cell(value) for value in row.values())
    return out.getvalue()


def as_json(rows: Sequence[Row]) -> str:
    """``{"version": 1, "rows": […]}``."""
    return json.dumps({"version": 1, "rows": list(rows)}, indent=2, ensure_ascii=False) + "\n"


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


RENDERERS: Mapping[str, Callable[[Sequence[Row]], str]] = {"csv": as_csv, "json": as_json}
