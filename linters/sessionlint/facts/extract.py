"""Facts of many files, from the cache where nothing changed, else read by all processors at once."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sessionlint.collector import without_collector
from sessionlint.facts.cache import FactsCache
from sessionlint.facts.parallel import read_apart, read_in_parallel
from sessionlint.facts.reading import Lower, Outcome, Reader, error_in, stat_or_error
from sessionlint.report import CheckError

Progress = Callable[[int, int], None]

# Below this many bytes of source a second process costs more than it saves.
_WORTH_A_PROCESS = 1_000_000


@dataclass(frozen=True, slots=True)
class ExtractionStats:
    """Counts of files: in all, ``unchanged`` since the last run, ``reused`` by content, ``read`` anew, failed."""

    files: int
    unchanged: int
    reused: int
    read: int
    failed: int


@dataclass(frozen=True, slots=True)
class Extraction:
    """``blobs`` holds marshalled facts by path (``b""`` for files the screen left out), in the order asked.

    ``keys`` are the content keys of the same files; a file that could not be read has none.
    """

    blobs: dict[str, bytes]
    keys: dict[str, bytes]
    errors: tuple[CheckError, ...]
    stats: ExtractionStats


def extract(
    root: Path,
    files: Sequence[str],
    cache: FactsCache,
    lower: Lower,
    screen: re.Pattern[bytes] | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Extraction:
    """Facts of ``files`` (relative to ``root``), with an error for each that has none; never raises for a file.

    A file in which ``screen`` finds nothing is only checked for valid syntax. ``workers`` is the number of
    processes, all processors by default. ``progress`` is called with files done and files in all. New facts
    are put into ``cache``, which the caller saves.
    """
    reader = Reader(root, lower, screen)
    results: dict[str, bytes] = {}
    keys: dict[str, bytes] = {}
    errors: dict[str, CheckError] = {}
    stale: dict[str, os.stat_result] = {}
    tag, base = reader.tag, os.fspath(root)
    for path in files:
        status = stat_or_error(path, os.path.join(base, path))  # noqa: PTH118 -- Path takes three times as long, for every file
        if isinstance(status, CheckError):
            errors[path] = status
        elif (blob := cache.lookup(f"{tag}:{path}", status)) is not None:
            results[path] = blob
            keys[path] = cache.key_of(f"{tag}:{path}")
        else:
            stale[path] = status
    reused = 0
    unchanged = len(results)
    for outcome in _read(reader, stale, cache, workers, _offset(progress, len(files) - len(stale), len(files))):
        results[outcome.path] = outcome.blob
        keys[outcome.path] = outcome.key
        reused += outcome.reused
        if outcome.key:
            cache.put(f"{tag}:{outcome.path}", stale[outcome.path], outcome.key, outcome.blob)
    for path, blob in results.items():
        if (error := error_in(path, blob)) is not None:
            errors[path] = error
    stats = ExtractionStats(len(files), unchanged, reused, len(stale) - reused, len(errors))
    blobs = {path: results[path] for path in files if path not in errors}
    keys = {path: keys[path] for path in blobs}
    return Extraction(blobs, keys, tuple(errors[path] for path in dict.fromkeys(files) if path in errors), stats)


def _read(
    reader: Reader,
    stale: dict[str, os.stat_result],
    cache: FactsCache,
    workers: int | None,
    progress: Progress,
) -> list[Outcome]:
    paths = list(stale)
    sizes = {path: status.st_size for path, status in stale.items()}
    processes = min(workers or os.cpu_count() or 1, len(paths))
    with without_collector():
        if processes < 2 or sum(sizes.values()) < _WORTH_A_PROCESS:
            outcomes = []
            for done, path in enumerate(paths, 1):
                outcomes.append(reader.read(path, cache))
                progress(done, len(paths))
            return outcomes
        outcomes = read_in_parallel(reader, sizes, cache, processes, progress)
        read = {outcome.path for outcome in outcomes}
        # A worker died over one of these; each gets a process of its own, so that only the culprit is lost.
        outcomes += [read_apart(reader, path, cache) for path in paths if path not in read]
        progress(len(paths), len(paths))
    return outcomes


def _offset(progress: Progress | None, before: int, total: int) -> Progress:
    def report(done: int, _: int) -> None:
        if progress is not None:
            progress(before + done, total)

    return report
