"""A memo on disk, so that the next run on a project evaluates only what changed since the last one.

Content of the signed file: the pickled memo in parts, each behind its length, for a part at a time takes little memory
to write. What asks for anything but the classes of a memo counts as absent: a repository may carry such a file to harm
who checks it, and unpickling it can make nothing but those plain records.
"""

from __future__ import annotations

import dataclasses
import io
import pickle
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from sessionlint.policy_model import Policy
from sessionlint.program.memo import Memo
from sessionlint.program.plain_records import PlainUnpickler, Records
from sessionlint.program.signed_file import SignedFile

_MAGIC: Final = b"SLMEMO04"
_LENGTH: Final = struct.Struct("<Q")
#: A part of the file holds at least so many operations of traces.
_PART: Final = 20_000
_KEPT: Final = 8
_DAMAGE: Final = (
    pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, LookupError, struct.error,
)  # fmt: skip


#: What plays no part in solving: policies that differ in nothing else share a memo.
_OF_RULES: Final[dict[str, Any]] = {
    "preset": "unit-of-work", "select": (), "extend_select": (), "ignore": (), "severity": {}, "per_file_ignores": {},
    "tls": "off", "pool_min": 0, "pooler_port": 0, "allow_unprotected": (), "exclude": (), "stated": (),
    "key_lines": {}, "source": "",
}  # fmt: skip


def solving_digest(policy: Policy) -> str:
    """Equal for policies under which a program has the same solution, whatever rules say of it."""
    return dataclasses.replace(policy, **_OF_RULES).cache_digest


class MemoStore:
    """The memo of one policy in a cache folder; of the part of a program in which ``first`` is the first file."""

    def __init__(self, folder: Path, policy: Policy, first: str = "") -> None:
        self._file = SignedFile(folder, "memo", _MAGIC, solving_digest(policy), first, _KEPT)

    def load(self) -> Memo:
        """The memo of the last run; an empty one when there is none, whatever the reason."""
        try:
            content = self._file.read()
            return Memo(_state(content)) if content else Memo()
        except _DAMAGE:
            return Memo()

    def save(self, found: Memo) -> None:
        """Stores ``found`` in one step; not being able to is no error."""
        self._file.write(_pieces(found))


def _pieces(found: Memo) -> Iterator[bytes]:
    for part in _parts(found.state):
        yield _LENGTH.pack(len(part)) + part


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
