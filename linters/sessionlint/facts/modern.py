"""Finds syntax newer than Python 3.11 in source text and rewrites it in place, equal in length (UTF-8 bytes).

What is written instead, and why, is told in :mod:`sessionlint.facts.downlevel`.
"""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass, replace
from typing import Final

from sessionlint.facts.fstrings import Expression, Part, StringToken, UnreadableError, read_format, unescaped
from sessionlint.patterns import regex


@dataclass(frozen=True, slots=True)
class Group:
    """Neighbouring strings rewritten to a tuple at offset ``start``."""

    start: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class ExceptGroup:
    """An ``except`` at offset ``start`` with ``count`` types that lacked their parentheses."""

    start: int
    count: int


@dataclass(frozen=True, slots=True)
class TypeAlias:
    """A ``type`` statement at offset ``start``; its name stood at offset ``name``."""

    start: int
    name: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """A definition at offset ``start`` whose type parameters stood between its brackets as ``text``."""

    start: int
    text: str


Repair = Group | ExceptGroup | TypeAlias | Bounds


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The older source, what must be mended in its tree, and the changed ``(start, end)`` offsets.

    All offsets count characters of the source as it was.
    """

    text: str
    repairs: list[Repair]
    changed: list[tuple[int, int]]


def rewrite(text: str) -> Rewritten:
    """``text`` with all newer syntax replaced; raises :class:`UnreadableError` where it cannot be followed."""
    scan = _Scan(text)
    scan.module()
    return Rewritten("".join(scan.out), scan.repairs, scan.changed)


_PREFIXES: Final = frozenset({"", "r", "u", "b", "f", "t", "br", "rb", "fr", "rf", "tr", "rt"})
_CODE: Final = regex(r"""["'#\[\](){}]|\b(?:def|class|type|except)\b""")
_FIELD: Final = regex(r"""["'#\[\](){}:!=,]""")
_EXCEPT: Final = regex(r"""["'#\[\](){}:,\n]|\b(?:as|lambda)\b""")
_BRACKETS: Final = regex(r"""["'#\[\](){}]""")
_DEFINITION: Final = regex(r"(?:def|class)[ \t]+\w+[ \t]*(?=\[)")
_ASYNC: Final = regex(r"\basync[ \t]+\Z")
_ALIAS: Final = regex(r"type[ \t]+(\w+)[ \t]*([=\[])(?!=)")
_NEXT: Final = regex(r"""(?:[ \t\f]|\\\n)*+(?=[a-zA-Z]{0,2}["'])""")
_NEXT_IN_BRACKETS: Final = regex(r"""(?:[ \t\f\n]|\\\n|#[^\n]*+)*+(?=[a-zA-Z]{0,2}["'])""")
_PREFIX_AND_QUOTE: Final = regex(r"""([a-zA-Z]{0,2})('''|\"\"\"|'|")""")
_REST: Final = {
    "'": regex(r"(?:[^'\\\n]++|\\.)*+'", re.DOTALL),
    '"': regex(r'(?:[^"\\\n]++|\\.)*+"', re.DOTALL),
    "'''": regex(r"(?:[^'\\]++|\\.|'(?!''))*+'''", re.DOTALL),
    '"""': regex(r'(?:[^"\\]++|\\.|"(?!""))*+"""', re.DOTALL),
}
_WORD: Final = regex(r"\w")
# A format spec may hold fields and those another spec; Python stops reading at this depth as well.
_DEEPEST: Final = 100


class _Scan:
    """One pass over the text; ``out`` holds what becomes of each character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.out = list(text)
        self.repairs: list[Repair] = []
        self.changed: list[tuple[int, int]] = []
        self._open = 0
        self._levels = 0

    def module(self) -> None:
        """Scan code to the end of the text."""
        at = 0
        while found := _CODE.search(self.text, at):
            token = found[0]
            if token in ("def", "class"):
                at = self._definition(found.start(), found.end())
            elif token == "type":
                at = self._alias(found.start(), found.end())
            elif token == "except":
                at = self._except(found.start(), found.end())
            else:
                at = self._token(found)

    # pieces of code

    def _token(self, found: re.Match[str]) -> int:
        """Step over a string, a comment or a bracket; the offset after it."""
        token = found[0]
        if token in "\"'":
            return self._strings(self._string_start(found.start()))
        if token == "#":
            end = self.text.find("\n", found.end())
            return len(self.text) if end < 0 else end
        if token in "([{":
            self._open += 1
        elif token in ")]}":
            self._open -= 1
        return found.end()

    def _string_start(self, quote: int) -> int:
        """Offset of the prefix of the string whose first quote is at ``quote``."""
        start = quote
        while start > 0 and quote - start < 3 and _WORD.match(self.text, start - 1):
            start -= 1
        return start if self.text[start:quote].lower() in _PREFIXES else quote

    def _definition(self, start: int, end: int) -> int:
        found = _DEFINITION.match(self.text, start)
        if found is None:
            return end
        opening = found.end()
        closing = self._matching(opening)
        bounds = self.text[opening + 1 : closing - 1]
        if ":" in bounds:
            is_async = _ASYNC.search(self.text, max(0, start - 40), start)
            self.repairs.append(Bounds(is_async.start() if is_async else start, bounds))
        after = closing
        while self.text[after : after + 1] in (" ", "\t"):
            after += 1
        if self.text[after : after + 1] == "(":
            # The type parameters become white space inside the parentheses, where line ends do no harm.
            self._blank(opening, after + 1)
            self.out[opening] = "("
            self._open += 1
            return after + 1
        self._blank(opening, closing)
        self.out[opening], self.out[closing - 1] = "(", ")"
        return closing

    def _alias(self, start: int, end: int) -> int:
        found = _ALIAS.match(self.text, start)
        if found is None or keyword.iskeyword(found[1]):
            return end
        name, length = found.start(1), len(found[1])
        self._blank(start, name + length)
        room = "".join(self.out[start : name + length])
        self.out[start : name + length] = [""] * (name + length - start)
        self.out[start] = found[1] + room[_width(found[1]) :]
        self.repairs.append(TypeAlias(start, name))
        if found[2] == "=":
            return found.start(2)
        opening = found.start(2)
        closing = self._matching(opening)
        self._blank(opening, closing)
        inner = next((at for at in range(opening + 1, closing - 1) if self.text[at] != "\n"), None)
        if inner is None:
            raise UnreadableError
        self.out[opening], self.out[inner], self.out[closing - 1] = "[", "0" + self.out[inner][1:], "]"
        return closing

    def _matching(self, opening: int) -> int:
        """Offset after the bracket that closes the one at ``opening``."""
        depth, at = 0, opening
        repairs = len(self.repairs)
        while found := _BRACKETS.search(self.text, at):
            depth += (found[0] in "([{") - (found[0] in ")]}")
            before = self._open
            at = self._token(found)
            self._open = before
            if depth == 0:
                del self.repairs[repairs:]
                return at
        raise UnreadableError

    def _except(self, start: int, end: int) -> int:
        """Types without parentheses: commas become ``<``, which binds loosely and keeps a flat list."""
        commas: list[int] = []
        opened, at = self._open, end
        while found := _EXCEPT.search(self.text, at):
            token = found[0]
            if self._open > opened or token not in (",", ":", "\n", "as", "lambda"):
                at = self._token(found) if token in "\"'#[](){}" else found.end()
            elif token == ",":
                commas.append(found.start())
                at = found.end()
            elif token == "\n" and self.text[found.start() - 1] == "\\":
                at = found.end()
            else:
                if token == ":" and commas:
                    self._except_types(start, commas, found.start())
                return found.end()
        return at

    def _except_types(self, start: int, commas: list[int], colon: int) -> None:
        trailing = not self.text[commas[-1] + 1 : colon].strip(" \t\\\n")
        for comma in commas:
            self.out[comma] = "<"
        if trailing:
            self.out[commas[-1]] = " "
        self.repairs.append(ExceptGroup(start, len(commas) + (not trailing)))
        self.changed.append((start, colon))

    # strings

    def _strings(self, start: int) -> int:
        """Step over a string and its neighbours, rewriting them if one needs it; the offset after them."""
        strings = [(start, self._string(start))]
        gap = _NEXT_IN_BRACKETS if self._open > 0 else _NEXT
        while found := gap.match(self.text, strings[-1][1].end):
            prefix = _PREFIX_AND_QUOTE.match(self.text, found.end())
            if prefix is None or prefix[1].lower() not in _PREFIXES:
                break
            strings.append((found.end(), self._string(found.end())))
        if any(token.modern for _, token in strings):
            self._to_tuple(strings)
        else:
            for _, token in strings:
                if token.template >= 0:
                    self.out[token.template] = "f"
                    self.changed.append((token.template, token.end))
        return strings[-1][1].end

    def _to_tuple(self, strings: list[tuple[int, StringToken]]) -> None:
        start, end = strings[0][0], strings[-1][1].end
        at = start
        parts: list[Part] = []
        for first, token in strings:
            parts += token.parts or self._plain(first, token.end)
            for field, last in token.fields:
                self._blank(at, field)
                self.out[last] = ","
                at = last + 1
        self._blank(at, end)
        self.out[start], self.out[end - 1] = "(", ")"
        self.repairs.append(Group(start, tuple(parts)))
        self.changed.append((start, end))

    def _plain(self, start: int, end: int) -> tuple[Part, ...]:
        """The value of a plain string next to an f-string."""
        opening = _PREFIX_AND_QUOTE.match(self.text, start)
        if opening is None or "b" in opening[1].lower():
            raise UnreadableError
        inner = self.text[opening.end() : end - len(opening[2])]
        return (inner if "r" in opening[1].lower() else unescaped(inner),)

    def _string(self, start: int) -> StringToken:
        opening = _PREFIX_AND_QUOTE.match(self.text, start)
        if opening is None:
            raise UnreadableError
        prefix, quote = opening[1].lower(), opening[2]
        if "f" in prefix or "t" in prefix:
            repairs = len(self.repairs)
            token = read_format(self.text, opening, self._expression)
            # A string inside that had to be rewritten takes this one along.
            return token if len(self.repairs) == repairs else replace(token, modern=True)
        rest = _REST[quote].match(self.text, opening.end())
        if rest is None:
            raise UnreadableError
        return StringToken(rest.end())

    def _expression(self, start: int) -> Expression:
        """The expression of an f-string's field, its trailing comma removed."""
        opened, at = self._open, start
        # Inside a field lines may end as inside a bracket.
        self._open += 1
        self._levels += 1
        if self._levels > _DEEPEST:
            raise UnreadableError
        commas: list[int] = []
        while found := _FIELD.search(self.text, at):
            token, doubled = found[0], self.text.startswith("=", found.end())
            if token in ":!=," and self._open > opened + 1:
                at = found.end()
            elif token == ",":
                commas.append(found.start())
                at = found.end()
            elif token in "!=" and (doubled or self._is_operator(found)):
                at = found.end() + doubled
            elif token in ":!=" or (token == "}" and self._open == opened + 1):
                self._open = opened
                self._levels -= 1
                return self._elements(commas, found.start())
            else:
                at = self._token(found)
        raise UnreadableError

    def _elements(self, commas: list[int], end: int) -> Expression:
        trailing = bool(commas) and not self.text[commas[-1] + 1 : end].strip()
        if trailing:
            self.out[commas[-1]] = " "
        return Expression(end, len(commas) + (not trailing), bool(commas))

    def _is_operator(self, found: re.Match[str]) -> bool:
        """Whether an ``=`` ends ``<=`` or ``>=`` rather than asking for an echo."""
        return found[0] == "=" and self.text[found.start() - 1] in "<>"

    def _blank(self, start: int, end: int) -> None:
        if end > start:
            text = self.text[start:end]
            if text.isascii():
                self.out[start:end] = ["\n" if char == "\n" else " " for char in text]
            else:
                self.out[start:end] = ["\n" if char == "\n" else " " * _width(char) for char in text]
            self.changed.append((start, end))


def _width(text: str) -> int:
    """Bytes of a text in UTF-8, the measure of columns in syntax trees."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
