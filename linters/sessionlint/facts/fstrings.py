"""Reads one f-string or t-string by the rules of Python 3.12, where any quote may stand inside a field."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sessionlint.patterns import regex


class UnreadableError(Exception):
    """The text is not Python of any version, as far as the scan could follow it."""


@dataclass(frozen=True, slots=True)
class Field:
    """One ``{…}`` of an f-string.

    ``elements`` top-level expressions stand in it, which make one tuple if ``is_tuple``; ``echo`` is the text
    that ``{x=}`` puts in front; ``conversion`` is a character code or -1; ``spec`` the parts after ``:``.
    """

    elements: int
    is_tuple: bool
    echo: str
    conversion: int
    spec: tuple[str | Field, ...] | None


Part = str | Field


@dataclass(frozen=True, slots=True)
class StringToken:
    """One string in the source, ending before offset ``end``; ``parts`` is empty for a plain string.

    ``fields`` are the ``(start, end)`` of each expression in order of appearance; ``modern`` tells that
    Python 3.11 cannot read the token; ``template`` is the offset of a ``t`` prefix or -1.
    """

    end: int
    parts: tuple[Part, ...] = ()
    fields: tuple[tuple[int, int], ...] = ()
    modern: bool = False
    template: int = -1


@dataclass(frozen=True, slots=True)
class Expression:
    """A field's expression: the offset of its end, and how many elements it has."""

    end: int
    elements: int
    is_tuple: bool


_SPECIAL: Final = regex(r"""[\\{}'"\n]""")
_ESCAPE: Final = regex(r"\\(?:[0-7]{1,3}|x..|u.{4}|U.{8}|N\{[^}]*\}|.)", re.DOTALL)
_AFTER_ECHO: Final = regex(r"(?:\s|#[^\n]*+)*+")
_COMMENT: Final = regex(r"#[^\n]*(?=\n)")
_CONVERSION: Final = regex(r"![ \t]*([rsa])\s*(?=[:}])")


def read_format(text: str, opening: re.Match[str], expression: Callable[[int], Expression]) -> StringToken:
    """The token whose prefix and quotes are the two groups of ``opening``.

    ``expression`` finds the end of the expression that starts at an offset. Raises :class:`UnreadableError`.
    """
    return _Format(text, opening, expression).read()


def unescaped(text: str) -> str:
    """What a literal's source text means, escapes resolved; raises :class:`UnreadableError`."""
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(escape: re.Match[str]) -> str:
    try:
        value = ast.literal_eval(f'"{escape[0]}"')
    except (SyntaxError, ValueError):
        raise UnreadableError from None
    return str(value)


class _Format:
    def __init__(self, text: str, opening: re.Match[str], expression: Callable[[int], Expression]) -> None:
        prefix = opening[1].lower()
        self._text = text
        self._expression = expression
        self._quote = opening[2]
        self._raw = "r" in prefix
        self._template = opening.start() + prefix.index("t") if "t" in prefix else -1
        self._at = opening.end()
        self._fields: list[tuple[int, int]] = []
        self._modern = False

    def read(self) -> StringToken:
        parts = self._parts(depth=0)
        end = self._at + len(self._quote)
        return StringToken(end, parts, tuple(self._fields), self._modern, self._template)

    def _parts(self, depth: int) -> tuple[Part, ...]:
        """Parts up to the closing quote, or in a format spec (``depth`` > 0) up to its ``}``."""
        parts: list[Part] = []
        start = self._at
        while found := _SPECIAL.search(self._text, self._at):
            token, at = found[0], found.start()
            self._at = found.end()
            doubled = self._text.startswith(token, self._at)
            if token == "\\":
                self._skip_escape()
            elif token == "{" and (depth or not doubled):
                self._literal(parts, start, at)
                parts.append(self._field(depth))
                start = self._at
            elif token in "{}" and not depth:
                if not doubled:
                    raise UnreadableError
                self._literal(parts, start, self._at)
                self._at += 1
                start = self._at
            elif token == "}" or self._text.startswith(self._quote, at):
                if (token == "}") != (depth > 0):
                    raise UnreadableError
                self._literal(parts, start, at)
                self._at = at
                return tuple(parts)
            elif token == "\n" and len(self._quote) == 1 and not depth:
                raise UnreadableError
        raise UnreadableError

    def _literal(self, parts: list[Part], start: int, end: int) -> None:
        if end > start:
            text = self._text[start:end]
            parts.append(text if self._raw else unescaped(text))

    def _skip_escape(self) -> None:
        following = self._text[self._at : self._at + 2]
        if following == "N{" and not self._raw:
            end = self._text.find("}", self._at)
            if end < 0:
                raise UnreadableError
            self._at = end + 1
        elif following[:1] not in ("{", "}"):
            self._at += 1

    def _field(self, depth: int) -> Field:
        start = self._at
        inner = self._expression(start)
        if not self._text[start : inner.end].strip():
            raise UnreadableError
        self._fields.append((start, inner.end))
        self._at = inner.end
        echo, conversion, spec = self._tail(start, depth)
        source = self._text[start : inner.end] + echo
        self._modern |= depth > 1 or "\\" in source or "#" in source or self._quote in source
        self._modern |= "\n" in source and len(self._quote) == 1
        if echo and conversion < 0 and spec is None:
            conversion = ord("r")
        return Field(inner.elements, inner.is_tuple, echo, conversion, spec)

    def _tail(self, start: int, depth: int) -> tuple[str, int, tuple[Part, ...] | None]:
        """Echo, conversion and format spec after the expression, up to and over the closing ``}``."""
        echo, conversion, spec = "", -1, None
        if self._text[self._at] == "=":
            self._at += 1
            gap = _AFTER_ECHO.match(self._text, self._at)
            echo = self._text[start : self._at]
            if gap is not None:
                echo += _COMMENT.sub("", gap[0])
                self._modern |= "#" in gap[0]
                self._at = gap.end()
        if found := _CONVERSION.match(self._text, self._at):
            conversion = ord(found[1])
            self._modern |= found[0][-1] != found[1]
            self._at = found.end()
        if self._text.startswith(":", self._at):
            self._at += 1
            spec = self._parts(depth + 1)
        if not self._text.startswith("}", self._at):
            raise UnreadableError
        self._at += 1
        return echo, conversion, spec
