"""All findings, to filter and sort."""

from __future__ import annotations

from sessionlint_reports.subject import Subject
from sessionlint_reports.views.page import Data, Page, Rows, family_title


def findings_page(subject: Subject, rows: Rows) -> Page:
    """The list of findings and the values its filters offer."""
    found = rows.all
    owners = sorted({owner for row in found for owner in row["owners"]})
    data: Data = {
        "total": len(found),
        "rows": list(found),
        "choices": {
            "rule": [list(pair) for pair in sorted({(row["code"], row["name"]) for row in found})],
            "family": [[family, family_title(family)] for family in sorted({row["family"] for row in found})],
            "layer": sorted({row["layer"] for row in found if row["layer"]}),
            "owner": owners,
            "severity": [s for s in ("error", "warning", "info") if any(row["severity"] == s for row in found)],
            "state": [s for s in ("open", "absorbed", "suppressed") if any(row["state"] == s for row in found)],
        },
    }
    return Page("findings.html", "findings.html", "Findings", "findings.html", data)
