"""What ``sessionlint fix`` says: pure renderings of outcomes, in the style of ``check``."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import unified_diff

from sessionlint.facts.source import decode
from sessionlint.fixable import FIXERS
from sessionlint.fixes.bench import State
from sessionlint.fixes.origins import Origins
from sessionlint.fixes.plan import Step
from sessionlint.fixes.rounds import Change, Options, Outcome
from sessionlint.formats.escaping import visible
from sessionlint.formats.text import Style
from sessionlint.report import Finding


def diff(before: State, after: State, style: Style) -> str:
    """A unified diff of all files that differ; empty when none does."""
    parts = []
    for path, data in sorted(after.sources.items()):
        if before.sources[path] != data:
            old, new = (decode(content, path).split("\n") for content in (before.sources[path], data))
            parts += [_marked(line, style) for line in unified_diff(old, new, f"a/{path}", f"b/{path}", lineterm="")]
    return "".join(f"{line}\n" for line in parts)


def _marked(line: str, style: Style) -> str:
    text = visible(line)
    if line.startswith(("---", "+++")):
        return style(text, "path")
    role = {"+": "good", "-": "error", "@": "info"}.get(line[:1])
    return style(text, role) if role else text


def story(outcome: Outcome, style: Style, *, would: bool = False) -> str:
    """A line for every finding that was fixed or refused; ``would``: nothing is written.

    What was fixed is told where it was, what is left where it is now.
    """
    word = "would be fixed" if would else "fixed"
    rows: list[tuple[tuple[object, ...], str]] = []
    for change in outcome.applied:
        for finding in change.targets:
            rows.append((finding.sort_key, f"{_where(finding, style)} {style(word, 'good')}: {visible(change.title)}."))
    origins = Origins(outcome.before, outcome.after)
    for refusal in map(origins.refusal, outcome.refused) if would else outcome.refused:
        elsewhere = refusal.place != f"{refusal.finding.path}:{refusal.finding.span.line}"
        at = f" ({visible(refusal.place)})" if elsewhere else ""
        why = f"{style('not fixed', 'error')}: {visible(refusal.reason)}{at}."
        rows.append((refusal.finding.sort_key, f"{_where(refusal.finding, style)} {why}"))
    return "".join(f"{text}\n" for _, text in sorted(rows, key=lambda row: row[0]))


def totals(outcome: Outcome, options: Options, style: Style, *, would: bool = False) -> str:
    """The sentence at the end: how many were fixed, refused, held back, and how many have no fixer."""
    targets = sum(len(change.targets) for change in outcome.applied)
    gone = len(options.candidates(outcome.before)) - len(options.candidates(outcome.after))
    files = len(outcome.changed)
    verb = "Would fix" if would else "Fixed"
    if gone:
        done = f"{verb} {_count(gone, 'finding')} in {_count(files, 'file')}"
        text = style(done, "good") + (f" ({gone - targets} of them by fixing others)" if gone > targets else "")
    else:
        text = f"{'Would fix' if would else 'Fixed'} nothing"
    left = options.candidates(outcome.after)
    parts = []
    if outcome.refused:
        parts.append(f"{len(outcome.refused)} not fixed for the reasons above")
    if outcome.declined:
        parts.append(f"{len(outcome.declined)} declined")
    if outcome.held:
        parts.append(f"{len(outcome.held)} with --unsafe (look at them first: --unsafe --diff)")
    without = sum(finding.code not in FIXERS for finding in left)
    if without:
        parts.append(f"{without} without a fixer")
    return f"{text}{'; ' if parts else ''}{', '.join(parts)}.\n"


def question(change: Change, before: State, after: State, style: Style) -> str:
    """A change with everything needed to decide on it."""
    lines = [f"{style(visible(change.title), 'path')} ({change.safety})"]
    lines += [f"  {_where(finding, style)} {visible(finding.message)}" for finding in change.targets]
    return "\n".join(lines) + "\n" + diff(before, after, style)


def steps(planned: Sequence[Step], style: Style, *, diffs: bool) -> str:
    """The steps of a plan, numbered, each with its files and what it fixes."""
    blocks = []
    for number, step in enumerate(planned, start=1):
        fixed = sum(len(change.targets) for change in step.planned)
        head = f"Step {number} of {len(planned)}: {visible(step.subject)}"
        about = f"{_count(fixed, 'finding')} in {', '.join(map(visible, step.outcome.changed))}"
        block = f"{style(head, 'path')}\n  {about}\n" + _indented(story_of(step.planned, style))
        if diffs:
            block += diff(step.outcome.before, step.outcome.after, style)
        blocks.append(block)
    return "\n".join(blocks)


def story_of(changes: Sequence[Change], style: Style) -> str:
    """A line for every change, with the places of its findings."""
    lines = []
    for change in changes:
        mark = f" {style('(unsafe)', 'warning')}" if change.safety == "unsafe" else ""
        lines.append(f"{visible(change.title)}{mark}: {visible(_places(change))}\n")
    return "".join(lines)


def commit_message(step: Step) -> str:
    """The message of the commit that makes a step."""
    codes = sorted({finding.code for change in step.changes for finding in change.targets})
    head = step.subject.partition(" and its owners")[0]
    subject = f"{head}: fix {', '.join(codes)}"
    if len(subject) > 72:
        subject = f"{head}: fix {len(codes)} kinds of findings"
    body = [f"- {change.title}: {_places(change)}" for change in step.changes]
    return "\n".join([subject, "", *body, ""])


def _places(change: Change) -> str:
    return ", ".join(f"{finding.code} {finding.path}:{finding.span.line}" for finding in change.targets)


def _where(finding: Finding, style: Style) -> str:
    span = finding.span
    return f"{style(f'{visible(span.path)}:{span.line}:{span.column}', 'path')}: {style(finding.code, 'code')}"


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
