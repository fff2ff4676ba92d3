"""From files to a solved program."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sessionlint.collector import without_collector
from sessionlint.facts import screen
from sessionlint.facts.cache import FactsCache
from sessionlint.facts.extract import extract
from sessionlint.facts.lower import lower_module
from sessionlint.facts.packing import unpack
from sessionlint.facts.source import with_deep_stack
from sessionlint.program.api import Program
from sessionlint.program.division_store import Division, DivisionStore
from sessionlint.program.editing import Editing
from sessionlint.program.evaluate import evaluate_function, sign_function
from sessionlint.program.import_roots import inner_packages, library_names
from sessionlint.program.memo import Memo
from sessionlint.program.memo_store import MemoStore
from sessionlint.program.model import ModuleInfo
from sessionlint.program.modules import ModuleNames
from sessionlint.program.parts import divided, entered, passed_over
from sessionlint.program.passed_over import PassedOver, WordsIn, words_of
from sessionlint.program.solver import Solver

#: A memo is written anew when more evaluations than this, and more than a tenth of all, were new.
_DRIFT = 100
#: A memo of more facts than this (bytes; some 30,000 lines) is made when a project is checked for the second time…
_SMALL = 3 << 20
#: … and one of more than this (some 200,000 lines) takes more memory than it is worth: all that is kept of it, from
#: the second time on, is the solution, …
_REMEMBERED = 20 << 20
#: … and that of one of more than this (a million lines) never.
_KEPT = 100 << 20

if TYPE_CHECKING:
    from sessionlint.policy import Policy
    from sessionlint.report import CheckError


def build_program(
    root: Path,
    files: Sequence[str],
    policy: Policy,
    *,
    cache_dir: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Program:
    """Reads the files (paths relative to ``root``) and solves the program.

    ``cache_dir`` holds facts between runs (``None``: no cache). Files that cannot be read are in
    ``Program.errors``; the others are analysed without them.
    """
    reading = read_program(root, files, policy, cache_dir=cache_dir, progress=progress)
    solver = solve_part(reading, policy, cache_dir)
    reading.cache.save()
    return Program(policy, solver, reading.errors, lines_under(root))


def build_parts(
    root: Path,
    files: Sequence[str],
    policy: Policy,
    *,
    cache_dir: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Divided:
    """Reads them and finds the parts that no imports join, where there are large ones: they may be solved apart."""
    reading = read_program(root, files, policy, cache_dir=cache_dir, progress=progress)
    store = DivisionStore(cache_dir, policy) if cache_dir else None
    division = store.load(reading.blobs, reading.keys, reading.cache) if store else None
    if division is None:
        names = module_names(reading.blobs, policy)
        division = Division(names, divided(reading.blobs, names, policy))
        if store is not None:
            store.save(division, reading.blobs, reading.keys)
    return Divided(reading, division.names, division.parts, tuple(files))


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of a program: facts and content keys by path, and an error for each file that has none.

    ``blob_of`` also reads what the screen left out; ``demanded`` are such files with their content keys and facts.
    ``returning`` says that most files had been read by an earlier run.
    """

    blobs: Mapping[str, bytes]
    keys: Mapping[str, bytes]
    errors: tuple[CheckError, ...]
    cache: FactsCache
    blob_of: Callable[[str], bytes | None]
    words_in: WordsIn
    demanded: dict[str, tuple[bytes, bytes]]
    returning: bool


class Divided(NamedTuple):
    """A program that may be solved in parts, the first of which is that of the policy's own modules."""

    reading: Reading
    names: ModuleNames
    parts: list[frozenset[str]]
    files: tuple[str, ...]

    def content(self, path: str) -> str:
        """Stands for the content of a file."""
        return self.reading.keys.get(path, b"").hex()


def read_program(
    root: Path,
    files: Sequence[str],
    policy: Policy,
    *,
    cache_dir: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Reading:
    """Reads the files; the caller saves :attr:`Reading.cache` when no more will be read."""
    cache = FactsCache(cache_dir)
    extraction = extract(root, files, cache, lower_module, screen.file_screen(names_of(policy)), None, progress)
    blobs = extraction.blobs
    demanded: dict[str, tuple[bytes, bytes]] = {}

    def blob_of(path: str) -> bytes | None:
        blob = blobs.get(path)
        if blob == b"" and path not in demanded:
            # the screen passed it over, but code that matters asks for a name in it
            more = extract(root, [path], cache, lower_module)
            demanded[path] = (more.keys.get(path, b""), more.blobs.get(path, b""))
        return demanded[path][1] if blob == b"" else blob

    def words_in(path: str) -> frozenset[bytes]:
        try:
            return words_of((root / path).read_bytes())
        except OSError:
            return frozenset()  # it has gone since

    stats = extraction.stats
    returning = stats.unchanged + stats.reused > stats.files // 2
    return Reading(blobs, extraction.keys, extraction.errors, cache, blob_of, words_in, demanded, returning)


def lines_under(root: Path) -> Callable[[str, int], str]:
    """Reads single lines of files under ``root``."""

    def read_line(path: str, line: int) -> str:
        return linecache.getline(str(root / path), line).rstrip("\r\n")

    return read_line


def module_names(blobs: Mapping[str, bytes], policy: Policy, memo: Memo | None = None) -> ModuleNames:
    """What the modules of a program are called: by their places, and by what its imports tell besides.

    ``memo`` is that of an earlier solution.
    """
    folder = policy.root.absolute().name
    names = ModuleNames(blobs, policy.src, folder)
    libraries = library_names(blobs, names, memo)
    if libraries:
        names = ModuleNames(blobs, policy.src, folder, (), libraries)
    inner = inner_packages(blobs, names, memo)
    return ModuleNames(blobs, policy.src, folder, inner, libraries) if inner else names


def solve_part(
    reading: Reading,
    policy: Policy,
    cache_dir: Path | None = None,
    part: frozenset[str] | None = None,
    names: ModuleNames | None = None,
) -> Editing:
    """Solves what was read, or one part of it, with the memo of an earlier run where ``cache_dir`` holds one."""
    size = sum(len(blob) for path, blob in reading.blobs.items() if part is None or path in part)
    worth = size < _SMALL or (size < _REMEMBERED and reading.returning)
    store = MemoStore(cache_dir, policy, min(part) if part else "") if cache_dir and worth else None
    with without_collector():
        kept = cache_dir is not None and is_kept(size, reading.returning)
        memo = store.load() if store else Memo(slim=True) if kept else None
        earlier = memo is not None and memo.is_known
        try:
            solver = solve(reading.blobs, policy, memo, reading.blob_of, part, names, words_in=reading.words_in)
        except Exception:
            if not earlier:
                raise
            # what an earlier run left must not stop this one
            memo = Memo()
            solver = solve(reading.blobs, policy, memo, reading.blob_of, part, names, words_in=reading.words_in)
            solver.statistics["memos of an earlier run that were given up"] += 1
        if store and memo and memo.evaluated > max(_DRIFT, memo.recalled // 10):
            store.save(memo)
    return solver


def is_kept(size: int, returning: bool) -> bool:
    """Whether the next run is left the solution of a program with so many bytes of facts.

    ``returning`` says that the program was checked before.
    """
    return size < (_KEPT if returning else _REMEMBERED)


def names_of(policy: Policy) -> frozenset[str]:
    """The identifiers a policy adds to what can matter."""
    dotted = (
        *policy.session_dependencies, *policy.session_contexts, *policy.session_types, *policy.session_factories,
        *policy.network_calls, *policy.background_sinks, *policy.auth_dependencies,
    )  # fmt: skip
    return frozenset((*policy.tenant_names, *(name.rpartition(".")[2] for name in dotted)))


def solve(
    blobs: Mapping[str, bytes],
    policy: Policy,
    memo: Memo | None = None,
    blob_of: Callable[[str], bytes | None] | None = None,
    part: frozenset[str] | None = None,
    names: ModuleNames | None = None,
    *,
    words_in: WordsIn | None = None,
) -> Editing:
    """Solves a program, or the ``part`` of it in some files, from marshalled facts by path.

    With a ``memo`` of earlier solutions under the same policy, only what changed since is evaluated. ``names`` are
    those of all files (found out when not given).
    ``blob_of`` gives the facts of a file when they are needed (``b""`` in ``blobs``: passed over so far), and
    ``words_in`` its words.
    """
    names = names or module_names(blobs, policy, memo)
    solver = new_solver(blobs, policy, memo, blob_of or blobs.get, part, names, words_in)
    roots = [path for path in entered(blobs, policy) if part is None or path in part]
    if memo is not None:
        memo.start()
    with without_collector():
        with_deep_stack(lambda: _solve(solver, roots))
    if memo is not None:
        memo.finish()
    return solver


def new_solver(
    blobs: Mapping[str, bytes],
    policy: Policy,
    memo: Memo | None,
    blob_of: Callable[[str], bytes | None],
    part: frozenset[str] | None,
    names: ModuleNames,
    words_in: WordsIn | None,
) -> Editing:
    """A solver that has met nothing yet; arguments as of :func:`solve`."""
    load = _loader(names, memo, blob_of)
    # what nobody below the routers may import
    auth = frozenset(name.rpartition(".")[2] for path, name in names.primary.items() if policy.layer_of(path) == "auth")
    solver = Editing(policy, names, load, evaluate_function, sign_function, names_of(policy) | auth, memo)
    solver.imports_of = lambda path: unpack(blobs[path])[1] if blobs.get(path) else ()
    solver.mentions = lambda path, name: name.encode() in blobs.get(path, b"")
    if words_in is not None and part is None:
        # which part such a file goes with, its imports would have to say
        solver.passed_over = PassedOver(passed_over(blobs, policy), words_in)
    return solver


def take_edit(solver: Editing, path: str, blob_of: Callable[[str], bytes | None]) -> bool:
    """Takes one changed file into a solved program; ``False``: others would see a difference, it must be solved."""
    load = _loader(solver.names, solver.memo, blob_of)
    with without_collector():
        return with_deep_stack(lambda: solver.take(path, blob_of(path) or b"", load))


def _loader(
    names: ModuleNames, memo: Memo | None, facts_of: Callable[[str], bytes | None]
) -> Callable[[str], ModuleInfo | None]:
    def load(path: str) -> ModuleInfo | None:
        blob = facts_of(path)
        if not blob:
            return None
        facts = unpack(blob) if memo is None else memo.meet(path, blob)
        module = ModuleInfo(path, names.primary.get(path, ""), path in names.packages, blob, facts)
        if memo is not None:
            module.body = memo.function(module, module.body.facts, "", None, None)
        return module

    return load


def _solve(solver: Solver, paths: list[str]) -> None:
    for path in paths:
        solver.module(path)
    solver.solve()
