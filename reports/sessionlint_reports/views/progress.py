"""What is to be done per module, how far it is, who does it, and by when."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal

from sessionlint.inventory.naming import module_title
from sessionlint_reports.history.model import Life
from sessionlint_reports.subject import Subject
from sessionlint_reports.targets import target_for
from sessionlint_reports.views.page import Data, Page, Rows

Status = Literal["not started", "in progress", "done"]
_ORDER: tuple[Status, ...] = ("in progress", "not started", "done")


def progress_page(subject: Subject, rows: Rows) -> Page:
    """One action item per file that has or had debt; the work of months and people below."""
    owners = {record.path: record.owners for record in subject.snapshot.files}
    items = [
        _item(subject, rows, path, lives, owners.get(path, ()))
        for path, lives in sorted(_by_path(subject, rows).items())
    ]
    items.sort(key=lambda item: (_ORDER.index(item["status"]), item["due"] or "9999", item["path"]))
    counts = Counter(item["status"] for item in items)
    data: Data = {
        "modules": items,
        "counts": {status: counts[status] for status in _ORDER},
        "overdue": sum(item["overdue"] for item in items),
        "months": _months(subject),
        "people": _people(subject),
        "owners": sorted({owner for item in items for owner in item["assigned"]}),
    }
    return Page("progress.html", "progress.html", "Progress", "progress.html", data)


def status_of(left: int, gone: int) -> Status:
    """Done when nothing is left, in progress when something went and something is left, else not started."""
    if not left:
        return "done"
    return "in progress" if gone else "not started"


def _by_path(subject: Subject, rows: Rows) -> Mapping[str, list[Life]]:
    found: dict[str, list[Life]] = defaultdict(list)
    for life in subject.lives:
        found[life.stored.finding.path].append(life)
    for row in rows.debt:
        # without history every finding of today is an item too
        found.setdefault(row["path"], [])
    return found


def _item(subject: Subject, rows: Rows, path: str, lives: Sequence[Life], owners: Sequence[str]) -> Data:
    left = [row for row in rows.by_path.get(path, ()) if row["state"] != "suppressed"]
    gone = [life for life in lives if life.gone is not None]
    status = status_of(len(left), len(gone))
    target = target_for(path, subject.targets)
    due: date | None = target.due if target else None
    ends = [life.gone.revision.at.date().isoformat() for life in gone if life.gone]
    codes = Counter(row["code"] for row in left) or Counter(life.stored.finding.code for life in gone)
    return {
        "module": module_title(path),
        "path": path,
        "page": rows.link(path),
        "status": status,
        "left": len(left),
        "gone": len(gone),
        "percent": round(100 * len(gone) / (len(gone) + len(left))) if gone or left else 100,
        "codes": dict(sorted(codes.items())),
        "since": min((life.first.revision.at.date().isoformat() for life in lives), default=""),
        "last_fix": max(ends, default=""),
        "assigned": [target.assigned] if target and target.assigned else list(owners),
        "due": due.isoformat() if due else "",
        "overdue": bool(due and left and due < subject.today.date()),
        "note": target.note if target else "",
    }


def _came(subject: Subject) -> list[Life]:
    """What appeared after the first snapshot: what was there in it came earlier, from whomever."""
    first = subject.timeline[0].id if subject.timeline else None
    return [life for life in subject.lives if life.first.id != first]


def _months(subject: Subject) -> list[Data]:
    came = Counter(life.first.revision.at.strftime("%Y-%m") for life in _came(subject))
    went = Counter(life.gone.revision.at.strftime("%Y-%m") for life in subject.lives if life.gone)
    return [{"month": month, "new": came[month], "fixed": went[month]} for month in sorted({*came, *went})]


def _people(subject: Subject) -> list[Data]:
    fixed = Counter(life.fixed_by for life in subject.lives if life.fixed_by)
    added = Counter(
        life.first.revision.author for life in _came(subject) if life.by_code and life.first.revision.author
    )
    names = sorted({*fixed, *added}, key=lambda name: (-fixed[name], added[name], name))
    return [{"name": name, "fixed": fixed[name], "added": added[name]} for name in names]
