"""Programs of files that lie in a git repository: every version of a file is read and evaluated once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sessionlint.collector import without_collector
from sessionlint.facts import screen
from sessionlint.facts.cache import FactsCache
from sessionlint.facts.lower import lower_module
from sessionlint.facts.reading import Reader, error_blob, error_in
from sessionlint.facts.source import SourceError, decode, with_deep_stack
from sessionlint.gate.suppression_comments import comments_of
from sessionlint.git_store import Entry, Repository
from sessionlint.policy_model import Policy
from sessionlint.program.api import Program
from sessionlint.program.build import names_of, solve
from sessionlint.program.memo import Memo
from sessionlint.program.memo_store import MemoStore
from sessionlint.program.passed_over import words_of
from sessionlint.report import CheckError, Suppression

_POINTER = b"version https://git-lfs.github.com/spec/"
_POINTER_MESSAGE = "is a Git LFS pointer: its content is not in the repository; check the work tree instead"


@dataclass(frozen=True, slots=True)
class _Nowhere:
    """Stands for the status of a file that is not on disk."""

    st_size: int = 0
    st_mtime_ns: int = 0
    st_ctime_ns: int = 0
    st_ino: int = 0


_NOWHERE = _Nowhere()


@dataclass(slots=True)
class RevisionFacts:
    """What was read of ``repository`` so far, over any number of revisions; ``directory`` holds facts between runs."""

    repository: Repository
    directory: Path | None = None
    _cache: FactsCache | None = None
    _blobs: dict[tuple[str, str], bytes] = field(default_factory=dict)
    _memos: dict[str, Memo] = field(default_factory=dict)
    _words: dict[str, frozenset[bytes]] = field(default_factory=dict)
    _silent: set[tuple[str, bool]] = field(default_factory=set)
    _fresh: bool = False

    def program(self, files: Mapping[str, Entry], lines: Mapping[str, Entry], policy: Policy) -> Program:
        """The program of ``files`` under ``policy``, solved from the one before; ``lines`` may be asked for lines."""
        screened = Reader(Path(), lower_module, screen.file_screen(names_of(policy)))
        whole = Reader(Path(), lower_module, None)
        errors: list[CheckError] = []
        blobs: dict[str, bytes] = {}

        def read() -> None:
            for path, entry in files.items():
                blob = self._facts(screened, path, entry.oid)
                error = error_in(path, blob)
                if error is None:
                    blobs[path] = blob
                else:
                    errors.append(error)

        def blob_of(path: str) -> bytes | None:
            blob = blobs.get(path)
            return self._facts(whole, path, files[path].oid) if blob == b"" else blob

        with without_collector():
            with_deep_stack(read)

        def words_in(path: str) -> frozenset[bytes]:
            oid = files[path].oid
            if oid not in self._words:
                self._words[oid] = words_of(self.repository.blob(oid))
            return self._words[oid]

        solver = solve(blobs, policy, self._memo(policy), blob_of, words_in=words_in)
        self._save()
        return Program(policy, solver, tuple(errors), self._lines(lines))

    def comments(self, files: Mapping[str, Entry], *, forbid: bool) -> tuple[Suppression, ...]:
        """The suppression comments of the files; a version without any is looked at once."""
        found: list[Suppression] = []
        for path, entry in files.items():
            if (entry.oid, forbid) in self._silent:
                continue
            listed = tuple(comments_of(path, self.repository.blob(entry.oid), forbid=forbid))
            if not listed:
                self._silent.add((entry.oid, forbid))
            found += listed
        return tuple(found)

    def _memo(self, policy: Policy) -> Memo:
        memo = self._memos.get(policy.digest)
        if memo is None:
            # Runs on the work tree write it; a revision has much in common with that.
            memo = MemoStore(self.directory, policy).load() if self.directory else Memo()
            self._memos[policy.digest] = memo
        return memo

    def _facts(self, reader: Reader, path: str, oid: str) -> bytes:
        known = self._blobs.get((reader.tag, oid))
        if known is None:
            if self._cache is None:
                self._cache = FactsCache(self.directory)
            known = self._cache.lookup(f"git:{reader.tag}:{oid}", _NOWHERE)
            known = self._read(self._cache, reader, path, oid) if known is None else known
            self._blobs[reader.tag, oid] = known
        return known

    def _read(self, cache: FactsCache, reader: Reader, path: str, oid: str) -> bytes:
        data = self.repository.blob(oid)
        if data.startswith(_POINTER):
            return error_blob(1, 1, _POINTER_MESSAGE)
        outcome = reader.read_data(path, data, cache)
        if outcome.key:
            cache.put(f"git:{reader.tag}:{oid}", _NOWHERE, outcome.key, outcome.blob)
            self._fresh = True
        return outcome.blob

    def _save(self) -> None:
        if self._cache is not None and self._fresh:
            self._cache.save()
            self._fresh = False

    def _lines(self, files: Mapping[str, Entry]) -> Callable[[str, int], str]:
        texts: dict[str, list[str]] = {}

        def line_of(path: str, line: int) -> str:
            if path not in texts:
                try:
                    entry = files.get(path)
                    texts[path] = decode(self.repository.blob(entry.oid), path).split("\n") if entry else []
                except SourceError:
                    texts[path] = []
            lines = texts[path]
            return lines[line - 1] if 0 < line <= len(lines) else ""

        return line_of
