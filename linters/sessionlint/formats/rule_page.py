"""The pages of the rules: one rule explained, or all of them as a table."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence

from sessionlint.codes import FAMILIES
from sessionlint.rules.base import Rule

_WIDTH = 100


def explain(meta: Rule, bad: str, good: str) -> str:
    """The page of one rule for the terminal, ending in a newline; ``bad`` and ``good`` are example sources."""
    parts = [
        f"{meta.code} {meta.name} ({meta.severity})",
        _wrapped(meta.summary),
        _section("Why", meta.rationale),
        _section("Instead", meta.remedy),
        _section("Not flagged", meta.not_flagged),
        f"Presets: {', '.join(meta.presets) or 'none; select it by its code'}",
        f"Flagged:\n\n{_code(bad)}",
        f"Fine:\n\n{_code(good)}",
    ]
    return "\n\n".join(parts) + "\n"


def explain_markdown(meta: Rule, bad: str, good: str) -> str:
    """The page of one rule in Markdown, ending in a newline; ``bad`` and ``good`` are example sources."""
    sections = [("Why", meta.rationale), ("Instead", meta.remedy), ("Not flagged", meta.not_flagged)]
    parts = [
        f"# {meta.code} {meta.name}",
        _paragraphs(meta.summary),
        *(f"## {title}\n\n{_paragraphs(text)}" for title, text in sections),
        f"## Flagged\n\n{_fenced(bad)}",
        f"## Fine\n\n{_fenced(good)}",
    ]
    return "\n\n".join(parts) + "\n"


def table(rules: Sequence[Rule]) -> str:
    """All rules by family for the terminal, ending in a newline."""
    width = max((len(rule.name) for rule in rules), default=0)
    blocks = []
    for family, title in FAMILIES.items():
        rows = [
            f"  {rule.code}  {rule.name:<{width}}  {rule.summary}" for rule in rules if rule.code.startswith(family)
        ]
        if rows:
            blocks.append("\n".join([f"{family[3:]}xx {title}", *rows]))
    return "\n\n".join(blocks) + "\n"


def markdown(rules: Sequence[Rule]) -> str:
    """All rules as Markdown tables by family, ending in a newline."""
    blocks = []
    for family, title in FAMILIES.items():
        rows = [
            f"| {rule.code} | {rule.name} | {_cell(rule.summary)} | {', '.join(rule.presets) or 'none'} |"
            for rule in rules
            if rule.code.startswith(family)
        ]
        if rows:
            head = [f"## {family[3:]}xx {title}", "", "| code | name | flagged | presets |", "|---|---|---|---|"]
            blocks.append("\n".join([*head, *rows]))
    return "\n\n".join(blocks) + "\n"


def as_json(rules: Sequence[Rule]) -> str:
    """All rules with their texts as JSON, ending in a newline."""
    rows = [
        {
            "code": rule.code,
            "name": rule.name,
            "summary": rule.summary,
            "rationale": rule.rationale,
            "remedy": rule.remedy,
            "not_flagged": rule.not_flagged,
            "presets": list(rule.presets),
            "severity": rule.severity,
            "fixable": rule.fixable,
        }
        for rule in rules
    ]
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"


def _joined(text: str) -> list[str]:
    return [" ".join(paragraph.split()) for paragraph in text.split("\n\n") if paragraph.strip()]


def _paragraphs(text: str) -> str:
    return "\n\n".join(_joined(text)).replace("<", "&lt;")


def _fenced(source: str) -> str:
    return f"```python\n{textwrap.dedent(source).strip(chr(10))}\n```"


def _wrapped(text: str, indent: str = "") -> str:
    return "\n\n".join(
        textwrap.fill(paragraph, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
        for paragraph in _joined(text)
    )


def _section(title: str, text: str) -> str:
    return f"{title}:\n{_wrapped(text, '  ')}"


def _code(source: str) -> str:
    return textwrap.indent(textwrap.dedent(source).strip("\n"), "    ")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
