"""The audit as Markdown, JSON and CSV: pure functions from an inventory to text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence

from sessionlint.inventory.model import CORRECT, FIX, REVIEW, Inventory, Status, lines_text

_SHOWN: Mapping[Status, str] = {CORRECT: "✅ Correct", REVIEW: "⚠️ Review", FIX: "❌ Fix Required"}
_FORMULA = ("=", "+", "-", "@")


def markdown(inventory: Inventory) -> str:
    """Two tables with a line of totals above each."""
    points = [
        (p.module, f"`{p.path}`", lines_text(p.lines), p.method, _SHOWN[p.status], _with_codes(p.note, p.codes))
        for p in inventory.points
    ]
    usages = [(u.module, f"`{u.path}`", _SHOWN[u.status], u.note) for u in inventory.usages]
    parts = [
        "# Database Connection Audit",
        "",
        "## Connection Points",
        "",
        _totals(inventory.point_counts, "place"),
        "",
        *_table(("Module", "File", "Line", "Connection Method", "Status", "Notes"), points),
        "",
        "## Dependency Injection Usage",
        "",
        _totals(inventory.usage_counts, "file"),
        "",
        *_table(("Module", "File", "Status", "Notes"), usages),
    ]
    return "\n".join(parts) + "\n"


def as_json(inventory: Inventory) -> str:
    """``points``, ``usages`` and ``summary``; lines as pairs of first and last line."""
    document = {
        "version": 1,
        "points": [
            {
                "module": p.module,
                "path": p.path,
                "lines": [list(pair) for pair in p.lines],
                "method": p.method,
                "status": p.status,
                "note": p.note,
                "codes": list(p.codes),
            }
            for p in inventory.points
        ],
        "usages": [{"module": u.module, "path": u.path, "status": u.status, "note": u.note} for u in inventory.usages],
        "summary": {"places": inventory.point_counts, "files": inventory.usage_counts},
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def as_csv(inventory: Inventory) -> str:
    """One table; its first column tells connection points from the usage of whole files."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("table", "module", "file", "lines", "method", "status", "note", "codes"))
    for p in inventory.points:
        row = ("connection point", p.module, p.path, lines_text(p.lines), p.method, p.status, p.note, " ".join(p.codes))
        writer.writerow(_cell(value) for value in row)
    for u in inventory.usages:
        writer.writerow(_cell(value) for value in ("usage", u.module, u.path, "", "", u.status, u.note, ""))
    return out.getvalue()


def _with_codes(note: str, codes: Sequence[str]) -> str:
    return f"{', '.join(codes)}: {note}" if codes else note


def _totals(counts: Mapping[Status, int], noun: str) -> str:
    total = sum(counts.values())
    parts = ", ".join(f"{number} {status}" for status, number in counts.items())
    return f"{total} {noun if total == 1 else noun + 's'}: {parts}."


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [_row(head), "|" + "---|" * len(head), *(_row([_escaped(cell) for cell in row]) for row in rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").split())


def _cell(text: str) -> str:
    """A spreadsheet must not take a cell for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


FORMATS: Mapping[str, Callable[[Inventory], str]] = {"markdown": markdown, "json": as_json, "csv": as_csv}
