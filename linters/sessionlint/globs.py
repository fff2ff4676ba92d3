"""Path patterns with the meaning they have in ``.gitignore``, for policies and ignore files alike.

A pattern without an inner slash matches at any depth, one with a slash is anchored at its base; ``*`` and
``?`` stay inside one path segment, ``**`` crosses them, a trailing ``/`` asks for a folder. What matches a
folder matches everything beneath it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_WILD = frozenset("*?[\\")
_NEVER = r"(?!)"


def has_wildcard(pattern: str) -> bool:
    """Whether ``pattern`` holds a character with a special meaning."""
    return not _WILD.isdisjoint(pattern)


def _segment(text: str) -> str | None:
    """The regular expression of one path segment; None when a bracket is never closed."""
    out: list[str] = []
    i = 0
    while i < len(text):
        char = text[i]
        i += 1
        if char == "*":
            while i < len(text) and text[i] == "*":
                i += 1
            out.append("[^/]*")
        elif char == "?":
            out.append("[^/]")
        elif char == "\\" and i < len(text):
            out.append(re.escape(text[i]))
            i += 1
        elif char == "[":
            end = text.find("]", i + 2 if text[i : i + 1] in ("!", "^") else i + 1)
            if end < 0:
                return None
            out.append(_bracket(text[i:end]))
            i = end + 1
        else:
            out.append(re.escape(char))
    return "".join(out)


def _bracket(body: str) -> str:
    negated = body[:1] in ("!", "^")
    inner = re.sub(r"([\\\[\]&~|^])", r"\\\1", body[1:] if negated else body)
    try:
        re.compile(f"[{inner}]")
    except re.error:  # a reversed range such as [z-a] matches nothing
        return _NEVER
    return f"(?!/)[^{inner}]" if negated else f"(?!/)[{inner}]"


def translate(pattern: str) -> str:
    """The regular expression of ``pattern`` for a path relative to the base, without what lies beneath it.

    The trailing slash of a folder pattern is dropped: the caller knows what a path is.
    """
    body = pattern.rstrip("/")
    anchored = "/" in body
    segments = body.lstrip("/").split("/")
    out = "" if anchored else "(?:.*/)?"
    for number, segment in enumerate(segments):
        last = number == len(segments) - 1
        if segment == "**":
            out += ".+" if last else "(?:.*/)?"
            continue
        expression = _segment(segment)
        if expression is None:
            return _NEVER
        out += expression if last else expression + "/"
    return out


def never_matches(pattern: str) -> str | None:
    """Why no path whatever can match ``pattern``, with the remedy; None when one can."""
    segments = pattern.strip("/").split("/")
    expressions = [_segment(segment) for segment in segments]
    if None in expressions:
        return 'holds a "[" that is never closed, and matches nothing; close it, or write "\\\\[" for the character.'
    if any(expression is not None and _NEVER in expression for expression in expressions):
        return "holds a range that runs backwards, and matches nothing; turn it round."
    if pattern != "/" and {"", "."} & set(segments):
        plain = "/".join(segment for segment in segments if segment not in ("", "."))
        return f'matches nothing, because no path is written like that; write "{plain or "**"}".'
    return None


class PathMatcher:
    """Matches paths against a fixed list of patterns; what lies beneath a matching folder matches too."""

    def __init__(self, patterns: Sequence[str]) -> None:
        joined = "|".join(translate(pattern) for pattern in patterns if pattern.strip("/"))
        self._expression = re.compile(f"(?s:{joined})(?:/.*)?") if joined else None

    def matches(self, path: str) -> bool:
        """Whether ``path``, relative to the base with ``/``, or a folder above it matches a pattern."""
        return self._expression is not None and self._expression.fullmatch(path) is not None


@dataclass(frozen=True, slots=True)
class _Rule:
    negated: bool
    folders_only: bool
    anchored: bool
    expression: re.Pattern[str]


class IgnoreFile:
    """The patterns of one ``.gitignore``, asked name by name on the way down the tree.

    Because folders are pruned as soon as they are ignored, a plain name needs one dictionary look-up and
    only patterns with wildcards or slashes need a regular expression.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._names: dict[str, list[tuple[int, bool, bool]]] = {}
        self._rules: list[tuple[int, _Rule]] = []
        for number, line in enumerate(lines):
            self._add(number, line)
        self._rules.reverse()

    def _add(self, number: int, line: str) -> None:
        text = _clean(line)
        if not text:
            return
        negated = text.startswith("!")
        text = text[1:] if negated else text
        folders_only = text.endswith("/")
        body = text.rstrip("/")
        if not body:
            return
        if "/" not in body and not has_wildcard(body):
            self._names.setdefault(body, []).append((number, negated, folders_only))
            return
        expression = re.compile(f"(?s:{translate(body)})\\Z") if "/" in body else _name_expression(body)
        self._rules.append((number, _Rule(negated, folders_only, "/" in body, expression)))

    def __bool__(self) -> bool:
        return bool(self._names or self._rules)

    def verdict(self, name: str, path: str, is_folder: bool) -> bool | None:
        """True to ignore, False to keep, None when no pattern speaks; the last matching pattern decides.

        ``path`` is relative to the folder of the ignore file, ``name`` its last segment.
        """
        best, result = -1, None
        for number, negated, folders_only in self._names.get(name, ()):
            if is_folder or not folders_only:
                best, result = number, not negated
        for number, rule in self._rules:
            if number < best:
                break
            if rule.folders_only and not is_folder:
                continue
            if rule.expression.match(path if rule.anchored else name):
                return not rule.negated
        return result


def _name_expression(body: str) -> re.Pattern[str]:
    expression = _segment(body)
    return re.compile(f"(?s:{_NEVER if expression is None else expression})\\Z")


def _clean(line: str) -> str:
    """The pattern of a line: no comment, no unescaped blanks at the end; ``\\#`` and ``\\!`` stay escaped."""
    text = line.rstrip("\r\n")
    if text.startswith("#"):
        return ""
    stripped = text.rstrip(" ")
    if stripped.endswith("\\") and len(stripped) < len(text):
        stripped += " "
    return stripped
