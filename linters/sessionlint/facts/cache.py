"""Facts that were read once, kept in one pack file per project.

The pack maps content keys to blobs, and paths to the content key they had, so that a file whose size, times
and inode are unchanged is neither read nor hashed again. It may be lost, cut short, overwritten with garbage
or written by several runs at once: what cannot be trusted is not there, and is read anew.

Layout: ``MAGIC``, length of the index (8 bytes), digest of the index (16 bytes), the marshalled index, blobs.
The index is ``(started, {path: entry}, {key: place})``; see :data:`_Entry` and :data:`_Place`.
"""

from __future__ import annotations

import contextlib
import hashlib
import marshal
import os
import struct
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from sessionlint.facts.ir import FACTS_VERSION

_MAGIC: Final = b"SLFACTS1"
_HEADER: Final = struct.Struct("<8sQ16s")
_DAY: Final = 86_400 * 10**9
#: Blobs nobody asked for are kept this long (days): a change of branch and back costs nothing.
KEEP_DAYS: Final = 14
#: A pack grows no larger than this by blobs nobody asked for (bytes).
KEEP_BYTES: Final = 64 << 20
#: Two writes this close may leave a file with one and the same time stamp (nanoseconds).
RACY: Final = 2 * 10**9
_ABANDONED: Final = 3_600 * 10**9

_Entry = tuple[int, int, int, int, bytes]
"""Size, modification time, change time (nanoseconds), inode, content key."""
_Place = tuple[int, int, int, int]
"""Offset, length, CRC-32, day of last use."""


class _Kept(NamedTuple):
    """What goes into the next pack."""

    key: bytes
    blob: bytes
    checksum: int
    #: of last use
    day: int


class StatLike(Protocol):
    """What the cache reads of an ``os.stat_result``."""

    @property
    def st_size(self) -> int: ...
    @property
    def st_mtime_ns(self) -> int: ...
    @property
    def st_ctime_ns(self) -> int: ...
    @property
    def st_ino(self) -> int: ...


def content_key(data: bytes) -> bytes:
    """The key of a file's bytes: 16 bytes, equal for equal content."""
    return hashlib.blake2b(data, digest_size=16).digest()


class FactsCache:
    """Blobs by content key and by unchanged path.

    ``directory`` is made on the first :meth:`save`; ``None``, or one that cannot be read or written, gives a
    cache that lives as long as the object. ``clock`` tells the time in nanoseconds.
    """

    def __init__(
        self, directory: Path | None, *, version: int = FACTS_VERSION, clock: Callable[[], int] = time.time_ns
    ) -> None:
        self._directory = directory
        self._clock = clock
        # Blobs are marshal data, which differs between Python versions.
        self._name = f"facts-{version}-{sys.implementation.cache_tag}.pack"
        self._started = clock()
        self._data = memoryview(b"")
        self._written = 0
        self._old_entries: dict[str, _Entry] = {}
        self._places: dict[bytes, _Place] = {}
        self._entries: dict[str, _Entry] = {}
        self._blobs: dict[bytes, bytes] = {}
        self._used: set[bytes] = set()
        self._verified: set[str] = set()
        #: whether everything is in the pack
        self._saved = False
        self._load()

    def lookup(self, path: str, stat: StatLike) -> bytes | None:
        """The blob of a file that has not changed since it was put; ``None`` if it must be read."""
        entry, written = self._entries.get(path), self._started
        if entry is None:
            entry, written = self._old_entries.get(path), self._written
        if entry is None or entry[:4] != _identity(stat) or _is_racy(entry, written):
            return None
        blob = self.get(entry[4])
        if blob is not None:
            self._verified.add(path)
        return blob

    def key_of(self, path: str) -> bytes:
        """The content key of a file that was looked up or put; ``b""`` if it is not known."""
        entry = self._entries.get(path) or self._old_entries.get(path)
        return entry[4] if entry is not None else b""

    def get(self, key: bytes) -> bytes | None:
        """The blob stored under a content key, if it is there and sound."""
        blob = self._blobs.get(key)
        if blob is None:
            place = self._places.get(key)
            if place is None:
                return None
            offset, length, crc, _ = place
            blob = bytes(self._data[offset : offset + length])
            if len(blob) != length or zlib.crc32(blob) != crc:
                del self._places[key]
                return None
        self._used.add(key)
        return blob

    def put(self, path: str, stat: StatLike, key: bytes, blob: bytes) -> None:
        """Store what was read from ``path``; ``stat`` must have been taken before the bytes were read."""
        self._saved = False
        self._entries[path] = (*_identity(stat), key)
        self._used.add(key)
        if self.get(key) != blob:
            self._blobs[key] = blob

    def keep(self, key: bytes, blob: bytes) -> None:
        """Store what was made of bytes that lie at no path (a revision, an editor's buffer)."""
        self._used.add(key)
        if self.get(key) != blob:
            self._saved = False
            self._blobs[key] = blob

    def save(self) -> bool:
        """Write the pack if there is something new in it; ``False`` if it could not be written."""
        today = self._clock() // _DAY
        aged = any(today - self._places[key][3] > 1 for key in self._used if key in self._places)
        if self._directory is None or self._saved or not (self._entries or self._blobs or aged):
            return True
        kept = self._kept(today)
        try:
            _prepare(self._directory)
            self._write(self._directory, kept)
            self._sweep(self._directory)
        except OSError:
            return False
        self._saved = True
        return True

    # reading

    def _load(self) -> None:
        if self._directory is None:
            return
        try:
            data = memoryview((self._directory / self._name).read_bytes())
            magic, length, digest = _HEADER.unpack_from(data)
            index = data[_HEADER.size : _HEADER.size + length]
            # marshal may crash on garbage, so nothing is loaded that does not match its digest.
            if magic != _MAGIC or len(index) != length or self._digest(index) != digest:
                return
            self._written, self._old_entries, self._places = marshal.loads(index)
        except (OSError, struct.error, ValueError, EOFError, TypeError):
            return
        self._data = data[_HEADER.size + length :]

    def _digest(self, index: bytes | memoryview) -> bytes:
        return hashlib.blake2b(index, digest_size=16, key=self._name.encode()).digest()

    # writing

    def _kept(self, today: int) -> list[_Kept]:
        """Everything that goes into the next pack."""
        kept = [
            _Kept(key, blob, self._checksum(key, blob), today)
            for key in sorted(self._used)
            if (blob := self.get(key)) is not None
        ]
        room = KEEP_BYTES
        unused = [(place, key) for key, place in self._places.items() if key not in self._used]
        for place, key in sorted(unused, key=lambda item: (-item[0][3], item[1])):
            room -= place[1]
            if room < 0 or today - place[3] > KEEP_DAYS:
                break
            blob = bytes(self._data[place[0] : place[0] + place[1]])
            if zlib.crc32(blob) == place[2]:
                kept.append(_Kept(key, blob, place[2], place[3]))
        return kept

    def _checksum(self, key: bytes, blob: bytes) -> int:
        return zlib.crc32(blob) if key in self._blobs else self._places[key][2]

    def _kept_entries(self, keys: set[bytes]) -> dict[str, _Entry]:
        """Paths for the next pack; those that could not be trusted and were not read again are left out."""
        entries = {
            path: entry
            for path, entry in self._old_entries.items()
            if entry[4] in keys and (path in self._verified or not _is_racy(entry, self._written))
        }
        entries.update(self._entries)
        return {path: entry for path, entry in entries.items() if entry[4] in keys}

    def _write(self, directory: Path, kept: list[_Kept]) -> None:
        places: dict[bytes, _Place] = {}
        offset = 0
        for key, blob, checksum, day in kept:
            places[key] = (offset, len(blob), checksum, day)
            offset += len(blob)
        index = marshal.dumps((self._started, self._kept_entries(set(places)), places))
        handle, name = tempfile.mkstemp(".tmp", "facts-", directory)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_HEADER.pack(_MAGIC, len(index), self._digest(index)))
                file.write(index)
                file.writelines(one.blob for one in kept)
            # Readers see the old pack or the new one, never a part of it.
            Path(name).replace(directory / self._name)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise

    def _sweep(self, directory: Path) -> None:
        """Remove packs of versions no longer in use, and what killed runs left behind."""
        now = self._clock()
        for pattern, age in (("facts-*.pack", KEEP_DAYS * _DAY), ("facts-*.tmp", _ABANDONED)):
            for path in directory.glob(pattern):
                with contextlib.suppress(OSError):
                    if path.name != self._name and now - path.stat().st_mtime_ns > age:
                        path.unlink()


def _identity(stat: StatLike) -> tuple[int, int, int, int]:
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def _is_racy(entry: _Entry, written: int) -> bool:
    """Whether the file may have changed after it was read without its time stamps telling."""
    return max(entry[1], entry[2]) > written - RACY


def _prepare(directory: Path) -> None:
    if directory.is_dir():
        return
    directory.mkdir(parents=True, exist_ok=True)
    (directory / ".gitignore").write_text("*\n", encoding="utf-8")
    (directory / "CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55\n", encoding="utf-8")
