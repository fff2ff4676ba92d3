"""Markdown for a job summary or a comment on a merge request.

GitHub refuses a comment of more than 65,536 characters and a step's summary of more than 1 MiB; both GitHub and
GitLab notify whoever ``@name`` stands for, and link ``#12``, outside of code.
"""

from __future__ import annotations

from collections.abc import Iterator

from sessionlint.codes import CODES
from sessionlint.formats.context import RenderContext
from sessionlint.formats.entries import Entry, by_importance, entries
from sessionlint.formats.escaping import shortened, visible
from sessionlint.formats.text import summary
from sessionlint.patterns import regex
from sessionlint.report import Report

MOST_ENTRIES = 50
LONGEST = 60_000
"""Characters of the whole text: below what a comment may hold, with room for a heading of the user's."""

_MOST_RULES = 12
_LONGEST_MESSAGE = 1_000
_LONGEST_TRACE = 10
_CODE = regex(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_SPECIAL = regex(r"[\\`*_\[\]~|]")
_REFERENCE = regex(r"([@#!$%])(?=\w)")


def render(report: Report, context: RenderContext) -> str:
    """Totals, a table of rules, and the most important entries with their traces, ending in a newline."""
    blocks = [_headline(report), _escaped(visible(summary(report)))]
    if report.by_code:
        blocks.append(_table(report))
    blocks += _listed(report, context.prefix, LONGEST - sum(map(len, blocks)))
    return "\n\n".join(blocks) + "\n"


def _headline(report: Report) -> str:
    if report.errors:
        return "## ⚠️ sessionlint could not check everything"
    return "## ❌ sessionlint" if report.findings else "## ✅ sessionlint"


def _table(report: Report) -> str:
    ranked = sorted(report.by_code.items(), key=lambda row: (-row[1], row[0]))
    rows = [f"| {code} | {CODES.get(code, '')} | {count} |" for code, count in ranked[:_MOST_RULES]]
    rest = ranked[_MOST_RULES:]
    if rest:
        rows.append(f"| {len(rest)} more | | {sum(count for _, count in rest)} |")
    return "\n".join(["| rule | | findings |", "|---|---|---:|", *rows])


def _listed(report: Report, prefix: str, room: int) -> Iterator[str]:
    """The list, and what it leaves out; ``room`` is the number of characters it may have."""
    found = by_importance(entries(report))
    items: list[str] = []
    for entry in found[:MOST_ENTRIES]:
        item = _item(entry, prefix)
        room -= len(item) + 1
        if room < 200:
            break
        items.append(item)
    if items:
        yield "\n".join(items)
    if len(items) < len(found):
        yield f"{len(items)} of {len(found)} shown, the most important first."


def _item(entry: Entry, prefix: str) -> str:
    where = f" {_span(f'{prefix}{entry.file}:{entry.line}')}" if entry.file else ""
    level = "" if entry.severity == "error" else f" ({entry.severity})"
    lines = [f"- **{entry.code}**{level}{where} {_message(entry.message)}"]
    for number, step in enumerate(entry.trace[:_LONGEST_TRACE], start=1):
        lines.append(f"  {number}. {_span(f'{prefix}{step.path}:{step.line}')} {_message(step.note)}")
    if len(entry.trace) > _LONGEST_TRACE:
        lines.append(f"  {_LONGEST_TRACE + 1}. … {len(entry.trace) - _LONGEST_TRACE} more steps")
    return "\n".join(lines)


def _message(text: str) -> str:
    """``text`` with its code in backticks kept as code, and nothing else in it that Markdown would act on."""
    shown = shortened(visible(text), _LONGEST_MESSAGE)
    parts = []
    end = 0
    for code in _CODE.finditer(shown):
        parts += [_escaped(shown[end : code.start()]), _span(code[2])]
        end = code.end()
    return "".join([*parts, _escaped(shown[end:])])


def _escaped(text: str) -> str:
    harmless = _SPECIAL.sub(r"\\\g<0>", text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
    # an empty comment keeps a sign and its word apart without showing
    return _REFERENCE.sub(r"\1<!-- -->", harmless)


def _span(text: str) -> str:
    """``text`` as a code span, whatever backticks it holds."""
    shown = visible(text)
    fence = "`"
    while fence in shown:
        fence += "`"
    pad = " " if shown.startswith(("`", " ")) or shown.endswith(("`", " ")) else ""
    return f"{fence}{pad}{shown}{pad}{fence}"
