"""The first page: where the project stands, how it got there, and where to look next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from sessionlint_reports.snapshot import FileRecord
from sessionlint_reports.subject import Subject
from sessionlint_reports.views.page import Data, Page, Rows, family_title

_TOP = 10
_LISTED = 20


def overview_page(subject: Subject, rows: Rows) -> Page:
    """The overview."""
    totals = subject.snapshot.totals
    before = subject.earlier.totals if subject.earlier else None
    diff = subject.diff
    data: Data = {
        "compliance_percent": totals.compliance_percent,
        "compliance_delta": round(totals.compliance_percent - before.compliance_percent, 1) if before else None,
        "files": totals.files,
        "files_with_debt": totals.files_with_debt,
        "files_delta": totals.files_with_debt - before.files_with_debt if before else None,
        "lines": totals.lines,
        "debt": totals.debt,
        "debt_delta": totals.debt - before.debt if before else None,
        "open": totals.count("open"),
        "absorbed": totals.count("absorbed"),
        "suppressed": totals.count("suppressed"),
        "errors": [{"path": e.path, "line": e.line, "message": e.message} for e in subject.snapshot.errors],
        "changes": {
            "since": subject.earlier.revision.at.date().isoformat() if subject.earlier else "",
            "commit": subject.earlier.revision.commit[:10] if subject.earlier else "",
            "new": len(diff.new) if diff else 0,
            "fixed": len(diff.fixed) if diff else 0,
            "absorbed": len(diff.absorbed) if diff else 0,
            "comparable": diff.comparable if diff else True,
            "new_findings": [row for row in rows.debt if row["new"]][:_LISTED],
            "fixed_findings": [
                {"code": s.finding.code, "name": s.finding.name, "path": s.finding.path, "message": s.finding.message}
                for s in (diff.fixed[:_LISTED] if diff else ())
            ],
        },
        "families": _families(subject),
        "trend": trend(subject),
        "treemap": treemap(subject.snapshot.checked, rows),
        "folders": folders(subject.snapshot.checked),
        "top_files": _top_files(subject.snapshot.checked, rows),
        "oldest": sorted(
            (row for row in rows.debt if row["since"]), key=lambda row: (row["since"], row["path"], row["line"])
        )[:_TOP],
        "suppressions": _suppressions(rows),
    }
    return Page("index.html", "overview.html", "Overview", "index.html", data)


def trend(subject: Subject) -> list[Data]:
    """One entry per snapshot, oldest first."""
    return [
        {
            "at": info.revision.at.isoformat(),
            "commit": info.revision.commit[:10],
            "subject": info.revision.subject,
            "compliance_percent": info.totals.compliance_percent,
            "files": info.totals.files,
            "files_with_debt": info.totals.files_with_debt,
            "debt": info.totals.debt,
            "families": info.totals.debt_by_family,
        }
        for info in subject.timeline
    ]


def _families(subject: Subject) -> list[Data]:
    now = subject.snapshot.totals.debt_by_family
    before = subject.earlier.totals.debt_by_family if subject.earlier else {}
    return [
        {
            "family": family,
            "title": family_title(family),
            "debt": now.get(family, 0),
            "delta": now.get(family, 0) - before.get(family, 0) if subject.earlier else None,
        }
        for family in sorted({*now, *before})
    ]


def treemap(records: Iterable[FileRecord], rows: Rows) -> list[Data]:
    """The files as a tree of folders: size in lines, debt, and the page to go to. Lone folders are joined."""
    root: Data = {"children": {}}
    for record in records:
        *folders, name = record.path.split("/")
        node = root
        for folder in folders:
            node = node["children"].setdefault(folder, {"children": {}})
        node["children"][name] = {"lines": max(record.lines, 1), "debt": record.debt, "page": rows.link(record.path)}
    return _branches(root)


def _branches(node: Data) -> list[Data]:
    found = []
    for name, child in sorted(node["children"].items()):
        if "children" not in child:
            found.append({"name": name, "value": child["lines"], "debt": child["debt"], "page": child["page"]})
            continue
        while len(child["children"]) == 1 and "children" in (only := next(iter(child["children"].values()))):
            name, child = f"{name}/{next(iter(child['children']))}", only
        children = _branches(child)
        found.append(
            {
                "name": f"{name}/",
                "value": sum(entry["value"] for entry in children),
                "debt": sum(entry["debt"] for entry in children),
                "files": sum(entry.get("files", 1) for entry in children),
                "compliant": sum(entry.get("compliant", int(entry["debt"] == 0)) for entry in children),
                "children": children,
            }
        )
    return found


def folders(records: Iterable[FileRecord]) -> list[Data]:
    """Files, compliant files and debt per folder: the table behind the treemap."""
    files: Counter[str] = Counter()
    compliant: Counter[str] = Counter()
    debt: Counter[str] = Counter()
    for record in records:
        folder = record.path.rpartition("/")[0] or "."
        files[folder] += 1
        compliant[folder] += record.debt == 0
        debt[folder] += record.debt
    return [
        {"folder": folder, "files": files[folder], "compliant": compliant[folder], "debt": debt[folder]}
        for folder in sorted(files)
    ]


def _top_files(records: Sequence[FileRecord], rows: Rows) -> list[Data]:
    worst = sorted((record for record in records if record.debt), key=lambda record: (-record.debt, record.path))
    return [
        {
            "path": record.path,
            "page": rows.link(record.path),
            "debt": record.debt,
            "codes": sorted({s.finding.code for s in record.findings if s.is_debt}),
            "owners": list(record.owners),
        }
        for record in worst[:_TOP]
    ]


def _suppressions(rows: Rows) -> list[Data]:
    return [row for row in rows.all if row["state"] == "suppressed"]
