"""The architecture map: which endpoint, service and job opens, carries and ends each session."""

from __future__ import annotations

from collections import Counter

from sessionlint.inventory.naming import module_title
from sessionlint_reports.subject import Subject
from sessionlint_reports.views.page import Data, Page, Rows

#: Columns of the picture from left to right.
KINDS = ("endpoint", "job", "dependency", "service", "source")
KIND_TITLES = {
    "endpoint": "Endpoints",
    "job": "Jobs",
    "dependency": "Dependencies",
    "service": "Services and helpers",
    "source": "Where sessions come from",
}


def map_page(subject: Subject, rows: Rows) -> Page:
    """Nodes and edges of the map, with the debt of each function."""
    debt = Counter((row["path"], row["qualname"]) for row in rows.debt)
    nodes = [
        {
            **node,
            "module": module_title(node["path"]),
            "page": rows.link(node["path"], node["line"]),
            "debt": debt[node["path"], node["name"]],
        }
        for node in subject.session_map["nodes"]
    ]
    counts = Counter(node["kind"] for node in nodes)
    data: Data = {
        "nodes": nodes,
        "edges": list(subject.session_map["edges"]),
        "kinds": [{"kind": kind, "title": KIND_TITLES[kind], "count": counts[kind]} for kind in KINDS],
    }
    return Page("map.html", "map.html", "Architecture map", "map.html", data)
