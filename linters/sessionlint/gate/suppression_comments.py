"""Reads ``# sessionlint: ignore[TXN201] until=2026-12-31 -- reason``, and finds what is wrong with such comments."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from sessionlint.codes import CODES, is_code_prefix, nearest_code, resolve_code
from sessionlint.facts.source import SourceError, decode
from sessionlint.gate.logical_lines import Comment, comments
from sessionlint.patterns import regex
from sessionlint.report import Suppression

EXAMPLE = "# sessionlint: ignore[TXN201] -- reason"

_SCREEN = regex(rb"#[ \t]*sessionlint\b", re.I)
_SCREEN_FORBIDDEN = regex(rb"#[ \t]*(?:sessionlint\b|noqa[ \t]*:[^#\n]*TXN)", re.I)
_MARK = regex(r"#[ \t]*sessionlint(?:[ \t]*(?P<colon>:)|(?=[ \t]+(?:ignore|disable|noqa)[ \t]*[\[=(:]))", re.I)
# What flake8 reads: codes after "noqa:", parted by commas or blanks.
_NOQA = regex(r"#[ \t]*noqa[ \t]*:[ \t]*(?P<codes>[A-Z]+[0-9]*(?:[, \t]+[A-Z]+[0-9]+)*)", re.I)
_BODY = regex(r"[ \t]*(?P<word>[\w-]*)[ \t]*(?:\[(?P<codes>[^\]]*)\])?(?P<options>.*?)(?:(?<!\S)--(?P<reason>.*))?\Z")
_UNTIL = regex(r"until[ \t]*=[ \t]*(\S*)")
_DATE = regex(r"\d{4}-\d{2}-\d{2}\Z", re.A)
_NEXT_COMMENT = regex(r"[ \t]#[ \t]")
_GATE = "TXN9"


def read_comments(root: Path, files: Iterable[str], *, forbid: bool) -> tuple[Suppression, ...]:
    """The suppression comments of the files (relative to ``root``); files that cannot be read have none."""
    found: list[Suppression] = []
    for path in files:
        try:
            data = (root / path).read_bytes()
        except OSError:
            continue
        found += comments_of(path, data, forbid=forbid)
    return tuple(found)


def comments_of(path: str, data: bytes, *, forbid: bool) -> Iterator[Suppression]:
    """The suppression comments in a file's bytes; none where it cannot be decoded.

    With ``forbid`` each has that as its problem, and ``noqa`` comments that name our codes count as well.
    """
    screen = _SCREEN_FORBIDDEN if forbid else _SCREEN
    if not screen.search(data):
        return
    try:
        text = decode(data, path)
    except SourceError:
        return
    for comment in comments(text, re.compile(screen.pattern.decode(), re.I)):
        mark = _MARK.search(comment.text)
        noqa = _NOQA.search(comment.text) if forbid else None
        if mark:
            yield _suppression(path, comment, mark, forbid)
        elif noqa and _own(noqa["codes"]):
            column = comment.column + noqa.start()
            end = comment.column + noqa.end()
            yield Suppression(path, comment.line, column, end, _own(noqa["codes"]), problem=_FORBIDDEN)


_FORBIDDEN = "the policy forbids suppressions, so it has no effect; mend the code and remove the comment"


def _own(codes: str) -> tuple[str, ...]:
    return tuple(code for code in re.split(r"[, \t]+", codes.upper()) if code.startswith("TXN"))


def _suppression(path: str, comment: Comment, mark: re.Match[str], forbid: bool) -> Suppression:
    rest = comment.text[mark.end() :]
    following = _NEXT_COMMENT.search(rest)
    if following:
        rest = rest[: following.start()]
    body = _BODY.match(rest)
    # every part of the pattern may be empty, and no line end is in a comment
    assert body is not None
    codes, problems = _codes(body["codes"])
    reason = " ".join((body["reason"] or "").split())
    until, more = _options(body["options"])
    problems += more
    if not _says_something(reason):
        problems.append("it gives no reason; end it with '-- ' and the reason")
    if body["word"].lower() != "ignore":
        problems = [f"{body['word'] or 'nothing'!r} is not understood; write '{EXAMPLE}'"]
    elif not mark["colon"]:
        problems.append(f"it lacks the colon; write '{EXAMPLE}'")
    elif not comment.first:
        problems.append("no statement stands below it; put it on the line of the statement or above it")
    return Suppression(
        path,
        comment.line,
        comment.column + mark.start(),
        comment.column + mark.end() + len(rest.rstrip()),
        codes,
        reason,
        until,
        comment.first,
        comment.last,
        _FORBIDDEN if forbid else "; ".join(problems),
    )


def _says_something(reason: str) -> bool:
    return any(character.isalnum() for character in reason)


def _codes(listed: str | None) -> tuple[tuple[str, ...], list[str]]:
    names = [name for name in re.split(r"[,\s]+", listed or "") if name]
    if not names:
        return (), [f"it names no rule, and there is no form for all rules; write '{EXAMPLE}'"]
    problems = [problem for name in names if (problem := _code_problem(name))]
    return tuple(dict.fromkeys(name for name in names if not _code_problem(name))), problems


def _code_problem(name: str) -> str:
    named = resolve_code(name) or (name if is_code_prefix(name) else None)
    if named and named.startswith(_GATE):
        return f"{name} is about the gate itself and cannot be suppressed"
    if named and named not in CODES:
        return f"{name} is a family; name each rule"
    if named:
        return "" if name == named else f"{name!r} is not a code; write {named}"
    near = nearest_code(name)
    # To name a rule that no comment may name would only lead to the next complaint.
    near = None if near and near.startswith(_GATE) else near
    return f"{name!r} is no rule" + (f"; did you mean {near}?" if near else "; 'sessionlint rules' lists them")


def _options(text: str) -> tuple[str, list[str]]:
    """The last day of the suppression and what is wrong in what stands between the codes and the reason."""
    text = text.strip()
    if not text:
        return "", []
    stated = _UNTIL.match(text)
    if not stated:
        return "", [f"{text[:40]!r} is not understood; only 'until=YYYY-MM-DD' may stand before '-- reason'"]
    problems = []
    until = stated[1]
    if not _is_date(until):
        until = ""
        problems.append(f"{stated[1]!r} is not a date; write until=YYYY-MM-DD")
    rest = text[stated.end() :].strip()
    if rest:
        problems.append(f"{rest[:40]!r} is not understood; the reason follows '-- '")
    return until, problems


def _is_date(text: str) -> bool:
    if not _DATE.match(text):
        return False
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return True
