"""New contents as edits of what the client has."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Iterable
from difflib import SequenceMatcher

from lsprotocol import types

from sessionlint.patterns import regex
from sessionlint.server.positions import Units

_LINES = regex(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")


def lines_of(text: str) -> list[str]:
    """The lines of a text with their ends, as the protocol parts them (form feeds and the like part none)."""
    return _LINES.findall(text)


def raw_text(data: bytes) -> str:
    """The text in a file's bytes with its line ends as they are, without a byte order mark."""
    return data.decode(tokenize.detect_encoding(io.BytesIO(data).readline)[0])


def text_edits(before: str, after: str, units: Units) -> list[types.TextEdit]:
    """Edits of whole lines that make the one text the other."""
    old, new = lines_of(before), lines_of(after)
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    return [
        types.TextEdit(types.Range(types.Position(i1, 0), _line_start(old, i2, units)), "".join(new[j1:j2]))
        for tag, i1, i2, j1, j2 in matcher.get_opcodes()
        if tag != "equal"
    ]


def insertion(text: str, line: int, added: str) -> types.TextEdit:
    """The edit that puts a line before line ``line`` (from 1), ending as that one does."""
    lines = lines_of(text)
    ends = [each[len(each.rstrip("\r\n")) :] for each in lines[line - 1 : line] or lines[-1:]]
    at = types.Position(line - 1, 0)
    return types.TextEdit(types.Range(at, at), added + ((ends and ends[0]) or "\n"))


def workspace_edit(
    files: Iterable[tuple[str, int | None, list[types.TextEdit]]], *, versioned: bool
) -> types.WorkspaceEdit:
    """Edits of files: URI, version of the open document they are for, edits. ``versioned``: the client knows those."""
    if not versioned:
        return types.WorkspaceEdit(changes={uri: edits for uri, _, edits in files})
    return types.WorkspaceEdit(
        document_changes=[
            types.TextDocumentEdit(types.OptionalVersionedTextDocumentIdentifier(uri, version), edits)
            for uri, version, edits in files
        ]
    )


def _line_start(lines: list[str], line: int, units: Units) -> types.Position:
    """Where a line begins; behind the last line, its end."""
    if line < len(lines) or not lines or lines[-1].endswith(("\r", "\n")):
        return types.Position(line, 0)
    return types.Position(line - 1, units.to_client(lines[-1], len(lines[-1]) + 1))
