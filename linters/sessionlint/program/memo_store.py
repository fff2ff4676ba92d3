"""A memo on disk, so that the next run on a project evaluates only what changed since the last one.

Layout: ``MAGIC``, the pickled memo in parts, each behind its length, and a digest of these (16 bytes): a part at a
time takes little memory to write. The file belongs to the policy, the version
of this tool and the interpreter; what does not match, is damaged, or asks for anything but the classes of a
memo counts as absent. A repository may carry such a file to attack who checks it: unpickling it can make
nothing but those plain records.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import pickle
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from sessionlint.atomic import write_atomically
from sessionlint.policy_model import Policy
from sessionlint.program.memo import Memo
from sessionlint.program.plain_records import PlainUnpickler, Records
from sessionlint.report_cache import tool_digest

_MAGIC: Final = b"SLMEMO03"
_DIGEST: Final = 16
_LENGTH: Final = struct.Struct("<Q")
#: A part of the file holds at least so many operations of traces.
_PART: Final = 20_000
_KEPT: Final = 8
_MAX_AGE: Final = 14 * 86_400


#: What plays no part in solving: policies that differ in nothing else share a memo.
_OF_RULES: Final[dict[str, Any]] = {
    "preset": "unit-of-work", "select": (), "extend_select": (), "ignore": (), "severity": {}, "per_file_ignores": {},
    "tls": "off", "pool_min": 0, "pooler_port": 0, "allow_unprotected": (), "exclude": (), "stated": (),
    "key_lines": {}, "source": "",
}  # fmt: skip


def solving_digest(policy: Policy) -> str:
    """Equal for policies under which a program has the same solution, whatever rules say of it."""
    return dataclasses.replace(policy, **_OF_RULES).digest


class MemoStore:
    """The memo of one policy in a cache folder; of the part of a program in which ``first`` is the first file."""

    def __init__(self, folder: Path, policy: Policy, first: str = "") -> None:
        digest = solving_digest(policy)
        part = hashlib.sha256(first.encode(errors="surrogatepass")).hexdigest()[:8] if first else "whole"
        self._path = folder / f"memo-{digest[:16]}-{part}.bin"
        self._key = f"{digest} {tool_digest()}".encode()

    def load(self) -> Memo:
        """The memo of the last run; an empty one when there is none, whatever the reason."""
        try:
            data = memoryview(self._path.read_bytes())
            body, hasher = data[len(_MAGIC) : -_DIGEST], self._hasher()
            hasher.update(body)
            if bytes(data[: len(_MAGIC)]) != _MAGIC or bytes(data[-_DIGEST:]) != hasher.digest():
                return Memo()
            return Memo(_state(body))
        except (OSError, pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, IndexError, KeyError):
            return Memo()

    def save(self, found: Memo) -> None:
        """Stores ``found`` in one step; not being able to is no error."""
        with contextlib.suppress(OSError, RecursionError):
            write_atomically(self._path, self._pieces(found))
            self._prune()

    def _pieces(self, found: Memo) -> Iterator[bytes]:
        yield _MAGIC
        hasher = self._hasher()
        for part in _parts(found.state):
            piece = _LENGTH.pack(len(part)) + part
            hasher.update(piece)
            yield piece
        yield hasher.digest()

    def _hasher(self) -> hashlib.blake2b:
        return hashlib.blake2b(digest_size=_DIGEST, key=hashlib.sha256(self._key).digest())

    def _prune(self) -> None:
        stored = sorted(self._path.parent.glob("memo-*.bin"), key=lambda path: path.stat().st_mtime, reverse=True)
        oldest = time.time() - _MAX_AGE
        for number, path in enumerate(stored):
            if number >= _KEPT or path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)


def _parts(state: tuple[Any, ...]) -> Iterator[bytes]:
    """The digests and classes, then the functions of neighbouring files together."""
    digests, functions, classes = state
    yield pickle.dumps((digests, (), classes), protocol=5)
    some: list[Any] = []
    size = 0
    for entry in sorted(functions, key=lambda entry: entry[0]):
        some.append(entry)
        size += sum(len(trace.operations) for trace in entry[3])
        if size > _PART:
            yield pickle.dumps(({}, some, ()), protocol=5)
            some, size = [], 0
    yield pickle.dumps(({}, some, ()), protocol=5)


def _state(body: memoryview) -> tuple[Any, ...]:
    digests: dict[str, bytes] = {}
    functions: list[Any] = []
    classes: list[Any] = []
    records = Records()
    at = 0
    while at < len(body):
        end = at + _LENGTH.size + _LENGTH.unpack_from(body, at)[0]
        part = PlainUnpickler(io.BytesIO(body[at + _LENGTH.size : end]), records).load()
        digests |= part[0]
        functions += part[1]
        classes += part[2]
        at = end
    return digests, functions, classes
