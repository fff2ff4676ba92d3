"""High-risk files: a stated score, with every factor shown.

``score = harm x reach x motion``, rounded to one decimal (see ``docs/report.md``).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from sessionlint_reports.subject import Subject
from sessionlint_reports.views.page import Data, Page, Rows

#: Points of one finding by severity.
POINTS: Mapping[str, float] = {"error": 3.0, "warning": 1.0, "info": 0.5}
#: Rules whose violation loses rows, mixes up users or lets strangers in: their points count twice.
GRAVE = frozenset(
    {"TXN105", "TXN109", "TXN209", "TXN210", "TXN211", "TXN401", "TXN405", "TXN501", "TXN503", "TXN601", "TXN602",
     "TXN604", "TXN801"}
)  # fmt: skip
REACH_STEP, REACH_MOST = 0.1, 2.0
MOTION_STEP, MOTION_MOST, MOTION_DAYS = 0.1, 1.5, 90
HIGH, MEDIUM = 30.0, 10.0


def harm(findings: Iterable[Mapping[str, Any]]) -> float:
    """Points of the findings: by severity, twice for grave rules."""
    return sum(POINTS[row["severity"]] * (2 if row["code"] in GRAVE else 1) for row in findings)


def reach(entries: int) -> float:
    """1 plus 0.1 for each endpoint or job that leads through the file, at most 2."""
    return min(REACH_MOST, 1 + REACH_STEP * entries)


def motion(changes: int) -> float:
    """1 plus 0.1 for each finding that came or went in the last 90 days, at most 1.5."""
    return min(MOTION_MOST, 1 + MOTION_STEP * changes)


def level(score: float) -> str:
    """``high`` from 30, ``medium`` from 10, else ``low``."""
    return "high" if score >= HIGH else "medium" if score >= MEDIUM else "low"


def risk_page(subject: Subject, rows: Rows) -> Page:
    """All files with debt, most dangerous first."""
    entries = entries_by_path(subject.session_map)
    changes = _changes(subject)
    files: list[Data] = []
    for record in subject.snapshot.checked:
        own = [row for row in rows.by_path.get(record.path, ()) if row["state"] != "suppressed"]
        if not own:
            continue
        factors = (harm(own), reach(len(entries.get(record.path, ()))), motion(changes[record.path]))
        score = round(factors[0] * factors[1] * factors[2], 1)
        files.append(
            {
                "path": record.path,
                "page": rows.link(record.path),
                "layer": record.layer,
                "owners": list(record.owners),
                "debt": len(own),
                "grave": sum(row["code"] in GRAVE for row in own),
                "entries": len(entries.get(record.path, ())),
                "changes": changes[record.path],
                "harm": factors[0],
                "reach": round(factors[1], 2),
                "motion": round(factors[2], 2),
                "score": score,
                "level": level(score),
            }
        )
    files.sort(key=lambda row: (-row["score"], row["path"]))
    counts = Counter(row["level"] for row in files)
    data: Data = {
        "files": files,
        "counts": {name: counts[name] for name in ("high", "medium", "low")},
        "grave": sorted(GRAVE),
        "points": dict(POINTS),
    }
    return Page("risk.html", "risk.html", "High-risk files", "risk.html", data)


def entries_by_path(session_map: Mapping[str, Any]) -> Mapping[str, frozenset[str]]:
    """For each file, the endpoints and jobs (their keys) from which the map leads into it."""
    following: dict[str, list[str]] = defaultdict(list)
    for edge in session_map["edges"]:
        following[edge["source"]].append(edge["target"])
    paths = {node["key"]: node["path"] for node in session_map["nodes"]}
    found: dict[str, set[str]] = defaultdict(set)
    for node in session_map["nodes"]:
        if node["kind"] not in ("endpoint", "job"):
            continue
        pending, seen = [node["key"]], {node["key"]}
        while pending:
            key = pending.pop()
            found[paths[key]].add(node["key"])
            fresh = [target for target in following[key] if target not in seen]
            seen.update(fresh)
            pending += fresh
    return {path: frozenset(keys) for path, keys in found.items()}


def _changes(subject: Subject) -> Counter[str]:
    start = subject.today - timedelta(days=MOTION_DAYS)
    counts: Counter[str] = Counter()
    # What was there in the first snapshot did not come then; it was merely seen.
    beginning = subject.timeline[0].id if subject.timeline else None
    for life in subject.lives:
        path = life.stored.finding.path
        counts[path] += life.first.id != beginning and life.first.revision.at >= start
        counts[path] += life.gone is not None and life.gone.revision.at >= start
    return counts
