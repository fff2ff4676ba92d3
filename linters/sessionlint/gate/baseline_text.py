"""A baseline as text: sorted JSON with one entry a line, so that branches merge and people can read a change."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from sessionlint.codes import CODES, nearest_code
from sessionlint.errors import SessionlintError
from sessionlint.gate.baseline import NEVER_ABSORBED
from sessionlint.patterns import regex
from sessionlint.report import BaselineEntry

VERSION = 1
_KEYS = ("rule", "path", "qualname", "fingerprint", "count")
_FINGERPRINT = regex(r"[0-9a-f]{24}\Z")
_CONFLICT = regex(r"(?:<{7}|\|{7}|>{7})(?: |\r?$)|={7}\r?$", re.M)
_BLANK = regex(r"[ \t\r\n]*")
_MOST = 1_000_000
_SHOWN = 20
_REMEDY = "Restore it from version control, or write it anew with 'sessionlint baseline create --force'."
_MERGE = (
    "git left a merge conflict here. 'sessionlint baseline merge' merges the two sides by their counts; "
    "'sessionlint baseline install-merge-driver' lets git do that by itself."
)


class _TwiceError(Exception):
    """An object with a key that stands in it twice."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(key)


class BaselineError(SessionlintError):
    """A baseline that cannot be used; ``problems`` lists every mistake, each with its line and remedy."""

    def __init__(self, source: str, problems: list[str]) -> None:
        self.source = source
        self.problems = problems
        shown = problems[:_SHOWN]
        if len(problems) > _SHOWN:
            shown.append(f"{len(problems) - _SHOWN} more mistakes.")
        super().__init__("\n".join(f"{source}: {problem}" for problem in shown))


class ConflictError(BaselineError):
    """A baseline in which git left the markers of a conflict."""


def render(entries: Iterable[BaselineEntry]) -> str:
    """The text of a baseline, ending in a newline; equal entries give equal text."""
    rows = [json.dumps(_row(entry), ensure_ascii=False) for entry in sorted(entries)]
    body = "\n" + ",\n".join(f"    {row}" for row in rows) + "\n  " if rows else ""
    return f'{{\n  "version": {VERSION},\n  "entries": [{body}]\n}}\n'


def _row(entry: BaselineEntry) -> dict[str, object]:
    return {
        "rule": entry.rule,
        "path": entry.path,
        "qualname": entry.qualname,
        "fingerprint": entry.fingerprint,
        "count": entry.count,
    }


def parse(data: bytes, source: str) -> tuple[BaselineEntry, ...]:
    """The entries in the bytes of a baseline; ``source`` names it in messages.

    Raises :class:`ConflictError` for markers of a merge conflict, :class:`BaselineError` for everything else.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise BaselineError(source, [f"line {line}: is not UTF-8; save the file as UTF-8."]) from None
    conflict = _CONFLICT.search(text)
    if conflict:
        line = text.count("\n", 0, conflict.start()) + 1
        raise ConflictError(source, [f"line {line}: {_MERGE}"])
    try:
        document = json.loads(text, object_pairs_hook=_object)
    except _TwiceError as error:
        raise BaselineError(source, [f"line 1: an object has the key {_shown(error.key)} twice. {_REMEDY}"]) from None
    except json.JSONDecodeError as error:
        raise BaselineError(source, [f"line {error.lineno}: is not valid JSON: {error.msg}. {_REMEDY}"]) from None
    except (ValueError, RecursionError):
        problem = f"is not a baseline: it nests too deeply, or a number is too long. {_REMEDY}"
        raise BaselineError(source, [f"line 1: {problem}"]) from None
    return _entries(document, text, source)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _TwiceError(key)
        found[key] = value
    return found


def _entries(document: Any, text: str, source: str) -> tuple[BaselineEntry, ...]:
    if not isinstance(document, dict):
        raise BaselineError(source, [f"line 1: is not a baseline: an object with version and entries. {_REMEDY}"])
    version = document.get("version")
    if isinstance(version, int) and not isinstance(version, bool) and version > VERSION:
        problem = (
            f"was written by a newer sessionlint (format {version}, this one reads {VERSION}); upgrade sessionlint."
        )
        raise BaselineError(source, [f"line 1: {problem}"])
    problems = []
    if version != VERSION or isinstance(version, bool):
        problems.append(f'line 1: "version" is {_shown(version)}; a baseline of this format says {VERSION}. {_REMEDY}')
    strange = [key for key in document if key not in ("version", "entries")]
    problems += [f"line 1: {_shown(key)} is no key of a baseline; remove it." for key in strange]
    rows = document.get("entries")
    if not isinstance(rows, list):
        problems.append(f'line 1: "entries" is {_shown(rows)}; it must be a list. {_REMEDY}')
        raise BaselineError(source, problems)
    entries: dict[tuple[str, str, str, str], tuple[int, BaselineEntry]] = {}
    for line, row in zip(_lines(text), rows, strict=True):
        mistakes = _mistakes(row)
        problems += [f"line {line}: {mistake}" for mistake in mistakes]
        if mistakes:
            continue
        place = (row["path"], row["rule"], row["qualname"], row["fingerprint"])
        if place in entries:
            problems.append(
                f"line {line}: is about the same findings as line {entries[place][0]}; keep one of the two."
            )
        entries[place] = (line, BaselineEntry(*place, row["count"]))
    if problems:
        raise BaselineError(source, problems)
    return tuple(sorted(entry for _, entry in entries.values()))


def _lines(text: str) -> Iterator[int]:
    """The line of every element of ``entries`` in text that is known to be a JSON object."""
    decoder = json.JSONDecoder()
    at = text.index("{") + 1
    while True:
        at = _skip(text, at)
        key, at = decoder.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)
        if key == "entries":
            break
        _, at = decoder.raw_decode(text, at)
        at = _skip(text, at) + 1
    at = _skip(text, at + 1)
    line, counted = 1, 0
    while text[at] != "]":
        line += text.count("\n", counted, at)
        counted = at
        yield line
        _, at = decoder.raw_decode(text, at)
        at = _skip(text, at)
        at = _skip(text, at + 1) if text[at] == "," else at


def _skip(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at


def _mistakes(row: Any) -> list[str]:
    """What is wrong with one entry."""
    if not isinstance(row, dict):
        return [f"{_shown(row)} is no entry; an entry has {', '.join(_KEYS)}."]
    found = [f'"{key}" is missing; add it or remove the entry.' for key in _KEYS if key not in row]
    found += [f"{_shown(key)} is no key of an entry; remove it." for key in row if key not in _KEYS]
    checks = {"rule": _rule, "path": _path, "qualname": _qualname, "fingerprint": _fingerprint, "count": _count}
    for key, check in checks.items():
        problem = check(row[key]) if key in row else ""
        if problem:
            found.append(f'"{key}" is {_shown(row[key])}, {problem}')
    return found


def _rule(value: Any) -> str:
    if not isinstance(value, str) or value not in CODES:
        near = nearest_code(value) if isinstance(value, str) else None
        return "which is no rule; remove the entry." + (f" Did you mean {near}?" if near else "")
    if value.startswith(NEVER_ABSORBED):
        return "which is about the gate itself and never belongs in a baseline; remove the entry."
    return ""


def _path(value: Any) -> str:
    usable = (
        isinstance(value, str)
        and value
        and not value.startswith("/")
        and "\\" not in value
        and "\0" not in value
        and ".." not in value.split("/")
    )
    return "" if usable else "which is no path relative to the project with '/'; correct it."


def _qualname(value: Any) -> str:
    return "" if isinstance(value, str) else "which is no text; correct it or remove the entry."


def _fingerprint(value: Any) -> str:
    usable = isinstance(value, str) and _FINGERPRINT.match(value)
    return "" if usable else "which is not 24 hexadecimal digits; remove the entry."


def _count(value: Any) -> str:
    usable = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MOST
    return "" if usable else f"which is not a whole number from 1 to {_MOST}; correct it or remove the entry."


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= 60 else text[:57] + "..."
