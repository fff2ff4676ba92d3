"""New text in the form of the file it replaces: byte order mark, encoding, and the end of every line."""

from __future__ import annotations

import codecs
import io
import tokenize
from collections import Counter
from difflib import SequenceMatcher

from sessionlint.facts.source import decode
from sessionlint.fixes.model import refuse
from sessionlint.patterns import regex

_LINE = regex(r"(?P<text>[^\r\n]*)(?P<end>\r\n|\r|\n|\Z)")


def encoded(text: str, original: bytes, path: str) -> bytes:
    """``text`` (line feeds at the ends of its lines) as bytes, laid out as ``original`` is.

    Lines that stay keep their own ends, new ones get those of the line before. Refuses when the encoding of the file
    lacks a character of the text.
    """
    marked = original.startswith(codecs.BOM_UTF8)
    body = original[len(codecs.BOM_UTF8) :] if marked else original
    encoding = "utf-8" if marked else _encoding(body)
    ended = _with_ends(text, body.decode(encoding, errors="replace"), decode(original, path))
    try:
        data = ended.encode(encoding)
    except UnicodeEncodeError as error:
        line = ended.count("\n", 0, error.start) + 1
        refuse(f"the new text holds {error.object[error.start]!r}, which {encoding} lacks", path, line)
    return codecs.BOM_UTF8 + data if marked else data


def _encoding(data: bytes) -> str:
    return tokenize.detect_encoding(io.BytesIO(data).readline)[0]


def _with_ends(text: str, raw: str, before: str) -> str:
    if "\r" not in raw:
        return text
    ends = [match["end"] for match in _LINE.finditer(raw)][: before.count("\n")]
    old, new = before.split("\n"), text.split("\n")
    usual = Counter(ends).most_common(1)[0][0] if ends else "\n"
    made: list[str] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        near = ends[min(i1, len(ends) - 1)] if ends else usual
        if i1 and tag == "insert":
            near = ends[i1 - 1]
        for offset in range(j2 - j1):
            keeps = tag in ("equal", "replace") and i1 + offset < min(i2, len(ends))
            made.append(ends[i1 + offset] if keeps else near)
    return "".join(line + end for line, end in zip(new, [*made[: len(new) - 1], ""], strict=True))
