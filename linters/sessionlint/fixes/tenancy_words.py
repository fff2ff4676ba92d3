"""Words about a tenant that go with it: lines of docstrings, comments, parts of log texts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import libcst as cst

from sessionlint.fixes.source import Function
from sessionlint.patterns import regex

_LABEL = regex(
    r"(?:\s*[,;|/]|\s*\band)?(?:\s*\b(?:for|of|under|in|by|from|with))?(?:\s*\bthe)?"
    r"\s*\b\w*tenant(?:[_ -]?(?:id|uuid|key|str))*\s*[:=]?\s*(?P<quote>['\"(\[]?)$",
    re.I,
)
_CLOSING = {"(": ")", "[": "]"}
_HEADER = regex(r"\s*(?:args|arguments|parameters|params)\s*:\s*$", re.I)
LOGGERS = regex(r"(?:^|\.)_?log(?:ger|ging)?\.(?:debug|info|warning|warn|error|exception|critical|log)$", re.I)


def without_label(parts: list[Any], at: int) -> list[Any] | None:
    """An f-string's parts without the value at ``at`` and the words that announce it; None when nothing does."""
    before = parts[at - 1] if at else None
    if not isinstance(before, cst.FormattedStringText):
        return None
    found = _LABEL.search(before.value)
    if found is None:
        return None
    parts[at - 1] = before.with_changes(value=before.value[: found.start()])
    closing = _CLOSING.get(found.group("quote"), found.group("quote"))
    after = parts[at + 1] if at + 1 < len(parts) else None
    if closing and isinstance(after, cst.FormattedStringText) and after.value.startswith(closing):
        parts[at + 1] = after.with_changes(value=after.value[1:])
    if not parts[at - 1].value.strip() and at == 1 and isinstance(after, cst.FormattedStringText):
        parts[at + 1] = parts[at + 1].with_changes(value=parts[at + 1].value.lstrip(" ,;:"))
    return [part for index, part in enumerate(parts) if index != at]


def with_parts(old: cst.FormattedString, parts: list[Any]) -> cst.FormattedString | cst.SimpleString:
    """An f-string with other parts; a plain one when no value is left in it."""
    if any(isinstance(part, cst.FormattedStringExpression) for part in parts):
        return old.with_changes(parts=parts)
    text = "".join(part.value for part in parts).replace("{{", "{").replace("}}", "}")
    start = old.start.replace("f", "").replace("F", "")
    return cst.SimpleString(f"{start}{text}{old.end}", lpar=old.lpar, rpar=old.rpar)


def dropped(speaks: Callable[[str], bool]) -> Callable[[Any], Any]:
    """What is left of a statement that goes: the comments about it, unless they speak of a tenant."""

    def change(old: Any) -> Any:
        lines = [*old.leading_lines]
        if isinstance(old, cst.SimpleStatementLine) and old.trailing_whitespace.comment is not None:
            lines.append(cst.EmptyLine(comment=old.trailing_whitespace.comment))
        kept = [line for line in lines if line.comment is not None and not speaks(line.comment.value)]
        return cst.FlattenSentinel([line for line in kept if "noqa" not in str(line.comment and line.comment.value)])

    return change


def relieved(speaks: Callable[[str], bool], code: Callable[[Any], str]) -> Callable[[Any], Any]:
    """A line that lost its tenant without the comments about it: the one behind it, and a single one above it."""

    def change(old: Any) -> Any:
        plain = old.with_changes(leading_lines=[], trailing_whitespace=cst.TrailingWhitespace())
        if speaks(code(plain)):
            return old
        behind = old.trailing_whitespace
        if behind.comment is not None and speaks(behind.comment.value):
            old = old.with_changes(trailing_whitespace=cst.TrailingWhitespace())
        above = list(old.leading_lines)
        alone = above and above[-1].comment is not None and not (len(above) > 1 and above[-2].comment is not None)
        if alone and speaks(above[-1].comment.value):
            old = old.with_changes(leading_lines=above[:-1])
        return old

    return change


def docstring(function: Function) -> cst.SimpleString | None:
    """The docstring of a function, unless it is put together."""
    if not isinstance(function.body, cst.IndentedBlock) or not function.body.body:
        return None
    first = function.body.body[0]
    if isinstance(first, cst.SimpleStatementLine) and isinstance(first.body[0], cst.Expr):
        value = first.body[0].value
        return value if isinstance(value, cst.SimpleString) else None
    return None


def without_parameter(text: str, name: str) -> str:
    """A docstring's source without the lines that describe a parameter, and without a heading over nothing."""
    start = re.compile(
        rf"(?P<blank>\s*)(?::param\s+(?:[\w\[\], |.]+\s)?{name}\s*:|\*{{0,2}}{name}\s*(?:\([^)]*\))?\s*:)"
    )
    lines = text.split("\n")
    kept: list[str] = []
    indent: int | None = None
    for line in lines:
        blank = len(line) - len(line.lstrip())
        if indent is not None and line.strip() and blank > indent and not line.strip().startswith(('"""', "'''")):
            continue
        indent = None
        found = start.match(line)
        if found and not line.rstrip().endswith(('"""', "'''")) and kept:
            indent = len(found.group("blank"))
            continue
        kept.append(line)
    return text if len(kept) == len(lines) else "\n".join(_without_empty_heading(kept))


def _without_empty_heading(lines: list[str]) -> list[str]:
    for index, line in enumerate(lines):
        if not _HEADER.match(line):
            continue
        below = lines[index + 1] if index + 1 < len(lines) else ""
        if not below.strip() or below.strip() in ('"""', "'''"):
            above = index - 1 if index and not lines[index - 1].strip() else index
            return [*lines[:above], *lines[index + 1 :]]
    return lines
