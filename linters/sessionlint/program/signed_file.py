"""One file of a cache folder that is believed only with the digest of this version of the tool, written in one step.

Layout: a magic word, the content, a digest of the content (16 bytes) by a key that stands for what the content depends
on. Whatever does not match, is cut short or cannot be read counts as absent.
"""

from __future__ import annotations

import contextlib
import hashlib
import pickle
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from sessionlint.atomic import write_atomically
from sessionlint.report_cache import tool_digest

_DIGEST: Final = 16
_MAX_AGE: Final = 14 * 86_400
_ABANDONED: Final = 3_600


class SignedFile:
    """The file ``kind-<16 digits for key>-<8 for the part>.bin`` in ``folder``.

    ``key`` stands for all that the content depends on besides the tool, ``first`` for a part of a program by its first
    file (``""``: the whole). Of the files of this kind ``most`` are kept, for two weeks.
    """

    def __init__(self, folder: Path, kind: str, magic: bytes, key: str, first: str, most: int) -> None:
        part = hashlib.sha256(first.encode(errors="surrogatepass")).hexdigest()[:8] if first else "whole"
        self._path = folder / f"{kind}-{hashlib.sha256(key.encode()).hexdigest()[:16]}-{part}.bin"
        self._kind = kind
        self._magic = magic
        self._key = hashlib.sha256(f"{key} {tool_digest()}".encode()).digest()
        self._most = most

    def read(self) -> memoryview | None:
        """The content, if it can be believed."""
        try:
            data = memoryview(self._path.read_bytes())
        except OSError:
            return None
        content = data[len(self._magic) : -_DIGEST]
        hasher = self._hasher()
        hasher.update(content)
        if bytes(data[: len(self._magic)]) != self._magic or bytes(data[-_DIGEST:]) != hasher.digest():
            return None
        return content

    def write(self, pieces: Iterable[bytes]) -> None:
        """Replaces the content; of the pieces one is held at a time. Not being able to is no error."""
        with contextlib.suppress(OSError, RecursionError, pickle.PicklingError):
            write_atomically(self._path, self._signed(pieces), follow=False)
            self._prune()

    def _signed(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        yield self._magic
        hasher = self._hasher()
        for piece in pieces:
            hasher.update(piece)
            yield piece
        yield hasher.digest()

    def _hasher(self) -> hashlib.blake2b:
        return hashlib.blake2b(digest_size=_DIGEST, key=self._key)

    def _prune(self) -> None:
        """Leaves as many files as may be kept, and nothing of runs that were killed while they wrote one."""
        now = time.time()
        folder = self._path.parent
        stored = sorted(folder.glob(f"{self._kind}-*.bin"), key=lambda path: path.lstat().st_mtime, reverse=True)
        for number, path in enumerate(stored):
            if number >= self._most or path.lstat().st_mtime < now - _MAX_AGE:
                path.unlink(missing_ok=True)
        for path in folder.glob(".*.tmp"):
            if path.lstat().st_mtime < now - _ABANDONED:
                path.unlink(missing_ok=True)
