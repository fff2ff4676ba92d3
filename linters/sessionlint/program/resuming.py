"""The solution of an earlier run on a project, with the few files that changed since taken into it."""

from __future__ import annotations

import gc
from array import array
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from sessionlint.collector import without_collector
from sessionlint.facts.lower import lower_module
from sessionlint.facts.numbering import Numbering, marks
from sessionlint.facts.packing import unpack
from sessionlint.facts.reading import Reader
from sessionlint.facts.renumbered import moved_facts
from sessionlint.facts.source import SourceError, decode, with_deep_stack
from sessionlint.policy_model import Policy
from sessionlint.program.above import look_above
from sessionlint.program.api import Program
from sessionlint.program.build import Reading, lines_under, module_names, new_solver, take_edit
from sessionlint.program.editing import Editing
from sessionlint.program.importing import application_folders
from sessionlint.program.memo import Memo
from sessionlint.program.modules import ModuleNames
from sessionlint.program.situations import moved
from sessionlint.program.solution_store import Made, SolutionStore, Stored
from sessionlint.report import Finding

#: With more files changed than this the program is solved.
_MOST = 12


class Resumed(NamedTuple):
    """A program that differs from the one of an earlier run in ``Program.changed`` only, and what was said of that."""

    program: Program
    found: tuple[Finding, ...]
    #: stands for the policy that they go by
    judged: str
    #: the files that solving read
    modules: frozenset[str]


def resume(
    root: Path,
    reading: Reading,
    policy: Policy,
    store: SolutionStore,
    part: frozenset[str] | None = None,
    names: ModuleNames | None = None,
) -> Resumed | None:
    """The program that was read (a ``part`` of it), from the solution in ``store``; ``None``: it must be solved."""
    with without_collector():
        stored = store.load()
        if stored is None:
            return None
        made = stored.made
        keys = _keys(reading, part)
        changed = [path for path, key in keys.items() if made.keys.get(path) != key]
        if keys.keys() != made.keys.keys() or len(changed) > _MOST or made.errors != reading.errors:
            return None
        if any(reading.keys.get(path) != key for path, key in made.left.items()):
            return None
        names = names or module_names(reading.blobs, policy)
        if names.identity != made.names:
            return None
        try:
            resumed = _resumed(root, reading, policy, stored, changed, part, names)
        except Exception:
            resumed = None  # what an earlier run left must not stop this one
        if resumed is None:
            del stored, made
            gc.collect()  # a program of some size, and its functions refer to one another
        return resumed


def _resumed(
    root: Path,
    reading: Reading,
    policy: Policy,
    stored: Stored,
    changed: Sequence[str],
    part: frozenset[str] | None,
    names: ModuleNames,
) -> Resumed | None:
    made = stored.made
    facts = _Facts(reading, made, {})
    for path in changed:
        if not facts.learn(path):
            return None
    solver = new_solver(reading.blobs, policy, Memo(), facts.now, part, names, reading.words_in)
    if not with_deep_stack(lambda: stored.put_into(solver, facts.before)):
        return None
    numberings: dict[str, Numbering] = {}
    apart = len(application_folders(solver, policy)) > 1
    for path in changed:
        data = (root / path).read_bytes()
        if path not in solver.modules:
            if not reading.blobs.get(path) and solver.asks_for(data):
                return None
            continue
        if apart and _imports_others(names, facts.before(path), facts.now(path)):
            return None
        numbered = moved_facts(Reader(root, lower_module, None), path, _marks(made, path), data, None)
        if numbered is not None:
            facts.numbered[path], numberings[path] = numbered
        if not take_edit(solver, path, facts.now):
            return None
    differing = frozenset(changed)
    program = Program(policy, solver, reading.errors, lines_under(root), differing, None, numberings)
    look_above(program, solver)
    if moved(made.situations, program.situations, differing):
        program.changed = None
    return Resumed(program, made.found, made.judged, made.modules)


class _Facts:
    """The facts of files as they were and as they are; changed ones may have numbered lines."""

    def __init__(self, reading: Reading, made: Made, numbered: dict[str, bytes]) -> None:
        self._reading = reading
        self._made = made
        self._old: dict[str, bytes] = {}
        self.numbered = numbered

    def learn(self, path: str) -> bool:
        """Finds out the facts that a changed file had; whether they are known and may be compared."""
        key = self._made.facts.get(path) or self._made.keys[path]
        old = self._reading.cache.get(key)
        if old is None:
            return False
        self._old[path] = old
        return path in self._made.facts or bool(old) == bool(self._reading.blobs.get(path))

    def before(self, path: str) -> bytes | None:
        return self._old[path] if path in self._old else self._reading.blob_of(path)

    def now(self, path: str) -> bytes | None:
        return self.numbered[path] if path in self.numbered else self._reading.blob_of(path)


def _imports_others(names: ModuleNames, before: bytes | None, now: bytes | None) -> bool:
    """Whether a file may import other files of the project than it did."""
    old = frozenset(unpack(before)[1]) if before else frozenset()
    new = frozenset(unpack(now)[1]) if now else frozenset()
    return names.may_mean(old ^ new)


def keep(
    root: Path,
    reading: Reading,
    solver: Editing,
    program: Program,
    store: SolutionStore,
    found: Iterable[Finding],
    judged: str,
    modules: frozenset[str],
    part: frozenset[str] | None = None,
) -> None:
    """Stores a program that was solved, and what was ``found`` in it by the policy that ``judged`` stands for.

    ``modules`` are the files that solving read.
    """
    keys = _keys(reading, part)
    left = {path: reading.keys.get(path, b"") for path in solver.modules if path not in keys}
    facts = {path: key for path, (key, _) in reading.demanded.items() if path in solver.modules}
    lines = {path: array("I", marks(_text(root, path))).tobytes() for path in solver.modules}
    made = Made(
        keys, left, facts, reading.errors, solver.names.identity, judged, tuple(found), modules, program.situations,
        lines,
    )  # fmt: skip
    with without_collector():
        with_deep_stack(lambda: store.save(solver, made))


def _text(root: Path, path: str) -> str:
    try:
        return decode((root / path).read_bytes(), path)
    except (OSError, SourceError):
        return ""


def _marks(made: Made, path: str) -> tuple[int, ...]:
    found = array("I")
    found.frombytes(made.marks.get(path, b""))
    return tuple(found)


def _keys(reading: Reading, part: frozenset[str] | None) -> dict[str, bytes]:
    return {path: reading.keys.get(path, b"") for path in reading.blobs if part is None or path in part}


__all__ = ["Resumed", "keep", "resume"]
