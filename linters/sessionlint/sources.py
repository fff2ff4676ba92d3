"""Lines of source for people to look at, read on demand."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Callable
from pathlib import Path


class SourceLines:
    """Lines of the files under ``root``; what cannot be read or decoded has none.

    ``read`` gives the content of a file in place of the disk; it may raise :class:`OSError` or ``KeyError``.
    """

    def __init__(self, root: Path, read: Callable[[str], bytes] | None = None) -> None:
        self._content = read or (lambda path: (root / path).read_bytes())
        self._files: dict[str, list[str]] = {}

    def __call__(self, path: str, line: int) -> str | None:
        """Line ``line`` (from 1) of ``path`` without its end; None when there is no such line."""
        if path not in self._files:
            self._files[path] = self._read(path)
        lines = self._files[path]
        return lines[line - 1] if 0 < line <= len(lines) else None

    def text(self, path: str) -> str:
        """The whole of ``path`` with line feeds at the ends of its lines; empty when it cannot be read or decoded."""
        return "\n".join(self._read(path))

    def _read(self, path: str) -> list[str]:
        try:
            data = self._content(path)
            encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
            text = io.TextIOWrapper(io.BytesIO(data), encoding, errors="replace").read()
        except (OSError, SyntaxError, LookupError, ValueError):
            return []
        return text.split("\n")
