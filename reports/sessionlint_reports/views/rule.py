"""The rules: a list with counts, and one page each."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from sessionlint_reports.subject import RulePage, Subject
from sessionlint_reports.views.page import Data, Page, Rows, family_title, rule_page


def rules_page(subject: Subject, rows: Rows) -> Page:
    """All rules by family, with the number of findings of each."""
    counts = Counter(row["code"] for row in rows.debt)
    families: dict[str, list[Data]] = defaultdict(list)
    for page in subject.rules:
        rule = page.rule
        families[f"{rule.code[3]}xx"].append(
            {
                "code": rule.code,
                "name": rule.name,
                "summary": rule.summary,
                "severity": rule.severity,
                "page": rule_page(rule.code),
                "debt": counts[rule.code],
            }
        )
    data: Data = {
        "families": [
            {"family": family, "title": family_title(family), "rules": rules} for family, rules in families.items()
        ]
    }
    return Page("rules.html", "rules.html", "Rules", "rules.html", data)


def rule_pages(subject: Subject, rows: Rows) -> Iterator[Page]:
    """The page of every rule."""
    found: dict[str, list[Data]] = defaultdict(list)
    for row in rows.debt:
        found[row["code"]].append(row)
    for page in subject.rules:
        yield _rule_page(page, found[page.rule.code], rows)


def _rule_page(page: RulePage, found: list[Data], rows: Rows) -> Page:
    rule = page.rule
    counts = Counter(row["path"] for row in found)
    data: Data = {
        "code": rule.code,
        "name": rule.name,
        "family": family_title(f"{rule.code[3]}xx"),
        "severity": rule.severity,
        "summary": rule.summary,
        "rationale": rule.rationale,
        "remedy": rule.remedy,
        "not_flagged": rule.not_flagged,
        "presets": list(rule.presets),
        "fixable": rule.fixable,
        "bad": page.bad,
        "good": page.good,
        "debt": len(found),
        "files": [
            {"path": path, "page": rows.link(path), "debt": number}
            for path, number in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        ],
    }
    return Page(rule_page(rule.code), "rule.html", f"{rule.code} {rule.name}", "rules.html", data)
