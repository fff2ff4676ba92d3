"""Lines that a fix made too long are broken where formatters break them: inside their outermost brackets."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise

from sessionlint.fixes.merging import line_edits

_STEP = "    "
_ROUNDS = 20


@dataclass(frozen=True, slots=True)
class _Brackets:
    """A pair of brackets around a list, by line (from 0) and column: ``commas`` are those right inside it.

    ``closed``: a comma may follow the last item.
    """

    start: tuple[int, int]
    end: tuple[int, int]
    commas: tuple[tuple[int, int], ...]
    closed: bool


def relaid(before: str, after: str, limit: int) -> str:
    """``after`` with lines broken that are longer than ``limit`` and were not in ``before``; it means the same."""
    if next(_grown(before, after, limit), None) is None or not _same(after, after):
        return after
    excused: set[int] = set()
    text = after
    for _ in range(_ROUNDS):
        long = next((n for n in _grown(before, text, limit) if n not in excused), None)
        if long is None:
            break
        made = _broken(text, long, limit)
        if made is None or not _same(text, made):
            excused.add(long)
            continue
        excused = {n if n < long else n + made.count("\n") - text.count("\n") for n in excused}
        text = made
    return text


def _grown(before: str, after: str, limit: int) -> Iterator[int]:
    """The lines (from 0) of ``after`` that are too long and stand for none that was too long before."""
    old_lines, new_lines = before.split("\n"), after.split("\n")
    was_long = {line.strip() for line in old_lines if len(line) > limit}
    moved = 0
    for edit in line_edits(before, after):
        first = edit.start + moved
        moved += len(edit.lines) - (edit.stop - edit.start)
        replaced = [line for line in old_lines[edit.start : edit.stop] if len(line) > limit]
        for number in range(first, first + len(edit.lines)):
            line = new_lines[number]
            if len(line) <= limit or line.strip() in was_long:
                continue
            if not get_close_matches(line.strip(), [old.strip() for old in replaced], 1, 0.8):
                yield number


def _same(one: str, other: str) -> bool:
    """Whether two texts are the same program, with the same comments."""
    try:
        return ast.dump(ast.parse(one)) == ast.dump(ast.parse(other)) and _comments(one) == _comments(other)
    except (SyntaxError, ValueError, tokenize.TokenError):
        return False


def _comments(text: str) -> list[str]:
    return [t.string for t in tokenize.generate_tokens(io.StringIO(text).readline) if t.type == tokenize.COMMENT]


def _broken(text: str, number: int, limit: int) -> str | None:
    """The text with one line broken; None when there is nothing to break it at."""
    pairs = _brackets(text)
    lines = text.split("\n")
    around = [p for p in pairs if p.start[0] < number < p.end[0] and _divides(p, number, lines[number])]
    if around:
        return _one_item_a_line(lines, max(around, key=lambda pair: pair.start))
    inside = [p for p in pairs if p.start[0] == p.end[0] == number and p.end[1] - p.start[1] > 1]
    if not inside:
        return None
    pair = min(inside, key=lambda pair: pair.start)
    line = lines[number]
    indent = line[: len(line) - len(line.lstrip())]
    head, body, tail = line[: pair.start[1] + 1], line[pair.start[1] + 1 : pair.end[1]], line[pair.end[1] :]
    if len(indent) + len(_STEP) + len(body.strip()) <= limit and not body.rstrip().endswith(","):
        made = [head, f"{indent}{_STEP}{body.strip()}", f"{indent}{tail}"]
    elif not pair.commas:
        return None
    else:
        made = [head, *_items(line, pair, f"{indent}{_STEP}"), f"{indent}{tail}"]
    return "\n".join([*lines[:number], *made, *lines[number + 1 :]])


def _divides(pair: _Brackets, number: int, line: str) -> bool:
    """Whether a line between brackets holds several of their items."""
    return any(at == number and line[column + 1 :].strip() for at, column in pair.commas) and "#" not in line


def _one_item_a_line(lines: Sequence[str], pair: _Brackets) -> str | None:
    """The items between brackets that already stand on lines of their own, where these hold several items."""
    body = lines[pair.start[0] + 1 : pair.end[0]]
    if len(body) != 1 or lines[pair.start[0]][pair.start[1] + 1 :].strip():
        return None
    line = body[0]
    indent = line[: len(line) - len(line.lstrip())]
    inner = _Brackets((pair.start[0] + 1, -1), (pair.end[0] - 1, len(line)), pair.commas, pair.closed)
    made = _items(line, inner, indent)
    return "\n".join([*lines[: pair.start[0] + 1], *made, *lines[pair.end[0] :]])


def _items(line: str, pair: _Brackets, indent: str) -> list[str]:
    cuts = [pair.start[1], *(column for _, column in pair.commas), pair.end[1]]
    items = [line[start + 1 : end].strip() for start, end in pairwise(cuts)]
    ends = "," if pair.closed else ""
    *first, last = [item for item in items if item]
    return [*(f"{indent}{item}," for item in first), f"{indent}{last}{ends}"]


def _brackets(text: str) -> list[_Brackets]:
    """The brackets of a text that hold lists a line may be broken in."""
    kinds = dict(_lists(ast.parse(text), text))
    found: list[_Brackets] = []
    stack: list[tuple[tuple[int, int], list[tuple[int, int]]]] = []
    previous: list[str] = []
    heads: set[tuple[int, int]] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        place = (token.start[0] - 1, token.start[1])
        if token.type == tokenize.OP and token.string in "([{":
            stack.append((place, []))
            if token.string == "(" and previous[-2:-1] == ["def"]:
                heads.add(place)
        elif token.type == tokenize.OP and token.string in ")]}" and stack:
            start, commas = stack.pop()
            closed = True if start in heads else kinds.get(place)
            if closed is not None:
                found.append(_Brackets(start, place, tuple(commas), closed))
        elif token.type == tokenize.OP and token.string == "," and stack:
            stack[-1][1].append(place)
        if token.type in (tokenize.NAME, tokenize.OP):
            previous = [*previous[-1:], token.string]
    return found


def _lists(tree: ast.Module, text: str) -> Iterator[tuple[tuple[int, int], bool]]:
    """Where (line from 0, column) the lists of a program close, and whether a comma may stand before that."""
    lines = text.split("\n")
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            alone = len(node.args) == 1 and isinstance(node.args[0], ast.GeneratorExp) and not node.keywords
            closed = not alone
        elif isinstance(node, ast.Dict | ast.List | ast.Set):
            closed = True
        else:
            continue
        line, end = (node.end_lineno or 1) - 1, (node.end_col_offset or 1) - 1
        yield (line, len(lines[line].encode()[:end].decode(errors="replace"))), closed
