"""From files to a solved program."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sessionlint.collector import without_collector
from sessionlint.facts import screen
from sessionlint.facts.cache import FactsCache
from sessionlint.facts.extract import extract
from sessionlint.facts.lower import lower_module
from sessionlint.facts.packing import unpack
from sessionlint.facts.source import with_deep_stack
from sessionlint.program.api import Program
from sessionlint.program.editing import Editing
from sessionlint.program.evaluate import evaluate_function, sign_function
from sessionlint.program.memo import Memo
from sessionlint.program.memo_store import MemoStore
from sessionlint.program.model import ModuleInfo
from sessionlint.program.modules import ModuleNames
from sessionlint.program.solver import Solver

#: A memo is written anew when more evaluations than this, and more than a fifth of all, were new.
_DRIFT = 100
#: A memo of more facts than this (bytes; some 200,000 lines) takes more memory than it is worth.
_REMEMBERED = 20 << 20

if TYPE_CHECKING:
    from sessionlint.policy import Policy


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
    cache = FactsCache(cache_dir)
    extraction = extract(root, files, cache, lower_module, screen.file_screen(names_of(policy)), None, progress)
    blobs = extraction.blobs

    def blob_of(path: str) -> bytes | None:
        blob = blobs.get(path)
        if blob == b"":
            # the screen passed it over, but code that matters asks for a name in it
            blob = extract(root, [path], cache, lower_module).blobs.get(path)
        return blob

    small = sum(map(len, blobs.values())) < _REMEMBERED
    store = MemoStore(cache_dir, policy) if cache_dir and small else None
    memo = store.load() if store else None
    solver = solve(blobs, policy, memo, blob_of)
    cache.save()
    if store and memo and memo.evaluated > max(_DRIFT, memo.recalled // 4):
        store.save(memo)

    def read_line(path: str, line: int) -> str:
        return linecache.getline(str(root / path), line).rstrip("\r\n")

    return Program(policy, solver, extraction.errors, read_line)


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
) -> Editing:
    """Solves a program from marshalled facts by path.

    With a ``memo`` of earlier solutions under the same policy, only what changed since is evaluated.
    ``blob_of`` gives the facts of a file when they are needed (``b""`` in ``blobs``: passed over so far).
    """
    names = ModuleNames(blobs, policy.src, policy.root.absolute().name)
    load = _loader(names, memo, blob_of or blobs.get)
    solver = Editing(policy, names, load, evaluate_function, sign_function, names_of(policy), memo)
    # Tests and migrations may do what they need: they are read when application code imports them.
    roots = sorted(p for p, b in blobs.items() if b and policy.layer_of(p) not in ("test", "migration"))
    if memo is not None:
        memo.start()
    with without_collector():
        with_deep_stack(lambda: _solve(solver, roots))
    if memo is not None:
        memo.finish()
    return solver


def take_edit(solver: Editing, path: str, blob_of: Callable[[str], bytes | None]) -> bool:
    """Takes one changed file into a solved program; ``False``: others would see a difference, it must be solved."""
    load = _loader(solver.names, solver.memo, blob_of)
    with without_collector():
        return with_deep_stack(lambda: solver.take(path, load))


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
