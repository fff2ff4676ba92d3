"""A solved program on disk, so that the next run takes the edits since into it instead of solving again.

Content of the signed file: pickled parts, each behind its length, and where the last of them begins (8 bytes). The
parts are what it was made of (:class:`Made`), what belongs to no file, the files some at a time,
what evaluations did for each file, of which edits ask for few, and where those parts begin. As with a memo, reading
can make nothing but plain records.
"""

from __future__ import annotations

import io
import pickle
import struct
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple

from sessionlint.program.editing import Editing
from sessionlint.program.model import FunctionInfo
from sessionlint.program.plain_records import PlainUnpickler, Records
from sessionlint.program.signed_file import SignedFile
from sessionlint.program.solution_state import (
    common_of,
    file_state,
    put_common,
    put_file,
    put_shares,
    shares_of,
)
from sessionlint.report import CheckError, Finding

_MAGIC: Final = b"SLSOLVE3"
_LENGTH: Final = struct.Struct("<Q")
#: So many functions at a time: a part takes little memory to write.
_PART: Final = 400
_KEPT: Final = 12
_DAMAGE: Final = (
    pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, LookupError, struct.error,
)  # fmt: skip


class Made(NamedTuple):
    """What a solution was made of, and what was said of it.

    ``keys`` are the content keys of its files, ``left`` those of others that were read, ``facts`` those of the facts of
    files that the screen passed over, ``modules`` all that solving read; ``marks`` the lines of each file (see
    :mod:`sessionlint.facts.numbering`). ``judged`` stands for the policy that the findings go by.
    """

    keys: dict[str, bytes]
    left: dict[str, bytes]
    facts: dict[str, bytes]
    errors: tuple[CheckError, ...]
    names: bytes
    judged: str
    found: tuple[Finding, ...]
    modules: frozenset[str]
    situations: tuple[Any, ...]
    marks: dict[str, bytes]


class Stored:
    """A solution that was found on disk."""

    def __init__(self, data: memoryview) -> None:
        """Reads what it was made of. Raises one of many errors for damaged data."""
        self._data = data
        self._records = Records()
        #: where what evaluations did begins, by file; those not asked for yet
        self._shares: dict[str, int] = self._part(_LENGTH.unpack_from(data, len(data) - _LENGTH.size)[0])[0]
        self.made, self._at = self._part(0)

    def put_into(self, solver: Editing, blob_of: Callable[[str], bytes | None]) -> bool:
        """Makes a solver that has met nothing the one of this solution; whether all its files have facts."""
        common, at = self._part(self._at)
        put_common(solver, common)
        end = min(self._shares.values(), default=len(self._data))
        while at < end:
            states, at = self._part(at)
            for state in states:
                blob = blob_of(state.path)
                if not blob:
                    return False
                put_file(solver, state, blob)
        solver.recall = self._recall
        return True

    def _recall(self, path: str) -> None:
        at = self._shares.pop(path, 0)
        if at:
            put_shares(self._part(at)[0])

    def _part(self, at: int) -> tuple[Any, int]:
        """The part that begins at a place, and where it ends."""
        end = at + _LENGTH.size + _LENGTH.unpack_from(self._data, at)[0]
        part = PlainUnpickler(io.BytesIO(self._data[at + _LENGTH.size : end]), self._records).load()
        return part, end


class SolutionStore:
    """The solution of a program in a cache folder, or of the part of it in which ``first`` is the first file.

    ``key`` stands for all that solving depends on besides files.
    """

    def __init__(self, folder: Path, key: str, first: str = "") -> None:
        self._file = SignedFile(folder, "solution", _MAGIC, key, first, _KEPT)

    def load(self) -> Stored | None:
        """The solution of an earlier run; ``None`` when there is none, whatever the reason."""
        try:
            content = self._file.read()
            return Stored(content) if content else None
        except _DAMAGE:
            return None

    def save(self, solver: Editing, made: Made) -> None:
        """Stores a solution in one step; not being able to is no error."""
        self._file.write(_pieces(solver, made))


def _pieces(solver: Editing, made: Made) -> Iterator[bytes]:
    at = 0
    by_file: dict[str, list[FunctionInfo]] = {}
    for function in solver.memo.functions:
        by_file.setdefault(function.path, []).append(function)
    for record in chain((made, common_of(solver)), _some_files(solver, by_file)):
        yield (piece := _piece(record))
        at += len(piece)
    places: dict[str, int] = {}
    for path, functions in by_file.items():
        places[path] = at
        yield (piece := _piece(shares_of(functions)))
        at += len(piece)
    yield _piece(places)
    yield _LENGTH.pack(at)


def _some_files(solver: Editing, by_file: dict[str, list[FunctionInfo]]) -> Iterator[list[Any]]:
    some: list[Any] = []
    size = 0
    for path, module in solver.modules.items():
        functions = by_file.get(path, [])
        some.append(file_state(module, functions))
        size += 1 + len(functions)
        if size > _PART:
            yield some
            some, size = [], 0
    yield some


def _piece(record: Any) -> bytes:
    data = pickle.dumps(record, protocol=5)
    return _LENGTH.pack(len(data)) + data
