"""Changes of several fixes to one file made together, as long as they do not touch the same lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher


@dataclass(frozen=True, slots=True, order=True)
class LineEdit:
    """Lines ``start`` to ``stop`` (from 0, exclusive) of a text give way to ``lines``."""

    start: int
    stop: int
    lines: tuple[str, ...]


def line_edits(base: str, new: str) -> tuple[LineEdit, ...]:
    """What has to change in ``base`` to become ``new``."""
    old_lines, new_lines = base.split("\n"), new.split("\n")
    head = _common(old_lines, new_lines)
    tail = _common(old_lines[head:][::-1], new_lines[head:][::-1])
    old, made = old_lines[head : len(old_lines) - tail], new_lines[head : len(new_lines) - tail]
    matcher = SequenceMatcher(None, old, made, autojunk=False)
    return tuple(
        LineEdit(head + i1, head + i2, tuple(made[j1:j2]))
        for tag, i1, i2, j1, j2 in matcher.get_opcodes()
        if tag != "equal"
    )


def conflict(one: Iterable[LineEdit], other: Sequence[LineEdit]) -> bool:
    """Whether two sets of edits cannot be made together. Equal edits can: both want the same."""
    return any(edit != against and _touch(edit, against) for edit in one for against in other)


def merged(base: str, edits: Iterable[LineEdit]) -> str:
    """``base`` with edits made that do not conflict; equal ones once."""
    lines = base.split("\n")
    for edit in sorted(set(edits), reverse=True):
        lines[edit.start : edit.stop] = edit.lines
    return "\n".join(lines)


def _touch(one: LineEdit, other: LineEdit) -> bool:
    if one.start == one.stop or other.start == other.stop:
        return one.start <= other.stop and other.start <= one.stop
    return one.start < other.stop and other.start < one.stop


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count
