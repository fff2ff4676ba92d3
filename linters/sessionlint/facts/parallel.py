"""Reading by several processes: workers are forked, take chunks from one queue and answer through files.

Workers share the screen, the cache and the lowering function by being copies of this process. Chunk numbers
lie in a pipe that all of them drain, so the queue needs no lock and a dead worker holds up nobody.
"""

from __future__ import annotations

import contextlib
import marshal
import mmap
import os
import signal
import struct
import tempfile
from collections.abc import Callable, Mapping
from typing import IO, Final

from sessionlint.facts.cache import FactsCache
from sessionlint.facts.reading import Outcome, Reader, error_blob
from sessionlint.forked import can_fork

_CHUNKS_PER_WORKER: Final = 40
_NUMBER: Final = struct.Struct("<H")
_LENGTH: Final = struct.Struct("<Q")
_COUNT: Final = struct.Struct("<Q")
# All chunk numbers must fit into a pipe, which holds at least 4 KiB.
_MOST_CHUNKS: Final = 2_000


def read_in_parallel(
    reader: Reader,
    sizes: Mapping[str, int],
    cache: FactsCache,
    processes: int,
    progress: Callable[[int, int], None],
) -> list[Outcome]:
    """Outcomes of the files in ``sizes`` (path to bytes); those that a worker took to its grave are missing."""
    chunks = _chunks(sizes, min(processes * _CHUNKS_PER_WORKER, _MOST_CHUNKS))
    if not can_fork():
        return [reader.read(path, cache) for chunk in chunks for path in chunk]
    team = _Team(reader, cache, chunks, progress, len(sizes))
    try:
        for slot in range(1, processes):
            if not team.hire(slot):
                break
        return team.work() + team.collect()
    finally:
        team.dismiss()


def read_apart(reader: Reader, path: str, cache: FactsCache) -> Outcome:
    """The outcome of one file, read in a process of its own; an error if that process dies."""
    team = _Team(reader, cache, [[path]], lambda done, total: None, 1)
    try:
        if not can_fork() or not team.hire(1):
            return reader.read(path, cache)
        collected = team.collect()
    finally:
        team.dismiss()
    if collected:
        return collected[0]
    message = f"cannot be read: the process reading it died ({team.last_death}); exclude it from the check"
    return Outcome(path, b"", error_blob(1, 1, message))


def _chunks(sizes: Mapping[str, int], number: int) -> list[list[str]]:
    """Files in chunks of about equal bytes, the largest file first so that no worker ends up with it last."""
    target = sum(sizes.values()) / number
    chunks: list[list[str]] = [[]]
    filled = 0
    for path in sorted(sizes, key=lambda path: (-sizes[path], path)):
        if chunks[-1] and filled + sizes[path] > target and len(chunks) < _MOST_CHUNKS:
            chunks.append([])
            filled = 0
        chunks[-1].append(path)
        filled += sizes[path]
    return chunks


class _Team:
    """The processes at work on one list of chunks."""

    def __init__(
        self,
        reader: Reader,
        cache: FactsCache,
        chunks: list[list[str]],
        progress: Callable[[int, int], None],
        total: int,
    ) -> None:
        self.last_death = ""
        self._reader = reader
        self._cache = cache
        self._chunks = chunks
        self._progress = progress
        self._total = total
        self._workers: dict[int, IO[bytes]] = {}
        self._counts = mmap.mmap(-1, mmap.PAGESIZE)
        self._slots = mmap.PAGESIZE // _COUNT.size
        self._queue, filling = os.pipe()
        os.write(filling, b"".join(_NUMBER.pack(number) for number in range(len(chunks))))
        # With no writer left, an empty queue reads as its end.
        os.close(filling)

    def hire(self, slot: int) -> bool:
        """Start a worker; ``False`` if the system has no room for one."""
        if slot >= self._slots:
            return False
        try:
            answers = tempfile.TemporaryFile()  # noqa: SIM115 -- closed by dismiss
        except OSError:
            return False
        try:
            pid = os.fork()
        except OSError:
            answers.close()
            return False
        if pid == 0:
            self._serve(slot, answers)
        self._workers[pid] = answers
        return True

    def work(self) -> list[Outcome]:
        """Take chunks in this process until none is left."""
        outcomes: list[Outcome] = []
        while (chunk := self._next()) is not None:
            for path in chunk:
                outcomes.append(self._reader.read(path, self._cache))
                self._progress(len(outcomes) + self._done_by_workers(), self._total)
        return outcomes

    def collect(self) -> list[Outcome]:
        """Wait for the workers; whatever they finished, also those that died."""
        outcomes: list[Outcome] = []
        for pid in list(self._workers):
            _, status = os.waitpid(pid, 0)
            answers = self._workers.pop(pid)
            with answers:
                outcomes += self._answers(answers)
            code = os.waitstatus_to_exitcode(status)
            self.last_death = f"signal {-code}" if code < 0 else f"exit status {code}"
        return outcomes

    def dismiss(self) -> None:
        """End workers that are still there (after an interrupt) and free what the team held."""
        for pid, answers in self._workers.items():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            answers.close()
        self._workers.clear()
        os.close(self._queue)
        self._counts.close()

    def _next(self) -> list[str] | None:
        number = os.read(self._queue, _NUMBER.size)
        return self._chunks[_NUMBER.unpack(number)[0]] if len(number) == _NUMBER.size else None

    def _serve(self, slot: int, answers: IO[bytes]) -> None:
        """A worker's life. It leaves without the clean-up that belongs to the process it is a copy of."""
        done = 0
        try:
            while (chunk := self._next()) is not None:
                for path in chunk:
                    outcome = self._reader.read(path, self._cache)
                    packed = marshal.dumps((path, outcome.key, outcome.blob, outcome.reused))
                    answers.write(_LENGTH.pack(len(packed)) + packed)
                    done += 1
                    _COUNT.pack_into(self._counts, slot * _COUNT.size, done)
                answers.flush()
        finally:
            os._exit(0)

    def _done_by_workers(self) -> int:
        return sum(_COUNT.unpack_from(self._counts, slot * _COUNT.size)[0] for slot in range(self._slots))

    def _answers(self, answers: IO[bytes]) -> list[Outcome]:
        answers.seek(0)
        data = answers.read()
        outcomes: list[Outcome] = []
        at = 0
        while at + _LENGTH.size <= len(data):
            end = at + _LENGTH.size + _LENGTH.unpack_from(data, at)[0]
            if end > len(data):
                break
            path, key, blob, reused = marshal.loads(data[at + _LENGTH.size : end])
            outcomes.append(Outcome(path, key, blob, reused))
            at = end
        return outcomes
