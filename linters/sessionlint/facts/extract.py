"""Facts of all files: from the cache where nothing changed, else read, screened, parsed and lowered.

A blob is one byte of kind and its content: ``F`` facts, ``E`` an error (line, column, message), ``S`` a
file that is valid but mentions nothing that can matter (its facts are made when somebody asks).
"""

from __future__ import annotations

import ast
import concurrent.futures
import gc
import marshal
import multiprocessing
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sessionlint.facts.cache import FactsCache, content_key
from sessionlint.facts.source import SourceError, parse, with_deep_stack
from sessionlint.report import CheckError

Lower = Callable[[ast.Module, str], tuple[Any, ...]]
Progress = Callable[[int, int], None]
FACTS, ERROR, SCREENED = b"F", b"E", b"S"
#: Below this many bytes a second process costs more than it saves.
_PARALLEL_BYTES = 600_000
_CHUNKS_PER_WORKER = 6


@dataclass(slots=True)
class Extraction:
    """What was read. ``blobs`` are the marshalled facts by path (``b""``: nothing that matters in it)."""

    root: Path
    blobs: dict[str, bytes]
    errors: tuple[CheckError, ...]
    lower: Lower
    cache: FactsCache

    def load(self, path: str) -> Any:
        """The facts of a file, read now when the screen passed it over; ``None`` for unknown or broken files."""
        blob = self.blobs.get(path)
        if blob is None:
            return None
        if not blob:
            made = _read(self.root, path, self.lower, None)
            if made is None or made[1][:1] != FACTS:
                return None
            key, blob, stat = made[0], made[1][1:], made[2]
            self.cache.put(path, stat, key, FACTS + blob)
            self.blobs[path] = blob
        return marshal.loads(blob)


def extract(
    root: Path,
    files: Sequence[str],
    cache: FactsCache,
    lower: Lower,
    screen: re.Pattern[bytes] | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Extraction:
    """Facts of ``files`` (relative to ``root``); files that cannot be read become errors, the others go on.

    ``screen`` passes over files whose bytes it does not match (they are still checked for syntax).
    """
    records: dict[str, bytes] = {}
    todo: list[tuple[str, int]] = []
    vanished: list[CheckError] = []
    for path in files:
        try:
            stat = os.stat(root / path)
        except OSError as error:
            vanished.append(_unreadable(path, error))
            continue
        known = cache.lookup(path, stat)
        if known is not None:
            records[path] = known
        else:
            todo.append((path, stat.st_size))
    done = len(records)
    for path, made in _read_all(root, todo, lower, screen, workers):
        done += 1
        if progress is not None:
            progress(done, len(files))
        if isinstance(made, CheckError):
            vanished.append(made)
        else:
            records[path] = made[1]
            cache.put(path, made[2], made[0], made[1])
    return _sorted_out(root, records, vanished, lower, cache)


def _sorted_out(
    root: Path, records: dict[str, bytes], errors: list[CheckError], lower: Lower, cache: FactsCache
) -> Extraction:
    blobs: dict[str, bytes] = {}
    for path in sorted(records):
        kind, content = records[path][:1], records[path][1:]
        if kind == ERROR:
            line, column, message = marshal.loads(content)
            errors.append(CheckError(path, line, message, column))
        else:
            blobs[path] = content if kind == FACTS else b""
    return Extraction(root, blobs, tuple(sorted(errors, key=lambda e: (e.path, e.line))), lower, cache)


def _unreadable(path: str, error: OSError) -> CheckError:
    reason = error.strerror or type(error).__name__
    return CheckError(path, 1, f"the file could not be read ({reason}); make it readable or exclude it from the check")


Made = tuple[bytes, bytes, os.stat_result]


def _read(root: Path, path: str, lower: Lower, screen: re.Pattern[bytes] | None) -> Made | None:
    """Key, blob and stat of one file; ``None`` when it cannot be read."""
    try:
        with open(root / path, "rb") as file:
            stat = os.fstat(file.fileno())
            data = file.read()
    except OSError:
        return None
    return content_key(data), _blob(data, path, lower, screen), stat


def _blob(data: bytes, path: str, lower: Lower, screen: re.Pattern[bytes] | None) -> bytes:
    try:
        parsed = parse(data, path)
        if screen is not None and screen.search(data) is None:
            return SCREENED
        try:
            facts = lower(parsed.tree, parsed.text)
        except RecursionError:
            facts = with_deep_stack(lambda: lower(parsed.tree, parsed.text))
        return FACTS + marshal.dumps(facts)
    except SourceError as error:
        message = f"{error.message}; {error.remedy}"
        return ERROR + marshal.dumps((error.line, error.column, message))
    except (RecursionError, MemoryError, ValueError):
        message = "the code nests too deeply to be read; break it up, or exclude the file from the check"
        return ERROR + marshal.dumps((1, 1, message))


def _read_all(
    root: Path, todo: list[tuple[str, int]], lower: Lower, screen: re.Pattern[bytes] | None, workers: int | None
) -> Iterator[tuple[str, Made | CheckError]]:
    wanted = workers or os.cpu_count() or 1
    if wanted > 1 and sum(size for _, size in todo) > _PARALLEL_BYTES and "fork" in multiprocessing.get_all_start_methods():
        yield from _in_parallel(root, todo, lower, screen, wanted)
        return
    with _without_collector():
        for path, _ in todo:
            yield path, _made(root, path, lower, screen)


def _made(root: Path, path: str, lower: Lower, screen: re.Pattern[bytes] | None) -> Made | CheckError:
    made = _read(root, path, lower, screen)
    if made is None:
        return CheckError(path, 1, "the file vanished or cannot be read; run the check again or exclude the file")
    return made


def _chunk(root: Path, paths: list[str], lower: Lower, screen: re.Pattern[bytes] | None) -> list[Made | CheckError]:
    with _without_collector():
        return [_made(root, path, lower, screen) for path in paths]


def _in_parallel(
    root: Path, todo: list[tuple[str, int]], lower: Lower, screen: re.Pattern[bytes] | None, workers: int
) -> Iterator[tuple[str, Made | CheckError]]:
    chunks = _balanced(todo, workers * _CHUNKS_PER_WORKER)
    context = multiprocessing.get_context("fork")
    lost: list[list[str]] = []
    with concurrent.futures.ProcessPoolExecutor(workers, mp_context=context) as pool:
        futures = {pool.submit(_chunk, root, chunk, lower, screen): chunk for chunk in chunks}
        for future in concurrent.futures.as_completed(futures):
            chunk = futures[future]
            try:
                yield from zip(chunk, future.result(), strict=True)
            except (concurrent.futures.process.BrokenProcessPool, MemoryError):
                lost.append(chunk)
    for chunk in lost:
        for path in chunk:
            yield path, _alone(root, path, lower, screen)


def _alone(root: Path, path: str, lower: Lower, screen: re.Pattern[bytes] | None) -> Made | CheckError:
    """One file in a process of its own, after a worker died: the file that kills it becomes an error."""
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        try:
            return pool.submit(_made, root, path, lower, screen).result()
        except (concurrent.futures.process.BrokenProcessPool, MemoryError):
            return CheckError(path, 1, "reading this file ended the process; exclude it from the check and report it")


def _balanced(todo: list[tuple[str, int]], count: int) -> list[list[str]]:
    """Chunks of about equal size, the largest files first."""
    chunks: list[tuple[int, list[str]]] = [(0, []) for _ in range(count)]
    for path, size in sorted(todo, key=lambda t: (-t[1], t[0])):
        position = min(range(count), key=lambda i: chunks[i][0])
        chunks[position] = (chunks[position][0] + size + 2_000, [*chunks[position][1], path])
    return [paths for _, paths in chunks if paths]


@contextmanager
def _without_collector() -> Iterator[None]:
    """Syntax trees hold no cycles worth collecting; the collector would take a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
