"""Which layer a file belongs to: the pattern that matches deepest in its path decides."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sessionlint.globs import has_wildcard, translate
from sessionlint.patterns import regex

LAYERS = ("router", "service", "background", "auth", "model", "migration", "test")

_EVERYTHING_BELOW = regex(r"(?:(?:^|/)\*\*(?:/\*(?:\.py)?)?)+$")


@dataclass(frozen=True, slots=True)
class _Pattern:
    layer: str
    expression: re.Pattern[str]
    rank: tuple[int, int, int]


class LayerMap:
    """Answers for paths and remembers every answer; a file inherits from its folder, a folder from its parent."""

    def __init__(self, layers: Mapping[str, Sequence[str]]) -> None:
        self._patterns = [_compile(layer, pattern) for layer, patterns in layers.items() for pattern in patterns]
        self._patterns.sort(key=lambda pattern: pattern.rank, reverse=True)
        self._known: dict[str, str | None] = {}

    def layer_of(self, path: str) -> str | None:
        """The layer of a file or folder (relative to the root, with ``/``); None when no pattern matches."""
        if path not in self._known:
            self._known[path] = self._find(path)
        return self._known[path]

    def _find(self, path: str) -> str | None:
        for pattern in self._patterns:
            if pattern.expression.fullmatch(path):
                return pattern.layer
        return self.layer_of(path.rpartition("/")[0]) if path else None


def _compile(layer: str, pattern: str) -> _Pattern:
    # ``app/**`` says the same as ``/app/``: it matches a folder, so a pattern for a deeper one wins.
    folder = _EVERYTHING_BELOW.sub("", pattern)
    anchored = pattern if folder == pattern else f"/{folder.lstrip('/')}"
    expression = re.compile(f"(?s:{translate(anchored)})" if anchored.strip("/") else "")
    segments = [segment for segment in pattern.split("/") if segment]
    literal = sum(1 for segment in segments if not has_wildcard(segment))
    characters = sum(1 for char in pattern if char not in "*?[]!/")
    order = len(LAYERS) - LAYERS.index(layer) if layer in LAYERS else 0
    return _Pattern(layer, expression, (literal, characters, order))
