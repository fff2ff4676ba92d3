"""Source code as lines of HTML: coloured around what matters, plain elsewhere."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from functools import lru_cache
from html import escape
from typing import NamedTuple

from pygments.lexers.diff import DiffLexer
from pygments.lexers.python import PythonLexer
from pygments.token import STANDARD_TYPES, Token, _TokenType

_PYTHON = PythonLexer()
_DIFF = DiffLexer()
#: Strings and comments, to find the lines on which a string of several lines goes on.
_STRINGS = re.compile(
    r"#[^\n]*|'''(?:\\.|[^\\])*?'''|\"\"\"(?:\\.|[^\\])*?\"\"\"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\"",
    re.DOTALL,
)
_PLAIN = frozenset({Token.Text, Token.Text.Whitespace, Token.Name, Token.Punctuation, Token.Operator})
_LONGEST = 2_000
#: What would reorder or hide the characters around it: bidirectional controls, joiners, other controls.
_HIDDEN = "\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff"
_INVISIBLE = re.compile(f"[{_HIDDEN}]")
_NOTABLE = re.compile(f"[&<>\"'{_HIDDEN}]")


class Stretch(NamedTuple):
    """Neighbouring lines as HTML, the first of them number ``first``; ``folded`` ones are far from all of interest."""

    first: int
    lines: Sequence[str]
    folded: bool

    @property
    def last(self) -> int:
        """The number of the last line."""
        return self.first + len(self.lines) - 1


def visible(text: str) -> str:
    """``text`` as HTML with every invisible character spelled out, so that nothing reorders what stands beside it."""
    if not _NOTABLE.search(text):
        return text
    html = escape(text)
    return _INVISIBLE.sub(lambda found: f'<span class="invisible">U+{ord(found[0]):04X}</span>', html)


def spelled_out(text: str) -> str:
    """``text`` with every invisible character as ``U+202E``, for places that hold no elements."""
    return _INVISIBLE.sub(lambda found: f"U+{ord(found[0]):04X}", text)


def stretches(source: str, wanted: Iterable[int], single: Iterable[int] = (), context: int = 4) -> tuple[Stretch, ...]:
    """All lines of Python ``source``, those of interest coloured and unfolded.

    Of interest are lines within ``context`` lines of a ``wanted`` one, and ``single`` ones without their neighbours.
    """
    texts = source.split("\n")
    if texts and not texts[-1]:
        texts.pop()
    total = len(texts)
    shown = {line for line in single if 0 < line <= total}
    for line in wanted:
        shown.update(range(max(1, line - context), min(total, line + context) + 1))
    coloured = _coloured(texts, shown, source) if shown else {}
    found: list[Stretch] = []
    start = 1
    for number in range(2, total + 2):
        if number > total or (number in shown) != (start in shown):
            if start in shown:
                found.append(Stretch(start, [coloured[line] for line in range(start, number)], folded=False))
            else:
                html = visible("\n".join(texts[start - 1 : number - 1]))
                found.append(Stretch(start, html.split("\n"), folded=True))
            start = number
    return tuple(found)


def numbered(first: int, lines: Iterable[str], marked: Container[int], anchor: str) -> str:
    """Lines as HTML, each with its number linked to itself; ``anchor`` is what stands before ``L10`` in an address."""
    return "".join(
        f'<div class="line{" hit" if number in marked else ""}" id="L{number}">'
        f'<a class="no" href="{anchor}L{number}">{number}</a><code>{html}</code></div>'
        for number, html in enumerate(lines, start=first)
    )


def python(source: str) -> str:
    """Python ``source`` as coloured HTML."""
    return "\n".join(_unit(source.strip("\n")))


def diff(text: str) -> str:
    """A unified diff as coloured HTML."""
    return "".join(_token(kind, value) for _, kind, value in _DIFF.get_tokens_unprocessed(text))


def _coloured(texts: Sequence[str], shown: set[int], source: str) -> dict[int, str]:
    """Coloured HTML of the shown lines. A string of several lines is coloured as one unit, any other line alone."""
    found: dict[int, str] = {}
    units = _string_units(source)
    for number in sorted(shown):
        if number in found:
            continue
        first, last = units.get(number, (number, number))
        lines = texts[first - 1 : last]
        too_long = max(map(len, lines)) > _LONGEST
        html = tuple(map(visible, lines)) if too_long else _unit("\n".join(lines))
        for offset, text in enumerate(html):
            found[first + offset] = text
    return found


def _string_units(source: str) -> dict[int, tuple[int, int]]:
    """For each line that a string of several lines touches: the first and last line of the joined strings."""
    units: dict[int, tuple[int, int]] = {}
    line, position = 1, 0
    for match in _STRINGS.finditer(source):
        breaks = source.count("\n", match.start(), match.end())
        if not breaks:
            continue
        line += source.count("\n", position, match.start())
        first, last = units.get(line, (line, line))[0], line + breaks
        for number in range(first, last + 1):
            units[number] = (first, last)
        line, position = last, match.end()
    return units


@lru_cache(maxsize=30_000)
def _unit(text: str) -> tuple[str, ...]:
    return tuple("".join(_token(kind, value) for _, kind, value in _PYTHON.get_tokens_unprocessed(text)).split("\n"))


def _token(kind: _TokenType, value: str) -> str:
    if kind in _PLAIN:
        return visible(value)
    name = STANDARD_TYPES.get(kind, "")
    # A token must not reach over the end of a line: each line is an element of its own.
    return "\n".join(f'<span class="{name}">{visible(part)}</span>' if part else "" for part in value.split("\n"))
