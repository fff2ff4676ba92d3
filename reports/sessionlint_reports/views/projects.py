"""The page over all projects of a history."""

from __future__ import annotations

from collections.abc import Sequence

from sessionlint_reports.history.model import ProjectInfo, SnapshotInfo
from sessionlint_reports.views.page import Data, Page


def projects_page(projects: Sequence[tuple[str, ProjectInfo, Sequence[SnapshotInfo]]]) -> Page:
    """One row per project: its folder, what is known of it, and its timeline."""
    data: Data = {
        "projects": [_row(folder, info, timeline) for folder, info, timeline in projects],
    }
    return Page("index.html", "projects.html", "All projects", "index.html", data)


def _row(folder: str, info: ProjectInfo, timeline: Sequence[SnapshotInfo]) -> Data:
    latest = info.latest
    before = timeline[-2] if len(timeline) > 1 else None
    return {
        "name": info.name,
        "page": f"{folder}/index.html",
        "compliance_percent": latest.totals.compliance_percent,
        "delta": round(latest.totals.compliance_percent - before.totals.compliance_percent, 1) if before else 0,
        "files": latest.totals.files,
        "files_with_debt": latest.totals.files_with_debt,
        "debt": latest.totals.debt,
        "errors": latest.totals.errors,
        "snapshots": info.snapshots,
        "branch": latest.revision.branch,
        "commit": latest.revision.commit[:10],
        "at": latest.revision.at.isoformat(),
        "author": latest.revision.author,
        "trend": [[entry.revision.at.isoformat(), entry.totals.compliance_percent] for entry in timeline],
    }
