"""The pages made from the rule files."""

import json

from sessionlint.formats import rule_page
from sessionlint.rules.base import Rule

RULE = Rule(
    "TXN201",
    "explicit-commit",
    "The transaction | is committed by hand.",
    "Rows are lost.\n\nTwice " + "word " * 30,
    "async with session.begin():",
    "git commits.",
    presets=("scrapersky",),
)


def test_the_page_of_a_rule_shows_texts_and_examples():
    page = rule_page.explain(RULE, "\nasync def f(s):\n    await s.commit()\n", "x = 1\n")
    assert page.startswith("TXN201 explicit-commit (error)\n\nThe transaction | is committed by hand.\n\nWhy:\n  Rows")
    assert "Flagged:\n\n    async def f(s):\n        await s.commit()\n\nFine:\n\n    x = 1\n" in page
    assert "Presets: scrapersky\n" in page
    assert max(map(len, page.splitlines())) <= 100


def test_the_table_groups_rules_by_family():
    assert rule_page.table([RULE]) == (
        "2xx Who owns the transaction\n  TXN201  explicit-commit  The transaction | is committed by hand.\n"
    )


def test_markdown_cells_stay_cells():
    assert rule_page.markdown([RULE]).splitlines()[-1] == (
        "| TXN201 | explicit-commit | The transaction \\| is committed by hand. | scrapersky |"
    )


def test_the_json_list_holds_every_text():
    (row,) = json.loads(rule_page.as_json([RULE]))
    assert set(row) == {
        "code", "name", "summary", "rationale", "remedy", "not_flagged", "presets", "severity", "fixable"
    }  # fmt: skip
    assert row["presets"] == ["scrapersky"]


def test_the_markdown_page_has_headings_and_code_blocks():
    page = rule_page.explain_markdown(RULE, "\nasync def f(s):\n    await s.commit()\n", "x = 1\n")
    assert page.startswith(
        "# TXN201 explicit-commit\n\nThe transaction | is committed by hand.\n\n## Why\n\nRows are lost."
    )
    assert page.endswith(
        "## Flagged\n\n```python\nasync def f(s):\n    await s.commit()\n```\n\n## Fine\n\n```python\nx = 1\n```\n"
    )


def test_the_markdown_page_keeps_angle_brackets():
    assert "postgres.&lt;ref>" in rule_page.explain_markdown(
        Rule("TXN502", "n", "s", "r", "Write postgres.<ref>.", "n"), "x", "y"
    )
