"""Markdown, JSON and CSV say the same and survive odd texts."""

import csv
import io
import json

from sessionlint.inventory import Inventory, Point, Usage
from sessionlint.inventory.render import as_csv, as_json, markdown

INVENTORY = Inventory(
    (
        Point("Session", "app/session.py", ((7, 12),), "`engine(…)`", "correct", "The engine."),
        Point(
            "A|B", "app/a|b.py", ((3, 3), (9, 10)), "`f()`", "fix required", "Don't\nuse | it.", ("TXN101", "TXN105")
        ),
    ),
    (Usage("A|B", "app/a|b.py", "fix required", "=1+1"),),
)


def test_markdown_holds_both_tables_with_totals():
    assert markdown(INVENTORY) == (
        "# Database Connection Audit\n"
        "\n"
        "## Connection Points\n"
        "\n"
        "3 places: 1 correct, 0 review, 2 fix required.\n"
        "\n"
        "| Module | File | Line | Connection Method | Status | Notes |\n"
        "|---|---|---|---|---|---|\n"
        "| Session | `app/session.py` | 7-12 | `engine(…)` | ✅ Correct | The engine. |\n"
        "| A\\|B | `app/a\\|b.py` | 3, 9-10 | `f()` | ❌ Fix Required | TXN101, TXN105: Don't use \\| it. |\n"
        "\n"
        "## Dependency Injection Usage\n"
        "\n"
        "1 file: 0 correct, 0 review, 1 fix required.\n"
        "\n"
        "| Module | File | Status | Notes |\n"
        "|---|---|---|---|\n"
        "| A\\|B | `app/a\\|b.py` | ❌ Fix Required | =1+1 |\n"
    )


def test_json_holds_lines_as_numbers():
    document = json.loads(as_json(INVENTORY))
    assert document["points"][1] == {
        "module": "A|B",
        "path": "app/a|b.py",
        "lines": [[3, 3], [9, 10]],
        "method": "`f()`",
        "status": "fix required",
        "note": "Don't\nuse | it.",
        "codes": ["TXN101", "TXN105"],
    }
    assert document["summary"] == {
        "places": {"correct": 1, "review": 0, "fix required": 2},
        "files": {"correct": 0, "review": 0, "fix required": 1},
    }


def test_csv_is_one_table_that_no_spreadsheet_takes_for_formulas():
    rows = list(csv.reader(io.StringIO(as_csv(INVENTORY))))
    assert rows == [
        ["table", "module", "file", "lines", "method", "status", "note", "codes"],
        ["connection point", "Session", "app/session.py", "7-12", "`engine(…)`", "correct", "The engine.", ""],
        [
            "connection point",
            "A|B",
            "app/a|b.py",
            "3, 9-10",
            "`f()`",
            "fix required",
            "Don't\nuse | it.",
            "TXN101 TXN105",
        ],
        ["usage", "A|B", "app/a|b.py", "", "", "fix required", "'=1+1", ""],
    ]


def test_an_empty_project_gives_empty_tables():
    assert "0 places: 0 correct, 0 review, 0 fix required." in markdown(Inventory())
    assert json.loads(as_json(Inventory()))["points"] == []
    assert as_csv(Inventory()).count("\n") == 1
