"""Files that the screen passed over: they are read all the same when they mention a name that turned out to matter.

The screen knows the words of libraries. What a program calls its own helpers (``with unit() as u``) it cannot know.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from sessionlint.facts import screen
from sessionlint.patterns import regex

_WORD = regex(rb"[A-Za-z_\x80-\xff][0-9A-Za-z_\x80-\xff]*")

WordsIn = Callable[[str], frozenset[bytes]]
"""The words of a file, see :func:`words_of`; none when it cannot be read."""


class PassedOver:
    """The passed-over files of a program, and the words in them as soon as somebody asks."""

    def __init__(self, paths: Collection[str], words_in: WordsIn) -> None:
        self._paths = sorted(paths)
        self._words_in = words_in
        self._words: dict[str, frozenset[bytes]] = {}

    def mentioning(self, names: Collection[str]) -> list[str]:
        """The files that mention one of the names, in order. Such names as the screen knows are in none of them."""
        wanted = self._encoded(names) if self._paths else None
        return [path for path in self._paths if not wanted.isdisjoint(self._words_of(path))] if wanted else []

    def is_asked_for(self, data: bytes, names: Collection[str]) -> bool:
        """Whether a file of these bytes would be read for one of the names."""
        return not words_of(data).isdisjoint(self._encoded(names))

    def _encoded(self, names: Collection[str]) -> set[bytes]:
        return {name.encode() for name in names if not screen.matters(name)}

    def _words_of(self, path: str) -> frozenset[bytes]:
        known = self._words.get(path)
        if known is None:
            known = self._words[path] = self._words_in(path)
        return known


def words_of(data: bytes) -> frozenset[bytes]:
    """The identifiers in the text of a file, and the words of its comments and strings."""
    return frozenset(_WORD.findall(data))
