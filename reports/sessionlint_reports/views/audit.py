"""The two audit tables: every connection point, and who gets sessions properly."""

from __future__ import annotations

from sessionlint.inventory.model import Inventory, lines_text
from sessionlint_reports.subject import Subject
from sessionlint_reports.views.page import Data, Page, Rows


def inventory_of(subject: Subject) -> Inventory:
    """The inventory that the snapshot holds file by file."""
    files = subject.snapshot.files
    return Inventory(
        tuple(point for record in files for point in record.points),
        tuple(record.usage for record in files if record.usage is not None),
    )


def audit_page(subject: Subject, rows: Rows) -> Page:
    """Both tables with counts by status."""
    inventory = inventory_of(subject)
    data: Data = {
        "point_counts": inventory.point_counts,
        "usage_counts": inventory.usage_counts,
        "points": [
            {
                "module": point.module,
                "path": point.path,
                "page": rows.link(point.path, point.lines[0][0] if point.lines else 0),
                "lines": lines_text(point.lines),
                "method": point.method,
                "status": point.status,
                "note": point.note,
                "codes": list(point.codes),
            }
            for point in inventory.points
        ],
        "usages": [
            {
                "module": usage.module,
                "path": usage.path,
                "page": rows.link(usage.path),
                "status": usage.status,
                "note": usage.note,
            }
            for usage in inventory.usages
        ],
    }
    return Page("audit.html", "audit.html", "Connection audit", "audit.html", data)
