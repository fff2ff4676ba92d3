"""Lines of source for people to look at, read on demand."""

from __future__ import annotations

import io
import tokenize
from pathlib import Path


class SourceLines:
    """Lines of the files under ``root``; what cannot be read or decoded has none."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: dict[str, list[str]] = {}

    def __call__(self, path: str, line: int) -> str | None:
        """Line ``line`` (from 1) of ``path`` without its end; None when there is no such line."""
        if path not in self._files:
            self._files[path] = self._read(path)
        lines = self._files[path]
        return lines[line - 1] if 0 < line <= len(lines) else None

    def _read(self, path: str) -> list[str]:
        try:
            data = (self._root / path).read_bytes()
            encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
            text = io.TextIOWrapper(io.BytesIO(data), encoding, errors="replace").read()
        except (OSError, SyntaxError, LookupError, ValueError):
            return []
        return text.split("\n")
