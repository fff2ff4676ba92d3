"""How long the lines of a project may be, as far as its own files say so."""

from __future__ import annotations

import configparser
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

#: Where nothing is said, lines may be as long as the longest of the file, between these two.
_LEAST, _MOST = 88, 120


class LineLengths:
    """What the formatters and linters of the project at ``root`` (None: of one that has none) are told."""

    def __init__(self, root: Path | None = None) -> None:
        self._root = root
        self._folders: dict[str, int | None] = {}

    def of(self, path: str, text: str) -> int:
        """The longest line, in characters, that the file at ``path`` may have; ``text`` is what is in it now."""
        folder = path
        while folder and self._root is not None:
            folder = folder.rpartition("/")[0]
            if folder not in self._folders:
                self._folders[folder] = next(_told(self._root / folder), None)
            told = self._folders[folder]
            if told is not None:
                return told
        longest = max((len(line) for line in text.split("\n")), default=0)
        return min(_MOST, max(_LEAST, longest))


def _told(folder: Path) -> Iterator[int]:
    for name, read in (
        ("ruff.toml", _ruff), (".ruff.toml", _ruff), ("pyproject.toml", _pyproject),
        (".flake8", _flake8), ("setup.cfg", _flake8), ("tox.ini", _flake8),
    ):  # fmt: skip
        yield from _read(folder / name, read)


def _read(path: Path, read: Callable[[str], Iterator[Any]]) -> Iterator[int]:
    """The lengths a file gives. One that cannot be read gives none: it is not what is being checked."""
    try:
        text = path.read_text(encoding="utf-8")
        yield from (int(found) for found in read(text))
    except (OSError, ValueError, TypeError, AttributeError, configparser.Error):
        return


def _ruff(text: str) -> Iterator[Any]:
    data = tomllib.loads(text)
    if "line-length" in data:
        yield data["line-length"]


def _pyproject(text: str) -> Iterator[Any]:
    tools = tomllib.loads(text).get("tool", {})
    for name, key in (("ruff", "line-length"), ("black", "line-length"), ("flake8", "max-line-length")):
        if key in tools.get(name, {}):
            yield tools[name][key]


def _flake8(text: str) -> Iterator[Any]:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(text)
    if parser.has_option("flake8", "max-line-length"):
        yield parser.get("flake8", "max-line-length")
