"""One program in many states: edits as one types, the commits of a history, a fix being tried.

Each state is checked as a run of its own would check it; what it costs is what changed since the one before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from sessionlint.facts import screen
from sessionlint.facts.cache import FactsCache, content_key
from sessionlint.facts.lower import lower_module
from sessionlint.facts.numbering import Numbering, marks
from sessionlint.facts.packing import unpack
from sessionlint.facts.reading import Reader, error_in
from sessionlint.facts.renumbered import moved_facts
from sessionlint.facts.source import SourceError, decode
from sessionlint.policy_model import Policy
from sessionlint.program.above import look_above
from sessionlint.program.api import Program
from sessionlint.program.build import module_names, names_of, solve, take_edit
from sessionlint.program.editing import Editing
from sessionlint.program.importing import application_folders
from sessionlint.program.listing import FileListing
from sessionlint.program.memo import Memo
from sessionlint.program.passed_over import words_of
from sessionlint.program.situations import Situations, moved
from sessionlint.report import CheckError

#: After so many edits the program is solved again, and what the edits left behind goes.
_EDITS = 200


class Engine:
    """Solves successive states of the program under ``root``.

    ``policy`` is that of the project (the built-in defaults when it has none, as for a run that infers one).
    ``cache`` may hold facts of earlier runs. An engine is used by one thread at a time.
    """

    def __init__(self, root: Path, policy: Policy | None = None, cache: FactsCache | None = None) -> None:
        """An engine that has solved nothing yet."""
        self.root = root
        self.policy = policy or Policy(root=root)
        self._memo = Memo()
        self._cache = cache or FactsCache(None)
        self._reader = Reader(root, lower_module, screen.file_screen(names_of(self.policy)))
        self._whole = Reader(root, lower_module, None)
        self._facts: dict[tuple[bytes, bool], bytes] = {}
        self._last: _Last | None = None

    def solve(self, sources: Mapping[str, bytes], *, edit: bool = False) -> Program:
        """The program of these files: path relative to the root -> content. All of them, not only the changed ones.

        The program before must not be asked any more: its functions have become those of this one.
        ``edit``: when one file changed, and other files see no difference, the solution before becomes this one's
        (:attr:`Program.changed` tells).
        """
        keys = {path: content_key(data) for path, data in sources.items()}
        blobs = {path: self._blob(path, keys[path], data, False) for path, data in sources.items()}
        errors = {path: error for path, blob in blobs.items() if (error := error_in(path, blob)) is not None}

        numbered = self._numbered(keys, errors, blobs, sources) if edit else {}
        blobs |= {path: blob for path, (blob, _) in numbered.items() if blobs[path]}

        def blob_of(path: str) -> bytes | None:
            blob = blobs.get(path)
            if blob == b"":
                # the screen passed it over, but code that matters asks for a name in it
                return numbered[path][0] if path in numbered else self._blob(path, keys[path], sources[path], True)
            return blob

        sound = {path: blob for path, blob in blobs.items() if path not in errors}
        changed = self._taken(keys, errors, blobs, blob_of, sources) if edit else None
        if changed is None or self._last is None:
            solver = solve(sound, self.policy, self._memo, blob_of, words_in=lambda path: words_of(sources[path]))
            edits, known = 0, {}
        else:
            solver, edits = self._last.solver, self._last.edits + 1
            known = {path: listing for path, listing in self._last.listings.items() if path not in changed}
        problems = tuple(errors[path] for path in sorted(errors))
        numberings = {path: numbering for path, (_, numbering) in numbered.items()}
        program = Program(self.policy, solver, problems, _Lines(sources).read, changed, known, numberings)
        look_above(program, solver)
        situations = program.situations
        if changed is not None and self._last is not None and moved(self._last.situations, situations, changed):
            program.changed = None
        self._last = _Last(solver, keys, blobs, errors, edits, situations, program.listings, sources, numbered)
        self._forget(frozenset(keys.values()))
        return program

    def error_in(self, path: str, data: bytes) -> CheckError | None:
        """What is wrong with a file of these bytes, if anything; a program with it will not read it again."""
        return error_in(path, self._blob(path, content_key(data), data, False))

    def _numbered(
        self,
        keys: Mapping[str, bytes],
        errors: Mapping[str, CheckError],
        blobs: Mapping[str, bytes],
        sources: Mapping[str, bytes],
    ) -> dict[str, tuple[bytes, Numbering]]:
        """Facts of files whose lines keep the numbers they had in states before, with those."""
        last = self._last
        if last is None or last.edits >= _EDITS:
            return {}
        found: dict[str, tuple[bytes, Numbering]] = {}
        for path in sources:
            if keys[path] == last.keys.get(path):
                if path in last.numbered:
                    found[path] = last.numbered[path]
            elif path in last.keys and path not in errors and (blobs[path] or path in last.solver.modules):
                before = last.numbered[path][1] if path in last.numbered else None
                numbered = self._moved_facts(path, last.sources[path], sources[path], before)
                if numbered is not None:
                    found[path] = numbered
        return found

    def _moved_facts(
        self, path: str, before: bytes, now: bytes, numbering: Numbering | None
    ) -> tuple[bytes, Numbering] | None:
        try:
            return moved_facts(self._whole, path, marks(decode(before, path)), now, numbering)
        except SourceError:
            return None

    def _taken(
        self,
        keys: Mapping[str, bytes],
        errors: Mapping[str, CheckError],
        blobs: Mapping[str, bytes],
        blob_of: Callable[[str], bytes | None],
        sources: Mapping[str, bytes],
    ) -> frozenset[str] | None:
        """The changed files that the last solution could take; ``None``: the program has to be solved."""
        last, self._last = self._last, None
        if last is None or last.edits >= _EDITS or last.keys.keys() != keys.keys() or last.errors != errors:
            return None
        changed = [path for path, key in keys.items() if key != last.keys[path]]
        if len(changed) > 1 or any(path in errors for path in changed):
            return None
        for path in changed:
            if bool(last.blobs[path]) != bool(blobs[path]) or self._renames(last, path, blobs):
                return None
            unread = not blobs[path] and path not in last.solver.modules
            if unread and last.solver.passed_over.is_asked_for(sources[path], last.solver.searched):
                return None
            if not take_edit(last.solver, path, blob_of):
                return None
        self._last = last
        return frozenset(changed)

    def _renames(self, last: _Last, path: str, blobs: Mapping[str, bytes]) -> bool:
        """Whether the imports of a changed file tell other names of modules than those before, or may put a file of
        one application into another one."""
        if not blobs[path]:
            return False
        before, now = frozenset(unpack(last.blobs[path])[1]), frozenset(unpack(blobs[path])[1])
        if before == now or not last.solver.names.may_mean(before ^ now):
            return False
        if len(application_folders(last.solver, self.policy)) > 1:
            return True
        sound = {path: blob for path, blob in blobs.items() if path not in last.errors}
        return module_names(sound, self.policy, self._memo).identity != last.solver.names.identity

    def _blob(self, path: str, key: bytes, data: bytes, whole: bool) -> bytes:
        known = self._facts.get((key, whole))
        if known is None:
            reader = self._whole if whole else self._reader
            outcome = reader.read_data(path, data, self._cache)
            known = self._facts[key, whole] = outcome.blob
            if outcome.key:
                self._cache.keep(outcome.key, outcome.blob)
        return known

    def _forget(self, current: frozenset[bytes]) -> None:
        """Keeps the facts of this state, and of a few others."""
        if len(self._facts) > 4 * len(current) + 200:
            self._facts = {k: blob for k, blob in self._facts.items() if k[0] in current}


class _Last(NamedTuple):
    """The last solution, what it was made of, how many edits it has taken since; what runs its functions, and what
    each file has.
    """

    solver: Editing
    keys: Mapping[str, bytes]
    blobs: Mapping[str, bytes]
    errors: Mapping[str, CheckError]
    edits: int
    situations: Situations
    listings: Mapping[str, FileListing]
    sources: Mapping[str, bytes]
    #: facts of files that do not have their lines' own numbers
    numbered: Mapping[str, tuple[bytes, Numbering]]


class _Lines:
    """The lines of the sources at hand, decoded when a finding asks for one."""

    def __init__(self, sources: Mapping[str, bytes]) -> None:
        self._sources = sources
        self._lines: dict[str, Sequence[str]] = {}

    def read(self, path: str, line: int) -> str:
        lines = self._lines.get(path)
        if lines is None:
            try:
                lines = decode(self._sources.get(path, b""), path).split("\n")
            except SourceError:
                lines = ()
            self._lines[path] = lines
        return lines[line - 1] if 0 < line <= len(lines) else ""
