"""Rule pages for hovers, and as files that diagnostics link to."""

from __future__ import annotations

import contextlib
from functools import cache
from pathlib import Path

from sessionlint.atomic import write_atomically
from sessionlint.formats.rule_page import explain_markdown
from sessionlint.patterns import regex
from sessionlint.rules.catalogue import all_rules
from sessionlint.rules.markers import without_markers

_CODE = regex(r"\bTXN\d{3}\b")


@cache
def page_of(code: str) -> str:
    """The page of a rule in Markdown; empty for what is no rule."""
    for rule in all_rules():
        if rule.META.code == code:
            return explain_markdown(
                rule.META, without_markers(rule.BAD[0].source), without_markers(rule.GOOD[0].source)
            )
    return ""


def page_file(code: str, folder: Path) -> Path | None:
    """A file below ``folder`` with the page of a rule, written if need be; None when there is no such file."""
    page = page_of(code).encode()
    if not page:
        return None
    path = folder / "rules" / f"{code}.md"
    with contextlib.suppress(OSError):
        if not path.is_file() or path.read_bytes() != page:
            path.parent.mkdir(exist_ok=True)
            write_atomically(path, page)
        return path
    return None


def code_at(line: str, column: int) -> tuple[str, int, int] | None:
    """The rule's code that is written around ``column`` (from 1) of a line, and its first and last column."""
    for match in _CODE.finditer(line):
        if match.start() < column <= match.end() + 1:
            return match[0], match.start() + 1, match.end() + 1
    return None
