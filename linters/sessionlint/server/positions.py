"""Columns as editors count them.

Source: https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification/#position
"""

from __future__ import annotations

from dataclasses import dataclass

_BYTES_PER_UNIT = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}


@dataclass(frozen=True, slots=True)
class Units:
    """The unit of columns the client and the server agreed on: ``utf-8``, ``utf-16`` or ``utf-32``."""

    encoding: str = "utf-16"

    def to_client(self, line: str, column: int) -> int:
        """The client's column (from 0) of the character at ``column`` (from 1) of ``line``."""
        before = line[: column - 1]
        if before.isascii():
            return len(before)
        codec, size = _BYTES_PER_UNIT[self.encoding]
        return len(before.encode(codec, errors="surrogatepass")) // size

    def from_client(self, line: str, character: int) -> int:
        """The column (from 1) of the client's ``character`` in ``line``; one inside a character is that one's."""
        if line.isascii():
            return min(character, len(line)) + 1
        codec, size = _BYTES_PER_UNIT[self.encoding]
        passed = 0
        for column, sign in enumerate(line, start=1):
            passed += len(sign.encode(codec, errors="surrogatepass")) // size
            if passed > character:
                return column
        return len(line) + 1
