"""Comments of a source text, and the statement each belongs to. Strings are told from comments as Python does."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sessionlint.patterns import regex

# One token at a time; a quote that closes nowhere counts as a sign. Prefixes of strings change no boundary.
_TOKEN = regex(
    r"(?P<string>\"\"\"(?:[^\\\"]|\\.|\"(?!\"\"))*\"\"\"|'''(?:[^\\']|\\.|'(?!''))*'''"
    r"|\"(?:[^\\\"\n]|\\.)*\"|'(?:[^\\'\n]|\\.)*')"
    r"|(?P<comment>\#[^\n]*)"
    r"|(?P<newline>\n)"
    r"|(?P<joined>\\\n)"
    r"|(?P<open>[(\[{])"
    r"|(?P<close>[)\]}])"
    r"|(?P<blank>[ \t\f]+)"
    r"|(?P<code>[^\s'\"#\\()\[\]{}]+|.)",
    re.S,
)


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment at ``line`` and ``column`` (from 1), and the lines ``first`` to ``last`` it belongs to.

    After code these are its statement's lines when it stands on the first or last of them, else its own line. Alone
    on a line they are those of the statement below it (decorators and the header they belong to are one), or
    the next line with code inside a statement. ``first`` is 0 when nothing follows.
    """

    text: str
    line: int
    column: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class _Statement:
    """A logical line: its physical lines, which of them hold code, and whether it is a decorator."""

    first: int
    last: int
    coded: tuple[int, ...]
    decorator: bool


def comments(text: str, wanted: re.Pattern[str]) -> list[Comment]:
    """Comments of ``text`` (lines end in ``\\n``) that hold ``wanted``; of broken code, what can be told apart."""
    found, statements = _scan(text)
    return [_placed(*comment, statements) for comment in found if wanted.search(comment[0])]


def _scan(text: str) -> tuple[list[tuple[str, int, int]], list[_Statement]]:
    """Comments (text, line, column) and statements."""
    found: list[tuple[str, int, int]] = []
    statements: list[_Statement] = []
    line, line_start, depth = 1, 0, 0
    coded: list[int] = []
    decorator = False
    for match in _TOKEN.finditer(text):
        kind, token = match.lastgroup, match[0]
        if kind == "comment":
            found.append((token, line, match.start() - line_start + 1))
        elif kind == "newline":
            if coded and not depth:
                statements.append(_Statement(coded[0], line, tuple(coded), decorator))
                coded = []
            line, line_start = line + 1, match.end()
        elif kind == "joined":
            line, line_start = line + 1, match.end()
        elif kind != "blank":
            if not coded:
                decorator = token.startswith("@")
            depth = max(0, depth + (kind == "open") - (kind == "close"))
            breaks = token.count("\n") if kind == "string" else 0
            coded += [at for at in range(line, line + breaks + 1) if not coded or at > coded[-1]]
            if breaks:
                line, line_start = line + breaks, match.start() + token.rindex("\n") + 1
    if coded:
        statements.append(_Statement(coded[0], line, tuple(coded), decorator))
    return found, statements


def _placed(text: str, line: int, column: int, statements: list[_Statement]) -> Comment:
    first, last = _covered(line, statements)
    return Comment(text, line, column, first, last)


def _covered(line: int, statements: list[_Statement]) -> tuple[int, int]:
    for number, statement in enumerate(statements):
        if statement.last < line:
            continue
        if statement.first > line:
            return statement.first, _header_end(statements, number)
        if line in statement.coded:
            whole = line in (statement.first, statement.last)
            return (statement.first, statement.last) if whole else (line, line)
        below = next((at for at in statement.coded if at > line), statement.last)
        return below, below
    return 0, 0


def _header_end(statements: list[_Statement], number: int) -> int:
    """The last line of statement ``number``, or of the header that its decorators belong to."""
    while statements[number].decorator and number + 1 < len(statements):
        number += 1
    return statements[number].last
