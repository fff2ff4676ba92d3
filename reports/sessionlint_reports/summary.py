"""The report in a few lines of Markdown, for a pull request or a job summary."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from sessionlint_reports.code import spelled_out
from sessionlint_reports.snapshot import StoredFinding
from sessionlint_reports.subject import Subject

_SPECIAL = re.compile(r"([\\*\[\]<>#|~@&]|(?<!\w)_|_(?!\w))")
_LISTED = 10


def markdown(subject: Subject) -> str:
    """Compliance and its change, what is new, what is fixed, the worst files; ends in a newline."""
    totals = subject.snapshot.totals
    before = subject.earlier.totals if subject.earlier else None
    parts = ["## Session and transaction compliance", ""]
    change = ""
    if before:
        points = round(totals.compliance_percent - before.compliance_percent, 1)
        change = f" ({points:+g} points)" if points else " (no change)"
    parts.append(
        f"**{totals.compliance_percent:g}%** of {_count(totals.files, 'file')} compliant{change}: "
        f"{_count(totals.debt, 'finding')} to mend in {_count(totals.files_with_debt, 'file')}."
    )
    if totals.errors:
        parts += ["", f"⚠️ **{_count(totals.errors, 'thing')} could not be checked.**"]
    diff = subject.diff
    if diff and subject.earlier:
        parts += ["", "| new | fixed | absorbed | suppressed |", "|---:|---:|---:|---:|"]
        parts.append(f"| {len(diff.new)} | {len(diff.fixed)} | {len(diff.absorbed)} | {len(diff.suppressed)} |")
        if not diff.comparable:
            parts += [
                "",
                "The policy or the version of sessionlint changed in between; part of this may come from there.",
            ]
        parts += _findings("New", diff.new) + _findings("Fixed", diff.fixed)
    parts += _worst(subject)
    return "\n".join(parts) + "\n"


def _findings(title: str, found: Sequence[StoredFinding]) -> list[str]:
    if not found:
        return []
    lines = ["", f"### {title}", ""]
    for stored in found[:_LISTED]:
        finding = stored.finding
        where = _code(f"{finding.path}:{finding.span.line}" if title == "New" else finding.path)
        lines.append(f"- **{finding.code}** {where} {_text(finding.message)}")
    if len(found) > _LISTED:
        lines.append(f"- and {len(found) - _LISTED} more")
    return lines


def _worst(subject: Subject) -> list[str]:
    counts = Counter({record.path: record.debt for record in subject.snapshot.checked if record.debt})
    if not counts:
        return []
    worst = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:5]
    return [
        "",
        "### Files with the most findings",
        "",
        "| file | findings |",
        "|---|---:|",
        *(f"| {_code(path)} | {number} |" for path, number in worst),
    ]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _text(text: str) -> str:
    """Prose; what stands between backticks stays code."""
    parts = " ".join(spelled_out(text).split()).split("`")
    if len(parts) % 2 == 0:
        parts = ["".join(parts)]
    return "".join(_code(part) if index % 2 else _SPECIAL.sub(r"\\\1", part) for index, part in enumerate(parts))


def _code(text: str) -> str:
    """A code span; a bar would end the table's cell, a backtick the span."""
    inner = " ".join(spelled_out(text).split()).replace("|", "¦")
    fence = "`" * (max(map(len, re.findall("`+", inner)), default=0) + 1)
    return f"{fence} {inner} {fence}" if "`" in inner else f"`{inner}`"
